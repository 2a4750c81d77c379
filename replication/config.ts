/** The settings of replication, in bytes and milliseconds, and the limits that nobody configures. */

import type { NodeId } from '../storage/index.js';
import type { PeerLossPolicy } from './gate-state.js';

export interface ReplicationConfig {
  readonly nodeId: NodeId;
  /** Null: standalone, no gate. Otherwise what both nodes share. */
  readonly peer: PeerConfig | null;
  /** A new data directory may serve without having met its peer (`init --alone`). */
  readonly isAlone: boolean;
  /** `rpo_bytes`; 0 = synchronous. */
  readonly rpoBytes: number;
  /** `rpo_span`; null = off. */
  readonly rpoSpanMs: number | null;
  readonly rpoWaitTimeoutMs: number;
  readonly onPeerLoss: PeerLossPolicy;
  readonly degradeAfterMs: number;
  readonly heartbeatMs: number;
  readonly deadAfterMs: number;
  readonly startupPeerWaitMs: number;
  readonly readyAloneAfterMs: number;
  /** Must be the same on both nodes. */
  readonly maxRecordBytes: number;
  /** Bytes a second that catching up may use; null = off. */
  readonly catchupBytesPerSecond: number | null;
}

export interface PeerConfig {
  /** Shared secret; proves both nodes to each other. */
  readonly secret: string;
  /** From `init`; null = derived from the secret. */
  readonly clusterId: string | null;
}

/** The defaults of design and documentation. */
export const REPLICATION_DEFAULTS = {
  isAlone: false,
  rpoBytes: 64 * 1024 * 1024,
  rpoSpanMs: null,
  rpoWaitTimeoutMs: 5_000,
  onPeerLoss: 'block',
  degradeAfterMs: 30_000,
  heartbeatMs: 1_000,
  deadAfterMs: 5_000,
  startupPeerWaitMs: 10_000,
  readyAloneAfterMs: 10_000,
  maxRecordBytes: 8 * 1024 * 1024,
  catchupBytesPerSecond: null,
} as const satisfies Omit<ReplicationConfig, 'nodeId' | 'peer'>;

/** With a budget of 0: the most bytes under way to the peer's disk. Two of the largest records keep the pipe full. */
export const SYNC_WINDOW_BYTES = 16 * 1024 * 1024;
/** Statements that may wait for the budget. */
export const ADMISSION_WAITERS_MAX = 65_536;
/** Records go to the socket in pieces of at most this. */
export const PIECE_BYTES_MAX = 256 * 1024;
/** Record bytes under way to a receiver that has not yet made them durable and applied them. Holds the largest record and more. */
export const CREDIT_RECORDS = 2;
/** Intervals of degraded or released state that are remembered. */
export const LEDGER_ROWS_MAX = 1_000;
/** How often a changed confirmed position is written down. */
export const STANDING_SAVE_MS = 1_000;
/** Pauses between dials: doubled from the first to the last. */
export const REDIAL_FIRST_MS = 100;
export const REDIAL_LAST_MS = 2_000;
/** Lag that makes a node unready, and lag at which it is ready again. */
export const LAG_UNREADY_MS = 10_000;
export const LAG_READY_MS = 2_000;
