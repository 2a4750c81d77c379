/**
 * The state of replication as users see it: SHOW STATUS LIKE 'repl_%', SHOW RPO and SHOW REPLICA STATUS.
 *
 * A journal position is written incarnation:sequence. A value that is not known yet is empty.
 */

import type { JournalPoint, ReplicationStatus } from '../../replication/index.js';
import { showTable } from '../catalog/show-tables.js';
import type { StatusValue } from '../catalog/status-variables.js';
import {
  BIGINT,
  BIGINT_UNSIGNED,
  INT,
  TEXT,
  VARCHAR_64,
  optional,
  required,
  varchar,
} from '../catalog/virtual-table.js';
import type { VirtualColumn, VirtualTable, VirtualValue } from '../catalog/virtual-table.js';

/** By their names in SHOW STATUS. */
export function replicationEntries(status: ReplicationStatus): Record<string, StatusValue> {
  return {
    repl_state: status.state,
    repl_pending_bytes: status.pendingBytes,
    repl_pending_span_ms: finite(status.pendingSpanMs),
    repl_peer_received: pointText(status.peerReceived),
    repl_peer_durable: pointText(status.peerDurable),
    repl_peer_applied: pointText(status.peerApplied),
    repl_lag_ms: status.lagMs === null ? null : Math.round(status.lagMs),
    repl_blocked_sessions: status.blockedSessions,
    repl_blocked_ms_total: Math.round(status.blockedMsTotal),
    repl_degraded: status.isDegraded,
    repl_clock_offset_ms: status.clockOffsetMs === null ? null : Math.round(status.clockOffsetMs),
    repl_last_error: status.lastError === null ? '' : status.lastError.message,
  };
}

/** SHOW RPO: what would be lost if this node died now. One row. */
export function showRpo(status: ReplicationStatus): VirtualTable {
  const columns = [
    required('State', VARCHAR_64),
    required('Rpo_bytes', BIGINT_UNSIGNED),
    optional('Rpo_span_ms', BIGINT_UNSIGNED),
    required('Pending_bytes', BIGINT_UNSIGNED),
    optional('Pending_span_ms', BIGINT_UNSIGNED),
    required('Blocked_sessions', INT),
    required('Position', varchar(64)),
    optional('Peer_durable', varchar(64)),
    required('Meaning', varchar(256)),
  ];
  const rows = (): VirtualValue[][] => [
    [
      status.state,
      status.budgetBytes,
      status.budgetSpanMs,
      status.pendingBytes,
      finite(status.pendingSpanMs),
      status.blockedSessions,
      pointText(status.position),
      pointText(status.peerDurable),
      rpoMeaning(status),
    ],
  ];
  return showTable('RPO', columns, rows, null);
}

function rpoMeaning(status: ReplicationStatus): string {
  if (status.state === 'standalone') return 'No peer is configured: nothing is replicated';
  const lost =
    status.pendingBytes === 0
      ? 'Nothing would be lost if this node died now'
      : `${status.pendingBytes} bytes of writes would be lost if this node died now`;
  return status.isDegraded ? `${lost}; acknowledgements go beyond rpo_bytes` : lost;
}

/** MySQL 8's columns. One row, none without a peer. */
export function showReplicaStatus(status: ReplicationStatus): VirtualTable {
  const rows = (): VirtualValue[][] => {
    if (status.state === 'standalone') return [];
    const values = replicaValues(status);
    return [
      REPLICA_COLUMNS.map((column) => {
        const value = values[column.name];
        return value === undefined ? (column.nullable ? null : '') : value;
      }),
    ];
  };
  return showTable('REPLICA_STATUS', REPLICA_COLUMNS, rows, null);
}

