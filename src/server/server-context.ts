/**
 * What the sessions of a node share, and all they know of it.
 *
 * A session turns statements into writes, reads and DDL; everything behind these interfaces (journal, gate, peer,
 * memtables, sockets) is put together elsewhere. In tests a context over an in-memory table store stands for a whole node.
 */

import type { ServerCounters } from '../../protocol/index.js';
import type {
  Acknowledgement,
  ReplicationStatus,
  WriteBody,
  WriteOptions,
} from '../../replication/index.js';
import type {
  Clock,
  DiskStatus,
  NodeId,
  Random,
  ReadView,
  TableId,
  Timers,
} from '../../storage/index.js';
import type { StatusValue } from '../catalog/status-variables.js';
import type { Catalog } from '../catalog/catalog.js';
import type { GlobalVariables } from '../catalog/global-variables.js';
import type { ProcessRow } from '../catalog/information-source.js';
import type { InsertGroups } from './insert-groups.js';
import type { DdlQueue } from './ddl-queue.js';
import type { StatementCounters } from './statement-counters.js';
import type { RowBatchPool } from './row-batch-pool.js';
import type { SeriesLimit } from './series-limit.js';
import type { TableGuards } from './table-guards.js';

/** The write path, from admission to acknowledgement. A ReplicaNode is one. */
export interface Writer {
  /**
   * Resolves when the record is durable, visible, and the gate has let it pass. Rejects with NotAppliedError,
   * UnconfirmedError, DiskFullError or what `validate` threw; with anything else the node is failing and the outcome unknown.
   */
  write(kind: 'write' | 'ddl', body: WriteBody, options: WriteOptions): Promise<Acknowledgement>;
  /** A `write` of so many record bytes and schemas would be appended in this turn: it waits for nothing, and fits the budget in force. */
  admitsNow(recordBytes: number, schemaCount: number): boolean;
  beginMultiPart(options: WriteOptions): PartedWrite;
}

/** A write larger than one record: shipped part by part, visible as a whole at its commit. */
export interface PartedWrite {
  /** Resolves when the part is durable here. When it rejects, nothing of the write was applied. */
  part(body: readonly Uint8Array[]): Promise<void>;
  /** Answers as `write` does. Requires at least one part. */
  commit(): Promise<Acknowledgement>;
  /** Without effect after the commit was appended, or after an abort. */
  abort(): Promise<void>;
}

export interface ServerLimits {
  readonly maxRecordBytes: number;
  /** A statement or transaction may hold half of it. */
  readonly memtableBytes: number;
  /** Width of a time partition of a new table that says none; 0 = chosen from its ttl or its rows. */
  readonly partitionMs: number;
  /** How long rows are kept where neither table nor database says; null = for ever. */
  readonly ttlMs: number | null;
  /** Also the longest text of a statement that is no INSERT ... VALUES. */
  readonly maxAllowedPacketBytes: number;
  /** What sorts, groups and DISTINCT of one query may hold. */
  readonly queryMemoryBytes: number;
}

export interface ServerContext {
  readonly nodeId: NodeId;
  /** As the greeting, VERSION() and @@version have it. */
  readonly version: string;
  /** What time_zone = SYSTEM stands for: an IANA name or an offset. */
  readonly systemTimeZone: string;
  readonly limits: ServerLimits;
  readonly clock: Clock;
  readonly random: Random;
  readonly timers: Timers;
  /** The state machine that the node's store applies ddl records to. */
  readonly catalog: Catalog;
  readonly writer: Writer;
  /** A consistent view of all applied rows. The caller releases it. */
  openReadView(): ReadView;
  /** Rows (an upper bound) and bytes of a stored table, for information_schema.TABLES and SHOW TABLE STATUS. */
  tableStatistics(tableId: TableId): { readonly rows: number; readonly bytes: number };
  replicationStatus(): ReplicationStatus;
  /** ADMIN release_peer(). */
  releasePeer(): void;
  /** ADMIN flush_table(..): freezes and flushes the generation of all tables; resolves when it is on disk. */
  flush(): Promise<void>;
  /** ADMIN backup(..): resolves when the backup in the folder is whole. Rejects when `signal` is aborted. */
  backup(folder: string, signal: AbortSignal): Promise<unknown>;
  /** Of backups, for SHOW STATUS. */
  backupStatus(): Readonly<Record<string, StatusValue>>;
  diskStatus(): DiskStatus;
  /** ADMIN compact_table(..): flushes, and joins all runs of these tables; resolves when that is done. */
  compactTables(tableIds: readonly TableId[]): Promise<void>;
  /** SET GLOBAL rpo_bytes. Resolves to null when what is pending fits, or to the warning to give when it did not in time. */
  setRpoBudget(budgetBytes: number): Promise<string | null>;
  /** The open connections, for SHOW PROCESSLIST. */
  processes(): readonly ProcessRow[];
  /** KILL: ends the running statement (1317), or the connection with it. False when there is no such connection. */
  kill(connectionId: number, target: 'query' | 'connection'): boolean;
  /** A fault of ours that no client can be told of: to the log. */
  reportBug(error: unknown, where: string): void;
  /** Of the wire, for SHOW STATUS. */
  connectionCounters(): ServerCounters;
  /** Reading of the monotonic clock when the node started. */
  readonly startedMonotonicMs: number;
  readonly globals: GlobalVariables;
  readonly counters: StatementCounters;
  /** DDL runs one statement at a time: a name must not be created twice while the first CREATE waits at the gate. */
  readonly ddl: DdlQueue;
  /** For statements that read before they write. */
  readonly guards: TableGuards;
  /** Of the node, over all tables. */
  readonly seriesLimit: SeriesLimit;
  /** Row batches of INSERTs, to be used again. */
  readonly batches: RowBatchPool;
  /** INSERTs of few rows that are written together. */
  readonly insertGroups: InsertGroups;
}
