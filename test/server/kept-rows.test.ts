/** What becomes of rows: ttl, merge_mode and append_mode, from the statement to what is read. */

import type { Connection } from 'mysql2/promise';
import { ExpiryTask } from '../../src/server/expiry-task.js';
import { encodeExpiryBody } from '../../storage/index.js';
import { flushAll } from '../support/table-rig.js';
import { cellsOf, failureOf, run } from '../support/typed-query.js';
import { VirtualClock } from '../support/virtual-clock.js';
import { SingleNode } from './support/single-node.js';

let node: SingleNode;
let client: Connection;

beforeEach(async () => {
  node = await SingleNode.start();
  client = await node.connect({ timezone: 'Z' });
  await run(client, "SET time_zone = '+00:00'");
  await run(client, 'CREATE DATABASE d');
  await run(client, 'USE d');
});

afterEach(async () => {
  const { bugs } = node;
  await node.stop();
  expect(bugs).toEqual([]);
});

const NOON_MS = Date.UTC(2026, 0, 2, 12);
const CPU = 'CREATE TABLE cpu (h TEXT, ts TIMESTAMP(0) TIME INDEX, v INT, PRIMARY KEY (h))';

/** The node's periodic look at what has expired, at a given time of its clock. */
function expireAt(nowMs: number | null, defaultTtlMs: number | null = null): number {
  let records = 0;
  new ExpiryTask({
    timers: new VirtualClock(),
    catalog: node.context.catalog,
    stored: node.tables,
    nowMs: () => nowMs,
    expire: (body) => {
      node.tables.applyExpiry(body);
      records += 1;
      return true;
    },
    defaultTtlMs,
  }).run();
  return records;
}

async function insertHours(table = 'cpu'): Promise<void> {
  const rows = ['09', '10', '11', '12'].map((hour) => `('a', '2026-01-02 ${hour}:00:00', ${hour})`);
  await run(client, `INSERT INTO ${table} VALUES ${rows.join(', ')}`);
}

const hours = async (table = 'cpu'): Promise<unknown[]> =>
  (await cellsOf(client, `SELECT v FROM ${table} ORDER BY ts`)).flat();

describe('ttl', () => {
  test('of the table, else of the database, else of the configuration', async () => {
    await run(client, CPU);
    await insertHours();
    expect(expireAt(NOON_MS)).toBe(0);
    expect(expireAt(NOON_MS, 3 * 3_600_000)).toBe(1);
    // Three hours ago is not younger than three hours.
    expect(await hours()).toEqual([10, 11, 12]);
    await run(client, "ALTER DATABASE d SET 'ttl' = '2h'");
    expireAt(NOON_MS, 3 * 3_600_000);
    expect(await hours()).toEqual([11, 12]);
    await run(client, "ALTER TABLE cpu SET 'ttl' = '30m'");
    expireAt(NOON_MS, 3 * 3_600_000);
    expect(await hours()).toEqual([12]);
  });

  test('what has expired does not come back when ttl is unset or made longer, and late rows of that time are not seen', async () => {
    await run(client, `${CPU} WITH (ttl = '90m')`);
    await insertHours();
    expireAt(NOON_MS);
    expect(await hours()).toEqual([11, 12]);
    await run(client, "ALTER TABLE cpu UNSET 'ttl'");
    expireAt(NOON_MS + 86_400_000);
    expect(await hours()).toEqual([11, 12]);
    const late = await run(client, "INSERT INTO cpu VALUES ('a', '2026-01-02 10:20:00', 1)");
    expect(late.affectedRows).toBe(1);
    expect(await hours()).toEqual([11, 12]);
    await run(client, "INSERT INTO cpu VALUES ('a', '2026-01-02 10:31:00', 2)");
    expect(await hours()).toEqual([2, 11, 12]);
  });

  test("'forever' keeps rows although the database has a ttl", async () => {
    await run(client, "CREATE DATABASE e WITH (ttl = '1h')");
    await run(client, CPU.replace('cpu', 'e.kept') + " WITH (ttl = 'forever')");
    await run(client, CPU.replace('cpu', 'e.gone'));
    await insertHours('e.kept');
    await insertHours('e.gone');
    expireAt(NOON_MS);
    expect(await hours('e.kept')).toEqual([9, 10, 11, 12]);
    expect(await hours('e.gone')).toEqual([12]);
    expect(await cellsOf(client, 'SELECT COUNT(*), MIN(ts) FROM e.gone')).toEqual([
      [1, '2026-01-02 12:00:00'],
    ]);
  });

  test('is said in steps of a hundredth of it, and only while there are rows that old', async () => {
    await run(client, `${CPU} WITH (ttl = '100m')`);
    expect(expireAt(NOON_MS)).toBe(0);
    await insertHours();
    expect(expireAt(Date.UTC(2026, 0, 2, 10, 30))).toBe(0);
    expect(expireAt(NOON_MS)).toBe(1);
    expect(expireAt(NOON_MS + 59_000)).toBe(0);
    expect(expireAt(NOON_MS + 60_000)).toBe(1);
  });

  test('nothing expires while nothing vouches for the clock, or the node takes no record', async () => {
    await run(client, `${CPU} WITH (ttl = '1m')`);
    await insertHours();
    expect(expireAt(null)).toBe(0);
    expect(await hours()).toHaveLength(4);
  });

  test('the time index may be of any precision, and DATETIME counts as UTC', async () => {
    for (const type of ['TIMESTAMP(0)', 'TIMESTAMP(9)', 'DATETIME(6)', 'DATETIME(1)']) {
      const create = CPU.replace('TIMESTAMP(0)', type);
      await run(client, `${create} WITH (ttl = '2h')`);
      await insertHours();
      expireAt(NOON_MS);
      expect([type, await hours()]).toEqual([type, [11, 12]]);
      await run(client, 'DROP TABLE cpu');
    }
  });

  test('a record of a peer says the same, in any order with our own', async () => {
    await run(client, `${CPU} WITH (ttl = '3h')`);
    await insertHours();
    const { tableId } = node.context.catalog.table('d', 'cpu')!.parts[0];
    const through = BigInt(Date.UTC(2026, 0, 2, 11) / 1000);
    node.tables.applyExpiry(encodeExpiryBody([{ tableId, through }]));
    expect(expireAt(NOON_MS)).toBe(0);
    expect(await hours()).toEqual([12]);
  });
});

