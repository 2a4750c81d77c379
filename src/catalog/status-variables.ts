/**
 * SHOW STATUS: MySQL's names that dashboards and tools look for, and the state of replication as repl_*.
 *
 * Values are made when asked for, from a source that the server gives; a name that MySQL has and that means nothing
 * here is left out rather than shown as a made-up 0, except where a known tool divides by it.
 */

export type StatusValue = string | number | bigint | boolean | null;

/** What the server can say of itself; replication entries bring their own `repl_` names. */
export interface StatusSource {
  readonly uptimeSeconds: number;
  readonly threadsConnected: number;
  readonly threadsRunning: number;
  readonly maxUsedConnections: number;
  readonly questions: number;
  readonly connections: number;
  readonly abortedClients: number;
  readonly abortedConnects: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly preparedStatements: number;
  readonly openTables: number;
  readonly rowsInserted: number;
  readonly rowsDeleted: number;
  commandCount(command: string): number;
  /** With `series_` names. */
  readonly series: Readonly<Record<string, StatusValue>>;
  readonly replication: Readonly<Record<string, StatusValue>>;
  /** With `backup_` names. */
  readonly backup: Readonly<Record<string, StatusValue>>;
  /** With `disk_` names. */
  readonly disk: Readonly<Record<string, StatusValue>>;
}

/** The Com_ counters that are shown, as sessions count them. */
export const COUNTED_COMMANDS = [
  'admin_commands',
  'begin',
  'commit',
  'create_db',
  'create_table',
  'delete',
  'drop_db',
  'drop_table',
  'insert',
  'kill',
  'replace',
  'rollback',
  'select',
  'set_option',
  'show',
  'stmt_close',
  'stmt_execute',
  'stmt_prepare',
  'truncate',
  'update',
] as const;

/** Name and value, sorted by name without case, as SHOW STATUS lists them. */
export function statusVariables(source: StatusSource): (readonly [name: string, value: string])[] {
  const entries: (readonly [string, string])[] = [
    ['Aborted_clients', String(source.abortedClients)],
    ['Aborted_connects', String(source.abortedConnects)],
    ['Bytes_received', String(source.bytesReceived)],
    ['Bytes_sent', String(source.bytesSent)],
    ...COUNTED_COMMANDS.map(
      (command) => [`Com_${command}`, String(source.commandCount(command))] as const,
    ),
    ['Compression', 'OFF'],
    ['Connections', String(source.connections)],
    ['Max_used_connections', String(source.maxUsedConnections)],
    ['Open_tables', String(source.openTables)],
    ['Opened_tables', String(source.openTables)],
    ['Prepared_stmt_count', String(source.preparedStatements)],
    ['Queries', String(source.questions)],
    ['Questions', String(source.questions)],
    ['Rows_deleted', String(source.rowsDeleted)],
    ['Rows_inserted', String(source.rowsInserted)],
    ['Slow_queries', '0'],
    ['Ssl_cipher', ''],
    ['Ssl_version', ''],
    ['Threads_connected', String(source.threadsConnected)],
    ['Threads_running', String(source.threadsRunning)],
    ['Uptime', String(source.uptimeSeconds)],
    ['Uptime_since_flush_status', String(source.uptimeSeconds)],
  ];
  const ours = { ...source.replication, ...source.backup, ...source.series, ...source.disk };
  for (const [name, value] of Object.entries(ours)) {
    entries.push([name, statusText(value)]);
  }
  return entries.sort((a, b) => (a[0].toLowerCase() < b[0].toLowerCase() ? -1 : 1));
}

function statusText(value: StatusValue): string {
  if (value === null) return '';
  if (typeof value === 'boolean') return value ? 'ON' : 'OFF';
  return String(value);
}
