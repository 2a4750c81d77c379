/** What recovery finds: clean ends, torn tails that are cut and reported, and damage that must never pass for one. */

import { CorruptionError } from '../../storage/corruption-error.js';
import { UnsupportedFormatError } from '../../storage/journal-errors.js';
import type { Journal } from '../../storage/journal.js';
import { encodeSegmentHeader, decodeSegmentHeader, isHeaderFault } from '../../storage/segment.js';
import type { RecordView } from '../../storage/record.js';
import { readHexFixture } from '../support/hex-fixture.js';
import {
  FOLDER,
  JournalRig,
  appendWrites,
  incarnationId,
  joinRecords,
  randomBodies,
  readAll,
  untilDurable,
} from '../support/journal-rig.js';
import { SeededRandom } from '../support/seeded-random.js';

const ID = incarnationId(1);
const HEADER_BYTES = 4096;
const SECTOR = 512;

/** Offsets of the commit groups in a segment, by the magic of the first one. */
function groupOffsets(content: Uint8Array): number[] {
  const magic = Buffer.from(content.subarray(HEADER_BYTES, HEADER_BYTES + 8));
  const offsets: number[] = [];
  for (let at = HEADER_BYTES; at + 8 <= content.length; at += SECTOR) {
    if (magic.equals(content.subarray(at, at + 8))) offsets.push(at);
  }
  return offsets;
}

/** A closed journal of one incarnation with several groups and segments. */
async function written(
  seed: number,
  rounds = 30,
): Promise<{ rig: JournalRig; records: RecordView[]; paths: string[] }> {
  const rig = new JournalRig(seed);
  const journal = await rig.start(1);
  for (let round = 0; round < rounds; round += 1) {
    appendWrites(journal, randomBodies(rig.random, rig.random.integer(1, 4), 1200));
    await untilDurable(journal);
  }
  // At least three segments, and in the last one a few groups.
  const isRich = async (): Promise<boolean> => {
    const paths = await rig.segmentPaths();
    return paths.length >= 3 && groupOffsets(rig.disk.contentOf(paths.at(-1)!)).length >= 4;
  };
  while (!(await isRich())) {
    appendWrites(journal, randomBodies(rig.random, 2, 1200));
    await untilDurable(journal);
  }
  const { records } = await readAll(journal, ID);
  await journal.close();
  return { rig, records, paths: await rig.segmentPaths() };
}

async function recordsAfterOpen(rig: JournalRig): Promise<{ journal: Journal; bytes: Uint8Array }> {
  const { journal } = await rig.open();
  const { records } = await readAll(journal, ID);
  return { journal, bytes: joinRecords(records) };
}

test('format v1: a stored segment is recovered', async () => {
  const rig = new JournalRig(1, { segmentBytes: 16 * 1024 });
  const stored = readHexFixture('storage/testdata/v1/journal-segment.hex');
  rig.disk.plant(`${FOLDER}/a1b2c3d4e5f60718-0000000000000001.segment`, stored);
  const { journal, report } = await rig.open();
  expect(report).toEqual({ segments: 1, records: 4, bytes: 170, tornTails: [] });
  const { records, last } = await readAll(journal, 'a1b2c3d4e5f60718');
  expect(records.map(({ kind, sequence, version }) => [kind, sequence, version])).toEqual([
    [1, 1, 2049],
    [3, 2, 4097],
    [3, 3, 4105],
    [7, 4, 6145],
  ]);
  expect(records.slice(1).map((record) => Buffer.from(record.body).toString())).toEqual([
    'first',
    'second',
    'create',
  ]);
  expect(last.hash).toBe('8cad5c0a150612102f4c45bad874c72b');
  expect(journal.markMaxVersion()).toBe(20481);
  await journal.close();
});