describe("merge_mode = 'last_non_null'", () => {
  const MERGED =
    "CREATE TABLE m (h TEXT, ts TIMESTAMP(0) TIME INDEX, a INT, b TEXT, PRIMARY KEY (h)) WITH (merge_mode = 'last_non_null')";
  const AT = "'x', '2026-01-02 12:00:00'";

  beforeEach(() => run(client, MERGED));

  test('an INSERT changes the fields that it gives values, also after a flush', async () => {
    await run(client, `INSERT INTO m VALUES (${AT}, 1, 'one')`);
    await flushAll(node.tables);
    await run(client, `INSERT INTO m (h, ts, b) VALUES (${AT}, 'two')`);
    expect(await cellsOf(client, 'SELECT a, b FROM m')).toEqual([[1, 'two']]);
    await run(client, `REPLACE INTO m (h, ts, a) VALUES (${AT}, 3)`);
    await flushAll(node.tables, 2);
    expect(await cellsOf(client, 'SELECT a, b FROM m')).toEqual([[3, 'two']]);
    expect(await cellsOf(client, 'SELECT COUNT(*), MAX(a) FROM m')).toEqual([[1, 3]]);
    expect(await cellsOf(client, "SELECT a FROM m WHERE b = 'one'")).toEqual([]);
    expect(await cellsOf(client, "SELECT a FROM m WHERE b = 'two'")).toEqual([[3]]);
  });

  test('a DELETE deletes the row, not the newest version of it', async () => {
    await run(client, `INSERT INTO m VALUES (${AT}, 1, 'one')`);
    await run(client, `INSERT INTO m (h, ts, b) VALUES (${AT}, 'two')`);
    expect((await run(client, 'DELETE FROM m WHERE a = 1')).affectedRows).toBe(1);
    expect(await cellsOf(client, 'SELECT * FROM m')).toEqual([]);
    await run(client, `INSERT INTO m (h, ts, b) VALUES (${AT}, 'three')`);
    expect(await cellsOf(client, 'SELECT a, b FROM m')).toEqual([[null, 'three']]);
  });

  test('a transaction reads its own fields on top, and what it rewrites is only its own', async () => {
    await run(
      client,
      `INSERT INTO m VALUES (${AT}, 1, 'one'), ('y', '2026-01-02 12:00:00', 5, '5')`,
    );
    await run(client, 'BEGIN');
    await run(
      client,
      `INSERT INTO m (h, ts, a) VALUES (${AT}, 2), ('z', '2026-01-02 12:00:00', 9)`,
    );
    expect(await cellsOf(client, 'SELECT h, a, b FROM m ORDER BY h')).toEqual([
      ['x', 2, 'one'],
      ['y', 5, '5'],
      ['z', 9, null],
    ]);
    // Makes the transaction write its other rows anew.
    await run(client, "DELETE FROM m WHERE h = 'z'");
    const other = await node.connect();
    await run(other, `INSERT INTO d.m (h, ts, b) VALUES (${AT}, 'from another session')`);
    await run(client, 'COMMIT');
    expect(await cellsOf(client, 'SELECT h, a, b FROM m ORDER BY h')).toEqual([
      ['x', 2, 'from another session'],
      ['y', 5, '5'],
    ]);
  });
});

