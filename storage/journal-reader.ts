/**
 * Reads records of an incarnation back: the newest from memory, older ones from disk, as they stand there, without the framing of commit
 * groups.
 *
 * What is handed out from disk was checked: group headers, lengths and CRCs of every record returned. A fault here is damage after
 * recovery, never a torn tail: only durable records are read.
 */

import { CorruptionError } from './corruption-error.js';
import { GroupKind } from './commit-group.js';
import type { IncarnationLog } from './incarnation-log.js';
import type { JournalSegment } from './journal-segment.js';
import type { Disk, DiskFile } from './ports.js';
import type { RollingHash } from './position.js';
import { checkRecord, emptyHead, recordLengthAt } from './record.js';
import type { TailRead } from './record-tail.js';
import { digestTextOf, hashOfDigest, nextDigest, type DigestText } from './rolling-hash.js';
import { SegmentCursor } from './segment-cursor.js';

/**
 * Records after `afterSequence`: at least one, at most `maxBytes` beyond the first, none above `limitSequence`. Requires: afterSequence + 1
 * is held, and at most the limit, which is at most received. At once from memory; a promise may reject with CorruptionError.
 */
export function readRecords(
  disk: Disk,
  log: IncarnationLog,
  afterSequence: number,
  limitSequence: number,
  maxBytes: number,
): TailRead | Promise<TailRead> {
  const recent = log.tail.read(afterSequence, limitSequence, maxBytes);
  if (recent !== null) return recent;
  const segment = log.segmentOf(afterSequence + 1);
  const onDisk = Math.min(limitSequence, log.durable.sequence);
  return readFromDisk(disk, log, segment, afterSequence, onDisk, maxBytes);
}

/** The rolling hash after a record; null when it is not known here. Rejects with CorruptionError. */
export async function hashBehind(
  disk: Disk,
  log: IncarnationLog,
  sequence: number,
): Promise<RollingHash | null> {
  if (sequence > log.received.sequence || sequence < log.first - 1) return null;
  if (sequence === log.received.sequence) return log.received.hash;
  if (sequence === log.first - 1) return log.segmentOf(log.first).identity.previousHash;
  const recent = log.tail.hashAt(sequence);
  if (recent !== null) return recent;
  return hashFromDisk(disk, log.segmentOf(sequence), sequence);
}

/**
 * Durable records of one segment after `afterSequence`: at least one, at most `maxBytes` beyond the first, none above
 * `limitSequence`. Requires: record afterSequence + 1 is durable and in `segment`.
 */
async function readFromDisk(
  disk: Disk,
  log: IncarnationLog,
  segment: JournalSegment,
  afterSequence: number,
  limitSequence: number,
  maxBytes: number,
): Promise<TailRead> {
  return withReader(disk, segment, async (file) => {
    const mark = log.readMark;
    const isContinuation = mark?.segment === segment && mark.afterSequence === afterSequence;
    const start = isContinuation
      ? { offsetBytes: mark.offsetBytes, skipTo: afterSequence, hash: mark.hashAfter }
      : startOf(segment, afterSequence + 1);
    const mostBytes = Math.min(maxBytes, segment.capacityBytes - start.offsetBytes);
    const gathered = new Gatherer(afterSequence, start.skipTo, start.hash, mostBytes);
    const lastWanted = Math.min(limitSequence, segment.lastSequence);
    const cursor = new SegmentCursor(file, segment.seed, start.offsetBytes, segment.capacityBytes);
    let groupAt = start.offsetBytes;
    while (!gathered.isFull && gathered.lastSequence < lastWanted) {
      const step = await cursor.next();
      if (step.kind === 'stop') throw damage(segment, step.offsetBytes, step.reason);
      groupAt = step.offsetBytes;
      if (step.header.kind === GroupKind.seal) throw damage(segment, groupAt, 'an early seal');
      const fault = gathered.take(step.content, step.header.firstSequence, lastWanted);
      if (fault !== null) throw damage(segment, groupAt, fault);
    }
    const read = gathered.finish();
    log.readMark = {
      segment,
      offsetBytes: groupAt,
      afterSequence: read.lastSequence,
      hashAfter: read.lastHash,
    };
    return read;
  });
}