describe('the end of the journal', () => {
  test('a clean one is no torn tail', async () => {
    const { rig, records } = await written(1);
    const { journal, report } = await rig.open();
    expect(report.tornTails).toEqual([]);
    expect(report.records).toBe(records.length);
    expect(report.bytes).toBe(joinRecords(records).length);
    await journal.close();
  });

  const damages: readonly [string, (content: Uint8Array, group: number) => [number, number]][] = [
    ['its magic', (_, group) => [group, 1]],
    ['its header CRC', (_, group) => [group + 8, 1]],
    ['its content CRC', (_, group) => [group + 12, 1]],
    ['its first record’s length', (_, group) => [group + 64, 1]],
    ['its first record’s CRC', (_, group) => [group + 68, 1]],
    ['its first record’s body', (_, group) => [group + 64 + 28, 1]],
    ['its padding', (content, group) => [lastByteOf(content, group), 1]],
  ];
  function lastByteOf(content: Uint8Array, group: number): number {
    const contentBytes = new DataView(content.buffer).getUint32(group + 24, true);
    return group + Math.ceil((64 + contentBytes) / SECTOR) * SECTOR - 1;
  }

  test.each(damages)('a newest group with damage in %s is cut and reported', async (_, damage) => {
    const { rig, records, paths } = await written(2);
    const path = paths.at(-1)!;
    const content = rig.disk.contentOf(path);
    const newest = groupOffsets(content).at(-1)!;
    const [at, mask] = damage(content, newest);
    rig.disk.flip(path, at, mask);

    const { journal, report } = await rig.open();
    const durable = journal.incarnations()[0]!.durable.sequence;
    expect(report.tornTails).toEqual([
      {
        path,
        incarnation: ID,
        segment: paths.length,
        offsetBytes: newest,
        cutBytes: expect.any(Number),
        lastSequence: durable,
        reason: expect.any(String),
      },
    ]);
    expect(durable).toBeLessThan(records.length);
    expect(
      rig.disk
        .contentOf(path)
        .subarray(newest)
        .every((byte) => byte === 0),
    ).toBe(true);
    const kept = joinRecords((await readAll(journal, ID)).records);
    expect(Buffer.from(kept).equals(joinRecords(records.slice(0, durable)))).toBe(true);
    await journal.close();

    rig.disk.crash(new SeededRandom(1), { tear: false });
    const again = await rig.open();
    expect(again.report.tornTails).toEqual([]);
    expect(again.journal.incarnations()[0]!.durable.sequence).toBe(durable);
    await again.journal.close();
  });

  test('the cut size is the torn group’s when its header is whole', async () => {
    const { rig, paths } = await written(2);
    const path = paths.at(-1)!;
    const content = rig.disk.contentOf(path);
    const newest = groupOffsets(content).at(-1)!;
    rig.disk.flip(path, newest + 70, 1);
    const { journal, report } = await rig.open();
    expect(report.tornTails[0]!.cutBytes).toBe(lastByteOf(content, newest) + 1 - newest);
    await journal.close();
  });

  test('a torn group without its first sector cannot be entered, now or later', async () => {
    const { rig, paths, records } = await written(2);
    const path = paths.at(-1)!;
    const content = rig.disk.contentOf(path);
    const newest = groupOffsets(content).at(-1)!;
    content.fill(0, newest, newest + SECTOR);
    rig.disk.plant(path, content);
    const { journal, report } = await rig.open();
    expect(report.tornTails).toEqual([]);
    expect(journal.incarnations()[0]!.durable.sequence).toBeLessThan(records.length);
    await journal.close();
  });

  test('old bytes behind the end are cut like a torn group', async () => {
    const { rig, paths, records } = await written(2);
    const path = paths.at(-1)!;
    const content = rig.disk.contentOf(path);
    const end = lastByteOf(content, groupOffsets(content).at(-1)!) + 1;
    content.fill(0x5a, end);
    rig.disk.plant(path, content);
    const { journal, report } = await rig.open();
    expect(report.tornTails).toMatchObject([{ offsetBytes: end, lastSequence: records.length }]);
    expect(
      rig.disk
        .contentOf(path)
        .subarray(end)
        .every((byte) => byte === 0),
    ).toBe(true);
    await journal.close();
  });
});

