/**
 * One node's persistence: two journals, the tables, the versions, and how they come back after a crash.
 *
 * The journals are the source of truth. A record is first durable in a journal and then applied to the tables in its
 * origin's order (record-applier.ts); what the tables have flushed is remembered as a vector of positions in the same synced batch as the
 * flushed rows, so that every record is applied exactly once however often the node dies (invariant 4).
 *
 * Recovery: load the manifest and the catalog snapshot, read both journals from the vector on, and apply (store-replay.ts). While the node
 * runs, store-upkeep.ts says when what is flushed and joined, and segment-release.ts which journal files may go.
 */

import assert from 'node:assert';
import { DiskSpace } from './disk-space.js';
import { JobStoppedError } from './job-deps.js';
import { Journal, type JournalDeps, type JournalOptions, type RecoveryReport } from './journal.js';
import { isNoSpace } from './no-space-error.js';
import type { BackgroundWorkers, Clock, Disk, KeyValueStore, Random, Timers } from './ports.js';
import type { IncarnationId, NodeId } from './position.js';
import type { RecordView } from './record.js';
import { type HeldIncarnation, RecordApplier } from './record-applier.js';
import { SegmentRelease } from './segment-release.js';
import { StableHorizon } from './stable-horizon.js';
import type { StateMachine } from './state-machine.js';
import { replayJournals } from './store-replay.js';
import { type BackgroundStatus, type DiskStatus, StoreUpkeep } from './store-upkeep.js';
import type { TableId } from './table-schema.js';
import { TableStore } from './table-store.js';
import { VersionClock } from './version-clock.js';

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

/** The mark runs this far ahead of the clock, so that a start rarely has to wait for one to be synced. */
const MARK_AHEAD_MS = 10_000;

const LOCAL_PREFIX = 'local/';
const KEY_MARK = 'version-mark';
const KEY_PEER = 'peer-node-id';

