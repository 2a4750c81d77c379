/**
 * A consistent reading of all tables as of one moment: the runs, the frozen generations and the active one up to a watermark.
 *
 * A scan pays for last-write-wins only where identities may meet. The times where they may (zones) were noted when rows were
 * applied; rows at other times stream straight out of chunks and blocks, and only those in zones are sorted together and reduced.
 */

import assert from 'node:assert';
import type { BlockCache } from './block-cache.js';
import { joinSpans, type TimeSpan } from './interval-set.js';
import type { Generation } from './memtable.js';
import { MemTableSource } from './memtable-source.js';
import { mergeSeries, type MergedSeries } from './merged-series.js';
import { mergePages } from './merge-scan.js';
import { nullVector } from './null-vector.js';
import type { Overlay, OwnWrites } from './own-writes.js';
import { Pacer } from './pacer.js';
import type { Page } from './page.js';
import type { KeyValueStore, Timers } from './ports.js';
import type { StampedTombstone } from './range-tombstone.js';
import { RowFilter } from './row-filter.js';
import { RunSource } from './run-source.js';
import type { ScanBatch, ScanPart, ScanRequest, SeriesSet, TableEstimate } from './scan-request.js';
import type { ScanSource, SourceView } from './scan-source.js';
import type { SeriesDictionary } from './series-dictionary.js';
import type { StoreState } from './store-state.js';
import {
  ColumnRole,
  ColumnType,
  type ColumnId,
  type StoredColumn,
  type TableId,
} from './table-schema.js';
import type { TableState } from './table-state.js';
import type { Vector } from './vector.js';

export type { ScanBatch, ScanPart, ScanRequest, SeriesSet, TableEstimate } from './scan-request.js';

export interface ReadViewDeps {
  readonly kv: KeyValueStore;
  readonly cache: BlockCache;
  readonly timers: Timers;
}

interface ReadPoint {
  readonly generation: Generation;
  readonly epoch: number;
}

interface PartPlan {
  readonly table: TableState;
  readonly sources: readonly ScanSource[];
  readonly view: SourceView;
}

interface ScanPlan {
  readonly parts: readonly PartPlan[];
  readonly zones: readonly TimeSpan[];
  readonly appendMode: boolean;
  readonly mergeFields: boolean;
  readonly series: SeriesDictionary;
  /** Undefined = no schema that was applied here has it (yet). */
  readonly columns: readonly (StoredColumn | undefined)[];
}

/** A view with a transaction's own writes on top, under construction. */
export interface StagedView {
  /** Does half a millisecond of it; true = all is done. Throws DamagedBytesError. */
  step(): boolean;
  /** Requires: all is done. */
  view(): ReadView;
}

export class ReadView {
  readonly #state: StoreState;
  readonly #deps: ReadViewDeps;
  readonly #points: readonly ReadPoint[];
  readonly #overlay: Overlay | null;
  readonly #onRelease: () => void;
  readonly #seriesCounts = new Map<TableId, number>();
  readonly #merged = new Map<string, MergedSeries>();
  #isReleased = false;

  /** Only TableStore makes views. `points`: generations, oldest first, and the epochs to read them at. */
  constructor(
    state: StoreState,
    deps: ReadViewDeps,
    points: readonly ReadPoint[],
    overlay: Overlay | null,
    onRelease: () => void,
  ) {
    this.#state = state;
    this.#deps = deps;
    this.#points = points;
    this.#overlay = overlay;
    this.#onRelease = onRelease;
  }

