/**
 * A write too large to be applied in one turn of the event loop is applied beside the tables, a slice a turn, and published in one step:
 * its rows go to memtables of its own, which nobody reads, and in the end the chunks of those change hands. A million rows would hold up
 * the loop for a quarter of a second otherwise.
 *
 * Meanwhile other records are applied, memtables are frozen and flushed, tables altered and dropped, views taken. None of that meets the rows:
 * they belong to no generation until they are published, to the one that is active then, under the version of their record. What is shared
 * is what may be: series, which nobody sees without rows, and the last times of series. Of two rows of one identity the one that came
 * to those later is the suspect. Where that is the other write's, the staged one is a suspect as well: it is published later, perhaps when the
 * other has been flushed, and a flush looks back only.
 *
 * It takes chunks of its own for each table, the last of which is not full: so only large writes are worth it.
 *
 * A transaction's own rows are staged as well, for its own views (own-writes.ts), and never published: an overlay.
 */

import assert from 'node:assert';
import { MemTable } from './memtable.js';
import { FRESH_MEMORY, type MemtableMemory } from './memtable-memory.js';
import { decodeTombstone, type StampedTombstone } from './range-tombstone.js';
import { RowsSectionReader } from './rows-section.js';
import type { PreparationTarget } from './series-preparation.js';
import { type SeriesIds, SeriesResolver } from './series-resolver.js';
import type { TableId } from './table-schema.js';
import type { TableState } from './table-state.js';
import { ScratchMemory } from './vector-memory.js';
import { countRows, sectionsOf } from './write-body.js';

/** Fewer are applied at once. */
const STAGED_ROWS_MIN = 10_000;
const STAGED_BYTES_MIN = 2 * 1024 * 1024;
/**
 * Values decoded or copied in a slice, but for a column or a chunk that has more: a fifth of a millisecond, and two where the code has not run
 * before, as a transaction's first SELECT may find it.
 */
const VALUES_PER_SLICE = 10_000;
/** Resolving a tuple is as much work as so many values where its series is new. */
const VALUES_PER_TUPLE = 100;
const TUPLES_PER_STEP = 64;

export interface StagedRows {
  readonly memTables: ReadonlyMap<TableId, MemTable>;
  readonly tombstones: readonly StampedTombstone[];
}

export class StagedWrite {
  readonly #target: PreparationTarget;
  readonly #version: number;
  readonly #rowMemory: MemtableMemory;
  readonly #isOverlay: boolean;
  readonly #memory = new ScratchMemory();
  readonly #resolver = new SeriesResolver();
  readonly #memTables = new Map<TableId, MemTable>();
  readonly #tombstones: StampedTombstone[] = [];
  #slices: Iterator<number>;
  /** Of the next row. */
  #ordinal = 0;
  #isDone = false;

  /**
   * `bodies` are one write: their rows are numbered through. `memory` is the tables', and left out for an overlay. Throws DamagedBytesError,
   * also from `step`.
   */
  constructor(
    target: PreparationTarget,
    memory: MemtableMemory | null,
    version: number,
    bodies: Iterable<Uint8Array>,
  ) {
    this.#target = target;
    this.#isOverlay = memory === null;
    this.#rowMemory = memory ?? FRESH_MEMORY;
    this.#version = version;
    this.#slices = this.#work(bodies);
  }

  /** More bodies of the same write, behind those before. Requires: all of those are staged, and not published. */
  add(bodies: Iterable<Uint8Array>): void {
    assert(this.#isDone, 'one body is staged after another');
    this.#isDone = false;
    this.#slices = this.#work(bodies);
  }

  /** Does one slice, of about so many values; true = all is staged. */
  step(values = VALUES_PER_SLICE): boolean {
    let left = values;
    while (!this.#isDone && left > 0) {
      const next = this.#slices.next();
      if (next.done === true) this.#isDone = true;
      else left -= next.value;
    }
    return this.#isDone;
  }

  /** What is to be published. Requires: all is staged. */
  take(): StagedRows {
    assert(this.#isDone, 'a write is published when all of it is staged');
    for (const { table, suspects } of this.#memTables.values()) {
      table.stagedSuspects.delete(suspects);
    }
    return { memTables: this.#memTables, tombstones: this.#tombstones };
  }

  *#work(bodies: Iterable<Uint8Array>): Generator<number, undefined> {
    for (const body of bodies) {
      for (const section of sectionsOf(body, 0)) {
        if (section.kind === 'range-tombstone') {
          const tombstone = decodeTombstone(section.reader, section.tableId);
          this.#tombstones.push({ ...tombstone, version: this.#version });
          continue;
        }
        const known = this.#target.schema(section.schemaId);
        if (known === undefined) {
          // A transaction may have written to a table that somebody has dropped since: its view has no such table.
          assert(this.#isOverlay, `schema ${section.schemaId} precedes its first use`);
          continue;
        }
        const { table } = known;
        const shape = section.kind === 'rows' ? known.rows : known.keys;
        this.#memory.reset();
        // From here on the table keeps its series.
        const memTable = this.#memTableOf(table);
        const { tagBlocks } = this.#target.seriesOf(table);
        const reader = new RowsSectionReader(section.reader, shape, this.#memory, tagBlocks);
        yield reader.rowCount + reader.tupleCount;
        if (!table.isDropped) yield* this.#stage(reader, memTable, this.#ordinal);
        this.#ordinal += reader.rowCount;
      }
    }
  }

  *#stage(
    reader: RowsSectionReader,
    memTable: MemTable,
    ordinal: number,
  ): Generator<number, undefined> {
    const { table } = memTable;
    if (reader.resolved === null) yield* this.#resolve(reader, table);
    if (table.isDropped) return;
    const seriesOf = reader.resolved ?? this.#resolver.ids;
    yield* memTable.appendInSlices(reader, seriesOf, this.#version, ordinal, this.#memory);
  }

  #memTableOf(table: TableState): MemTable {
    let memTable = this.#memTables.get(table.tableId);
    if (memTable === undefined) {
      memTable = new MemTable(table, this.#isOverlay, this.#rowMemory);
      this.#memTables.set(table.tableId, memTable);
      if (!this.#isOverlay) table.stagedSuspects.add(memTable.suspects);
    }
    return memTable;
  }

  *#resolve(reader: RowsSectionReader, table: TableState): Generator<number, undefined> {
    const { series, tagBlocks } = this.#target.seriesOf(table);
    const seriesId: SeriesIds = (tuple, start, end, known) =>
      this.#target.seriesId(table, tuple, start, end, known);
    this.#resolver.begin(series, reader.tags, reader.tupleCount);
    const stepValues = Math.min(TUPLES_PER_STEP, reader.tupleCount) * VALUES_PER_TUPLE;
    for (let isResolved = false; !isResolved;) {
      const before = series.count;
      isResolved = this.#resolver.step(TUPLES_PER_STEP, seriesId);
      this.#target.charge(series.shareOf(series.count - before));
      yield stepValues;
      if (table.isDropped) return;
    }
    // An overlay's own series are nobody else's.
    if (!this.#isOverlay) reader.offerResolved(tagBlocks, this.#resolver.ids);
  }
}

/** Whether a write of these bodies is staged. */
export function isStaged(bodies: readonly Uint8Array[]): boolean {
  let bytes = 0;
  let rows = 0;
  for (const body of bodies) {
    bytes += body.length;
    rows += countRows(body, STAGED_ROWS_MIN);
    if (bytes >= STAGED_BYTES_MIN || rows >= STAGED_ROWS_MIN) return true;
  }
  return false;
}
