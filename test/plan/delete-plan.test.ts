/** Which DELETEs are range tombstones, which list keys, and that both delete what the WHERE says. */

import { planDelete, type DeletePlan } from '../../src/plan/delete-plan.js';
import {
  bytesText,
  textBytes,
  timestampType,
  DOUBLE,
  type SqlValue,
} from '../../src/exec/sql-value.js';
import { valueText } from '../../src/exec/cast-text.js';
import { valueAt } from '../../src/exec/exec-vector.js';
import { parseStatement } from '../../src/sql/parser.js';
import { cpuDefinition, cpuRows, cpuTable, DAY_START } from '../exec/cpu-table.js';
import {
  defineTable,
  FIRST_COLUMN_ID,
  harnessContext,
  MemoryTable,
  query,
  type HarnessOptions,
} from '../exec/query-harness.js';
import { StoredTable } from '../exec/stored-table.js';

function planOf(where: string, options: HarnessOptions): DeletePlan {
  const { statement } = parseStatement(`DELETE FROM ${where}`, {
    ansiQuotes: false,
    noBackslashEscapes: false,
  });
  if (statement.kind !== 'delete') throw new Error('not a DELETE');
  return planDelete(statement, harnessContext(options));
}

const cpuPlan = (where: string): DeletePlan =>
  planOf(`cpu WHERE ${where}`, { tables: [cpuTable()] });

const minute = (count: number): bigint => DAY_START + BigInt(count) * 60_000n;

/** Tags by place: 0 host, 1 dc. */
test.each<
  [
    where: string,
    timeMin: bigint | null,
    timeMax: bigint | null,
    tags: [number, (string | null)[]][],
  ]
>([
  ["host = 'a'", null, null, [[0, ['a']]]],
  ["'a' = host", null, null, [[0, ['a']]]],
  [
    "host IN ('a', 'b') AND dc = 'x'",
    null,
    null,
    [
      [0, ['a', 'b']],
      [1, ['x']],
    ],
  ],
  ["host IN ('a', NULL)", null, null, [[0, ['a']]]],
  ['dc IS NULL', null, null, [[1, [null]]]],
  ["ts < '2024-03-15 00:05:00'", null, minute(5) - 1n, []],
  [
    "ts >= '2024-03-15 00:05:00' AND ts <= '2024-03-15 00:10:00' AND host = 'a'",
    minute(5),
    minute(10),
    [[0, ['a']]],
  ],
  ["ts BETWEEN '2024-03-15 00:05:00' AND '2024-03-15 00:10:00'", minute(5), minute(10), []],
  ['1 = 1', null, null, []],
])('%s is a range', (where, timeMin, timeMax, tags) => {
  const plan = cpuPlan(where);
  expect(plan.kind).toBe('range');
  const [tombstone] = plan.kind === 'range' ? plan.tombstones : [];
  expect(tombstone).toMatchObject({ tableId: 7, timeMin, timeMax });
  const values = tombstone?.tags.map(({ columnId, values: bytes }) => [
    columnId - FIRST_COLUMN_ID,
    bytes.map((value) => (value === null ? null : bytesText(value))),
  ]);
  expect(values).toEqual(tags);
});

test.each([
  "host = 'a' AND busy > 1",
  "host <> 'a'",
  "host = 'a' OR dc = 'x'",
  "upper(host) = 'A'",
  "host LIKE 'a'",
  "host = 'A' COLLATE utf8mb4_0900_ai_ci",
  'host = 1',
  "ts = '2024-03-15 00:00:00' OR host = 'a'",
])('%s lists keys', (where) => {
  expect(cpuPlan(where).kind).toBe('keys');
});

test.each(['1 = 0', 'NULL', "ts > '2024-03-16' AND ts < '2024-03-15'", "ts < 'nonsense'"])(
  '%s deletes nothing',
  (where) => {
    const plan = cpuPlan(where);
    expect(plan.kind).toBe('nothing');
  },
);