  /** Gives back what the view keeps alive. Idempotent; scans under way must have ended. */
  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#onRelease();
  }

  /**
   * This view with a transaction's own writes on top: what is staged of them already, and behind it `bodies`. Requires: they are current as
   * of this view. It shares this view's pin: releasing either ends both.
   */
  withOverlay(own: OwnWrites, bodies: Iterable<Uint8Array>): StagedView {
    assert(this.#overlay === null, 'a view has one overlay');
    own.add(this.#state, bodies);
    return {
      step: () => own.step(),
      view: () => {
        const overlay = own.overlay();
        return new ReadView(this.#state, this.#deps, this.#points, overlay, () => this.release());
      },
    };
  }

  /** Series of a table; tag vectors are indexed by local series id. An unknown table has none. */
  series(tableId: TableId): SeriesSet {
    const table = this.#state.tables.get(tableId);
    if (table === undefined)
      return { count: 0, tag: () => assert.fail('an empty table has no tags') };
    return seriesSet(this.#dictionary(table), this.#seriesCount(table));
  }

  /** Series as a scan of these parts numbers them: the canonical part's, then those that only other parts have. */
  seriesOfParts(parts: readonly ScanPart[]): SeriesSet {
    const tables = parts.map((part) => this.#state.tables.get(part.tableId));
    const canonical = tables[0];
    if (canonical === undefined) return this.series(parts[0]!.tableId);
    if (parts.length === 1) return this.series(canonical.tableId);
    const { dictionary, count } = this.#mergeSeries(parts, tables);
    return seriesSet(dictionary, count);
  }

  /** For planning; nothing is read. */
  estimate(tableId: TableId): TableEstimate {
    const table = this.#state.tables.get(tableId);
    if (table === undefined) return { rows: 0, exactRows: 0, timeMin: null, timeMax: null };
    let rows = 0;
    let timeMin: bigint | null = null;
    let timeMax: bigint | null = null;
    let isExact = this.#tombstones(tableId).length === 0;
    const expired = this.#state.expired.get(tableId) ?? null;
    for (const source of this.#sources(table, new Pacer(this.#deps.timers))) {
      if (isExpired(source, expired)) continue;
      rows += source.rows;
      if (zonesOf(source, table.appendMode).length > 0) isExact = false;
      if (source.span === null) continue;
      // Some of its rows have expired, and nobody has counted which.
      if (expired !== null && source.span.min <= expired) isExact = false;
      if (timeMin === null || source.span.min < timeMin) timeMin = source.span.min;
      if (timeMax === null || source.span.max > timeMax) timeMax = source.span.max;
    }
    return { rows, exactRows: isExact ? rows : null, timeMin, timeMax };
  }

  /** The rows that count, merged. Yields the event loop. The view must stay unreleased until the iteration ends. */
  async *scan(request: ScanRequest): AsyncGenerator<ScanBatch, undefined> {
    assert(!this.#isReleased, 'a released view reads nothing');
    const pacer = new Pacer(this.#deps.timers);
    const plan = this.#plan(request, pacer);
    if (plan === null) return;
    const pages =
      request.order === 'series-time' ? sortedPages(plan, pacer) : anyPages(plan, pacer);
    let rows = 0;
    for await (const page of pages) {
      yield batchOf(page, plan, request);
      rows += page.length;
      if (request.limitRows !== undefined && rows >= request.limitRows) return;
    }
  }

  #plan(request: ScanRequest, pacer: Pacer): ScanPlan | null {
    const tables = request.parts.map((part) => this.#state.tables.get(part.tableId));
    const canonical = tables.find((table) => table !== undefined);
    if (canonical === undefined) return null;
    const merged = this.#mergeSeries(request.parts, tables);
    const parts: PartPlan[] = [];
    const columns: (StoredColumn | undefined)[] = request.columns.map(() => undefined);
    request.parts.forEach((part, index) => {
      const table = tables[index];
      if (table === undefined) return;
      const own = part.columns.map((id, place) => {
        const column = id === null ? undefined : table.column(id);
        columns[place] ??= column;
        // Tags are read off the series.
        return column === undefined || column.role === ColumnRole.tag ? null : column.id;
      });
      const expired = this.#state.expired.get(part.tableId) ?? null;
      const filter = new RowFilter({
        timeMin: latest(request.timeMin, expired === null ? null : expired + 1n),
        timeMax: request.timeMax,
        excluded: [],
        only: null,
        mask: request.seriesMask?.(part.tableId) ?? null,
        tombstones: this.#tombstones(part.tableId),
        series: this.#dictionary(table),
      });
      const view = { filter, columns: own, seriesMap: merged.maps[index] ?? null };
      const found =
        request.ownOnly === true ? this.#ownSources(table, pacer) : this.#sources(table, pacer);
      const sources = found.filter(
        ({ span, seriesMin, seriesMax }) =>
          span !== null && filter.mayPass(span.min, span.max, seriesMin, seriesMax),
      );
      parts.push({ table, sources, view });
    });
    return {
      parts,
      zones: planZones(parts, canonical.appendMode),
      appendMode: canonical.appendMode,
      mergeFields: canonical.mergeFields,
      series: merged.dictionary,
      columns,
    };
  }

  /** Oldest first. */
  #sources(table: TableState, pacer: Pacer): ScanSource[] {
    const sources: ScanSource[] = [];
    const { kv, cache } = this.#deps;
    for (const run of this.#state.runs.get(table.tableId) ?? []) {
      sources.push(new RunSource(run, table.timeColumn, { kv, cache, pacer, memories: null }));
    }
    for (const { generation, epoch } of this.#points) {
      const memTable = generation.tables.get(table.tableId);
      const rows = memTable?.rowsAt(epoch) ?? 0;
      if (memTable !== undefined && rows > 0)
        sources.push(new MemTableSource(memTable, rows, this.#series(table), pacer));
    }
    return [...sources, ...this.#ownSources(table, pacer)];
  }

  #ownSources(table: TableState, pacer: Pacer): ScanSource[] {
    const own = this.#overlay?.memTables.get(table.tableId);
    const rows = this.#overlay?.rows.get(table.tableId) ?? 0;
    if (own === undefined || rows === 0) return [];
    return [new MemTableSource(own, rows, this.#dictionary(table), pacer)];
  }

  #tombstones(tableId: TableId): readonly StampedTombstone[] {
    const stored = this.#state.tombstones.get(tableId) ?? [];
    const own =
      this.#overlay?.tombstones.filter((tombstone) => tombstone.tableId === tableId) ?? [];
    return own.length === 0 ? stored : [...stored, ...own];
  }

  #dictionary(table: TableState): SeriesDictionary {
    return this.#overlay?.series.get(table.tableId) ?? this.#series(table);
  }

  #series(table: TableState): SeriesDictionary {
    return table.seriesAt(this.#state.number).series;
  }

  /** Fixed at the first call, so that masks fit for the life of the view; it covers every row the view sees. */
  #seriesCount(table: TableState): number {
    const known = this.#seriesCounts.get(table.tableId);
    if (known !== undefined) return known;
    const { count } = this.#dictionary(table);
    this.#seriesCounts.set(table.tableId, count);
    return count;
  }

  /** Fixed for the life of the view, too. At least one table is known. */
  #mergeSeries(
    parts: readonly ScanPart[],
    tables: readonly (TableState | undefined)[],
  ): MergedSeries {
    const name = parts.map((part) => part.tableId).join('/');
    const known = this.#merged.get(name);
    if (known !== undefined) return known;
    const merged = mergeSeries(
      parts.map((part, index) => {
        const table = tables[index];
        if (table === undefined) return null;
        const dictionary = this.#dictionary(table);
        return { dictionary, count: this.#seriesCount(table), tags: part.tags ?? null };
      }),
    );
    this.#merged.set(name, merged);
    return merged;
  }
}

async function* anyPages(plan: ScanPlan, pacer: Pacer): AsyncGenerator<Page, undefined> {
  for (const { sources, view } of plan.parts) {
    const straight = { ...view, filter: view.filter.without(plan.zones) };
    for (const source of sources) {
      const stream = source.unsorted(straight);
      for (let page = await stream.next(); page !== null; page = await stream.next()) {
        yield page;
        if (pacer.spend(page.length)) await pacer.turn();
      }
    }
  }
  if (plan.zones.length === 0) return;
  const streams = plan.parts.flatMap(({ sources, view }) => {
    const inZones = { ...view, filter: view.filter.within(plan.zones) };
    return sources.map((source) => source.sorted(inZones));
  });
  const { appendMode, mergeFields } = plan;
  yield* mergePages(streams, { reduce: true, appendMode, mergeFields, pacer });
}

function sortedPages(plan: ScanPlan, pacer: Pacer): AsyncGenerator<Page, undefined> {
  const streams = plan.parts.flatMap(({ sources, view }) =>
    sources.map((source) => source.sorted(view)),
  );
  const reduce = plan.zones.length > 0;
  const { appendMode, mergeFields } = plan;
  return mergePages(streams, { reduce, appendMode, mergeFields, pacer });
}

function batchOf(page: Page, plan: ScanPlan, request: ScanRequest): ScanBatch {
  const { length } = page;
  const columns = plan.columns.map((column, place): Vector => {
    if (column?.role === ColumnRole.tag) {
      return plan.series.tag(column.id)!.rows(page.series, length);
    }
    return page.columns[place] ?? nullVector(column?.type ?? ColumnType.float64, length);
  });
  const series = request.needSeries === true ? page.series : null;
  if (request.needVersions !== true) return { length, columns, series };
  return { length, columns, series, versions: page.versions };
}

/** True when not one of its rows is to be seen any more. */
function isExpired({ span }: ScanSource, expired: bigint | null): boolean {
  return expired !== null && span !== null && span.max <= expired;
}

function latest(a: bigint | null, b: bigint | null): bigint | null {
  return a === null || (b !== null && b > a) ? b : a;
}

function zonesOf(source: ScanSource, appendMode: boolean): readonly TimeSpan[] {
  return appendMode ? source.tombstoneSpans : source.suspects;
}

/** Times at which rows must be merged. Rows of different parts were never compared, so there the whole overlap is a zone. */
function planZones(parts: readonly PartPlan[], appendMode: boolean): readonly TimeSpan[] {
  const spans = parts.flatMap(({ sources }) =>
    sources.flatMap((source) => zonesOf(source, appendMode)),
  );
  if (!appendMode && parts.length > 1) {
    const hulls = parts.map(({ sources }) => joinSpans(sources.map((source) => source.span!)));
    hulls.forEach((own, index) => {
      for (const other of hulls.slice(index + 1).flat()) {
        for (const span of own) {
          const min = span.min > other.min ? span.min : other.min;
          const max = span.max < other.max ? span.max : other.max;
          if (min <= max) spans.push({ min, max });
        }
      }
    });
  }
  return joinSpans(spans);
}

function seriesSet(dictionary: SeriesDictionary, count: number): SeriesSet {
  return {
    count,
    tag: (columnId: ColumnId): Vector => {
      const tag = dictionary.tag(columnId);
      assert(tag !== null, `column ${columnId} is a tag of the table`);
      return tag.all(count);
    },
  };
}
