/** The session's and the node's side of information_schema and SHOW. */

import type { InformationSource } from '../catalog/information-source.js';
import { statusVariables } from '../catalog/status-variables.js';
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
    processes: () => context.processes(),
    status: () => nodeStatus(state),
  };
}

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
  });
}
