/**
 * Parts of multi-part writes that wait for their commit, of one incarnation.
 *
 * A write larger than one record is shipped in parts at once and takes effect at its commit record, so the parts are
 * kept in memory (together at most half of `memtable_bytes` a write, refused at the origin beyond that). Parts of several
 * writes may interleave; each names its first part's sequence, which is the write's name.
 *
 * part body   := u64 first part's sequence (0 in the first part itself), sections
 * commit body := u64 first part's sequence, u32 part count
 * abort body  := u64 first part's sequence
 */

import assert from 'node:assert';
import type { RecordView } from './record.js';

const PART_PREFIX_BYTES = 8;

export class MultiPartStash {
  /** Bodies without their prefix, by the first part's sequence. Insertion order is sequence order. */
  readonly #writes = new Map<number, Uint8Array[]>();

  /** Sequence of the oldest open write's first part: replay must start there. Null when none is open. */
  get firstPartSequence(): number | null {
    const first = this.#writes.keys().next();
    return first.done === true ? null : first.value;
  }

  add(record: RecordView): void {
    const named = readUint64(record.body, 0);
    const first = named === 0 ? record.sequence : named;
    // The body is copied: it may lie in a buffer that a reader reuses.
    const sections = record.body.slice(PART_PREFIX_BYTES);
    const parts = this.#writes.get(first);
    if (parts === undefined) this.#writes.set(first, [sections]);
    else parts.push(sections);
  }

  /** The same as `take`, and they stay. Empty while they are not all here. */
  partsOf(commit: RecordView): readonly Uint8Array[] {
    return this.#writes.get(readUint64(commit.body, 0)) ?? [];
  }

  /** The parts of the write that `commit` ends, in order. */
  take(commit: RecordView): readonly Uint8Array[] {
    const first = readUint64(commit.body, 0);
    const count = new DataView(commit.body.buffer, commit.body.byteOffset).getUint32(8, true);
    const parts = this.#writes.get(first) ?? [];
    assert(parts.length === count, `commit ${commit.sequence} finds all its parts`);
    this.#writes.delete(first);
    return parts;
  }

  /** Forgets the write that this commit or abort record ends. */
  drop(end: RecordView): void {
    this.#writes.delete(readUint64(end.body, 0));
  }

  dropAll(): void {
    this.#writes.clear();
  }
}

function readUint64(bytes: Uint8Array, offset: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return view.getUint32(offset, true) + view.getUint32(offset + 4, true) * 2 ** 32;
}