function replicaValues(status: ReplicationStatus): Readonly<Record<string, VirtualValue>> {
  const isLinked = status.linkState === 'linked' || status.linkState === 'catching-up';
  const error = status.lastError;
  return {
    Replica_IO_State: isLinked ? 'Waiting for source to send event' : 'Reconnecting to the peer',
    Source_Retry_Count: 0,
    Source_Port: 0,
    Connect_Retry: 1,
    Read_Source_Log_Pos: status.copyReceived?.sequence ?? 0,
    Source_Log_File: status.copyReceived?.incarnation ?? '',
    Relay_Source_Log_File: status.copyApplied?.incarnation ?? '',
    Exec_Source_Log_Pos: status.copyApplied?.sequence ?? 0,
    Relay_Log_Pos: status.copyDurable?.sequence ?? 0,
    Replica_IO_Running: isLinked ? 'Yes' : 'Connecting',
    Replica_SQL_Running: 'Yes',
    Last_Errno: 0,
    Skip_Counter: 0,
    Relay_Log_Space: 0,
    Until_Condition: 'None',
    Until_Log_Pos: 0,
    Source_SSL_Allowed: 'No',
    Seconds_Behind_Source: status.lagMs === null ? null : Math.ceil(status.lagMs / 1000),
    Source_SSL_Verify_Server_Cert: 'No',
    Last_IO_Errno: error === null ? 0 : 1,
    Last_IO_Error: error === null ? '' : error.message,
    Last_SQL_Errno: 0,
    Source_Server_Id: status.peerNodeId ?? 0,
    SQL_Delay: 0,
    Replica_SQL_Running_State: 'Replica has read all relay log; waiting for more updates',
    Auto_Position: 1,
    Get_Source_public_key: 0,
  };
}

const REPLICA_COLUMNS: readonly VirtualColumn[] = [
  required('Replica_IO_State', VARCHAR_64),
  required('Source_Host', varchar(255)),
  required('Source_User', varchar(32)),
  required('Source_Port', INT),
  required('Connect_Retry', INT),
  required('Source_Log_File', varchar(512)),
  required('Read_Source_Log_Pos', BIGINT_UNSIGNED),
  required('Relay_Log_File', varchar(512)),
  required('Relay_Log_Pos', BIGINT_UNSIGNED),
  required('Relay_Source_Log_File', varchar(512)),
  required('Replica_IO_Running', varchar(10)),
  required('Replica_SQL_Running', varchar(3)),
  required('Replicate_Do_DB', TEXT),
  required('Replicate_Ignore_DB', TEXT),
  required('Replicate_Do_Table', TEXT),
  required('Replicate_Ignore_Table', TEXT),
  required('Replicate_Wild_Do_Table', TEXT),
  required('Replicate_Wild_Ignore_Table', TEXT),
  required('Last_Errno', INT),
  required('Last_Error', TEXT),
  required('Skip_Counter', INT),
  required('Exec_Source_Log_Pos', BIGINT_UNSIGNED),
  required('Relay_Log_Space', BIGINT_UNSIGNED),
  required('Until_Condition', varchar(6)),
  required('Until_Log_File', varchar(512)),
  required('Until_Log_Pos', BIGINT_UNSIGNED),
  required('Source_SSL_Allowed', varchar(7)),
  required('Source_SSL_CA_File', varchar(512)),
  required('Source_SSL_CA_Path', varchar(512)),
  required('Source_SSL_Cert', varchar(512)),
  required('Source_SSL_Cipher', varchar(512)),
  required('Source_SSL_Key', varchar(512)),
  optional('Seconds_Behind_Source', BIGINT),
  required('Source_SSL_Verify_Server_Cert', varchar(3)),
  required('Last_IO_Errno', INT),
  required('Last_IO_Error', TEXT),
  required('Last_SQL_Errno', INT),
  required('Last_SQL_Error', TEXT),
  required('Replicate_Ignore_Server_Ids', TEXT),
  required('Source_Server_Id', INT),
  required('Source_UUID', varchar(36)),
  required('Source_Info_File', TEXT),
  required('SQL_Delay', INT),
  optional('SQL_Remaining_Delay', INT),
  required('Replica_SQL_Running_State', VARCHAR_64),
  required('Source_Retry_Count', BIGINT_UNSIGNED),
  required('Source_Bind', varchar(255)),
  required('Last_IO_Error_Timestamp', varchar(20)),
  required('Last_SQL_Error_Timestamp', varchar(20)),
  required('Source_SSL_Crl', varchar(512)),
  required('Source_SSL_Crlpath', varchar(512)),
  required('Retrieved_Gtid_Set', TEXT),
  required('Executed_Gtid_Set', TEXT),
  required('Auto_Position', INT),
  required('Replicate_Rewrite_DB', TEXT),
  required('Channel_Name', VARCHAR_64),
  required('Source_TLS_Version', varchar(64)),
  required('Source_public_key_path', varchar(512)),
  required('Get_Source_public_key', INT),
  required('Network_Namespace', varchar(64)),
];

function pointText(point: JournalPoint | null): string {
  return point === null ? '' : `${point.incarnation}:${point.sequence}`;
}

/** An unbounded age (records of an earlier start) is shown as NULL. */
function finite(value: number): number | null {
  return Number.isFinite(value) ? Math.round(value) : null;
}
