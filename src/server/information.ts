/** The session's and the node's side of information_schema and SHOW. */

import type { InformationSource } from '../catalog/information-source.js';
import type { DiskStatus } from '../../storage/index.js';
import { statusVariables, type StatusValue } from '../catalog/status-variables.js';
import { replicationEntries } from './replication-entries.js';
import type { SessionState } from './session-state.js';

export function informationSource(state: SessionState): InformationSource {
  const { context, connection } = state;
  return {
    catalog: context.catalog,
    zone: state.zone,
    variables: state.variables,
    account: { user: connection.user, host: connection.host },
    tableStatistics: (tableId) => context.tableStatistics(tableId),
    processes: () =>
      context
        .processes()
        .map((row) => ({ ...row, command: COMMAND_NAMES[row.command] ?? row.command })),
    status: () => nodeStatus(state),
  };
}

/** For SHOW STATUS. */
function diskEntries(disk: DiskStatus): Record<string, StatusValue> {
  return {
    disk_free_bytes: disk.freeBytes,
    disk_reserve_bytes: disk.reserveBytes,
    disk_full: disk.isFull,
    disk_journal_waits: disk.isJournalWaiting,
  };
}

/** As SHOW PROCESSLIST names the commands of the wire. */
const COMMAND_NAMES: Readonly<Record<string, string>> = {
  COM_QUERY: 'Query',
  COM_INIT_DB: 'Init DB',
  COM_STMT_PREPARE: 'Prepare',
  COM_STMT_EXECUTE: 'Execute',
  COM_STMT_CLOSE: 'Close stmt',
  COM_STMT_RESET: 'Reset stmt',
  COM_RESET_CONNECTION: 'Reset Connection',
  COM_FIELD_LIST: 'Field List',
  COM_CHANGE_USER: 'Change user',
  COM_PING: 'Ping',
};

function nodeStatus(state: SessionState): readonly (readonly [string, string])[] {
  const { context } = state;
  const wire = context.connectionCounters();
  const tableCount = context.catalog
    .databases()
    .reduce((count, { name }) => count + context.catalog.tables(name).length, 0);
  return statusVariables({
    uptimeSeconds: Math.floor((context.clock.monotonicMs() - context.startedMonotonicMs) / 1000),
    threadsConnected: wire.connectionsOpen,
    threadsRunning: context.processes().filter((process) => process.statement !== null).length,
    maxUsedConnections: wire.connectionsOpenPeak,
    questions: wire.commandsTotal,
    connections: wire.connectionsTotal,
    abortedClients: wire.connectionsAborted,
    abortedConnects: wire.loginsFailed,
    bytesReceived: wire.bytesReceived,
    bytesSent: wire.bytesSent,
    preparedStatements: wire.preparedStatements,
    openTables: tableCount,
    rowsInserted: context.counters.rowsInserted,
    rowsDeleted: context.counters.rowsDeleted,
    commandCount: (command) => context.counters.countOf(command),
    replication: {
      ...replicationEntries(context.replicationStatus()),
      repl_conflicts_total: context.catalog.conflicts().length,
    },
    backup: context.backupStatus(),
    series: {
      series_count: context.seriesLimit.seriesCount,
      series_max: context.seriesLimit.max,
      series_refused_writes: context.seriesLimit.refusedWrites,
    },
    disk: diskEntries(context.diskStatus()),
  });
}
