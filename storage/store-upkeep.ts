/**
 * What keeps a store going: when memtables are flushed and runs are joined, what happens where the disk has no room for that, and how long
 * writers wait meanwhile.
 *
 *   memtable full, or its rows old   frozen, and flushed behind those frozen before
 *   a flush finds no room            the generation stays in memory, clients' writes are refused, and it is tried again: after 1, 2, 4...
 *                                    30 seconds, and when there is room
 *   runs pile up                     joined one job after another, after each flush; and each second while writers wait for that
 *   more than that piles up          writers wait, a little or for long (write-stall.ts)
 *
 * Any other failure of a flush or of a compaction is the store's.
 */

import type { BackgroundCounts } from './background-counters.js';
import type { DiskSpace } from './disk-space.js';
import type { FlushedState } from './manifest-head.js';
import { isNoSpace, NoSpaceError } from './no-space-error.js';
import type { Clock, KeyValueStore, Timer, Timers } from './ports.js';
import type { TableId } from './table-schema.js';
import type { TableStore } from './table-store.js';
import { FROZEN_GENERATIONS_MAX, OPEN_RUNS_SOFT, stallMs } from './write-stall.js';

/** While space is low a row waits no longer than this for its flush: a flush gives journal files and dropped runs back. */
const LOW_SPACE_AGE_MS = 2_000;
/** A flush that found no room is tried again after this, and twice as long each time; and when the disk has room. */
const FLUSH_RETRY_MS_MIN = 1_000;
const FLUSH_RETRY_MS_MAX = 30_000;
/** Runs that could not be joined, while writers wait for that. */
const COMPACTION_RETRY_MS = 1_000;

/** What flushes and compactions have done, and what waits for them. */
export interface BackgroundStatus extends BackgroundCounts {
  /** Runs of the partition that has most, those apart that are too large to be joined. */
  readonly openRunsMax: number;
  readonly frozenGenerations: number;
  /** Writes that waited, and for how long all together. */
  readonly stalls: number;
  readonly stalledMs: number;
}

/** What the disk has, and whether clients may still write. */
export interface DiskStatus {
  /** Null = it is not known. */
  readonly freeBytes: number | null;
  readonly reserveBytes: number;
  /** Clients' writes are refused until there is room. */
  readonly isFull: boolean;
  /** Records that a journal has taken wait for the room that its next file needs: they are neither durable nor answered until then. */
  readonly isJournalWaiting: boolean;
}

export interface StoreUpkeepDeps {
  readonly tables: TableStore;
  readonly space: DiskSpace;
  readonly kv: Pick<KeyValueStore, 'untilWritable' | 'endWaits'>;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly horizon: () => number;
  /** What everything applied so far amounts to. */
  readonly state: () => FlushedState;
  /** A flush is complete: lets journal segments go. */
  readonly onFlushed: () => Promise<void>;
  readonly onFailure: (error: unknown) => void;
}

export interface StoreUpkeepOptions {
  readonly memtableBytes: number;
  /** Rows are flushed when they have been in memory for so long. Left out: by size only. */
  readonly memtableAgeMs?: number;
}

