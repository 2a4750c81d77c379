/**
 * The times at which a reader of a run must merge for the run's own sake: where rows were decided on, and several of an identity, or a
 * tombstone, are left. Noted as offsets from the first base that comes.
 */

import { IntervalSet, type TimeSpan } from './interval-set.js';
import { spansOf } from './memtable-source.js';

export class SeveralTimes {
  #base: bigint | null = null;
  readonly #severalAt = new IntervalSet();
  readonly #tombstonesAt = new IntervalSet();
  /** A time too far from the base to be noted as a number: everything counts as noted. */
  #isUnbounded = false;

  note(base: bigint, offset: number, hasTombstone: boolean): void {
    this.#base ??= base;
    const time = offset + Number(base - this.#base);
    if (!Number.isSafeInteger(time)) this.#isUnbounded = true;
    this.#severalAt.add(time, time);
    if (hasTombstone) this.#tombstonesAt.add(time, time);
  }

  spans(): TimeSpan[] {
    return this.#spansOf(this.#severalAt);
  }

  /** Of those with a tombstone. */
  tombstoneSpans(): TimeSpan[] {
    return this.#spansOf(this.#tombstonesAt);
  }

  #spansOf(times: IntervalSet): TimeSpan[] {
    if (times.length === 0) return [];
    if (this.#isUnbounded) return [{ min: -(2n ** 63n), max: 2n ** 63n - 1n }];
    return spansOf(times, this.#base!);
  }
}
