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
import type { Acknowledgement } from './appended-writes.js';
import {
  ADMISSION_WAITERS_MAX,
  LAG_READY_MS,
  LAG_UNREADY_MS,
  STANDING_SAVE_MS,
  SYNC_WINDOW_BYTES,
  type ReplicationConfig,
} from './config.js';
import { NEEDS_BOOTSTRAP, RefusedError, type JournalPoint } from './errors.js';
import { Gate } from './gate.js';
import type { GateBudget } from './gate-state.js';
import type { HandshakeIdentity, LocalQuestion, LocalStanding } from './handshake.js';
import type { StandingMessage } from './handshake-messages.js';
import { LinkedPeer } from './linked-peer.js';
import { JournaledMultiPartWrite, type MultiPartWrite } from './multi-part-write.js';
import { PeerClaims } from './peer-claims.js';
import { PeerLink, type MadeLink } from './peer-link.js';
import { clusterIdOf, linkKeyOf } from './proof.js';
import { Readiness, type ReadinessAnswer } from './readiness.js';
import { Receiver } from './receiver.js';
import type { ReplicaStore } from './replica-store.js';
import type { ReplicationLog } from './replication-log.js';
import { SavedFacts } from './saved-facts.js';
import type {
  LinkState,
  PeerPoints,
  ReplicationFault,
  ReplicationState,
  ReplicationStatus,
} from './status.js';
import type { Transport } from './transport.js';
import { WritePath, type WriteBody, type WriteOptions } from './write-path.js';

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

export class ReplicaNode {
  readonly #deps: ReplicaNodeDeps;
  readonly #config: ReplicationConfig;
  readonly #gate: Gate;
  readonly #path: WritePath;
  readonly #facts: SavedFacts;
  readonly #claims: PeerClaims;
  readonly #receiver: Receiver;
  readonly #readiness: Readiness;
  readonly #peerLink: PeerLink | null;
  readonly #identity: Omit<HandshakeIdentity, 'nonce' | 'peerNodeId'>;
  readonly #readinessListeners: ((answer: ReadinessAnswer) => void)[] = [];
  readonly #budgetWaiters: (() => void)[] = [];
  #linked: LinkedPeer | null = null;
  /** Settles when nothing of the last link runs any more. */
  #linkDone: Promise<void> = Promise.resolve();
  /** Ends the link there is, or is about to be. */
  #endLink: () => void = () => undefined;
  #peerNodeId: NodeId | null;
  #budget: GateBudget;
  #refusal: RefusedError | null = null;
  #lastError: ReplicationFault | null = null;
  #linksTotal = 0;
  #peerPoints: PeerPoints = { received: null, durable: null, applied: null };
  #otherBranchSeenMs = -Infinity;
  #strangerSeenMs = -Infinity;
  #ticker: Timer | null = null;
  #lastSaveMs = 0;
  #hasFailed = false;
  #isStopped = false;

  /** Reads what the last start left behind; nothing runs before `start`. */
  static async open(deps: ReplicaNodeDeps, config: ReplicationConfig): Promise<ReplicaNode> {
    const facts = await SavedFacts.load(deps.store, {
      mayBeNew: config.peer !== null && !config.isAlone,
      wallMs: deps.clock.wallMs(),
    });
    return new ReplicaNode(deps, config, facts);
  }

  private constructor(deps: ReplicaNodeDeps, config: ReplicationConfig, facts: SavedFacts) {
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
    this.#peerNodeId = store.copy?.origin ?? null;
    this.#facts = facts;
    facts.onFailure((error) => {
      this.#fail(error);
    });
    this.#claims = new PeerClaims(store, facts.standing);
    this.#budget = { bytes: config.rpoBytes, spanMs: config.rpoSpanMs };
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
        mode: facts.mode,
        isLeaving: facts.isLeaving,
        sequence: store.own.incarnation(store.incarnation)!.received.sequence,
        recoveredBytes: this.#claims.recoveredBytes,
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
        saveMode: ({ mode, isLeaving }) => facts.saveMode(mode, isLeaving),
        onBeyondBudget: (bytes) => facts.ledger.count(bytes),
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
        standStill: (peer, signal) => this.#standStill(peer, signal),
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
    await this.#endKnownEnds();
    if (this.#peerLink === null) {
      this.#deps.store.setHorizonHeld(false);
      this.#tick();
      return;
    }
    this.#deps.store.expectPeer();
    this.#claims.useAll();
    this.#path.waitForPeer(this.#facts.isNew);
    // Without a peer from the beginning: `degrade_after` runs from now on, whether or not anybody writes.
    this.#path.linked(false);
    await this.#peerLink.start();
    this.#tick();
  }

  /**
   * Incarnations whose end was agreed on before this start are ended again: their journals forget that, and keep the last segment until
   * then. Without a peer nobody can bring back a tail, so every older one has ended.
   */
  async #endKnownEnds(): Promise<void> {
    const { store } = this.#deps;
    for (const journal of [store.own, store.copy]) {
      for (const { id } of journal?.incarnations() ?? []) {
        if (id === store.incarnation) continue;
        const isAgreed = this.#facts.standing.agreedEnd(journal!.origin, id) !== null;
        if (isAgreed || this.#config.peer === null) await store.agreeEnd(journal!.origin, id);
      }
    }
  }

