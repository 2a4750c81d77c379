/** Work done ahead for a write: in slices, unseen, and without a difference to what is read afterwards. */

import fc from 'fast-check';
import { ColumnRole, ColumnType, type TableSchema } from '../../storage/table-schema.js';
import type { TableStore } from '../../storage/table-store.js';
import { bodyOf, type ModelRow } from '../support/table-model.js';
import { flushAll, openMemoryStore, scanAll } from '../support/table-rig.js';

const schema: TableSchema = {
  tableId: 77,
  appendMode: false,
  partitionMs: 86_400_000,
  columns: [
    { id: 101, type: ColumnType.text, role: ColumnRole.tag, precision: 0 },
    { id: 102, type: ColumnType.text, role: ColumnRole.tag, precision: 0 },
    { id: 103, type: ColumnType.timestamp, role: ColumnRole.time, precision: 3 },
    { id: 104, type: ColumnType.float64, role: ColumnRole.field, precision: 0 },
  ],
};
const T0 = 1_700_000_000_000;
/** Steps that a write of a single slice takes at most, the last one included, which finds nothing more to do. */
const FEW_STEPS = 4;

interface Hosts {
  readonly first: number;
  readonly count: number;
}

/** A row for each host; every seventh has no region. */
function writeOf({ first, count }: Hosts, version: number): Uint8Array {
  const rows: ModelRow[] = Array.from({ length: count }, (_, index) => {
    const host = first + index;
    const region = host % 7 === 0 ? null : `region-${host % 5}`;
    return { cells: [`host-${host}`, region, BigInt(T0 + version), version] };
  });
  return bodyOf(schema, { version, operations: [{ kind: 'rows', rows }] });
}

async function newStore(): Promise<TableStore> {
  const { store } = await openMemoryStore();
  store.defineTable(schema);
  return store;
}

const sorted = async (store: TableStore): Promise<string[]> =>
  (await scanAll(store, schema)).toSorted();

test('the series of a large write are made a slice at a time, and its rows appear with its apply', async () => {
  const store = await newStore();
  const body = writeOf({ first: 0, count: 4000 }, 8);
  const preparation = store.prepareWrite([body]);
  let most = 0;
  let steps = 0;
  for (let before = 0, isDone = false; !isDone; steps++) {
    isDone = preparation.step();
    most = Math.max(most, store.seriesCount - before);
    before = store.seriesCount;
    expect(await sorted(store)).toEqual([]);
  }
  expect(store.seriesCount).toBe(4000);
  expect(most).toBeLessThanOrEqual(256);
  expect(steps).toBeGreaterThan(4000 / 256);
  // The memory is this generation's before its rows are.
  expect(store.memtableBytes()).toBeGreaterThan(4000 * 16);

  store.applyWrite(8, body, 0);
  preparation.end();
  expect(await sorted(store)).toHaveLength(4000);
  expect(store.seriesCount).toBe(4000);
});

test('a write of few series, or of series whose tags are remembered, takes no work ahead', async () => {
  const store = await newStore();
  const stepsOf = (body: Uint8Array): number => {
    const preparation = store.prepareWrite([body]);
    let steps = 1;
    while (!preparation.step()) steps += 1;
    return steps;
  };
  expect(stepsOf(writeOf({ first: 0, count: 500 }, 8))).toBe(1);
  expect(store.seriesCount).toBe(0);
  // What comes for the second time is remembered, and found the third time.
  for (const version of [16, 24]) {
    const body = writeOf({ first: 0, count: 1500 }, version);
    expect(stepsOf(body)).toBeGreaterThan(1);
    store.applyWrite(version, body, 0);
  }
  expect(stepsOf(writeOf({ first: 0, count: 1500 }, 32))).toBe(1);
});

test('a write that is applied before all of it was prepared is whole', async () => {
  const store = await newStore();
  const body = writeOf({ first: 0, count: 3000 }, 8);
  const preparation = store.prepareWrite([body]);
  for (let step = 0; step < FEW_STEPS; step++) expect(preparation.step()).toBe(false);
  store.applyWrite(8, body, 0);
  preparation.end();
  expect(await sorted(store)).toHaveLength(3000);
  expect(store.seriesCount).toBe(3000);
});

test('a table that is dropped between two slices takes no more series', async () => {
  const store = await newStore();
  const body = writeOf({ first: 0, count: 3000 }, 16);
  const preparation = store.prepareWrite([body]);
  for (let step = 0; step < FEW_STEPS; step++) preparation.step();
  store.dropTable(schema.tableId, 8);
  while (!preparation.step());
  store.applyWrite(16, body, 0);
  preparation.end();
  expect(store.seriesCount).toBe(0);
});

test('whatever is applied between the slices, all shows the rows that it shows without', async () => {
  const hosts = fc.record({
    first: fc.integer({ min: 0, max: 800 }),
    count: fc.integer({ min: 1, max: 900 }),
  });
  const writes = fc.array(hosts, { minLength: 1, maxLength: 4 });
  const choices = fc.array(fc.nat(4), { minLength: 20, maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(writes, choices, fc.boolean(), async (all, turns, isFlushed) => {
      const plain = await newStore();
      const bodies = all.map((one, index) => writeOf(one, 8 * (index + 1)));
      bodies.forEach((body, index) => plain.applyWrite(8 * (index + 1), body, 0));

      const store = await newStore();
      const waiting = bodies.map((body, index) => ({
        body,
        version: 8 * (index + 1),
        preparation: store.prepareWrite([body]),
      }));
      for (let turn = 0; waiting.length > 0; turn++) {
        const at = turns[turn % turns.length]! % waiting.length;
        const { body, version, preparation } = waiting[at]!;
        if (!preparation.step()) continue;
        store.applyWrite(version, body, 0);
        preparation.end();
        waiting.splice(at, 1);
        if (isFlushed && turn % 3 === 0) await flushAll(store, version);
      }
      expect(await sorted(store)).toEqual(await sorted(plain));
      expect(store.seriesCount).toBe(plain.seriesCount);
    }),
    { numRuns: 6 },
  );
});