test('a whole table is one range without bounds', () => {
  const plan = planOf('cpu', { tables: [cpuTable()] });
  expect(plan.kind === 'range' && plan.tombstones).toEqual([
    { tableId: 7, timeMin: null, timeMax: null, tags: [] },
  ]);
});

test('an append_mode table takes no condition on fields', async () => {
  const definition = defineTable(
    'log',
    [
      { name: 'host', type: { kind: 'text', spelling: 'text', length: null }, role: 'tag' },
      { name: 'ts', type: timestampType(3), role: 'time' },
      { name: 'v', type: DOUBLE, role: 'field' },
    ],
    true,
  );
  const tables = [new MemoryTable(definition, [])];
  expect(() => planOf('log WHERE v > 1', { tables })).toThrow(
    expect.objectContaining({ errno: 1235 }) as Error,
  );
  expect(planOf("log WHERE host LIKE 'a%'", { tables }).kind).toBe('keys');
  await Promise.resolve();
});

test('an unknown column is named', () => {
  expect(() => cpuPlan('hots = 1')).toThrow("Unknown column 'hots' in 'where clause'");
});

const text = (value: string | null): SqlValue => (value === null ? null : textBytes(value));
const rows = cpuRows.map(([host, dc, at, busy, cores, total, note]): SqlValue[] => [
  text(host),
  text(dc),
  minute(at),
  busy,
  cores,
  total,
  text(note),
]);

test.each([
  "host = 'a'",
  "host IN ('a', 'c') AND ts > '2024-03-15 00:05:00'",
  'dc IS NULL',
  'host IS NULL',
  'busy > 20',
  "host = 'b' AND cores = 8",
  "host <> 'a' OR busy IS NULL",
  "note LIKE 't%'",
  "ts <= '2024-03-15 00:05:00'",
])('after DELETE WHERE %s the other rows are left, in memtable and runs', async (where) => {
  for (const flushes of [false, true]) {
    const table = await StoredTable.open(cpuDefinition);
    table.insert(rows);
    if (flushes) await table.flush();
    const kept = await query(
      `SELECT host, dc, ts FROM cpu WHERE (${where}) IS NOT TRUE ORDER BY ts, host`,
      { tables: [table] },
    );
    const matched = await query(`SELECT count(*) FROM cpu WHERE ${where}`, { tables: [table] });
    const plan = planOf(`cpu WHERE ${where}`, { tables: [table] });
    let deleted = 0;
    if (plan.kind === 'range') {
      deleted = await plan.count();
      for (const tombstone of plan.tombstones) table.deleteRange(tombstone);
    } else if (plan.kind === 'keys') {
      for await (const batch of plan.batches) {
        deleted += batch.length;
        table.deleteKeys(batch);
      }
    }
    expect(String(deleted)).toBe(matched.rows[0]![0]);
    const left = await query('SELECT host, dc, ts FROM cpu ORDER BY ts, host', { tables: [table] });
    expect(left.rows).toEqual(kept.rows);
    await table.close();
  }
});

test('keys come as tags in PRIMARY KEY order and the time', async () => {
  const plan = cpuPlan('cores = 2');
  const seen: (string | null)[][] = [];
  if (plan.kind === 'keys') {
    const context = harnessContext();
    for await (const { length, tags, time } of plan.batches) {
      for (let i = 0; i < length; i++) {
        const { timeIndex } = cpuDefinition;
        seen.push([
          ...tags.map((tag, t) =>
            valueText(
              valueAt(tag, cpuDefinition.tags[t]!.type, i),
              cpuDefinition.tags[t]!.type,
              context,
            ),
          ),
          valueText(valueAt(time, timeIndex.type, i), timeIndex.type, context),
        ]);
      }
    }
  }
  expect(seen).toEqual([
    ['c', null, '2024-03-15 01:01:00.000'],
    [null, 'y', '2024-03-15 01:02:00.000'],
  ]);
});
