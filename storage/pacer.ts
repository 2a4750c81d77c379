/**
 * Keeps long work off the event loop's back without a clock: work is counted in units of roughly ten nanoseconds (a value copied
 * or compared), and after a budget of them (about 0.5 ms) the loop gets a turn.
 */

import type { Timers } from './ports.js';

const UNITS_PER_TURN = 50_000;
/** For a thread of its own, where turns are for other jobs and to hear of a stop: about 5 ms. */
export const UNITS_PER_TURN_OF_THREAD = 500_000;

export class Pacer {
  readonly #timers: Timers;
  readonly #unitsPerTurn: number;
  #spent = 0;

  constructor(timers: Timers, unitsPerTurn = UNITS_PER_TURN) {
    this.#timers = timers;
    this.#unitsPerTurn = unitsPerTurn;
  }

  /** Counts work done; true = call `turn()` before going on. */
  spend(units: number): boolean {
    this.#spent += units;
    return this.#spent >= this.#unitsPerTurn;
  }

  async turn(): Promise<void> {
    this.#spent = 0;
    await this.#timers.yieldTurn();
  }
}
