/**
 * Replication of one node, put together: the write path and its gate, the link to the peer, what comes from it, readiness and status.
 *
 *             write()                        frames
 *   clients ----------> WritePath (gate) <---------- LinkSession <--> peer
 *                           |   ^ confirmed             |   ^
 *                     append|   |                records|   |confirm, heartbeat
 *                           v   |                       v   |
 *                        own journal ---> Sender     Receiver ---> copy journal, tables
 *
 * This file decides nothing by itself that has a rule of its own; it carries events from one part to the other.
 */

import { pack, unpack } from 'msgpackr';
import type {
  Clock,
  IncarnationId,
  NodeId,
  Position,
  Random,
  RollingHash,
  Timer,
  Timers,
} from '../storage/index.js';
import {
  ADMISSION_WAITERS_MAX,
  LAG_READY_MS,
  LAG_UNREADY_MS,
  STANDING_SAVE_MS,
  SYNC_WINDOW_BYTES,
  type ReplicationConfig,
} from './config.js';
import { DegradedLedger } from './degraded-ledger.js';
import { NEEDS_BOOTSTRAP, RefusedError, type JournalPoint } from './errors.js';
import { Gate, type GateBudget, type GateEffect, type GateMode } from './gate.js';
import type { HandshakeIdentity, LocalQuestion, LocalStanding } from './handshake.js';
import type { StandingMessage } from './handshake-messages.js';
import { LinkedPeer } from './linked-peer.js';
import { JournaledMultiPartWrite, type MultiPartWrite } from './multi-part-write.js';
import { PeerLink, type MadeLink } from './peer-link.js';
import { clusterIdOf, linkKeyOf } from './proof.js';
import { Readiness, type ReadinessAnswer } from './readiness.js';
import { Receiver } from './receiver.js';
import type { ReplicaStore } from './replica-store.js';
import type { ReplicationLog } from './replication-log.js';
import { Standing } from './standing.js';
import type {
  LinkState,
  PeerPoints,
  ReplicationFault,
  ReplicationState,
  ReplicationStatus,
} from './status.js';
import type { Transport } from './transport.js';
import { WritePath, type Acknowledgement, type WriteBody, type WriteOptions } from './write-path.js';

export interface ReplicaNodeDeps {
  readonly store: ReplicaStore;
  /** Null: standalone. */
  readonly transport: Transport | null;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: ReplicationLog;
  /** Called once: a journal or the store failed. The process must stop; clients are cut off without an answer. */
  readonly onFailure: (error: Error) => void;
}

const KEY_GATE = 'replication/gate';
const KEY_LEDGER = 'replication/ledger';
const KEY_STANDING = 'replication/standing';
/** One byte: 1 while a new data directory has not learned its peer's versions. */
const KEY_NEW = 'replication/new';

export class ReplicaNode {
  readonly #deps: ReplicaNodeDeps;
  readonly #config: ReplicationConfig;
  readonly #gate: Gate;
  readonly #path: WritePath;
  readonly #standing: Standing;
  readonly #ledger: DegradedLedger;
  readonly #receiver: Receiver;
  readonly #readiness: Readiness;
  readonly #peerLink: PeerLink | null;
  readonly #identity: Omit<HandshakeIdentity, 'nonce' | 'peerNodeId'>;
  readonly #readinessListeners: ((answer: ReadinessAnswer) => void)[] = [];
  readonly #budgetWaiters: (() => void)[] = [];
  /** Counted bytes of each own older incarnation that the peer has not confirmed. */
  readonly #recovered = new Map<IncarnationId, number>();
  #linked: LinkedPeer | null = null;
  /** Settles when nothing of the last link runs any more. */
  #linkDone: Promise<void> = Promise.resolve();
  /** Ends the link there is, or is about to be. */
  #endLink: () => void = () => undefined;
  #peerNodeId: NodeId | null;
  #isNew: boolean;
  #budget: GateBudget;
  #refusal: RefusedError | null = null;
  #lastError: ReplicationFault | null = null;
  #linksTotal = 0;
  #peerPoints: PeerPoints = { received: null, durable: null, applied: null };
  #otherBranchSeenMs = -Infinity;
  #strangerSeenMs = -Infinity;
  #ticker: Timer | null = null;
  #lastSaveMs = 0;
  #saving: Promise<void> = Promise.resolve();
  #hasFailed = false;
  #isStopped = false;

