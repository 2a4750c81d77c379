/** Row batches between statements: the ones used last are kept, as many as there is room for. */

import { RowBatchPool } from '../../src/server/row-batch-pool.js';
import { ColumnRole, ColumnType, type RowBatch, type TableSchema } from '../../storage/index.js';

const MEBIBYTE = 1024 * 1024;

/** Of a node that takes memtables of 256 MiB, as it does by default. */
const newPool = (): RowBatchPool => new RowBatchPool({ memtableBytes: 256 * MEBIBYTE }, () => null);

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
  const pool = newPool();
  const [one, other] = [schemaOf(1), schemaOf(2)];
  const batch = pool.take(one);
  pool.give(batch);
  expect(pool.take(other)).not.toBe(batch);
  expect(pool.take(one)).toBe(batch);
  expect(pool.take(one)).not.toBe(batch);
});

test('as many INSERTs as run at the same moment find their batches again', () => {
  const pool = newPool();
  const schema = schemaOf(1);
  const batches = new Set(Array.from({ length: 200 }, () => pool.take(schema)));
  for (const batch of batches) pool.give(batch);
  for (let round = 0; round < 200; round++) expect(batches.delete(pool.take(schema))).toBe(true);
});

test('beyond 256 the least recently given goes', () => {
  const pool = newPool();
  const [first, ...rest] = Array.from({ length: 257 }, (_, table) => schemaOf(table));
  const lost = pool.take(first!);
  pool.give(lost);
  const kept = rest.map((schema) => pool.take(schema));
  for (const batch of kept) pool.give(batch);
  expect(pool.take(first!)).not.toBe(lost);
  expect(rest.map((schema) => pool.take(schema))).toEqual(kept);
});

test.each([256, 128, 64])(
  'what large statements have grown is kept up to a quarter of a memtable of %i MiB',
  (memtableMiB) => {
    const pool = new RowBatchPool({ memtableBytes: memtableMiB * MEBIBYTE }, () => null);
    const schemas = Array.from({ length: 12 }, (_, table) => schemaOf(table));
    const text = new Uint8Array(6 * MEBIBYTE);
    const batches = schemas.map((schema) => {
      const batch = pool.take(schema);
      fill(batch, 'a', text);
      expect(batch.sizeBytes).toBeGreaterThanOrEqual(text.length);
      batch.clear();
      expect(batch.sizeBytes).toBeGreaterThanOrEqual(text.length);
      return batch;
    });
    for (const batch of batches) pool.give(batch);
    const { idleBytes } = pool;
    const keptBytes = schemas
      .map((schema, table) => (pool.take(schema) === batches[table] ? batches[table].sizeBytes : 0))
      .reduce((sum, bytes) => sum + bytes, 0);
    expect(keptBytes).toBe(idleBytes);
    expect(keptBytes).toBeGreaterThan((memtableMiB / 8) * MEBIBYTE);
    expect(keptBytes).toBeLessThanOrEqual((memtableMiB / 4) * MEBIBYTE);
    expect(pool.idleBytes).toBe(0);
  },
);

test('one that alone is more than that is not kept, and drives no other out', () => {
  const pool = new RowBatchPool({ memtableBytes: 4 * MEBIBYTE }, () => null);
  const [small, large] = [schemaOf(1), schemaOf(2)].map((schema) => pool.take(schema));
  pool.give(small!);
  fill(large!, 'a', new Uint8Array(2 * MEBIBYTE));
  large!.clear();
  pool.give(large!);
  expect(pool.take(large!.schema)).not.toBe(large);
  expect(pool.take(small!.schema)).toBe(small);
});

test('batches of one schema share what they know of its tuples, also with one that is made later', () => {
  const pool = newPool();
  const schema = schemaOf(1);
  const first = pool.take(schema);
  fill(first, 'host', new Uint8Array(0));
  expect(pool.take(schema).tuples).toBe(first.tuples);
});
