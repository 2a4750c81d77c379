/**
 * Changes of the manifest: runs that a flush or a compaction has written, runs that go, tables that are dropped, what has expired. Each is
 * one synced batch, and then one step for readers; one change after another.
 */

import type { RunIds, WrittenRun } from './background-job.js';
import type { LiveState } from './live-state.js';
import { manifestOperations, type StoredSchema } from './manifest.js';
import type { FlushedState, ManifestHead } from './manifest-head.js';
import type { Generation } from './memtable.js';
import { Pacer } from './pacer.js';
import type { KeyValueStore, Timers } from './ports.js';
import type { StampedTombstone } from './range-tombstone.js';
import type { Run } from './run.js';
import type { RunGarbage } from './run-garbage.js';
import type { SchemaId, TableId } from './table-schema.js';
import { deadRuns, spentTombstones } from './tombstone-sweep.js';

/** A run that a job has written, and its entry for the manifest. */
export interface NewRun {
  readonly run: Run;
  readonly entry: WrittenRun;
}

/** A generation that nobody writes to any more, with the vector that it covers. */
export interface FrozenGeneration {
  readonly generation: Generation;
  readonly state: FlushedState;
}

export interface ManifestChange {
  readonly written: readonly NewRun[];
  /** Runs whose rows are all in those written, or dead. */
  readonly replaced: readonly Run[];
  readonly horizon: number;
  /** Set by a flush: the generation that is in runs now, and what it covers. */
  readonly flushed: FrozenGeneration | null;
  /** The opening of the block store that `written` was begun in. */
  readonly opening: number | undefined;
}

export interface ManifestWriterDeps {
  readonly kv: KeyValueStore;
  readonly timers: Timers;
  readonly live: LiveState;
  readonly garbage: RunGarbage;
  /** All that are known. */
  readonly schemas: () => Iterable<StoredSchema>;
  /** A job reads the run. */
  readonly isBusy: (run: Run) => boolean;
  /** Readers see a run of the table no longer. */
  readonly onRemoved: (tableId: TableId) => void;
}

export class ManifestWriter {
  readonly #deps: ManifestWriterDeps;
  readonly #persistedSchemas = new Set<SchemaId>();
  /** With the versions of their drops. */
  readonly #droppedTables = new Map<TableId, number>();
  /** Dropped in the manifest on disk, so that their dictionaries may go. */
  readonly #forgottenTables = new Set<TableId>();
  /** Runs of dropped tables that the manifest on disk still names. */
  #removedRuns: Run[] = [];
  #flushed: FlushedState | null = null;
  #nextRunId = 1;
  #verifiedRunId = 0;
  /** Settles when the changes so far are made. */
  #installing: Promise<void> = Promise.resolve();

  constructor(deps: ManifestWriterDeps) {
    this.#deps = deps;
  }

  /** As of the manifest on disk; null = nothing was ever flushed. */
  get flushed(): FlushedState | null {
    return this.#flushed;
  }

  // ---- at the start ----

  /** The tables that the manifest on disk says are dropped. */
  loadDropped(dropped: ManifestHead['droppedTables']): void {
    for (const [tableId, version] of dropped) {
      this.#droppedTables.set(tableId, version);
      this.#forgottenTables.add(tableId);
    }
  }

  loadSchema(id: SchemaId): void {
    this.#persistedSchemas.add(id);
  }

  /** All blocks were found. `nextRunId`: the lowest that was never used. */
  loaded(flushed: FlushedState | null, nextRunId: number): void {
    this.#flushed = flushed;
    this.#nextRunId = nextRunId;
    this.#verifiedRunId = nextRunId - 1;
  }

  // ---- while it runs ----

  reserveRunIds(count: number): RunIds {
    const first = this.#nextRunId;
    this.#nextRunId += count;
    return { first, count };
  }

  isDropped(tableId: TableId): boolean {
    return this.#droppedTables.has(tableId);
  }

  /** The next change says that the table is gone, and forgets its runs. */
  drop(tableId: TableId, version: number, runs: readonly Run[]): void {
    this.#droppedTables.set(tableId, version);
    this.#removedRuns.push(...runs);
  }

  /** Changes the manifest in one synced batch, and then what readers see in one step. */
  install(change: ManifestChange): Promise<void> {
    const installing = this.#installing.then(() => this.#install(change));
    this.#installing = installing.catch(() => undefined);
    return installing;
  }

  /** Resolves when the changes so far are made, or have failed. */
  idle(): Promise<void> {
    return this.#installing;
  }

