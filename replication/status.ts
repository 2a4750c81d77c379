/** What `SHOW STATUS LIKE 'repl_%'`, SHOW RPO, /status and /metrics say: one plain object. */

import type { IncarnationId, NodeId } from '../storage/index.js';
import type { AcknowledgementWarning } from './gate-state.js';
import type { JournalPoint, RefusalName } from './errors.js';

/** In order of precedence: what the operator must know first. */
export type ReplicationState =
  | 'standalone'
  | 'degraded'
  | 'released'
  | 'unprotected'
  | 'refused'
  | 'lost'
  | 'catching-up'
  | 'linked';

/** The link alone, whatever the gate does. */
export type LinkState = 'none' | 'refused' | 'lost' | 'catching-up' | 'linked';

export interface ReplicationStatus {
  /** repl_state */
  readonly state: ReplicationState;
  readonly linkState: LinkState;
  readonly nodeId: NodeId;
  readonly peerNodeId: NodeId | null;
  readonly incarnation: IncarnationId;
  readonly budgetBytes: number;
  readonly budgetSpanMs: number | null;
  /** repl_pending_bytes: what would be lost if this node died now. */
  readonly pendingBytes: number;
  /** repl_pending_span_ms; Infinity for records of an earlier start. */
  readonly pendingSpanMs: number;
  /** The newest own record. */
  readonly position: JournalPoint;
  /** repl_peer_received, repl_peer_durable, repl_peer_applied: of this node's journal; null before the peer said anything. */
  readonly peerReceived: JournalPoint | null;
  readonly peerDurable: JournalPoint | null;
  readonly peerApplied: JournalPoint | null;
  /** What this node has of the peer's journal. */
  readonly copyReceived: JournalPoint | null;
  readonly copyDurable: JournalPoint | null;
  readonly copyApplied: JournalPoint | null;
  /** repl_lag_ms: how far this node is behind its peer; null while not linked. */
  readonly lagMs: number | null;
  /** repl_blocked_sessions and repl_blocked_ms_total: waiting at the gate. */
  readonly blockedSessions: number;
  readonly blockedMsTotal: number;
  /** repl_degraded: acknowledgements may go beyond the budget (degraded or released). */
  readonly isDegraded: boolean;
  /** repl_clock_offset_ms: the peer's clock minus ours; null until measured. */
  readonly clockOffsetMs: number | null;
  readonly roundTripMs: number | null;
  /** repl_last_error */
  readonly lastError: ReplicationFault | null;
  /** The refusal that stands between the nodes now, or null. */
  readonly refusal: RefusalName | null;
  readonly needsBootstrap: boolean;
  readonly linkNumber: number | null;
  readonly linksTotal: number;
  /** Connections dropped for garbage, wrong proofs and the like. */
  readonly rejectedConnectionsTotal: number;
  readonly ledger: readonly LedgerRow[];
}

export interface ReplicationFault {
  readonly code: string;
  readonly message: string;
  readonly atMs: number;
}

/** One interval in which acknowledgements could go beyond the budget. */
export interface LedgerRow {
  readonly kind: AcknowledgementWarning;
  readonly startedAtMs: number;
  /** Null while it lasts. */
  readonly endedAtMs: number | null;
  /** Record bytes acknowledged beyond the budget. */
  readonly bytes: number;
  readonly acknowledgements: number;
}

/** What the peer says of our newest incarnation that it has. */
export interface PeerPoints {
  readonly received: JournalPoint | null;
  readonly durable: JournalPoint | null;
  readonly applied: JournalPoint | null;
}
