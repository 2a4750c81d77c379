/**
 * A set of closed intervals of numbers, kept to at most INTERVALS_MAX by joining the nearest ones: it may cover more than was added,
 * never less. Used for the times at which a row may meet an older one of its identity.
 *
 * Rows that are written again add one interval a row. So some more are taken before the nearest are joined, all of them at once, and a gap
 * no larger than one that was closed is closed at once behind the newest interval.
 */

const INTERVALS_MAX = 32;
const INTERVALS_HELD_MAX = 128;

/** Of a set's first arrays: most sets stay empty. */
const FIRST_CAPACITY = 8;
const NONE = new Float64Array(0);

export class IntervalSet {
  /** Sorted and disjoint, the first #held of each. Arrays of doubles, whatever the numbers are: compiled code relies on one kind. */
  #mins = NONE;
  #maxs = NONE;
  #held = 0;
  #last = 0;
  /** The widest gap that was closed. */
  #closedGap = 0;

  get length(): number {
    if (this.#held > INTERVALS_MAX) this.#joinNearest();
    return this.#held;
  }

  /** Requires: `index` below `length`, which was asked for since the last `add`. */
  min(index: number): number {
    return this.#mins[index]!;
  }

  max(index: number): number {
    return this.#maxs[index]!;
  }

  add(min: number, max: number): void {
    const mins = this.#mins;
    const maxs = this.#maxs;
    const held = this.#held;
    // Disorder comes in bursts: the interval that took the last one often has this one too, or ends right before it.
    const last = this.#last;
    if (last < held && min >= mins[last]! && min - maxs[last]! <= this.#closedGap) {
      if (max <= maxs[last]!) return;
      if (last + 1 === held || max < mins[last + 1]!) {
        maxs[last] = max;
        return;
      }
    }
    if (held === 0 || min > maxs[held - 1]!) this.#replace(held, held, min, max);
    else this.#insert(min, max);
    if (this.#held > INTERVALS_HELD_MAX) this.#joinNearest();
  }

  addAll(other: IntervalSet): void {
    for (let index = 0; index < other.length; index++) this.add(other.min(index), other.max(index));
  }

  #insert(min: number, max: number): void {
    const mins = this.#mins;
    const maxs = this.#maxs;
    const from = this.#firstReaching(min);
    let to = from;
    let joinedMin = min;
    let joinedMax = max;
    while (to < this.#held && mins[to]! <= max) {
      joinedMin = Math.min(joinedMin, mins[to]!);
      joinedMax = Math.max(joinedMax, maxs[to]!);
      to++;
    }
    this.#replace(from, to, joinedMin, joinedMax);
  }

  /** One interval in place of from..to-1. */
  #replace(from: number, to: number, min: number, max: number): void {
    const held = this.#held - (to - from) + 1;
    if (held > this.#mins.length) this.#grow();
    if (to !== from + 1) {
      this.#mins.copyWithin(from + 1, to, this.#held);
      this.#maxs.copyWithin(from + 1, to, this.#held);
    }
    this.#mins[from] = min;
    this.#maxs[from] = max;
    this.#held = held;
    this.#last = from;
  }

  #grow(): void {
    const capacity = Math.max(FIRST_CAPACITY, 2 * this.#mins.length);
    const mins = new Float64Array(capacity);
    const maxs = new Float64Array(capacity);
    mins.set(this.#mins);
    maxs.set(this.#maxs);
    this.#mins = mins;
    this.#maxs = maxs;
  }

  /** Place of the first interval that ends at or behind `min`. */
  #firstReaching(min: number): number {
    let low = 0;
    let high = this.#held;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#maxs[middle]! < min) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Closes the smallest gaps until few enough intervals are left. */
  #joinNearest(): void {
    const mins = this.#mins;
    const maxs = this.#maxs;
    const held = this.#held;
    const gapBehind = (index: number): number => mins[index + 1]! - maxs[index]!;
    const byGap = Array.from({ length: held - 1 }, (_, index) => index);
    byGap.sort((a, b) => gapBehind(a) - gapBehind(b));
    const closed = new Set(byGap.slice(0, held - INTERVALS_MAX));
    for (const index of closed) this.#closedGap = Math.max(this.#closedGap, gapBehind(index));
    let kept = 0;
    for (let index = 0; index < held; index++) {
      if (closed.has(index - 1)) maxs[kept - 1] = maxs[index]!;
      else {
        mins[kept] = mins[index]!;
        maxs[kept] = maxs[index]!;
        kept++;
      }
    }
    this.#held = kept;
    this.#last = kept - 1;
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
