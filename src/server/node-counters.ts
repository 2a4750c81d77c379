/** Counts since the start of the node, as SHOW STATUS and /metrics show them. Only ever raised, by the sessions. */
export class NodeCounters {
  /** Statements that clients sent, prepared executions included. */
  questions = 0;
  /** Connections that were accepted, failed logins included. */
  connections = 0;
  abortedClients = 0;
  abortedConnects = 0;
  slowQueries = 0;
  bytesReceived = 0;
  bytesSent = 0;
  /** Prepared statements open in all sessions now. */
  preparedStatements = 0;
  preparedStatementsTotal = 0;
  rowsInserted = 0;
  readonly #commands = new Map<string, number>();

  /** @param command the second half of a Com_ name: 'select', 'insert', 'create_table' */
  countCommand(command: string): void {
    this.#commands.set(command, (this.#commands.get(command) ?? 0) + 1);
  }

  commandCount(command: string): number {
    return this.#commands.get(command) ?? 0;
  }
}
