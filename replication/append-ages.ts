/**
 * When the pending records were appended, in bounded memory.
 *
 * Only one question is asked: how old is the oldest counted record above a sequence? The answer may be too old, never too young, because
 * the span of the budget hangs on it. So records appended within `stepMs` share a group with the time of its first one; the step is 0 (exact)
 * until there are too many groups, and doubles then.
 *
 * Invariant: sequences and times of the groups ascend; a record's time is at or after that of its group.
 */

/** Groups held at most. */
export const AGE_GROUPS_MAX = 4096;

interface AgeGroup {
  /** Of the group's first record. */
  readonly atMs: number;
  /** The group's last record. */
  last: number;
}

export class AppendAges {
  #groups: AgeGroup[] = [];
  #stepMs = 0;
  /** Times up to here are forgotten: a peer that goes back behind it leaves records of unknown age. */
  #forgotten = 0;

  copyFrom(other: AppendAges): void {
    this.#groups = other.#groups.map((group) => ({ ...group }));
    this.#stepMs = other.#stepMs;
    this.#forgotten = other.#forgotten;
  }

  /** A counted record was appended. */
  add(sequence: number, nowMs: number): void {
    const newest = this.#groups.at(-1);
    if (newest !== undefined && nowMs - newest.atMs <= this.#stepMs) {
      newest.last = sequence;
      return;
    }
    this.#groups.push({ atMs: nowMs, last: sequence });
    while (this.#groups.length > AGE_GROUPS_MAX) this.#widen();
  }

  /** Everything up to `sequence` is confirmed. */
  confirm(sequence: number): void {
    const first = this.#indexAfter(sequence);
    if (first > 0) this.#groups.splice(0, first);
    if (this.#groups.length === 0) this.#stepMs = 0;
    if (sequence > this.#forgotten) this.#forgotten = sequence;
  }

  /** Milliseconds since the first counted record above `sequence` was appended, or more; Infinity when that is forgotten. */
  oldestAfter(sequence: number, nowMs: number): number {
    const group = this.#groups[this.#indexAfter(sequence)];
    return sequence < this.#forgotten || group === undefined ? Infinity : nowMs - group.atMs;
  }

  /** Of the first group with a record above `sequence`. */
  #indexAfter(sequence: number): number {
    let low = 0;
    let high = this.#groups.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#groups[middle]!.last > sequence) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #widen(): void {
    this.#stepMs = Math.max(1, 2 * this.#stepMs);
    const groups = this.#groups;
    this.#groups = [];
    for (const group of groups) {
      const newest = this.#groups.at(-1);
      if (newest !== undefined && group.atMs - newest.atMs <= this.#stepMs)
        newest.last = group.last;
      else this.#groups.push(group);
    }
  }
}
