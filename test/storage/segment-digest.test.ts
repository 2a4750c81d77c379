/** The digest of a segment is that of its bytes, however they came and whenever they are hashed. */

import { createHash } from 'node:crypto';
import { Journal } from '../../storage/journal.js';
import { RecordKind } from '../../storage/record.js';
import { SegmentDigest } from '../../storage/segment-digest.js';
import { ForgetfulDisk } from '../support/forgetful-disk.js';
import { incarnationId } from '../support/journal-rig.js';
import { SeededRandom } from '../support/seeded-random.js';
import { VirtualClock } from '../support/virtual-clock.js';

const MEBIBYTE = 1024 * 1024;

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

test.each(Array.from({ length: 6 }, (_, seed) => seed))(
  'pieces of any size, steps between them or none: seed %i',
  (seed) => {
    const random = new SeededRandom(seed);
    const bytes = random.bytes(3 * MEBIBYTE);
    const digest = new SegmentDigest();
    for (let at = 0; at < bytes.length;) {
      const size = random.pick([1, 500, 70_000, MEBIBYTE, 2 * MEBIBYTE]);
      const end = Math.min(bytes.length, at + size);
      // Now and then in another buffer, as when a chunk of recent records is full.
      if (random.chance(0.3)) digest.add(bytes.slice(at, end), 0, end - at);
      else digest.add(bytes, at, end);
      if (random.chance(0.3)) digest.step();
      if (random.chance(0.1)) expect(digest.value()).toBe(sha256(bytes.subarray(0, end)));
      at = end;
    }
    expect(digest.value()).toBe(sha256(bytes));
    expect(digest.hasBacklog).toBe(false);
  },
);

test('a long record leaves a backlog, which goes a slice a step', () => {
  const digest = new SegmentDigest();
  digest.add(new Uint8Array(2 * MEBIBYTE), 0, 2 * MEBIBYTE);
  let steps = 0;
  for (; digest.hasBacklog; steps += 1) digest.step();
  expect(steps).toBe(3);
  expect(digest.value()).toBe(sha256(new Uint8Array(2 * MEBIBYTE)));
});

test('a segment of long records is sealed with the digest of all of them, hashed by then or not', async () => {
  const clock = new VirtualClock();
  const random = new SeededRandom(3);
  const { journal } = await clock.runUntilSettled(
    Journal.open(
      { disk: new ForgetfulDisk(), clock, random, timers: clock },
      { folder: '/journal/1', origin: 1, segmentBytes: 4 * MEBIBYTE, maxRecordBytes: 2 * MEBIBYTE },
    ),
  );
  const opening = journal.beginIncarnation(incarnationId(1), null, 1_000_000);
  await clock.runUntilSettled(opening);
  const digests: (string | null)[] = [];
  journal.onSeal(({ digest }) => digests.push(digest));
  let segment = Buffer.from((await journal.read(incarnationId(1), 0, 1))!.bytes);
  const expected: string[] = [];
  for (let sequence = 2; sequence <= 12; sequence += 1) {
    const body = Buffer.alloc(1_500_000, sequence);
    const sealed = digests.length;
    const { bytes } = journal.append(RecordKind.write, 1_000_000 + sequence, [body]);
    if (digests.length > sealed) {
      expected.push(sha256(segment));
      segment = Buffer.alloc(0);
    }
    segment = Buffer.concat([segment, bytes]);
    if (random.chance(0.5)) await clock.advance(1);
  }
  expect(digests).toEqual(expected);
  expect(expected.length).toBeGreaterThan(2);
  await clock.runUntilSettled(journal.close());
});
