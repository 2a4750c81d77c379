/**
 * The number cells of a row batch, a lane a column, side by side in one array: the cell of a row is cells[start of the lane + row].
 *
 * One array, because whoever fills a row then writes all its numbers through one pointer. Between the lanes lies a cache line
 * of nothing: lanes of a power of two of rows would otherwise all begin in the same set of the processor's cache, and a row of ten
 * numbers would push itself out of it.
 */

/** A cache line of doubles. */
const GAP = 8;

export class CellLanes {
  readonly count: number;
  #cells: Float64Array;
  /** From one lane to the next. */
  #stride: number;

  constructor(count: number, rows: number) {
    this.count = count;
    this.#stride = rows + GAP;
    this.#cells = new Float64Array(count * this.#stride);
  }

  get cells(): Float64Array {
    return this.#cells;
  }

  /** Where a lane begins in `cells`. */
  start(lane: number): number {
    return lane * this.#stride;
  }

  /** A lane alone; `grow` leaves it behind. */
  lane(lane: number): Float64Array {
    return this.#cells.subarray(this.start(lane), this.start(lane) + this.#stride - GAP);
  }

  /** Room for `rows` rows; the first `used` are kept. */
  grow(rows: number, used: number): void {
    const old = this.#cells;
    const oldStride = this.#stride;
    this.#stride = rows + GAP;
    this.#cells = new Float64Array(this.count * this.#stride);
    for (let lane = 0; lane < this.count; lane++) {
      const from = lane * oldStride;
      this.#cells.set(old.subarray(from, from + used), this.start(lane));
    }
  }
}
