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
    processes: () => {
      const nowMs = context.clock.monotonicMs();
      return context.processes.list().map((process) => ({
        ...process,
        seconds: Math.max(0, Math.floor((nowMs - process.sinceMs) / 1000)),
      }));
    },
    status: () => nodeStatus(state),
  };
}

function nodeStatus(state: SessionState): readonly (readonly [string, string])[] {
  const { context } = state;
  const { counters, processes } = context;
  const tables = context.catalog
    .databases()
    .reduce((count, { name }) => count + context.catalog.tables(name).length, 0);
  return statusVariables({
    uptimeSeconds: Math.floor((context.clock.monotonicMs() - context.startedAtMs) / 1000),
    threadsConnected: processes.size,
    threadsRunning: processes.runningCount,
    maxUsedConnections: processes.sizePeak,
    questions: counters.questions,
    connections: counters.connections,
    abortedClients: counters.abortedClients,
    abortedConnects: counters.abortedConnects,
    slowQueries: counters.slowQueries,
    bytesReceived: counters.bytesReceived,
    bytesSent: counters.bytesSent,
    preparedStatements: counters.preparedStatements,
    openTables: tables,
    rowsInserted: counters.rowsInserted,
    sslCipher: '',
    sslVersion: '',
    commandCount: (command) => counters.commandCount(command),
    replication: replicationEntries(context.replicationStatus()),
  });
}
