/** mysql2, the driver of Node: callbacks and promises, text and prepared, pools, streams. */

import { promisify } from 'node:util';
import mysql from 'mysql2';
import type { Connection } from 'mysql2/promise';
import { figure } from '../support/figure.js';
import { cellOf, cellsOf, failureOf, rowsOf, run } from '../support/typed-query.js';
import {
  ALL_BYTES,
  COLUMNS,
  createEveryType,
  DIFFICULT_TEXT,
  ERRORS,
  insertEveryType,
  ROWS,
} from './every-type.js';
import { loadMillion, MILLION, MILLION_SUM } from './million-rows.js';
import { startSingleNode, type SingleNode } from './single-node.js';

jest.setTimeout(120_000);

/** Everything as the server spelled it: no number that a double cannot hold, no Date. */
const EXACT = { supportBigNumbers: true, bigNumberStrings: true, dateStrings: true };

let single: SingleNode;
let client: Connection;

beforeAll(async () => {
  single = await startSingleNode();
  client = await single.node.connect();
  await run(client, 'CREATE DATABASE types');
  await client.changeUser({ database: 'types' });
  await run(client, "SET time_zone = '+00:00'");
  await run(client, createEveryType('every_type'));
  await run(client, insertEveryType('every_type'));
});
afterAll(() => single?.stop());

/** A cell of mysql2, as text. */
type Cell = string | number | Buffer | null;

function textOf(cell: Cell): string | null {
  if (cell === null) return null;
  return Buffer.isBuffer(cell) ? cell.toString('latin1') : `${cell}`;
}

/** The same number in another notation is the same. */
function expectCells(
  id: string,
  cells: readonly Cell[],
  expected: readonly (string | null)[],
): void {
  cells.forEach((cell, index) => {
    const { name, type } = COLUMNS[index]!;
    const [got, wanted] = [textOf(cell), expected[index]!];
    // In binary a fraction of 0 is not sent, and mysql2 shows what was sent.
    const isWhole = /^(DATETIME|TIMESTAMP)/.test(type) && wanted !== null && /\.0+$/.test(wanted);
    if (isWhole && got === wanted.replace(/\.0+$/, '')) return;
    const isReal = wanted !== null && (type === 'FLOAT' || type === 'DOUBLE');
    expect({ id, name, value: isReal ? roundedTo(type, got) : got }).toEqual({
      id,
      name,
      value: isReal ? roundedTo(type, wanted) : wanted,
    });
  });
}

function roundedTo(type: string, text: string | null): number {
  return type === 'FLOAT' ? Math.fround(Number(text)) : Number(text);
}

test.each([
  ['text', false],
  ['prepared', true],
])('every type is read, to its extremes: %s', async (_, isPrepared) => {
  const exact = await single.node.connect({ database: 'types', ...EXACT });
  await run(exact, "SET time_zone = '+00:00'");
  const sql = `SELECT ${COLUMNS.map(({ name }) => name).join(', ')} FROM every_type ORDER BY at`;
  const [rows] = isPrepared
    ? await exact.execute<mysql.RowDataPacket[][]>({ sql, rowsAsArray: true })
    : await exact.query<mysql.RowDataPacket[][]>({ sql, rowsAsArray: true });
  expect(rows.length).toBe(ROWS.length);
  ROWS.forEach(({ id, cells }, index) => {
    expectCells(
      id,
      rows[index] as Cell[],
      cells.map((cell) => cell.text),
    );
  });
  await exact.end();
});

test('every type is written by a prepared statement, to its extremes', async () => {
  await run(client, createEveryType('prepared_type'));
  const placeholders = COLUMNS.map(() => '?').join(', ');
  const sql = `INSERT INTO prepared_type (id, at, ${COLUMNS.map(({ name }) => name).join(', ')}) VALUES (?, ?, ${placeholders})`;
  for (const [index, { id, cells }] of ROWS.entries()) {
    const values = cells.map(({ text }, column) => {
      if (text === null) return null;
      return COLUMNS[column]!.type === 'BLOB' ? Buffer.from(text, 'latin1') : text;
    });
    await client.execute(sql, [id, index, ...values]);
  }
  const columns = COLUMNS.map(({ name }) => (name === 'bytes' ? 'HEX(bytes)' : name)).join(', ');
  const [written, given] = await Promise.all(
    ['prepared_type', 'every_type'].map((table) =>
      cellsOf(client, `SELECT id, ${columns} FROM ${table} ORDER BY at`),
    ),
  );
  expect(written).toEqual(given);
});

test('numbers, dates, booleans and buffers go in as JavaScript has them', async () => {
  await run(
    client,
    'CREATE TABLE native (at TIMESTAMP(3) NOT NULL, n INT, x DOUBLE, flag BOOLEAN, big BIGINT, bytes BLOB, word TEXT, TIME INDEX (at))',
  );
  const when = new Date(Date.UTC(2026, 4, 1, 12, 34, 56, 789));
  const utc = await single.node.connect({ database: 'types', timezone: 'Z' });
  await run(utc, "SET time_zone = '+00:00'");
  const values = [when, 42, -0.125, true, 2n ** 62n, ALL_BYTES, DIFFICULT_TEXT];
  await utc.execute('INSERT INTO native VALUES (?, ?, ?, ?, ?, ?, ?)', values);
  await run(utc, 'INSERT INTO native VALUES ?', [
    [[new Date(when.getTime() + 1), 43, 1e300, false, -5, Buffer.alloc(0), '']],
  ]);
  const [first, second] = await rowsOf<{ at: Date; bytes: Buffer; word: string; big: unknown }>(
    utc,
    'SELECT * FROM native ORDER BY at',
  );
  expect(first).toMatchObject({
    at: when,
    n: 42,
    x: -0.125,
    flag: 1,
    bytes: ALL_BYTES,
    word: DIFFICULT_TEXT,
  });
  expect(second).toMatchObject({ n: 43, x: 1e300, flag: 0, big: -5, word: '' });
  expect(await cellOf(utc, 'SELECT CAST(big AS CHAR) FROM native WHERE n = 42')).toBe(
    '4611686018427387904',
  );
  await utc.end();
});

