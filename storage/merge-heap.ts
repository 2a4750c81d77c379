/**
 * Sorted streams of pages as one sorted sequence of stretches.
 *
 * The stream with the lowest row gives all its rows below the next stream's lowest at once (found by galloping), so streams that
 * overlap little cost little.
 */

import { compareRows, type Page } from './page.js';
import type { PageStream } from './scan-source.js';

interface Head {
  readonly stream: PageStream;
  page: Page;
  row: number;
  /** Of the row: it decides most comparisons where there are many series. */
  series: number;
}

export class MergeHeap {
  /** The current stretch: rows `from..to-1` of the page come next. Set by `next`. */
  page!: Page;
  from = 0;
  to = 0;
  readonly #heads: Head[] = [];

  /** The streams' pages are normalized. */
  static async open(streams: readonly PageStream[]): Promise<MergeHeap> {
    const heap = new MergeHeap();
    const heads = heap.#heads;
    for (const stream of streams) {
      const page = await stream.next();
      if (page !== null) heads.push({ stream, page, row: 0, series: page.series[0]! });
    }
    for (let index = (heads.length >>> 1) - 1; index >= 0; index--) siftDown(heads, index);
    return heap;
  }

  /** Finds the next stretch; false = there are no more rows. */
  next(): boolean {
    const head = this.#heads[0];
    if (head === undefined) return false;
    const rival = rivalOf(this.#heads);
    this.page = head.page;
    this.from = head.row;
    this.to = rival === null ? head.page.length : gallop(head, rival);
    return true;
  }

  /** The stretch is done with. Resolves to nothing to wait for while its page has more rows. */
  advance(): Promise<void> | undefined {
    const head = this.#heads[0]!;
    if (this.to === head.page.length) return this.#turnPage(head);
    head.row = this.to;
    head.series = head.page.series[this.to]!;
    siftDown(this.#heads, 0);
    return undefined;
  }

  /** Adds the pages that have rows to come. */
  holdPages(held: Set<Page>): void {
    for (const { page } of this.#heads) held.add(page);
  }

  async #turnPage(head: Head): Promise<void> {
    const heads = this.#heads;
    const page = await head.stream.next();
    if (page !== null) {
      head.page = page;
      head.row = 0;
      head.series = page.series[0]!;
    } else {
      const last = heads.pop()!;
      if (heads.length > 0 && last !== head) heads[0] = last;
    }
    siftDown(heads, 0);
  }
}

/** First row of the head's page that does not come before the rival's row. */
function gallop(head: Head, rival: Head): number {
  const { page } = head;
  let low = head.row + 1;
  let step = 1;
  let high = low;
  while (high < page.length && comesBefore(page, high, rival)) {
    low = high + 1;
    high += step;
    step *= 2;
  }
  high = Math.min(high, page.length);
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (comesBefore(page, middle, rival)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function comesBefore(page: Page, row: number, rival: Head): boolean {
  const series = page.series[row]! - rival.series;
  return series === 0 ? compareRows(page, row, rival.page, rival.row) < 0 : series < 0;
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
  return a.series - b.series || compareRows(a.page, a.row, b.page, b.row);
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
