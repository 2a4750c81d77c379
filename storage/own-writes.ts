/**
 * A transaction's own writes, as its views show them on top of what is committed: applied beside the tables (staged-write.ts), and kept from
 * one view to the next, so that each view costs what was written since the one before.
 *
 * Series that only the transaction has are numbered behind those of their table, in a fork of its dictionary. Those numbers are somebody
 * else's as soon as another creates a series in the table, and those of the table may be nobody's when it forgets series: what is staged is good
 * no more then, and all of it is to be staged anew.
 */

import type { MemTable } from './memtable.js';
import type { StampedTombstone } from './range-tombstone.js';
import type { SeriesDictionary } from './series-dictionary.js';
import { StagedWrite } from './staged-write.js';
import type { StoreState } from './store-state.js';
import type { TableId } from './table-schema.js';
import type { TableState } from './table-state.js';
import type { TableSeries } from './tuple-memory.js';

/** What a view shows of them: it stays as it is, whatever is added later. */
export interface Overlay {
  readonly memTables: ReadonlyMap<TableId, MemTable>;
  /** The first so many rows of each memtable. */
  readonly rows: ReadonlyMap<TableId, number>;
  readonly tombstones: readonly StampedTombstone[];
  /** Tables in which they created series: their dictionaries with these. */
  readonly series: ReadonlyMap<TableId, SeriesDictionary>;
}

export class OwnWrites {
  readonly #write: StagedWrite;
  readonly #series = new Map<TableId, SeriesDictionary>();
  /** Of tables, as the views have them. */
  readonly #known = new Map<TableState, TableSeries>();
  #state: StoreState | null = null;

  /** `version`: above all others there can be. */
  constructor(version: number) {
    const target = {
      schema: (id: string) => {
        for (const table of this.#state?.tables.values() ?? []) {
          const known = table.schemas.get(id);
          if (known !== undefined) return known;
        }
        return undefined;
      },
      seriesId: (table: TableState, tuple: Uint8Array, start: number, end: number): number =>
        this.#seriesId(table, tuple, start, end),
      seriesOf: (table: TableState): TableSeries => this.#seriesOf(table),
      // They go with the transaction.
      charge: () => undefined,
    };
    this.#write = new StagedWrite(target, null, version, []);
    this.#write.step();
  }

  /** A view of now may show what is staged: nobody has created series in the tables of its own ones, and no table has forgotten any. */
  get isCurrent(): boolean {
    for (const [table, known] of this.#known) if (table.tableSeries !== known) return false;
    for (const fork of this.#series.values()) if (!fork.isForkOfAll) return false;
    return true;
  }

  /** Memory of the rows and of the series. */
  get sizeBytes(): number {
    let bytes = 0;
    for (const { sizeBytes } of this.#write.take().memTables.values()) bytes += sizeBytes;
    for (const { sizeBytes } of this.#series.values()) bytes += sizeBytes;
    return bytes;
  }

  /** Begins to stage more bodies, behind those before, on the tables of a view's state. Requires: all of those are staged, and current. */
  add(state: StoreState, bodies: Iterable<Uint8Array>): void {
    this.#state = state;
    this.#write.add(bodies);
  }

  /** Does a slice of it; true = all is staged. Throws DamagedBytesError: then they are good for nothing. */
  step(): boolean {
    return this.#write.step();
  }

  /** Requires: all is staged. */
  overlay(): Overlay {
    const { memTables, tombstones } = this.#write.take();
    const rows = new Map<TableId, number>();
    for (const [tableId, memTable] of memTables) rows.set(tableId, memTable.rows);
    return {
      memTables: new Map(memTables),
      rows,
      tombstones: [...tombstones],
      series: new Map(this.#series),
    };
  }

  #seriesId(table: TableState, tuple: Uint8Array, start: number, end: number): number {
    const forked = this.#series.get(table.tableId);
    if (forked !== undefined) return forked.idOf(tuple, start, end);
    const { series } = this.#seriesOf(table);
    const id = series.find(tuple, start, end);
    if (id !== -1) return id;
    const fork = series.fork();
    this.#series.set(table.tableId, fork);
    return fork.idOf(tuple, start, end);
  }

  #seriesOf(table: TableState): TableSeries {
    let known = this.#known.get(table);
    if (known === undefined) {
      known = table.seriesAt(this.#state!.number);
      this.#known.set(table, known);
    }
    return known;
  }
}
