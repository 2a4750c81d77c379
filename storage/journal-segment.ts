/**
 * A segment as the running journal knows it: its identity, how far it is planned and written, and what is in it.
 *
 * Appends are synchronous and must know at once whether a record still fits, but how records are grouped is only known when
 * they are written. So room is planned as if every queued record were a group alone, which is the most it can take;
 * forming a group replaces the plan by the truth.
 */

import assert from 'node:assert';

import {
  SEAL_GROUP_BYTES,
  groupBytesOf,
  groupSeedOf,
  type GroupSeed,
  type SealContent,
} from './commit-group.js';
import type { DiskFile } from './ports.js';
import type { IncarnationId, RollingHash } from './position.js';
import { SegmentDigest } from './segment-digest.js';
import { SegmentIndex } from './segment-index.js';
import { SEGMENT_HEADER_BYTES, segmentFileName } from './segment.js';

/** Everything that identifies a segment; the rest of its header is filled in when its file is made. */
export interface SegmentIdentity {
  readonly origin: number;
  readonly incarnation: IncarnationId;
  readonly number: number;
  readonly nonce: string;
  readonly firstSequence: number;
  readonly previousHash: RollingHash;
}

export class JournalSegment {
  readonly identity: SegmentIdentity;
  readonly seed: GroupSeed;
  readonly path: string;
  readonly index: SegmentIndex;
  /** Null once sealed, and for segments whose digest is no longer wanted. */
  digest: SegmentDigest | null;
  /** Boundary decided: no record is appended any more. */
  seal: SealContent | null = null;
  /** Invariant: only with `seal`; then everything in the segment is on stable storage. */
  isSealDurable = false;
  /** Open for writing; null before the file exists and after the seal is written. */
  file: DiskFile | null = null;
  /** The file has its segment name. */
  isOnDisk: boolean;
  /** End of the last group formed: where the next one goes. */
  writtenBytes = SEGMENT_HEADER_BYTES;
  /** Size of the file. */
  capacityBytes: number;
  /** Reads under way: the file must not be recycled under them. */
  readerCount = 0;
  #queuedBytesMost = 0;

  constructor(
    folder: string,
    identity: SegmentIdentity,
    state: {
      readonly capacityBytes: number;
      readonly isOnDisk: boolean;
      readonly hasDigest: boolean;
    },
  ) {
    this.identity = identity;
    this.seed = groupSeedOf(identity);
    this.path = `${folder}/${segmentFileName(identity.incarnation, identity.number)}`;
    this.index = new SegmentIndex(identity.firstSequence);
    this.digest = state.hasDigest ? new SegmentDigest() : null;
    this.capacityBytes = state.capacityBytes;
    this.isOnDisk = state.isOnDisk;
  }

  get firstSequence(): number {
    return this.identity.firstSequence;
  }

  /** Of the newest record appended; firstSequence - 1 when there is none. */
  get lastSequence(): number {
    return this.index.lastSequence;
  }

  /** Bytes that records may still take, each in a group of its own; the seal's sector is kept free. */
  get roomBytes(): number {
    return this.capacityBytes - SEAL_GROUP_BYTES - this.writtenBytes - this.#queuedBytesMost;
  }

  /** True when records of these sizes fit, however they are grouped. */
  hasRoomFor(recordBytes: readonly number[]): boolean {
    let bytes = 0;
    for (const size of recordBytes) bytes += groupBytesOf(size);
    return bytes <= this.roomBytes;
  }

  /** A record was appended in memory. */
  queued(recordBytes: number, isGated: boolean): void {
    this.index.addRecord(recordBytes, isGated);
    this.#queuedBytesMost += groupBytesOf(recordBytes);
  }

  /** Queued records became a group, planned at `plannedBytes`, of `groupBytes` in the file. */
  grouped(plannedBytes: number, groupBytes: number): void {
    this.#queuedBytesMost -= plannedBytes;
    this.writtenBytes += groupBytes;
    assert(this.#queuedBytesMost >= 0, 'a group holds only queued records');
  }

  /** Decides the boundary: the segment ends with its newest record. */
  sealWith(seal: SealContent): void {
    assert(this.seal === null, 'a segment is sealed once');
    assert(seal.lastSequence === this.lastSequence, 'a segment is sealed at its newest record');
    this.seal = seal;
    this.digest = null;
  }
}
