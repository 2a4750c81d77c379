/**
 * Random damage to the last segment of a journal that was synced: flipped bits, noise, sectors of zeros, a file cut short, at its end or in the
 * middle with whole groups behind. Recovery keeps every record before the first damage, invents none, and where anything that is left
 * says that what was damaged had been durable, it refuses to start and names the place; so does an inspection, which changes nothing.
 */

import fc from 'fast-check';
import {
  decodeGroupHeader,
  groupBytesOf,
  groupSeedOf,
  type GroupHeader,
} from '../../storage/commit-group.js';
import { CorruptionError } from '../../storage/corruption-error.js';
import { inspectJournal } from '../../storage/journal-inspection.js';
import type { RecordView } from '../../storage/record.js';
import { decodeSegmentHeader, isHeaderFault, SEGMENT_HEADER_BYTES } from '../../storage/segment.js';
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
import { realTimers } from '../support/table-rig.js';

const ID = incarnationId(1);
const SECTOR = 512;
const GROUP_HEADER_BYTES = 64;

interface Group {
  readonly header: GroupHeader;
  readonly from: number;
  readonly to: number;
}

interface Written {
  readonly rig: JournalRig;
  readonly path: string;
  readonly content: Uint8Array;
  /** Of the whole journal. */
  readonly records: readonly RecordView[];
  /** Of the last segment, each written when the one before was durable. */
  readonly groups: readonly Group[];
}

/** A closed journal with some groups in its last segment, and sealed ones before. */
async function written(seed: number): Promise<Written> {
  const rig = new JournalRig(seed);
  const journal = await rig.start(1);
  let groups: Group[] = [];
  let path = '';
  while (!path.includes('0000000000000002.') || groups.length < 8) {
    appendWrites(journal, randomBodies(rig.random, rig.random.integer(1, 3), 900));
    await untilDurable(journal);
    path = (await rig.segmentPaths()).at(-1)!;
    groups = groupsOf(rig.disk.contentOf(path));
  }
  const { records } = await readAll(journal, ID);
  await journal.close();
  return { rig, path, content: rig.disk.contentOf(path), records, groups };
}

function groupsOf(content: Uint8Array): Group[] {
  const segment = decodeSegmentHeader(content.subarray(0, SEGMENT_HEADER_BYTES));
  if (isHeaderFault(segment)) throw new Error('the segment has no header');
  const seed = groupSeedOf(segment);
  const groups: Group[] = [];
  for (let from = SEGMENT_HEADER_BYTES; ;) {
    const header = decodeGroupHeader(seed, content, from);
    if (header === null) return groups;
    const to = from + groupBytesOf(header.contentBytes);
    groups.push({ header, from, to });
    from = to;
  }
}

type Damage = (content: Uint8Array, groups: readonly Group[]) => Uint8Array;

/** Places from the first group to a little behind the last, in thousandths of that. */
const place = fc.nat(1100);
function offsetOf(thousandth: number, groups: readonly Group[], content: Uint8Array): number {
  const end = groups.at(-1)!.to;
  const offset =
    SEGMENT_HEADER_BYTES + Math.floor(((end - SEGMENT_HEADER_BYTES) * thousandth) / 1000);
  return Math.min(offset, content.length - 1);
}

const flipped = fc
  .tuple(place, fc.integer({ min: 0, max: 7 }))
  .map(([at, bit]): Damage => (content, groups) => {
    content[offsetOf(at, groups, content)]! ^= 1 << bit;
    return content;
  });
const zeroed = fc
  .tuple(place, fc.integer({ min: 1, max: 12 }))
  .map(([at, sectors]): Damage => (content, groups) => {
    const from = Math.floor(offsetOf(at, groups, content) / SECTOR) * SECTOR;
    return content.fill(0, from, from + sectors * SECTOR);
  });
const noise = fc
  .tuple(place, fc.uint8Array({ minLength: 1, maxLength: 3000 }))
  .map(([at, bytes]): Damage => (content, groups) => {
    const from = offsetOf(at, groups, content);
    content.set(bytes.subarray(0, content.length - from), from);
    return content;
  });
const cut = place.map(
  (at): Damage =>
    (content, groups) =>
      content.slice(0, offsetOf(at, groups, content)),
);
const damage = fc
  .tuple(fc.array(fc.oneof(flipped, zeroed, noise), { maxLength: 2 }), fc.option(cut, { freq: 3 }))
  .map(([several, last]) => (last === null ? several : [...several, last]));

/** What must come of it: the last record that is kept, and whether what is left tells that more was durable. */
function expectedOf({ content, groups, records }: Written, damaged: Uint8Array) {
  const isWhole = (from: number, to: number): boolean =>
    to <= damaged.length &&
    Buffer.compare(content.subarray(from, to), damaged.subarray(from, to)) === 0;
  const first = groups.findIndex(({ from, to }) => !isWhole(from, to));
  if (first < 0) return { last: records.length, isTold: false };
  const last = groups[first]!.header.firstSequence - 1;
  const isTold = groups
    .slice(first)
    .some(
      ({ header, from }) => isWhole(from, from + GROUP_HEADER_BYTES) && header.durableBefore > last,
    );
  return { last, isTold };
}

test.each([1, 2, 3])(
  'what is before the damage stays, and what is behind it tells (seed %i)',
  async (seed) => {
    const whole = await written(seed);
    const { rig, path, content, records, groups } = whole;
    await fc.assert(
      fc.asyncProperty(damage, async (damages) => {
        const damaged = damages.reduce<Uint8Array>(
          (bytes, change) => (bytes.length > SEGMENT_HEADER_BYTES ? change(bytes, groups) : bytes),
          content.slice(),
        );
        const { last, isTold } = expectedOf(whole, damaged);
        rig.disk.plant(path, damaged);
        const seen = await inspectJournal(
          { disk: rig.disk.mount(), timers: realTimers },
          { folder: FOLDER, origin: 1, everyDigest: true },
        );
        expect(seen.faults.length > 0).toBe(isTold);
        expect(Buffer.compare(rig.disk.contentOf(path), damaged)).toBe(0);
        if (isTold) {
          await expect(rig.open()).rejects.toThrow(CorruptionError);
          expect(Buffer.compare(rig.disk.contentOf(path), damaged)).toBe(0);
          return;
        }
        const { journal, report } = await rig.open();
        const kept = await readAll(journal, ID);
        expect(kept.records.length).toBe(last);
        const isSame = Buffer.compare(
          joinRecords(kept.records),
          joinRecords(records.slice(0, last)),
        );
        expect(isSame).toBe(0);
        expect(report.tornTails.length).toBe(seen.tornTails.length);
        await journal.close();
        // What was cut never comes back, and is told once.
        const again = await rig.open();
        expect(again.report.tornTails).toEqual([]);
        expect(again.journal.incarnation(ID)!.durable).toEqual(kept.last);
        await again.journal.close();
      }),
      { numRuns: 80 },
    );
  },
);
