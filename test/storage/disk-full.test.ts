/**
 * A store whose disk fills up: what does not fit is not begun or is taken back, rows stay in memory and in the journal, and all of it is
 * written when there is room. No failure of the store, and no row lost or twice.
 */

import {
  ColumnRole,
  ColumnType,
  RecordKind,
  RowBatch,
  Store,
  encodeSchemaBody,
  encodeWriteBody,
  type RecordView,
  type StateMachine,
  type TableSchema,
} from '../../storage/index.js';
import { allDictionaries, blocksFrom, parseBlockKey } from '../../storage/keys.js';
import { ForgetfulDisk } from '../support/forgetful-disk.js';
import { ForgetfulKv } from '../support/forgetful-kv.js';
import { SeededRandom } from '../support/seeded-random.js';
import { VirtualClock } from '../support/virtual-clock.js';

/** Append mode: a row that is flushed twice shows as two. */
const SCHEMA: TableSchema = {
  tableId: 4242,
  columns: [
    { id: 11, type: ColumnType.text, role: ColumnRole.tag, precision: 0 },
    { id: 12, type: ColumnType.timestamp, role: ColumnRole.time, precision: 3 },
    { id: 13, type: ColumnType.int64, role: ColumnRole.field, precision: 0 },
  ],
  appendMode: true,
  partitionMs: 86_400_000,
};
const RESERVE_BYTES = 1 << 20;
const DAY_MS = 86_400_000;

const NO_CATALOG: StateMachine = {
  apply: () => undefined,
  snapshot: () => new Uint8Array(0),
  restore: () => undefined,
};

class Rig {
  readonly random = new SeededRandom(1);
  readonly disk = new ForgetfulDisk();
  readonly kv = new ForgetfulKv();
  readonly clock = new VirtualClock();
  readonly failures: Error[] = [];
  readonly told: boolean[] = [];
  store!: Store;
  #waiting: RecordView[] = [];