  /** Reads what the last start left behind; nothing runs before `start`. */
  static async open(deps: ReplicaNodeDeps, config: ReplicationConfig): Promise<ReplicaNode> {
    const { store } = deps;
    const hasPeer = config.peer !== null;
    const gate = await store.loadLocal(KEY_GATE);
    const ledger = await store.loadLocal(KEY_LEDGER);
    const standing = await store.loadLocal(KEY_STANDING);
    const marked = await store.loadLocal(KEY_NEW);
    const wasNew = marked === undefined ? !store.hadMark : marked[0] === 1;
    const isNew = wasNew && hasPeer && !config.isAlone;
    await saveNew(store, isNew);
    return new ReplicaNode(deps, config, { gate, ledger, standing, isNew });
  }

  private constructor(deps: ReplicaNodeDeps, config: ReplicationConfig, saved: SavedState) {
    this.#deps = deps;
    this.#config = config;
    const { store, clock, timers } = deps;
    const nowMs = clock.monotonicMs();
    const secret = config.peer?.secret ?? '';
    this.#identity = {
      nodeId: config.nodeId,
      clusterId: config.peer?.clusterId ?? clusterIdOf(secret),
      linkKey: linkKeyOf(secret),
      maxRecordBytes: config.maxRecordBytes,
    };
    this.#isNew = saved.isNew;
    this.#peerNodeId = store.copy?.origin ?? null;
    this.#standing = new Standing(saved.standing);
    this.#standing.keepClaims(new Set(store.own.incarnations().map((info) => info.id)));
    this.#ledger = new DegradedLedger(saved.ledger, clock.wallMs());
    this.#budget = { bytes: config.rpoBytes, spanMs: config.rpoSpanMs };

