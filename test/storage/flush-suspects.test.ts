/** At which times a run must be merged: what its flush has seen to be single is not, whatever order it came in. */

import { runKey } from '../../storage/keys.js';
import type { KeyValueStore } from '../../storage/ports.js';
import { Run } from '../../storage/run.js';
import { openValue } from '../../storage/sealed-value.js';
import type { TableSchema } from '../../storage/table-schema.js';
import type { TableStore } from '../../storage/table-store.js';
import { HOST_TABLE as schema } from '../support/host-table.js';
import { bodyOf, type ModelOperation } from '../support/table-model.js';
import { flushAll, openMemoryStore, scanAll } from '../support/table-rig.js';

const T0 = 1_700_000_000_000;
const appendSchema: TableSchema = { ...schema, tableId: 78, appendMode: true };

type Kind = ModelOperation['kind'] & ('rows' | 'deletes');

/** Rows, or deletes, of host `a` at those times, under one version. */
function write(
  store: TableStore,
  version: number,
  times: readonly number[],
  kind: Kind = 'rows',
  to = schema,
): void {
  const rows = times.map((time) => ({ cells: ['a', BigInt(T0 + time), version] }));
  store.applyWrite(version, bodyOf(to, { version, operations: [{ kind, rows }] }), 0);
}

interface Found {
  readonly rows: number;
  readonly suspects: readonly string[];
  readonly tombstones: readonly string[];
}

async function runsOf(kv: KeyValueStore): Promise<Found[]> {
  const found: Found[] = [];
  const printed = ({ min, max }: { min: bigint; max: bigint }): string =>
    `${min - BigInt(T0)}..${max - BigInt(T0)}`;
  for await (const [key, value] of kv.entries({ gte: runKey(0), lt: runKey(2 ** 40) })) {
    const run = Run.decode(Buffer.from(key).readUIntBE(1, 6), openValue(key, value));
    found.push({
      rows: run.blocks.rows,
      suspects: run.suspects.map(printed),
      tombstones: run.tombstoneSpans.map(printed),
    });
  }
  return found;
}

async function newStore(): Promise<{ store: TableStore; kv: KeyValueStore }> {
  const { store, kv } = await openMemoryStore();
  store.defineTable(schema);
  store.defineTable(appendSchema);
  return { store, kv };
}

const SINGLE: Found = { rows: 0, suspects: [], tombstones: [] };

test.each<[string, number, (store: TableStore) => void, Found]>([
  [
    'batches that overtake each other have none',
    0,
    (store) => {
      write(store, 1, [3, 4, 5]);
      write(store, 2, [0, 1, 2]);
      write(store, 3, [6]);
    },
    { ...SINGLE, rows: 7 },
  ],
  [
    'what is overwritten for good has none',
    2,
    (store) => {
      write(store, 1, [3, 4]);
      write(store, 2, [4]);
    },
    { ...SINGLE, rows: 2 },
  ],
  [
    'two rows of an identity that both stay have their time',
    1,
    (store) => {
      write(store, 1, [3, 4, 5]);
      write(store, 2, [4]);
    },
    { ...SINGLE, rows: 4, suspects: ['4..4'] },
  ],
  [
    'a delete that stays has its time',
    1,
    (store) => {
      write(store, 1, [3, 4, 5]);
      write(store, 2, [9], 'deletes');
    },
    { rows: 4, suspects: ['9..9'], tombstones: ['9..9'] },
  ],
  [
    'a delete under a newer row is gone',
    2,
    (store) => {
      write(store, 1, [3], 'deletes');
      write(store, 2, [3]);
    },
    { ...SINGLE, rows: 1 },
  ],
  [
    'rows of one identity in append mode have none',
    0,
    (store) => {
      write(store, 1, [3, 4], 'rows', appendSchema);
      write(store, 2, [4], 'rows', appendSchema);
    },
    { ...SINGLE, rows: 3 },
  ],
])('%s', async (_, horizon, fill, expected) => {
  const { store, kv } = await newStore();
  fill(store);
  await flushAll(store, 1, horizon);
  expect(await runsOf(kv)).toEqual([expected]);
});

test('a row that an older run may have is suspect, and none beyond that run', async () => {
  const { store, kv } = await newStore();
  write(store, 1, [3, 4, 5]);
  await flushAll(store, 1, 0);
  write(store, 2, [7, 8, 9]);
  write(store, 3, [4, 6, 7]);
  await flushAll(store, 2, 0);
  const [first, second] = await runsOf(kv);
  expect(first).toEqual({ ...SINGLE, rows: 3 });
  expect(second).toEqual({ rows: 6, suspects: ['4..4', '7..7'], tombstones: [] });
  expect(await scanAll(store, schema)).toHaveLength(7);
});

test('a run of batches that overtook each other has nothing for a compaction to do', async () => {
  const { store, kv } = await newStore();
  write(store, 1, [3, 4, 5]);
  write(store, 2, [0, 1, 2]);
  await flushAll(store, 1, 2);
  const keys = async (): Promise<string[]> => {
    const all: string[] = [];
    for await (const key of kv.keys({ gte: runKey(0), lt: runKey(2 ** 40) })) {
      all.push(Buffer.from(key).toString('hex'));
    }
    return all;
  };
  const before = await keys();
  await store.compactTable(schema.tableId, () => 2);
  expect(await keys()).toEqual(before);
});
