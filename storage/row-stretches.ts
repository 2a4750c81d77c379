/**
 * Rows of a list of pages as stretches that follow each other in one page, with times that do not fall: what arrives is mostly batches in
 * order of time, so a few numbers stand for thousands of rows.
 *
 * Several connections write batch after batch, and now and then one is applied before an older one. Then whole stretches change places:
 *
 *   came      0 1 2 3 8 9 | 4 5 6 7 | 10 11            8 and 9 were applied early
 *   stretches 0 1 2 3, 4 5 6 7, 8 9, 10 11             a stretch is cut where another one belongs between its rows
 */

/** More stretches a row are no stretches: hardly any is put right by moving it. */
const ROWS_PER_STRETCH_MIN = 32;
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
   * The same rows in order of time; as they are where that would be too many stretches, or they are far from their places. `timeOf` a
   * handle; in a stretch it does not fall.
   */
  inOrderOfTime(timeOf: (handle: number) => number): RowStretches {
    const countMax = Math.floor(this.rows / ROWS_PER_STRETCH_MIN);
    const sorted = new RowStretches();
    let movesLeft = 0;
    for (let stretch = 0; stretch < this.count; stretch++) {
      const end = this.ends[stretch]!;
      for (let start = this.starts[stretch]!; start < end;) {
        const time = timeOf(start);
        let at = sorted.count;
        while (at > 0 && timeOf(sorted.starts[at - 1]!) > time) at--;
        movesLeft += MOVES_PER_STRETCH_MAX - (sorted.count - at);
        if (movesLeft < 0 || sorted.count >= countMax) return this;
        sorted.#cutBehind(at - 1, time, timeOf);
        const limit = at < sorted.count ? timeOf(sorted.starts[at]!) : Infinity;
        const next = firstBehind(limit, start, end, timeOf);
        sorted.#insert(at, start, next);
        start = next;
      }
    }
    sorted.rows = this.rows;
    return sorted;
  }

  /** The stretch ends where times are greater; what was behind becomes the next one. */
  #cutBehind(stretch: number, time: number, timeOf: (handle: number) => number): void {
    if (stretch < 0) return;
    const end = this.ends[stretch]!;
    const cut = firstBehind(time, this.starts[stretch]!, end, timeOf);
    if (cut === end) return;
    this.ends[stretch] = cut;
    this.#insert(stretch + 1, cut, end);
  }

  #insert(at: number, start: number, end: number): void {
    if (this.count === this.starts.length) this.#grow();
    this.starts.copyWithin(at + 1, at, this.count);
    this.ends.copyWithin(at + 1, at, this.count);
    this.starts[at] = start;
    this.ends[at] = end;
    this.count += 1;
  }

  #grow(): void {
    this.starts = doubled(this.starts);
    this.ends = doubled(this.ends);
  }
}

/** The first of the handles start..end-1 with a time greater than `time`, else `end`. */
function firstBehind(
  time: number,
  start: number,
  end: number,
  timeOf: (handle: number) => number,
): number {
  if (timeOf(end - 1) <= time) return end;
  let low = start;
  let high = end - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (timeOf(middle) <= time) low = middle + 1;
    else high = middle;
  }
  return low;
}

function doubled(values: Uint32Array): Uint32Array {
  const grown = new Uint32Array(values.length * 2);
  grown.set(values);
  return grown;
}
