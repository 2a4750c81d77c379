/** What a node says of itself over HTTP: one snapshot, from which /status, /metrics and `twintide status` are made. */
import type { BusyPollCounters } from '../../protocol/index.js';
import type { JournalPoint, ReplicationStatus } from '../../replication/index.js';
import type { BackgroundStatus, DiskStatus } from '../../storage/index.js';

export interface Readiness {
  readonly ready: boolean;
  /** Why, in words: "linked", "catching up: 12 s behind". */
  readonly reason: string;
  /** How far this node is behind its peer; null while not linked. */
  readonly lagMs: number | null;
}

export interface NodeSnapshot {
  readonly version: string;
  readonly nodeId: number;
  readonly startedAtMs: number;
  readonly uptimeMs: number;
  readonly readiness: Readiness;
  readonly replication: ReplicationStatus;
  /** Entries ever made in information_schema.replication_conflicts. */
  readonly conflictsTotal: number;
  /** (table, time bucket)s that differed from the peer's when compared. */
  readonly digestMismatches: number;
  /** Open now. */
  readonly sessions: number;
  readonly connectionsTotal: number;
  readonly queriesTotal: number;
  readonly rowsWrittenTotal: number;
  readonly bytesReceivedTotal: number;
  readonly bytesSentTotal: number;
  readonly busyPoll: BusyPollCounters;
  readonly memtableBytes: number;
  readonly memory: NodeMemory;
  readonly runs: number;
  /** Of all tables. */
  readonly series: number;
  /** storage.max_series */
  readonly seriesMax: number;
  /** Writes that it refused. */
  readonly seriesRefusedWrites: number;
  readonly background: BackgroundStatus;
  readonly disk: DiskStatus;
  /** Both journals, on disk. */
  readonly journalBytes: number;
}

/** What the node holds by its own count, in bytes. */
export interface NodeMemory {
  /** Rows that are not flushed yet: those that a flush is writing, too. */
  readonly memtables: number;
  /** Of flushed rows: memory that the next ones will take. */
  readonly idleMemtables: number;
  /** Decoded blocks. */
  readonly blockCache: number;
  /** Dictionaries of tags. */
  readonly series: number;
  /** What INSERTs have been read into, and the next ones will be. */
  readonly rowBatches: number;
  /** The newest records of both journals. */
  readonly journalTails: number;
}

/** What the HTTP server asks of the node. Both answer at once, from memory. */
export interface HttpSources {
  readiness(): Readiness;
  snapshot(): NodeSnapshot;
}

/** The repl_* values, under the names that SHOW STATUS has. */
export interface ReplicationFields {
  readonly repl_state: string;
  readonly repl_pending_bytes: number;
  /** null: without bound (records of an earlier start). */
  readonly repl_pending_span_ms: number | null;
  /** "incarnation:sequence" of this node's own journal. */
  readonly repl_peer_received: string | null;
  readonly repl_peer_durable: string | null;
  readonly repl_peer_applied: string | null;
  readonly repl_lag_ms: number | null;
  readonly repl_blocked_sessions: number;
  readonly repl_blocked_ms_total: number;
  readonly repl_degraded: boolean;
  readonly repl_conflicts_total: number;
  readonly repl_clock_offset_ms: number | null;
  readonly repl_digest_mismatches: number;
  readonly repl_last_error: string | null;
}

