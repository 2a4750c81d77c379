/**
 * Merging sorted streams of pages into one, in order of (series, time, version), and keeping of each identity what counts.
 *
 * With `reduce`, of an identity's rows only the last stays, and not even that if it is a tombstone; in append
 * mode all stay that come after the last tombstone; where fields merge, they become one row, which has the last one's version and of each
 * field the last value that is not NULL. All three depend on the set of rows alone, not on which source has them or in which order they came.
 */

import { MergeHeap } from './merge-heap.js';
import type { Pacer } from './pacer.js';
import { compareIdentity, type Page, slicePage } from './page.js';
import { PickedRows } from './picked-rows.js';
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

/** The streams' pages are normalized. Yields pages without tombstones when reducing. */
export async function* mergePages(
  streams: readonly PageStream[],
  options: MergeOptions,
): AsyncGenerator<Page, undefined> {
  const { pacer } = options;
  const heap = await MergeHeap.open(streams);
  const picks = new PickedRows();
  const reducer = options.reduce ? new Reducer(picks, options) : null;

  while (heap.next()) {
    const { page, from, to } = heap;
    if (pacer.spend((to - from) * 2 + 10)) await pacer.turn();
    if (reducer !== null) {
      for (let row = from; row < to; row++) {
        const isNew = reducer.isNewIdentity(page, row);
        if (isNew && picks.count >= VECTOR_ROWS_MAX) yield* picks.emit(pacer);
        reducer.add(page, row, isNew);
      }
    } else {
      yield* passOn(picks, page, from, to, pacer);
    }
    const turning = heap.advance();
    if (turning !== undefined) await turning;
  }
  yield* picks.emit(pacer);
}

async function* passOn(
  picks: PickedRows,
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

/** Decides which rows of an identity stay. Rows come in full order. */
class Reducer {
  readonly #picks: PickedRows;
  readonly #appendMode: boolean;
  readonly #mergeFields: boolean;
  #groupPage: Page | null = null;
  #groupRow = 0;
  /** Picks before the current identity's. */
  #groupStart = 0;

  constructor(
    picks: PickedRows,
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
