/** The whole public face of storage/. Nobody imports past it. */

export type {
  BackgroundWorkers,
  Clock,
  Disk,
  DiskFile,
  KeyRange,
  KeyValueOperation,
  KeyValueSnapshot,
  KeyValueStore,
  OpenOptions,
  Random,
  SnapshotStore,
  Timer,
  Timers,
} from './ports.js';
export {
  ZERO_HASH,
  type IncarnationId,
  type NodeId,
  type Position,
  type PositionVector,
  type RollingHash,
} from './position.js';
export {
  VECTOR_ROWS_MAX,
  type BytesVector,
  type DictionaryVector,
  type Integer64Vector,
  type NumberVector,
  type TimeVector,
  type Vector,
} from './vector.js';
export {
  ColumnRole,
  ColumnType,
  type ColumnId,
  type SchemaId,
  type StoredColumn,
  type TableId,
  type TableSchema,
} from './table-schema.js';

export { CorruptionError } from './corruption-error.js';
export { JournalFailedError, ReplicationDataError, SegmentGoneError } from './journal-errors.js';
export {
  RECORD_HEADER_BYTES,
  RecordKind,
  encodeRecord,
  isGatedKind,
  isRecordFault,
  nextHash,
  parseRecord,
  recordBytesOf,
  type RecordFault,
  type RecordView,
} from './record.js';
export {
  decodeOpeningBody,
  encodeAbortBody,
  encodeCommitBody,
  encodeOpeningBody,
  encodePartPrefix,
} from './record-bodies.js';
export { LAID_OUT_BYTES_MIN, LaidOutBody } from './laid-out-body.js';
export { Journal, type IncarnationInfo, type RecoveryReport, type Seal } from './journal.js';
export { VersionClock, versionParts } from './version-clock.js';

export { kernelModule } from './kernel-module.js';
export { RowBatch } from './row-batch.js';
export { TupleMemory, type TableSeries } from './tuple-memory.js';
export { decodeExpiryBody, encodeExpiryBody, type TableExpiry } from './expiry-body.js';
export { fitsPartition } from './partition-choice.js';
export {
  decodeSchemaBody,
  encodeSchemaBody,
  encodeWriteBody,
  rangeTombstoneSection,
  schemaIdOf,
  type RangeTombstone,
} from './write-body.js';
export type { ScanBatch, ScanPart, ScanRequest, SeriesSet, TableEstimate } from './scan-request.js';
export { TableStore } from './table-store.js';
export { OwnWrites } from './own-writes.js';
export type { ReadView, StagedView } from './read-view.js';

export {
  Store,
  StoreFailedError,
  type StoreDeps,
  type StoreOptions,
  type StoreReport,
} from './store.js';
export type { StateMachine } from './state-machine.js';
export type { BackgroundStatus, DiskStatus } from './store-upkeep.js';
export { isNoSpace } from './no-space-error.js';
export { ReopeningStore, type ReopeningStoreDeps } from './reopening-store.js';
export { WriteLatch } from './write-latch.js';
export { ThreadWorkers, type ThreadWorkersOptions } from './thread-workers.js';
export {
  classicLevelBytesToOpen,
  classicLevelStore,
  nodeDisk,
  systemClock,
  systemRandom,
  systemTimers,
} from './node-adapters.js';
export { inspectStore, type StoreInspection, type TableInspection } from './store-inspection.js';
export {
  inspectJournal,
  type IncarnationInspection,
  type JournalInspection,
} from './journal-inspection.js';
export { BackupError } from './backup-error.js';
export { writeBackup, type BackupProgress, type BackupResult } from './backup.js';
export type { BackupManifest } from './backup-manifest.js';
export { LINEAGE_FACT, restoreBackup, verifyBackup, type RestoreProgress } from './restore.js';
