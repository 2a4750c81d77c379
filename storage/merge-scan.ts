/**
 * Merging sorted streams of pages into one, in order of (series, time, version), and keeping of each identity what counts.
 *
 * The stream with the lowest row gives all its rows below the next stream's lowest at once (found by galloping), so streams that
 * overlap little cost little. With `reduce`, of an identity's rows only the last stays, and not even that if it is a tombstone; in append
 * mode all stay that come after the last tombstone; where fields merge, they become one row, which has the last one's version and of each
 * field the last value that is not NULL. All three depend on the set of rows alone, not on which source has them or in which order they came.
 */

import { gatherPaced } from './gather.js';
import type { Pacer } from './pacer.js';
import { compareIdentity, compareRows, HANDLE_SHIFT, type Page, slicePage } from './page.js';
import type { PageStream } from './scan-source.js';
import { VECTOR_ROWS_MAX } from './vector.js';

export interface MergeOptions {
  /** False: rows of equal identity are known not to exist. */
  readonly reduce: boolean;
  readonly appendMode: boolean;
  /** Left out = false. */
  readonly mergeFields?: boolean;
  readonly pacer: Pacer;
}

/** A slice at least so long is handed on as it is instead of being copied together. */
const PASSED_ROWS_MIN = 2048;

interface Head {
  readonly stream: PageStream;
  page: Page;
  row: number;
}

/** The streams' pages are normalized. Yields pages without tombstones when reducing. */
export async function* mergePages(
  streams: readonly PageStream[],
  options: MergeOptions,
): AsyncGenerator<Page, undefined> {
  const { pacer } = options;
  const heap: Head[] = [];
  for (const stream of streams) {
    const page = await stream.next();
    if (page !== null) heap.push({ stream, page, row: 0 });
  }
  for (let index = (heap.length >>> 1) - 1; index >= 0; index--) siftDown(heap, index);
  const picks = new Picks();
  const reducer = options.reduce ? new Reducer(picks, options) : null;

  while (heap.length > 0) {
    const head = heap[0]!;
    const rival = rivalOf(heap);
    const end = rival === null ? head.page.length : gallop(head, rival);
    if (pacer.spend((end - head.row) * 2 + 10)) await pacer.turn();
    if (reducer !== null) {
      for (let row = head.row; row < end; row++) {
        const isNew = reducer.isNewIdentity(head.page, row);
        if (isNew && picks.count >= VECTOR_ROWS_MAX) yield* picks.emit(pacer);
        reducer.add(head.page, row, isNew);
      }
    } else {
      yield* passOn(picks, head.page, head.row, end, pacer);
    }
    if (end < head.page.length) {
      head.row = end;
    } else {
      const page = await head.stream.next();
      if (page !== null) {
        head.page = page;
        head.row = 0;
      } else {
        const last = heap.pop()!;
        if (heap.length > 0 && last !== head) heap[0] = last;
      }
    }
    siftDown(heap, 0);
  }
  yield* picks.emit(pacer);
}

async function* passOn(
  picks: Picks,
  page: Page,
  from: number,
  to: number,
  pacer: Pacer,
): AsyncGenerator<Page, undefined> {
  if (to - from >= PASSED_ROWS_MIN) {
    yield* picks.emit(pacer);
    yield slicePage(page, from, to);
    return;
  }
  for (let row = from; row < to; row++) picks.push(page, row);
  if (picks.count >= VECTOR_ROWS_MAX) yield* picks.emit(pacer);
}

/** Rows on their way out. */
class Picks {
  count = 0;
  #pages: Page[] = [];
  #handles = new Uint32Array(VECTOR_ROWS_MAX * 2);
  #last: Page | null = null;
  #lastNumber = 0;
  #numbers = new Map<Page, number>();
  /** By column, where fields merge: the rows that its values come from. Allocated when one comes from another than the row itself. */
  #columnHandles: (Uint32Array | null)[] = [];

  push(page: Page, row: number): void {
    if (this.count === this.#handles.length) this.#grow();
    const handle = this.#handleOf(page, row);
    const index = this.count++;
    this.#handles[index] = handle;
    for (const own of this.#columnHandles) if (own !== null) own[index] = handle;
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

/** Decides which rows of an identity stay. Rows come in full order. */
class Reducer {
  readonly #picks: Picks;
  readonly #appendMode: boolean;
  readonly #mergeFields: boolean;
  #groupPage: Page | null = null;
  #groupRow = 0;
  /** Picks before the current identity's. */
  #groupStart = 0;

  constructor(
    picks: Picks,
    { appendMode, mergeFields }: { readonly appendMode: boolean; readonly mergeFields?: boolean },
  ) {
    this.#picks = picks;
    this.#appendMode = appendMode;
    this.#mergeFields = mergeFields === true;
  }

  /** True = no later row changes what is picked so far. */
  isNewIdentity(page: Page, row: number): boolean {
    return (
      this.#groupPage === null || compareIdentity(this.#groupPage, this.#groupRow, page, row) !== 0
    );
  }

  add(page: Page, row: number, isNew: boolean): void {
    const picks = this.#picks;
    if (isNew) {
      this.#groupPage = page;
      this.#groupRow = row;
      this.#groupStart = picks.count;
    }
    const isTombstone = page.tombstones !== null && page.tombstones[row] === 1;
    if (this.#mergeFields && !isTombstone && picks.count > this.#groupStart) {
      picks.mergeInto(page, row);
      return;
    }
    if (!this.#appendMode || isTombstone) picks.count = this.#groupStart;
    if (!isTombstone) picks.push(page, row);
  }
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

/** First row of the head's page that does not come before the rival's row. */
function gallop(head: Head, rival: Head): number {
  const { page } = head;
  let low = head.row + 1;
  let step = 1;
  let high = low;
  while (high < page.length && compareRows(page, high, rival.page, rival.row) < 0) {
    low = high + 1;
    high += step;
    step *= 2;
  }
  high = Math.min(high, page.length);
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareRows(page, middle, rival.page, rival.row) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The head with the second lowest row. */
function rivalOf(heap: readonly Head[]): Head | null {
  const left = heap[1];
  const right = heap[2];
  if (left === undefined) return null;
  if (right === undefined) return left;
  return compareHeads(left, right) <= 0 ? left : right;
}

function compareHeads(a: Head, b: Head): number {
  return compareRows(a.page, a.row, b.page, b.row);
}

function siftDown(heap: Head[], from: number): void {
  let index = from;
  for (;;) {
    const left = index * 2 + 1;
    if (left >= heap.length) return;
    const right = left + 1;
    const child = right < heap.length && compareHeads(heap[right]!, heap[left]!) < 0 ? right : left;
    if (compareHeads(heap[child]!, heap[index]!) >= 0) return;
    const moved = heap[index]!;
    heap[index] = heap[child]!;
    heap[child] = moved;
    index = child;
  }
}
