/**
 * What a start reads of a journal: as much as was written, and the rest of the newest segment's file. However often a node was killed
 * before, a start reads no more and the disk holds no more files' worth of nothing. Counted in bytes, at the disk's port.
 */

import { CorruptionError } from '../../storage/corruption-error.js';
import { inspectJournal } from '../../storage/journal-inspection.js';
import type { Journal } from '../../storage/journal.js';
import { systemTimers } from '../../storage/node-adapters.js';
import { RecordKind, encodeRecord } from '../../storage/record.js';
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

const MEBIBYTE = 1 << 20;
const SEGMENT_BYTES = 8 * MEBIBYTE;
const HEADER_BYTES = 4096;
const SECTOR = 512;
/** What a start reads of a file that is not cut short yet, where hardly anything was written: all of it, and its first window. */
const UNCUT_BYTES = SEGMENT_BYTES + 128 * 1024;
const KILLS = 20;

class Scene {
  readBytes = 0;
  readonly rig: JournalRig;

  constructor(seed: number) {
    const latency = (operation: string, bytes: number): Promise<void> => {
      if (operation === 'read') this.readBytes += bytes;
      return Promise.resolve();
    };
    this.rig = new JournalRig(seed, { segmentBytes: SEGMENT_BYTES }, { latency });
  }

  /** The journal of a start, and what opening it has read. */
  async open(): Promise<{ journal: Journal; costBytes: number }> {
    const before = this.readBytes;
    const { journal } = await this.rig.open();
    return { journal, costBytes: this.readBytes - before };
  }

  kill(): void {
    this.rig.disk.crash(this.rig.random, { keepsCache: true });
  }

  /** Sizes of the segments' files, smallest first. */
  async fileBytes(): Promise<number[]> {
    const paths = await this.rig.segmentPaths();
    const sizes = paths.map((path) => this.rig.disk.contentOf(path).length);
    return sizes.sort((a, b) => a - b);
  }
}

test(`${KILLS} kills of a node that has hardly written: a start costs what was written, and files give their room back`, async () => {
  const scene = new Scene(1);
  const costs: number[] = [];
  for (let start = 1; start <= KILLS; start += 1) {
    const { journal, costBytes } = await scene.open();
    costs.push(costBytes);
    const parent = journal.incarnations().at(-1)?.durable ?? null;
    await journal.beginIncarnation(incarnationId(start), parent, start * 1_000_000);
    appendWrites(journal, randomBodies(scene.rig.random, 3, 400));
    await untilDurable(journal);
    scene.kill();
  }
  // Headers are read once more than groups are, a sector is the least that a group takes.
  const writtenBytes = HEADER_BYTES + 8 * SECTOR;
  const bounds = costs.map((_, starts) => UNCUT_BYTES + starts * 2 * writtenBytes);
  expect(costs.filter((cost, at) => cost > bounds[at]!)).toEqual([]);
  // The first one with an incarnation before it, and the last one: only what was written makes the difference.
  expect(costs.at(-1)! - costs[1]!).toBeLessThanOrEqual((KILLS - 2) * 2 * writtenBytes);

  const { journal } = await scene.open();
  expect(journal.incarnations().map(({ received }) => received.sequence)).toEqual(
    Array.from({ length: KILLS }, () => 4),
  );
  const sizes = await scene.fileBytes();
  expect(sizes.slice(0, -1).filter((size) => size > writtenBytes)).toEqual([]);
  expect(sizes.at(-1)).toBe(SEGMENT_BYTES);
  expect(journal.bytesOnDisk()).toBeLessThan(3 * SEGMENT_BYTES);
  await journal.close();
});

test('a segment that was cut short takes a returned tail and its seal, and is released', async () => {
  const scene = new Scene(2);
  const first = await scene.rig.start(1);
  appendWrites(first, randomBodies(scene.rig.random, 3, 400));
  await untilDurable(first);
  scene.kill();
  await (await scene.rig.start(2)).close();
  const journal = await scene.rig.start(3);
  expect((await scene.fileBytes())[0]).toBeLessThan(SEGMENT_BYTES);

  const returned = Array.from({ length: 200 }, (_, at) =>
    encodeRecord(RecordKind.write, 5 + at, 9, [scene.rig.random.bytes(3000)]),
  );
  for (let at = 0; at < returned.length; at += 20) {
    journal.appendCopies(incarnationId(1), Buffer.concat(returned.slice(at, at + 20)));
    await untilDurable(journal);
  }
  await journal.close();
  const { journal: again } = await scene.open();
  const { records } = await readAll(again, incarnationId(1), { after: 4 });
  expect(Buffer.concat(returned).equals(joinRecords(records))).toBe(true);
  await again.endIncarnation(incarnationId(1));
  await again.releaseBefore(new Map([[incarnationId(1), Infinity]]), 0);
  expect(again.incarnation(incarnationId(1))).toBeNull();
  await again.close();
  const { journal: last } = await scene.open();
  expect(last.incarnations().map(({ id }) => id)).toEqual([incarnationId(2), incarnationId(3)]);
  await last.close();
});

