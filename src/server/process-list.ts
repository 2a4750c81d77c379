/**
 * The open sessions of this node: what SHOW PROCESSLIST lists.
 *
 * A session registers when it opens and leaves when it closes. It is described when someone looks, so being listed
 * costs a session nothing.
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
  describe(): ProcessInfo;
}

export class ProcessList {
  readonly #processes = new Map<number, Process>();
  #sizePeak = 0;

  add(process: Process): void {
    this.#processes.set(process.id, process);
    this.#sizePeak = Math.max(this.#sizePeak, this.#processes.size);
  }

  remove(id: number): void {
    this.#processes.delete(id);
  }

  has(id: number): boolean {
    return this.#processes.has(id);
  }

  /** In order of connection. */
  list(): ProcessInfo[] {
    return [...this.#processes.values()].map((process) => process.describe());
  }

  get size(): number {
    return this.#processes.size;
  }

  /** The most sessions that were open at once. */
  get sizePeak(): number {
    return this.#sizePeak;
  }

  /** Sessions that run a statement now. */
  get runningCount(): number {
    return this.list().filter((info) => info.statement !== null).length;
  }
}
