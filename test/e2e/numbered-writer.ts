/**
 * A client that writes numbered rows, one statement after another, and keeps what it was told of each. What it was told is a
 * promise, and after kills, cuts and restarts each number can be held against it:
 *
 *   acknowledged   OK                                  it is there
 *   stored         1180 HY000                          it is there in the end, on both nodes
 *   refused        1205 40001, or never sent           it is nowhere, for ever
 *   unknown        the connection broke, 1053 08S01    there or not, and the same on both nodes
 *
 * A number is used once. After a broken connection the writer comes back by itself until it is stopped.
 */

import type { Connection } from 'mysql2/promise';
import { pause } from '../support/bounded-wait.js';
import type { NodeProcess, PairProcesses } from '../support/pair-processes.js';
import { rowsOf, run, type Queryable, type ServerError } from '../support/typed-query.js';

const RECONNECT_MS = 50;
const PAYLOAD_BYTES = 64;

const CREATE_NUMBERED =
  'CREATE TABLE numbered (writer VARCHAR(16), ts TIMESTAMP(3) NOT NULL, number BIGINT, payload TEXT, TIME INDEX (ts), PRIMARY KEY (writer))';

export interface WriterOptions {
  /** Between two statements. */
  readonly pauseMs?: number;
  readonly payloadBytes?: number;
}

export class NumberedWriter {
  readonly name: string;
  readonly acknowledged: number[] = [];
  readonly stored: number[] = [];
  readonly refused: number[] = [];
  readonly unknown: number[] = [];
  /** Acknowledged with a warning. */
  readonly warned: number[] = [];
  /** Errors that none of the promises allows. */
  readonly unexpected: string[] = [];
  readonly #node: NodeProcess;
  readonly #pauseMs: number;
  readonly #payload: string;
  #next = 1;
  #isStopped = false;
  #running: Promise<void> | null = null;

  constructor(name: string, node: NodeProcess, options: WriterOptions = {}) {
    this.name = name;
    this.#node = node;
    this.#pauseMs = options.pauseMs ?? 0;
    this.#payload = payloadOf(name, options.payloadBytes ?? PAYLOAD_BYTES);
  }

  /** One row, one record. */
  readonly statement = 'INSERT INTO numbered (writer, ts, number, payload) VALUES (?, ?, ?, ?)';

  values(number: number): readonly unknown[] {
    return [this.name, number, number, this.#payload];
  }

  start(): void {
    this.#isStopped = false;
    this.#running = this.#run();
  }

  /** Resolves when the statement under way has its outcome. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
    this.#running = null;
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      let connection: Connection;
      try {
        connection = await this.#node.connect({ database: 'stress', connectTimeout: 2_000 });
      } catch {
        // Down or not ready: nothing was sent.
        await pause(RECONNECT_MS);
        continue;
      }
      await this.#writeThrough(connection);
      connection.destroy();
    }
  }

  async #writeThrough(connection: Connection): Promise<void> {
    while (!this.#isStopped) {
      const number = this.#next;
      this.#next += 1;
      try {
        const { warningStatus } = await run(connection, this.statement, this.values(number));
        this.acknowledged.push(number);
        if (warningStatus > 0) this.warned.push(number);
      } catch (error) {
        if (!this.#note(number, error as ServerError)) return;
      }
      if (this.#pauseMs > 0) await pause(this.#pauseMs);
    }
  }

  /** False: the connection is of no more use. */
  #note(number: number, error: ServerError): boolean {
    if (error.errno === 1205 && error.sqlState === '40001') {
      this.refused.push(number);
      return true;
    }
    if (error.errno === 1180 && error.sqlState === 'HY000') {
      this.stored.push(number);
      return true;
    }
    this.unknown.push(number);
    const isBroken = error.fatal === true || error.errno === 1053;
    if (!isBroken)
      this.unexpected.push(`${number}: ${error.errno} ${error.sqlState} ${error.message}`);
    return false;
  }
}

/** Text that does not shrink when stored, so that each record has about the same size. */
function payloadOf(name: string, bytes: number): string {
  let text = '';
  for (let index = 0; text.length < bytes; index += 1) {
    text += Math.abs(Math.sin(index + name.length))
      .toString(36)
      .slice(2);
  }
  return text.slice(0, bytes);
}

/**
 * The database and table that the writers write to, on both nodes.
 * @param appendMode a row that is applied twice is then there twice
 */
export async function createNumbered(pair: PairProcesses, appendMode = false): Promise<void> {
  const connection = await pair.a.connect();
  await run(connection, 'CREATE DATABASE stress');
  await run(connection, 'USE stress');
  await run(connection, `${CREATE_NUMBERED}${appendMode ? " WITH (append_mode = 'true')" : ''}`);
  await connection.end();
  await pair.waitCaughtUp();
}

/** The numbers of each writer that a node shows. */
export async function numbersOf(
  client: Queryable,
): Promise<ReadonlyMap<string, ReadonlySet<number>>> {
  const rows = await rowsOf<{ writer: string; number: number }>(
    client,
    'SELECT writer, number FROM stress.numbered',
  );
  const found = new Map<string, Set<number>>();
  for (const { writer, number } of rows) {
    const numbers = found.get(writer) ?? new Set();
    numbers.add(number);
    found.set(writer, numbers);
  }
  return found;
}

/** Which of `numbers` a node does not show. */
export function missingOf(
  numbers: readonly number[],
  shown: ReadonlySet<number> | undefined,
): number[] {
  return numbers.filter((number) => shown?.has(number) !== true);
}

/** Which of `numbers` a node shows. */
export function presentOf(
  numbers: readonly number[],
  shown: ReadonlySet<number> | undefined,
): number[] {
  return numbers.filter((number) => shown?.has(number) === true);
}

/** Holds every promise against what both nodes show in the end; one line for each that is broken. */
export async function brokenPromises(
  pair: PairProcesses,
  writers: readonly NumberedWriter[],
): Promise<string[]> {
  const broken: string[] = [];
  const shown = [];
  for (const node of pair.nodes) {
    const connection = await node.connect();
    const numbers = await numbersOf(connection);
    const repeated = await rowsOf(
      connection,
      'SELECT writer, number, COUNT(*) AS times FROM stress.numbered GROUP BY writer, number HAVING COUNT(*) > 1',
    );
    await connection.end();
    shown.push(numbers);
    if (repeated.length > 0) {
      broken.push(
        `node ${node.name}: applied more than once: ${JSON.stringify(repeated.slice(0, 5))}`,
      );
    }
    for (const writer of writers) {
      const own = numbers.get(writer.name);
      const check = (what: string, wrong: readonly number[]): void => {
        if (wrong.length === 0) return;
        broken.push(
          `node ${node.name}, writer ${writer.name}: ${what}: ${wrong.slice(0, 10).join(' ')} (${wrong.length})`,
        );
      };
      check('acknowledged and missing', missingOf(writer.acknowledged, own));
      check('stored and missing', missingOf(writer.stored, own));
      check('refused and there', presentOf(writer.refused, own));
    }
  }
  for (const writer of writers) {
    const [a, b] = shown.map((numbers) => numbers.get(writer.name) ?? new Set<number>());
    const different = [...missingOf([...a!], b), ...missingOf([...b!], a)];
    if (different.length > 0) {
      broken.push(`writer ${writer.name}: on one node only: ${different.slice(0, 10).join(' ')}`);
    }
    for (const text of writer.unexpected) broken.push(`writer ${writer.name}: unexpected ${text}`);
  }
  return broken;
}
