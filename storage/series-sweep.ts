/**
 * Forgetting series while the node runs: those that no row in memory or on disk has any more. Tables with series that come and go (a container,
 * a job, a trip) would otherwise grow from start to start, though their rows expire; what a start forgets is told in dictionary-loader.ts.
 *
 *   look      which dictionary values have no row, in the runs of one state (series-use.ts) and in all generations from then on
 *   build     a dictionary of the others, under the ids that they have, beside the one in use
 *   replace   in one step, with what came meanwhile: new states have the new one, and who reads an older state, or works on a write for several
 *             turns, keeps the old one. Tags of a forgotten series are those of a new one from here on
 *   disk      the next flush writes that the ids are vacant, in front of the series that it adds (dictionary-writer.ts)
 *
 * Building takes memory and time for the series that stay, so it is done when at least as many go. A series that comes back meanwhile ends it,
 * and nothing has changed.
 */

import type { Chunk } from './chunk.js';
import { vacantStretch } from './dictionary-writer.js';
import { dictionaryOf, firstOfDictionaryKey } from './keys.js';
import type { Generation } from './memtable.js';
import { Pacer } from './pacer.js';
import type { KeyValueOperation, KeyValueStore, Timers } from './ports.js';
import type { RunGarbage } from './run-garbage.js';
import type { SeriesDictionary } from './series-dictionary.js';
import { lastAtMost, SeriesUse, seriesUses } from './series-use.js';
import type { StoreState } from './store-state.js';
import type { TableId } from './table-schema.js';
import type { TableState } from './table-state.js';

/** Fewer are not worth it. */
const SERIES_MIN = 4096;
/** In one step with the replacement: below a millisecond. */
const LAST_ROWS_MAX = 200_000;
const LAST_SERIES_MAX = 512;
/** Turns that a replacement waits for writes that work on the table's series. */
const TURNS_MAX = 1_000;
const SERIES_PER_SLICE = 64;
/** In the pacer's units. */
const SERIES_UNITS = 200;
/** Ingest brings less in a turn. */
const ROWS_PER_TURN = 50_000;

export interface SeriesSweepDeps {
  readonly kv: KeyValueStore;
  readonly timers: Timers;
  /** With everything applied so far. */
  readonly state: () => StoreState;
  readonly garbage: Pick<RunGarbage, 'pin' | 'unpin'>;
  /** From now on the table has these series. */
  readonly replace: (table: TableState, series: SeriesDictionary) => void;
}

export class SeriesSweep {
  readonly #deps: SeriesSweepDeps;
  readonly #noted = new Set<TableId>();
  #current: TableSweep | null = null;
  #last: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(deps: SeriesSweepDeps) {
    this.#deps = deps;
  }

  /** Rows of this table have gone from the disk. */
  note(tableId: TableId): void {
    this.#noted.add(tableId);
  }

  /** No row comes to this generation any more, which the current state, of this number, has. */
  noteFrozen(generation: Generation, stateNumber: number): void {
    this.#current?.addFrozen(generation, stateNumber);
  }

  /** Looks at the tables noted, one after another. Resolves to how many series were forgotten. */
  run(seriesMin = SERIES_MIN): Promise<number> {
    const run = this.#last.then(() => this.#run(seriesMin));
    this.#last = run.catch(() => undefined);
    return run;
  }

  /** What is under way ends, and changes nothing. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#last;
  }

  async #run(seriesMin: number): Promise<number> {
    let forgotten = 0;
    for (const tableId of [...this.#noted]) {
      this.#noted.delete(tableId);
      const table = this.#deps.state().tables.get(tableId);
      if (table === undefined || table.persistedSeries < seriesMin) continue;
      const sweep = new TableSweep(this.#deps, table, () => this.#isClosed);
      this.#current = sweep;
      try {
        forgotten += await sweep.run(seriesMin);
      } finally {
        this.#current = null;
        sweep.end();
      }
    }
    return forgotten;
  }
}

/** The values of a dictionary on disk. */
interface DictionaryValues {
  readonly keys: readonly Uint8Array[];
  /** The first series of each. */
  readonly firsts: readonly number[];
  /** One above the last series. */
  readonly end: number;
}

class TableSweep {
  readonly #deps: SeriesSweepDeps;
  readonly #table: TableState;
  readonly #isClosed: () => boolean;
  readonly #pacer: Pacer;
  /** Frozen, with rows that were not looked at; and the states that are pinned, so that their memory is not given back before. */
  readonly #generations = new Map<Generation, number>();
  /** Rows of each chunk that were looked at. */
  readonly #looked = new WeakMap<Chunk, number>();
  #values: DictionaryValues = { keys: [], firsts: [], end: 0 };
  /** By value: nothing has a row of its series, as far as was looked. */
  #isUnused = new Uint8Array(0);

  constructor(deps: SeriesSweepDeps, table: TableState, isClosed: () => boolean) {
    this.#deps = deps;
    this.#table = table;
    this.#isClosed = isClosed;
    this.#pacer = new Pacer(deps.timers);
  }

  addFrozen(generation: Generation, stateNumber: number): void {
    this.#generations.set(generation, stateNumber);
    this.#deps.garbage.pin(stateNumber);
  }

  end(): void {
    for (const generation of this.#generations.keys()) this.#dropGeneration(generation);
  }

  #dropGeneration(generation: Generation): void {
    const stateNumber = this.#generations.get(generation)!;
    this.#generations.delete(generation);
    this.#deps.garbage.unpin(stateNumber);
  }

