/**
 * The tables of one node: memtable generations, series, runs, and their place in LevelDB.
 *
 * Records are applied synchronously and in order, by the same code for the node's own, the peer's, and recovered ones. At a record boundary
 * the active generation is frozen together with the vector of positions it covers; a flush writes the oldest frozen one as runs and then,
 * in one last synced batch, the manifest with that vector: a record is in a run or is replayed, never both and never neither.
 */

import assert from 'node:assert';
import { BackgroundCounters, type BackgroundCounts } from './background-counters.js';
import { BlockCache } from './block-cache.js';
import { decodeExpiryBody } from './expiry-body.js';
import { DamagedBytesError } from './byte-reader.js';
import type { RunIds, WrittenRun } from './background-job.js';
import { Compactor } from './compactor.js';
import { writeDictionary } from './dictionary-writer.js';
import { flushJobs } from './flush-plan.js';
import { InlineWorkers } from './inline-workers.js';
import { runKey } from './keys.js';
import { LiveState } from './live-state.js';
import { checkBlocks, loadManifest, type StoredSchema } from './manifest.js';
import type { FlushedState } from './manifest-head.js';
import { type FrozenGeneration, ManifestWriter, type NewRun } from './manifest-writer.js';
import { Generation, type MemTable } from './memtable.js';
import { MemtableMemory } from './memtable-memory.js';
import { choosePartitionMs } from './partition-choice.js';
import { newSeriesOf } from './new-series.js';
import { isNoSpace } from './no-space-error.js';
import { Pacer } from './pacer.js';
import type { BackgroundWorkers, KeyValueStore, Timers } from './ports.js';
import { isSameTombstone, type StampedTombstone } from './range-tombstone.js';
import { ReadView } from './read-view.js';
import { Run } from './run.js';
import { RunGarbage } from './run-garbage.js';
import { decodeSchemaBody, encodeSchemaBody, schemaIdOfBody } from './schema-body.js';
import { corruptKey } from './sealed-value.js';
import { StagedWrite } from './staged-write.js';
import type { StoreState } from './store-state.js';
import type { SeriesDictionary } from './series-dictionary.js';
import { type PreparationTarget, SeriesPreparation } from './series-preparation.js';
import { SeriesSweep } from './series-sweep.js';
import { SyncedBatches } from './synced-batches.js';
import type { SchemaId, TableId, TableSchema } from './table-schema.js';
import { type KnownSchema, TableState } from './table-state.js';
import { baseForUnits } from './time-base.js';
import { expiredRuns } from './tombstone-sweep.js';
import type { TableSeries } from './tuple-memory.js';
import { applyBody, type ApplyTarget } from './write-applier.js';

export type { FlushedState } from './manifest-head.js';

export interface TableStoreDeps {
  readonly kv: KeyValueStore;
  readonly timers: Timers;
  /** Left out: background work is done in paces on this thread. The store closes them. */
  readonly workers?: BackgroundWorkers;
}

export interface TableStoreOptions {
  /** Size at which the owner freezes the active generation. */
  readonly memtableBytes: number;
  /** Bound of the decoded blocks kept. */
  readonly cacheBytes: number;
}

export interface TableStatistics {
  readonly tableId: TableId;
  /** Upper bound: overwritten and deleted rows that are still held count. */
  readonly rows: number;
  readonly memtableRows: number;
  readonly runRows: number;
  readonly runs: number;
  /** In the block store. */
  readonly runBytes: number;
  readonly series: number;
  readonly seriesBytes: number;
}

export interface TableMemory {
  /** Rows that are not flushed yet: the generation that fills, and those that wait. */
  readonly memtables: number;
  /** Of flushed rows: memory that the next ones will take. At most `memtableBytes`. */
  readonly idleMemtables: number;
  readonly blockCache: number;
  /** Dictionaries. */
  readonly series: number;
}

/** What a drop or a range tombstone adds to a generation's size: so that it is flushed one day. */
const NOTE_BYTES = 256;

