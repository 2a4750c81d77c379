/**
 * Picked rows by the page that they come from: each column can then be copied page by page, in loops over two plain arrays. Rows of a merge
 * change pages at every other row, and to look up a page's array for each value costs several times as much as to copy it.
 */

import { HANDLE_ROW_MASK, HANDLE_SHIFT } from './page.js';
import type { VectorMemory } from './vector-memory.js';

export class PagePicks {
  readonly length: number;
  /** By page: the first of its picks, and behind the last page the number of all. */
  readonly #starts: Uint32Array;
  /** By pick: its row in the page, and its place in the result. */
  readonly #rows: Uint32Array;
  readonly #places: Uint32Array;

  /** The rows `handles[from..to)`, which point to pages below `pageCount`. */
  constructor(
    handles: Uint32Array,
    from: number,
    to: number,
    pageCount: number,
    memory: VectorMemory,
  ) {
    this.length = to - from;
    this.#starts = new Uint32Array(pageCount + 1);
    this.#rows = memory.uint32(this.length);
    this.#places = memory.uint32(this.length);
    sortByPage(handles, from, to, this.#starts, this.#rows, this.#places);
  }

  /** Writes the values of all picks to `target`, each with its page's addend; 0 for a page without an array. */
  numbers(
    arrays: readonly (Float64Array | null | undefined)[],
    addends: readonly number[] | null,
    target: Float64Array,
  ): void {
    for (let page = 0; page < arrays.length; page++) {
      const start = this.#starts[page]!;
      const end = this.#starts[page + 1]!;
      if (start === end) continue;
      const array = arrays[page] ?? null;
      const addend = addends === null ? 0 : addends[page]!;
      if (array === null) fillPlaces(this.#places, start, end, target);
      else if (addend !== 0)
        addNumbers(array, addend, this.#rows, this.#places, start, end, target);
      else copyNumbers(array, this.#rows, this.#places, start, end, target);
    }
  }

  /** The same for integers, of pages that have an array each. */
  integers(arrays: readonly (Uint32Array | undefined)[], target: Uint32Array): void {
    for (let page = 0; page < arrays.length; page++) {
      const start = this.#starts[page]!;
      const end = this.#starts[page + 1]!;
      if (start < end) copyIntegers(arrays[page]!, this.#rows, this.#places, start, end, target);
    }
  }
}

/** A counting sort; picks of a page stay in their order. */
function sortByPage(
  handles: Uint32Array,
  from: number,
  to: number,
  starts: Uint32Array,
  rows: Uint32Array,
  places: Uint32Array,
): void {
  const ends = new Uint32Array(starts.length);
  for (let index = from; index < to; index++) ends[handles[index]! >>> HANDLE_SHIFT]!++;
  let count = 0;
  for (let page = 0; page < starts.length; page++) {
    starts[page] = count;
    count += ends[page]!;
    ends[page] = starts[page]!;
  }
  for (let index = from; index < to; index++) {
    const handle = handles[index]!;
    const pick = ends[handle >>> HANDLE_SHIFT]!++;
    rows[pick] = handle & HANDLE_ROW_MASK;
    places[pick] = index - from;
  }
}

function copyNumbers(
  array: Float64Array,
  rows: Uint32Array,
  places: Uint32Array,
  start: number,
  end: number,
  target: Float64Array,
): void {
  for (let pick = start; pick < end; pick++) target[places[pick]!] = array[rows[pick]!]!;
}

function addNumbers(
  array: Float64Array,
  addend: number,
  rows: Uint32Array,
  places: Uint32Array,
  start: number,
  end: number,
  target: Float64Array,
): void {
  for (let pick = start; pick < end; pick++) target[places[pick]!] = array[rows[pick]!]! + addend;
}

function copyIntegers(
  array: Uint32Array,
  rows: Uint32Array,
  places: Uint32Array,
  start: number,
  end: number,
  target: Uint32Array,
): void {
  for (let pick = start; pick < end; pick++) target[places[pick]!] = array[rows[pick]!]!;
}

function fillPlaces(places: Uint32Array, start: number, end: number, target: Float64Array): void {
  for (let pick = start; pick < end; pick++) target[places[pick]!] = 0;
}