  async #install({ written, replaced, horizon, flushed, opening }: ManifestChange): Promise<void> {
    const { kv, timers, live, garbage, isBusy } = this.#deps;
    // A table may have been dropped meanwhile; its new runs are then in no manifest and never were.
    const isOrphan = ({ run }: NewRun): boolean => this.isDropped(run.tableId);
    const orphans = written.filter(isOrphan).map(({ run }) => run);
    const named = written.filter((one) => !isOrphan(one));
    const added = named.map(({ run }) => run);
    const entries = named.map(({ entry }) => entry);
    const before = live.current;
    // What a job reads is in its result, dead or not: it goes with that.
    const dead = deadRuns(before, horizon).filter((run) => !isBusy(run));
    const known = replaced.filter((run) => before.runs.get(run.tableId)?.includes(run));
    const removed = new Set([...this.#removedRuns, ...known, ...dead]);
    const schemas = [...this.#deps.schemas()].filter(({ id }) => !this.#persistedSchemas.has(id));
    const left = [...before.runs.values(), added].flat().filter((run) => !removed.has(run));
    const memtables = [...before.frozen, before.active];
    const spent = spentTombstones(
      before,
      left,
      memtables.filter((generation) => generation !== flushed?.generation),
      horizon,
    );
    const head: ManifestHead = {
      nextRunId: this.#nextRunId,
      verifiedRunId: this.#verifiedRunId,
      state: flushed?.state ?? this.#flushed,
      droppedTables: [...this.#droppedTables],
      tombstones: [...before.tombstones.values()].flat().filter((one) => !spent.has(one)),
      ...this.#expiryAndPartitions(),
    };
    const operations = manifestOperations({ head, added: entries, removed: [...removed], schemas });
    const since = opening === undefined ? {} : { opening };
    await kv.batch(operations, { sync: true, ...since });

    for (const { id } of schemas) this.#persistedSchemas.add(id);
    this.#forgetDictionaries(head.droppedTables.map(([tableId]) => tableId));
    if (flushed !== null) this.#flushed = flushed.state;
    this.#removedRuns = this.#removedRuns.filter((run) => !removed.has(run));
    this.#show(added, removed, spent, flushed?.generation ?? null);
    for (const { tableId } of removed) this.#deps.onRemoved(tableId);
    const runIds = [...removed, ...orphans].map((run) => run.id);
    const { number } = live.current;
    garbage.add(runIds, number);
    if (flushed === null) return;
    const { generation } = flushed;
    const states = { from: generation.firstState, to: number };
    garbage.whenUnread(states, () => generation.release(new Pacer(timers)));
  }

  /** What readers see from now on. */
  #show(
    added: readonly Run[],
    removed: ReadonlySet<Run>,
    spent: ReadonlySet<StampedTombstone>,
    flushed: Generation | null,
  ): void {
    const { live } = this.#deps;
    const state = live.current;
    const runs = new Map<TableId, readonly Run[]>();
    for (const [tableId, own] of state.runs) {
      runs.set(
        tableId,
        own.filter((run) => !removed.has(run)),
      );
    }
    for (const run of added) {
      // Dropped while the manifest was written: the next manifest forgets the run.
      if (this.isDropped(run.tableId)) this.#removedRuns.push(run);
      else runs.set(run.tableId, [...(runs.get(run.tableId) ?? []), run]);
    }
    const tombstones = new Map<TableId, readonly StampedTombstone[]>();
    for (const [tableId, own] of state.tombstones) {
      tombstones.set(
        tableId,
        own.filter((one) => !spent.has(one)),
      );
    }
    const frozen = state.frozen.filter((generation) => generation !== flushed);
    live.replace({ runs, tombstones, frozen });
  }

  /** Their drops are in the manifest on disk. */
  #forgetDictionaries(tableIds: readonly TableId[]): void {
    const forgotten = tableIds.filter((tableId) => !this.#forgottenTables.has(tableId));
    for (const tableId of forgotten) this.#forgottenTables.add(tableId);
    this.#deps.garbage.addDictionaries(forgotten);
  }

  #expiryAndPartitions(): Pick<ManifestHead, 'expired' | 'partitions'> {
    const { expired, tables } = this.#deps.live.current;
    const partitions: [TableId, number][] = [];
    for (const { tableId, partitionMs, schema } of tables.values()) {
      if (schema.partitionMs === 0 && partitionMs > 0) partitions.push([tableId, partitionMs]);
    }
    const expiries = [...expired].map(([tableId, through]) => ({ tableId, through }));
    return { expired: expiries, partitions };
  }
}
