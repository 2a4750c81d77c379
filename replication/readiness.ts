/**
 * Should clients be served here? A pure state machine; time and the state of the link come in, the answer goes out.
 *
 *            link within startup_peer_wait            caught up
 *   starting ------------------------------> catching ---------------------------> ready <------+
 *      | none: ready, alone (loud)             | ^    | both wait: the lower id        | |      | lag is back to normal
 *      v                                  lost | | up | after ready_alone_after        | v      |
 *    ready                                     v |    +------------------------------->| lagging
 *                                            alone --- ready_alone_after (loud) ------>+
 *
 * Rules that it keeps:
 * - Lag makes a node unready only while its peer is linked. A ready node whose link is lost stays ready.
 * - Never both. For lag, a ready node may only become unready on the peer's *grant*. It asks with a number (`want`); a ready peer
 *   answers with that number (`grant`) and from then on may not leave for lag itself until the asker is ready again. Granting
 *   voids one's own request, so that two crossing grants are both void. Where both want to leave, only the lower id grants: it stays.
 * - Hysteresis: unready above LAG_UNREADY_MS, ready again below LAG_READY_MS.
 * - A new data directory is unready until it has learned its peer's versions.
 */

import type { NodeId } from '../storage/index.js';

export type ReadinessState =
  'starting' | 'catching-up' | 'alone' | 'ready' | 'lagging' | 'stopping';

export interface ReadinessOptions {
  readonly nodeId: NodeId;
  readonly hasPeer: boolean;
  readonly startupPeerWaitMs: number;
  readonly readyAloneAfterMs: number;
  readonly lagUnreadyMs: number;
  readonly lagReadyMs: number;
}

/** What the peer's latest heartbeat said. */
export interface PeerReadiness {
  readonly isReady: boolean;
  /** Number of the request to become unready; 0 = none. */
  readonly want: number;
  /** Number of our request that it grants; 0 = none. */
  readonly grant: number;
}

/** The world at one moment. */
export interface ReadinessView {
  readonly isLinked: boolean;
  readonly peerNodeId: NodeId | null;
  /** From a heartbeat of this link that is not older than `dead_after`; null otherwise. */
  readonly peer: PeerReadiness | null;
  /** Everything the peer had at the handshake is applied and all ends are agreed. */
  readonly isCaughtUp: boolean;
  readonly lagMs: number;
  /** A new data directory that has not yet learned its peer's versions. */
  readonly isNew: boolean;
}

export interface ReadinessAnswer {
  readonly ready: boolean;
  readonly state: ReadinessState;
  readonly reason: string;
  /** Serving without having heard from the peer: to be said loudly. */
  readonly isAlone: boolean;
}

export class Readiness {
  readonly #options: ReadinessOptions;
  #state: ReadinessState;
  #sinceMs: number;
  #isAlone = false;
  #lastWant = 0;
  /** Our open request; 0 = none. */
  #want = 0;
  /** The peer's request that we have granted and that still binds us; 0 = none. */
  #grant = 0;

  constructor(options: ReadinessOptions, nowMs: number) {
    this.#options = options;
    this.#state = options.hasPeer ? 'starting' : 'ready';
    this.#sinceMs = nowMs;
  }

  /** For our heartbeats. */
  get said(): PeerReadiness {
    return { isReady: this.#isReady, want: this.#want, grant: this.#grant };
  }

  get answer(): ReadinessAnswer {
    const reason = REASONS[this.#state];
    return { ready: this.#isReady, state: this.#state, reason, isAlone: this.#isAlone };
  }

  stop(nowMs: number): void {
    this.#become('stopping', nowMs);
  }

  /** Looks at the world; true when the answer changed. */
  observe(view: ReadinessView, nowMs: number): boolean {
    const before = this.#state;
    if (this.#state === 'stopping' || !this.#options.hasPeer) return false;
    this.#grantOrNot(view);
    this.#step(view, nowMs);
    return this.#state !== before;
  }

  #step(view: ReadinessView, nowMs: number): void {
    const waitedMs = nowMs - this.#sinceMs;
    switch (this.#state) {
      case 'starting':
        if (view.isLinked) this.#become('catching-up', nowMs);
        else if (waitedMs >= this.#options.startupPeerWaitMs && !view.isNew) this.#goAlone(nowMs);
        return;
      case 'catching-up':
        if (!view.isLinked) this.#become('alone', nowMs);
        else if (view.isCaughtUp && view.lagMs <= this.#options.lagReadyMs) this.#beReady(nowMs);
        else if (this.#isLower(view) && view.peer?.isReady === false) {
          if (waitedMs >= this.#options.readyAloneAfterMs) this.#goAlone(nowMs);
        }
        return;
      case 'alone':
        if (view.isLinked) this.#become('catching-up', nowMs);
        else if (waitedMs >= this.#options.readyAloneAfterMs && !view.isNew) this.#goAlone(nowMs);
        return;
      case 'ready':
        if (view.isLinked) this.#isAlone = false;
        this.#leaveOrNot(view, nowMs);
        return;
      case 'lagging':
        if (!view.isLinked) this.#become('alone', nowMs);
        else if (view.lagMs <= this.#options.lagReadyMs) this.#beReady(nowMs);
        // The peer is about to stop, or never kept its word: somebody must serve.
        else if (view.peer?.isReady === false) this.#beReady(nowMs);
        return;
      case 'stopping':
        return;
    }
  }

  /** Ready, and behind: ask; with the grant, go. */
  #leaveOrNot(view: ReadinessView, nowMs: number): void {
    const isBehind = view.isLinked && view.lagMs > this.#options.lagUnreadyMs;
    if (!isBehind || this.#grant !== 0) {
      this.#want = 0;
      return;
    }
    if (this.#want === 0) {
      this.#lastWant += 1;
      this.#want = this.#lastWant;
    }
    if (view.peer?.isReady === true && view.peer.grant === this.#want) {
      this.#become('lagging', nowMs);
    }
  }

  #grantOrNot(view: ReadinessView): void {
    const { peer } = view;
    // Without a link lag makes nobody unready, so a grant binds nobody.
    if (!view.isLinked || peer === null) {
      if (!view.isLinked) this.#grant = 0;
      return;
    }
    if (this.#grant !== 0 && peer.isReady && peer.want !== this.#grant) this.#grant = 0;
    if (peer.want === 0 || peer.want === this.#grant || !peer.isReady) return;
    const isInTrouble = view.lagMs > this.#options.lagUnreadyMs;
    if (this.#state === 'ready' && (!isInTrouble || this.#isLower(view))) {
      this.#grant = peer.want;
      this.#want = 0;
    }
  }

  #isLower(view: ReadinessView): boolean {
    return view.peerNodeId !== null && this.#options.nodeId < view.peerNodeId;
  }

  get #isReady(): boolean {
    return this.#state === 'ready';
  }

  #beReady(nowMs: number): void {
    this.#isAlone = false;
    this.#become('ready', nowMs);
  }

  #goAlone(nowMs: number): void {
    this.#isAlone = true;
    this.#become('ready', nowMs);
  }

  #become(state: ReadinessState, nowMs: number): void {
    this.#state = state;
    this.#sinceMs = nowMs;
    this.#want = state === 'lagging' ? this.#want : 0;
  }
}

const REASONS: Readonly<Record<ReadinessState, string>> = {
  starting: 'waiting for the peer after the start',
  'catching-up': 'catching up with the peer',
  alone: 'the peer was lost before this node had caught up',
  ready: 'serving',
  lagging: 'behind the peer',
  stopping: 'stopping',
};
