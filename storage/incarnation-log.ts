/**
 * One incarnation of an origin's journal as held on this node: its segments, its newest records, how far it is.
 *
 * Invariants: durable <= received; `segments` are consecutive (each begins where the one before ends) and every one but the last is
 * sealed; `pendingSeals` ascend and lie above received.
 */

import assert from 'node:assert';

import type { SealContent } from './commit-group.js';
import type { JournalSegment } from './journal-segment.js';
import {
  plainPosition,
  ZERO_HASH,
  type IncarnationId,
  type Position,
  type RollingHash,
} from './position.js';
import { RecordTail } from './record-tail.js';

export class IncarnationLog {
  readonly id: IncarnationId;
  readonly parent: Position | null;
  readonly openingVersion: number;
  readonly segments: JournalSegment[] = [];
  readonly tail = new RecordTail();
  /** Boundaries the origin announced before their last record came. */
  readonly pendingSeals: SealContent[] = [];
  received: Position;
  durable: Position;
  /** Number of the segment after the newest one. */
  nextNumber: number;
  /** Both nodes agree on its end: it takes no more. */
  isEnded = false;
  /** Where the last read from disk ended, so that the next one need not search. */
  readMark: ReadMark | null = null;

  /** `start` is the position before the first record held here. */
  constructor(
    id: IncarnationId,
    parent: Position | null,
    openingVersion: number,
    start: { readonly sequence: number; readonly hash: RollingHash; readonly number: number },
  ) {
    this.id = id;
    this.parent = parent;
    this.openingVersion = openingVersion;
    this.received = { incarnation: id, sequence: start.sequence, hash: start.hash };
    this.durable = this.received;
    this.nextNumber = start.number;
  }

  /** A log whose first record will be its opening record. */
  static begin(id: IncarnationId, parent: Position | null, openingVersion: number): IncarnationLog {
    const hash = parent?.hash ?? ZERO_HASH;
    return new IncarnationLog(id, parent, openingVersion, { sequence: 0, hash, number: 1 });
  }

  /** It takes no more, or hardly any: what is durable leaves memory. */
  shrink(): void {
    this.received = plainPosition(this.received);
    this.durable = plainPosition(this.durable);
    this.tail.shrink(this.durable.sequence);
  }

  /** First sequence that is still held. */
  get first(): number {
    return this.segments[0]?.firstSequence ?? this.received.sequence + 1;
  }

  /** The segment that takes the next record; undefined when a new one must be begun. */
  get openSegment(): JournalSegment | undefined {
    const last = this.segments.at(-1);
    return last === undefined || last.seal !== null ? undefined : last;
  }

  /** The segment with a record. Requires: first <= sequence <= received. */
  segmentOf(sequence: number): JournalSegment {
    let low = 0;
    let high = this.segments.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.segments[middle] as JournalSegment).firstSequence <= sequence) low = middle;
      else high = middle - 1;
    }
    const segment = this.segments[low];
    assert(segment !== undefined && sequence >= segment.firstSequence, 'the record is held');
    return segment;
  }
}

export interface ReadMark {
  readonly segment: JournalSegment;
  /** Of the group that holds record afterSequence + 1, or of the one before it. */
  readonly offsetBytes: number;
  readonly afterSequence: number;
  readonly hashAfter: RollingHash;
}
