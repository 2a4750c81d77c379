/** Writes that are put off count as applied: whoever looks at the tables, in whatever way, finds them there. */

import fc from 'fast-check';
import { RowBatch } from '../../storage/row-batch.js';
import { ColumnRole, ColumnType, type TableSchema } from '../../storage/table-schema.js';
import type { TableStore } from '../../storage/table-store.js';
import { encodeWriteBody } from '../../storage/write-body.js';
import { flushAll, flushedState, openMemoryStore, scanAll } from '../support/table-rig.js';

const schema: TableSchema = {
  tableId: 9,
  appendMode: true,
  partitionMs: 86_400_000,
  columns: [
    { id: 1, type: ColumnType.text, role: ColumnRole.tag, precision: 0 },
    { id: 2, type: ColumnType.timestamp, role: ColumnRole.time, precision: 0 },
  ],
};

function sectionOf(hosts: readonly string[], instant: number): Uint8Array {
  const batch = new RowBatch(schema);
  for (const host of hosts) {
    batch.setBytes(0, Buffer.from(host), 0, host.length);
    batch.setTime(1, instant, 0);
    batch.endRow();
  }
  return batch.encodeSection();
}

const bodyOf = (hosts: readonly string[], instant: number): Uint8Array =>
  Buffer.concat(encodeWriteBody([sectionOf(hosts, instant)]));

/** Of two late writes. */
async function storeWithLateWrites(): Promise<TableStore> {
  const { store } = await openMemoryStore();
  store.defineTable(schema);
  store.applyWriteLater(8, bodyOf(['a'], 5), 1);
  store.applyWriteLater(16, bodyOf(['b'], 5), 1);
  return store;
}

const looks: readonly (readonly [string, (store: TableStore) => unknown, unknown])[] = [
  ['a read view', (store) => scanAll(store, schema), ['"a" | 5n', '"b" | 5n']],
  ['statistics', (store) => store.stats()[0]!.rows, 2],
  ['the number of series', (store) => store.seriesCount, 2],
  ['series that would be new', (store) => store.newSeries(sectionOf(['b'], 6), schema), []],
  ['the oldest time', (store) => store.oldestTime(schema.tableId), 5n],
  ['the size of the memtable', (store) => store.memtableBytes() > 0, true],
];

describe('a late write', () => {
  it.each(looks)('is seen by %s', async (_, look, expected) => {
    expect(await look(await storeWithLateWrites())).toEqual(expected);
  });

  it('is not applied by what is asked before every write: that tells what it may come to', async () => {
    const store = await storeWithLateWrites();
    const settledBytes = store.settledMemtableBytes();
    expect(store.seriesCountMax).toBe(2);
    expect(store.openRunsMax).toBe(0);
    expect(store.settledMemtableBytes()).toBe(settledBytes);
    expect(store.memtableBytes()).toBeGreaterThan(settledBytes);
    expect(store.settledMemtableBytes()).toBe(store.memtableBytes());
    expect(store.seriesCountMax).toBe(2);
  });

  it.each([
    ['64 writes', 64, 1, 10],
    ['1,000 rows', 10, 100, 10],
    ['64 KiB', 4, 1, 16 * 1024],
  ])('is put off with others, %s at most', async (_, writes, rows, tagBytes) => {
    const { store } = await openMemoryStore();
    store.defineTable(schema);
    const settledBytes = store.settledMemtableBytes();
    const write = (number: number): void => {
      const hosts = Array.from({ length: rows }, (_, row) => `${row}`.padEnd(tagBytes, '.'));
      store.applyWriteLater(8 * number, bodyOf(hosts, number), rows);
    };
    let number = 0;
    while (store.settledMemtableBytes() === settledBytes) write((number += 1));
    // The last one did not fit: those before it were applied, and it is put off.
    expect(number).toBeLessThanOrEqual(writes + 1);
    expect(number).toBeGreaterThan(writes - 2);
    expect(store.seriesCountMax).toBe(2 * rows);
    expect(store.stats()[0]!.rows).toBe(number * rows);
  });

  it('is in the generation that is frozen next, and in its flush', async () => {
    const { store, kv } = await openMemoryStore();
    store.defineTable(schema);
    store.applyWriteLater(8, bodyOf(['a'], 5), 1);
    await flushAll(store);
    await store.close();
    const { store: again } = await openMemoryStore(kv);
    expect(await scanAll(again, schema)).toEqual(['"a" | 5n']);
  });

  it('comes before what is applied next: also a drop of its table', async () => {
    const store = await storeWithLateWrites();
    store.dropTable(schema.tableId, 17);
    expect(store.seriesCount).toBe(0);
    expect(store.stats()).toEqual([]);
  });

  it('is not seen by a view that was opened before', async () => {
    const { store } = await openMemoryStore();
    store.defineTable(schema);
    store.applyWrite(8, bodyOf(['a'], 1), 0);
    const view = store.readView();
    store.applyWriteLater(16, bodyOf(['b'], 2), 1);
    expect(await scanAll(view, schema)).toEqual(['"a" | 1n']);
    view.release();
    expect(await scanAll(store, schema)).toEqual(['"a" | 1n', '"b" | 2n']);
  });

  it('among others, in any order, leaves the rows that it would leave at once', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            hosts: fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1, maxLength: 4 }),
            how: fc.constantFrom('late', 'late', 'now', 'parts'),
            then: fc.constantFrom('nothing', 'nothing', 'look', 'flush', 'settle'),
          }),
          { minLength: 1, maxLength: 25 },
        ),
        async (steps) => {
          const { store } = await openMemoryStore();
          const { store: plain } = await openMemoryStore();
          for (const one of [store, plain]) one.defineTable(schema);
          let version = 0;
          for (const { hosts, how, then } of steps) {
            version += 8;
            const body = bodyOf(hosts, version);
            plain.applyWrite(version, body, 0);
            if (how === 'late') store.applyWriteLater(version, body, hosts.length);
            else if (how === 'now') store.applyWrite(version, body, 0);
            else store.applyMultiPart(version, [body]);
            if (then === 'look') expect(store.stats()[0]!.rows).toBe(plain.stats()[0]!.rows);
            if (then === 'settle') store.settle();
            if (then === 'flush') await flushAll(store, version);
          }
          expect((await scanAll(store, schema)).sort()).toEqual(
            (await scanAll(plain, schema)).sort(),
          );
        },
      ),
      { numRuns: 60 },
    );
  });

  it('that is damaged is told to everyone who looks: the tables lack something from then on', async () => {
    const { store } = await openMemoryStore();
    store.defineTable(schema);
    store.applyWriteLater(8, bodyOf(['a', 'b'], 5).subarray(0, 20), 2);
    expect(() => store.readView()).toThrow();
    expect(() => store.readView()).toThrow();
    expect(() => store.memtableBytes()).toThrow();
    expect(() => store.freeze(flushedState(1))).toThrow();
    expect(() => store.applyWriteLater(16, bodyOf(['a'], 6), 1)).toThrow();
  });
});
