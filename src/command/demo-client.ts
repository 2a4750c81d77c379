/**
 * A client of the demo as an application would be: it knows both nodes, writes one reading after the other to the first that
 * serves it, stays there until that one fails, and then goes to the other and sends again what was not answered. It keeps
 * account of every reading that was acknowledged.
 */
import type { Connection, ResultSetHeader } from 'mysql2/promise';
import type { DemoNode } from './demo-node.js';
import { measureMachine } from './demo-series.js';
import { pause } from './demo-wait.js';

const STATEMENT_TIMEOUT_MS = 10_000;
const RETRY_MS = 25;

/** "Not applied": the same statement may be sent again to the same node. */
const NOT_APPLIED = 1205;

export const CREATE_LIVE = `CREATE TABLE live (
  client SMALLINT, ts TIMESTAMP(3) NOT NULL, number INT, load1 DOUBLE, free_mib DOUBLE, cpu_user_ms DOUBLE,
  TIME INDEX (ts), PRIMARY KEY (client))`;

export interface Acknowledged {
  readonly number: number;
  readonly node: DemoNode;
  /** On the clock of performance.now(). */
  readonly atMs: number;
  readonly isWarned: boolean;
}

export class DemoClient {
  readonly id: number;
  readonly acknowledged: Acknowledged[] = [];
  /** What SHOW WARNINGS said after its first acknowledgement with a warning. */
  firstWarning: string | null = null;
  readonly #nodes: readonly DemoNode[];
  readonly #pauseMs: number;
  #target = 0;
  #isStopped = false;
  #connection: Connection | null = null;
  #running: Promise<void> = Promise.resolve();
  /** What kept it from writing, last. */
  lastError = 'nothing';

  constructor(id: number, nodes: readonly DemoNode[], pauseMs: number) {
    this.id = id;
    this.#nodes = nodes;
    this.#pauseMs = pauseMs;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** After the reading in flight. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
    this.#connection?.destroy();
    this.#connection = null;
  }

  async #run(): Promise<void> {
    let lastMs = 0;
    for (let number = 1; !this.#isStopped; number += 1) {
      const { load, free_mib, cpu_user_ms } = measureMachine();
      // Tags and time are the identity of a reading: sent twice, it is still one.
      lastMs = Math.max(Date.now(), lastMs + 1);
      await this.#write(number, [this.id, lastMs, number, load, free_mib, cpu_user_ms]);
      await pause(this.#pauseMs);
    }
  }

  /** Until it is acknowledged by one node or the other; gives up when the client is stopped. */
  async #write(number: number, values: readonly unknown[]): Promise<void> {
    while (!this.#isStopped) {
      const node = this.#nodes[this.#target]!;
      try {
        const connection = (this.#connection ??= await this.#connect(node));
        const [{ warningStatus }] = await connection.query<ResultSetHeader>({
          sql: 'INSERT INTO demo.live VALUES (?, ?, ?, ?, ?, ?)',
          values: [...values],
          timeout: STATEMENT_TIMEOUT_MS,
        });
        const atMs = performance.now();
        this.acknowledged.push({ number, node, atMs, isWarned: warningStatus > 0 });
        if (warningStatus > 0 && this.firstWarning === null) {
          this.firstWarning = await showWarnings(connection);
        }
        return;
      } catch (error) {
        this.lastError = error instanceof Error ? error.message : String(error);
        if (errorNumber(error) === NOT_APPLIED) continue;
        this.#connection?.destroy();
        this.#connection = null;
        this.#target = (this.#target + 1) % this.#nodes.length;
        await pause(RETRY_MS);
      }
    }
  }

  async #connect(node: DemoNode): Promise<Connection> {
    const connection = await node.connect();
    // A killed node breaks its connections; the error of the statement is what counts.
    connection.on('error', () => undefined);
    return connection;
  }
}

function errorNumber(error: unknown): number | null {
  return error instanceof Error && 'errno' in error ? Number(error.errno) : null;
}

async function showWarnings(connection: Connection): Promise<string> {
  const [rows] = await connection.query({ sql: 'SHOW WARNINGS', rowsAsArray: true });
  return (rows as unknown[][]).map((row) => row.join(' | ')).join('\n');
}
