/**
 * One node's persistence: two journals, the tables, the versions, and how they come back after a crash.
 *
 * The journals are the source of truth. A record is first durable in a journal and then applied to the tables in its
 * origin's order; what the tables have flushed is remembered as a vector of positions in the same synced batch as the flushed
 * rows, so that every record is applied exactly once however often the node dies (invariant 4).
 *
 * Recovery: load the manifest and the catalog snapshot, read both journals from the vector on, and apply in order of
 * version over all incarnations. Version order is causal order: a row never comes before the CREATE that its origin had seen.
 *
 * A multi-part write is stashed part by part and applied as a whole at its commit record, under that record's version. What is large is
 * applied in slices, and shows when all of it is (`prepare`); in recovery as well.
 */

import assert from 'node:assert';
import { JobStoppedError } from './job-deps.js';
import type {
  BackgroundWorkers,
  Clock,
  Disk,
  KeyValueStore,
  Random,
  Timer,
  Timers,
} from './ports.js';
import type { IncarnationId, NodeId, Position, PositionVector } from './position.js';
import { DiskSpace } from './disk-space.js';
import { Journal, type JournalDeps, type JournalOptions, type RecoveryReport } from './journal.js';
import { RecordKind, type RecordView } from './record.js';
import { TableStore } from './table-store.js';
import type { BackgroundCounts } from './background-counters.js';
import type { TableId } from './table-schema.js';
import { VersionClock } from './version-clock.js';
import { FROZEN_GENERATIONS_MAX, stallMs } from './write-stall.js';
import type { SeriesPreparation } from './series-preparation.js';
import { isStaged, StagedWrite } from './staged-write.js';
import { countRows } from './write-body.js';
import { recordsIn } from './journal-replay.js';
import { MultiPartStash } from './multi-part-stash.js';
import { Pacer } from './pacer.js';
import { isNoSpace, NoSpaceError } from './no-space-error.js';

/** What storage does not understand but must replay in order: the catalog. */
export interface StateMachine {
  apply(version: number, origin: NodeId, body: Uint8Array): void;
  /** Everything applied so far; written together with the flushed rows. */
  snapshot(): Uint8Array;
  restore(bytes: Uint8Array): void;
}

export interface StoreDeps {
  readonly disk: Disk;
  readonly kv: KeyValueStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly timers: Timers;
  /** Left out: background work is done in paces on this thread. The store closes them. */
  readonly workers?: BackgroundWorkers;
  /** Makes the state machine that defines and drops the tables of this store. */
  readonly stateMachine: (tables: TableStore) => StateMachine;
}

const TAIL_BYTES_MIN = 4 * 1024 * 1024;
const TAIL_BYTES_MAX = 32 * 1024 * 1024;

export interface StoreOptions {
  readonly nodeId: NodeId;
  /** Folder of the journals; one folder an origin below it. */
  readonly journalFolder: string;
  readonly segmentBytes: number;
  readonly maxRecordBytes: number;
  readonly memtableBytes: number;
  /** Rows are flushed when they have been in memory for so long, so that their journal can go. Left out: by size only. */
  readonly memtableAgeMs?: number;
  readonly cacheBytes: number;
  readonly maxClockSkewMs: number;
  /** Confirmed segments kept for a returning peer, at least. */
  readonly retainBytes: number;
  /** Clients' writes stop while less than this is free (disk-space.ts). Left out: nobody looks. */
  readonly diskReserveBytes?: number;
  /** Folder of the key-value store, which may be on another file system than the journals. Left out: it is not on the disk. */
  readonly blockFolder?: string;
}

export interface StoreReport {
  readonly own: RecoveryReport;
  readonly copy: RecoveryReport | null;
  readonly replayedRecords: number;
}

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

/** The mark runs this far ahead of the clock, so that a start rarely has to wait for one to be synced. */
const MARK_AHEAD_MS = 10_000;
/** While space is low a row waits no longer than this for its flush: a flush gives journal files and dropped runs back. */
const LOW_SPACE_AGE_MS = 2_000;
/** Applying more than this is worth a stretch of its own. */
const LATE_WRITE_BYTES_MAX = 16 * 1024;
const LATE_WRITE_ROWS_MAX = 1_000;
/** A flush that found no room is tried again after this, and twice as long each time; and when the disk has room. */
const FLUSH_RETRY_MS_MIN = 1_000;
const FLUSH_RETRY_MS_MAX = 30_000;
const REPLAY_CHUNK_BYTES = 4 * 1024 * 1024;
/** What applying a record costs, in the pacer's units. */
const REPLAYED_RECORD_UNITS = 300;
const REPLAYED_BYTE_UNITS = 3;