  async run(seriesMin: number): Promise<number> {
    const table = this.#table;
    const state = this.#deps.state();
    for (const generation of state.frozen) this.addFrozen(generation, state.number);
    const runs = state.runs.get(table.tableId) ?? [];
    this.#values = await this.#readValues(table.persistedSeries);
    const { firsts } = this.#values;
    if (firsts.length === 0) return 0;
    const uses = await seriesUses(this.#deps.kv, firsts, runs, { pacer: this.#pacer });
    this.#isUnused = uses.map((use) => (use === SeriesUse.none ? 1 : 0));
    if (!this.#isWorthwhile(seriesMin)) return 0;
    while (!this.#lookAtRows(ROWS_PER_TURN)) await this.#pacer.turn();
    if (!this.#isWorthwhile(seriesMin)) return 0;
    const vacant = this.#isUnused.slice();
    const { series } = table;
    const successor = await this.#build(series, vacant);
    for (let turn = 0; turn < TURNS_MAX; turn++) {
      await this.#deps.timers.yieldTurn();
      if (this.#isOver) return 0;
      if (!this.#lookAtRows(LAST_ROWS_MAX)) continue;
      successor.adopt(series, Math.min(series.count, successor.count + LAST_SERIES_MAX));
      if (successor.count < series.count) continue;
      if (vacant.some((isVacant, value) => isVacant > this.#isUnused[value]!)) return 0;
      if (table.stagedSuspects.size > 0) continue;
      successor.takeLastTimes(series);
      const forgotten = series.seriesCount - successor.seriesCount;
      table.vacated = this.#operations(vacant);
      this.#deps.replace(table, successor);
      return forgotten;
    }
    return 0;
  }

  /** Those of the series below `end`. */
  async #readValues(end: number): Promise<DictionaryValues> {
    const keys: Uint8Array[] = [];
    for await (const key of this.#deps.kv.keys(dictionaryOf(this.#table.tableId))) {
      if (firstOfDictionaryKey(key) < end) keys.push(key);
    }
    return { keys, firsts: keys.map(firstOfDictionaryKey), end };
  }

  #endOf(value: number): number {
    const { firsts, end } = this.#values;
    return firsts[value + 1] ?? end;
  }

  #isWorthwhile(seriesMin: number): boolean {
    const { firsts } = this.#values;
    const { series } = this.#table;
    let gone = 0;
    for (const [value, first] of firsts.entries()) {
      if (this.#isUnused[value] === 1 && !series.isVacant(first))
        gone += this.#endOf(value) - first;
    }
    return gone >= seriesMin && gone * 2 >= series.seriesCount;
  }

  /** Notes what series rows in memory have, rows that were put off included; false = there are more rows than so many. */
  #lookAtRows(rowsMax: number): boolean {
    const { active } = this.#deps.state();
    let left = rowsMax;
    for (const generation of [...this.#generations.keys(), active]) {
      for (const chunk of generation.tables.get(this.#table.tableId)?.chunks ?? []) {
        const from = this.#looked.get(chunk) ?? 0;
        const to = Math.min(chunk.rows, from + left);
        if (to > from) this.#noteSeries(chunk.series, from, to);
        this.#looked.set(chunk, to);
        left -= to - from;
        if (to < chunk.rows) return false;
      }
      // A flush may wait to give its memory back.
      if (generation !== active) this.#dropGeneration(generation);
    }
    return true;
  }

  #noteSeries(series: Uint32Array, from: number, to: number): void {
    const { firsts, end: endOfAll } = this.#values;
    let first = 0;
    let end = 0;
    for (let row = from; row < to; row++) {
      const id = series[row]!;
      if ((id >= first && id < end) || id >= endOfAll) continue;
      const value = lastAtMost(firsts, id);
      this.#isUnused[value] = 0;
      first = firsts[value]!;
      end = this.#endOf(value);
    }
  }

  /** Without the series of the values that are vacant. */
  async #build(series: SeriesDictionary, vacant: Uint8Array): Promise<SeriesDictionary> {
    const successor = series.successor();
    for (const [value, first] of this.#values.firsts.entries()) {
      const end = this.#endOf(value);
      if (vacant[value] === 1) {
        successor.leaveVacant(end - first);
        continue;
      }
      while (successor.count < end && !this.#isOver) {
        const next = Math.min(end, successor.count + SERIES_PER_SLICE);
        successor.adopt(series, next);
        if (!this.#pacer.spend(SERIES_PER_SLICE * SERIES_UNITS)) continue;
        await this.#pacer.turn();
        this.#lookAtRows(ROWS_PER_TURN);
      }
    }
    return successor;
  }

  get #isOver(): boolean {
    return this.#isClosed() || this.#table.isDropped;
  }

  /** What puts the disk in order: a value for each stretch of vacant ones. */
  #operations(vacant: Uint8Array): KeyValueOperation[] {
    const { keys, firsts } = this.#values;
    const operations: KeyValueOperation[] = [];
    for (let from = 0; from < firsts.length; from++) {
      if (vacant[from] === 0) continue;
      let to = from + 1;
      while (to < firsts.length && vacant[to] === 1) to++;
      const count = this.#endOf(to - 1) - firsts[from]!;
      operations.push(...vacantStretch(keys.slice(from, to), firsts[from]!, count));
      from = to;
    }
    return operations;
  }
}