describe('append_mode', () => {
  test('keeps every row through flushes; the newest is no more than the others', async () => {
    await run(client, `${CPU} WITH (append_mode = 'true')`);
    const insert =
      "INSERT INTO cpu VALUES ('a', '2026-01-02 12:00:00', 1), ('a', '2026-01-02 12:00:00', 1)";
    await run(client, insert);
    await flushAll(node.tables);
    await run(client, insert);
    await flushAll(node.tables, 2);
    expect(await cellsOf(client, 'SELECT COUNT(*) FROM cpu')).toEqual([[4]]);
    expect(await hours()).toEqual([1, 1, 1, 1]);
  });
});

describe('what is shown of it', () => {
  test('SHOW CREATE prints what was said, and the text makes the same table', async () => {
    const options = "WITH (merge_mode='last_non_null', partition='1d', ttl='7 days')";
    await run(
      client,
      `${CPU.replace('(0)', '(3)')} WITH (ttl = '7 days', partition = '1D', merge_mode = 'LAST_NON_NULL')`,
    );
    const shown = async (): Promise<string> =>
      String((await cellsOf(client, 'SHOW CREATE TABLE cpu'))[0]![1]);
    const text = await shown();
    expect(text.endsWith(options)).toBe(true);
    await run(client, 'DROP TABLE cpu');
    await run(client, text);
    expect(await shown()).toBe(text);
    await run(client, "ALTER TABLE cpu SET 'ttl' = '1h'");
    expect(await shown()).toBe(text.replace('7 days', '1h'));
    expect(
      await cellsOf(
        client,
        "SELECT create_options FROM information_schema.tables WHERE table_name = 'cpu'",
      ),
    ).toEqual([['merge_mode=last_non_null partition=1d ttl=1h']]);
  });

  test('SHOW CREATE DATABASE prints its ttl', async () => {
    await run(client, "CREATE DATABASE e WITH (ttl = '90d')");
    const shown = async (): Promise<unknown> =>
      (await cellsOf(client, 'SHOW CREATE DATABASE e'))[0]![1];
    expect(await shown()).toMatch(/ WITH \(ttl='90d'\)$/);
    await run(client, 'ALTER DATABASE e UNSET ttl');
    expect(await shown()).toMatch(/utf8mb4_bin \*\/$/);
  });
});

describe('what is refused, and why', () => {
  test.each([
    ["CREATE DATABASE e WITH (ttl = 'soon')", 1210, "such as '12h', '7d' or '1y'"],
    ["CREATE DATABASE e WITH (retention = '7d')", 1210, 'Known options: ttl'],
    ["ALTER DATABASE nowhere SET 'ttl' = '7d'", 1049, "Unknown database 'nowhere'"],
    ["ALTER TABLE nothing SET 'ttl' = '7d'", 1146, "Table 'd.nothing' doesn't exist"],
    ["ALTER TABLE cpu SET 'ttl' = 'instant'", 1235, "short ttl such as '1m'"],
    ["ALTER TABLE cpu SET 'append_mode' = 'true'", 1235, 'ALTER TABLE changes: ttl'],
    ["ALTER TABLE cpu SET 'merge_mode' = 'last_row'", 1235, "can't be changed after CREATE TABLE"],
    ["ALTER TABLE cpu UNSET 'speed'", 1210, "Unknown table option 'speed'"],
    ["ALTER TABLE cpu SET ttl = '1d', ttl = '2d'", 1210, "'ttl' is given twice"],
    ["ALTER TABLE information_schema.tables SET ttl = '1d'", 1044, 'Access denied'],
  ])('%s', async (sql, errno, message) => {
    await run(client, CPU);
    const failure = await failureOf(run(client, sql));
    expect(failure).toMatchObject({ errno });
    expect(failure.message).toContain(message);
  });
});
