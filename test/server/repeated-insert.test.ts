/** INSERTs whose head a session has read before: each is what it would have been as the first. */

import type { Connection } from 'mysql2/promise';
import { waitUntil } from '../support/bounded-wait.js';
import { cellOf, cellsOf, failureOf, run } from '../support/typed-query.js';
import { SingleNode } from './support/single-node.js';

let node: SingleNode;
let client: Connection;

const CREATE =
  'CREATE TABLE t (host VARCHAR(20), ts TIMESTAMP(3) TIME INDEX, v DOUBLE, n INT NOT NULL DEFAULT 7, PRIMARY KEY (host))';

beforeEach(async () => {
  node = await SingleNode.start({ maxRecordBytes: 64 * 1024, memtableBytes: 4 * 1024 * 1024 });
  client = await node.connect();
  await run(client, 'CREATE DATABASE d');
  await run(client, 'USE d');
  await run(client, CREATE);
});

afterEach(async () => {
  const { bugs } = node;
  await node.stop();
  expect(bugs).toEqual([]);
});

const HEAD = 'INSERT INTO t (host, ts, v) VALUES';

test('rows of different statements with one head', async () => {
  for (let i = 0; i < 5; i += 1) await run(client, `${HEAD} ('h${i}', ${i}, ${i}.5)`);
  await run(client, `${HEAD}('x',1,NULL),('y',2,2)`);
  expect(await cellsOf(client, 'SELECT host, v, n FROM t ORDER BY host')).toEqual([
    ...[0, 1, 2, 3, 4].map((i) => [`h${i}`, i + 0.5, 7]),
    ['x', null, 7],
    ['y', 2, 7],
  ]);
});

test('several heads in turn, more of them than are kept', async () => {
  const heads = Array.from({ length: 12 }, (_, i) => `INSERT${' '.repeat(i + 1)}INTO t VALUES`);
  for (let round = 0; round < 3; round += 1) {
    for (const [i, head] of heads.entries()) {
      await run(client, `${head} ('h${i}', ${round}, ${i}, ${round})`);
    }
  }
  expect(await cellsOf(client, 'SELECT COUNT(*), SUM(v), SUM(n) FROM t')).toEqual([
    [36, 198, '36'],
  ]);
});

test('a statement that waits for its commit leaves its row batch to others', async () => {
  await run(client, `${HEAD} ('a', 0, 0)`);
  const { batches } = node.context;
  const { idleBytes } = batches;
  const recordsBefore = node.writer.records.length;
  let open = (): void => undefined;
  node.writer.gate = new Promise((resolve) => (open = resolve));
  const waiting = run(client, `${HEAD} ('b', 1, 1)`);
  await waitUntil('the append', () => {
    const records = node.writer.records.length - recordsBefore;
    return Promise.resolve([records === 1, records]);
  });
  expect(batches.idleBytes).toBe(idleBytes);
  const other = await node.connect({ database: 'd' });
  const alsoWaiting = run(other, `${HEAD} ('c', 2, 2)`);
  open();
  await Promise.all([waiting, alsoWaiting]);
  expect(batches.idleBytes).toBe(idleBytes);
  expect(await cellsOf(client, 'SELECT host, v FROM t ORDER BY host')).toEqual([
    ['a', 0],
    ['b', 1],
    ['c', 2],
  ]);
});

describe('a statement that fails leaves nothing behind for the next', () => {
  test.each([
    ['a wrong value', `${HEAD} ('a', 1, 'x')`, 1265],
    ['too few values', `${HEAD} ('a', 1)`, 1136],
    ['an unclosed string', `${HEAD} ('a`, 1064],
    ['an unclosed comment', `${HEAD} /* ('a', 1, 1)`, 1064],
    ['a clause behind the rows', `${HEAD} ('a', 1, 1) ON DUPLICATE KEY UPDATE v = 1`, 1235],
    ['a fault in the second row', `${HEAD} ('a', 1, 1), ('b', 2, 'x')`, 1265],
    ['no rows', HEAD, 1064],
  ])('%s', async (_name, failing, errno) => {
    await run(client, `${HEAD} ('first', 1, 1)`);
    for (let i = 0; i < 2; i += 1) {
      expect((await failureOf(client.query(failing))).errno).toBe(errno);
      await run(client, `${HEAD} ('next${i}', 2, 2)`);
    }
    expect(await cellsOf(client, 'SELECT host FROM t ORDER BY host')).toEqual([
      ['first'],
      ['next0'],
      ['next1'],
    ]);
  });
});

