/** What an inspection of a stopped node's store and journals says, sound and damaged, and that it changes nothing. */

import { inspectJournal } from '../../storage/journal-inspection.js';
import { blockKey, headKey, parseBlockKey, runKey } from '../../storage/keys.js';
import { HiddenColumn } from '../../storage/column-kind.js';
import { inspectStore } from '../../storage/store-inspection.js';
import type { ForgetfulKv } from '../support/forgetful-kv.js';
import { HOST_TABLE as schema } from '../support/host-table.js';
import {
  appendWrites,
  FOLDER,
  incarnationId,
  JournalRig,
  untilDurable,
} from '../support/journal-rig.js';
import { SeededRandom } from '../support/seeded-random.js';
import { bodyOf } from '../support/table-model.js';
import { flushAll, openMemoryStore, realTimers } from '../support/table-rig.js';

const DAY_MS = 86_400_000;
const T0 = 19_675 * DAY_MS;

const whole = { gte: Uint8Array.of(0), lt: Uint8Array.of(0xff) };

/** Two partitions: a block of 3 rows in one, a wide one of 3,000 in the other; two series. */
async function twoRuns(): Promise<ForgetfulKv> {
  const { store, kv } = await openMemoryStore();
  store.defineTable(schema);
  const random = new SeededRandom(7);
  const rows = Array.from({ length: 3003 }, (_, index) => {
    const time = index < 3 ? T0 - DAY_MS + index : T0 + index * 1000;
    return { cells: [`h${index % 2}`, BigInt(time), random.integer(0, 2 ** 40) / 7] as const };
  });
  store.applyWrite(8, bodyOf(schema, { version: 8, operations: [{ kind: 'rows', rows }] }), 0);
  await flushAll(store, 5);
  return kv;
}

async function contentOf(kv: ForgetfulKv): Promise<string[]> {
  const all: string[] = [];
  for await (const [key, value] of kv.entries(whole)) {
    all.push(`${Buffer.from(key).toString('hex')} ${Buffer.from(value).toString('hex')}`);
  }
  return all;
}

const look = (kv: ForgetfulKv, everyBlock = true): ReturnType<typeof inspectStore> =>
  inspectStore({ kv, timers: realTimers }, { everyBlock });

describe('a block store', () => {
  it('is told by table, partition and codec, and stays as it was', async () => {
    const kv = await twoRuns();
    const before = await contentOf(kv);
    const seen = await look(kv);
    expect(seen.faults).toEqual([]);
    expect(seen.runs).toBe(2);
    expect(seen.flushed?.vector).toMatchObject([{ origin: 1, sequence: 5 }]);
    expect(seen.valuesRead).toBe(before.length);
    const [table] = seen.tables;
    expect(table).toMatchObject({ tableId: 77, schema, isDropped: false, series: 2 });
    expect(table!.partitions).toMatchObject([
      { partition: 19_674, runs: 1, blocks: 1, rows: 3 },
      { partition: 19_675, runs: 1, blocks: 1, rows: 3000 },
    ]);
    // Six columns of a packed block of one series or two, and of a wide one: series, version, time and value of each.
    const uses = [...table!.codecs.values()];
    expect(uses.reduce((sum, { values }) => sum + values, 0)).toBe(8);
    expect([...table!.codecs.keys()]).toContain('raw64');
    expect(await contentOf(kv)).toEqual(before);
  });

  it('without everyBlock reads of each run its first block alone', async () => {
    const kv = await twoRuns();
    const victim = await keyOf(kv, (place) => place.columnId === 103);
    kv.flip(victim, 60, 1);
    const quick = await look(kv, false);
    expect(quick.tables[0]!.codecs.size).toBeGreaterThan(0);
    // The first block is all there is of this run, so its damage shows.
    expect(quick.faults).toEqual([
      'Corruption in the block store, run 2, column 103, block 0: its checksum does not match',
    ]);
  });

  it('names every damaged value, not only the first', async () => {
    const kv = await twoRuns();
    kv.flip(blockKey(1, HiddenColumn.packed, 0), 9, 0x10);
    kv.flip(blockKey(2, 103, 0), 40, 1);
    const { faults } = await look(kv);
    expect(faults).toEqual([
      `Corruption in the block store, run 1, column ${HiddenColumn.packed}, block 0: its checksum does not match`,
      'Corruption in the block store, run 2, column 103, block 0: its checksum does not match',
    ]);
  });

  it.each([
    ['the head', headKey, /key 68: its checksum/],
    ['a run', runKey(2), /key 72000000000002: its checksum/],
  ] as const)('damage in %s hides nothing else', async (_, key, message) => {
    const kv = await twoRuns();
    kv.flip(key, 3, 1);
    const seen = await look(kv);
    expect(seen.faults).toEqual([expect.stringMatching(message)]);
    expect(seen.tables[0]!.partitions.length).toBeGreaterThan(0);
    expect(seen.leftovers).toBe(0);
  });

  it('misses a value that is gone, and tells runs of an unfinished flush from damage', async () => {
    const kv = await twoRuns();
    await kv.batch([{ type: 'del', key: blockKey(2, 103, 0) }], { sync: true });
    await kv.batch([{ type: 'put', key: blockKey(9, 103, 0), value: Uint8Array.of(1) }], {
      sync: true,
    });
    const seen = await look(kv);
    expect(seen.faults).toEqual([
      'Corruption in the block store, run 2: the manifest counts 4 values, there are 3',
    ]);
    expect(seen.leftovers).toBe(1);
  });
});

