/** A large write is applied in slices: none of it shows before all of it does, whatever happens meanwhile. */

import { ColumnRole, ColumnType, type TableSchema } from '../../storage/table-schema.js';
import { isStaged } from '../../storage/staged-write.js';
import type { TableStore } from '../../storage/table-store.js';
import { HOST_TABLE as schema } from '../support/host-table.js';
import { bodyOf, type ModelOperation, type ModelRow, printRow } from '../support/table-model.js';
import { flushAll, flushedState, openMemoryStore, scanAll } from '../support/table-rig.js';

const appendSchema: TableSchema = { ...schema, tableId: 78, appendMode: true };
const T0 = 1_700_000_000_000;
/** Two full chunks and a piece of a third. */
const ROWS = 20_000;

type Cells = readonly [host: string, at: number, value: number];

const rowOf = ([host, at, value]: Cells): ModelRow => ({ cells: [host, BigInt(T0 + at), value] });
const printed = (cells: Cells): string => printRow(rowOf(cells).cells);
const rows = (...cells: readonly Cells[]): ModelOperation => ({
  kind: 'rows',
  rows: cells.map(rowOf),
});
const deletes = (...cells: readonly Cells[]): ModelOperation => ({
  kind: 'deletes',
  rows: cells.map(rowOf),
});

function body(version: number, operations: readonly ModelOperation[], of = schema): Uint8Array {
  return bodyOf(of, { version, operations });
}

function many(count: number, hosts: number): ModelOperation {
  return rows(
    ...Array.from({ length: count }, (_, row): Cells => {
      return [`host-${row % hosts}`, Math.floor(row / hosts), row];
    }),
  );
}

async function newStore(): Promise<TableStore> {
  const { store } = await openMemoryStore();
  store.defineTable(schema);
  store.defineTable(appendSchema);
  return store;
}

const sorted = async (store: TableStore, of = schema): Promise<string[]> =>
  (await scanAll(store, of)).toSorted();

test('nothing of it shows before it is published, and then all of it', async () => {
  const store = await newStore();
  const content = body(8, [many(ROWS, 700)]);
  const write = store.stageWrite(8, [content]);
  let slices = 1;
  for (; !write.step(); slices += 1) {
    expect(store.stats().map(({ memtableRows }) => memtableRows)).toEqual([0, 0]);
  }
  // A column of the section, or a full chunk, is the most that one does beside its share.
  expect(slices).toBeGreaterThan(4);
  expect(await sorted(store)).toEqual([]);
  store.publish(write);
  const plain = await newStore();
  plain.applyWrite(8, content, 0);
  expect(await sorted(store)).toEqual(await sorted(plain));
  expect([store.seriesCount, store.stats()[0]!.memtableRows]).toEqual([700, ROWS]);
  expect(store.memtableBytes()).toBeGreaterThan(ROWS * 16);
});

test('it is whole when it is published before its last slice', async () => {
  const store = await newStore();
  const write = store.stageWrite(8, [body(8, [many(ROWS, 700)])]);
  write.step();
  store.publish(write);
  expect(await sorted(store)).toHaveLength(ROWS);
});

test('views keep what they had, those that were taken between its slices too', async () => {
  const store = await newStore();
  store.applyWrite(1, body(1, [rows(['a', 0, 1])]), 0);
  const write = store.stageWrite(8, [body(8, [rows(['a', 1, 2], ['b', 1, 3])])]);
  const views = [store.readView()];
  while (!write.step(1)) views.push(store.readView());
  store.publish(write);
  for (const view of views) {
    expect(await scanAll(view, schema)).toEqual([printed(['a', 0, 1])]);
    view.release();
  }
  expect(await sorted(store)).toHaveLength(3);
});

describe('rows of one identity, written between its slices', () => {
  test.each([
    ['is older', 4, ['a', 5, 80]],
    ['is newer', 12, ['a', 5, 120]],
  ] as const)('one that %s: the higher version wins', async (_, version, winner) => {
    for (const slicesBefore of [0, 1, 2, 3, 4, 5, 6]) {
      const store = await newStore();
      const write = store.stageWrite(8, [body(8, [rows(['a', 5, 80])])]);
      for (let slice = 0; slice < slicesBefore; slice += 1) write.step(1);
      store.applyWrite(version, body(version, [rows(['a', 5, version * 10])]), 0);
      store.publish(write);
      expect(await sorted(store)).toEqual([printed(winner)]);
      await flushAll(store, 1, 20);
      expect(await sorted(store)).toEqual([printed(winner)]);
    }
  });

  test.each([
    ['flushed', 4],
    ['flushed', 12],
    ['flushed and compacted', 4],
    ['flushed and compacted', 12],
  ])('one that is %s before it is published, of version %d', async (what, version) => {
    for (const slicesBefore of [0, 1, 2, 3, 4, 5, 6]) {
      const store = await newStore();
      const write = store.stageWrite(8, [body(8, [rows(['a', 5, 80])])]);
      for (let slice = 0; slice < slicesBefore; slice += 1) write.step(1);
      store.applyWrite(version, body(version, [rows(['a', 5, version * 10])]), 0);
      await flushAll(store, 1, 0);
      if (what === 'flushed and compacted') await store.compactTable(schema.tableId, () => 0);
      store.publish(write);
      const winner = printed(['a', 5, Math.max(8, version) * 10]);
      expect(await sorted(store)).toEqual([winner]);
      await flushAll(store, 2, 0);
      expect(await sorted(store)).toEqual([winner]);
    }
  });

  test('its deletes take what came first and is older', async () => {
    const store = await newStore();
    const write = store.stageWrite(8, [body(8, [deletes(['a', 1, 0], ['a', 2, 0])])]);
    store.applyWrite(4, body(4, [rows(['a', 1, 1])]), 0);
    while (!write.step(1));
    store.applyWrite(12, body(12, [rows(['a', 2, 2])]), 0);
    expect(await sorted(store)).toHaveLength(2);
    store.publish(write);
    expect(await sorted(store)).toEqual([printed(['a', 2, 2])]);
  });
});

