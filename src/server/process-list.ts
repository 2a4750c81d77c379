/**
 * The open sessions of this node: what SHOW PROCESSLIST lists and KILL reaches.
 *
 * A process is registered when its session opens and removed when it closes. Its fields are read when someone
 * looks, so keeping them costs a session nothing.
 */

export interface ProcessInfo {
  readonly id: number;
  readonly user: string;
  /** 'address:port' as MySQL shows it. */
  readonly host: string;
  readonly database: string | null;
  /** 'Sleep', 'Query', 'Execute', 'Prepare'. */
  readonly command: string;
  /** Milliseconds of the monotonic clock at which the current command began, or the last one ended. */
  readonly sinceMs: number;
  readonly state: string;
  /** Text of the running statement, cut to a bounded length; null when idle. */
  readonly statement: string | null;
}

export interface Process {
  readonly id: number;
  readonly user: string;
  describe(): ProcessInfo;
  /** Ends the running statement with 1317; nothing when idle. */
  killQuery(): void;
  /** Ends the running statement and closes the connection. */
  killConnection(): void;
}

export class ProcessList {
  readonly #processes = new Map<number, Process>();

  add(process: Process): void {
    this.#processes.set(process.id, process);
  }

  remove(id: number): void {
    this.#processes.delete(id);
  }

  find(id: number): Process | undefined {
    return this.#processes.get(id);
  }

  /** In order of connection. */
  list(): ProcessInfo[] {
    return [...this.#processes.values()].map((process) => process.describe());
  }

  get size(): number {
    return this.#processes.size;
  }

  /** Sessions that run a statement now. */
  get runningCount(): number {
    return this.list().filter((info) => info.statement !== null).length;
  }
}