async function keyOf(
  kv: ForgetfulKv,
  wanted: (place: NonNullable<ReturnType<typeof parseBlockKey>>) => boolean,
): Promise<Uint8Array> {
  for await (const key of kv.keys(whole)) {
    const place = parseBlockKey(key);
    if (place !== null && wanted(place)) return key;
  }
  throw new Error('no such key');
}

describe('a journal', () => {
  const bodies = (count: number): Uint8Array[] =>
    Array.from({ length: count }, (_, index) => Buffer.alloc(700, index));

  /** Two incarnations; the first has several sealed segments. */
  async function twoIncarnations(): Promise<JournalRig> {
    const rig = new JournalRig(3);
    const first = await rig.start(1);
    appendWrites(first, bodies(100));
    await untilDurable(first);
    await first.close();
    const second = await rig.start(2);
    appendWrites(second, bodies(3));
    await untilDurable(second);
    await second.close();
    return rig;
  }

  const lookAt = (rig: JournalRig): ReturnType<typeof inspectJournal> =>
    inspectJournal(
      { disk: rig.disk.mount(), timers: realTimers },
      { folder: FOLDER, origin: 1, everyDigest: true },
    );

  it('is told by incarnation and segment', async () => {
    const rig = await twoIncarnations();
    const seen = await lookAt(rig);
    expect(seen.faults).toEqual([]);
    expect(seen.records).toBe(105);
    const [first, second] = seen.incarnations;
    expect(first).toMatchObject({ id: incarnationId(1), parent: null, last: { sequence: 101 } });
    expect(first!.segments.length).toBeGreaterThan(2);
    expect(first!.segments[0]).toMatchObject({ number: 1, firstSequence: 1, isSealed: true });
    expect(second).toMatchObject({
      id: incarnationId(2),
      parent: { incarnation: incarnationId(1), sequence: 101 },
      last: { sequence: 4 },
    });
  });

  it('shows a torn tail and leaves it where it is', async () => {
    const rig = await twoIncarnations();
    const path = (await rig.segmentPaths()).at(-1)!;
    const clean = (await lookAt(rig)).incarnations[1]!.last.sequence;
    const content = rig.disk.contentOf(path);
    // The last byte that is not zero is one of the newest group.
    rig.disk.flip(
      path,
      content.findLastIndex((byte) => byte !== 0),
      0xff,
    );
    const torn = rig.disk.contentOf(path);
    const seen = await lookAt(rig);
    expect(seen.faults).toEqual([]);
    expect(seen.tornTails).toMatchObject([{ path }]);
    expect(seen.incarnations[1]!.last.sequence).toBeLessThan(clean);
    expect(rig.disk.contentOf(path)).toEqual(torn);
  });

  it('damage in one incarnation is named with file and byte, and the other is still told', async () => {
    const rig = await twoIncarnations();
    const path = (await rig.segmentPaths())[0]!;
    rig.disk.flip(path, 9000, 1);
    const seen = await lookAt(rig);
    expect(seen.faults).toEqual([
      expect.stringContaining(`Corruption in ${path}, segment 1, byte`),
    ]);
    expect(seen.incarnations.map(({ id }) => id)).toEqual([incarnationId(2)]);
  });
});
