/**
 * What is remembered of a segment's records without reading it: where to begin reading for a sequence, and how many bytes of
 * gated kinds lie behind one (what is pending while the peer has not confirmed them).
 *
 * Entry points are sparse (one group start every 64 KiB); sizes are exact, 4 bytes a record, because a budget may be
 * smaller than the distance of two entry points.
 */

import assert from 'node:assert';

import type { RollingHash } from './position.js';

const ENTRY_DISTANCE_BYTES = 64 * 1024;
const SUM_DISTANCE_RECORDS = 256;

export interface EntryPoint {
  /** First record of the group. */
  readonly sequence: number;
  /** Of the group's header in the file. */
  readonly offsetBytes: number;
  /** Rolling hash before that record. */
  readonly hashBefore: RollingHash;
}

export class SegmentIndex {
  readonly firstSequence: number;
  readonly #entries: EntryPoint[] = [];
  /** Gated bytes of record firstSequence + i; 0 for kinds that are never held. */
  #gated = new Uint32Array(SUM_DISTANCE_RECORDS);
  /** Sum of all gated bytes before record i * SUM_DISTANCE_RECORDS. */
  readonly #sums: number[] = [];
  #count = 0;
  #gatedTotal = 0;
  #recordBytes = 0;

  constructor(firstSequence: number) {
    this.firstSequence = firstSequence;
  }

  get lastSequence(): number {
    return this.firstSequence + this.#count - 1;
  }

  /** All record bytes of the segment. */
  get recordBytes(): number {
    return this.#recordBytes;
  }

  addRecord(sizeBytes: number, isGated: boolean): void {
    if (this.#count === this.#gated.length) {
      const grown = new Uint32Array(this.#gated.length * 2);
      grown.set(this.#gated);
      this.#gated = grown;
    }
    if (this.#count % SUM_DISTANCE_RECORDS === 0) this.#sums.push(this.#gatedTotal);
    const gatedBytes = isGated ? sizeBytes : 0;
    this.#gated[this.#count] = gatedBytes;
    this.#count += 1;
    this.#gatedTotal += gatedBytes;
    this.#recordBytes += sizeBytes;
  }

  /** True when a group at this place would become an entry point: the last one is far enough away. */
  isEntryDue(offsetBytes: number): boolean {
    const last = this.#entries.at(-1);
    return last === undefined || offsetBytes - last.offsetBytes >= ENTRY_DISTANCE_BYTES;
  }

  /** A group stands in the file: an entry point if one is due. */
  addGroup(entry: EntryPoint): void {
    if (this.isEntryDue(entry.offsetBytes)) this.#entries.push(entry);
  }

  /** Gated bytes of the records above `sequence`. */
  gatedBytesAfter(sequence: number): number {
    const before = Math.min(Math.max(sequence - this.firstSequence + 1, 0), this.#count);
    if (before === this.#count) return 0;
    const block = Math.floor(before / SUM_DISTANCE_RECORDS);
    let sum = this.#sums[block] as number;
    for (let index = block * SUM_DISTANCE_RECORDS; index < before; index += 1) {
      sum += this.#gated[index] as number;
    }
    return this.#gatedTotal - sum;
  }

  /** The last entry point at or before `sequence`. Requires: a durable record of this segment. */
  entryFor(sequence: number): EntryPoint {
    let low = 0;
    let high = this.#entries.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.#entries[middle] as EntryPoint).sequence <= sequence) low = middle;
      else high = middle - 1;
    }
    const entry = this.#entries[low];
    assert(entry !== undefined && entry.sequence <= sequence, 'the record is in the file');
    return entry;
  }
}
