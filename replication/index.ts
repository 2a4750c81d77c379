/** The whole public face of replication/. Nobody imports past it. */

export { ReplicaNode, type ReplicaNodeDeps } from './replica-node.js';
export { REPLICATION_DEFAULTS, type PeerConfig, type ReplicationConfig } from './config.js';
export type { Acknowledgement } from './appended-writes.js';
export type { WriteBody, WriteOptions } from './write-path.js';
export type { MultiPartWrite } from './multi-part-write.js';
export type { AcknowledgementWarning, GateBudget, PeerLossPolicy } from './gate-state.js';
export type { ReadinessAnswer, ReadinessState } from './readiness.js';
export type {
  LedgerRow,
  LinkState,
  ReplicationFault,
  ReplicationState,
  ReplicationStatus,
} from './status.js';
export type { ReplicationLog } from './replication-log.js';
export type { ReplicaJournal, ReplicaStore } from './replica-store.js';
export type { Connection, Transport } from './transport.js';
export { TcpTransport, type SocketRead, type TcpTransportOptions } from './tcp-transport.js';
export {
  DiskFullError,
  LinkProtocolError,
  NotAppliedError,
  OutcomeUnknownError,
  RecordTooLargeError,
  RefusedError,
  UnconfirmedError,
  type JournalPoint,
  type NotAppliedReason,
  type RefusalName,
} from './errors.js';
