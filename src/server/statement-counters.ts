/** Statements by kind, and the rows they wrote, since the start of the node: the Com_ values of SHOW STATUS and /metrics. */
export class StatementCounters {
  rowsInserted = 0;
  rowsDeleted = 0;
  readonly #commands = new Map<string, number>();

  /** @param command the second half of a Com_ name: 'select', 'insert', 'create_table' */
  count(command: string): void {
    this.#commands.set(command, (this.#commands.get(command) ?? 0) + 1);
  }

  countOf(command: string): number {
    return this.#commands.get(command) ?? 0;
  }
}