test('a power loss while files are cut short loses nothing', async () => {
  for (let dieAt = 1, isThrough = false; !isThrough; dieAt += 1) {
    const rig = new JournalRig(3, { segmentBytes: 64 * 1024 });
    for (let start = 1; start <= 3; start += 1) {
      const journal = await rig.start(start);
      appendWrites(journal, randomBodies(rig.random, 3, 400));
      await untilDurable(journal);
      // Killed before it can cut anything short.
      rig.disk.crash(rig.random, { keepsCache: true });
    }
    rig.disk.dieAtOperation(dieAt);
    let journal: Journal | null = null;
    void rig.open().then((opened) => (journal = opened.journal));
    while (journal === null && !rig.disk.isDead) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    isThrough = journal !== null;
    rig.disk.crash(rig.random, { tear: true });
    const { journal: recovered } = await rig.open();
    expect(recovered.incarnations().map(({ durable }) => durable.sequence)).toEqual([4, 4, 4]);
    await recovered.close();
  }
});

describe('a copy', () => {
  test('keeps the room of the incarnation that goes on, and gives back that of the ones before', async () => {
    const origin = new Scene(4);
    const copy = new Scene(5);
    for (let start = 1; start <= 4; start += 1) {
      const id = incarnationId(start);
      const source = await origin.rig.start(start);
      appendWrites(source, randomBodies(origin.rig.random, 3, 400));
      await untilDurable(source);
      const { records } = await readAll(source, id);
      origin.kill();
      const { journal, costBytes } = await copy.open();
      expect(costBytes).toBeLessThanOrEqual(2 * UNCUT_BYTES + start * 4 * HEADER_BYTES);
      journal.appendCopies(id, joinRecords(records));
      await untilDurable(journal);
      copy.kill();
    }
    const { journal } = await copy.open();
    const sizes = await copy.fileBytes();
    expect(sizes.map((size) => size === SEGMENT_BYTES)).toEqual([false, false, false, true]);
    await journal.close();
  });
});

describe('what stands behind the end', () => {
  const ID = incarnationId(1);

  /** The first segment's file, and where groups begin in it. */
  async function groupsOf(scene: Scene): Promise<{ path: string; offsets: number[] }> {
    const path = (await scene.rig.segmentPaths())[0]!;
    const content = scene.rig.disk.contentOf(path);
    const magic = Buffer.from(content.subarray(HEADER_BYTES, HEADER_BYTES + 8));
    const offsets: number[] = [];
    for (let at = HEADER_BYTES; at < content.length; at += SECTOR) {
      if (magic.equals(content.subarray(at, at + 8))) offsets.push(at);
    }
    return { path, offsets };
  }

  /** A journal of one segment: a small group, one as large as there is, and a small one. Offsets of the three. */
  async function threeGroups(): Promise<{ scene: Scene; path: string; offsets: number[] }> {
    const scene = new Scene(6);
    const journal = await scene.rig.start(1);
    appendWrites(journal, [new Uint8Array(100)]);
    await untilDurable(journal);
    const largest = Array.from({ length: 256 }, () => new Uint8Array(4060).fill(7));
    appendWrites(journal, largest);
    await untilDurable(journal);
    appendWrites(journal, [new Uint8Array(100)]);
    await untilDurable(journal);
    const { records } = await readAll(journal, ID);
    expect(records.length).toBe(259);
    await journal.close();
    return { scene, ...(await groupsOf(scene)) };
  }

  test('a group of the largest size that turned into zeros is corruption, as the one behind it says', async () => {
    const { scene, path, offsets } = await threeGroups();
    const [large, behind] = offsets.slice(-2) as [number, number];
    expect(behind - large).toBeGreaterThan(MEBIBYTE - 8192);
    const content = scene.rig.disk.contentOf(path);
    content.fill(0, large, behind);
    scene.rig.disk.plant(path, content);
    await expect(scene.rig.open()).rejects.toMatchObject({
      name: CorruptionError.name,
      path,
      offsetBytes: large,
    });
  });

  test('a hole of zeros larger than any group is corruption, and a start says so as an inspection does', async () => {
    const scene = new Scene(7);
    const journal = await scene.rig.start(1);
    const largest = Array.from({ length: 256 }, () => new Uint8Array(4060).fill(7));
    for (let group = 0; group < 4; group += 1) {
      appendWrites(journal, largest);
      await untilDurable(journal);
    }
    await journal.close();
    const { path, offsets } = await groupsOf(scene);
    const [first, last] = [offsets.at(-4)!, offsets.at(-1)!];
    expect(last - first).toBeGreaterThan(3 * MEBIBYTE - 3 * 8192);
    const content = scene.rig.disk.contentOf(path);
    content.fill(0, first, last);
    scene.rig.disk.plant(path, content);

    const deps = {
      disk: scene.rig.disk.mount(),
      timers: systemTimers({ keepsProcessAlive: false }),
    };
    const seen = await inspectJournal(deps, { folder: FOLDER, origin: 1, everyDigest: false });
    expect(seen.faults).toEqual([expect.stringContaining(`a group at byte ${last}`)]);
    await expect(scene.rig.open()).rejects.toMatchObject({
      name: CorruptionError.name,
      path,
      offsetBytes: first,
    });
    expect(Buffer.compare(scene.rig.disk.contentOf(path), content)).toBe(0);
  });

  test('a header that is damaged hides nothing behind it, however far', async () => {
    const { scene, path, offsets } = await threeGroups();
    const content = scene.rig.disk.contentOf(path);
    const far = content.length - 4 * SECTOR;
    // The newest group once more, far behind, and damage where it stood.
    content.copyWithin(far, offsets.at(-1)!, offsets.at(-1)! + SECTOR);
    content[offsets.at(-2)!]! ^= 1;
    content.fill(0, offsets.at(-1), offsets.at(-1)! + SECTOR);
    scene.rig.disk.plant(path, content);
    await expect(scene.rig.open()).rejects.toThrow(`a group at byte`);
  });
});
