/**
 * A typed array that grows at its end and never stops the event loop to do so.
 *
 * Doubling copies everything at once: 16 MiB of tag values take several milliseconds. So a large array makes its successor
 * when it is three quarters full, and every few thousand appended entries move some more of the old ones there; when it is full, the
 * successor has all but the last. Entries are contiguous at any time, and must not change once they are written: a vector that was
 * handed out keeps the old array, and what was moved is not moved again.
 */

type Appendable = Uint8Array | Uint32Array;

/** Arrays below this double in one step. */
const SMALL_BYTES = 256 * 1024;
/** Appended entries between two moves. */
const STEP_ENTRIES = 4096;
/**
 * Entries moved for each one appended. All of a full array, three quarters and what comes while moving, must have been moved when the
 * last quarter is used up: 4 would do if steps were infinitely small.
 */
const MOVED_PER_ENTRY = 5;

export class AppendArray<A extends Appendable> {
  /** Entries go to array[i] for i below the length that was reserved. Replaced by `reserve`. */
  array: A;
  readonly #create: (length: number) => A;
  #next: A | null = null;
  #moved = 0;
  /** Up to this length there is nothing to do. Invariant: <= array.length. */
  #calmLength: number;

  constructor(length: number, create: (length: number) => A) {
    this.#create = create;
    this.array = create(length);
    this.#calmLength = this.#firstStep();
  }

  /** Bytes held, the successor under way included. */
  get sizeBytes(): number {
    return this.array.byteLength + (this.#next?.byteLength ?? 0);
  }

  /** Makes room for `more` entries behind the `used` ones written so far; true when `array` is another one now. */
  reserve(used: number, more: number): boolean {
    if (used + more <= this.#calmLength) return false;
    return this.#prepare(used, used + more);
  }

  /** The entries are forgotten and others are written from 0 on. */
  restart(): void {
    this.#next = null;
    this.#moved = 0;
    this.#calmLength = this.#firstStep();
  }

  #prepare(used: number, needed: number): boolean {
    const { length, byteLength } = this.array;
    if (needed > length) {
      this.#move(used, used);
      let size = this.#next?.length ?? length * 2;
      while (size < needed) size *= 2;
      if (this.#next === null || size > this.#next.length) {
        this.#next = this.#create(size);
        this.#next.set(this.array.subarray(0, used));
      }
      this.array = this.#next;
      this.#next = null;
      this.#moved = 0;
      this.#calmLength = this.#firstStep();
      return true;
    }
    if (byteLength >= SMALL_BYTES) {
      this.#next ??= this.#create(length * 2);
      const appended = needed - this.#calmLength + STEP_ENTRIES;
      this.#move(used, this.#moved + appended * MOVED_PER_ENTRY);
      this.#calmLength = Math.min(length, needed + STEP_ENTRIES);
    }
    return false;
  }

  #move(used: number, to: number): void {
    const end = Math.min(used, to);
    if (this.#next === null || end <= this.#moved) return;
    this.#next.set(this.array.subarray(this.#moved, end), this.#moved);
    this.#moved = end;
  }

  #firstStep(): number {
    const { length, byteLength } = this.array;
    return byteLength < SMALL_BYTES ? length : length - length / 4;
  }
}