describe('damage that is no torn tail', () => {
  /** Opens and expects corruption in this file; the file is left alone. */
  async function expectCorruption(
    rig: JournalRig,
    path: string,
    place: { segment?: number; offsetBytes?: number } = {},
  ): Promise<void> {
    const before = Buffer.from(rig.disk.contentOf(path));
    const outcome = rig.open().then(
      ({ report }) => report,
      (error: unknown) => error,
    );
    const error = await outcome;
    expect(error).toBeInstanceOf(CorruptionError);
    expect(error).toMatchObject({ path, ...place });
    expect((error as CorruptionError).message).toContain(path);
    expect(before.equals(rig.disk.contentOf(path))).toBe(true);
  }

  test('a flipped bit anywhere in a sealed segment', async () => {
    const { rig, paths } = await written(3);
    const path = paths[1]!;
    const end = groupOffsets(rig.disk.contentOf(path)).at(-1)! + SECTOR;
    const random = new SeededRandom(17);
    for (let count = 0; count < 300; count += 1) {
      const at = random.integer(0, end - 1);
      const mask = 1 << random.integer(0, 7);
      rig.disk.flip(path, at, mask);
      await expectCorruption(rig, path, { segment: 2 });
      rig.disk.flip(path, at, mask);
    }
    await (await recordsAfterOpen(rig)).journal.close();
  });

  test('a flipped bit before the newest group of the last segment', async () => {
    const { rig, paths } = await written(4);
    const path = paths.at(-1)!;
    const newest = groupOffsets(rig.disk.contentOf(path)).at(-1)!;
    expect(newest).toBeGreaterThan(HEADER_BYTES);
    const random = new SeededRandom(18);
    for (let count = 0; count < 300; count += 1) {
      const at = random.integer(0, newest - 1);
      const mask = 1 << random.integer(0, 7);
      rig.disk.flip(path, at, mask);
      await expectCorruption(rig, path, { segment: paths.length });
      rig.disk.flip(path, at, mask);
    }
    await (await recordsAfterOpen(rig)).journal.close();
  });

  test.each([
    ['zeros', 0],
    ['ones', 255],
  ])('a region of %s in the middle of the last segment, lengths and all', async (_, value) => {
    const { rig, paths } = await written(5);
    const path = paths.at(-1)!;
    const content = rig.disk.contentOf(path);
    const offsets = groupOffsets(content);
    content.fill(value, offsets[0], offsets[1]);
    rig.disk.plant(path, content);
    await expectCorruption(rig, path, { offsetBytes: offsets[0]! });
  });

  test('an empty end of a sealed segment', async () => {
    const { rig, paths } = await written(6);
    const path = paths[0]!;
    const content = rig.disk.contentOf(path);
    const seal = groupOffsets(content).at(-1)!;
    content.fill(0, seal);
    rig.disk.plant(path, content);
    await expectCorruption(rig, path, { offsetBytes: seal, segment: 1 });
  });

  test('a missing segment in the middle', async () => {
    const { rig, paths } = await written(7);
    await rig.disk.remove(paths[1]!);
    await expectCorruption(rig, paths[2]!, { segment: 3 });
  });

  test('an old state of a file restored in place', async () => {
    const rig = new JournalRig(8);
    const journal = await rig.start(1);
    appendWrites(journal, randomBodies(rig.random, 4, 500));
    await untilDurable(journal);
    const path = (await rig.segmentPaths())[0]!;
    const old = rig.disk.contentOf(path);
    while ((await rig.segmentPaths()).length < 2) {
      appendWrites(journal, randomBodies(rig.random, 4, 500));
      await untilDurable(journal);
    }
    await journal.close();
    rig.disk.plant(path, old);
    await expectCorruption(rig, path, { segment: 1 });
  });

  test('an older incarnation that has lost what a newer one saw of it', async () => {
    const rig = new JournalRig(9);
    const first = await rig.start(1);
    appendWrites(first, randomBodies(rig.random, 4, 500));
    await untilDurable(first);
    await first.close();
    await (await rig.start(2)).close();
    const path = (await rig.segmentPaths()).find((name) => name.includes(ID))!;
    const newest = groupOffsets(rig.disk.contentOf(path)).at(-1)!;
    rig.disk.flip(path, newest + 100, 1);
    await expectCorruption(rig, path, { offsetBytes: newest });
  });

  test('a file under another’s name', async () => {
    const { rig, paths } = await written(10);
    rig.disk.plant(paths[2]!, rig.disk.contentOf(paths[1]!));
    await expectCorruption(rig, paths[2]!, { segment: 3, offsetBytes: 0 });
  });

  test('another origin’s file', async () => {
    const { rig, paths } = await written(11);
    await expect(rig.open({ origin: 2 })).rejects.toMatchObject({
      name: 'CorruptionError',
      path: paths[0],
    });
  });

  test('a group that stands where another should', async () => {
    const { rig, paths } = await written(12);
    const path = paths.at(-1)!;
    const content = rig.disk.contentOf(path);
    const offsets = groupOffsets(content);
    const last = offsets.at(-1)!;
    content.copyWithin(last, offsets[0]!, offsets[0]! + SECTOR);
    rig.disk.plant(path, content);
    await expectCorruption(rig, path, { offsetBytes: last });
  });

  test('a file of a newer format is refused by its version', async () => {
    const { rig, paths } = await written(13);
    const content = rig.disk.contentOf(paths[0]!);
    const header = decodeSegmentHeader(content);
    if (isHeaderFault(header)) throw new Error('the header is whole');
    const block = encodeSegmentHeader(header);
    new DataView(block.buffer).setUint32(12, 9, true);
    const { crc32 } = await import('node:zlib');
    new DataView(block.buffer).setUint32(8, crc32(block.subarray(12)), true);
    content.set(block, 0);
    rig.disk.plant(paths[0]!, content);
    await expect(rig.open()).rejects.toBeInstanceOf(UnsupportedFormatError);
  });
});