  async start(): Promise<this> {
    this.#waiting = [];
    const opening = Store.open(
      {
        disk: this.disk.mount(),
        kv: this.kv.mount(),
        clock: this.clock,
        random: this.random,
        timers: this.clock,
        stateMachine: () => NO_CATALOG,
      },
      {
        nodeId: 1,
        journalFolder: '/journal',
        segmentBytes: 64 * 1024,
        maxRecordBytes: 16 * 1024,
        memtableBytes: 1 << 22,
        memtableAgeMs: DAY_MS,
        cacheBytes: 1 << 20,
        maxClockSkewMs: 500,
        retainBytes: 0,
        diskReserveBytes: RESERVE_BYTES,
      },
    );
    const { store } = await this.clock.runUntilSettled(opening);
    this.store = store;
    store.setHorizonHeld(false);
    store.onFailure((error) => this.failures.push(error));
    store.onDiskChange(({ isFull }) => this.told.push(isFull));
    store.own.onDurable((_, position) => {
      while (this.#waiting.length > 0 && this.#waiting[0]!.sequence <= position.sequence) {
        store.applyOwn(this.#waiting.shift()!);
      }
    });
    this.append(RecordKind.schema, [encodeSchemaBody(SCHEMA)]);
    return this;
  }

  append(kind: RecordKind, body: readonly Uint8Array[]): void {
    this.#waiting.push(this.store.own.append(kind, this.store.versions.next(), body));
  }

  async insert(...values: number[]): Promise<void> {
    const rows = new RowBatch(SCHEMA);
    for (const value of values) {
      const tag = Buffer.from(`host${value % 3}`);
      rows.setBytes(0, tag, 0, tag.length);
      rows.setTime(1, 1_767_225_600 + value, 0);
      rows.setNumber(2, value);
      rows.endRow();
    }
    this.append(RecordKind.write, encodeWriteBody([rows.encodeSection()]));
    await this.clock.advance(50);
  }

  /** So much is free from now on, and the store has seen it. */
  async leaveFree(bytes: number): Promise<void> {
    this.disk.setCapacity(this.disk.usedBytes + bytes);
    await this.clock.advance(1_001);
  }

  async values(): Promise<number[]> {
    const view = this.store.tables.readView();
    const found: number[] = [];
    const reading = (async () => {
      const scan = view.scan({
        parts: [{ tableId: SCHEMA.tableId, columns: [13] }],
        columns: [13],
        timeMin: null,
        timeMax: null,
        seriesMask: null,
        order: 'any',
      });
      for await (const batch of scan) {
        const column = batch.columns[0]!;
        if (column.kind !== 'number') throw new Error('small integers come as numbers');
        for (let row = 0; row < batch.length; row += 1) found.push(column.values[row]!);
      }
    })();
    await this.clock.runUntilSettled(reading);
    view.release();
    return found.sort((a, b) => a - b);
  }

  /** Ids of the runs that have blocks in the key-value store. */
  async storedRuns(): Promise<number[]> {
    const ids = new Set<number>();
    for await (const key of this.kv.keys(blocksFrom(0))) ids.add(parseBlockKey(key)!.runId);
    return [...ids];
  }

  async hasDictionary(): Promise<boolean> {
    for await (const key of this.kv.keys(allDictionaries)) return key.length > 0;
    return false;
  }

  /** The n-th batch from now on (1 = the next) finds no room, once. */
  failBatch(nth: number): void {
    let seen = 0;
    const batch = ForgetfulKv.prototype.batch.bind(this.kv);
    this.kv.batch = (operations, options) => {
      seen += 1;
      if (seen !== nth) return batch(operations, options);
      return Promise.reject(Object.assign(new Error('ENOSPC: batch'), { code: 'ENOSPC' }));
    };
  }
}

test('below its reserve it says so, by itself and once, and takes it back', async () => {
  const rig = await new Rig().start();
  expect(rig.store.isDiskFull).toBe(false);
  await rig.leaveFree(RESERVE_BYTES - 1);
  expect(rig.store.isDiskFull).toBe(true);
  expect(rig.store.diskStatus()).toEqual({
    freeBytes: RESERVE_BYTES - 1,
    reserveBytes: RESERVE_BYTES,
    isFull: true,
    isJournalWaiting: false,
  });
  await rig.leaveFree(2 * RESERVE_BYTES);
  expect([rig.store.isDiskFull, rig.told]).toEqual([false, [true, false]]);
});

test('while space is low, rows are flushed within seconds: that gives the journal back', async () => {
  const rig = await new Rig().start();
  await rig.insert(1);
  await rig.leaveFree(RESERVE_BYTES - 1);
  await rig.insert(2);
  await rig.clock.advance(5_000);
  expect(rig.store.tables.memtableBytes()).toBe(0);
  expect(await rig.values()).toEqual([1, 2]);
});

test('a flush that cannot fit is not begun, and done when it can', async () => {
  const rig = await new Rig().start();
  await rig.insert(1, 2, 3);
  await rig.leaveFree(0);
  await rig.clock.advance(60_000);
  expect([rig.store.isDiskFull, await rig.storedRuns(), rig.failures]).toEqual([true, [], []]);
  expect(await rig.values()).toEqual([1, 2, 3]);
  await rig.leaveFree(2 * RESERVE_BYTES);
  await rig.clock.advance(100);
  expect([rig.store.isDiskFull, rig.store.tables.stats()[0]!.runs]).toEqual([false, 1]);
  expect(await rig.values()).toEqual([1, 2, 3]);
});

describe.each([
  ['the dictionary', 1],
  ['the blocks', 2],
  ['the manifest', 3],
])('a flush whose batch of %s finds no room', (_, nth) => {
  test('keeps the rows, leaves nothing behind, refuses clients and succeeds later', async () => {
    const rig = await new Rig().start();
    await rig.insert(1, 2, 3);
    rig.failBatch(nth);
    await expect(rig.clock.runUntilSettled(rig.store.flush())).rejects.toMatchObject({
      code: 'ENOSPC',
    });
    await rig.clock.advance(100);
    expect([rig.store.isDiskFull, await rig.storedRuns(), rig.failures]).toEqual([true, [], []]);
    // What the peer sends is applied meanwhile.
    await rig.insert(4);
    expect(await rig.values()).toEqual([1, 2, 3, 4]);
    await rig.clock.advance(2_000);
    expect(rig.store.isDiskFull).toBe(false);
    expect([await rig.storedRuns(), await rig.hasDictionary()]).toEqual([
      [expect.any(Number)],
      true,
    ]);

    await rig.clock.runUntilSettled(rig.store.close());
    rig.disk.crash(rig.random);
    rig.kv.crash(rig.random);
    await rig.start();
    expect(await rig.values()).toEqual([1, 2, 3, 4]);
  });
});

test('a compaction that finds no room leaves the runs as they were, and can be asked for again', async () => {
  const rig = await new Rig().start();
  const values: number[] = [];
  const flushOnce = async (): Promise<void> => {
    values.push(values.length);
    await rig.insert(values.at(-1)!);
    await rig.clock.runUntilSettled(rig.store.flush());
    await rig.clock.advance(100);
  };
  while (values.length < 3) await flushOnce();
  const { runs } = rig.store.tables.stats()[0]!;
  rig.failBatch(1);
  await expect(
    rig.clock.runUntilSettled(rig.store.compactTables([SCHEMA.tableId])),
  ).rejects.toMatchObject({ code: 'ENOSPC' });
  await rig.clock.advance(100);
  expect([rig.store.tables.stats()[0]!.runs, rig.failures]).toEqual([runs, []]);
  expect(await rig.storedRuns()).toHaveLength(runs);
  await rig.clock.runUntilSettled(rig.store.compactTables([SCHEMA.tableId]));
  expect([rig.store.tables.stats()[0]!.runs, await rig.values()]).toEqual([1, values]);
});

test('a journal that waits for room closes the disk to clients, and loses nothing', async () => {
  const rig = await new Rig().start();
  await rig.leaveFree(0);
  const values: number[] = [];
  // What the peer sends is taken in any case; here it is own records, past the gate that would refuse them.
  while (!rig.store.own.isWaitingForRoom) {
    const more = Array.from({ length: 500 }, (_, at) => values.length + at);
    values.push(...more);
    await rig.insert(...more);
  }
  const { isFull, isJournalWaiting } = rig.store.diskStatus();
  expect([isFull, isJournalWaiting, rig.store.own.isFullFor(1)]).toEqual([true, true, true]);
  await rig.clock.advance(60_000);
  expect((await rig.values()).length).toBeLessThan(values.length);

  await rig.leaveFree(2 * RESERVE_BYTES);
  await rig.clock.advance(1_000);
  expect([rig.store.isDiskFull, rig.store.diskStatus().isJournalWaiting]).toEqual([false, false]);
  expect([await rig.values(), rig.failures]).toEqual([values, []]);
  await rig.clock.runUntilSettled(rig.store.close());
});

test('a store that is closed while its journal waits ends at once, and has what was applied', async () => {
  const rig = await new Rig().start();
  await rig.leaveFree(0);
  let count = 0;
  while (!rig.store.own.isWaitingForRoom) {
    await rig.insert(...Array.from({ length: 500 }, (_, at) => count + at));
    count += 500;
  }
  const values = await rig.values();
  await rig.clock.runUntilSettled(rig.store.close());
  expect(rig.failures).toEqual([]);
  rig.disk.crash(rig.random);
  rig.kv.crash(rig.random);
  rig.disk.setCapacity(Infinity);
  await rig.start();
  expect(await rig.values()).toEqual(values);
});

test('a store that is closed while its disk is full ends at once', async () => {
  const rig = await new Rig().start();
  await rig.insert(1);
  await rig.leaveFree(0);
  await rig.clock.advance(10_000);
  await rig.clock.runUntilSettled(rig.store.close());
  expect(rig.failures).toEqual([]);
});