describe('what a head means changes', () => {
  beforeEach(async () => {
    await run(client, `${HEAD} ('a', '2024-01-01 12:00:00', 1)`);
    await run(client, `${HEAD} ('b', '2024-01-01 12:00:00', 1)`);
  });

  test('with the selected database', async () => {
    await run(client, 'CREATE DATABASE other');
    await run(client, 'USE other');
    expect((await failureOf(client.query(`${HEAD} ('a', 1, 1)`))).errno).toBe(1146);
    await run(client, CREATE);
    await run(client, `${HEAD} ('c', 1, 1)`);
    expect(await cellsOf(client, 'SELECT host FROM other.t')).toEqual([['c']]);
    expect(await cellOf(client, 'SELECT COUNT(*) FROM d.t')).toBe(2);
  });

  test('when the table is dropped, and made anew with other columns', async () => {
    await run(client, 'DROP TABLE t');
    expect((await failureOf(client.query(`${HEAD} ('a', 1, 1)`))).errno).toBe(1146);
    await run(
      client,
      'CREATE TABLE t (v INT, ts TIMESTAMP TIME INDEX, host VARCHAR(9), PRIMARY KEY (host))',
    );
    await run(client, `${HEAD} ('n', 1, 5)`);
    expect(await cellsOf(client, 'SELECT v, host FROM t')).toEqual([[5, 'n']]);
  });

  test('with the time zone', async () => {
    await run(client, "SET time_zone = '+02:00'");
    await run(client, `${HEAD} ('c', '2024-01-01 12:00:00', 1)`);
    await run(client, "SET time_zone = '+00:00'");
    expect(await cellOf(client, "SELECT CAST(ts AS CHAR) FROM t WHERE host = 'c'")).toBe(
      '2024-01-01 10:00:00.000',
    );
  });

  test('with the SQL mode', async () => {
    await run(client, "SET sql_mode = 'NO_BACKSLASH_ESCAPES'");
    await run(client, `${HEAD} ('c\\n', 1, 1)`);
    expect(await cellOf(client, 'SELECT host FROM t WHERE ts = FROM_UNIXTIME(0.001)')).toBe('c\\n');
  });
});

test('DEFAULT CURRENT_TIMESTAMP is the start of each statement', async () => {
  await run(
    client,
    'CREATE TABLE s (host VARCHAR(9), ts TIMESTAMP(3) DEFAULT CURRENT_TIMESTAMP(3) TIME INDEX, PRIMARY KEY (host))',
  );
  for (const host of ['a', 'b', 'c']) {
    await run(client, `INSERT INTO s (host) VALUES ('${host}')`);
    await run(client, `INSERT INTO s (host, ts) VALUES ('${host}${host}', DEFAULT)`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const order = await cellsOf(client, 'SELECT host FROM s ORDER BY ts, host');
  expect(order.map(([host]) => (host as string)[0])).toEqual(['a', 'a', 'b', 'b', 'c', 'c']);
  expect(await cellOf(client, 'SELECT COUNT(DISTINCT ts) FROM s')).toBeGreaterThanOrEqual(3);
});

test('in a transaction, and after it', async () => {
  await run(client, `${HEAD} ('a', 1, 1)`);
  await run(client, 'BEGIN');
  await run(client, `${HEAD} ('b', 1, 1)`);
  await run(client, `${HEAD} ('c', 1, 1)`);
  await run(client, 'ROLLBACK');
  await run(client, `${HEAD} ('d', 1, 1)`);
  expect(await cellsOf(client, 'SELECT host FROM t ORDER BY host')).toEqual([['a'], ['d']]);
});

test('a name that only begins with VALUES is no head', async () => {
  await run(client, "INSERT INTO t VALUES ('a', 1, 1, 1)");
  expect((await failureOf(client.query("INSERT INTO t VALUESX ('b', 1, 1, 1)"))).errno).toBe(1064);
});

describe('executions of one prepared INSERT', () => {
  const sql = 'INSERT INTO t (host, ts, v) VALUES (?, ?, ?), (?, ?, ?)';

  test('are what the same rows are as text, for every type that a driver sends', async () => {
    const statement = await client.prepare(sql);
    const rows: readonly (readonly [unknown, string, unknown, string])[] = [
      ["'a'", "'2024-05-06 07:08:09.123'", 'a', '2024-05-06 07:08:09.123'],
      ["'é''s'", "'2024-05-06 07:08:09'", "é's", '2024-05-06 07:08:09'],
      ['NULL', "'2024-05-07'", null, '2024-05-07'],
    ];
    const numbers = [1.5, -0.25, 123456789, null];
    for (const [hostText, timeText, host, time] of rows) {
      for (const number of numbers) {
        await run(client, `${HEAD} (${String(hostText)}, ${timeText}, ${String(number)})`);
      }
      const expected = await cellsOf(client, 'SELECT host, ts, v, n FROM t');
      await run(client, 'TRUNCATE TABLE t');
      for (let at = 0; at < numbers.length; at += 2) {
        await statement.execute([host, time, numbers[at], host, time, numbers[at + 1]]);
      }
      expect(await cellsOf(client, 'SELECT host, ts, v, n FROM t')).toEqual(expected);
      await run(client, 'TRUNCATE TABLE t');
    }
  });

  test('follow the time zone as it is at each', async () => {
    const statement = await client.prepare(sql);
    const row = (host: string): unknown[] => [host, '2024-01-01 12:00:00', 1];
    await statement.execute([...row('a'), ...row('b')]);
    await run(client, "SET time_zone = '+02:00'");
    await statement.execute([...row('c'), ...row('d')]);
    await run(client, "SET time_zone = '+00:00'");
    await statement.execute([...row('e'), ...row('f')]);
    expect(await cellsOf(client, 'SELECT host, ts FROM t ORDER BY host')).toEqual([
      ['a', '2024-01-01 12:00:00.000'],
      ['b', '2024-01-01 12:00:00.000'],
      ['c', '2024-01-01 10:00:00.000'],
      ['d', '2024-01-01 10:00:00.000'],
      ['e', '2024-01-01 12:00:00.000'],
      ['f', '2024-01-01 12:00:00.000'],
    ]);
  });
});