describe('half-made files', () => {
  test('a spare that is too short is removed, a whole one used', async () => {
    const rig = new JournalRig(1);
    rig.disk.plant(`${FOLDER}/spare-3.free`, new Uint8Array(1000));
    rig.disk.plant(`${FOLDER}/spare-5.free`, new Uint8Array(32 * 1024).fill(0xee));
    const journal = await rig.start(1);
    appendWrites(journal, [Buffer.from('rows')]);
    await untilDurable(journal);
    await journal.close();
    const names = await rig.disk.list(FOLDER);
    expect(names).not.toContain('spare-3.free');
    expect(names).not.toContain('spare-5.free');
    const { journal: reopened } = await rig.open();
    expect(reopened.incarnations()[0]!.durable.sequence).toBe(2);
    await reopened.close();
  });

  test('an incarnation without its opening record never was; its file is a spare again', async () => {
    const rig = new JournalRig(2);
    await (await rig.start(1)).close();
    const header = decodeSegmentHeader(rig.disk.contentOf((await rig.segmentPaths())[0]!));
    if (isHeaderFault(header)) throw new Error('the header is whole');
    const content = new Uint8Array(32 * 1024);
    content.set(
      encodeSegmentHeader({ ...header, incarnation: incarnationId(2), openingVersion: 9_999_999 }),
    );
    rig.disk.plant(`${FOLDER}/${incarnationId(2)}-0000000000000001.segment`, content);
    const { journal, report } = await rig.open();
    expect(journal.incarnations().map((info) => info.id)).toEqual([ID]);
    expect(report.tornTails).toEqual([]);
    await journal.close();
    expect(await rig.segmentPaths()).toHaveLength(1);
  });

  test('files that are not the journal’s are left alone', async () => {
    const rig = new JournalRig(3);
    rig.disk.plant(`${FOLDER}/notes.txt`, Buffer.from('mine'));
    await (await rig.start(1)).close();
    expect(Buffer.from(rig.disk.contentOf(`${FOLDER}/notes.txt`)).toString()).toBe('mine');
  });
});

test('what was read is synced before it is handed out', async () => {
  for (let seed = 0; seed < 40; seed += 1) {
    const rig = new JournalRig(seed);
    const journal = await rig.start(1);
    appendWrites(journal, randomBodies(rig.random, 3, 500));
    await untilDurable(journal);
    rig.disk.dieAtOperation(1);
    appendWrites(journal, randomBodies(rig.random, 3, 500));
    await new Promise((resolve) => setImmediate(resolve));
    // A killed process: the write in flight is in the page cache, whole.
    rig.disk.crash(rig.random, { keepsCache: true });
    const { journal: recovered } = await rig.open();
    const durable = recovered.incarnations()[0]!.durable;
    expect(durable.sequence).toBe(7);
    rig.disk.crash(rig.random, { tear: false });
    const { journal: again } = await rig.open();
    expect(again.incarnations()[0]!.durable).toEqual(durable);
    await again.close();
  }
});
