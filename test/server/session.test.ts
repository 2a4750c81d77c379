/** Sessions over the wire: a real client, real protocol, catalog and table store; journal and peer are stood in for. */

import type { Connection } from 'mysql2/promise';
import { NotAppliedError, UnconfirmedError } from '../../replication/index.js';
import { waitFor } from '../support/bounded-wait.js';
import { cellOf, cellsOf, failureOf, rowsOf, run } from '../support/typed-query.js';
import { Session } from '../../src/server/session.js';
import { SingleNode } from './support/single-node.js';

let node: SingleNode;
let client: Connection;

beforeEach(async () => {
  node = await SingleNode.start({ maxRecordBytes: 64 * 1024, memtableBytes: 4 * 1024 * 1024 });
  client = await node.connect();
  await run(client, 'CREATE DATABASE d');
  await run(client, 'USE d');
});

afterEach(async () => {
  const { bugs } = node;
  await node.stop();
  expect(bugs).toEqual([]);
});

const CPU =
  'CREATE TABLE cpu (host VARCHAR(20), ts TIMESTAMP TIME INDEX, used DOUBLE, n INT NOT NULL DEFAULT 7, PRIMARY KEY (host))';

async function warningsOf(connection: Connection): Promise<unknown[][]> {
  return cellsOf(connection, 'SHOW WARNINGS');
}