const LOCAL_PREFIX = 'local/';
const KEY_MARK = 'version-mark';
const KEY_PEER = 'peer-node-id';

export class StoreFailedError extends Error {
  readonly code = 'STORE_FAILED';
}

interface Stream {
  readonly origin: NodeId;
  readonly incarnation: IncarnationId;
  readonly records: AsyncIterator<RecordView>;
  head: RecordView | null;
}

export class Store {
  readonly nodeId: NodeId;
  readonly own: Journal;
  readonly tables: TableStore;
  readonly versions: VersionClock;
  readonly stateMachine: StateMachine;

  readonly #deps: StoreDeps;
  readonly #options: StoreOptions;
  readonly #space: DiskSpace;
  #copy: Journal | null = null;
  #incarnation: IncarnationId = '';
  /** Of the own incarnation: made once, for every own record is counted under it. */
  #ownKey = '';
  /** Highest applied sequence by "origin/incarnation". Invariant: applied <= durable in that journal. */
  readonly #applied = new Map<string, number>();
  readonly #stashes = new Map<string, MultiPartStash>();
  /** Of records that are to be applied next. */
  readonly #preparations = new WeakMap<RecordView, SeriesPreparation | StagedWrite>();
  #highestApplied = 0;
  /** As the manifest had it at the start. */
  #flushedTo: ReadonlyMap<string, number> = new Map();
  #isReplaying = false;
  #frozenCount = 0;
  #flushing: Promise<void> | null = null;
  /** The flush found no room: when it is tried again. */
  #heldFlush: Timer | null = null;
  #flushRetryMs = FLUSH_RETRY_MS_MIN;
  #compacting: Promise<void> | null = null;
  #stalls = 0;
  #stalledMs = 0;
  /** Set while the active generation has rows. */
  #ageTimer: Timer | null = null;
  #previousReplayFrom: PositionVector = [];
  #confirmed = new Map<IncarnationId, number>();
  #originDurable = new Map<IncarnationId, number>();
  #peerBound = 0;
  #horizon = 0;
  #isHorizonHeld = true;
  #hasPeer = false;
  #roomWaiters: (() => void)[] = [];
  #markWrite: Promise<void> | null = null;
  #failure: Error | null = null;
  #onFailure: (error: Error) => void = () => undefined;
  #onDiskChange: (status: DiskStatus) => void = () => undefined;
  #toldDisk: Pick<DiskStatus, 'isFull' | 'isJournalWaiting'> = {
    isFull: false,
    isJournalWaiting: false,
  };
  #isJournalWaiting = false;
  #isClosed = false;
  #hasLateWrite = false;
  #hadMark = false;

  private constructor(
    deps: StoreDeps,
    options: StoreOptions,
    own: Journal,
    tables: TableStore,
    versions: VersionClock,
    stateMachine: StateMachine,
    space: DiskSpace,
  ) {
    this.#deps = deps;
    this.#options = options;
    this.nodeId = options.nodeId;
    this.own = own;
    this.tables = tables;
    this.versions = versions;
    this.stateMachine = stateMachine;
    this.#space = space;
    space.onChange(() => this.#onSpaceChanged());
  }

  /** Recovers what is on disk and opens a new incarnation, whose opening record is durable when this resolves. */
  static async open(
    deps: StoreDeps,
    options: StoreOptions,
  ): Promise<{ store: Store; report: StoreReport }> {
    const tables = await TableStore.open(
      {
        kv: deps.kv,
        timers: deps.timers,
        ...(deps.workers === undefined ? {} : { workers: deps.workers }),
      },
      { memtableBytes: options.memtableBytes, cacheBytes: options.cacheBytes },
    );
    const stateMachine = deps.stateMachine(tables);
    if (tables.flushed !== null) stateMachine.restore(tables.flushed.catalog);
    const { journalFolder, blockFolder, diskReserveBytes } = options;
    const space = new DiskSpace(deps, {
      folders: [journalFolder, ...(blockFolder === undefined ? [] : [blockFolder])],
      reserveBytes: diskReserveBytes ?? 0,
    });
    const opened = await Journal.open(
      journalDeps(deps, space),
      journalOptions(options, options.nodeId),
    );
    const versions = new VersionClock(
      { clock: deps.clock },
      { nodeId: options.nodeId, maxClockSkewMs: options.maxClockSkewMs },
    );
    const store = new Store(deps, options, opened.journal, tables, versions, stateMachine, space);
    store.#watch(opened.journal);

    const peer = await store.loadLocal(KEY_PEER);
    let copyReport: RecoveryReport | null = null;
    if (peer !== undefined) copyReport = await store.#openCopyJournal(peer[0]!);

    const replayedRecords = await store.#replay();
    await store.#openIncarnation();
    if (diskReserveBytes !== undefined) await space.start();
    store.#watchAge();
    store.#compact();
    return { store, report: { own: opened.report, copy: copyReport, replayedRecords } };
  }

  /** The peer's journal as held here; null until a peer was ever linked. */
  get copy(): Journal | null {
    return this.#copy;
  }

  /** This start's own incarnation. */
  get incarnation(): IncarnationId {
    return this.#incarnation;
  }

  /** False for a data directory that has never stamped a version: new, or wiped. */
  get hadMark(): boolean {
    return this.#hadMark;
  }

  get failure(): Error | null {
    return this.#failure;
  }

  /** Called once, when a journal or a flush failed: nothing of this store may be trusted until a restart. */
  onFailure(listener: (error: Error) => void): void {
    this.#onFailure = listener;
  }

  /** Opens (and remembers) the copy of the peer's journal. A pair has one peer for life. */
  async openCopy(peer: NodeId): Promise<Journal> {
    if (this.#copy !== null) {
      assert(this.#copy.origin === peer, 'a data directory belongs to one pair');
      return this.#copy;
    }
    await this.saveLocal(KEY_PEER, Uint8Array.of(peer), { sync: true });
    await this.#openCopyJournal(peer);
    return this.#copy!;
  }

  // ---- applying ----

  /**
   * Does ahead what can be done of a record that is going to be applied, a slice of a millisecond a call; false = there is more. Nobody sees
   * anything of it, and other records may be applied meanwhile. `origin` and `incarnation` are the record's.
   */
  prepare(origin: NodeId, incarnation: IncarnationId, record: RecordView): boolean {
    let preparation = this.#preparations.get(record);
    if (preparation === undefined) {
      const bodies = this.#rowsOf(key(origin, incarnation), record);
      if (bodies.length === 0) return true;
      preparation = isStaged(bodies)
        ? this.tables.stageWrite(record.version, bodies)
        : this.tables.prepareWrite(bodies);
      this.#preparations.set(record, preparation);
    }
    return preparation.step();
  }

  /** The bodies of what the record makes visible, when they are large enough to be prepared. */
  #rowsOf(id: string, record: RecordView): readonly Uint8Array[] {
    if (record.kind === RecordKind.commit) return this.#stashes.get(id)?.partsOf(record) ?? [];
    return record.kind === RecordKind.write && isLarge(record.body) ? [record.body] : [];
  }

  /**
   * An own record that passed the gate. In sequence order. The first small write of a turn gets into the tables at its end, or as soon as
   * anyone looks at them: a client that writes row by row has its answer first.
   */
  applyOwn(record: RecordView): void {
    const isLate = record.kind === RecordKind.write && !this.#hasLateWrite && !isLarge(record.body);
    if (!isLate) {
      this.#apply(this.nodeId, this.#incarnation, record);
      return;
    }
    const id = this.#nextOf(this.nodeId, this.#incarnation, record);
    this.tables.applyWriteLater(record.version, record.body);
    this.#noteApplied(id, record);
    this.#hasLateWrite = true;
    void this.#deps.timers.yieldTurn().then(() => this.#settle());
  }

  #settle(): void {
    this.#hasLateWrite = false;
    if (this.#failure !== null || this.#isClosed) return;
    try {
      this.#watchSize();
    } catch (error) {
      this.#fail(asError(error));
    }
  }

  /** A record of the peer that is durable here. In sequence order per incarnation. */
  applyPeer(incarnation: IncarnationId, record: RecordView): void {
    assert(this.#copy !== null, 'a peer record needs its journal');
    this.#apply(this.#copy.origin, incarnation, record);
  }

  /** A lost record of an own older incarnation, durable here again. */
  applyReturned(incarnation: IncarnationId, record: RecordView): void {
    this.#apply(this.nodeId, incarnation, record);
  }

  /** Highest applied sequence of an incarnation; 0 when none. */
  applied(origin: NodeId, incarnation: IncarnationId): number {
    return this.#applied.get(key(origin, incarnation)) ?? 0;
  }

  /** Both nodes agree that this incarnation ends at `position`: parts without a commit are orphans for ever. */
  agreeEnd(origin: NodeId, incarnation: IncarnationId): void {
    this.#stashes.get(key(origin, incarnation))?.dropAll();
    const journal = origin === this.nodeId ? this.own : this.#copy;
    journal?.endIncarnation(incarnation).catch((error: unknown) => this.#fail(asError(error)));
  }

  /** True while writes wait, a little or for long, because flushes or compactions lag behind. */
  get isStalled(): boolean {
    return this.#stallMs() > 0;
  }

  /** No room for what clients write; what the peer sends and what frees space goes on. */
  get isDiskFull(): boolean {
    return this.#space.isLow || this.#heldFlush !== null || this.#isJournalWaiting;
  }

  /** For metrics. */
  diskStatus(): DiskStatus {
    const { freeBytes, reserveBytes } = this.#space;
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

  #tellDisk(): void {
    const status = this.diskStatus();
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
    if (!this.#space.isLow && this.#heldFlush !== null) this.#retryFlush();
  }

  /**
   * Resolves when a write may be admitted: after a delay in proportion to what has piled up, or when there is room again; and when the
   * disk is full, which the caller looks at.
   */
  async untilRoom(): Promise<void> {
    const { clock, timers } = this.#deps;
    const startMs = clock.monotonicMs();
    this.#stalls += 1;
    while (this.#failure === null && !this.#isClosed && !this.isDiskFull) {
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
    return stallMs({
      frozenGenerations: this.#frozenCount,
      activeShare: this.tables.memtableBytes() / this.#options.memtableBytes,
      openRuns: this.tables.openRunsMax,
    });
  }

  /** For metrics. */
  backgroundStatus(): BackgroundStatus {
    return {
      ...this.tables.backgroundCounts,
      openRunsMax: this.tables.openRunsMax,
      frozenGenerations: this.#frozenCount,
      stalls: this.#stalls,
      stalledMs: this.#stalledMs,
    };
  }

  #apply(origin: NodeId, incarnation: IncarnationId, record: RecordView): void {
    const id = this.#nextOf(origin, incarnation, record);
    this.#applyPrepared(id, origin, record);
    this.#noteApplied(id, record);
    this.#watchSize();
  }

  /** With what was done of it ahead. */
  #applyPrepared(id: string, origin: NodeId, record: RecordView): void {
    const preparation = this.#preparations.get(record);
    if (preparation instanceof StagedWrite) {
      if (record.kind === RecordKind.commit) this.#stash(id).take(record);
      this.tables.publish(preparation);
    } else {
      this.#applyRecord(id, origin, record);
      preparation?.end();
    }
  }

  /** Key of the incarnation, whose next record this must be. */
  #nextOf(origin: NodeId, incarnation: IncarnationId, record: RecordView): string {
    const isOwn = origin === this.nodeId && incarnation === this.#incarnation;
    const id = isOwn ? this.#ownKey : key(origin, incarnation);
    const applied = this.#applied.get(id) ?? 0;
    assert(record.sequence === applied + 1, `records of ${id} are applied once and in order`);
    return id;
  }

  #noteApplied(id: string, record: RecordView): void {
    this.#applied.set(id, record.sequence);
    if (record.version > this.#highestApplied) this.#highestApplied = record.version;
  }

  #watchSize(): void {
    if (this.tables.memtableBytes() >= this.#options.memtableBytes) this.#flushFull();
    else if (this.#ageTimer === null) this.#watchAge();
  }

  /** A generation that cannot be frozen yet grows on; writers notice (write-stall.ts). */
  #flushFull(): void {
    if (this.#failure !== null || this.#frozenCount >= FROZEN_GENERATIONS_MAX) return;
    this.#freeze();
    this.#flushFrozen().catch(() => undefined);
  }

  #applyRecord(id: string, origin: NodeId, record: RecordView): void {
    switch (record.kind) {
      case RecordKind.schema:
        this.tables.applySchema(record.body);
        return;
      case RecordKind.write:
        this.tables.applyWrite(record.version, record.body, 0);
        return;
      case RecordKind.part:
        this.#stash(id).add(record);
        return;
      case RecordKind.commit:
        this.tables.applyMultiPart(record.version, this.#stash(id).take(record));
        return;
      case RecordKind.abort:
        this.#stash(id).drop(record);
        return;
      case RecordKind.ddl:
        this.stateMachine.apply(record.version, origin, record.body);
        return;
      case RecordKind.expiry:
        this.tables.applyExpiry(record.body);
        return;
      default:
        // Opening records carry no rows; kinds of a later release are kept in the journal and not applied.
        return;
    }
  }

  #stash(id: string): MultiPartStash {
    let stash = this.#stashes.get(id);
    if (stash === undefined) {
      stash = new MultiPartStash();
      this.#stashes.set(id, stash);
    }
    return stash;
  }

  // ---- flushing ----

  /**
   * Flushes everything applied so far; resolves when it is on disk as runs. `evenIfEmpty`: what has no rows, as a CREATE has none, is to
   * be on disk too. Rejects with NoSpaceError when it does not fit; it is then tried again by itself.
   */
  async flush(options: { readonly evenIfEmpty?: boolean } = {}): Promise<void> {
    if (this.#failure !== null) throw this.#failure;
    while (this.#frozenCount >= FROZEN_GENERATIONS_MAX) await this.#flushFrozen();
    if (this.tables.memtableBytes() > 0 || options.evenIfEmpty === true) this.#freeze();
    await this.#flushFrozen();
  }

  /** Freezes the active generation at this record boundary. */
  #freeze(): void {
    const vector = this.#vector((origin, incarnation) => {
      // A flush in the middle of a replay must not forget what was flushed before and is not replayed again yet.
      const flushed = this.#flushedTo.get(key(origin, incarnation)) ?? 0;
      return Math.max(flushed, this.applied(origin, incarnation));
    });
    const replayFrom = this.#vector((origin, incarnation) => {
      const firstPart = this.#stashes.get(key(origin, incarnation))?.firstPartSequence ?? null;
      const applied = this.applied(origin, incarnation);
      return firstPart === null ? applied : Math.min(applied, firstPart - 1);
    });
    this.tables.freeze({
      vector,
      replayFrom,
      catalog: this.stateMachine.snapshot(),
      highestVersion: this.#highestApplied,
    });
    this.#frozenCount += 1;
    this.#ageTimer?.cancel();
    this.#ageTimer = null;
  }

  /** Writes what is frozen; joins a flush that is under way. A failure is the store's, unless there was no room. */
  #flushFrozen(): Promise<void> {
    if (this.#flushing !== null) return this.#flushing;
    const flushing = this.#flushAllFrozen().finally(() => {
      this.#flushing = null;
    });
    this.#flushing = flushing;
    flushing.then(
      () => this.#endHeldFlush(),
      (error: unknown) => (isNoSpace(error) ? this.#holdFlush() : this.#fail(asError(error))),
    );
    return flushing;
  }

  /** The generation stays in memory, and clients' writes stop until it has been written. */
  #holdFlush(): void {
    if (this.#isReplaying || this.#isClosed || this.#failure !== null) return;
    this.#heldFlush?.cancel();
    this.#heldFlush = this.#deps.timers.after(this.#flushRetryMs, () => this.#retryFlush());
    this.#flushRetryMs = Math.min(2 * this.#flushRetryMs, FLUSH_RETRY_MS_MAX);
    this.#tellDisk();
    this.#wakeWriters();
  }

  #retryFlush(): void {
    if (this.#isClosed || this.#failure !== null) return;
    this.#flushFrozen().catch(() => undefined);
  }

  #endHeldFlush(): void {
    this.#heldFlush?.cancel();
    this.#heldFlush = null;
    this.#flushRetryMs = FLUSH_RETRY_MS_MIN;
    this.#tellDisk();
  }

  /** A memtable that nobody writes to any more is flushed one day, or its journal could never go. */
  #watchAge(): void {
    const ageMs = this.#space.isLow ? LOW_SPACE_AGE_MS : this.#options.memtableAgeMs;
    if (ageMs === undefined || this.tables.memtableBytes() === 0) return;
    this.#ageTimer ??= this.#deps.timers.after(ageMs, () => {
      this.#ageTimer = null;
      if (this.#failure !== null || this.#isClosed) return;
      // A failure of the flush is the store's, and told there. One that found no room is tried again, and what came since follows it.
      if (this.#heldFlush === null) this.flush().catch(() => undefined);
    });
  }

  async #flushAllFrozen(): Promise<void> {
    while (this.#frozenCount > 0) {
      // A full LevelDB must be opened anew, so it is not asked for what cannot fit.
      const { freeBytes } = this.#space;
      if (freeBytes !== null && freeBytes < this.tables.frozenBytes()) {
        throw new NoSpaceError('the disk has no room for the flush of a memtable');
      }
      await this.#deps.kv.untilWritable?.();
      await this.tables.flush(() => this.horizon());
      this.#frozenCount -= 1;
      this.#wakeWriters();
      this.#compact();
      await this.#releaseSegments();
      await this.#space.look();
      // What came meanwhile may have filled the next one.
      const isFull = this.tables.memtableBytes() >= this.#options.memtableBytes;
      if (isFull && !this.#isReplaying && !this.#isClosed) this.#freeze();
    }
  }

  /** Joins runs until none should be joined. A failure is the store's, unless there was no room: the next flush tries again. */
  #compact(): void {
    if (this.#isReplaying || this.#isClosed) return;
    this.#compacting ??= this.#compactAll().finally(() => {
      this.#compacting = null;
    });
    this.#compacting.catch((error: unknown) => {
      if (!isNoSpace(error)) this.#fail(asError(error));
    });
  }

  async #compactAll(): Promise<void> {
    const horizon = (): number => this.horizon();
    // Old runs and new ones are there together for a while, and LevelDB joins its own files meanwhile.
    const roomBytes = (): number => (this.#space.freeBytes ?? Infinity) / 2;
    while (!this.#isClosed && (await this.tables.compactNext(horizon, roomBytes()))) {
      this.#wakeWriters();
      await this.#space.look();
    }
  }

  /** Flushes, and joins all runs of each partition of these tables; forgets all that may be forgotten. */
  async compactTables(tableIds: readonly TableId[]): Promise<void> {
    await this.flush();
    for (const tableId of tableIds) {
      await this.tables
        .compactTable(tableId, () => this.horizon())
        .catch((error: unknown) => {
          if (!isNoSpace(error)) this.#fail(asError(error));
          throw error;
        });
      this.#wakeWriters();
    }
  }

  #wakeWriters(): void {
    for (const resolve of this.#roomWaiters.splice(0)) resolve();
  }

  /**
   * A segment may go once its rows' flush and one further flush are complete, and both sides have it durable: so a
   * damaged newest flush can always be redone from the journal.
   */
  async #releaseSegments(): Promise<void> {
    const flushedTwice = this.#previousReplayFrom;
    this.#previousReplayFrom = this.tables.flushed?.replayFrom ?? [];
    // Nobody has said yet whether there is a peer, and what it has.
    if (this.#isReplaying) return;
    const ownBounds = new Map<IncarnationId, number>();
    const copyBounds = new Map<IncarnationId, number>();
    for (const entry of flushedTwice) {
      if (entry.origin === this.nodeId) {
        const confirmed = this.#hasPeer ? (this.#confirmed.get(entry.incarnation) ?? 0) : Infinity;
        ownBounds.set(entry.incarnation, Math.min(entry.sequence, confirmed));
      } else {
        const durable = this.#originDurable.get(entry.incarnation) ?? 0;
        copyBounds.set(entry.incarnation, Math.min(entry.sequence, durable));
      }
    }
    await this.own.releaseBefore(ownBounds, this.#options.retainBytes);
    await this.#copy?.releaseBefore(copyBounds, 0);
  }

  #vector(sequenceOf: (origin: NodeId, incarnation: IncarnationId) => number): PositionVector {
    const entries: (Position & { origin: NodeId })[] = [];
    for (const journal of [this.own, this.#copy]) {
      if (journal === null) continue;
      for (const { id } of journal.incarnations()) {
        const sequence = sequenceOf(journal.origin, id);
        // Only the sequence matters for replay; hashes are the journals' own business.
        entries.push({ origin: journal.origin, incarnation: id, sequence, hash: '' });
      }
    }
    return entries;
  }

  // ---- confirmation and horizon ----

  /** A peer is configured: own segments then wait for its confirmation before they go. */
  expectPeer(): void {
    this.#hasPeer = true;
  }

  /** The peer has everything up to `sequence` of this own incarnation durable (may go back: the peer says so). */
  setConfirmed(incarnation: IncarnationId, sequence: number): void {
    this.#confirmed.set(incarnation, sequence);
  }

  /** The origin of the copy says that it has everything up to `sequence` durable itself. */
  setOriginDurable(incarnation: IncarnationId, sequence: number): void {
    this.#originDurable.set(incarnation, sequence);
  }

  /** The version at or below which everything of ours is durable and applied here; no later stamp is at or below it. */
  ownBound(): number {
    const received = this.own.incarnations().at(-1)!.received.sequence;
    const applied = this.applied(this.nodeId, this.#incarnation);
    if (applied === received) this.#ownBound = this.versions.advance();
    return this.#ownBound;
  }
  #ownBound = 0;

  /** The peer announced: "all my records at or below this are sent", and all before the announcement is applied here. */
  announcePeerBound(version: number): void {
    this.#peerBound = Math.max(this.#peerBound, version);
  }

  /** While older incarnations are not agreed on, a lost tail may still bring old versions: the horizon stands still. */
  setHorizonHeld(isHeld: boolean): void {
    this.#isHorizonHeld = isHeld;
  }

  /** Nothing can arrive any more at or below this version, from either origin. Never goes back. */
  horizon(): number {
    if (!this.#isHorizonHeld) {
      const own = this.ownBound();
      const bound = this.#hasPeer ? Math.min(own, this.#peerBound) : own;
      this.#horizon = Math.max(this.#horizon, bound);
    }
    return this.#horizon;
  }

  // ---- versions ----

  /** Stamps are refused above the synced mark; this renews the mark in good time and resolves when a stamp is allowed. */
  async ensureMark(): Promise<void> {
    while (this.versions.needsMark() !== null) await this.#writeMark();
  }

  async #writeMark(): Promise<void> {
    this.#markWrite ??= (async () => {
      const mark = this.versions.markFor(MARK_AHEAD_MS);
      const bytes = new Uint8Array(8);
      new DataView(bytes.buffer).setFloat64(0, mark, true);
      await this.saveLocal(KEY_MARK, bytes, { sync: true });
      this.versions.markSynced(mark);
      this.own.setVersionMark(mark);
    })().finally(() => {
      this.#markWrite = null;
    });
    await this.#markWrite;
  }

  // ---- node-local facts ----

  async loadLocal(name: string): Promise<Uint8Array | undefined> {
    return this.#deps.kv.get(localKey(name));
  }

  async saveLocal(name: string, value: Uint8Array, options: { sync: boolean }): Promise<void> {
    await this.#deps.kv.batch([{ type: 'put', key: localKey(name), value }], options);
  }

  /** Flushes nothing: the journals have everything. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#ageTimer?.cancel();
    this.#heldFlush?.cancel();
    this.#deps.kv.endWaits?.();
    await this.#space.stop();
    this.#wakeWriters();
    // A flush under way stops in the middle: the journals have its rows.
    await this.tables.close();
    await this.#flushing?.catch(() => undefined);
    await this.#compacting?.catch(() => undefined);
    await this.#markWrite?.catch(() => undefined);
    await this.own.close();
    await this.#copy?.close();
  }

  // ---- recovery ----

  async #openCopyJournal(peer: NodeId): Promise<RecoveryReport> {
    const opened = await Journal.open(
      journalDeps(this.#deps, this.#space),
      journalOptions(this.#options, peer),
    );
    this.#copy = opened.journal;
    this.#watch(opened.journal);
    return opened.report;
  }

  #watch(journal: Journal): void {
    journal.onFailure((error) => this.#fail(error));
    journal.onRoomChange(() => this.#onJournalRoom());
  }

  #onJournalRoom(): void {
    this.#isJournalWaiting = this.own.isWaitingForRoom || this.#copy?.isWaitingForRoom === true;
    this.#tellDisk();
    this.#wakeWriters();
  }

  #fail(error: Error): void {
    if (this.#failure !== null) return;
    if (this.#isClosed && (error instanceof JobStoppedError || isNoSpace(error))) return;
    this.#failure = new StoreFailedError('the store failed and must be restarted', {
      cause: error,
    });
    this.#wakeWriters();
    this.#onFailure(this.#failure);
  }

  async #replay(): Promise<number> {
    this.#isReplaying = true;
    this.#flushedTo = positions(this.tables.flushed?.vector ?? []);
    this.#highestApplied = this.tables.flushed?.highestVersion ?? 0;
    const replayFrom = positions(this.tables.flushed?.replayFrom ?? []);
    const streams: Stream[] = [];
    for (const journal of [this.own, this.#copy]) {
      if (journal === null) continue;
      for (const { id } of journal.incarnations()) {
        const from = replayFrom.get(key(journal.origin, id)) ?? 0;
        const records = recordsIn(journal, id, from, REPLAY_CHUNK_BYTES);
        this.#applied.set(key(journal.origin, id), from);
        streams.push({ origin: journal.origin, incarnation: id, records, head: null });
      }
    }
    for (const stream of streams) await advance(stream);

    const pacer = new Pacer(this.#deps.timers);
    let count = 0;
    for (;;) {
      const stream = lowestVersion(streams);
      if (stream === null) break;
      const record = stream.head!;
      const { origin, incarnation } = stream;
      const id = key(origin, incarnation);
      const flushed = this.#flushedTo.get(id) ?? 0;
      if (record.sequence > flushed) {
        while (!this.prepare(origin, incarnation, record)) await pacer.turn();
      }
      this.#replayRecord(id, origin, record, flushed);
      this.#applied.set(id, record.sequence);
      if (record.version > this.#highestApplied) this.#highestApplied = record.version;
      count += 1;
      if (this.tables.memtableBytes() >= this.#options.memtableBytes) await this.flush();
      if (pacer.spend(REPLAYED_RECORD_UNITS + record.bytes.length * REPLAYED_BYTE_UNITS)) {
        await pacer.turn();
      }
      await advance(stream);
    }
    this.#isReplaying = false;
    return count;
  }

  /** At or below the flushed position only what later records refer to is needed again: open parts and schemas. */
  #replayRecord(id: string, origin: NodeId, record: RecordView, flushed: number): void {
    if (record.sequence > flushed) {
      this.#applyPrepared(id, origin, record);
    } else if (record.kind === RecordKind.part) {
      this.#stash(id).add(record);
    } else if (record.kind === RecordKind.commit || record.kind === RecordKind.abort) {
      this.#stash(id).drop(record);
    }
  }

  async #openIncarnation(): Promise<void> {
    const stored = await this.loadLocal(KEY_MARK);
    const localMark =
      stored === undefined
        ? 0
        : new DataView(stored.buffer, stored.byteOffset, 8).getFloat64(0, true);
    const journalMark = Math.max(this.own.markMaxVersion(), this.#copy?.markMaxVersion() ?? 0);
    const floor = Math.max(
      localMark,
      journalMark,
      this.#highestApplied,
      this.tables.flushed?.highestVersion ?? 0,
    );
    this.#hadMark = localMark > 0 || this.own.markMaxVersion() > 0;
    this.versions.setFloor(floor);
    await this.ensureMark();

    const id = new Uint8Array(8);
    this.#deps.random.fill(id);
    this.#incarnation = Buffer.from(id).toString('hex');
    const newest = this.own.incarnations().at(-1);
    const parent = newest === undefined ? null : newest.durable;
    const opened = await this.own.beginIncarnation(this.#incarnation, parent, this.versions.next());
    this.#ownKey = key(this.nodeId, this.#incarnation);
    this.#applied.set(this.#ownKey, opened.sequence);
  }
}

