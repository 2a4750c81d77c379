/** A table that both nodes created at once, as statements see it. */

import type { Connection } from 'mysql2/promise';
import { encodeSchemaBody, encodeWriteBody, RowBatch } from '../../storage/index.js';
import type { TableSchema } from '../../storage/index.js';
import { planOf } from '../catalog/create-statement.js';
import { cellsOf, run } from '../support/typed-query.js';
import { SingleNode } from './support/single-node.js';

let node: SingleNode;
let client: Connection;

beforeEach(async () => {
  node = await SingleNode.start();
  client = await node.connect();
  await run(client, 'CREATE DATABASE d');
  await run(client, 'USE d');
  await run(
    client,
    'CREATE TABLE t (h VARCHAR(9), ts TIMESTAMP TIME INDEX, a INT, PRIMARY KEY (h))',
  );
  await run(client, "INSERT INTO t VALUES ('x', 1, 10), ('y', 1, 20)");
  const { operation } = planOf(
    'CREATE TABLE t (b INT, ts TIMESTAMP TIME INDEX, h VARCHAR(9), PRIMARY KEY (h))',
  );
  node.writer.applyPeerDdl(node.context.catalog.createTableBody(operation));
  applyPeerRows([
    ['x', 1, 30],
    ['z', 2, 40],
  ]);
});

afterEach(async () => {
  const { bugs } = node;
  await node.stop();
  expect(bugs).toEqual([]);
});

/** Rows that the other node wrote into its own table before it heard of ours. */
function applyPeerRows(rows: readonly (readonly [string, number, number])[]): void {
  const schema = peerSchema();
  const batch = new RowBatch(schema);
  for (const [host, ms, value] of rows) {
    const bytes = Buffer.from(host);
    batch.setBytes(0, bytes, 0, bytes.length);
    batch.setTime(1, 0, ms);
    batch.setNumber(2, value);
    batch.endRow();
  }
  node.tables.applySchema(encodeSchemaBody(schema));
  const body = Buffer.concat(encodeWriteBody([batch.encodeSection()]));
  node.tables.applyWrite(node.writer.nextVersion() + 1, body, 0);
}

function peerSchema(): TableSchema {
  const part = node.context.catalog.table('d', 't')?.parts[1];
  if (part === undefined) throw new Error('the tables did not merge');
  return part.schema;
}

const ALL = 'SELECT h, a, b FROM t ORDER BY h, ts';

test('reads as the union of both, rows of one identity as one', async () => {
  expect((await cellsOf(client, 'SHOW COLUMNS FROM t')).map(([name]) => name)).toEqual([
    'h',
    'ts',
    'a',
    'b',
  ]);
  const rows = await cellsOf(client, ALL);
  // (x, 1) was written by both: the later one, the peer's, is the row.
  expect(rows).toEqual([
    ['x', null, 30],
    ['y', 20, null],
    ['z', null, 40],
  ]);
});

test('new rows may name the columns of both', async () => {
  await run(client, "INSERT INTO t (h, ts, a, b) VALUES ('w', 3, 1, 2), ('z', 2, 5, 6)");
  expect(await cellsOf(client, ALL)).toEqual([
    ['w', 1, 2],
    ['x', null, 30],
    ['y', 20, null],
    ['z', 5, 6],
  ]);
});

test.each([
  ["DELETE FROM t WHERE h = 'x'", ['y', 'z']],
  ["DELETE FROM t WHERE ts > '1970-01-01 00:00:00.001'", ['x', 'y']],
  ['DELETE FROM t WHERE b >= 30', ['y']],
  ['DELETE FROM t WHERE a = 20', ['x', 'z']],
  ['TRUNCATE t', []],
])('%s reaches the rows of both', async (sql, left) => {
  await run(client, sql);
  expect((await cellsOf(client, 'SELECT h FROM t ORDER BY h')).flat()).toEqual(left);
});

test('DROP TABLE drops both', async () => {
  await run(client, 'DROP TABLE t');
  expect(await cellsOf(client, 'SHOW TABLES')).toEqual([]);
  await run(client, 'CREATE TABLE t (ts TIMESTAMP TIME INDEX)');
  expect(await cellsOf(client, 'SELECT * FROM t')).toEqual([]);
});

test('the conflict is listed', async () => {
  expect(
    await cellsOf(
      client,
      'SELECT kind, table_schema, table_name, node_id FROM information_schema.replication_conflicts',
    ),
  ).toEqual([['concurrent create', 'd', 't', 2]]);
});
