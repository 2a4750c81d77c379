/** One suite over every key-value store: what the real one does is what the simulated one must do. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { classicLevelStore } from '../../storage/node-adapters.js';
import type { KeyRange, KeyValueOperation, KeyValueStore } from '../../storage/ports.js';
import { ForgetfulKv } from '../support/forgetful-kv.js';
import { SeededRandom } from '../support/seeded-random.js';

const EVERYTHING: KeyRange = { gte: new Uint8Array(0), lt: new Uint8Array(9).fill(255) };

const key = (...bytes: number[]): Uint8Array => Uint8Array.from(bytes);
const put = (at: Uint8Array, value: Uint8Array): KeyValueOperation => ({
  type: 'put',
  key: at,
  value,
});
const del = (at: Uint8Array): KeyValueOperation => ({ type: 'del', key: at });

async function entriesOf(store: KeyValueStore, range: KeyRange): Promise<[number[], number[]][]> {
  const entries: [number[], number[]][] = [];
  for await (const [at, value] of store.entries(range)) entries.push([[...at], [...value]]);
  return entries;
}

async function keysOf(store: KeyValueStore, range: KeyRange): Promise<number[][]> {
  const keys: number[][] = [];
  for await (const at of store.keys(range)) keys.push([...at]);
  return keys;
}

const stores: readonly [string, () => Promise<{ store: KeyValueStore; clean: () => void }>][] = [
  [
    'classic-level',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'twintide-kv-'));
      const store = await classicLevelStore(join(folder, 'level'));
      return { store, clean: () => rmSync(folder, { recursive: true, force: true }) };
    },
  ],
  ['the simulated one', async () => ({ store: new ForgetfulKv(), clean: () => undefined })],
];

describe.each(stores)('%s', (_, open) => {
  let store: KeyValueStore;
  let clean: () => void;
  beforeEach(async () => {
    ({ store, clean } = await open());
  });
  afterEach(async () => {
    await store.close();
    clean();
  });

  test('gets what was put, and nothing for what was not or is no more', async () => {
    await store.batch([put(key(1), key(10)), put(key(2), key())], { sync: true });
    await store.batch([del(key(1)), put(key(3), key(30, 31))], { sync: false });
    expect(await store.get(key(1))).toBeUndefined();
    expect([...(await store.get(key(2)))!]).toEqual([]);
    const many = await store.getMany([key(3), key(9), key(2)]);
    expect(many.map((value) => (value === undefined ? null : [...value]))).toEqual([
      [30, 31],
      null,
      [],
    ]);
  });

  test('lists in byte order, from gte up to but not lt, at most limit', async () => {
    const keys = [key(2), key(1, 255), key(1), key(255), key(1, 0), key(128)];
    await store.batch(
      keys.map((at) => put(at, at)),
      { sync: true },
    );
    expect(await keysOf(store, EVERYTHING)).toEqual([[1], [1, 0], [1, 255], [2], [128], [255]]);
    expect(await keysOf(store, { gte: key(1, 0), lt: key(128) })).toEqual([[1, 0], [1, 255], [2]]);
    expect(await keysOf(store, { ...EVERYTHING, limit: 2 })).toEqual([[1], [1, 0]]);
    expect(await entriesOf(store, { gte: key(2), lt: key(129) })).toEqual([
      [[2], [2]],
      [[128], [128]],
    ]);
    expect(await keysOf(store, { gte: key(3), lt: key(3) })).toEqual([]);
  });

  test('an iterator sees the store as it was, and may be left early', async () => {
    await store.batch([put(key(1), key(1)), put(key(2), key(2)), put(key(3), key(3))], {
      sync: true,
    });
    const seen: number[][] = [];
    for await (const [at, value] of store.entries(EVERYTHING)) {
      if (seen.length === 0) {
        await store.batch([del(key(2)), put(key(3), key(33)), put(key(4), key(4))], {
          sync: false,
        });
      }
      seen.push([...at, ...value]);
    }
    expect(seen).toEqual([
      [1, 1],
      [2, 2],
      [3, 3],
    ]);
    for await (const at of store.keys(EVERYTHING)) {
      expect([...at]).toEqual([1]);
      break;
    }
  });

  test('thousands of entries and large values come through', async () => {
    const operations = Array.from({ length: 3000 }, (_unused, index) =>
      put(key(index >> 8, index & 255), new Uint8Array(100).fill(index)),
    );
    await store.batch([...operations, put(key(200), new Uint8Array(3_000_000).fill(7))], {
      sync: true,
    });
    await store.compactRange(key(0), key(255));
    const keys = await keysOf(store, EVERYTHING);
    expect(keys).toHaveLength(3001);
    expect((await store.get(key(200)))!.every((byte) => byte === 7)).toBe(true);
  });

  test('does what a map does', async () => {
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 2, max: 3 });
    const operation = fc.oneof(
      fc.record({ type: fc.constant('put' as const), key: bytes, value: bytes }),
      fc.record({ type: fc.constant('del' as const), key: bytes }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(operation, { maxLength: 5 }), { maxLength: 5 }),
        async (batches) => {
          const everything = await keysOf(store, EVERYTHING);
          await store.batch(
            everything.map((at) => del(Uint8Array.from(at))),
            { sync: false },
          );
          const model = new Map<string, number[]>();
          for (const batch of batches) {
            await store.batch(batch, { sync: false });
            for (const item of batch) {
              const name = Buffer.from(item.key).toString('hex');
              if (item.type === 'put') model.set(name, [...item.value]);
              else model.delete(name);
            }
          }
          const expected = [...model].sort(([a], [b]) => (a < b ? -1 : 1));
          expect(await entriesOf(store, EVERYTHING)).toEqual(
            expected.map(([name, value]) => [[...Buffer.from(name, 'hex')], value]),
          );
        },
      ),
      { numRuns: 40 },
    );
  });
});

describe('the simulated one forgets', () => {
  const batchOf = (n: number): KeyValueOperation[] => [put(key(n), key(n)), put(key(n, n), key(n))];

  async function survivors(seed: number, rotated: boolean): Promise<number[]> {
    const store = new ForgetfulKv({ forgetsRotatedLogs: rotated });
    for (const n of [1, 2, 3, 4, 5, 6]) await store.batch(batchOf(n), { sync: n === 3 });
    store.crash(new SeededRandom(seed));
    const kept = (await keysOf(store, EVERYTHING)).filter((at) => at.length === 1).map(([n]) => n!);
    // A batch is there whole or not at all.
    expect((await keysOf(store, EVERYTHING)).length).toBe(2 * kept.length);
    return kept;
  }

  test('any number of the newest unsynced batches, never a synced one', async () => {
    const outcomes = new Set<string>();
    for (let seed = 0; seed < 60; seed += 1) outcomes.add((await survivors(seed, false)).join());
    expect([...outcomes].sort()).toEqual(['1,2,3', '1,2,3,4', '1,2,3,4,5', '1,2,3,4,5,6']);
  });

  test('with rotated logs also unsynced ones before a synced one', async () => {
    const outcomes = new Set<string>();
    for (let seed = 0; seed < 60; seed += 1) {
      const kept = await survivors(seed, true);
      expect(kept).toContain(3);
      outcomes.add(kept.filter((n) => n < 3).join());
    }
    expect([...outcomes].sort()).toEqual(['', '1', '1,2', '2']);
  });

  test('with the planted bug, synced ones too', async () => {
    const store = new ForgetfulKv({ ignoresSync: true });
    await store.batch(batchOf(1), { sync: true });
    let lost = 0;
    for (let seed = 0; seed < 20 && lost === 0; seed += 1) {
      store.crash(new SeededRandom(seed));
      if (store.size === 0) lost += 1;
    }
    expect(lost).toBe(1);
  });

  test('a failed batch changes nothing', async () => {
    const store = new ForgetfulKv();
    store.failNextBatch('ENOSPC');
    await expect(store.batch(batchOf(1), { sync: true })).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(store.size).toBe(0);
  });
});
