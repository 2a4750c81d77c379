/** Work done ahead for a write: in slices, unseen, and without a difference to what is read afterwards. */

import fc from 'fast-check';
import { RowBatch } from '../../storage/row-batch.js';
import { ColumnRole, ColumnType, type TableSchema } from '../../storage/table-schema.js';
import type { TableStore } from '../../storage/table-store.js';
import { TupleMemory } from '../../storage/tuple-memory.js';
import { encodeWriteBody } from '../../storage/write-body.js';
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

/** The same write, by a batch whose tuples outlive it: what it knows of them is announced to the table. */
function announcedWriteOf(batch: RowBatch, { first, count }: Hosts, version: number): Uint8Array {
  for (let host = first; host < first + count; host++) {
    const name = Buffer.from(`host-${host}`);
    const region = Buffer.from(`region-${host % 5}`);
    batch.setBytes(0, name, 0, name.length);
    if (host % 7 === 0) batch.setNull(1);
    else batch.setBytes(1, region, 0, region.length);
    batch.setTime(2, Math.floor((T0 + version) / 1000), (T0 + version) % 1000);
    batch.setNumber(3, version);
    batch.endRow();
  }
  const section = batch.encodeSection();
  batch.clear();
  return Buffer.concat(encodeWriteBody([section]));
}

function writerInto(store: TableStore, tuplesMax?: number): RowBatch {
  const options = { seriesOfTable: () => store.seriesOf(schema.tableId) };
  const limits = tuplesMax === undefined ? {} : { tuplesMax };
  return new RowBatch(schema, new TupleMemory(2, { ...options, ...limits }));
}

function applyPrepared(store: TableStore, version: number, body: Uint8Array): number {
  const preparation = store.prepareWrite([body]);
  let steps = 1;
  while (!preparation.step()) steps += 1;
  store.applyWrite(version, body, 0);
  preparation.end();
  return steps;
}

describe('tuples as their writer knows them', () => {
  it('spare whoever applies them the decoding, once', async () => {
    const store = await newStore();
    const hosts = { first: 0, count: 1500 };
    const body = announcedWriteOf(writerInto(store), hosts, 8);
    const again = body.slice();
    const known = store.stats()[0]!.seriesBytes;
    const stepsOfAnnounced = applyPrepared(store, 8, body);
    expect(store.seriesCount).toBe(1500);
    // The announcement went, the series came.
    expect(store.stats()[0]!.seriesBytes).toBeGreaterThan(known);
    expect(applyPrepared(store, 16, again)).toBeGreaterThan(stepsOfAnnounced);
    expect(store.seriesCount).toBe(1500);
  });

  it('become the series that their section spells, whoever wrote them and in which order they are applied', async () => {
    const hosts = fc.record({ first: fc.nat(900), count: fc.integer({ min: 300, max: 900 }) });
    const write = fc.record({
      hosts,
      writer: fc.nat(1),
      isPrepared: fc.boolean(),
      isLate: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(write, { minLength: 1, maxLength: 5 }),
        fc.constantFrom(1, 700, undefined),
        async (writes, tuplesMax) => {
          const [store, plain] = [await newStore(), await newStore()];
          // Writers of one memory, and one with a memory of its own.
          const writers = [writerInto(store, tuplesMax), writerInto(store)];
          const late: (() => void)[] = [];
          for (const [index, { hosts: range, writer, isPrepared, isLate }] of writes.entries()) {
            const version = 8 * (index + 1);
            const body = announcedWriteOf(writers[writer]!, range, version);
            const spelled = writeOf(range, version);
            const apply = (): void => {
              if (isPrepared) applyPrepared(store, version, body);
              else store.applyWrite(version, body, 0);
              plain.applyWrite(version, spelled, 0);
            };
            if (isLate) late.push(apply);
            else apply();
          }
          for (const apply of late) apply();
          expect(await sorted(store)).toEqual(await sorted(plain));
          expect(store.seriesCount).toBe(plain.seriesCount);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('are of no use once their table is another', async () => {
    const store = await newStore();
    const writer = writerInto(store);
    const body = announcedWriteOf(writer, { first: 0, count: 1500 }, 16);
    store.dropTable(schema.tableId, 8);
    applyPrepared(store, 16, body);
    expect(store.seriesCount).toBe(0);
  });
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
