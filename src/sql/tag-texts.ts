/**
 * How the tags of known tuples were written: handle -> the bytes from the first tag cell up to and with the comma behind the last.
 *
 *   ('host_1','eu-west-1','b12', '2026-01-01 00:00:00',3,4)
 *    \________ kept _________/
 *
 * Rows come in the same series order again and again, so the tuple of the next row is nearly always known before the row is read. When
 * its text is what stands there, the tags are read by comparing bytes, eight at a time: no quote is looked for, nothing is copied, nothing
 * hashed.
 *
 * The text means the same only for the same columns in the same order, with the same types and lexical rules. So these are
 * kept with it, and a few such layouts for each tuple memory. Handles belong to a tuple memory, and so it is all forgotten with it.
 */

import { isDeepStrictEqual } from 'node:util';
import type { SqlType } from '../catalog/sql-type.js';
import { claimSlot, keepSlot, newOwner, type TextSlot } from './text-slots.js';

/** Texts beyond this are forgotten, all at once. */
const TEXT_BYTES_MAX = 8 * 1024 * 1024;
const LAYOUTS_MAX = 4;
/** Shorter texts are not kept: eight bytes are compared at a time. */
const TEXT_BYTES_MIN = 8;

/** What the meaning of a tag's text depends on. */
export interface TagPlace {
  readonly column: number;
  readonly type: SqlType;
  readonly nullable: boolean;
}

export interface TagLayout {
  readonly tags: readonly TagPlace[];
  readonly ansiQuotes: boolean;
  readonly noBackslashEscapes: boolean;
}

/** By tuple memory. */
const kept = new WeakMap<object, TagTexts[]>();

export class TagTexts {
  readonly #layout: TagLayout;
  #bytes = new Uint8Array(4096);
  #view = new DataView(this.#bytes.buffer);
  #used = 0;
  /** By handle; a length of 0 = unknown. */
  #starts = new Uint32Array(64);
  #lengths = new Uint32Array(64);
  /** The kernel's copy, as long as the slot is ours. */
  #slot: TextSlot | null = null;
  readonly #owner = newOwner();
  /** Bytes of the texts that were compared here since the kernel had them. */
  #comparedBytes = 0;

  private constructor(layout: TagLayout) {
    this.#layout = layout;
  }

  /** The texts of `tuples` for rows of this layout. */
  static of(tuples: object, layout: TagLayout): TagTexts {
    let ofTuples = kept.get(tuples);
    if (ofTuples === undefined) {
      ofTuples = [];
      kept.set(tuples, ofTuples);
    }
    const index = ofTuples.findIndex((texts) => isSame(texts.#layout, layout));
    const texts = ofTuples[index] ?? new TagTexts(layout);
    if (index >= 0) ofTuples.splice(index, 1);
    else if (ofTuples.length === LAYOUTS_MAX) ofTuples.shift();
    ofTuples.push(texts);
    return texts;
  }

  /** Offset behind the tuple's text if that is what stands at `start` in `chunk`, which ends at `end`; else -1. */
  match(handle: number, chunk: DataView, start: number, end: number): number {
    if (handle >= this.#lengths.length) return -1;
    const length = this.#lengths[handle]!;
    const behind = start + length;
    if (length === 0 || behind > end) return -1;
    const view = this.#view;
    const last = behind - TEXT_BYTES_MIN;
    let at = start;
    let from = this.#starts[handle]!;
    // The last step overlaps the one before it.
    const lastFrom = from + length - TEXT_BYTES_MIN;
    for (; at < last; at += TEXT_BYTES_MIN, from += TEXT_BYTES_MIN) {
      if (chunk.getInt32(at, true) !== view.getInt32(from, true)) return -1;
      if (chunk.getInt32(at + 4, true) !== view.getInt32(from + 4, true)) return -1;
    }
    const isLastEqual =
      chunk.getInt32(last, true) === view.getInt32(lastFrom, true) &&
      chunk.getInt32(last + 4, true) === view.getInt32(lastFrom + 4, true);
    if (!isLastEqual) return -1;
    this.#comparedBytes += length;
    return behind;
  }

  /**
   * The texts as the kernel has them, those that it has room for; good until other texts are asked for theirs. Null = it has those of others,
   * and copying ours in their place would be more than what was compared without: tables that take turns would copy them for a few rows each.
   */
  slot(): TextSlot | null {
    const known = this.#ownSlot;
    if (known !== null) {
      keepSlot(known);
    } else {
      this.#slot = claimSlot(this.#owner, this.#comparedBytes > this.#used);
      this.#slot?.load(this.#bytes, this.#used, this.#starts, this.#lengths);
    }
    if (this.#slot !== null) this.#comparedBytes = 0;
    return this.#slot;
  }

  get #ownSlot(): TextSlot | null {
    return this.#slot?.owner === this.#owner ? this.#slot : null;
  }

  /** buf[start..end) is how the tuple was written last. */
  learn(handle: number, buf: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (handle >= this.#lengths.length) this.#growHandles(handle);
    const isRoomy = length >= TEXT_BYTES_MIN && this.#lengths[handle]! >= length;
    if (!isRoomy && !this.#makeRoom(length)) return;
    let to = isRoomy ? this.#starts[handle]! : this.#used;
    this.#starts[handle] = to;
    this.#lengths[handle] = length;
    if (!isRoomy) this.#used += length;
    this.#ownSlot?.put(handle, buf, start, to, length);
    const bytes = this.#bytes;
    for (let from = start; from < end; from += 1, to += 1) bytes[to] = buf[from]!;
  }

  /** False for a text that is too long, or too short, to be kept. */
  #makeRoom(length: number): boolean {
    if (length > TEXT_BYTES_MAX || length < TEXT_BYTES_MIN) return false;
    if (this.#used + length > TEXT_BYTES_MAX) {
      this.#lengths.fill(0);
      this.#ownSlot?.clear();
      this.#used = 0;
    }
    if (this.#used + length > this.#bytes.length) {
      let size = this.#bytes.length * 2;
      while (size < this.#used + length) size *= 2;
      const bytes = new Uint8Array(size);
      bytes.set(this.#bytes);
      this.#bytes = bytes;
      this.#view = new DataView(bytes.buffer);
    }
    return true;
  }

  #growHandles(handle: number): void {
    let size = this.#lengths.length * 2;
    while (size <= handle) size *= 2;
    const starts = new Uint32Array(size);
    starts.set(this.#starts);
    this.#starts = starts;
    const lengths = new Uint32Array(size);
    lengths.set(this.#lengths);
    this.#lengths = lengths;
  }
}

function isSame(a: TagLayout, b: TagLayout): boolean {
  return (
    a.ansiQuotes === b.ansiQuotes &&
    a.noBackslashEscapes === b.noBackslashEscapes &&
    a.tags.length === b.tags.length &&
    a.tags.every((tag, index) => {
      const other = b.tags[index]!;
      return (
        tag.column === other.column &&
        tag.nullable === other.nullable &&
        isSameType(tag.type, other.type)
      );
    })
  );
}

function isSameType(a: SqlType, b: SqlType): boolean {
  return a === b || (a.kind === b.kind && isDeepStrictEqual(a, b));
}
