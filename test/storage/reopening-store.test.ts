/** A LevelDB that meets a full disk: batches wait and are done again, and nothing that was confirmed is lost. */

import { JobStoppedError } from '../../storage/job-deps.js';
import { latchedStore } from '../../storage/latched-store.js';
import type { KeyValueOperation } from '../../storage/ports.js';
import { ReopeningStore } from '../../storage/reopening-store.js';
import { WriteLatch } from '../../storage/write-latch.js';
import { ForgetfulKv } from '../support/forgetful-kv.js';
import { VirtualClock } from '../support/virtual-clock.js';

const key = (name: string): Uint8Array => Buffer.from(name);
const put = (name: string): KeyValueOperation[] => [
  { type: 'put', key: key(name), value: key(`value of ${name}`) },
];
const SYNCED = { sync: true };

class Rig {
  readonly clock = new VirtualClock();
  readonly latch = WriteLatch.memory();
  readonly kv = new ForgetfulKv();
  freeBytes = 0;
  openings = 0;
  readonly events: string[] = [];
  failOpening: Error | null = null;
  store!: ReopeningStore;

  async open(): Promise<this> {
    this.store = await ReopeningStore.open({
      timers: this.clock,
      open: () => {
        this.openings += 1;
        const failure = this.failOpening;
        this.failOpening = null;
        return failure === null ? Promise.resolve(this.kv) : Promise.reject(failure);
      },
      freeBytes: () => Promise.resolve(this.freeBytes),
      bytesToOpen: () => Promise.resolve(100),
      letGo: () => {
        this.events.push('let go');
        return Promise.resolve();
      },
      latch: this.latch,
      onFull: () => this.events.push('full'),
      onReopened: () => this.events.push('opened'),
    });
    return this;
  }

  async has(name: string): Promise<boolean> {
    return (await this.store.get(key(name))) !== undefined;
  }
}

test('a batch that finds no room waits, reads go on, and it is done again after the store was opened anew', async () => {
  const rig = await new Rig().open();
  await rig.store.batch(put('before'), SYNCED);
  rig.kv.failNextBatch('ENOSPC');
  let isDone = false;
  const batch = rig.store.batch(put('waits'), SYNCED).then(() => (isDone = true));
  await rig.clock.advance(60_000);
  expect([isDone, rig.openings, await rig.has('before')]).toEqual([false, 1, true]);
  rig.freeBytes = 99;
  await rig.clock.advance(2_000);
  expect(rig.openings).toBe(1);
  rig.freeBytes = 100;
  await rig.clock.runUntilSettled(batch);
  expect([rig.openings, await rig.has('waits')]).toEqual([2, true]);
  expect(rig.events).toEqual(['full', 'let go', 'opened']);
});

test('opening that finds no room either is tried again, and reads wait meanwhile', async () => {
  const rig = await new Rig().open();
  rig.freeBytes = 100;
  rig.kv.failNextBatch('ENOSPC');
  rig.failOpening = Object.assign(new Error('full'), { code: 'ENOSPC' });
  const batch = rig.store.batch(put('waits'), SYNCED);
  await rig.clock.advance(500);
  expect(rig.openings).toBe(2);
  const openingsAtRead = rig.has('anything').then(() => rig.openings);
  await rig.clock.runUntilSettled(batch);
  expect(await openingsAtRead).toBe(3);
  expect(await rig.has('waits')).toBe(true);
});

test('another error is no full disk: it is passed on', async () => {
  const rig = await new Rig().open();
  rig.kv.failNextBatch('EIO');
  await expect(rig.store.batch(put('x'), SYNCED)).rejects.toMatchObject({ code: 'EIO' });
});

test('the end of the node ends the wait', async () => {
  const rig = await new Rig().open();
  rig.kv.failNextBatch('ENOSPC');
  const batch = rig.store.batch(put('x'), SYNCED);
  const outcome = batch.catch((error: unknown) => error);
  await rig.clock.advance(3_000);
  rig.store.endWaits();
  expect(await rig.clock.runUntilSettled(outcome)).toBeInstanceOf(JobStoppedError);
  await rig.store.close();
});

describe('with a thread that writes beside', () => {
  test('after its failure nothing is written in any thread, and what names its blocks is refused', async () => {
    const rig = await new Rig().open();
    rig.freeBytes = 100;
    const thread = latchedStore(rig.kv, new WriteLatch(rig.latch, 1, rig.clock));
    const { opening } = rig.store;
    await thread.batch(put('block'), SYNCED);
    rig.kv.failNextBatch('ENOSPC');
    await expect(thread.batch(put('block 2'), SYNCED)).rejects.toMatchObject({ code: 'ENOSPC' });
    await expect(thread.batch(put('block 3'), SYNCED)).rejects.toMatchObject({ code: 'ENOSPC' });
    const manifest = rig.store.batch(put('manifest'), { sync: true, opening });
    await expect(rig.clock.runUntilSettled(manifest)).rejects.toMatchObject({ code: 'ENOSPC' });
    expect([rig.openings, await rig.has('manifest')]).toEqual([2, false]);
    await thread.batch(put('block 4'), SYNCED);
    await rig.store.batch(put('manifest'), { sync: true, opening: rig.store.opening });
    expect(await rig.has('manifest')).toBe(true);
  });

  test('a manifest that meets the full disk itself names blocks that are there: it is done again', async () => {
    const rig = await new Rig().open();
    rig.freeBytes = 100;
    const { opening } = rig.store;
    rig.kv.failNextBatch('ENOSPC');
    await rig.clock.runUntilSettled(rig.store.batch(put('manifest'), { sync: true, opening }));
    expect(await rig.has('manifest')).toBe(true);
  });

  test('one writes at a time, and a thread that is gone holds up nobody', async () => {
    const clock = new VirtualClock();
    const memory = WriteLatch.memory();
    const [first, second] = [new WriteLatch(memory, 1, clock), new WriteLatch(memory, 2, clock)];
    const order: string[] = [];
    void first.write(() => {
      order.push('first');
      return new Promise(() => undefined);
    });
    const write = second.write(() => Promise.resolve(void order.push('second')));
    await clock.advance(100);
    expect(order).toEqual(['first']);
    WriteLatch.forget(memory, 1);
    await clock.runUntilSettled(write);
    expect(order).toEqual(['first', 'second']);
  });
});
