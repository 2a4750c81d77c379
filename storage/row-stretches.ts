/**
 * Rows of a list of pages as stretches that follow each other in one page, with times that do not fall: what arrives is mostly batches in
 * order of time, so a few numbers stand for thousands of rows.
 *
 * Several connections write batch after batch, and now and then one is applied before an older one. Then whole stretches change places.
 */

/** Of more stretches than that to a row, hardly any is put right by moving it. */
const ROWS_PER_STRETCH_MIN = 16;
/** Stretches behind one that is late move on, which pays while it comes near to its place. */
const MOVES_PER_STRETCH_MAX = 8;

export class RowStretches {
  count = 0;
  /** Rows in all of them. */
  rows = 0;
  /** By stretch: handles of its first row and of the one behind its last. */
  starts: Uint32Array = new Uint32Array(16);
  ends: Uint32Array = new Uint32Array(16);

  /** Requires: start < end. */
  add(start: number, end: number): void {
    if (this.count === this.starts.length) this.#grow();
    this.starts[this.count] = start;
    this.ends[this.count] = end;
    this.count += 1;
    this.rows += end - start;
  }

  addAll(other: RowStretches): void {
    for (let index = 0; index < other.count; index++) {
      this.add(other.starts[index]!, other.ends[index]!);
    }
  }

  /**
   * The same stretches in order of time; as they are where two of them overlap by more than an instant, where they are too many, or far
   * from their places. `timeOf` a handle.
   */
  inOrderOfTime(timeOf: (handle: number) => number): RowStretches {
    const { count, starts, ends } = this;
    if (count * ROWS_PER_STRETCH_MIN > this.rows) return this;
    const firstTimes = new Float64Array(count);
    const order = new Uint32Array(count);
    let movesLeft = 0;
    for (let stretch = 0; stretch < count; stretch++) {
      const time = timeOf(starts[stretch]!);
      movesLeft += MOVES_PER_STRETCH_MAX;
      let at = stretch;
      for (; at > 0 && firstTimes[at - 1]! > time; at--, movesLeft--) {
        firstTimes[at] = firstTimes[at - 1]!;
        order[at] = order[at - 1]!;
      }
      if (movesLeft < 0) return this;
      firstTimes[at] = time;
      order[at] = stretch;
    }
    const sorted = new RowStretches();
    for (let index = 0; index < count; index++) {
      const stretch = order[index]!;
      const end = ends[stretch]!;
      if (index + 1 < count && timeOf(end - 1) > firstTimes[index + 1]!) return this;
      sorted.add(starts[stretch]!, end);
    }
    return sorted;
  }

  #grow(): void {
    this.starts = doubled(this.starts);
    this.ends = doubled(this.ends);
  }
}

function doubled(values: Uint32Array): Uint32Array {
  const grown = new Uint32Array(values.length * 2);
  grown.set(values);
  return grown;
}
