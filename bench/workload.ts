/** A workload as it is sent: whole requests, rendered before the clock starts, so that the generator's own work is socket writes. */

export interface Workload {
  readonly rows: number;
  readonly rowsPerRequest: number;
  /** Bytes of what carries rows: statement text, parameters, lines; without headers. */
  readonly bodyBytes: number;
  readonly requests: readonly Buffer[];
  /** Of a prepared statement: its text; requests then get its id from the connection that sends them. */
  readonly prepare?: string;
}