    for (const info of store.own.incarnations()) {
      if (info.id === store.incarnation) continue;
      const bytes = store.own.pendingBytes(info.id, this.#standing.claimOf(info.id));
      if (bytes > 0) this.#recovered.set(info.id, bytes);
    }
    const [mode, isLeaving] =
      saved.gate === undefined ? (['gated', false] as const) : (unpack(saved.gate) as SavedGate);
    this.#gate = new Gate(
      {
        hasPeer: config.peer !== null,
        onPeerLoss: config.onPeerLoss,
        degradeAfterMs: config.degradeAfterMs,
        waitTimeoutMs: config.rpoWaitTimeoutMs,
        syncWindowBytes: Math.max(SYNC_WINDOW_BYTES, 2 * config.maxRecordBytes),
        waitersMax: ADMISSION_WAITERS_MAX,
      },
      this.#budget,
      {
        mode,
        isLeaving,
        sequence: store.own.incarnation(store.incarnation)!.received.sequence,
        recoveredBytes: this.#recoveredBytes,
      },
      nowMs,
    );
    this.#path = new WritePath(
      {
        store,
        gate: this.#gate,
        clock,
        timers,
        onAppended: () => this.#linked?.wake(),
        onGateMoved: () => this.#onGateMoved(),
        saveMode: (effect) => this.#saveMode(effect),
        onBeyondBudget: (bytes) => this.#ledger.count(bytes),
        onFailure: (error) => this.#fail(error),
      },
      { maxRecordBytes: config.maxRecordBytes },
    );
    this.#receiver = new Receiver({
      store,
      clock,
      timers,
      onProgress: (origin, incarnation) => this.#onProgress(origin, incarnation),
      onFailure: (error) => this.#fail(error),
    });
    this.#readiness = new Readiness(
      {
        nodeId: config.nodeId,
        hasPeer: config.peer !== null,
        startupPeerWaitMs: config.startupPeerWaitMs,
        readyAloneAfterMs: config.readyAloneAfterMs,
        lagUnreadyMs: LAG_UNREADY_MS,
        lagReadyMs: LAG_READY_MS,
      },
      nowMs,
    );
    this.#peerLink = this.#makePeerLink();
    store.own.onFailure((error) => this.#fail(error));
    store.copy?.onFailure((error) => this.#fail(error));
    store.own.onSeal((seal) => this.#linked?.sealed(seal));
  }

  #makePeerLink(): PeerLink | null {
    const { transport, clock, timers, random, log } = this.#deps;
    if (transport === null || this.#config.peer === null) return null;
    return new PeerLink(
      {
        transport,
        clock,
        timers,
        random,
        log,
        identity: () => ({ ...this.#identity, peerNodeId: this.#peerNodeId }),
        standStill: (peer) => this.#standStill(peer),
        hashOf: (question) => this.#hashOf(question),
        onLink: (link) => this.#onLink(link),
        onTrouble: (error) => this.#onTrouble(error),
        onRefused: (error, isStranger, peer) => this.#onRefused(error, isStranger, peer),
      },
      { handshakeTimeoutMs: this.#config.deadAfterMs },
    );
  }

  /**
   * Listens for the peer and dials it; does not wait for it (`readiness` tells when to serve). Rejects when the address to
   * listen on cannot be had.
   */
  async start(): Promise<void> {
    if (this.#peerLink === null) {
      this.#deps.store.setHorizonHeld(false);
      this.#tick();
      return;
    }
    this.#deps.store.expectPeer();
    for (const info of this.#deps.store.own.incarnations()) {
      this.#deps.store.setConfirmed(info.id, this.#standing.claimOf(info.id));
    }
    this.#path.waitForPeer(this.#isNew);
    await this.#peerLink.start();
    this.#tick();
  }

  // ---- writing ----

  /** The whole write path. See WritePath.write for how it ends. */
  write(kind: 'write' | 'ddl', body: WriteBody, options: WriteOptions): Promise<Acknowledgement> {
    return this.#path.write(kind, body, options);
  }

  /** A write larger than one record. */
  beginMultiPart(options: WriteOptions): MultiPartWrite {
    return new JournaledMultiPartWrite(this.#path, options);
  }

  /** `SET GLOBAL rpo_bytes / rpo_span`: in force at once. Resolves to true when what is pending fits, to false when it did not in time. */
  async setBudget(budget: GateBudget): Promise<boolean> {
    this.#budget = budget;
    this.#path.setBudget(budget);
    if (this.#gate.fits) return true;
    await new Promise<void>((resolve) => {
      const timer = this.#deps.timers.after(this.#config.rpoWaitTimeoutMs, resolve);
      this.#budgetWaiters.push(() => {
        timer.cancel();
        resolve();
      });
    });
    return this.#gate.fits;
  }

  /** The operator's "go on alone". Without effect while standalone. */
  releasePeer(): void {
    this.#path.releasePeer();
  }

  // ---- readiness ----

  /** Should clients be served here? */
  isReady(): ReadinessAnswer {
    return this.#readiness.answer;
  }

  onReadiness(listener: (answer: ReadinessAnswer) => void): void {
    this.#readinessListeners.push(listener);
  }

  // ---- the end ----

  /** Unready at once; takes no new write; waits for those under way, at most `drainMs`; ends the link. The store is the caller's to close. */
  async stop(options: { readonly drainMs: number }): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#readiness.stop(this.#nowMs());
    this.#tellReadiness();
    await this.#path.drain(options.drainMs);
    this.#ticker?.cancel();
    this.#receiver.stop();
    this.#endLink();
    await this.#linkDone;
    await this.#peerLink?.stop();
    await this.#path.close(new Error('the node was stopped'));
    if (!this.#hasFailed) this.#save(true);
    await this.#saving;
  }

  /** The store failed: nothing is answered any more, and the link says that our confirmations are void. */
  fail(error: Error): void {
    this.#fail(error);
  }

  #fail(cause: unknown): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    const error = cause instanceof Error ? cause : new Error(String(cause));
    this.#note('NODE_FAILED', error.message);
    this.#deps.log.error('replication failed', { error });
    this.#ticker?.cancel();
    this.#receiver.stop();
    // Ended gently, so that the word still gets out.
    this.#linked?.sayVoid(error.message);
    this.#endLink();
    void this.#peerLink?.stop();
    void this.#path.close(error);
    this.#readiness.stop(this.#nowMs());
    this.#tellReadiness();
    this.#deps.onFailure(error);
  }

  // ---- the link ----

  /** Ends the link there is and waits until nothing is in flight; then where this node stands does not move. */
  async #standStill(peer: NodeId): Promise<LocalStanding> {
    const { store, clock } = this.#deps;
    this.#endLink();
    await this.#linkDone;
    await this.#receiver.settled();
    const nowMs = this.#nowMs();
    const isSeenLately = (atMs: number): boolean => nowMs - atMs < this.#config.deadAfterMs;
    return {
      wallMs: clock.wallMs(),
      highestVersion: store.versions.highest,
      hasClaims: this.#standing.hasClaims,
      chain: store.own.incarnations().map((info) => ({
        incarnation: info.id,
        parent: info.parent,
        first: info.first,
        sequence: info.received.sequence,
        hash: info.received.hash,
        isAgreed: this.#standing.agreedEnd(store.nodeId, info.id) !== null,
      })),
      known: (store.copy?.incarnations() ?? []).map((info) => ({
        incarnation: info.id,
        first: info.first,
        sequence: info.durable.sequence,
        hash: info.durable.hash,
        isAgreed: this.#standing.agreedEnd(peer, info.id) !== null,
      })),
      isOtherBranchAlive: isSeenLately(this.#otherBranchSeenMs),
      wasStrangerSeen: isSeenLately(this.#strangerSeenMs),
    };
  }

  async #hashOf(question: LocalQuestion): Promise<RollingHash | null> {
    const { store } = this.#deps;
    const journal = question.journal === 'own' ? store.own : store.copy;
    return (await journal?.hashAt(question.incarnation, question.sequence)) ?? null;
  }

  #onLink(link: MadeLink): Promise<void> {
    this.#linkDone = this.#runLink(link);
    return this.#linkDone;
  }

  async #runLink(link: MadeLink): Promise<void> {
    const { store } = this.#deps;
    let isOver = false;
    this.#endLink = () => {
      isOver = true;
      void this.#linked?.end(null);
    };
    const { peerNodeId, peer } = link.result;
    const copy = store.copy ?? (await store.openCopy(peerNodeId));
    if (this.#peerNodeId === null) copy.onFailure((error) => this.#fail(error));
    this.#receiver.watchCopy(copy);
    this.#peerNodeId = peerNodeId;
    store.versions.observe(peer.highestVersion);
    if (this.#isNew) {
      await saveNew(store, false);
      this.#isNew = false;
      this.#path.waitForPeer(false);
    }
    if (isOver || this.#isStopped || this.#hasFailed) {
      link.connection.close();
      return;
    }
    this.#replaceClaims(peer);
    this.#refusal = null;
    this.#linksTotal += 1;
    const linked = new LinkedPeer(
      {
        store,
        copy,
        clock: this.#deps.clock,
        timers: this.#deps.timers,
        log: this.#deps.log,
        receiver: this.#receiver,
        standing: this.#standing,
        saveStanding: () => this.#saveStanding(true),
        readiness: () => this.#readiness.said,
        onConfirmed: (incarnation) => this.#onConfirmed(incarnation),
        onVoided: (reason) => this.#onVoided(reason),
        onMoved: () => this.#look(),
        onFailure: (error) => this.#fail(error),
      },
      this.#config,
      link,
    );
    this.#linked = linked;
    this.#deps.log.info('linked', { peer: peerNodeId, link: link.result.link });
    this.#path.linked(true);
    this.#look();
    const error = await linked.run();
    this.#linked = null;
    this.#otherBranchSeenMs = this.#nowMs();
    this.#peerPoints = linked.peerPoints;
    if (error !== null) this.#onTrouble(error);
    this.#deps.log.warn('link ended', { peer: peerNodeId, error });
    this.#path.linked(false);
    this.#look();
  }

  /** The peer's word at the handshake is all that counts from now on, downwards too. */
  #replaceClaims(peer: StandingMessage): void {
    const { store } = this.#deps;
    const claims = new Map<IncarnationId, number>();
    for (const info of store.own.incarnations()) {
      const known = peer.known.find((entry) => entry.incarnation === info.id);
      const agreed = peer.known.length > 0 ? this.#standing.agreedEnd(store.nodeId, info.id) : null;
      const sequence = known?.sequence ?? agreed ?? 0;
      claims.set(info.id, Math.min(sequence, info.received.sequence));
    }
    this.#standing.replace(claims);
    this.#useClaims();
  }

  #useClaims(): void {
    const { store } = this.#deps;
    for (const info of store.own.incarnations()) {
      const claim = this.#standing.claimOf(info.id);
      store.setConfirmed(info.id, claim);
      if (info.id !== store.incarnation) {
        this.#recovered.set(info.id, store.own.pendingBytes(info.id, claim));
      }
    }
    this.#tellGate();
  }

  #onConfirmed(incarnation: IncarnationId): void {
    const { store } = this.#deps;
    const claim = this.#standing.claimOf(incarnation);
    store.setConfirmed(incarnation, claim);
    if (incarnation !== store.incarnation) {
      this.#recovered.set(incarnation, store.own.pendingBytes(incarnation, claim));
    }
    this.#tellGate();
  }

  #tellGate(): void {
    const { store } = this.#deps;
    const sequence = this.#standing.claimOf(store.incarnation);
    this.#path.confirmed({
      sequence,
      pendingBytes: store.own.pendingBytes(store.incarnation, sequence),
      recoveredBytes: this.#recoveredBytes,
      isUnprotected: this.#standing.isUnprotected,
    });
  }

  get #recoveredBytes(): number {
    let bytes = 0;
    for (const each of this.#recovered.values()) bytes += each;
    return bytes;
  }

  #onVoided(reason: string): void {
    this.#note('VOID', `the peer says that what it confirmed is void: ${reason}`);
    this.#deps.log.error('peer void', { reason });
    this.#standing.replace(new Map());
    this.#useClaims();
  }

  /** Records of the peer, or returned ones of ours, moved on. */
  #onProgress(origin: NodeId, incarnation: IncarnationId): void {
    const { store } = this.#deps;
    if (origin === store.nodeId) {
      // What the peer returned, it has.
      const { durable } = this.#receiver.progressOf(store.own, incarnation);
      this.#standing.advance(incarnation, durable);
      this.#onConfirmed(incarnation);
    }
    this.#linked?.progress(origin, incarnation);
  }

  // ---- trouble ----

  #onTrouble(error: Error): void {
    const code = 'code' in error && typeof error.code === 'string' ? error.code : 'LINK';
    this.#note(code, error.message);
  }

  #onRefused(error: RefusedError, isStranger: boolean, peer: StandingMessage | null): void {
    if (isStranger) this.#strangerSeenMs = this.#nowMs();
    // The branch that was always known is alive as well, and is refused only for the other's sake.
    else if (error.refusal === 'cloned-node' && !error.isByPeer) {
      this.#otherBranchSeenMs = this.#nowMs();
    }
    if (this.#refusal?.refusal !== error.refusal) {
      this.#deps.log.error('link refused', { refusal: error.refusal, error });
    }
    this.#refusal = error;
    this.#note(error.refusal, error.message);
    // A peer that lost what it had confirmed protects nothing, linked or not. Of a clone nobody knows which one is meant.
    if (peer !== null && error.refusal !== 'cloned-node' && NEEDS_BOOTSTRAP.has(error.refusal)) {
      this.#replaceClaims(peer);
    }
  }

  #note(code: string, message: string): void {
    this.#lastError = { code, message, atMs: this.#deps.clock.wallMs() };
  }

  // ---- time ----

  #tick(): void {
    this.#look();
    if (this.#nowMs() - this.#lastSaveMs >= STANDING_SAVE_MS) this.#save(false);
    if (this.#isStopped || this.#hasFailed) return;
    this.#ticker = this.#deps.timers.after(this.#config.heartbeatMs, () => this.#tick());
  }

  /** Lets readiness look at the world. */
  #look(): void {
    const linked = this.#linked;
    const changed = this.#readiness.observe(
      {
        isLinked: linked !== null,
        peerNodeId: this.#peerNodeId,
        peer: linked?.peerReadiness ?? null,
        isCaughtUp: linked?.isCaughtUp ?? false,
        lagMs: linked?.lagMs ?? 0,
        isNew: this.#isNew,
      },
      this.#nowMs(),
    );
    if (changed) this.#tellReadiness();
  }

  #tellReadiness(): void {
    const { answer } = this.#readiness;
    const level = answer.isAlone ? 'warn' : 'info';
    this.#deps.log[level]('readiness', { ...answer });
    for (const listener of this.#readinessListeners) listener(answer);
    this.#linked?.beat();
  }

  #onGateMoved(): void {
    if (this.#ledger.note(this.#gate.state.mode, this.#deps.clock.wallMs())) {
      this.#deps.log.warn('gate', { mode: this.#gate.state.mode });
      this.#save(false);
    }
    if (this.#budgetWaiters.length > 0 && this.#gate.fits) {
      for (const waiter of this.#budgetWaiters.splice(0)) waiter();
    }
  }

  // ---- what must outlive a restart ----

  async #saveMode(effect: GateEffect & { readonly type: 'persist' }): Promise<void> {
    const saved: SavedGate = [effect.mode, effect.isLeaving];
    await this.#deps.store.saveLocal(KEY_GATE, pack(saved), { sync: true });
  }

  #save(sync: boolean): void {
    this.#lastSaveMs = this.#nowMs();
    if (this.#standing.isDirty) void this.#saveStanding(sync);
    if (!this.#ledger.isDirty) return;
    const ledger = this.#ledger.encode();
    this.#enqueueSave(() => this.#deps.store.saveLocal(KEY_LEDGER, ledger, { sync }));
  }

  #saveStanding(sync: boolean): Promise<void> {
    const standing = this.#standing.encode();
    return this.#enqueueSave(() => this.#deps.store.saveLocal(KEY_STANDING, standing, { sync }));
  }

  #enqueueSave(save: () => Promise<void>): Promise<void> {
    this.#saving = this.#saving.then(save).catch((error: unknown) => this.#fail(error));
    return this.#saving;
  }

  // ---- status ----

  status(): ReplicationStatus {
    const { store } = this.#deps;
    const state = this.#gate.state;
    const linked = this.#linked;
    const nowMs = this.#nowMs();
    const points = linked?.peerPoints ?? this.#peerPoints;
    const copy = this.#copyPoints();
    const claim = this.#standing.claimOf(store.incarnation);
    return {
      state: this.#stateName(),
      linkState: this.#linkState,
      nodeId: this.#config.nodeId,
      peerNodeId: this.#peerNodeId,
      incarnation: store.incarnation,
      budgetBytes: this.#budget.bytes,
      budgetSpanMs: this.#budget.spanMs,
      pendingBytes: this.#gate.pendingBytes,
      pendingSpanMs: this.#gate.spanMs(nowMs),
      position: { incarnation: store.incarnation, sequence: state.appended },
      peerReceived: points.received,
      peerDurable: points.durable ?? this.#claimedPoint(claim),
      peerApplied: points.applied,
      ...copy,
      lagMs: linked?.lagMs ?? null,
      blockedSessions: this.#gate.blockedCount,
      blockedMsTotal: this.#path.blockedMsTotal,
      isDegraded: state.mode !== 'gated',
      clockOffsetMs: linked?.clock?.offsetMs ?? null,
      roundTripMs: linked?.clock?.roundTripMs ?? null,
      lastError: this.#lastError,
      refusal: this.#refusal?.refusal ?? null,
      needsBootstrap: this.#refusal !== null && NEEDS_BOOTSTRAP.has(this.#refusal.refusal),
      linkNumber: linked?.link ?? null,
      linksTotal: this.#linksTotal,
      rejectedConnectionsTotal: this.#peerLink?.rejectedTotal ?? 0,
      ledger: this.#ledger.rows,
    };
  }

  #stateName(): ReplicationState {
    const { mode, isUnprotected } = this.#gate.state;
    if (this.#config.peer === null) return 'standalone';
    if (mode !== 'gated') return mode;
    if (isUnprotected) return 'unprotected';
    const link = this.#linkState;
    return link === 'none' ? 'lost' : link;
  }

  get #linkState(): LinkState {
    if (this.#peerLink === null) return 'none';
    if (this.#linked !== null) return this.#linked.isCaughtUp ? 'linked' : 'catching-up';
    return this.#refusal === null ? 'lost' : 'refused';
  }

  #claimedPoint(claim: number): JournalPoint | null {
    return claim === 0 ? null : { incarnation: this.#deps.store.incarnation, sequence: claim };
  }

  #copyPoints(): Pick<ReplicationStatus, 'copyReceived' | 'copyDurable' | 'copyApplied'> {
    const { copy } = this.#deps.store;
    const info = copy?.incarnations().at(-1);
    if (copy === null || info === undefined) {
      return { copyReceived: null, copyDurable: null, copyApplied: null };
    }
    const applied = this.#deps.store.applied(copy.origin, info.id);
    return {
      copyReceived: pointOf(info.received),
      copyDurable: pointOf(info.durable),
      copyApplied: { incarnation: info.id, sequence: applied },
    };
  }

  #nowMs(): number {
    return this.#deps.clock.monotonicMs();
  }
}

interface SavedState {
  readonly gate: Uint8Array | undefined;
  readonly ledger: Uint8Array | undefined;
  readonly standing: Uint8Array | undefined;
  readonly isNew: boolean;
}

type SavedGate = [mode: GateMode, isLeaving: boolean];

function pointOf(position: Position): JournalPoint {
  return { incarnation: position.incarnation, sequence: position.sequence };
}

async function saveNew(store: ReplicaStore, isNew: boolean): Promise<void> {
  await store.saveLocal(KEY_NEW, Uint8Array.of(isNew ? 1 : 0), { sync: true });
}