/** The body of /status. Fields are only ever added. */
export interface StatusDocument {
  readonly node_id: number;
  readonly version: string;
  readonly started_at: string;
  readonly uptime_ms: number;
  readonly ready: boolean;
  readonly reason: string;
  readonly replication: ReplicationFields & {
    readonly peer_node_id: number | null;
    readonly rpo_bytes: number;
    readonly rpo_span_ms: number | null;
    readonly position: string;
    readonly copy_received: string | null;
    readonly copy_durable: string | null;
    readonly copy_applied: string | null;
    readonly needs_bootstrap: boolean;
  };
  readonly sessions: number;
  readonly connections_total: number;
  readonly queries_total: number;
  readonly rows_written_total: number;
  readonly bytes_received_total: number;
  readonly bytes_sent_total: number;
  readonly memtable_bytes: number;
  readonly runs: number;
  readonly series: number;
  readonly series_max: number;
  readonly series_refused_writes_total: number;
  readonly frozen_memtables: number;
  readonly open_runs_max: number;
  readonly write_stalls_total: number;
  readonly write_stall_ms_total: number;
  readonly journal_bytes: number;
  /** null: the file system does not tell. */
  readonly disk_free_bytes: number | null;
  readonly disk_reserve_bytes: number;
  /** Clients' writes are refused until there is room. */
  readonly disk_full: boolean;
  /** A journal waits for the room that its next file needs, and with it the writes that it has taken. */
  readonly disk_journal_waits: boolean;
}

function pointText(point: JournalPoint | null): string | null {
  return point === null ? null : `${point.incarnation}:${point.sequence}`;
}

/** The repl_* values of a snapshot. */
export function replicationFields(snapshot: NodeSnapshot): ReplicationFields {
  const { replication } = snapshot;
  const { lastError } = replication;
  return {
    repl_state: replication.state,
    repl_pending_bytes: replication.pendingBytes,
    repl_pending_span_ms: Number.isFinite(replication.pendingSpanMs)
      ? replication.pendingSpanMs
      : null,
    repl_peer_received: pointText(replication.peerReceived),
    repl_peer_durable: pointText(replication.peerDurable),
    repl_peer_applied: pointText(replication.peerApplied),
    repl_lag_ms: replication.lagMs,
    repl_blocked_sessions: replication.blockedSessions,
    repl_blocked_ms_total: replication.blockedMsTotal,
    repl_degraded: replication.isDegraded,
    repl_conflicts_total: snapshot.conflictsTotal,
    repl_clock_offset_ms: replication.clockOffsetMs,
    repl_digest_mismatches: snapshot.digestMismatches,
    repl_last_error: lastError === null ? null : `${lastError.code}: ${lastError.message}`,
  };
}

export function statusDocument(snapshot: NodeSnapshot): StatusDocument {
  const { replication } = snapshot;
  return {
    node_id: snapshot.nodeId,
    version: snapshot.version,
    started_at: new Date(snapshot.startedAtMs).toISOString(),
    uptime_ms: snapshot.uptimeMs,
    ready: snapshot.readiness.ready,
    reason: snapshot.readiness.reason,
    replication: {
      ...replicationFields(snapshot),
      peer_node_id: replication.peerNodeId,
      rpo_bytes: replication.budgetBytes,
      rpo_span_ms: replication.budgetSpanMs,
      position: `${replication.position.incarnation}:${replication.position.sequence}`,
      copy_received: pointText(replication.copyReceived),
      copy_durable: pointText(replication.copyDurable),
      copy_applied: pointText(replication.copyApplied),
      needs_bootstrap: replication.needsBootstrap,
    },
    sessions: snapshot.sessions,
    connections_total: snapshot.connectionsTotal,
    queries_total: snapshot.queriesTotal,
    rows_written_total: snapshot.rowsWrittenTotal,
    bytes_received_total: snapshot.bytesReceivedTotal,
    bytes_sent_total: snapshot.bytesSentTotal,
    memtable_bytes: snapshot.memtableBytes,
    runs: snapshot.runs,
    series: snapshot.series,
    series_max: snapshot.seriesMax,
    series_refused_writes_total: snapshot.seriesRefusedWrites,
    frozen_memtables: snapshot.background.frozenGenerations,
    open_runs_max: snapshot.background.openRunsMax,
    write_stalls_total: snapshot.background.stalls,
    write_stall_ms_total: snapshot.background.stalledMs,
    journal_bytes: snapshot.journalBytes,
    disk_free_bytes: snapshot.disk.freeBytes,
    disk_reserve_bytes: snapshot.disk.reserveBytes,
    disk_full: snapshot.disk.isFull,
    disk_journal_waits: snapshot.disk.isJournalWaiting,
  };
}