/** The rolling hash after a durable record of `segment`. */
async function hashFromDisk(
  disk: Disk,
  segment: JournalSegment,
  sequence: number,
): Promise<RollingHash> {
  return withReader(disk, segment, async (file) => {
    const start = startOf(segment, sequence);
    const gathered = new Gatherer(sequence - 1, start.skipTo, start.hash, 0);
    const cursor = new SegmentCursor(file, segment.seed, start.offsetBytes, segment.capacityBytes);
    while (gathered.lastSequence < sequence) {
      const step = await cursor.next();
      if (step.kind === 'stop') throw damage(segment, step.offsetBytes, step.reason);
      const fault = gathered.take(step.content, step.header.firstSequence, sequence);
      if (fault !== null) throw damage(segment, step.offsetBytes, fault);
    }
    return gathered.finish().lastHash;
  });
}

/** Runs `use` on the segment's file, which is not recycled meanwhile. */
async function withReader<T>(
  disk: Disk,
  segment: JournalSegment,
  use: (file: DiskFile) => Promise<T>,
): Promise<T> {
  segment.readerCount += 1;
  try {
    const file = await disk.open(segment.path, {});
    try {
      return await use(file);
    } finally {
      await file.close();
    }
  } finally {
    segment.readerCount -= 1;
  }
}

function startOf(
  segment: JournalSegment,
  sequence: number,
): { offsetBytes: number; skipTo: number; hash: RollingHash } {
  const entry = segment.index.entryFor(sequence);
  return {
    offsetBytes: entry.offsetBytes,
    skipTo: entry.sequence - 1,
    hash: entry.hashBefore,
  };
}

function damage(segment: JournalSegment, offsetBytes: number, reason: string): CorruptionError {
  const where = { path: segment.path, segment: segment.identity.number, offsetBytes };
  return new CorruptionError(where, `while reading, ${reason}`);
}

/**
 * Collects records behind `after`. Records up to `skipTo` are passed over without hashing (their hash is known); those between
 * are hashed but not kept.
 */
class Gatherer {
  readonly #after: number;
  readonly #skipTo: number;
  readonly #maxBytes: number;
  /** Room for all that may be kept; null until there is something. */
  #kept: Uint8Array | null = null;
  #bytes = 0;
  #digest: DigestText;
  readonly #head = emptyHead();
  #last: number;
  isFull = false;

  constructor(after: number, skipTo: number, hash: RollingHash, maxBytes: number) {
    this.#after = after;
    this.#skipTo = skipTo;
    this.#maxBytes = maxBytes;
    this.#digest = digestTextOf(hash);
    this.#last = after;
  }

  /** Highest sequence kept, or `after` when there is none yet. */
  get lastSequence(): number {
    return this.#last;
  }

  /** Takes what is wanted of a group's records; returns what is wrong with them, or null. */
  take(content: Uint8Array, firstSequence: number, lastWanted: number): string | null {
    if (firstSequence > this.#last + 1) return `records before ${firstSequence} are missing`;
    let from = -1;
    let offset = 0;
    for (
      let sequence = firstSequence;
      offset < content.length && sequence <= lastWanted;
      sequence += 1
    ) {
      if (sequence <= this.#skipTo) {
        offset += recordLengthAt(content, offset);
        continue;
      }
      const head = this.#head;
      const damage = checkRecord(content, offset, content.length, head);
      if (damage !== null) return `record ${sequence}: ${damage.detail}`;
      if (head.sequence !== sequence) return `record ${sequence} says ${head.sequence}`;
      if (sequence > this.#after && this.#isBeyond(head.length, offset, from)) {
        this.isFull = true;
        break;
      }
      this.#digest = nextDigest(this.#digest, head);
      if (sequence > this.#after) {
        if (from < 0) from = offset;
        this.#last = sequence;
      }
      offset += head.length;
    }
    if (from >= 0) this.#keep(content.subarray(from, offset));
    return null;
  }

  finish(): TailRead {
    return {
      bytes: this.#kept?.subarray(0, this.#bytes) ?? new Uint8Array(0),
      firstSequence: this.#after + 1,
      lastSequence: this.#last,
      lastHash: hashOfDigest(this.#digest),
    };
  }

  /** One record is always taken, however large. */
  #isBeyond(recordBytes: number, offset: number, from: number): boolean {
    const gathered = this.#bytes + (from < 0 ? 0 : offset - from);
    return gathered > 0 && gathered + recordBytes > this.#maxBytes;
  }

  /** The bytes lie in the cursor's window, which the next step overwrites: they are copied, once. */
  #keep(bytes: Uint8Array): void {
    this.#kept ??= new Uint8Array(Math.max(this.#maxBytes, bytes.length));
    this.#kept.set(bytes, this.#bytes);
    this.#bytes += bytes.length;
    if (this.#bytes >= this.#maxBytes) this.isFull = true;
  }
}