test.each(ERRORS)('%s', async (sql, errno, sqlState) => {
  expect(await failureOf(client.query(sql))).toMatchObject({ errno, sqlState });
});

test('a prepared statement with an error, and the connection goes on', async () => {
  expect(await failureOf(client.execute('SELECT ? FROM no_such_table', [1]))).toMatchObject({
    errno: 1146,
  });
  expect(await failureOf(client.execute('SELEC ?', [1]))).toMatchObject({ errno: 1064 });
  const [rows] = await client.execute('SELECT ? + 1 AS sum', [41]);
  expect(rows).toEqual([{ sum: 42 }]);
});

test('callbacks', (done) => {
  const connection = mysql.createConnection({
    host: '127.0.0.1',
    port: single.node.mysqlPort,
    user: 'root',
    database: 'types',
  });
  connection.query('SELECT 1 + 1 AS two', (failure, rows) => {
    expect(failure).toBeNull();
    expect(rows).toEqual([{ two: 2 }]);
    connection.execute('SELECT id FROM every_type WHERE i8 = ?', [127], (problem, found) => {
      expect(problem).toBeNull();
      expect(found).toEqual([{ id: 'greatest' }]);
      connection.query('SELECT * FROM no_such_table', (error) => {
        expect(error).toMatchObject({ errno: 1146 });
        connection.end(done);
      });
    });
  });
});

test('a pool: many at once, transactions, a connection that comes back clean', async () => {
  const pool = single.node.pool({ database: 'types', connectionLimit: 8 });
  await run(pool, 'CREATE TABLE pooled (at TIMESTAMP(3) NOT NULL, n INT, TIME INDEX (at))');
  await Promise.all(
    Array.from({ length: 100 }, (_, n) => pool.execute('INSERT INTO pooled VALUES (?, ?)', [n, n])),
  );
  expect(await cellsOf(pool, 'SELECT COUNT(*), COUNT(DISTINCT n) FROM pooled')).toEqual([
    [100, 100],
  ]);

  const connection = await pool.getConnection();
  await connection.beginTransaction();
  await connection.query('INSERT INTO pooled VALUES (1000, 1000)');
  expect(await cellOf(connection, 'SELECT COUNT(*) FROM pooled')).toBe(101);
  expect(await cellOf(pool, 'SELECT COUNT(*) FROM pooled')).toBe(100);
  await connection.rollback();
  await connection.beginTransaction();
  await connection.query('INSERT INTO pooled VALUES (2000, 2000)');
  await connection.commit();
  connection.release();
  expect(await cellOf(pool, 'SELECT MAX(n) FROM pooled')).toBe(2000);
  await pool.end();
});

test('ping, another user, and who is refused', async () => {
  const connection = await single.node.connect({ database: 'types' });
  await connection.ping();
  await run(connection, 'SET @mine = 1');
  await connection.changeUser({ user: 'root', database: 'types' });
  expect(await cellOf(connection, 'SELECT @mine')).toBeNull();
  await connection.end();
  expect(await failureOf(single.node.connect({ user: 'nobody' }))).toMatchObject({
    errno: 1045,
    sqlState: '28000',
  });
  expect(await failureOf(single.node.connect({ database: 'nowhere' }))).toMatchObject({
    errno: 1049,
  });
});

test('compressed', async () => {
  const connection = await single.node.connect({ database: 'types', compress: true });
  expect(await cellOf(connection, "SELECT REPEAT('abc', 100000)")).toBe('abc'.repeat(100_000));
  expect(
    (await run(connection, 'INSERT INTO native (at, word) VALUES (5, ?)', ['z'.repeat(200_000)]))
      .affectedRows,
  ).toBe(1);
  await connection.end();
});

test('a million rows as a stream, text and prepared', async () => {
  await loadMillion(client);
  const connection = mysql.createConnection({
    host: '127.0.0.1',
    port: single.node.mysqlPort,
    user: 'root',
    database: 'types',
  });
  for (const kind of ['query', 'execute'] as const) {
    const startedMs = performance.now();
    let count = 0;
    let sum = 0;
    // A reader that falls behind now and then, so that the server has to wait for it.
    for await (const row of connection[kind]('SELECT n, sensor, level FROM million').stream()) {
      sum += (row as { n: number }).n;
      count += 1;
      if (count % 200_000 === 0) await promisify(setTimeout)(50);
    }
    expect({ kind, count, sum }).toEqual({ kind, count: MILLION, sum: MILLION_SUM });
    figure(`mysql2 ${kind}: a million rows in ${Math.round(performance.now() - startedMs)} ms`);
  }
  connection.destroy();
});