  // ---- writing ----

  /** The whole write path. See WritePath.write for how it ends. */
  write(kind: 'write' | 'ddl', body: WriteBody, options: WriteOptions): Promise<Acknowledgement> {
    return this.#path.write(kind, body, options);
  }

  /** A `write` of so many record bytes and schemas would be appended in this turn: it waits for nothing, and fits the budget in force. */
  admitsNow(recordBytes: number, schemaCount: number): boolean {
    return this.#path.admitsNow(recordBytes, schemaCount);
  }

  /** A write larger than one record. */
  beginMultiPart(options: WriteOptions): MultiPartWrite {
    return new JournaledMultiPartWrite(this.#path, options);
  }

  /** Appends an expiry record (body: storage's `encodeExpiryBody`): it counts nothing at the gate. False = not now. */
  expire(body: Uint8Array): boolean {
    return this.#path.expire(body);
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
    if (!this.#hasFailed) await this.#facts.saveChanges({ sync: true });
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
  async #standStill(peer: NodeId, signal: AbortSignal): Promise<LocalStanding> {
    const { store, clock } = this.#deps;
    this.#endLink();
    await this.#linkDone;
    await this.#receiver.settled(signal);
    const nowMs = this.#nowMs();
    const isSeenLately = (atMs: number): boolean => nowMs - atMs < this.#config.deadAfterMs;
    return {
      wallMs: clock.wallMs(),
      highestVersion: store.versions.highest,
      hasClaims: this.#facts.standing.hasClaims,
      lineage: this.#facts.lineage,
      chain: store.own.incarnations().map((info) => ({
        incarnation: info.id,
        parent: info.parent,
        first: info.first,
        sequence: info.received.sequence,
        hash: info.received.hash,
        isAgreed: this.#facts.standing.agreedEnd(store.nodeId, info.id) !== null,
      })),
      known: (store.copy?.incarnations() ?? []).map((info) => ({
        incarnation: info.id,
        first: info.first,
        sequence: info.durable.sequence,
        hash: info.durable.hash,
        isAgreed: this.#facts.standing.agreedEnd(peer, info.id) !== null,
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
    this.#linkDone = this.#runLink(link).catch((error: unknown) => {
      // The copy could not be opened, or what we know of the peer not be kept.
      link.connection.destroy();
      this.#fail(error);
    });
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
    if (this.#facts.isNew) {
      await this.#facts.setNew(false);
      this.#path.waitForPeer(false);
    }
    if (isOver || this.#isStopped || this.#hasFailed) {
      link.connection.close();
      return;
    }
    this.#claims.replace(peer);
    this.#tellGate();
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
        standing: this.#facts.standing,
        saveStanding: () => this.#facts.saveStanding(),
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

  #onConfirmed(incarnation: IncarnationId): void {
    this.#claims.use(incarnation);
    this.#tellGate();
  }

  #onVoided(reason: string): void {
    this.#note('VOID', `the peer says that what it confirmed is void: ${reason}`);
    this.#deps.log.error('peer void', { reason });
    this.#claims.void();
    this.#tellGate();
  }

  #tellGate(): void {
    this.#path.confirmed(this.#claims.forGate);
  }

  /** Records of the peer, or returned ones of ours, moved on. */
  #onProgress(origin: NodeId, incarnation: IncarnationId): void {
    const { store } = this.#deps;
    if (origin === store.nodeId) {
      // What the peer returned, it has.
      const { durable } = this.#receiver.progressOf(store.own, incarnation);
      this.#facts.standing.advance(incarnation, durable);
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
      this.#claims.replace(peer);
      this.#tellGate();
    }
  }

  #note(code: string, message: string): void {
    this.#lastError = { code, message, atMs: this.#deps.clock.wallMs() };
  }

  // ---- time ----

  #tick(): void {
    this.#look();
    const nowMs = this.#nowMs();
    if (nowMs - this.#lastSaveMs >= STANDING_SAVE_MS) {
      this.#lastSaveMs = nowMs;
      void this.#facts.saveChanges({ sync: false });
    }
    if (this.#isStopped || this.#hasFailed) return;
    this.#path.renewMark();
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
        isNew: this.#facts.isNew,
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
    const { mode } = this.#gate.state;
    if (mode !== this.#facts.ledger.mode) {
      this.#facts.ledger.note(mode, this.#deps.clock.wallMs());
      this.#deps.log.warn('gate', { mode: this.#gate.state.mode });
      void this.#facts.saveChanges({ sync: false });
    }
    if (this.#budgetWaiters.length > 0 && this.#gate.fits) {
      for (const waiter of this.#budgetWaiters.splice(0)) waiter();
    }
  }

  // ---- status ----

  status(): ReplicationStatus {
    const { store } = this.#deps;
    const state = this.#gate.state;
    const linked = this.#linked;
    const nowMs = this.#nowMs();
    const points = linked?.peerPoints ?? this.#peerPoints;
    const copy = this.#copyPoints();
    const claim = this.#claims.sequence;
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
      ledger: this.#facts.ledger.rows,
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

function pointOf(position: Position): JournalPoint {
  return { incarnation: position.incarnation, sequence: position.sequence };
}
