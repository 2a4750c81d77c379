/** A thread without a job for a while keeps no arrays for the next one: they may be as much as a memtable. */

import type { ArrayPool } from './array-pool.js';
import type { Timer, Timers } from './ports.js';

export class IdleClear {
  readonly #arrays: ArrayPool;
  readonly #keptMs: number;
  readonly #timers: Timers;
  #clearing: Timer | null = null;

  /** @param keptMs how long arrays are kept without a job, in milliseconds */
  constructor(arrays: ArrayPool, keptMs: number, timers: Timers) {
    this.#arrays = arrays;
    this.#keptMs = keptMs;
    this.#timers = timers;
  }

  /** There is a job. */
  began(): void {
    this.#clearing?.cancel();
    this.#clearing = null;
  }

  /** The last job has ended. */
  ended(): void {
    this.began();
    this.#clearing = this.#timers.after(this.#keptMs, () => this.#arrays.clear());
  }
}