export class StoreFailedError extends Error {
  readonly code = 'STORE_FAILED';
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
  readonly #applier: RecordApplier;
  readonly #upkeep: StoreUpkeep;
  readonly #horizon: StableHorizon;
  readonly #release: SegmentRelease;
  #copy: Journal | null = null;
  #incarnation: IncarnationId = '';
  #isReplaying = false;
  #markWrite: Promise<void> | null = null;
  #failure: Error | null = null;
  #onFailure: (error: Error) => void = () => undefined;
  #isClosed = false;
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
    const { nodeId } = options;
    const { clock, timers } = deps;
    this.nodeId = nodeId;
    this.own = own;
    this.tables = tables;
    this.versions = versions;
    this.stateMachine = stateMachine;
    this.#space = space;
    const onFailure = (error: unknown): void => this.#fail(error);
    this.#applier = new RecordApplier({
      nodeId,
      tables,
      stateMachine,
      timers,
      onApplied: () => this.#upkeep.watchSize(),
      onFailure,
    });
    this.#horizon = new StableHorizon({ versions, isAllApplied: () => this.#isAllApplied });
    this.#release = new SegmentRelease(options.retainBytes);
    this.#upkeep = new StoreUpkeep(
      {
        tables,
        space,
        kv: deps.kv,
        clock,
        timers,
        horizon: () => this.#horizon.value(),
        state: () => this.#applier.state(this.#heldIncarnations()),
        onFlushed: () => this.#releaseSegments(),
        onFailure,
      },
      options,
    );
  }

  /**
   * Recovers what is on disk and opens a new incarnation, whose opening record is durable when this resolves. When it rejects, it has closed what
   * it opened, the workers included.
   */
  static async open(
    deps: StoreDeps,
    options: StoreOptions,
  ): Promise<{ store: Store; report: StoreReport }> {
    const opened: { close(): Promise<void> }[] = [];
    try {
      return await Store.#open(deps, options, opened);
    } catch (error) {
      // The last is made of all before it. What fails in the wake of the error says no more than that does.
      await opened
        .at(-1)
        ?.close()
        .catch(() => undefined);
      throw error;
    }
  }

  static async #open(
    deps: StoreDeps,
    options: StoreOptions,
    toClose: { close(): Promise<void> }[],
  ): Promise<{ store: Store; report: StoreReport }> {
    if (deps.workers !== undefined) toClose.push(deps.workers);
    const tables = await TableStore.open(
      {
        kv: deps.kv,
        timers: deps.timers,
        ...(deps.workers === undefined ? {} : { workers: deps.workers }),
      },
      { memtableBytes: options.memtableBytes, cacheBytes: options.cacheBytes },
    );
    toClose.push(tables);
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
    toClose.push(store);
    store.#watch(opened.journal);

    const peer = await store.loadLocal(KEY_PEER);
    let copyReport: RecoveryReport | null = null;
    if (peer !== undefined) copyReport = await store.#openCopyJournal(peer[0]!);

    const replayedRecords = await store.#replay();
    await store.#openIncarnation();
    if (diskReserveBytes !== undefined) await space.start();
    store.#upkeep.start();
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
    return this.#applier.prepare(origin, incarnation, record);
  }

  /** An own record that passed the gate. In sequence order. */
  applyOwn(record: RecordView): void {
    this.#applier.applyOwn(record);
  }

  /** A record of the peer that is durable here. In sequence order per incarnation. */
  applyPeer(incarnation: IncarnationId, record: RecordView): void {
    assert(this.#copy !== null, 'a peer record needs its journal');
    this.#applier.apply(this.#copy.origin, incarnation, record);
  }

  /** A lost record of an own older incarnation, durable here again. */
  applyReturned(incarnation: IncarnationId, record: RecordView): void {
    this.#applier.apply(this.nodeId, incarnation, record);
  }

  /** Highest applied sequence of an incarnation; 0 when none. */
  applied(origin: NodeId, incarnation: IncarnationId): number {
    return this.#applier.applied(origin, incarnation);
  }

  /** Both nodes agree that this incarnation ends at `position`: parts without a commit are orphans for ever. */
  agreeEnd(origin: NodeId, incarnation: IncarnationId): void {
    this.#applier.dropParts(origin, incarnation);
    const journal = origin === this.nodeId ? this.own : this.#copy;
    journal?.endIncarnation(incarnation).catch((error: unknown) => this.#fail(error));
  }

  #heldIncarnations(): HeldIncarnation[] {
    const held: HeldIncarnation[] = [];
    for (const journal of [this.own, this.#copy]) {
      if (journal === null) continue;
      const { origin } = journal;
      for (const { id } of journal.incarnations()) held.push({ origin, incarnation: id });
    }
    return held;
  }

  // ---- upkeep ----

  /** True while writes wait, a little or for long, because flushes or compactions lag behind. */
  get isStalled(): boolean {
    return this.#upkeep.isStalled;
  }

  /** No room for what clients write; what the peer sends and what frees space goes on. */
  get isDiskFull(): boolean {
    return this.#upkeep.isDiskFull;
  }

  /**
   * Resolves when a write may be admitted: after a delay in proportion to what has piled up, or when there is room again; and when the
   * disk is full, which the caller looks at.
   */
  untilRoom(): Promise<void> {
    return this.#upkeep.untilRoom();
  }

  /** For metrics. */
  diskStatus(): DiskStatus {
    return this.#upkeep.diskStatus();
  }

  /** Called when `isFull` or `isJournalWaiting` of the status has changed. */
  onDiskChange(listener: (status: DiskStatus) => void): void {
    this.#upkeep.onDiskChange(listener);
  }

  /** For metrics. */
  backgroundStatus(): BackgroundStatus {
    return this.#upkeep.backgroundStatus();
  }

  /**
   * Flushes everything applied so far; resolves when it is on disk as runs. `evenIfEmpty`: what has no rows, as a CREATE has none, is to
   * be on disk too. Rejects with NoSpaceError when it does not fit; it is then tried again by itself.
   */
  flush(options: { readonly evenIfEmpty?: boolean } = {}): Promise<void> {
    return this.#upkeep.flush(options);
  }

  /** Flushes, and joins all runs of each partition of these tables; forgets all that may be forgotten. */
  compactTables(tableIds: readonly TableId[]): Promise<void> {
    return this.#upkeep.compactTables(tableIds);
  }

  async #releaseSegments(): Promise<void> {
    this.#release.flushed(this.tables.flushed?.replayFrom ?? []);
    // Nobody has said yet whether there is a peer, and what it has.
    if (!this.#isReplaying) await this.#release.release(this.own, this.#copy);
  }

  // ---- confirmation and horizon ----

  /** A peer is configured: own segments then wait for its confirmation before they go. */
  expectPeer(): void {
    this.#release.expectPeer();
    this.#horizon.expectPeer();
  }

  /** The peer has everything up to `sequence` of this own incarnation durable (may go back: the peer says so). */
  setConfirmed(incarnation: IncarnationId, sequence: number): void {
    this.#release.setConfirmed(incarnation, sequence);
  }

  /** The origin of the copy says that it has everything up to `sequence` durable itself. */
  setOriginDurable(incarnation: IncarnationId, sequence: number): void {
    this.#release.setOriginDurable(incarnation, sequence);
  }

  /** The version at or below which everything of ours is durable and applied here; no later stamp is at or below it. */
  ownBound(): number {
    return this.#horizon.ownBound();
  }

  get #isAllApplied(): boolean {
    const received = this.own.incarnations().at(-1)!.received.sequence;
    return this.applied(this.nodeId, this.#incarnation) === received;
  }

  /** The peer announced: "all my records at or below this are sent", and all before the announcement is applied here. */
  announcePeerBound(version: number): void {
    this.#horizon.announcePeerBound(version);
  }

  /** While older incarnations are not agreed on, a lost tail may still bring old versions: the horizon stands still. */
  setHorizonHeld(isHeld: boolean): void {
    this.#horizon.setHeld(isHeld);
  }

  /** Nothing can arrive any more at or below this version, from either origin. Never goes back. */
  horizon(): number {
    return this.#horizon.value();
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
    this.#upkeep.stop();
    await this.#space.stop();
    // A flush under way stops in the middle: the journals have its rows.
    await this.tables.close();
    await this.#upkeep.idle();
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
    journal.onRoomChange(() => {
      const isCopyWaiting = this.#copy?.isWaitingForRoom === true;
      this.#upkeep.setJournalWaiting(this.own.isWaitingForRoom || isCopyWaiting);
    });
  }

  #fail(cause: unknown): void {
    if (this.#failure !== null) return;
    if (this.#isClosed && (cause instanceof JobStoppedError || isNoSpace(cause))) return;
    this.#failure = new StoreFailedError('the store failed and must be restarted', { cause });
    this.#upkeep.fail(this.#failure);
    this.#onFailure(this.#failure);
  }

  async #replay(): Promise<number> {
    this.#isReplaying = true;
    const journals = this.#copy === null ? [this.own] : [this.own, this.#copy];
    const count = await replayJournals(journals, this.#applier, this.#deps.timers, () =>
      this.#upkeep.flushIfFull(),
    );
    this.#isReplaying = false;
    return count;
  }

  async #openIncarnation(): Promise<void> {
    const stored = await this.loadLocal(KEY_MARK);
    const localMark =
      stored === undefined
        ? 0
        : new DataView(stored.buffer, stored.byteOffset, 8).getFloat64(0, true);
    const journalMark = Math.max(this.own.markMaxVersion(), this.#copy?.markMaxVersion() ?? 0);
    const floor = Math.max(localMark, journalMark, this.#applier.highestVersion);
    this.#hadMark = localMark > 0 || this.own.markMaxVersion() > 0;
    this.versions.setFloor(floor);
    await this.ensureMark();

    const id = new Uint8Array(8);
    this.#deps.random.fill(id);
    this.#incarnation = Buffer.from(id).toString('hex');
    const newest = this.own.incarnations().at(-1);
    const parent = newest === undefined ? null : newest.durable;
    const opened = await this.own.beginIncarnation(this.#incarnation, parent, this.versions.next());
    this.#applier.beginOwn(this.#incarnation, opened.sequence);
  }
}

function localKey(name: string): Uint8Array {
  return Buffer.from(LOCAL_PREFIX + name, 'latin1');
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
