/**
 * Rows picked out of pages, in order, on their way into new pages; where fields merge, a row's columns may come from several.
 */

import { gatherPaced } from './gather.js';
import type { Pacer } from './pacer.js';
import { HANDLE_ROW_MASK, HANDLE_SHIFT, type Page } from './page.js';
import { VECTOR_ROWS_MAX } from './vector.js';
import { freshMemory, type VectorMemory } from './vector-memory.js';

const SEARCHED_PAGES = 8;

export class PickedRows {
  count = 0;
  #pages: Page[] = [];
  #handles = new Uint32Array(VECTOR_ROWS_MAX * 2);
  #last: Page | null = null;
  #lastNumber = 0;
  #numbers = new Map<Page, number>();
  /** By column, where fields merge: the rows that its values come from. Allocated when one comes from another than the row itself. */
  #columnHandles: (Uint32Array | null)[] = [];

  /** Those that rows were picked from. */
  get pages(): readonly Page[] {
    return this.#pages;
  }

  push(page: Page, row: number): void {
    if (this.count === this.#handles.length) this.#grow();
    const handle = this.#handleOf(page, row);
    const index = this.count++;
    this.#handles[index] = handle;
    for (const own of this.#columnHandles) if (own !== null) own[index] = handle;
  }

  /** The rows `from..to-1`. */
  pushStretch(page: Page, from: number, to: number): void {
    if (from === to) return;
    while (this.count + to - from > this.#handles.length) this.#grow();
    const first = this.#handleOf(page, from);
    countUp(this.#handles, this.count, to - from, first);
    for (const own of this.#columnHandles) {
      if (own !== null) countUp(own, this.count, to - from, first);
    }
    this.count += to - from;
  }

  /** The last picked row becomes this one, but keeps its values where this one has NULLs. */
  mergeInto(page: Page, row: number): void {
    const index = this.count - 1;
    const before = this.#handles[index]!;
    const handle = this.#handleOf(page, row);
    this.#handles[index] = handle;
    for (let column = 0; column < page.columns.length; column++) {
      let own = this.#columnHandles[column] ?? null;
      if (!isNullAt(page, column, row)) {
        if (own !== null) own[index] = handle;
      } else if (own === null) {
        // A tag, or a column that the other row lacks as well.
        if (this.#pages[before >>> HANDLE_SHIFT]!.columns[column] === null) continue;
        own = this.#handles.slice();
        own[index] = before;
        while (this.#columnHandles.length < column) this.#columnHandles.push(null);
        this.#columnHandles[column] = own;
      }
    }
  }

  async *emit(pacer: Pacer): AsyncGenerator<Page, undefined> {
    let at = 0;
    while (at < this.count) {
      const end = Math.min(at + VECTOR_ROWS_MAX, this.count);
      const { page, taken } = await gatherPaced(
        this.#pages,
        this.#handles,
        at,
        end,
        pacer,
        this.#columnHandles,
      );
      at += taken;
      yield page;
    }
    this.count = 0;
    this.#pages = [];
    this.#numbers = new Map();
    this.#last = null;
    this.#columnHandles = [];
  }

  /**
   * The first `rows` rows as a page in `memory`, or fewer where a time base does not reach further; the others stay. What they were picked
   * from may be the page's own arrays. Requires: there are as many.
   */
  async take(rows: number, pacer: Pacer, memory: VectorMemory = freshMemory): Promise<Page> {
    const { page, taken } = await gatherPaced(
      this.#pages,
      this.#handles,
      0,
      rows,
      pacer,
      this.#columnHandles,
      memory,
    );
    this.#forget(taken);
    return page;
  }

  /** Lets go of pages that no picked row needs. */
  forgetUnused(): void {
    this.#forget(0);
  }

  /** Lets go of the first rows, and of the pages that no other row needs. */
  #forget(rows: number): void {
    const left = this.count - rows;
    const lists = [this.#handles, ...this.#columnHandles];
    const pages = this.#pages;
    const numbers = new Map<number, number>();
    this.#pages = [];
    for (const handles of lists) {
      if (handles === null) continue;
      for (let index = 0; index < left; index++) {
        const handle = handles[index + rows]!;
        const old = handle >>> HANDLE_SHIFT;
        let number = numbers.get(old);
        if (number === undefined) {
          number = this.#pages.length;
          numbers.set(old, number);
          this.#pages.push(pages[old]!);
        }
        handles[index] = (number << HANDLE_SHIFT) + (handle & HANDLE_ROW_MASK);
      }
    }
    this.count = left;
    this.#numbers = new Map(this.#pages.map((page, number) => [page, number]));
    this.#last = null;
    if (left === 0) this.#columnHandles = [];
  }

  #handleOf(page: Page, row: number): number {
    if (page !== this.#last) this.#register(page);
    return (this.#lastNumber << HANDLE_SHIFT) + row;
  }

  #grow(): void {
    this.#handles = grown(this.#handles);
    this.#columnHandles = this.#columnHandles.map((own) => (own === null ? null : grown(own)));
  }

  #register(page: Page): void {
    this.#last = page;
    // Rows of a merge come from a few pages by turns: looking through these is faster than the map.
    const pages = this.#pages;
    const end = Math.max(0, pages.length - SEARCHED_PAGES);
    for (let number = pages.length - 1; number >= end; number--) {
      if (pages[number] !== page) continue;
      this.#lastNumber = number;
      return;
    }
    const known = this.#numbers.get(page);
    if (known !== undefined) {
      this.#lastNumber = known;
      return;
    }
    this.#lastNumber = this.#pages.length;
    this.#numbers.set(page, this.#lastNumber);
    this.#pages.push(page);
  }
}

/** target[at + i] = first + i. */
function countUp(target: Uint32Array, at: number, count: number, first: number): void {
  for (let index = 0; index < count; index++) target[at + index] = first + index;
}

function isNullAt(page: Page, column: number, row: number): boolean {
  const vector = page.columns[column] ?? null;
  return vector === null || (vector.nulls !== null && vector.nulls[row] === 1);
}

function grown(handles: Uint32Array): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(handles.length * 2);
  larger.set(handles);
  return larger;
}