test('a range of time that it deletes is gone when it shows, its own rows not', async () => {
  const store = await newStore();
  store.applyWrite(4, body(4, [rows(['a', 1, 1])]), 0);
  const all = { kind: 'range', timeMin: null, timeMax: null, firstTag: null } as const;
  const write = store.stageWrite(8, [body(8, [rows(['a', 2, 2]), all])]);
  while (!write.step());
  expect(await sorted(store)).toEqual([printed(['a', 1, 1])]);
  store.publish(write);
  expect(await sorted(store)).toEqual([printed(['a', 2, 2])]);
});

test('rows are numbered through all parts: in append mode none hides another', async () => {
  const store = await newStore();
  const parts = [1, 2, 3].map((value) => body(8, [rows(['a', 1, value])], appendSchema));
  const write = store.stageWrite(8, parts);
  while (!write.step());
  store.publish(write);
  await flushAll(store);
  expect(await sorted(store, appendSchema)).toHaveLength(3);
  const plain = store.stageWrite(
    16,
    [1, 2, 3].map((value) => body(16, [rows(['a', 1, value])])),
  );
  store.publish(plain);
  expect(await sorted(store)).toEqual([printed(['a', 1, 3])]);
});

test('memtables that are frozen and flushed meanwhile do not have it, and it goes with the next', async () => {
  const store = await newStore();
  store.applyWrite(4, body(4, [rows(['a', 1, 1])]), 0);
  const write = store.stageWrite(8, [body(8, [rows(['a', 1, 2], ['b', 2, 3])])]);
  write.step(1);
  await flushAll(store, 1);
  write.step(1);
  store.freeze(flushedState(2));
  store.publish(write);
  expect(await sorted(store)).toEqual([printed(['a', 1, 2]), printed(['b', 2, 3])]);
  await store.flush(() => 0);
  expect(store.stats()[0]).toMatchObject({ memtableRows: 2, runRows: 1 });
  await flushAll(store, 3);
  expect(store.stats()[0]!.memtableRows).toBe(0);
  expect(await sorted(store)).toEqual([printed(['a', 1, 2]), printed(['b', 2, 3])]);
});

test('a table that is dropped between two slices has none of it, and the others have theirs', async () => {
  for (const slicesBefore of [0, 3, 6, 20]) {
    const store = await newStore();
    const parts = [body(8, [many(300, 300)]), body(8, [rows(['a', 1, 1])], appendSchema)];
    const write = store.stageWrite(8, parts);
    for (let slice = 0; slice < slicesBefore; slice += 1) write.step(1);
    store.dropTable(schema.tableId, 6);
    store.publish(write);
    expect(await sorted(store, appendSchema)).toEqual([printed(['a', 1, 1])]);
    expect(store.seriesCount).toBe(1);
  }
});

test('a table that gets a column between two slices shows it without values', async () => {
  const added = {
    id: 104,
    type: ColumnType.float64,
    role: ColumnRole.field,
    precision: 0,
  } as const;
  const wider: TableSchema = { ...schema, columns: [...schema.columns, added] };
  const store = await newStore();
  const parts = [body(8, [many(3, 3)]), body(8, [rows(['z', 9, 9])])];
  const write = store.stageWrite(8, parts);
  while (store.seriesCount < 3) write.step(1);
  store.defineTable(wider);
  store.publish(write);
  expect(await sorted(store, wider)).toHaveLength(4);
  expect((await scanAll(store, wider)).every((row) => row.endsWith(printRow([null])))).toBe(true);
});

test.each([
  ['few rows', [[many(9_999, 3)]], false],
  ['as many as are worth it', [[many(10_000, 3)]], true],
  ['as many in several sections', [[many(5_000, 3), many(5_000, 3)]], true],
  ['as many in several parts', [[many(6_000, 3)], [many(4_000, 3)]], true],
] as const)('is done for %s', (_, parts, expected) => {
  expect(isStaged(parts.map((operations) => body(8, operations)))).toBe(expected);
});

test('is done for few rows of many bytes', () => {
  const wide = rows(['x'.repeat(2 * 1024 * 1024), 1, 1]);
  expect(isStaged([body(8, [wide])])).toBe(true);
});
