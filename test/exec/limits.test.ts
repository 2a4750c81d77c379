/** Kill, time limit, memory limit, SLEEP, and giving back the view. */

import { required, type VirtualTable } from '../../src/catalog/virtual-table.js';
import { executeSelect } from '../../src/exec/execute-select.js';
import { BIGINT, timestampType } from '../../src/exec/sql-value.js';
import { cpuTable } from './cpu-table.js';
import {
  defineTable,
  errorOf,
  harnessContext,
  MemoryTable,
  parseSelect,
  query,
  valueOf,
} from './query-harness.js';

const wide = defineTable('wide', [
  { name: 'ts', type: timestampType(3), role: 'time' },
  { name: 'n', type: BIGINT, role: 'field' },
]);
const wideTable = (rows: number): MemoryTable =>
  new MemoryTable(
    wide,
    Array.from({ length: rows }, (_, i) => [BigInt(i), (i * 7919) % rows]),
    { batchRows: 4096 },
  );

test('a killed query ends with 1317 and gives its view back', async () => {
  const table = wideTable(20_000);
  const controller = new AbortController();
  const context = harnessContext({ tables: [table], signal: controller.signal });
  const { batches } = executeSelect(parseSelect('SELECT n FROM wide'), context);
  expect((await batches.next()).done).toBe(false);
  controller.abort();
  await expect(batches.next()).rejects.toMatchObject({ errno: 1317, sqlState: '70100' });
  expect(table.released).toBe(1);
});

test('a reader who stops early gives the view back', async () => {
  const table = cpuTable();
  const { batches } = executeSelect(
    parseSelect('SELECT host FROM cpu'),
    harnessContext({ tables: [table] }),
  );
  await batches.next();
  await batches.return();
  expect(table.released).toBe(1);
});

test('a query that is never read opens nothing', () => {
  const table = cpuTable();
  executeSelect(parseSelect('SELECT host FROM cpu'), harnessContext({ tables: [table] }));
  expect(table.scans).toEqual([]);
});

test('max_execution_time ends it with 3024', async () => {
  expect((await errorOf('SELECT sleep(10)', { maxExecutionMs: 50 })).errno).toBe(3024);
  expect(
    (
      await errorOf('SELECT n FROM wide ORDER BY n', {
        tables: [wideTable(200_000)],
        maxExecutionMs: 1,
      })
    ).errno,
  ).toBe(3024);
});

test('SLEEP answers 0 after its time', async () => {
  expect(await valueOf('sleep(0.01)')).toBe('0');
});

test('KILL wakes a sleeper', async () => {
  const controller = new AbortController();
  controller.abort();
  expect((await errorOf('SELECT sleep(10)', { signal: controller.signal })).errno).toBe(1317);
});

test.each([
  'SELECT n FROM wide ORDER BY n',
  'SELECT n, count(*) FROM wide GROUP BY n',
  'SELECT DISTINCT n FROM wide',
  'SELECT count(DISTINCT n) FROM wide',
])('memory: %s past the limit is 1038', async (sql) => {
  const { errno, message } = await errorOf(sql, {
    tables: [wideTable(50_000)],
    queryMemoryBytes: 100_000,
  });
  expect(errno).toBe(1038);
  expect(message).toContain('query.memory_bytes');
});

test('a top-N sort needs memory for its rows, not for the table', async () => {
  const { rows } = await query('SELECT n FROM wide ORDER BY n DESC LIMIT 3', {
    tables: [wideTable(200_000)],
    queryMemoryBytes: 1_000_000,
  });
  expect(rows).toEqual([['199999'], ['199998'], ['199997']]);
});

test('a sort of many batches is a sort', async () => {
  const { rows } = await query('SELECT n, ts FROM wide ORDER BY n', {
    tables: [wideTable(30_011)],
  });
  expect(rows.length).toBe(30_011);
  expect(rows.every(([n], i) => n === String(i))).toBe(true);
});

describe('a computed table of many rows', () => {
  let made = 0;
  const numbers: VirtualTable = {
    kind: 'virtual',
    database: '',
    name: 'numbers',
    columns: [required('n', BIGINT)],
    *rows() {
      for (let n = 0; n < 5000; n += 1) {
        made += 1;
        yield [n];
      }
    },
  };

  beforeEach(() => {
    made = 0;
  });

  test('its rows are made a stretch at a time, and others have their turn between', async () => {
    const context = harnessContext({ virtual: [numbers] });
    let [before, most] = [0, 0];
    const endTurn = (): void => {
      most = Math.max(most, made - before);
      before = made;
    };
    const yieldTurn = (): Promise<void> => {
      endTurn();
      return context.timers.yieldTurn();
    };
    const { batches } = executeSelect(parseSelect('SELECT n FROM numbers'), {
      ...context,
      timers: { ...context.timers, yieldTurn },
    });
    let count = 0;
    for await (const batch of batches) count += batch.length;
    endTurn();
    expect(count).toBe(5000);
    // The clock of the harness goes on by 0.01 ms each time that it is asked, and a stretch is 2 ms.
    expect(most).toBeLessThanOrEqual(201);
  });

  test('those that nobody wants are not made', async () => {
    const { rows } = await query('SELECT n FROM numbers LIMIT 2', { virtual: [numbers] });
    expect(rows).toEqual([['0'], ['1']]);
    expect(made).toBeLessThanOrEqual(1024);
  });
});
