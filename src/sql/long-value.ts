/** A literal of any length that is resolved as its bytes arrive. Whoever feeds it knows where its cell ends. */
export interface LongValue {
  /** What has been resolved and not been taken: the first `length`. Another array after the next `add`. */
  readonly bytes: Uint8Array;
  readonly length: number;
  /** All of a literal has come, and since then nothing but blanks. */
  readonly isWhole: boolean;
  /** Something came that does not belong to such a literal. */
  readonly isRefused: boolean;
  /** Reads on, and returns the index of the first byte that does not belong to such a literal; `end` when there is none. */
  add(buf: Uint8Array, start: number, end: number): number;
  /** The first `count` bytes were taken. */
  drop(count: number): void;
  /** Lets go of what a large one took. */
  close(): void;
}
