/** What is measured: a server or a pair of servers that takes the cpu workload in its own words. */

import type { CpuShape } from './cpu-workload.js';
import type { LoadConnection } from './load.js';
import type { Workload } from './workload.js';

export interface Subject {
  /** As the report has it, with what its durability is: "MariaDB 10.11.19, synced commits". */
  readonly name: string;
  /** Rows of one request where that is the subject's own; else the cell's. */
  readonly rowsPerRequest?: number;
  /** Subjects with the same word here send the same bytes. */
  readonly format: string;
  /** Requests that write into the table of `database`. */
  render(shape: CpuShape, rowsPerRequest: number, rowsMax: number, database: string): Workload;
  start(): Promise<RunningSubject>;
}

export interface RunningSubject {
  /** The node that is written to first. */
  readonly pids: readonly number[];
  createTable(database: string): Promise<void>;
  connect(database: string, count: number, workload: Workload): Promise<readonly LoadConnection[]>;
  /** Rows in the table of `database`, on every node. */
  countRows(database: string): Promise<readonly number[]>;
  /** Everything that was acknowledged is where it is flushed to. Without it: no such moment can be told from outside. */
  flush?(database: string): Promise<void>;
  /** Work that the load left behind, as far as it has to be asked for. */
  compact?(database: string): Promise<void>;
  /** Bytes of stored rows on the first node's disk, without journals where those can be told apart. */
  storedBytes(): number | Promise<number>;
  stop(): Promise<void>;
}

export const SEED = 20260101;
