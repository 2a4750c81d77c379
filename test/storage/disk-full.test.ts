/**
 * A store whose disk fills up: what does not fit is not begun or is taken back, rows stay in memory and in the journal, and all of it is
 * written when there is room. No failure of the store, and no row lost or twice.
 */

import { RecordKind } from '../../storage/index.js';
import { allDictionaries, blocksFrom, parseBlockKey } from '../../storage/keys.js';
import { ForgetfulKv } from '../support/forgetful-kv.js';
import { STORE_SCHEMA, StoreRig, writeOf } from '../support/store-rig.js';

const RESERVE_BYTES = 1 << 20;
const DAY_MS = 86_400_000;

class Rig extends StoreRig {
  readonly failures: Error[] = [];
  readonly told: boolean[] = [];

  async begin(): Promise<this> {
    await this.start({ memtableAgeMs: DAY_MS, diskReserveBytes: RESERVE_BYTES });
    this.store.onFailure((error) => this.failures.push(error));
    this.store.onDiskChange(({ isFull }) => this.told.push(isFull));
    this.defineTable();
    return this;
  }

  async insert(...values: number[]): Promise<void> {
    this.append(RecordKind.write, writeOf(values));
    await this.settle();
  }

  /** So much is free from now on, and the store has seen it. */
  async leaveFree(bytes: number): Promise<void> {
    this.disk.setCapacity(this.disk.usedBytes + bytes);
    await this.clock.advance(1_001);
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
  const rig = await new Rig().begin();
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
  const rig = await new Rig().begin();
  await rig.insert(1);
  await rig.leaveFree(RESERVE_BYTES - 1);
  await rig.insert(2);
  await rig.clock.advance(5_000);
  expect(rig.store.tables.memtableBytes()).toBe(0);
  expect(await rig.values()).toEqual([1, 2]);
});

test('a flush that cannot fit is not begun, and done when it can', async () => {
  const rig = await new Rig().begin();
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
    const rig = await new Rig().begin();
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
    rig.powerLoss();
    await rig.begin();
    expect(await rig.values()).toEqual([1, 2, 3, 4]);
  });
});

test('a compaction that finds no room leaves the runs as they were, and can be asked for again', async () => {
  const rig = await new Rig().begin();
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
    rig.clock.runUntilSettled(rig.store.compactTables([STORE_SCHEMA.tableId])),
  ).rejects.toMatchObject({ code: 'ENOSPC' });
  await rig.clock.advance(100);
  expect([rig.store.tables.stats()[0]!.runs, rig.failures]).toEqual([runs, []]);
  expect(await rig.storedRuns()).toHaveLength(runs);
  await rig.clock.runUntilSettled(rig.store.compactTables([STORE_SCHEMA.tableId]));
  expect([rig.store.tables.stats()[0]!.runs, await rig.values()]).toEqual([1, values]);
});

test('a journal that waits for room closes the disk to clients, and loses nothing', async () => {
  const rig = await new Rig().begin();
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
  const rig = await new Rig().begin();
  await rig.leaveFree(0);
  let count = 0;
  while (!rig.store.own.isWaitingForRoom) {
    await rig.insert(...Array.from({ length: 500 }, (_, at) => count + at));
    count += 500;
  }
  const values = await rig.values();
  await rig.clock.runUntilSettled(rig.store.close());
  expect(rig.failures).toEqual([]);
  rig.powerLoss();
  rig.disk.setCapacity(Infinity);
  await rig.begin();
  expect(await rig.values()).toEqual(values);
});

test('a store that is closed while its disk is full ends at once', async () => {
  const rig = await new Rig().begin();
  await rig.insert(1);
  await rig.leaveFree(0);
  await rig.clock.advance(10_000);
  await rig.clock.runUntilSettled(rig.store.close());
  expect(rig.failures).toEqual([]);
});