function isLarge(body: Uint8Array): boolean {
  if (body.length > LATE_WRITE_BYTES_MAX) return true;
  return countRows(body, LATE_WRITE_ROWS_MAX) >= LATE_WRITE_ROWS_MAX;
}

function key(origin: NodeId, incarnation: IncarnationId): string {
  return `${origin}/${incarnation}`;
}

function localKey(name: string): Uint8Array {
  return Buffer.from(LOCAL_PREFIX + name, 'latin1');
}

function positions(vector: PositionVector): Map<string, number> {
  return new Map(vector.map((entry) => [key(entry.origin, entry.incarnation), entry.sequence]));
}

function journalDeps(deps: StoreDeps, space: DiskSpace): JournalDeps {
  const { disk, clock, random, timers } = deps;
  return { disk, clock, random, timers, onAllocated: () => void space.look() };
}

function journalOptions(options: StoreOptions, origin: NodeId): JournalOptions {
  return {
    folder: `${options.journalFolder}/${origin}`,
    origin,
    segmentBytes: options.segmentBytes,
    maxRecordBytes: options.maxRecordBytes,
    tailBytes: tailBytesFor(options.memtableBytes),
  };
}

/** Newest records that each of a node's journals keeps in memory, for a peer that is not far behind. */
export function tailBytesFor(memtableBytes: number): number {
  return Math.min(TAIL_BYTES_MAX, Math.max(TAIL_BYTES_MIN, memtableBytes / 4));
}

async function advance(stream: Stream): Promise<void> {
  const next = await stream.records.next();
  stream.head = next.done === true ? null : next.value;
}

function lowestVersion(streams: readonly Stream[]): Stream | null {
  let lowest: Stream | null = null;
  for (const stream of streams) {
    if (stream.head === null) continue;
    if (lowest === null || stream.head.version < lowest.head!.version) lowest = stream;
  }
  return lowest;
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
