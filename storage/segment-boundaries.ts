/**
 * Where a journal's segments begin and end: which one takes the next records, where that is decided here, what a segment is begun as, and
 * what the header of its file says.
 *
 * The origin decides; a copy is told (copy-seals.ts), and begins segments as it is told. Deciding is synchronous, because appending is: the
 * seal and the new file are the writer's to make, in the order in which they were decided.
 */

import assert from 'node:assert';

import type { SealContent } from './commit-group.js';
import type { IncarnationLog } from './incarnation-log.js';
import { JournalSegment } from './journal-segment.js';
import type { Random } from './ports.js';
import type { NodeId } from './position.js';
import { INCARNATION_BYTES } from './record-bodies.js';
import type { SegmentEnd, SegmentHeader } from './segment.js';

export interface SegmentBoundariesDeps {
  readonly random: Random;
  /** The journal's, oldest first. */
  readonly logs: readonly IncarnationLog[];
  /** The segment was sealed in memory: its seal is to be written behind its records. */
  readonly onSealed: (log: IncarnationLog, segment: JournalSegment, seal: SealContent) => void;
}

export interface SegmentBoundariesOptions {
  readonly folder: string;
  readonly origin: NodeId;
  readonly segmentBytes: number;
}

export class SegmentBoundaries {
  readonly #deps: SegmentBoundariesDeps;
  readonly #options: SegmentBoundariesOptions;
  #versionMark: number;

  /** `versionMark`: no version above it had been stamped when the journal was opened. */
  constructor(deps: SegmentBoundariesDeps, options: SegmentBoundariesOptions, versionMark: number) {
    this.#deps = deps;
    this.#options = options;
    this.#versionMark = versionMark;
  }

  /** The synced version mark: it goes into the header of every segment from now on. */
  setVersionMark(mark: number): void {
    this.#versionMark = Math.max(this.#versionMark, mark);
  }

  /** The open segment if the records fit, else a new one behind it. */
  withRoom(log: IncarnationLog, recordBytes: readonly number[]): JournalSegment {
    const open = log.openSegment;
    if (open === undefined) return this.begin(log);
    if (open.hasRoomFor(recordBytes)) return open;
    assert(open.lastSequence >= open.firstSequence, 'records that go together fit into a segment');
    this.seal(log, open);
    return this.begin(log);
  }

  /** A new segment behind all others of the incarnation, empty; its file is made when its first record is written. */
  begin(log: IncarnationLog): JournalSegment {
    const nonce = new Uint8Array(INCARNATION_BYTES);
    this.#deps.random.fill(nonce);
    const { folder, origin, segmentBytes } = this.#options;
    const identity = {
      origin,
      incarnation: log.id,
      number: log.nextNumber,
      nonce: Buffer.from(nonce).toString('hex'),
      firstSequence: log.received.sequence + 1,
      previousHash: log.received.hash,
    };
    const segment = new JournalSegment(folder, identity, {
      capacityBytes: segmentBytes,
      isOnDisk: false,
      hasDigest: true,
    });
    log.segments.push(segment);
    log.nextNumber += 1;
    return segment;
  }

  /** The segment ends with its newest record. */
  seal(log: IncarnationLog, segment: JournalSegment): void {
    const content: SealContent = {
      number: segment.identity.number,
      firstSequence: segment.firstSequence,
      lastSequence: segment.lastSequence,
      digest: segment.digest?.value() ?? null,
    };
    segment.sealWith(content);
    this.#deps.onSealed(log, segment, content);
  }

  /** For a file that is made now. */
  headerOf(log: IncarnationLog, segment: JournalSegment): SegmentHeader {
    return {
      ...segment.identity,
      versionMark: this.#versionMark,
      openingVersion: log.openingVersion,
      parent: log.parent,
      predecessor: this.#predecessorOf(log, segment),
    };
  }

  /** The segment before this one in the folder, with what is durable of it. */
  #predecessorOf(log: IncarnationLog, segment: JournalSegment): SegmentEnd | null {
    const { logs } = this.#deps;
    let before = log.segments[log.segments.indexOf(segment) - 1];
    let owner = log;
    for (let place = logs.indexOf(log) - 1; before === undefined && place >= 0; place -= 1) {
      owner = logs[place] as IncarnationLog;
      before = owner.segments.at(-1);
    }
    if (before?.isOnDisk !== true) return null;
    const lastSequence = Math.min(before.lastSequence, owner.durable.sequence);
    return { incarnation: owner.id, number: before.identity.number, lastSequence };
  }
}
