/**
 * A set of closed intervals of numbers, kept to at most INTERVALS_MAX by joining the nearest ones: it may cover more than was added,
 * never less. Used for the times at which a row may meet an older one of its identity.
 */

const INTERVALS_MAX = 32;

export class IntervalSet {
  /** Sorted and disjoint. */
  readonly #mins: number[] = [];
  readonly #maxs: number[] = [];
  #last = 0;

  get length(): number {
    return this.#mins.length;
  }

  min(index: number): number {
    return this.#mins[index]!;
  }

  max(index: number): number {
    return this.#maxs[index]!;
  }

  add(min: number, max: number): void {
    const mins = this.#mins;
    const maxs = this.#maxs;
    // Disorder comes in bursts: the interval that took the last one often has this one too.
    if (this.#last < mins.length && min >= mins[this.#last]! && max <= maxs[this.#last]!) return;
    let from = 0;
    while (from < mins.length && maxs[from]! < min) from++;
    let to = from;
    let joinedMin = min;
    let joinedMax = max;
    while (to < mins.length && mins[to]! <= max) {
      joinedMin = Math.min(joinedMin, mins[to]!);
      joinedMax = Math.max(joinedMax, maxs[to]!);
      to++;
    }
    mins.splice(from, to - from, joinedMin);
    maxs.splice(from, to - from, joinedMax);
    this.#last = from;
    if (mins.length > INTERVALS_MAX) this.#joinNearest();
  }

  addAll(other: IntervalSet): void {
    for (let index = 0; index < other.length; index++) this.add(other.min(index), other.max(index));
  }

  #joinNearest(): void {
    let nearest = 0;
    let gap = Infinity;
    for (let index = 0; index + 1 < this.#mins.length; index++) {
      const between = this.#mins[index + 1]! - this.#maxs[index]!;
      if (between < gap) {
        gap = between;
        nearest = index;
      }
    }
    this.#maxs[nearest] = this.#maxs[nearest + 1]!;
    this.#mins.splice(nearest + 1, 1);
    this.#maxs.splice(nearest + 1, 1);
    this.#last = nearest;
  }
}

/** A span of instants in a time column's units, both ends included. */
export interface TimeSpan {
  readonly min: bigint;
  readonly max: bigint;
}

/** Sorted and disjoint; spans that touch are joined. */
export function joinSpans(spans: readonly TimeSpan[]): TimeSpan[] {
  const sorted = [...spans].sort((a, b) => (a.min < b.min ? -1 : a.min > b.min ? 1 : 0));
  const joined: { min: bigint; max: bigint }[] = [];
  for (const span of sorted) {
    const last = joined.at(-1);
    if (last !== undefined && span.min <= last.max + 1n) {
      if (span.max > last.max) last.max = span.max;
    } else {
      joined.push({ min: span.min, max: span.max });
    }
  }
  return joined;
}
