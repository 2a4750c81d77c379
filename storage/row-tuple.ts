/**
 * The tags of the row under construction: cells in any order, which become its tuple (tag-tuple.ts), or the handle of a tuple instead of them.
 *
 * The tuple that the row is likely to have is tried first: while each cell is equal to that one's, nothing is copied or hashed.
 */

import assert from 'node:assert';
import type { BatchTuples } from './batch-tuples.js';
import { TagTupleWriter } from './tag-tuple.js';
import { NO_TUPLE } from './tuple-handle.js';

/** Instead of an offset. */
const GuessAt = { start: -1, none: -2 } as const;

export class RowTuple {
  readonly #tagCount: number;
  /** Of the rows that ended. */
  readonly #tuples: BatchTuples;
  /** The tuple when it was named by its handle, else NO_TUPLE. */
  #named = NO_TUPLE;
  /** Where the guess's next cell starts, while all cells were equal to the guess's. */
  #guessAt: number = GuessAt.start;
  #guess = NO_TUPLE;
  /** What the guess's bytes lie in, and where they begin. */
  #guessBytes: Uint8Array = new Uint8Array(0);
  #guessStart = 0;
  /** The tuple, complete up to tag `#nextTag` when no guess is followed. */
  readonly #tuple = new TagTupleWriter();
  #nextTag = 0;
  /** Cells that came before their turn, each as a tuple of one. Null until that happens. */
  #early: (TagTupleWriter | null)[] | null = null;

  constructor(tagCount: number, tuples: BatchTuples) {
    this.#tagCount = tagCount;
    this.#tuples = tuples;
  }

  /** All tags at once: a handle in the memory of `tuples`, or the one that was likely. */
  name(handle: number): void {
    this.#named = handle;
  }

  /** Where the cell of a tag is to be written, before any other call: the tuple itself when it is this tag's turn, else a place to wait. */
  cell(tag: number): TagTupleWriter {
    this.#giveUpGuess();
    if (tag === this.#nextTag) {
      this.#nextTag++;
      return this.#tuple;
    }
    this.#early ??= Array.from({ length: this.#tagCount }, () => null);
    const early = (this.#early[tag] ??= new TagTupleWriter());
    early.clear();
    return early;
  }

  /** The cell of a tag is source[start..end). */
  bytesCell(tag: number, source: Uint8Array, start: number, end: number): void {
    if (tag === this.#nextTag && this.#isGuessed(source, start, end)) return;
    this.cell(tag).bytesCell(source, start, end);
  }

  /** The row has all its tags: the handle of its tuple. The next row begins. */
  end(): number {
    const named = this.#named;
    if (named === NO_TUPLE) return this.#find();
    this.#named = NO_TUPLE;
    return named;
  }

  /** Forgets the cells of the row. */
  clear(): void {
    this.#named = NO_TUPLE;
    this.#guessAt = GuessAt.start;
    this.#tuple.clear();
    this.#nextTag = 0;
    for (const early of this.#early ?? []) early?.clear();
  }

  #find(): number {
    let handle = this.#guess;
    if (this.#guessAt < 0 || this.#nextTag < this.#tagCount) {
      this.#giveUpGuess();
      this.#appendEarly();
      handle = this.#tuples.handleOf(this.#tuple);
      this.#tuple.clear();
    }
    this.#nextTag = 0;
    this.#guessAt = GuessAt.start;
    return handle;
  }

  /** Compares the next cell with the guess's, and takes it when it is equal. */
  #isGuessed(source: Uint8Array, start: number, end: number): boolean {
    if (this.#guessAt === GuessAt.start) this.#beginGuess();
    const at = this.#guessAt;
    const length = end - start;
    // A longer cell has a longer length field: not worth guessing.
    if (at < 0 || length >= 0x7f) return false;
    const bytes = this.#guessBytes;
    if (bytes[at] !== length + 1) return false;
    for (let from = start, to = at + 1; from < end; from++, to++) {
      if (source[from] !== bytes[to]) return false;
    }
    this.#guessAt = at + length + 1;
    this.#nextTag++;
    return true;
  }

  #beginGuess(): void {
    const tuples = this.#tuples;
    const guess = tuples.likely;
    this.#guess = guess;
    if (guess === NO_TUPLE) {
      this.#guessAt = GuessAt.none;
      return;
    }
    this.#guessBytes = tuples.bytesOf(guess);
    this.#guessStart = tuples.startOf(guess);
    this.#guessAt = this.#guessStart;
  }

  /** The cells that were equal become the tuple's own. */
  #giveUpGuess(): void {
    if (this.#guessAt >= 0) {
      this.#tuple.rawCell(this.#guessBytes, this.#guessStart, this.#guessAt);
    }
    this.#guessAt = GuessAt.none;
  }

  #appendEarly(): void {
    for (; this.#nextTag < this.#tagCount; this.#nextTag++) {
      const early = this.#early?.[this.#nextTag] ?? null;
      assert(early !== null && early.length > 0, 'every tag of a row is set');
      this.#tuple.rawCell(early.bytes, 0, early.length);
      early.clear();
    }
  }
}
