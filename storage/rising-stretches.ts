/**
 * The rows of a series that did not come in order, but in stretches that do: several connections write batch after batch, and now and then
 * one is applied before an older one. Then whole stretches are put where they belong, and hardly any two rows are compared.
 *
 *   came      0 1 2 3 8 9 | 4 5 6 7 | 10 11            8 and 9 were applied early
 *   stretches 0 1 2 3, 4 5 6 7, 8 9, 10 11             a stretch is cut where another one belongs between its rows
 *
 * A time that is there twice is for others: which of two rows stays is decided row by row.
 */

/** More stretches a row are no stretches; sorting costs as much. */
const ROWS_PER_STRETCH_MIN = 4;
/** Stretches behind a new one move on, which pays while it comes near to its place. */
const MOVES_PER_STRETCH_MAX = 8;

export class RisingStretches {
  count = 0;
  /** By stretch in order of time: its first row and the one behind its last. */
  starts = new Uint32Array(64);
  ends = new Uint32Array(64);

  /** Finds the stretches of the first `rows` times; false = they are too many, or a time is there twice. */
  find(times: Float64Array, rows: number): boolean {
    let movesLeft = 0;
    this.count = 0;
    for (let start = 0; start < rows;) {
      const at = this.#placeOf(times, times[start]!);
      if (at === -1 || this.count * ROWS_PER_STRETCH_MIN > rows) return false;
      movesLeft += MOVES_PER_STRETCH_MAX - (this.count - at);
      if (movesLeft < 0) return false;
      const limit = at < this.count ? times[this.starts[at]!]! : Infinity;
      let end = start + 1;
      while (end < rows && times[end]! > times[end - 1]! && times[end]! < limit) end++;
      this.#insert(at, start, end);
      start = end;
    }
    return true;
  }

  /** Where a stretch that begins at this time belongs; the one that reaches beyond it is cut. -1 = the time is there already. */
  #placeOf(times: Float64Array, time: number): number {
    const { starts, ends } = this;
    let at = this.count;
    while (at > 0 && times[starts[at - 1]!]! >= time) at--;
    if (at < this.count && times[starts[at]!] === time) return -1;
    if (at === 0 || times[ends[at - 1]! - 1]! < time) return at;
    const cut = firstFrom(times, starts[at - 1]!, ends[at - 1]!, time);
    if (times[cut] === time) return -1;
    const end = ends[at - 1]!;
    ends[at - 1] = cut;
    this.#insert(at, cut, end);
    return at;
  }

  #insert(at: number, start: number, end: number): void {
    if (this.count === this.starts.length) this.#grow();
    const { starts, ends } = this;
    for (let from = this.count++; from > at; from--) {
      starts[from] = starts[from - 1]!;
      ends[from] = ends[from - 1]!;
    }
    starts[at] = start;
    ends[at] = end;
  }

  #grow(): void {
    const starts = new Uint32Array(this.count * 2);
    starts.set(this.starts);
    this.starts = starts;
    const ends = new Uint32Array(this.count * 2);
    ends.set(this.ends);
    this.ends = ends;
  }
}

/** The first row of times[start..end), which rise, from `time` on. Requires: there is one. */
function firstFrom(times: Float64Array, start: number, end: number, time: number): number {
  let low = start;
  let high = end - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (times[middle]! < time) low = middle + 1;
    else high = middle;
  }
  return low;
}
