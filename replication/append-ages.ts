/**
 * When the pending records were appended, in bounded memory.
 *
 * Only one question is asked: how old is the oldest record above a sequence? The answer may be too old, never too
 * young, because the span of the budget hangs on it. So a record may share the sample of an earlier one, and when the samples grow too
 * many every second one goes.
 *
 * Invariant: sequences and times of the samples ascend; a record's time is at or after that of the last sample at or below it.
 */

/** Samples held at most; at one a millisecond that is exact for the last four seconds. */
export const AGE_SAMPLES_MAX = 4096;

interface AgeSample {
  readonly sequence: number;
  readonly atMs: number;
}

export class AppendAges {
  #samples: AgeSample[] = [];
  /** Times up to here are forgotten: a peer that goes back behind it leaves records of unknown age. */
  #forgotten = 0;

  copyFrom(other: AppendAges): void {
    this.#samples = [...other.#samples];
    this.#forgotten = other.#forgotten;
  }

  /** Every record is added, also those that count no bytes: else one would inherit a much older one's age. */
  add(sequence: number, nowMs: number): void {
    const last = this.#samples.at(-1);
    if (last !== undefined && last.atMs === nowMs) return;
    this.#samples.push({ sequence, atMs: nowMs });
    if (this.#samples.length > AGE_SAMPLES_MAX) {
      this.#samples = this.#samples.filter((_, index) => index % 2 === 0);
    }
  }

  /** Everything up to `sequence` is confirmed: its samples go, but for the one that the next record may share. */
  confirm(sequence: number): void {
    const first = this.#indexFor(sequence + 1);
    if (first > 0) this.#samples.splice(0, first);
    if (sequence > this.#forgotten) this.#forgotten = sequence;
  }

  /** Milliseconds since the first record above `sequence` was appended, or more; Infinity when that is forgotten. */
  oldestAfter(sequence: number, nowMs: number): number {
    const sample = this.#samples[this.#indexFor(sequence + 1)];
    if (sequence < this.#forgotten || sample === undefined) return Infinity;
    return nowMs - sample.atMs;
  }

  /** Of the last sample at or below `sequence`; 0 when there is none. */
  #indexFor(sequence: number): number {
    let low = 0;
    let high = this.#samples.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.#samples[middle]!.sequence <= sequence) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