export class StoreUpkeep {
  readonly #deps: StoreUpkeepDeps;
  readonly #options: StoreUpkeepOptions;
  /** Until then only a full memtable is flushed. */
  #isStarted = false;
  /** The store has failed: why. */
  #failure: Error | null = null;
  #isClosed = false;
  #frozenCount = 0;
  #flushing: Promise<void> | null = null;
  /** The flush found no room: when it is tried again. */
  #heldFlush: Timer | null = null;
  #flushRetryMs = FLUSH_RETRY_MS_MIN;
  #compacting: Promise<void> | null = null;
  #compactionRetry: Timer | null = null;
  #forgetting: Promise<unknown> | null = null;
  /** Set while the active generation has rows. */
  #ageTimer: Timer | null = null;
  #roomWaiters: (() => void)[] = [];
  #stalls = 0;
  #stalledMs = 0;
  #isJournalWaiting = false;
  #onDiskChange: (status: DiskStatus) => void = () => undefined;
  #toldDisk: Pick<DiskStatus, 'isFull' | 'isJournalWaiting'> = {
    isFull: false,
    isJournalWaiting: false,
  };

  constructor(deps: StoreUpkeepDeps, options: StoreUpkeepOptions) {
    this.#deps = deps;
    this.#options = options;
    deps.space.onChange(() => this.#onSpaceChanged());
    deps.tables.onShrunk(() => void deps.space.look());
  }

  /** The node runs: its rows grow old, and its runs are joined. */
  start(): void {
    this.#isStarted = true;
    this.#watchAge();
    this.#compact();
  }

  /** The store has failed: nothing is begun any more, and nobody waits. */
  fail(failure: Error): void {
    this.#failure = failure;
    this.#wakeWriters();
  }

  /** Begins nothing more, and nobody waits. What is under way ends with the tables' `close`; see `idle`. */
  stop(): void {
    this.#isClosed = true;
    this.#ageTimer?.cancel();
    this.#heldFlush?.cancel();
    this.#compactionRetry?.cancel();
    this.#deps.kv.endWaits?.();
    this.#wakeWriters();
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    await this.#flushing?.catch(() => undefined);
    await this.#compacting?.catch(() => undefined);
    await this.#forgetting;
  }

  get #isOver(): boolean {
    return this.#isClosed || this.#failure !== null;
  }

  // ---- writers ----

  /** True while writes wait, a little or for long, because flushes or compactions lag behind. */
  get isStalled(): boolean {
    return this.#stallMs() > 0;
  }

  /** No room for what clients write; what the peer sends and what frees space goes on. */
  get isDiskFull(): boolean {
    return this.#deps.space.isLow || this.#heldFlush !== null || this.#isJournalWaiting;
  }

  /**
   * Resolves when a write may be admitted: after a delay in proportion to what has piled up, or when there is room again; and when the
   * disk is full, which the caller looks at.
   */
  async untilRoom(): Promise<void> {
    const { clock, timers } = this.#deps;
    const startMs = clock.monotonicMs();
    this.#stalls += 1;
    while (!this.#isOver && !this.isDiskFull) {
      const delayMs = this.#stallMs();
      if (delayMs < Infinity) {
        if (delayMs > 0) await new Promise<void>((resolve) => timers.after(delayMs, resolve));
        break;
      }
      await new Promise<void>((resolve) => this.#roomWaiters.push(resolve));
    }
    this.#stalledMs += clock.monotonicMs() - startMs;
  }

  #stallMs(): number {
    const { tables } = this.#deps;
    return stallMs({
      frozenGenerations: this.#frozenCount,
      activeShare: tables.settledMemtableBytes() / this.#options.memtableBytes,
      openRuns: tables.openRunsMax,
    });
  }

  #wakeWriters(): void {
    for (const resolve of this.#roomWaiters.splice(0)) resolve();
  }

  /** For metrics. */
  backgroundStatus(): BackgroundStatus {
    const { tables } = this.#deps;
    return {
      ...tables.backgroundCounts,
      openRunsMax: tables.openRunsMax,
      frozenGenerations: this.#frozenCount,
      stalls: this.#stalls,
      stalledMs: this.#stalledMs,
    };
  }

  // ---- the disk ----

  /** For metrics. */
  diskStatus(): DiskStatus {
    const { freeBytes, reserveBytes } = this.#deps.space;
    return {
      freeBytes,
      reserveBytes,
      isFull: this.isDiskFull,
      isJournalWaiting: this.#isJournalWaiting,
    };
  }

  /** Called when `isFull` or `isJournalWaiting` of the status has changed. */
  onDiskChange(listener: (status: DiskStatus) => void): void {
    this.#onDiskChange = listener;
  }

  /** A journal waits for the room that its next file needs, or none does any more. */
  setJournalWaiting(isWaiting: boolean): void {
    this.#isJournalWaiting = isWaiting;
    this.#tellDisk();
    this.#wakeWriters();
  }

  #tellDisk(): void {
    const status = this.diskStatus();
    this.#deps.tables.setDiskFull(status.isFull);
    const told = this.#toldDisk;
    if (status.isFull === told.isFull && status.isJournalWaiting === told.isJournalWaiting) return;
    this.#toldDisk = status;
    this.#onDiskChange(status);
  }

  #onSpaceChanged(): void {
    this.#tellDisk();
    // Those that wait for a flush would wait for space; they are told.
    this.#wakeWriters();
    this.#ageTimer?.cancel();
    this.#ageTimer = null;
    this.#watchAge();
    if (!this.#deps.space.isLow && this.#heldFlush !== null) this.#retryFlush();
  }

  // ---- flushing ----

  /** Something was applied. */
  watchSize(): void {
    if (this.#isOver) return;
    if (this.#isFull) this.#flushFull();
    else if (this.#ageTimer === null) this.#watchAge();
  }

  /** The active memtable has as much as it may have. */
  get #isFull(): boolean {
    return this.#deps.tables.settledMemtableBytes() >= this.#options.memtableBytes;
  }

  /** A generation that cannot be frozen yet grows on; writers notice (write-stall.ts). */
  #flushFull(): void {
    if (this.#frozenCount >= FROZEN_GENERATIONS_MAX) return;
    this.#freeze();
    this.#flushFrozen().catch(() => undefined);
  }

  /** A memtable that nobody writes to any more is flushed one day, or its journal could never go. */
  #watchAge(): void {
    const { space, tables, timers } = this.#deps;
    const ageMs = space.isLow ? LOW_SPACE_AGE_MS : this.#options.memtableAgeMs;
    if (ageMs === undefined || tables.memtableBytes() === 0) return;
    this.#ageTimer ??= timers.after(ageMs, () => {
      this.#ageTimer = null;
      if (this.#isOver) return;
      // A failure of the flush is the store's, and told there. One that found no room is tried again, and what came since follows it.
      if (this.#heldFlush === null) this.flush().catch(() => undefined);
    });
  }

  /**
   * Flushes everything applied so far; resolves when it is on disk as runs. `evenIfEmpty`: what has no rows, as a CREATE has none, is to
   * be on disk too. Rejects with NoSpaceError when it does not fit; it is then tried again by itself.
   */
  async flush(options: { readonly evenIfEmpty?: boolean } = {}): Promise<void> {
    if (this.#failure !== null) throw this.#failure;
    while (this.#frozenCount >= FROZEN_GENERATIONS_MAX) await this.#flushFrozen();
    if (this.#deps.tables.memtableBytes() > 0 || options.evenIfEmpty === true) this.#freeze();
    await this.#flushFrozen();
  }

  /** In recovery, between two records: null when there is room for more. */
  flushIfFull(): Promise<void> | null {
    return this.#isFull ? this.flush() : null;
  }

  /** Freezes the active generation at this record boundary. */
  #freeze(): void {
    this.#deps.tables.freeze(this.#deps.state());
    this.#frozenCount += 1;
    this.#ageTimer?.cancel();
    this.#ageTimer = null;
  }

  /** Writes what is frozen; joins a flush that is under way. A failure is the store's, unless there was no room. */
  #flushFrozen(): Promise<void> {
    if (this.#flushing !== null) return this.#flushing;
    const flushing = this.#flushAllFrozen();
    this.#flushing = flushing;
    flushing.then(
      () => this.#endHeldFlush(),
      (error: unknown) => (isNoSpace(error) ? this.#holdFlush() : this.#deps.onFailure(error)),
    );
    return flushing;
  }

  async #flushAllFrozen(): Promise<void> {
    const { tables, space, kv, horizon, onFlushed } = this.#deps;
    // The caller notes first that this is under way.
    await Promise.resolve();
    try {
      while (this.#frozenCount > 0) {
        // A full LevelDB must be opened anew, so it is not asked for what cannot fit.
        const { freeBytes } = space;
        if (freeBytes !== null && freeBytes < tables.frozenBytes()) {
          throw new NoSpaceError('the disk has no room for the flush of a memtable');
        }
        await kv.untilWritable?.();
        await tables.flush(horizon);
        this.#frozenCount -= 1;
        this.#wakeWriters();
        this.#compact();
        await onFlushed();
        await space.look();
        // What came meanwhile may have filled the next one.
        if (this.#isFull && this.#isStarted && !this.#isClosed) this.#freeze();
      }
    } finally {
      // In the step of the last look: what is frozen from here on has a flush of its own.
      this.#flushing = null;
    }
  }

  /** The generation stays in memory, and clients' writes stop until it has been written. */
  #holdFlush(): void {
    if (!this.#isStarted || this.#isOver) return;
    this.#heldFlush?.cancel();
    this.#heldFlush = this.#deps.timers.after(this.#flushRetryMs, () => this.#retryFlush());
    this.#flushRetryMs = Math.min(2 * this.#flushRetryMs, FLUSH_RETRY_MS_MAX);
    this.#tellDisk();
    this.#wakeWriters();
  }

  #retryFlush(): void {
    if (this.#isOver) return;
    this.#flushFrozen().catch(() => undefined);
  }

  #endHeldFlush(): void {
    this.#heldFlush?.cancel();
    this.#heldFlush = null;
    this.#flushRetryMs = FLUSH_RETRY_MS_MIN;
    this.#tellDisk();
  }

  // ---- compaction ----

  /** Joins runs until none should be joined. A failure is the store's, unless there was no room: the next flush tries again. */
  #compact(): void {
    if (!this.#isStarted || this.#isClosed) return;
    this.#compacting ??= this.#compactAll().finally(() => {
      this.#compacting = null;
      this.#compactLater();
      this.#forgetSeries();
    });
    this.#compacting.catch((error: unknown) => {
      if (!isNoSpace(error)) this.#deps.onFailure(error);
    });
  }

  /** Runs have gone, and their series perhaps. Beside flushes and compactions: neither waits for it. */
  #forgetSeries(): void {
    if (this.#isOver) return;
    this.#forgetting ??= this.#deps.tables
      .forgetSeries()
      .catch((error: unknown) => this.#deps.onFailure(error))
      .finally(() => {
        this.#forgetting = null;
      });
  }

  /** There was no room for it: as long as writers wait for that, no flush may come to try it again. */
  #compactLater(): void {
    const { tables, timers } = this.#deps;
    if (this.#isOver || tables.openRunsMax <= OPEN_RUNS_SOFT) return;
    this.#compactionRetry?.cancel();
    this.#compactionRetry = timers.after(COMPACTION_RETRY_MS, () => {
      if (!this.#isOver) this.#compact();
    });
  }

  async #compactAll(): Promise<void> {
    const { tables, space, horizon } = this.#deps;
    // Old runs and new ones are there together for a while, and LevelDB joins its own files meanwhile.
    const roomBytes = (): number => (space.freeBytes ?? Infinity) / 2;
    while (!this.#isClosed && (await tables.compactNext(horizon, roomBytes()))) {
      this.#wakeWriters();
      await space.look();
    }
  }

  /** Flushes, and joins all runs of each partition of these tables; forgets all that may be forgotten. */
  async compactTables(tableIds: readonly TableId[]): Promise<void> {
    const { tables, horizon, onFailure } = this.#deps;
    await this.flush();
    for (const tableId of tableIds) {
      await tables.compactTable(tableId, horizon).catch((error: unknown) => {
        if (!isNoSpace(error)) onFailure(error);
        throw error;
      });
      this.#wakeWriters();
    }
    await tables.forgetSeries();
  }
}
