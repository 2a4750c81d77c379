/** The words of the gate: what it is told, what it answers, and all it remembers. The rules are in gate.ts. */

export type PeerLossPolicy = 'block' | 'degrade';
export type GateMode = 'gated' | 'degraded' | 'released';
/** Why an acknowledgement went beyond the budget. */
export type AcknowledgementWarning = 'degraded' | 'released';

export interface GateOptions {
  /** False: standalone. Everything passes once durable, nothing is pending. */
  readonly hasPeer: boolean;
  readonly onPeerLoss: PeerLossPolicy;
  readonly degradeAfterMs: number;
  /** `rpo_wait_timeout`. */
  readonly waitTimeoutMs: number;
  /** With a budget of 0: the most bytes that may be under way to the peer's disk. */
  readonly syncWindowBytes: number;
  /** Requests that may queue for admission. */
  readonly waitersMax: number;
}

export interface GateBudget {
  /** `rpo_bytes`; 0 = synchronous. */
  readonly bytes: number;
  /** `rpo_span`, or null when off. */
  readonly spanMs: number | null;
}

export type RequestId = number;

export type GateEffect =
  /** The reservation is made: append now, or give it back with `release`. */
  | { readonly type: 'granted'; readonly request: RequestId }
  | { readonly type: 'notApplied'; readonly request: RequestId; readonly reason: NotAppliedCause }
  /** Apply every record up to and including this sequence, in order. */
  | { readonly type: 'visible'; readonly through: number }
  | {
      readonly type: 'acknowledged';
      readonly sequence: number;
      readonly warning: AcknowledgementWarning | null;
    }
  | { readonly type: 'unconfirmed'; readonly sequence: number }
  /** Bring this to stable storage, in the order of tickets, then call `persisted(ticket)`. */
  | {
      readonly type: 'persist';
      readonly ticket: number;
      readonly mode: GateMode;
      readonly isLeaving: boolean;
    };

export type NotAppliedCause = 'timeout' | 'queue-full';

export interface GateRequest {
  readonly id: RequestId;
  readonly bytes: number;
  readonly deadlineMs: number;
}

/** A record of the current incarnation that is not yet visible, or visible and not yet answered. */
export interface GateEntry {
  readonly sequence: number;
  /** Counted bytes of the incarnation up to and including this record. */
  readonly endBytes: number;
  /** The session's own limit; null = the server's. */
  readonly sessionBytes: number | null;
  /** Someone waits for an answer. */
  isWaiting: boolean;
  /** When the wait ends with `unconfirmed`; Infinity until it is durable here. */
  deadlineMs: number;
}

/** Plain data, so that a test can copy and compare it. */
export interface GateState {
  budgetBytes: number;
  spanMs: number | null;
  isLinked: boolean;
  /** The peer went back behind what it had confirmed and has not caught up with it. */
  isUnprotected: boolean;
  /** Since when the peer is lost (not linked, or unprotected); null while it is there. */
  lostAtMs: number | null;
  mode: GateMode;
  /** While leaving `degraded` or `released`: records above this sequence are gated. */
  leavingAfter: number | null;
  /** The mode that waits for its `persisted`. */
  entering: { readonly mode: 'degraded' | 'released'; readonly ticket: number } | null;
  ticket: number;
  /** visible <= durable <= appended; confirmed <= appended. */
  appended: number;
  durable: number;
  visible: number;
  confirmed: number;
  /** Counted bytes appended in this incarnation, and how many of them are not confirmed. */
  totalBytes: number;
  pendingBytes: number;
  /** Counted bytes of own older incarnations that are not confirmed. */
  recoveredBytes: number;
  reservedBytes: number;
  /** Granted and not yet appended or released. */
  reservations: { readonly id: RequestId; readonly bytes: number }[];
  requests: GateRequest[];
  /** Appended and not yet visible, in sequence order. */
  entries: GateEntry[];
  /** Visible, but behind a stricter session's gate; in sequence order. */
  sessions: GateEntry[];
  /** Durable and not answered at once, in order of deadline; may still hold entries answered since. */
  waiting: GateEntry[];
  /** Entries of `waiting` that nobody has answered yet. */
  waitingCount: number;
}

export interface GateStart {
  /** As persisted before the restart; 'gated' on a new node. */
  readonly mode: GateMode;
  readonly isLeaving: boolean;
  /** Sequence of the opening record, which is durable and visible already. */
  readonly sequence: number;
  /** Counted bytes of own older incarnations beyond the persisted confirmed positions. */
  readonly recoveredBytes: number;
}

/** What the peer says it has durable. */
export interface GateClaim {
  /** Of the current incarnation. */
  readonly sequence: number;
  /** Counted bytes of the current incarnation above `sequence`. */
  readonly pendingBytes: number;
  /** Counted bytes of older incarnations that are not confirmed. */
  readonly recoveredBytes: number;
  /** It has less than it once said. */
  readonly isUnprotected: boolean;
}
