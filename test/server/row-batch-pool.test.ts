/** Row batches between statements: the ones used last are kept, as many as there is room for. */

import { RowBatchPool } from '../../src/server/row-batch-pool.js';
import { ColumnRole, ColumnType, type RowBatch, type TableSchema } from '../../storage/index.js';

const schemaOf = (tableId: number): TableSchema => ({
  tableId,
  appendMode: false,
  partitionMs: 86_400_000,
  columns: [
    { id: 1, type: ColumnType.text, role: ColumnRole.tag, precision: 0 },
    { id: 2, type: ColumnType.timestamp, role: ColumnRole.time, precision: 0 },
    { id: 3, type: ColumnType.text, role: ColumnRole.field, precision: 0 },
  ],
});

function fill(batch: RowBatch, host: string, text: Uint8Array): void {
  batch.setBytes(0, Buffer.from(host), 0, host.length);
  batch.setTime(1, 1, 0);
  batch.setBytes(2, text, 0, text.length);
  batch.endRow();
}

test('a batch comes back for its own schema only', () => {
  const pool = new RowBatchPool();
  const [one, other] = [schemaOf(1), schemaOf(2)];
  const batch = pool.take(one);
  pool.give(batch);
  expect(pool.take(other)).not.toBe(batch);
  expect(pool.take(one)).toBe(batch);
  expect(pool.take(one)).not.toBe(batch);
});

test('as many INSERTs as run at the same moment find their batches again', () => {
  const pool = new RowBatchPool();
  const schema = schemaOf(1);
  const batches = new Set(Array.from({ length: 200 }, () => pool.take(schema)));
  for (const batch of batches) pool.give(batch);
  for (let round = 0; round < 200; round++) expect(batches.delete(pool.take(schema))).toBe(true);
});

test('beyond 256 the least recently given goes', () => {
  const pool = new RowBatchPool();
  const [first, ...rest] = Array.from({ length: 257 }, (_, table) => schemaOf(table));
  const lost = pool.take(first!);
  pool.give(lost);
  const kept = rest.map((schema) => pool.take(schema));
  for (const batch of kept) pool.give(batch);
  expect(pool.take(first!)).not.toBe(lost);
  expect(rest.map((schema) => pool.take(schema))).toEqual(kept);
});

test('what large statements have grown is kept up to 64 MiB', () => {
  const pool = new RowBatchPool();
  const schemas = Array.from({ length: 12 }, (_, table) => schemaOf(table));
  const text = new Uint8Array(6 * 1024 * 1024);
  const batches = schemas.map((schema) => {
    const batch = pool.take(schema);
    fill(batch, 'a', text);
    expect(batch.sizeBytes).toBeGreaterThanOrEqual(text.length);
    batch.clear();
    expect(batch.sizeBytes).toBeGreaterThanOrEqual(text.length);
    return batch;
  });
  for (const batch of batches) pool.give(batch);
  const keptBytes = schemas
    .map((schema, table) => (pool.take(schema) === batches[table] ? batches[table].sizeBytes : 0))
    .reduce((sum, bytes) => sum + bytes, 0);
  expect(keptBytes).toBeGreaterThan(32 * 1024 * 1024);
  expect(keptBytes).toBeLessThanOrEqual(64 * 1024 * 1024);
});

test('batches of one schema share what they know of its tuples, also with one that is made later', () => {
  const pool = new RowBatchPool();
  const schema = schemaOf(1);
  const first = pool.take(schema);
  fill(first, 'host', new Uint8Array(0));
  expect(pool.take(schema).tuples).toBe(first.tuples);
});
