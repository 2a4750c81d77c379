/** A journal on the real disk, whose lone records are written on the spot: what is durable is what a reopened journal has. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Journal } from '../../storage/journal.js';
import { nodeDisk, systemRandom, systemTimers } from '../../storage/node-adapters.js';
import type { Clock, Disk } from '../../storage/ports.js';
import { RecordKind } from '../../storage/record.js';
import { incarnationId } from '../support/journal-rig.js';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'twintide-journal-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

interface Counts {
  now: number;
  later: number;
}

/** The real disk, with the ways of its durable writes counted. */
function countingDisk(counts: Counts): Disk {
  return {
    ...nodeDisk,
    async open(path, options) {
      const file = await nodeDisk.open(path, options);
      if (options.durable !== true || file.writeNow === undefined) return file;
      const { writeNow } = file;
      return {
        read: (target, position) => file.read(target, position),
        sync: () => file.sync(),
        truncate: (sizeBytes) => file.truncate(sizeBytes),
        sizeBytes: () => file.sizeBytes(),
        close: () => file.close(),
        write(parts, position) {
          counts.later += 1;
          return file.write(parts, position);
        },
        writeNow(parts, position) {
          counts.now += 1;
          writeNow(parts, position);
        },
      };
    },
  };
}

/** A clock that stands still: the disk is always quick. */
const still: Clock = { wallMs: () => 0, monotonicMs: () => 0 };

async function open(counts: Counts): Promise<Journal> {
  const deps = {
    disk: countingDisk(counts),
    clock: still,
    random: systemRandom,
    timers: systemTimers({ keepsProcessAlive: false }),
  };
  const options = { folder, origin: 1, segmentBytes: 256 * 1024, maxRecordBytes: 64 * 1024 };
  return (await Journal.open(deps, options)).journal;
}

test('lone records go on the spot, companions together, and all are there after a reopening', async () => {
  const counts = { now: 0, later: 0 };
  const journal = await open(counts);
  await journal.beginIncarnation(incarnationId(1), null, 8);
  let version = 8;
  const durable: number[] = [];
  journal.onDurable((_incarnation, position) => durable.push(position.sequence));
  const append = (size: number): number =>
    journal.append(RecordKind.write, (version += 8), [new Uint8Array(size).fill(version % 251)])
      .sequence;
  const until = async (sequence: number): Promise<void> => {
    while ((durable.at(-1) ?? 0) < sequence) await new Promise((done) => setImmediate(done));
  };

  // Enough of them that segments are sealed on the way.
  for (let i = 0; i < 900; i += 1) await until(append(300 + (i % 50)));
  expect(counts.now).toBeGreaterThan(800);
  const { now, later } = counts;
  for (let i = 0; i < 10; i += 1) {
    append(200);
    await until(append(200));
  }
  expect(counts).toEqual({ now, later: later + 10 });
  expect(durable).toEqual([...durable].sort((a, b) => a - b));
  const { received } = journal.incarnation(incarnationId(1))!;
  await journal.close();

  const reopened = await open({ now: 0, later: 0 });
  expect(reopened.incarnation(incarnationId(1))!.durable).toEqual(received);
  await reopened.close();
});

test('a reader at the end gets a lone record before the write on the spot begins', async () => {
  const counts = { now: 0, later: 0 };
  const journal = await open(counts);
  const id = incarnationId(1);
  await journal.beginIncarnation(id, null, 8);
  let version = 8;
  const untilDurable = async (sequence: number): Promise<void> => {
    while (journal.incarnation(id)!.durable.sequence < sequence) {
      await new Promise((done) => setImmediate(done));
    }
  };
  for (let i = 0; i < 20; i += 1) {
    const { sequence } = journal.append(RecordKind.write, (version += 8), [new Uint8Array(9)]);
    await untilDurable(sequence);
  }
  expect(counts.now).toBeGreaterThan(0);

  const before = journal.incarnation(id)!.received.sequence;
  expect(await journal.read(id, before, 1024)).toBeNull();
  const { sequence } = journal.append(RecordKind.write, version + 8, [new Uint8Array(9)]);
  const { now } = counts;
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
  expect((await journal.read(id, before, 1024))?.lastSequence).toBe(sequence);
  expect(counts.now).toBe(now);
  await untilDurable(sequence);
  expect(counts.now).toBe(now + 1);
  await journal.close();
});