describe('databases and tables', () => {
  test('CREATE, SHOW, DROP', async () => {
    expect((await run(client, 'CREATE DATABASE e')).affectedRows).toBe(1);
    expect(await cellsOf(client, 'SHOW DATABASES')).toEqual([['information_schema'], ['d'], ['e']]);
    await run(client, CPU);
    expect(await cellsOf(client, 'SHOW TABLES')).toEqual([['cpu']]);
    expect(await cellsOf(client, "SHOW TABLES WHERE Tables_in_d LIKE 'x%'")).toEqual([]);
    await run(client, 'DROP TABLE cpu');
    expect(await cellsOf(client, 'SHOW TABLES')).toEqual([]);
    expect((await run(client, 'DROP DATABASE e')).affectedRows).toBe(0);
  });

  test.each([
    ['CREATE DATABASE d', 1007, 'HY000', "Can't create database 'd'; database exists"],
    ['DROP DATABASE x', 1008, 'HY000', "Can't drop database 'x'; database doesn't exist"],
    ['USE x', 1049, '42000', "Unknown database 'x'"],
    ['CREATE TABLE x.t (ts TIMESTAMP TIME INDEX)', 1049, '42000', "Unknown database 'x'"],
    ['DROP TABLE t', 1051, '42S02', "Unknown table 'd.t'"],
    ['SHOW COLUMNS FROM t', 1146, '42S02', "Table 'd.t' doesn't exist"],
    ['TRUNCATE t', 1146, '42S02', "Table 'd.t' doesn't exist"],
    ['INSERT INTO t VALUES (1)', 1146, '42S02', "Table 'd.t' doesn't exist"],
    ['SELECT * FROM t', 1146, '42S02', "Table 'd.t' doesn't exist"],
    [
      'INSERT INTO information_schema.tables VALUES (1)',
      1044,
      '42000',
      "Access denied for user 'root'",
    ],
    ['CREATE TABLE t (v INT)', 1210, 'HY000', "Table 't' has no TIMESTAMP or DATETIME column"],
    [
      'CREATE TABLE t (ts TIMESTAMP TIME INDEX, v INT DEFAULT 300.5e9)',
      1067,
      '42000',
      "Invalid default value for 'v'",
    ],
  ])('%s', async (sql, errno, sqlState, message) => {
    const failure = await failureOf(client.query(sql));
    expect([failure.errno, failure.sqlState]).toEqual([errno, sqlState]);
    expect(failure.message).toContain(message);
    expect(await warningsOf(client)).toEqual([['Error', errno, failure.message]]);
  });

  test('no database selected is 1046', async () => {
    const other = await node.connect();
    expect((await failureOf(other.query('SHOW TABLES'))).errno).toBe(1046);
    expect((await failureOf(other.query('SELECT * FROM t'))).errno).toBe(1046);
    expect((await failureOf(other.query('CREATE TABLE t (ts TIMESTAMP TIME INDEX)'))).errno).toBe(
      1046,
    );
  });

  test('a bad database at login is 1049', async () => {
    const failure = await failureOf(node.connect({ database: 'nope' }));
    expect([failure.errno, failure.sqlState]).toEqual([1049, '42000']);
  });

  test('IF EXISTS and IF NOT EXISTS leave a note', async () => {
    await run(client, CPU);
    await run(client, CPU.replace('TABLE cpu', 'TABLE IF NOT EXISTS cpu'));
    expect(await warningsOf(client)).toEqual([['Note', 1050, "Table 'cpu' already exists"]]);
    await run(client, 'DROP TABLE IF EXISTS cpu, nope');
    expect(await warningsOf(client)).toEqual([['Note', 1051, "Unknown table 'd.nope'"]]);
    expect((await failureOf(client.query('DROP TABLE cpu'))).errno).toBe(1051);
  });

  test('DROP of several tables drops none when one is missing', async () => {
    await run(client, CPU);
    expect((await failureOf(client.query('DROP TABLE cpu, nope'))).errno).toBe(1051);
    expect(await cellsOf(client, 'SHOW TABLES')).toEqual([['cpu']]);
  });

  test('a name is created once although two sessions ask at the same moment', async () => {
    const other = await node.connect({ database: 'd' });
    let open = (): void => undefined;
    node.writer.gate = new Promise((resolve) => (open = resolve));
    const both = Promise.allSettled([run(client, CPU), run(other, CPU)]);
    setTimeout(open, 20);
    const results = await both;
    expect(results.map((result) => result.status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(node.context.catalog.table('d', 'cpu')?.parts).toHaveLength(1);
  });

  test('an unknown name suggests the nearest', async () => {
    await run(client, CPU);
    const failure = await failureOf(client.query('SELECT * FROM cpo'));
    expect(failure.message).toBe("Table 'd.cpo' doesn't exist; did you mean 'cpu'?");
  });

  test('DROP DATABASE of the selected one leaves none selected', async () => {
    await run(client, 'DROP DATABASE d');
    expect(await cellOf(client, 'SELECT DATABASE()')).toBeNull();
  });
});

describe('rows', () => {
  beforeEach(async () => {
    await run(client, CPU);
  });

  test('INSERT, SELECT', async () => {
    const one = await run(client, "INSERT INTO cpu VALUES ('a', '2024-01-01 00:00:01', 0.5, 1)");
    expect([one.affectedRows, one.info]).toEqual([1, '']);
    const many = await run(
      client,
      "INSERT INTO cpu (host, ts, used) VALUES ('a', '2024-01-01 00:00:02', 1), ('b', '2024-01-01 00:00:02', NULL)",
    );
    expect([many.affectedRows, many.info]).toEqual([2, 'Records: 2  Duplicates: 0  Warnings: 0']);
    expect(await cellsOf(client, 'SELECT host, ts, used, n FROM cpu ORDER BY host, ts')).toEqual([
      ['a', '2024-01-01 00:00:01.000', 0.5, 1],
      ['a', '2024-01-01 00:00:02.000', 1, 7],
      ['b', '2024-01-01 00:00:02.000', null, 7],
    ]);
  });

  test('the same tags and time replace the row, and count as rows given', async () => {
    await run(client, "INSERT INTO cpu VALUES ('a', '2024-01-01', 1, 1)");
    const again = await run(client, "REPLACE INTO cpu VALUES ('a', '2024-01-01', 2, 2)");
    expect(again.affectedRows).toBe(1);
    expect(await cellsOf(client, 'SELECT used, n FROM cpu')).toEqual([[2, 2]]);
  });

  test('expressions, DEFAULT and omitted columns', async () => {
    await run(
      client,
      "INSERT INTO cpu (host, ts, used, n) VALUES (CONCAT('a', 'b'), '2024-01-01', 1 + 2, DEFAULT)",
    );
    expect(await cellsOf(client, 'SELECT host, used, n FROM cpu')).toEqual([['ab', 3, 7]]);
  });

  test.each([
    ["INSERT INTO cpu VALUES ('a', '2024-01-01')", 1136, /row 1/],
    ["INSERT INTO cpu (host, ts) VALUES ('a', '2024-01-01'), ('b')", 1136, /row 2/],
    [
      "INSERT INTO cpu (host, ts, nope) VALUES ('a', '2024-01-01', 1)",
      1054,
      /Unknown column 'nope' in 'field list'/,
    ],
    [
      "INSERT INTO cpu (host, host, ts) VALUES ('a', 'a', '2024-01-01')",
      1110,
      /'host' specified twice/,
    ],
    ["INSERT INTO cpu (host) VALUES ('a')", 1364, /'ts' doesn't have a default/],
    ["INSERT INTO cpu (host, ts, n) VALUES ('a', '2024-01-01', NULL)", 1048, /'n' cannot be null/],
    [
      "INSERT INTO cpu (host, ts, n) VALUES ('a', '2024-01-01', 'x')",
      1366,
      /Incorrect integer value: 'x' for column 'n'/,
    ],
    [
      "INSERT INTO cpu (host, ts) VALUES ('a', 'not a time')",
      1292,
      /Incorrect datetime value: 'not a time'/,
    ],
    ["INSERT INTO cpu (host, ts) VALUES ('a', '2024-01-01'", 1064, /syntax/],
    ['INSERT IGNORE INTO cpu (host) VALUES (1)', 1235, /INSERT IGNORE/],
  ])('%s', async (sql, errno, message) => {
    const failure = await failureOf(client.query(sql));
    expect(failure.errno).toBe(errno);
    expect(failure.message).toMatch(message);
    expect(await cellOf(client, 'SELECT COUNT(*) FROM cpu')).toBe(0);
  });

  test('a statement larger than a record is one multi-part write', async () => {
    const values = Array.from(
      { length: 20_000 },
      (_, i) => `('host${i % 10}', ${i}, ${i / 7}, ${i})`,
    );
    const result = await run(client, `INSERT INTO cpu VALUES ${values.join(',')}`);
    expect(result.affectedRows).toBe(20_000);
    const kinds = node.writer.records.slice(2).map((record) => record.kind);
    expect(kinds.length).toBeGreaterThan(2);
    expect(new Set(kinds.slice(0, -1))).toEqual(new Set(['part']));
    expect(kinds.at(-1)).toBe('commit');
    expect(await cellsOf(client, 'SELECT COUNT(*), SUM(n) FROM cpu')).toEqual([
      [20_000, '199990000'],
    ]);
  });

  test('an error in the last row of a large statement leaves nothing', async () => {
    const values = Array.from(
      { length: 20_000 },
      (_, i) => `('host${i % 10}', ${i}, ${i / 7}, ${i})`,
    );
    values.push("('a', 'bad', 1, 1)");
    const failure = await failureOf(client.query(`INSERT INTO cpu VALUES ${values.join(',')}`));
    expect(failure.errno).toBe(1292);
    expect(failure.message).toContain('row 20001');
    expect(node.writer.records.at(-1)?.kind).toBe('abort');
    expect(await cellOf(client, 'SELECT COUNT(*) FROM cpu')).toBe(0);
  });

  test('a statement past half of memtable_bytes is refused, and says what to do', async () => {
    await run(client, 'CREATE TABLE logs (ts TIMESTAMP(6) TIME INDEX, line TEXT)');
    const line = 'x'.repeat(1000);
    const values = Array.from({ length: 3000 }, (_, i) => `(${i}, '${line}${i}')`);
    const failure = await failureOf(client.query(`INSERT INTO logs VALUES ${values.join(',')}`));
    expect(failure.errno).toBe(3170);
    expect(failure.message).toMatch(/split it into several statements/);
    expect(await cellOf(client, 'SELECT COUNT(*) FROM logs')).toBe(0);
  });

  test('TRUNCATE takes everything, and rows written later stay', async () => {
    await run(client, "INSERT INTO cpu (host, ts) VALUES ('a', 1), ('b', 2)");
    await run(client, 'TRUNCATE TABLE cpu');
    await run(client, "INSERT INTO cpu (host, ts) VALUES ('a', 1)");
    expect(await cellsOf(client, 'SELECT host FROM cpu')).toEqual([['a']]);
  });

  test('a table dropped while an INSERT waits: the INSERT is not applied', async () => {
    const table = node.context.catalog.table('d', 'cpu')!;
    const drop = node.context.catalog.dropTablesBody([table]);
    const other = await node.connect({ database: 'd' });
    await other.query('BEGIN');
    await other.query("INSERT INTO cpu (host, ts) VALUES ('a', 1)");
    node.writer.applyPeerDdl(drop);
    expect((await failureOf(other.query('COMMIT'))).errno).toBe(1146);
  });
});

describe('DELETE', () => {
  beforeEach(async () => {
    await run(client, CPU);
    await run(
      client,
      "INSERT INTO cpu (host, ts, used) VALUES ('a', 1000, 1), ('a', 2000, 2), ('b', 1000, 3), ('b', 2000, 4), (NULL, 1000, 5)",
    );
  });

  test.each([
    ["DELETE FROM cpu WHERE host = 'a'", 2, [3, 4, 5]],
    ["DELETE FROM cpu WHERE host IN ('a', 'b') AND ts >= '1970-01-01 00:00:02'", 2, [1, 3, 5]],
    ['DELETE FROM cpu WHERE host IS NULL', 1, [1, 2, 3, 4]],
    ['DELETE FROM cpu WHERE used > 2.5', 3, [1, 2]],
    ["DELETE FROM cpu WHERE host = 'a' AND used = 2", 1, [1, 3, 4, 5]],
    ['DELETE FROM cpu WHERE used > 100', 0, [1, 2, 3, 4, 5]],
    ['DELETE FROM cpu', 5, []],
  ])('%s', async (sql, affected, left) => {
    const result = await run(client, sql);
    expect((await cellsOf(client, 'SELECT used FROM cpu ORDER BY used')).flat()).toEqual(left);
    expect(result.affectedRows).toBe(affected);
  });

  test('in a transaction it takes rows of the same transaction too, and what comes after stays', async () => {
    await run(client, 'BEGIN');
    await run(client, "INSERT INTO cpu (host, ts, used) VALUES ('a', 3000, 6)");
    await run(client, "DELETE FROM cpu WHERE host = 'a'");
    await run(client, "INSERT INTO cpu (host, ts, used) VALUES ('a', 1000, 7)");
    expect((await cellsOf(client, 'SELECT used FROM cpu ORDER BY used')).flat()).toEqual([
      3, 4, 5, 7,
    ]);
    await run(client, 'COMMIT');
    expect((await cellsOf(client, 'SELECT used FROM cpu ORDER BY used')).flat()).toEqual([
      3, 4, 5, 7,
    ]);
  });
});

describe('DELETE that lists keys', () => {
  beforeEach(async () => {
    await run(client, CPU);
    await run(
      client,
      "INSERT INTO cpu (host, ts, used) VALUES ('a', 1, 1), ('b', 1, 2), ('c', 1, 3)",
    );
  });

  test('in a transaction it takes matching rows of the transaction out, and ROLLBACK brings all back', async () => {
    await run(client, 'BEGIN');
    await run(
      client,
      "INSERT INTO cpu (host, ts, used) VALUES ('d', 1, 4), ('e', 1, 5), ('a', 1, 6)",
    );
    expect((await run(client, 'DELETE FROM cpu WHERE used IN (2, 4, 6)')).affectedRows).toBe(3);
    expect((await cellsOf(client, 'SELECT host FROM cpu ORDER BY host')).flat()).toEqual([
      'c',
      'e',
    ]);
    await run(client, 'ROLLBACK');
    expect((await cellsOf(client, 'SELECT host FROM cpu ORDER BY host')).flat()).toEqual([
      'a',
      'b',
      'c',
    ]);
  });

  test('a row written after the DELETE looked is not deleted: the statement looks again', async () => {
    const other = await node.connect({ database: 'd' });
    const openReadView = node.context.openReadView.bind(node.context);
    let overtaking: Promise<unknown> | null = null;
    jest.spyOn(node.context, 'openReadView').mockImplementation(() => {
      const view = openReadView();
      // The DELETE has its view; before it reads, somebody writes one of its rows anew.
      overtaking ??= run(other, "INSERT INTO cpu (host, ts, used) VALUES ('a', 1, 100)");
      const scan = view.scan.bind(view);
      jest.spyOn(view, 'scan').mockImplementation(async function* (request) {
        await overtaking;
        return yield* scan(request);
      });
      return view;
    });
    const writes = node.writer.records.length;
    expect((await run(client, 'DELETE FROM cpu WHERE used < 10')).affectedRows).toBe(2);
    jest.restoreAllMocks();
    expect(await cellsOf(client, 'SELECT host, used FROM cpu')).toEqual([['a', 100]]);
    expect(node.writer.records.slice(writes).map((record) => record.kind)).toEqual([
      'write',
      'write',
    ]);
  });

  test('in a transaction that can only be found out at COMMIT', async () => {
    const other = await node.connect({ database: 'd' });
    await run(client, 'BEGIN');
    await run(client, 'DELETE FROM cpu WHERE used < 10');
    await run(other, "INSERT INTO cpu (host, ts, used) VALUES ('a', 1, 100)");
    const failure = await failureOf(client.query('COMMIT'));
    expect([failure.errno, failure.sqlState]).toEqual([1213, '40001']);
    expect((await cellsOf(client, 'SELECT used FROM cpu ORDER BY used')).flat()).toEqual([
      2, 3, 100,
    ]);
  });
});

describe('transactions', () => {
  beforeEach(async () => {
    await run(client, CPU);
  });

  test('COMMIT makes everything visible at once, as one record', async () => {
    const other = await node.connect({ database: 'd' });
    await run(client, 'BEGIN');
    await run(client, "INSERT INTO cpu (host, ts) VALUES ('a', 1)");
    await run(client, "INSERT INTO cpu (host, ts) VALUES ('b', 1)");
    expect(await cellOf(client, 'SELECT COUNT(*) FROM cpu')).toBe(2);
    expect(await cellOf(other, 'SELECT COUNT(*) FROM cpu')).toBe(0);
    const before = node.writer.records.length;
    await run(client, 'COMMIT');
    expect(node.writer.records.slice(before).map((record) => record.kind)).toEqual(['write']);
    expect(await cellOf(other, 'SELECT COUNT(*) FROM cpu')).toBe(2);
  });

  test('ROLLBACK and a lost connection leave nothing', async () => {
    await run(client, 'START TRANSACTION');
    await run(client, "INSERT INTO cpu (host, ts) VALUES ('a', 1)");
    await run(client, 'ROLLBACK');
    const other = await node.connect({ database: 'd' });
    await run(other, 'SET autocommit = 0');
    await run(other, "INSERT INTO cpu (host, ts) VALUES ('b', 1)");
    other.destroy();
    expect(await cellOf(client, 'SELECT COUNT(*) FROM cpu')).toBe(0);
    expect(node.writer.records.filter((record) => record.kind === 'write')).toEqual([]);
  });

  test('a failed statement undoes itself only', async () => {
    await run(client, 'BEGIN');
    await run(client, "INSERT INTO cpu (host, ts) VALUES ('a', 1)");
    await failureOf(client.query("INSERT INTO cpu (host, ts) VALUES ('b', 1), ('c', 'bad')"));
    await run(client, "INSERT INTO cpu (host, ts) VALUES ('d', 1)");
    await run(client, 'COMMIT');
    expect((await cellsOf(client, 'SELECT host FROM cpu ORDER BY host')).flat()).toEqual([
      'a',
      'd',
    ]);
  });

  test('autocommit = 0 begins by itself, and = 1 commits', async () => {
    const other = await node.connect({ database: 'd' });
    await run(client, 'SET autocommit = 0');
    await run(client, "INSERT INTO cpu (host, ts) VALUES ('a', 1)");
    expect(await cellOf(other, 'SELECT COUNT(*) FROM cpu')).toBe(0);
    await run(client, 'SET autocommit = 1');
    expect(await cellOf(other, 'SELECT COUNT(*) FROM cpu')).toBe(1);
  });

  test('DDL and BEGIN commit what is open', async () => {
    const other = await node.connect({ database: 'd' });
    await run(client, 'BEGIN');
    await run(client, "INSERT INTO cpu (host, ts) VALUES ('a', 1)");
    await run(client, 'CREATE TABLE t2 (ts TIMESTAMP TIME INDEX)');
    expect(await cellOf(other, 'SELECT COUNT(*) FROM cpu')).toBe(1);
    await run(client, 'BEGIN');
    await run(client, "INSERT INTO cpu (host, ts) VALUES ('b', 1)");
    await run(client, 'BEGIN');
    expect(await cellOf(other, 'SELECT COUNT(*) FROM cpu')).toBe(2);
  });

  test('a large transaction is one multi-part write', async () => {
    await run(client, 'BEGIN');
    for (let part = 0; part < 5; part += 1) {
      const values = Array.from(
        { length: 4000 },
        (_, i) => `('host${i % 10}', ${part * 4000 + i}, ${i / 7}, ${i})`,
      );
      await run(client, `INSERT INTO cpu VALUES ${values.join(',')}`);
    }
    const other = await node.connect({ database: 'd' });
    expect(await cellOf(client, 'SELECT COUNT(*) FROM cpu')).toBe(20_000);
    expect(await cellOf(client, "SELECT COUNT(*) FROM cpu WHERE host = 'host3'")).toBe(2000);
    expect(await cellOf(other, 'SELECT COUNT(*) FROM cpu')).toBe(0);
    const before = node.writer.records.length;
    await run(client, 'COMMIT');
    expect(node.writer.records.slice(before).map((record) => record.kind)).toContain('part');
    expect(await cellOf(client, 'SELECT COUNT(*) FROM cpu')).toBe(20_000);
  });

  test('texts of more than a megabyte are written whole, undone whole, and read by their own transaction', async () => {
    const roomy = await SingleNode.start();
    const writer = await roomy.connect();
    await run(writer, 'CREATE DATABASE d');
    await run(writer, 'USE d');
    await run(writer, 'CREATE TABLE notes (ts TIMESTAMP(3) TIME INDEX, note LONGTEXT)');
    const [ascii, other] = ['a', 'grüße '].map((unit) => unit.repeat(1_300_000 / unit.length));
    const rows = `('2026-01-01', '${ascii}'), ('2026-01-02', '${other}')`;
    const notes = 'SELECT note FROM notes ORDER BY ts';
    await failureOf(writer.query(`INSERT INTO notes VALUES ${rows}, ('never', '${ascii}')`));
    expect(await cellsOf(writer, notes)).toEqual([]);
    await run(writer, 'BEGIN');
    await run(writer, `INSERT INTO notes VALUES ${rows}`);
    expect((await cellsOf(writer, notes)).flat()).toEqual([ascii, other]);
    await run(writer, 'ROLLBACK');
    expect(await cellsOf(writer, notes)).toEqual([]);
    await run(writer, `INSERT INTO notes VALUES ${rows}`);
    expect((await cellsOf(writer, notes)).flat()).toEqual([ascii, other]);
    await roomy.stop();
  });

  test('whose table is dropped meanwhile goes on with others, and is refused at COMMIT', async () => {
    const other = await node.connect({ database: 'd' });
    await run(client, 'CREATE TABLE t2 (ts TIMESTAMP TIME INDEX, n INT)');
    await run(client, 'BEGIN');
    await run(client, "INSERT INTO cpu (host, ts) VALUES ('a', 1)");
    await run(client, "INSERT INTO t2 VALUES ('2026-01-01', 1)");
    await run(other, 'DROP TABLE cpu');
    expect(await cellOf(client, 'SELECT n FROM t2')).toBe(1);
    expect(await failureOf(client.query('COMMIT'))).toMatchObject({ errno: 1146 });
  });

  test('many small statements in one transaction', async () => {
    await run(client, 'BEGIN');
    for (let i = 0; i < 300; i += 1)
      await client.execute('INSERT INTO cpu (host, ts) VALUES (?, ?)', [`h${i % 3}`, i]);
    expect(await cellOf(client, 'SELECT COUNT(*) FROM cpu')).toBe(300);
    await run(client, 'COMMIT');
    expect(await cellOf(client, 'SELECT COUNT(*) FROM cpu')).toBe(300);
  });

  test('a READ ONLY transaction refuses writes with 1792', async () => {
    await run(client, 'START TRANSACTION READ ONLY');
    const failure = await failureOf(client.query("INSERT INTO cpu (host, ts) VALUES ('a', 1)"));
    expect([failure.errno, failure.sqlState]).toEqual([1792, '25006']);
    expect((await failureOf(client.query('DELETE FROM cpu'))).errno).toBe(1792);
    expect((await failureOf(client.query('DROP TABLE cpu'))).errno).toBe(1792);
    await run(client, 'COMMIT');
    await run(client, "INSERT INTO cpu (host, ts) VALUES ('a', 1)");
  });

  test('SET SESSION TRANSACTION READ ONLY is honoured, and undone', async () => {
    await run(client, 'SET SESSION TRANSACTION READ ONLY');
    expect(await cellOf(client, 'SELECT @@session.transaction_read_only')).toBe(1);
    expect(
      (await failureOf(client.query("INSERT INTO cpu (host, ts) VALUES ('a', 1)"))).errno,
    ).toBe(1792);
    expect((await failureOf(client.query('TRUNCATE cpu'))).errno).toBe(1792);
    await run(client, 'SET SESSION TRANSACTION READ WRITE');
    await run(client, "INSERT INTO cpu (host, ts) VALUES ('a', 1)");
  });

  test('SET TRANSACTION READ ONLY holds for the next transaction only', async () => {
    await run(client, 'SET TRANSACTION READ ONLY');
    await run(client, 'BEGIN');
    expect(
      (await failureOf(client.query("INSERT INTO cpu (host, ts) VALUES ('a', 1)"))).errno,
    ).toBe(1792);
    expect((await failureOf(client.query('SET TRANSACTION READ WRITE'))).errno).toBe(1568);
    await run(client, 'COMMIT');
    await run(client, "INSERT INTO cpu (host, ts) VALUES ('a', 1)");
  });
});

describe('what the gate answers', () => {
  beforeEach(async () => {
    await run(client, CPU);
  });

  test('not applied: 1205 40001, nothing there, and the transaction is over', async () => {
    await run(client, 'BEGIN');
    await run(client, "INSERT INTO cpu (host, ts) VALUES ('a', 1)");
    node.writer.failNext = new NotAppliedError(
      'budget-full',
      'not applied: the RPO budget is full',
    );
    const failure = await failureOf(client.query('COMMIT'));
    expect([failure.errno, failure.sqlState]).toEqual([1205, '40001']);
    expect(failure.message).toContain('not applied');
    await run(client, 'COMMIT');
    expect(await cellOf(client, 'SELECT COUNT(*) FROM cpu')).toBe(0);
  });

  test('not confirmed: 1180 HY000, never of a retryable class', async () => {
    node.writer.failNext = new UnconfirmedError({ incarnation: '00000000000000aa', sequence: 9 });
    const failure = await failureOf(client.query("INSERT INTO cpu (host, ts) VALUES ('a', 1)"));
    expect([failure.errno, failure.sqlState]).toEqual([1180, 'HY000']);
    expect(failure.message).toContain(
      'stored on this node, not confirmed by the peer (position 00000000000000aa:9)',
    );
  });

  test.each(['degraded', 'released'] as const)(
    '%s: OK with a warning that can be read',
    async (warning) => {
      node.writer.warning = warning;
      const result = await run(client, "INSERT INTO cpu (host, ts) VALUES ('a', 1)");
      expect([result.affectedRows, result.warningStatus]).toEqual([1, 1]);
      expect(await warningsOf(client)).toEqual([
        ['Warning', 1105, expect.stringContaining(warning)],
      ]);
    },
  );
});

describe('prepared statements', () => {
  beforeEach(async () => {
    await run(client, CPU);
  });

  test('an INSERT takes every kind of parameter', async () => {
    const sql = 'INSERT INTO cpu (host, ts, used, n) VALUES (?, ?, ?, ?)';
    await client.execute(sql, ['a', '2024-01-01 00:00:00.25', 1.5, 3]);
    await client.execute(sql, ['b', new Date(Date.UTC(2024, 0, 2)), null, '4']);
    await client.execute(sql, [null, '2024-01-03', 2, -5]);
    expect(await cellsOf(client, 'SELECT host, ts, used, n FROM cpu ORDER BY ts')).toEqual([
      ['a', '2024-01-01 00:00:00.250', 1.5, 3],
      ['b', expect.stringMatching(/^2024-01-0[12]/), null, 4],
      [null, '2024-01-03 00:00:00.000', 2, -5],
    ]);
  });

  test('a statement is executed many times, and errors name the row', async () => {
    const statement = await client.prepare('INSERT INTO cpu (host, ts) VALUES (?, ?), (?, ?)');
    for (let i = 0; i < 50; i += 1) await statement.execute(['a', i, 'b', i]);
    const failure = await failureOf(statement.execute(['a', 51, 'b', 'bad']));
    expect(failure.message).toContain("Incorrect datetime value: 'bad' for column 'ts' at row 2");
    await statement.execute(['a', 50, 'b', 50]);
    await statement.close();
    expect(await cellOf(client, 'SELECT COUNT(*) FROM cpu')).toBe(102);
  });

  test('a SELECT with parameters', async () => {
    await run(client, "INSERT INTO cpu (host, ts, n) VALUES ('a', 1, 1), ('b', 2, 2), ('c', 3, 3)");
    const [rows] = await client.execute(
      'SELECT host FROM cpu WHERE n >= ? AND host <> ? ORDER BY host',
      [2, 'c'],
    );
    expect(rows).toEqual([{ host: 'b' }]);
  });

  test.each([
    ['SELECT * FROM nope', 1146],
    ['SELECT nope FROM cpu', 1054],
    ['INSERT INTO cpu (nope) VALUES (?)', 1054],
    ['INSERT INTO nope VALUES (?)', 1146],
    ['SELEC 1', 1064],
  ])('PREPARE of %s fails, and the connection lives on', async (sql, errno) => {
    expect((await failureOf(client.prepare(sql))).errno).toBe(errno);
    expect(await cellOf(client, 'SELECT 1')).toBe(1);
  });

  test('SHOW and DESCRIBE can be prepared', async () => {
    const [rows] = await client.execute('SHOW COLUMNS FROM cpu');
    expect(rows).toHaveLength(4);
    const [described] = await client.execute('DESCRIBE cpu');
    expect(described).toEqual(rows);
  });

  test('a table created anew between executions is seen as it is', async () => {
    const statement = await client.prepare('INSERT INTO cpu (host, ts) VALUES (?, ?)');
    await statement.execute(['a', 1]);
    await run(client, 'DROP TABLE cpu');
    expect((await failureOf(statement.execute(['a', 1]))).errno).toBe(1146);
    await run(client, 'CREATE TABLE cpu (ts TIMESTAMP TIME INDEX, host TEXT)');
    await statement.execute(['b', 2]);
    expect(await cellsOf(client, 'SELECT * FROM cpu')).toEqual([['1970-01-01 00:00:00.002', 'b']]);
  });
});

describe('the session', () => {
  test('variables: set, read, refused', async () => {
    await run(
      client,
      "SET @x = 1 + 1, sql_mode = CONCAT(@@sql_mode, ',ANSI_QUOTES'), NAMES utf8mb4",
    );
    expect(await cellsOf(client, 'SELECT @x, @@sql_mode, @unset')).toEqual([
      [2, 'ANSI_QUOTES,ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION', null],
    ]);
    expect((await failureOf(client.query('SET nope = 1'))).errno).toBe(1193);
    expect((await failureOf(client.query("SET time_zone = 'Mars/Phobos'"))).errno).toBe(1298);
    expect((await failureOf(client.query("SET version = 'x'"))).errno).toBe(1238);
    expect((await failureOf(client.query('SELECT @@nope'))).errno).toBe(1193);
  });

  test.each([
    ['SET NAMES latin1', 1231],
    ["SET NAMES 'latin1' COLLATE 'latin1_swedish_ci'", 1231],
    ['SET CHARACTER SET latin1', 1231],
    ['SET character_set_client = latin1', 1231],
    ["SET SESSION character_set_results = 'latin1'", 1231],
    ['SET wait_timeout = 5, NAMES latin1', 1231],
    ['SET NAMES utf16', 1115],
  ])(
    'text is UTF-8, and no client is answered in another way than it asks: %s',
    async (sql, errno) => {
      const failure = await failureOf(client.query(sql));
      expect(failure.errno).toBe(errno);
      if (errno === 1231) {
        expect(failure.message).toMatch(
          /^Variable 'character_set_\w+' can't be set to .* 'latin1'/,
        );
      }
      const shown = 'SELECT @@character_set_client, @@character_set_results, @@wait_timeout';
      expect(await cellsOf(client, shown)).toEqual([['utf8mb4', 'utf8mb4', 28_800]]);
    },
  );

  test('character sets that need no conversion', async () => {
    for (const name of ['utf8mb4', 'utf8', 'ascii', 'binary', 'DEFAULT']) {
      await run(client, `SET NAMES ${name}`);
    }
  });

  test('a SET of which one part is wrong changes nothing', async () => {
    expect((await failureOf(client.query('SET wait_timeout = 5, nope = 1'))).errno).toBe(1193);
    expect(await cellOf(client, 'SELECT @@wait_timeout')).toBe(28_800);
  });

  test('time_zone holds for reading and writing', async () => {
    await run(client, 'CREATE TABLE t (ts TIMESTAMP(0) TIME INDEX)');
    await run(client, "SET time_zone = '+02:00'");
    await run(client, "INSERT INTO t VALUES ('2024-01-01 02:00:00')");
    await run(client, "SET time_zone = 'UTC'");
    expect(await cellOf(client, 'SELECT ts FROM t')).toBe('2024-01-01 00:00:00');
  });

  test('sql_select_limit acts on a SELECT without a LIMIT', async () => {
    await run(client, 'CREATE TABLE t (ts TIMESTAMP TIME INDEX)');
    await run(client, 'INSERT INTO t VALUES (1), (2), (3)');
    await run(client, 'SET sql_select_limit = 2');
    expect(await cellsOf(client, 'SELECT * FROM t')).toHaveLength(2);
    expect(await cellsOf(client, 'SELECT * FROM t LIMIT 3')).toHaveLength(3);
    await run(client, 'SET sql_select_limit = DEFAULT');
    expect(await cellsOf(client, 'SELECT * FROM t')).toHaveLength(3);
  });

  test('more isolation than there is gives a warning', async () => {
    const result = await run(client, 'SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ');
    expect(result.warningStatus).toBe(1);
    expect(await warningsOf(client)).toEqual([
      ['Warning', 1105, expect.stringContaining('READ-COMMITTED')],
    ]);
    expect(await cellOf(client, 'SELECT @@transaction_isolation')).toBe('READ-COMMITTED');
  });

  test('rpo_bytes may be stricter than the server, never laxer', async () => {
    await run(client, 'SET rpo_bytes = 0');
    expect(await cellOf(client, 'SELECT @@rpo_bytes')).toBe(0);
    expect((await failureOf(client.query('SET SESSION rpo_bytes = 2000000'))).errno).toBe(1231);
    await run(client, 'SET GLOBAL rpo_bytes = 2000000');
    expect(node.calls).toEqual(['rpo 2000000']);
    await run(client, 'SET SESSION rpo_bytes = 2000000');
  });

  test('warnings live until the next statement, SHOW WARNINGS leaves them', async () => {
    await run(client, 'DROP TABLE IF EXISTS nope');
    expect(await warningsOf(client)).toHaveLength(1);
    expect(await warningsOf(client)).toHaveLength(1);
    expect(await cellsOf(client, 'SHOW ERRORS')).toEqual([]);
    await run(client, 'SET @x = 1');
    expect(await warningsOf(client)).toEqual([]);
  });

  test('a reset is a new session', async () => {
    await run(client, 'CREATE TABLE t (ts TIMESTAMP TIME INDEX)');
    await run(client, "SET @x = 1, sql_mode = 'ANSI_QUOTES', autocommit = 0");
    await run(client, 'INSERT INTO t VALUES (1)');
    await client.reset();
    expect(await cellsOf(client, 'SELECT @x, @@autocommit, DATABASE()')).toEqual([[null, 1, 'd']]);
    expect(await cellOf(client, 'SELECT COUNT(*) FROM t')).toBe(0);
  });

  test('PROCESSLIST, KILL', async () => {
    const other = await node.connect({ database: 'd' });
    const id = await cellOf(other, 'SELECT CONNECTION_ID()');
    const rows = await rowsOf(client, 'SHOW FULL PROCESSLIST');
    expect(rows).toHaveLength(2);
    expect(rows).toContainEqual(
      expect.objectContaining({ Command: 'Query', Info: 'SHOW FULL PROCESSLIST' }),
    );
    expect((await failureOf(client.query('KILL 999999'))).errno).toBe(1094);
    await run(client, `KILL ${String(id)}`);
    await failureOf(other.query('SELECT 1'));
    await waitFor('the killed connection to be gone', async () => {
      const left = await cellsOf(client, 'SHOW PROCESSLIST');
      return { value: left.length === 1 ? true : undefined, seen: left };
    });
  });

  test('KILL QUERY ends the statement with 1317, and the connection lives on', async () => {
    const other = await node.connect({ database: 'd' });
    const id = await cellOf(other, 'SELECT CONNECTION_ID()');
    const sleeping = failureOf(other.query('SELECT SLEEP(30)'));
    await waitFor('the query to run', async () => {
      const rows = await rowsOf(client, 'SHOW PROCESSLIST');
      const isRunning = rows.some((row) => row['Info'] === 'SELECT SLEEP(30)');
      return { value: isRunning ? true : undefined, seen: rows };
    });
    await run(client, `KILL /*!50000 QUERY */ ${String(id)}`);
    const failure = await sleeping;
    expect([failure.errno, failure.sqlState]).toEqual([1317, '70100']);
    expect(await cellOf(other, 'SELECT 1')).toBe(1);
  });

  test('a long statement lets others pass while it is parsed, as text and prepared', async () => {
    await run(client, 'CREATE TABLE t (ts TIMESTAMP(3) TIME INDEX, v BIGINT)');
    await run(client, 'INSERT INTO t VALUES (1, 1), (2, -2), (3, 3), (4, 50000)');
    const other = await node.connect({ database: 'd' });
    await other.query('SELECT 1');
    const list = Array.from({ length: 50_000 }, (_, index) => String(index * 2)).join();
    const answered: string[] = [];
    const select = client.query(`SELECT v FROM t WHERE v IN (-2, ${list}) ORDER BY v`);
    const asText = select.then(([rows]) => void answered.push(JSON.stringify(rows)));
    await other.query('SELECT 1').then(() => void answered.push('another'));
    await asText;
    expect(answered).toEqual(['another', '[{"v":-2},{"v":50000}]']);
    const rows = Array.from({ length: 20_000 }, () => '(?, ?)').join();
    const prepared = client.prepare(`INSERT INTO t VALUES ${rows}`);
    const asPrepared = prepared.then(() => void answered.push('prepared'));
    await other.query('SELECT 1').then(() => void answered.push('another'));
    await asPrepared;
    expect(answered.slice(2)).toEqual(['another', 'prepared']);
  });

  test('max_execution_time acts on SELECT', async () => {
    await run(client, 'SET max_execution_time = 20');
    expect((await failureOf(client.query('SELECT SLEEP(30)'))).errno).toBe(3024);
  });

  test('COM_FIELD_LIST: the columns of a table, for the command line to complete names', async () => {
    await run(client, CPU);
    const session = new Session(node.context, {
      id: 1,
      user: 'root',
      host: 'localhost',
      port: 0,
      isOperator: false,
      capabilities: 0,
      characterSet: 45,
      attributes: new Map(),
    });
    session.initDatabase('d');
    expect(session.fieldList('cpu', '').map((column) => column.name)).toEqual([
      'host',
      'ts',
      'used',
      'n',
    ]);
    expect(session.fieldList('cpu', '%s%').map((column) => column.name)).toEqual([
      'host',
      'ts',
      'used',
    ]);
    expect(() => session.fieldList('nope', '')).toThrow("Table 'd.nope' doesn't exist");
    session.close();
  });

  test('ADMIN, LOCK TABLES, comments', async () => {
    await run(client, CPU);
    const [rows] = await client.query("ADMIN flush_table('cpu')");
    expect(rows).toEqual([{ "ADMIN flush_table('cpu')": 0 }]);
    await client.query('ADMIN release_peer()');
    await client.query("ADMIN compact_table('d.cpu')");
    expect(node.calls).toEqual(['flush', 'release_peer', 'compact 1']);
    expect((await failureOf(client.query("ADMIN compact_table('nope')"))).errno).toBe(1146);
    expect((await failureOf(client.query("ADMIN flush_table('nope')"))).errno).toBe(1146);
    expect((await failureOf(client.query('ADMIN switchover()'))).errno).toBe(1235);
    expect((await failureOf(client.query('ADMIN flush_tabel()'))).message).toContain(
      'did you mean flush_table?',
    );
    await run(client, 'LOCK TABLES cpu WRITE');
    await run(client, 'UNLOCK TABLES');
    await run(client, '/* nothing */');
    await run(client, '/*M!100100 SET WAIT_TIMEOUT=DEFAULT */');
  });

  test('SHOW STATUS and SHOW RPO', async () => {
    const status = new Map((await cellsOf(client, 'SHOW STATUS')) as [string, string][]);
    expect(status.get('repl_state')).toBe('standalone');
    expect(Number(status.get('Com_create_db'))).toBe(1);
    expect(Number(status.get('Threads_connected'))).toBe(1);
    expect(await cellsOf(client, "SHOW STATUS LIKE 'REPL\\_pending\\_bytes'")).toEqual([
      ['repl_pending_bytes', '0'],
    ]);
    expect(await rowsOf(client, 'SHOW RPO')).toEqual([
      expect.objectContaining({ State: 'standalone', Pending_bytes: 0 }),
    ]);
    expect(await cellsOf(client, 'SHOW REPLICA STATUS')).toEqual([]);
  });
});
