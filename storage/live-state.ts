/**
 * The state of the tables as it is now: replaced as a whole with each change, so that whoever reads it has all of a change or none.
 *
 * A few small writes at a time may be put off: they count as applied and are not in the state yet. Whoever looks at the state has them
 * applied first, in order, and so nobody can tell; who waits for the answer to such a write need not wait for this as well, and one after
 * another they cost less than each between other things.
 */

import type { StoreState } from './store-state.js';

/** What is put off at most: to apply it takes a fraction of a millisecond. A single write may have as much. */
const LATE_WRITES_MAX = 64;
const LATE_ROWS_MAX = 1_000;
const LATE_BYTES_MAX = 64 * 1024;
/** So many are worth a stretch of their own. */
const LATE_WRITES_DUE = LATE_WRITES_MAX / 2;

/** A write that counts as applied and is not in the state yet. */
interface LateWrite {
  readonly version: number;
  readonly body: Uint8Array;
}

export class LiveState {
  readonly #apply: (version: number, body: Uint8Array) => void;
  #settled: StoreState;
  /** In the order in which they came. */
  #late: LateWrite[] = [];
  #lateRows = 0;
  #lateBytes = 0;
  /** What went wrong with a late write: the state lacks some of it. */
  #fault: Error | null = null;

  /** `apply` puts a write into the active generation. */
  constructor(initial: StoreState, apply: (version: number, body: Uint8Array) => void) {
    this.#settled = initial;
    this.#apply = apply;
  }

  /** Whoever looks at it sees everything applied so far. Throws what went wrong with a late write, again and again. */
  get current(): StoreState {
    if (this.#late.length > 0) this.settle();
    if (this.#fault !== null) throw this.#fault;
    return this.#settled;
  }

  /** Without what is put off: for what rows don't change. */
  get settled(): StoreState {
    return this.#settled;
  }

  /** Rows that are put off. */
  get lateRows(): number {
    return this.#lateRows;
  }

  /** Enough is put off for a stretch of its own. */
  get isSettlingDue(): boolean {
    return this.#late.length >= LATE_WRITES_DUE;
  }

  replace(change: Partial<Omit<StoreState, 'number'>>): void {
    const state = this.current;
    this.#settled = { ...state, ...change, number: state.number + 1 };
  }

  /** Applies this write when someone looks, or `settle` is called, or too much is put off. The body must stay as it is. */
  applyLater(version: number, body: Uint8Array, rows: number): void {
    const isFull =
      this.#late.length === LATE_WRITES_MAX ||
      this.#lateRows + rows > LATE_ROWS_MAX ||
      this.#lateBytes + body.length > LATE_BYTES_MAX;
    if (isFull) this.settle();
    if (this.#fault !== null) throw this.#fault;
    this.#late.push({ version, body });
    this.#lateRows += rows;
    this.#lateBytes += body.length;
  }

  /** Applies what was put off. */
  settle(): void {
    if (this.#late.length === 0) return;
    const late = this.#late;
    this.#late = [];
    this.#lateRows = 0;
    this.#lateBytes = 0;
    try {
      for (const { version, body } of late) this.#apply(version, body);
    } catch (error) {
      this.#fault = error instanceof Error ? error : new Error(String(error));
      throw this.#fault;
    }
  }
}