export class TableStore {
  readonly #kv: KeyValueStore;
  readonly #timers: Timers;
  readonly #workers: BackgroundWorkers;
  readonly #cache: BlockCache;
  readonly #memory: MemtableMemory;
  readonly #schemas = new Map<SchemaId, KnownSchema>();
  readonly #live: LiveState;
  readonly #manifest: ManifestWriter;
  /** With the vectors they cover; the same generations as in the state. */
  readonly #frozen: FrozenGeneration[] = [];
  #seriesCount = 0;
  readonly #garbage: RunGarbage;
  readonly #compactor: Compactor;
  readonly #sweep: SeriesSweep;
  readonly #counters = new BackgroundCounters();
  #failure: Error | null = null;
  #isFlushing = false;
  readonly #target: ApplyTarget & PreparationTarget;

  private constructor(deps: TableStoreDeps, options: TableStoreOptions) {
    this.#kv = deps.kv;
    this.#timers = deps.timers;
    this.#workers = deps.workers ?? new InlineWorkers(deps);
    this.#garbage = new RunGarbage(deps, (error) => {
      // Told by the next flush: a store whose deletes fail will not take writes either.
      this.#failure ??= error;
    });
    this.#compactor = new Compactor({
      state: () => this.#state,
      settled: () => this.#live.settled,
      run: (job) => this.#workers.run(job),
      reserveRunIds: (count) => this.#manifest.reserveRunIds(count),
      opening: () => this.#kv.opening,
      install: async (result, replaced, { horizon }, opening) => {
        const written = result.runs.map(decodeRun);
        for (const { run } of written) run.clearedThrough = horizon;
        await this.#manifest.install({ written, replaced, horizon, flushed: null, opening });
        this.#counters.addCompaction(result);
      },
      discard: (runIds) => this.#garbage.discard([runIds]),
    });
    this.#cache = new BlockCache(options.cacheBytes);
    this.#memory = new MemtableMemory(
      options.memtableBytes,
      this.#workers.warm === undefined ? undefined : (buffers) => this.#workers.warm?.(buffers),
    );
    const initial: StoreState = {
      number: 0,
      tables: new Map(),
      runs: new Map(),
      tombstones: new Map(),
      expired: new Map(),
      frozen: [],
      active: new Generation(this.#memory, 0),
    };
    this.#live = new LiveState(initial, (version, body) => {
      applyBody(this.#target, version, body, 0, 0);
    });
    this.#sweep = new SeriesSweep({
      kv: deps.kv,
      timers: deps.timers,
      state: () => this.#state,
      garbage: this.#garbage,
      replace: (table, series) => this.#replaceSeries(table, series),
    });
    this.#manifest = new ManifestWriter({
      kv: deps.kv,
      timers: deps.timers,
      live: this.#live,
      garbage: this.#garbage,
      schemas: () => this.#schemas.values(),
      isBusy: (run) => this.#compactor.isBusy(run),
      onRemoved: (tableId) => this.#sweep.note(tableId),
    });
    const active = (): Generation => this.#state.active;
    this.#target = {
      get generation() {
        return active();
      },
      schema: (id) => this.#schemas.get(id),
      seriesId: ({ series }, tuple, start, end, known) => {
        const before = series.count;
        const id = series.idOf(tuple, start, end, known);
        this.#seriesCount += series.count - before;
        return id;
      },
      seriesOf: (table) => table.tableSeries,
      addTombstone: (tombstone) => this.#addTombstone(tombstone),
      charge: (sizeBytes) => this.#state.active.charge(sizeBytes),
    };
  }

  /** Loads the manifest and checks the blocks against it. Throws CorruptionError. The kv stays the caller's to close. */
  static async open(deps: TableStoreDeps, options: TableStoreOptions): Promise<TableStore> {
    const store = new TableStore(deps, options);
    await store.#load();
    return store;
  }

  /** As of the manifest on disk; null = nothing was ever flushed. */
  get flushed(): FlushedState | null {
    return this.#manifest.flushed;
  }

  // ---- applying ----

  /** Body of a schema record. A schema that is known changes nothing. */
  applySchema(body: Uint8Array): void {
    const id = schemaIdOfBody(body);
    if (this.#schemas.has(id)) return;
    this.#define({ id, schema: decodeSchemaBody(body), body: body.slice() });
  }

  /** The same as `applySchema` of the schema's body. */
  defineTable(schema: TableSchema): void {
    this.applySchema(encodeSchemaBody(schema));
  }

  hasSchema(schemaId: SchemaId): boolean {
    return this.#schemas.has(schemaId);
  }

  /** The latest schema of the table; undefined = unknown or dropped. */
  schemaOf(tableId: TableId): TableSchema | undefined {
    return this.#state.tables.get(tableId)?.schema;
  }

  /** What is known of the table's series, for whoever writes more of its rows; null = unknown or dropped. Not to be kept across turns. */
  seriesOf(tableId: TableId): TableSeries | null {
    return this.#live.settled.tables.get(tableId)?.tableSeries ?? null;
  }

  /** Body of a write record from `bodyOffset` on. Every schema it names has been applied. */
  applyWrite(version: number, body: Uint8Array, bodyOffset: number): void {
    this.settle();
    applyBody(this.#target, version, body, bodyOffset, 0);
  }

  /**
   * As `applyWrite`, but put off with a few others until someone looks, or `settle` is called: who waits for the answer to this write need not
   * wait for this as well. The body, of so many rows, must stay as it is. What is wrong with it is thrown to whoever looks, again and again.
   */
  applyWriteLater(version: number, body: Uint8Array, rows: number): void {
    this.#live.applyLater(version, body, rows);
  }

  /** Enough was put off for a `settle` where nobody waits. */
  get isSettlingDue(): boolean {
    return this.#live.isSettlingDue;
  }

  /** Applies what was put off. */
  settle(): void {
    this.#live.settle();
  }

  /** The parts of a multi-part write, without their prefixes, under the version of its commit record. */
  applyMultiPart(version: number, parts: readonly Uint8Array[]): void {
    this.settle();
    let ordinal = 0;
    for (const part of parts) ordinal = applyBody(this.#target, version, part, 0, ordinal);
  }

  /** What can be done ahead for a write of these bodies, in slices (series-preparation.ts). */
  prepareWrite(bodies: readonly Uint8Array[]): SeriesPreparation {
    return new SeriesPreparation(this.#target, bodies);
  }

  /** A large write of these bodies, to be applied in slices (staged-write.ts) and then to be published. */
  stageWrite(version: number, bodies: readonly Uint8Array[]): StagedWrite {
    return new StagedWrite(this.#target, this.#memory, version, bodies);
  }

  /** Applies a staged write. */
  publish(write: StagedWrite): void {
    this.settle();
    while (!write.step());
    const { memTables, tombstones } = write.take();
    for (const tombstone of tombstones) this.#addTombstone(tombstone);
    this.#state.active.adopt(memTables.values());
  }

  /**
   * Body of an expiry record. Rows up to its times are invisible from here on, those that come later included; the latest time of a
   * table holds, whatever the order. Runs that have expired as a whole go.
   */
  applyExpiry(body: Uint8Array): void {
    const expired = new Map(this.#state.expired);
    let isNew = false;
    for (const { tableId, through } of decodeExpiryBody(body)) {
      const known = expired.get(tableId);
      if (this.#manifest.isDropped(tableId) || (known !== undefined && through <= known)) continue;
      expired.set(tableId, through);
      isNew = true;
    }
    if (!isNew) return;
    this.#state.active.charge(NOTE_BYTES);
    this.#live.replace({ expired });
    this.#dropExpiredRuns();
  }

  /** Whole runs that have expired leave the manifest at once, in one batch; their keys go when no view needs them any more. */
  #dropExpiredRuns(): void {
    if (expiredRuns(this.#state).every((run) => this.#compactor.isBusy(run))) return;
    const nothing = { written: [], replaced: [], horizon: 0, flushed: null, opening: undefined };
    this.#manifest.install(nothing).catch((error: unknown) => {
      // Without room they go with the next change of the manifest; anything else is told by the next flush.
      if (!isNoSpace(error))
        this.#failure ??= error instanceof Error ? error : new Error(String(error));
    });
  }

  /** Up to which time rows of the table have expired, in its time column's unit; null = none has. */
  expiredThrough(tableId: TableId): bigint | null {
    return this.#state.expired.get(tableId) ?? null;
  }

  /** A bound in the time column's unit: no stored row of the table is older. Null = there is none. */
  oldestTime(tableId: TableId): bigint | null {
    let oldest: bigint | null = null;
    const { runs, frozen, active } = this.#state;
    for (const { blocks } of runs.get(tableId) ?? []) {
      if (oldest === null || blocks.timeMin < oldest) oldest = blocks.timeMin;
    }
    for (const generation of [...frozen, active]) {
      for (const chunk of generation.tables.get(tableId)?.chunks ?? []) {
        if (chunk.rows === 0) continue;
        const first = chunk.base + BigInt(chunk.timeMin);
        if (oldest === null || first < oldest) oldest = first;
      }
    }
    return oldest;
  }

  /**
   * The table is gone: its rows, and rows that still arrive for it. Persisted with the next flush; replay repeats it. What memtables hold
   * of it is freed with their generation, because views may still read it.
   */
  dropTable(tableId: TableId, version: number): void {
    this.#manifest.drop(tableId, version, this.#state.runs.get(tableId) ?? []);
    this.#state.active.charge(NOTE_BYTES);
    const table = this.#state.tables.get(tableId);
    if (table === undefined) return;
    table.isDropped = true;
    this.#seriesCount -= table.series.seriesCount;
    this.#live.replace({
      tables: without(this.#state.tables, tableId),
      runs: without(this.#state.runs, tableId),
      tombstones: without(this.#state.tombstones, tableId),
      expired: without(this.#state.expired, tableId),
    });
  }

  // ---- series ----

  /** As `seriesCount`, but a little more while rows are put off: those might bring one each. Asked before every write, it has nothing applied. */
  get seriesCountMax(): number {
    return this.#seriesCount + this.#live.lateRows;
  }

  /** Of all tables. Rows of dropped tables have none. */
  get seriesCount(): number {
    this.settle();
    return this.#seriesCount;
  }

  /**
   * Those that a section of rows would create if it were applied now: the canonical tags of each, as latin1 text. Long sections
   * are looked at in paces.
   */
  newSeries(section: Uint8Array, schema: TableSchema): Promise<string[]> {
    const table = this.#state.tables.get(schema.tableId);
    return newSeriesOf(section, schema, table, new Pacer(this.#timers));
  }

  /**
   * Forgets series that no row has any more, in tables whose runs have gone since the last call and where it is worth it. Resolves to how many
   * were forgotten.
   *
   * @param seriesMin that are to be forgotten in a table, at least
   */
  forgetSeries(seriesMin?: number): Promise<number> {
    return this.#sweep.run(seriesMin);
  }

  /** Writes that are under way for several turns end with what they began with. */
  #replaceSeries(table: TableState, series: SeriesDictionary): void {
    this.#seriesCount += series.seriesCount - table.series.seriesCount;
    this.#live.replace({});
    const { number } = this.#state;
    table.replaceSeries(series, number);
    const forget = (): Promise<void> => {
      table.forgetSeriesBefore(number);
      return Promise.resolve();
    };
    this.#garbage.whenUnread({ from: 0, to: number }, forget);
  }

  // ---- flushing ----

  /** Of the active generation: its arrays, and the series that came with it. 0 = it has no rows. */
  memtableBytes(): number {
    return this.#state.active.sizeBytes;
  }

  /** As `memtableBytes`, but without rows that are put off: a few, which the next look brings. */
  settledMemtableBytes(): number {
    return this.#live.settled.active.sizeBytes;
  }

  /** What is held now, in bytes. Series apart, each is bounded by the options. */
  memory(): TableMemory {
    const { frozen, active } = this.#state;
    const generations = [...frozen, active];
    return {
      memtables: generations.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      idleMemtables: this.#memory.idleBytes,
      blockCache: this.#cache.sizeBytes,
      series: this.stats().reduce((sum, { seriesBytes }) => sum + seriesBytes, 0),
    };
  }

  /** The memory that the oldest frozen generation takes without tables dropped since: its runs are hardly larger. */
  frozenBytes(): number {
    let bytes = 0;
    for (const { table, sizeBytes } of this.#frozen[0]?.generation.tables.values() ?? []) {
      if (!table.isDropped) bytes += sizeBytes;
    }
    return bytes;
  }

  /** Call between two records. `state` is what everything applied so far amounts to. Several generations may queue. */
  freeze(state: FlushedState): void {
    const generation = this.#state.active;
    for (const memTable of generation.tables.values()) choosePartition(memTable);
    this.#frozen.push({ generation, state });
    const { frozen, number } = this.#state;
    const active = new Generation(this.#memory, number + 1);
    this.#live.replace({ frozen: [...frozen, generation], active });
    this.#sweep.noteFrozen(generation, this.#state.number);
  }

  /**
   * Writes the oldest frozen generation. One at a time. Rejects with NoSpaceError when it does not fit: what was written of it is deleted, and
   * the generation stays. After any other rejection the store must be opened again.
   */
  async flush(stableHorizon: () => number): Promise<void> {
    assert(!this.#isFlushing, 'flushes come one after another');
    if (this.#failure !== null) throw this.#failure;
    const oldest = this.#frozen[0];
    if (oldest === undefined) return;
    this.#isFlushing = true;
    const reserved: RunIds[] = [];
    const dictionaries = [...oldest.generation.tables.values()].map(
      ({ table: { persistedSeries, vacated }, table }) => ({ table, persistedSeries, vacated }),
    );
    try {
      await this.#flushOldest(oldest, stableHorizon(), reserved);
    } catch (error) {
      if (isNoSpace(error)) {
        this.#garbage.discard(reserved);
        for (const { table, persistedSeries, vacated } of dictionaries) {
          table.persistedSeries = persistedSeries;
          if (table.vacated.length === 0) table.vacated = vacated;
        }
      }
      throw error;
    } finally {
      this.#isFlushing = false;
    }
  }

  /** @param reserved gets the run ids that it uses */
  async #flushOldest(oldest: FrozenGeneration, horizon: number, reserved: RunIds[]): Promise<void> {
    const { generation } = oldest;
    const { opening } = this.#kv;
    const pacer = new Pacer(this.#timers);
    const dictionaries = new SyncedBatches(this.#kv);
    for (const { table } of generation.tables.values()) {
      if (!table.isDropped) await writeDictionary(table, dictionaries, pacer);
    }
    await dictionaries.flush();
    const written: NewRun[] = [];
    const reserveRunIds = (count: number): RunIds => {
      const runIds = this.#manifest.reserveRunIds(count);
      reserved.push(runIds);
      return runIds;
    };
    for await (const job of flushJobs(generation, horizon, this.#state, {
      pacer,
      reserveRunIds,
    })) {
      const result = await this.#workers.run(job);
      written.push(...result.runs.map(decodeRun));
      this.#counters.addFlushJob(result);
    }
    await this.#manifest.install({ written, replaced: [], horizon, flushed: oldest, opening });
    this.#frozen.shift();
    this.#counters.flushes += 1;
  }

  // ---- compaction ----

  /**
   * Joins runs where that is most urgent and the result fits into `roomBytes`; false = there is nothing to join. Rejects with NoSpaceError when
   * it does not fit after all, and all is as before; after any other rejection the store must be opened again.
   */
  async compactNext(stableHorizon: () => number, roomBytes = Infinity): Promise<boolean> {
    if (this.#failure !== null) throw this.#failure;
    return this.#compactor.compactNext(stableHorizon, roomBytes);
  }

  /** Joins all runs of each partition of a table, and forgets all that may be forgotten. */
  async compactTable(tableId: TableId, stableHorizon: () => number): Promise<void> {
    if (this.#failure !== null) throw this.#failure;
    await this.#compactor.compactTable(tableId, stableHorizon);
  }

  /** Runs of the partition that has most, those apart that are too large to be joined. */
  get openRunsMax(): number {
    return this.#compactor.openRunsMax;
  }

  get backgroundCounts(): BackgroundCounts {
    return this.#counters.withDamage(this.#compactor.damagedRuns);
  }

  // ---- reading ----

  /** Everything applied so far, until released. */
  readView(): ReadView {
    const state = this.#state;
    const epoch = state.active.enter();
    this.#garbage.pin(state.number);
    const points = [
      ...state.frozen.map((generation) => ({ generation, epoch: Infinity })),
      { generation: state.active, epoch },
    ];
    const deps = { kv: this.#kv, cache: this.#cache, timers: this.#timers };
    return new ReadView(state, deps, points, null, () => {
      state.active.leave(epoch);
      this.#garbage.unpin(state.number);
    });
  }

  stats(): TableStatistics[] {
    return [...this.#state.tables.keys()].flatMap((tableId) => this.statsOf(tableId) ?? []);
  }

  /** undefined for a table that is not known: of which no row ever came. */
  statsOf(tableId: TableId): TableStatistics | undefined {
    const { tables, runs, frozen, active } = this.#state;
    const table = tables.get(tableId);
    if (table === undefined) return undefined;
    const own = runs.get(tableId) ?? [];
    let memtableRows = 0;
    for (const generation of [...frozen, active]) {
      memtableRows += generation.tables.get(tableId)?.rows ?? 0;
    }
    const runRows = own.reduce((sum, run) => sum + run.blocks.rows, 0);
    return {
      tableId,
      rows: memtableRows + runRows,
      memtableRows,
      runRows,
      runs: own.length,
      runBytes: own.reduce((sum, run) => sum + run.sizeBytes, 0),
      series: table.series.seriesCount,
      seriesBytes: table.series.sizeBytes + table.tagBlocks.sizeBytes,
    };
  }

  get cacheStatistics(): { sizeBytes: number; hits: number; misses: number } {
    const { sizeBytes, hits, misses } = this.#cache;
    return { sizeBytes, hits, misses };
  }

  /** Whether the disk is full: then what deleted runs took is given back without a pause. */
  setDiskFull(isFull: boolean): void {
    this.#garbage.setUrgent(isFull);
  }

  /** Called when the disk may have more room, as runs were deleted. */
  onShrunk(listener: () => void): void {
    this.#garbage.onShrunk(listener);
  }

  /** Stops background work and waits for deletions under way. Flushes nothing; the kv stays open. */
  async close(): Promise<void> {
    await this.#workers.close();
    await this.#sweep.close();
    await this.#manifest.idle();
    await this.#garbage.close();
  }

  // ---- inside ----

  async #load(): Promise<void> {
    const { head, runs } = await loadManifest(this.#kv, {
      head: (loaded) => {
        this.#manifest.loadDropped(loaded.droppedTables);
        for (const tombstone of loaded.tombstones) this.#addTombstone(tombstone);
        const expired = loaded.expired.map(({ tableId, through }) => [tableId, through] as const);
        this.#live.replace({ expired: new Map(expired) });
      },
      schema: (stored) => {
        this.#define(stored);
        this.#manifest.loadSchema(stored.id);
      },
      hasTable: (tableId) => this.#state.tables.has(tableId),
      series: (tableId, entries) => {
        const table = this.#state.tables.get(tableId)!;
        const before = table.series.seriesCount;
        table.series.load(entries);
        this.#seriesCount += table.series.seriesCount - before;
        table.persistedSeries = table.series.count;
      },
    });
    for (const [tableId, partitionMs] of head.partitions) {
      const table = this.#state.tables.get(tableId);
      if (table !== undefined) table.partitionMs = partitionMs;
    }
    const byId = new Map([...runs.values()].flatMap((own) => own.map((run) => [run.id, run])));
    this.#manifest.loaded(head.state, await checkBlocks(this.#kv, byId, head));
    this.#live.replace({ runs });
    for (const [tableId, own] of runs) this.#assumeLastTimes(tableId, own);
  }

  /** Which series have rows how late is not stored: all may have rows up to the table's last. */
  #assumeLastTimes(tableId: TableId, runs: readonly Run[]): void {
    const table = this.#state.tables.get(tableId);
    assert(table !== undefined, 'a run belongs to a known table');
    const last = runs.reduce(
      (max, { blocks }) => (blocks.timeMax > max ? blocks.timeMax : max),
      runs[0]!.blocks.timeMax,
    );
    const base = baseForUnits(last, table.timeColumn.precision);
    table.referenceBase = base;
    table.series.assumeLastTimes(Number(last - base));
  }

  #define(stored: StoredSchema): void {
    const { tableId } = stored.schema;
    const known = this.#state.tables.get(tableId) ?? this.#droppedState(stored.schema);
    const table = known ?? new TableState(stored.schema);
    this.#schemas.set(stored.id, table.define(stored.id, stored.schema, stored.body));
    if (known === null) {
      this.#live.replace({ tables: new Map(this.#state.tables).set(tableId, table) });
    }
  }

  /** A schema of a dropped table is known only so that its rows can be told and discarded. */
  #droppedState(schema: TableSchema): TableState | null {
    if (!this.#manifest.isDropped(schema.tableId)) return null;
    const table = new TableState(schema);
    table.isDropped = true;
    return table;
  }

  #addTombstone(tombstone: StampedTombstone): void {
    const { tableId } = tombstone;
    if (this.#manifest.isDropped(tableId)) return;
    const known = this.#state.tombstones.get(tableId) ?? [];
    // One that was persisted before its record counted as flushed comes again in replay.
    if (known.some((one) => isSameTombstone(one, tombstone))) return;
    this.#state.active.charge(NOTE_BYTES);
    const tombstones = new Map(this.#state.tombstones).set(tableId, [...known, tombstone]);
    this.#live.replace({ tombstones });
  }

  /** Whoever looks at it sees everything applied so far. */
  get #state(): StoreState {
    return this.#live.current;
  }
}

/** The first rows that are flushed decide, for a table whose schema leaves the width open. */
function choosePartition({ table, chunks, rows }: MemTable): void {
  if (table.partitionMs > 0) return;
  const { precision } = table.timeColumn;
  let min = Infinity;
  let max = -Infinity;
  for (const chunk of chunks) {
    const delta = table.baseDelta(chunk.base);
    min = Math.min(min, delta + chunk.timeMin);
    max = Math.max(max, delta + chunk.timeMax);
  }
  table.partitionMs = choosePartitionMs(rows, (max - min) * 10 ** (3 - precision), precision);
}

function without<V>(map: ReadonlyMap<TableId, V>, tableId: TableId): Map<TableId, V> {
  const copy = new Map(map);
  copy.delete(tableId);
  return copy;
}

/** What a worker says that it wrote. */
function decodeRun(entry: WrittenRun): NewRun {
  const { id } = entry;
  try {
    return { run: Run.decode(id, entry.entry), entry };
  } catch (error) {
    if (error instanceof DamagedBytesError) throw corruptKey(runKey(id), error.message, error);
    throw error;
  }
}
