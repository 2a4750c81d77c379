/**
 * The state of the tables as it is now: replaced as a whole with each change, so that whoever reads it has all of a change or none.
 *
 * One small write at a time may be put off: it counts as applied and is not in the state yet. Whoever looks at the state has it applied
 * first, and so nobody can tell; who waits for the answer to that write need not wait for this as well.
 */

import type { StoreState } from './store-state.js';

/** A write that counts as applied and is not in the state yet. */
interface LateWrite {
  readonly version: number;
  readonly body: Uint8Array;
}

export class LiveState {
  readonly #apply: (version: number, body: Uint8Array) => void;
  #settled: StoreState;
  #late: LateWrite | null = null;
  /** What went wrong with a late write: the state lacks some of it. */
  #fault: Error | null = null;

  /** `apply` puts a write into the active generation. */
  constructor(initial: StoreState, apply: (version: number, body: Uint8Array) => void) {
    this.#settled = initial;
    this.#apply = apply;
  }

  /** Whoever looks at it sees everything applied so far. Throws what went wrong with a late write, again and again. */
  get current(): StoreState {
    if (this.#late !== null) this.settle();
    if (this.#fault !== null) throw this.#fault;
    return this.#settled;
  }

  /** Without what is put off: for what rows don't change. */
  get settled(): StoreState {
    return this.#settled;
  }

  replace(change: Partial<Omit<StoreState, 'number'>>): void {
    const state = this.current;
    this.#settled = { ...state, ...change, number: state.number + 1 };
  }

  /** Applies this write when someone looks, or `settle` is called. The body must stay as it is. */
  applyLater(version: number, body: Uint8Array): void {
    this.settle();
    this.#late = { version, body };
  }

  /** Applies what was put off. */
  settle(): void {
    const late = this.#late;
    if (late === null) return;
    this.#late = null;
    try {
      this.#apply(late.version, late.body);
    } catch (error) {
      this.#fault = error instanceof Error ? error : new Error(String(error));
    }
    if (this.#fault !== null) throw this.#fault;
  }
}
