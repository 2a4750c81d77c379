/** Reading a memtable: chunks as they lie, or a sorted index over the rows that pass the filter. */

import type { Chunk } from './chunk.js';
import { gather, gatherPaced } from './gather.js';
import type { IntervalSet, TimeSpan } from './interval-set.js';
import type { MemTable } from './memtable.js';
import type { Pacer } from './pacer.js';
import { HANDLE_SHIFT, type Page } from './page.js';
import { ALL_ROWS } from './row-filter.js';
import { sortHandles } from './row-order.js';
import { mapSeries, type PageStream, type ScanSource, type SourceView } from './scan-source.js';
import type { SeriesDictionary } from './series-dictionary.js';
import { VECTOR_ROWS_MAX } from './vector.js';

/** A filter decision costs about this much per row, in the pacer's units; and so does one with a handle and a time in normal form. */
const ROW_UNITS = 2;
const HANDLE_UNITS = 7;

interface VisibleChunk {
  readonly chunk: Chunk;
  readonly rows: number;
}

export class MemTableSource implements ScanSource {
  readonly rows: number;
  readonly span: TimeSpan | null;
  readonly seriesMin = 0;
  readonly seriesMax: number;
  readonly suspects: readonly TimeSpan[];
  readonly tombstoneSpans: readonly TimeSpan[];
  readonly #chunks: readonly VisibleChunk[];
  readonly #precision: number;
  readonly #pacer: Pacer;

  /** The memtable's first `rows` rows. `series`: the dictionary that has their ids, the table's or an overlay's. */
  constructor(memTable: MemTable, rows: number, series: SeriesDictionary, pacer: Pacer) {
    const chunks: VisibleChunk[] = [];
    let left = rows;
    for (const chunk of memTable.chunks) {
      if (left === 0) break;
      const visible = Math.min(chunk.rows, left);
      chunks.push({ chunk, rows: visible });
      left -= visible;
    }
    this.rows = rows;
    this.#chunks = chunks;
    this.#precision = memTable.table.timeColumn.precision;
    this.#pacer = pacer;
    this.seriesMax = series.count;
    this.span = hullOf(chunks);
    const reference = memTable.table.referenceBase ?? 0n;
    this.tombstoneSpans = spansOf(memTable.tombstoneTimes, reference);
    this.suspects =
      memTable.isAllSuspect && this.span !== null
        ? [this.span]
        : spansOf(memTable.suspects, reference);
  }

  unsorted(view: SourceView): PageStream {
    return new UnsortedChunks(this.#chunks, view, this.#pacer);
  }

  sorted(view: SourceView): PageStream {
    return new SortedChunks(this.#chunks, view, this.#precision, this.#pacer);
  }
}

class UnsortedChunks implements PageStream {
  readonly #chunks: readonly VisibleChunk[];
  readonly #view: SourceView;
  readonly #pacer: Pacer;
  readonly #selection = new Uint32Array(VECTOR_ROWS_MAX);
  #next = 0;
  /** Rows of the current chunk that are picked but did not fit the page before. */
  #rest: { page: Page; from: number; to: number } | null = null;

  constructor(chunks: readonly VisibleChunk[], view: SourceView, pacer: Pacer) {
    this.#chunks = chunks;
    this.#view = view;
    this.#pacer = pacer;
  }

  async next(): Promise<Page | null> {
    for (;;) {
      if (this.#rest !== null) {
        const { page, from, to } = this.#rest;
        const picked = gather([page], this.#selection, from, to);
        const end = from + picked.taken;
        this.#rest = end === to ? null : { page, from: end, to };
        return mapSeries(picked.page, this.#view.seriesMap);
      }
      const visible = this.#chunks[this.#next++];
      if (visible === undefined) return null;
      const { chunk, rows } = visible;
      if (this.#pacer.spend(rows * ROW_UNITS)) await this.#pacer.turn();
      const page = chunk.page(rows, placesOf(chunk, this.#view));
      const count = this.#view.filter.select(page, chunk, this.#selection);
      if (count === ALL_ROWS) return mapSeries(page, this.#view.seriesMap);
      if (count > 0) this.#rest = { page, from: 0, to: count };
    }
  }
}

class SortedChunks implements PageStream {
  readonly #chunks: readonly VisibleChunk[];
  readonly #view: SourceView;
  readonly #precision: number;
  readonly #pacer: Pacer;
  #pages: Page[] = [];
  #handles: Uint32Array | null = null;
  #count = 0;
  #at = 0;

  constructor(chunks: readonly VisibleChunk[], view: SourceView, precision: number, pacer: Pacer) {
    this.#chunks = chunks;
    this.#view = view;
    this.#precision = precision;
    this.#pacer = pacer;
  }

  async next(): Promise<Page | null> {
    const handles = (this.#handles ??= await this.#sort());
    if (this.#at === this.#count) {
      this.#pages = [];
      return null;
    }
    const end = Math.min(this.#at + VECTOR_ROWS_MAX, this.#count);
    const { page, taken } = await gatherPaced(this.#pages, handles, this.#at, end, this.#pacer);
    this.#at += taken;
    page.normalizeTimes(this.#precision);
    return page;
  }

  async #sort(): Promise<Uint32Array> {
    const selection = new Uint32Array(VECTOR_ROWS_MAX);
    const selected: Uint32Array[] = [];
    for (const { chunk, rows } of this.#chunks) {
      if (this.#pacer.spend(rows * HANDLE_UNITS)) await this.#pacer.turn();
      const page = chunk.page(rows, placesOf(chunk, this.#view));
      const count = this.#view.filter.select(page, chunk, selection);
      if (count === 0) continue;
      const first = this.#pages.length << HANDLE_SHIFT;
      const handles = new Uint32Array(count === ALL_ROWS ? rows : count);
      for (let row = 0; row < handles.length; row++) {
        handles[row] = first + (count === ALL_ROWS ? row : selection[row]!);
      }
      const mapped = mapSeries(page, this.#view.seriesMap);
      mapped.normalizeTimes(this.#precision);
      this.#pages.push(mapped);
      selected.push(handles);
      this.#count += handles.length;
    }
    const all = new Uint32Array(this.#count);
    let at = 0;
    for (const handles of selected) {
      all.set(handles, at);
      at += handles.length;
    }
    await sortHandles(this.#pages, all, this.#count, this.#pacer);
    return all;
  }
}

function placesOf(chunk: Chunk, view: SourceView): number[] {
  return view.columns.map((id) => (id === null ? -1 : chunk.layout.indexOf(id)));
}

/** Exactly the visible rows' bounds: MAX of the time is answered from them. */
function hullOf(chunks: readonly VisibleChunk[]): TimeSpan | null {
  let span: TimeSpan | null = null;
  for (const visible of chunks) {
    const { chunk } = visible;
    const [timeMin, timeMax] = offsetBounds(visible);
    const min = chunk.base + BigInt(timeMin);
    const max = chunk.base + BigInt(timeMax);
    span =
      span === null
        ? { min, max }
        : { min: min < span.min ? min : span.min, max: max > span.max ? max : span.max };
  }
  return span;
}

/** A chunk's own bounds also cover rows that came after the view. */
function offsetBounds({ chunk, rows }: VisibleChunk): readonly [number, number] {
  if (rows === chunk.rows) return [chunk.timeMin, chunk.timeMax];
  const { times } = chunk;
  let min = Infinity;
  let max = -Infinity;
  for (let row = 0; row < rows; row++) {
    const time = times[row]!;
    if (time < min) min = time;
    if (time > max) max = time;
  }
  return [min, max];
}

export function spansOf(intervals: IntervalSet, reference: bigint): TimeSpan[] {
  const spans: TimeSpan[] = [];
  for (let index = 0; index < intervals.length; index++) {
    spans.push({
      min: reference + BigInt(intervals.min(index)),
      max: reference + BigInt(intervals.max(index)),
    });
  }
  return spans;
}
