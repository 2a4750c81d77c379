/**
 * `twintide demo`: a failover with real data, in about a minute. A pair starts in a temporary folder; node A is loaded, is
 * killed with -9 while clients write, and comes back. What was promised is measured on the way, and the exit code is 0 only
 * when all of it held.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { Connection, FieldPacket, ResultSetHeader } from 'mysql2/promise';
import { CREATE_LIVE, DemoClient, type Acknowledged } from './demo-client.js';
import { createDemoPair, DEMO_REPLICATION, waitSame, type DemoNode } from './demo-node.js';
import { DemoScreen, readableCount, readableSpan, type Cell } from './demo-screen.js';
import { loadDemoData, type DemoSeries } from './demo-series.js';
import { DemoError, pause, waitFor, within } from './demo-wait.js';
import { ExitCode } from './exit-codes.js';

const CLIENTS = 4;
const CLIENT_PAUSE_MS = 10;
const ROWS_PER_INSERT = 1_000;
const STATEMENT_TIMEOUT_MS = 30_000;
const TAKEOVER_TIMEOUT_MS = 20_000;
const RECEIPT_LABEL_WIDTH = 34;
/** As a shell says it of a process that Ctrl-C ended. */
const INTERRUPTED = 130;

export interface DemoOptions {
  /** The same story with less data and less time. */
  readonly isShort: boolean;
  /** Path of bin/twintide, which runs the nodes. */
  readonly launcher: string;
}

/** Tells the story; resolves to the exit code. Whatever happens, its nodes and its folder are gone afterwards. */
export async function runDemo(options: DemoOptions): Promise<number> {
  const screen = new DemoScreen(process.stdout);
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'twintide-demo-')));
  const nodes: DemoNode[] = [];
  const removeAll = (): void => {
    for (const node of nodes) node.signal('SIGKILL');
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  };
  // Also when a second Ctrl-C, or a defect, ends the process where it stands.
  process.once('exit', removeAll);

  let interruptions = 0;
  const interrupted = new Promise<'interrupted'>((done) => {
    const onSignal = (): void => {
      interruptions += 1;
      if (interruptions > 1) process.exit(INTERRUPTED);
      done('interrupted');
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
    // The reader of a pipe went away.
    process.stdout.on('error', onSignal);
  });

  try {
    const pair = await createDemoPair(folder, options.launcher);
    nodes.push(...pair);
    const story = new DemoStory(screen, pair, options).tell();
    const outcome = await Promise.race([story, interrupted]);
    if (outcome === 'interrupted') {
      // What the story still waits for fails now, and nobody is told.
      story.catch(() => undefined);
      screen.line();
      screen.line('stopped: nodes and folder are removed');
      return INTERRUPTED;
    }
    return ExitCode.done;
  } catch (error) {
    if (!(error instanceof DemoError)) throw error;
    screen.line();
    screen.line(`${screen.tint('red', 'this did not hold:')} ${error.message}`);
    return ExitCode.failed;
  } finally {
    for (const node of nodes) node.signal('SIGTERM');
    await Promise.all(nodes.map((node) => node.ended())).catch(() => undefined);
    removeAll();
  }
}

/** What is measured on the way. */
interface Receipt {
  loadedRows: number;
  takeoverMs: number;
  allBackMs: number;
  catchUpMs: number;
}

class DemoStory {
  readonly #screen: DemoScreen;
  readonly #a: DemoNode;
  readonly #b: DemoNode;
  readonly #options: DemoOptions;
  readonly #receipt: Receipt = { loadedRows: 0, takeoverMs: 0, allBackMs: 0, catchUpMs: 0 };

  constructor(screen: DemoScreen, [a, b]: readonly [DemoNode, DemoNode], options: DemoOptions) {
    this.#screen = screen;
    this.#a = a;
    this.#b = b;
    this.#options = options;
  }

  /** Throws DemoError at the first thing that does not hold. */
  async tell(): Promise<void> {
    const startMs = performance.now();
    const { isShort, launcher } = this.#options;
    const data = loadDemoData(resolve(dirname(launcher), '..'), isShort);

    await this.#startPair();
    await this.#load(data.source, data.series);
    await this.#ask(data.question);
    const clients = await this.#writeLive(isShort ? 1_000 : 6_000);
    const killedMs = await this.#killA(clients);
    await this.#goOn(clients, killedMs, isShort ? 1_000 : 8_000);
    await this.#bringBackA(clients);
    await this.#compare(data.series, clients);
    this.#printReceipt(clients, killedMs, performance.now() - startMs);
  }

  // ---- the steps ----

  async #startPair(): Promise<void> {
    const { rpo_bytes, on_peer_loss, degrade_after } = DEMO_REPLICATION;
    this.#screen.step(1, 'Two equal nodes start');
    this.#screen.line(
      `      rpo_bytes = ${rpo_bytes}: a write is on both disks before it is acknowledged`,
    );
    this.#screen.line(
      `      on_peer_loss = "${on_peer_loss}", degrade_after = "${degrade_after}": alone, a node goes on and says so`,
    );
    for (const node of [this.#a, this.#b]) node.start();
    for (const node of [this.#a, this.#b]) await node.waitLinked();
    for (const node of [this.#a, this.#b]) {
      const { pid, ports } = node;
      this.#screen.holds(`${node.name} serves: process ${pid}, MySQL on 127.0.0.1:${ports.mysql}`);
    }
  }

  async #load(source: string, series: readonly DemoSeries[]): Promise<void> {
    this.#screen.step(2, 'Real data, written to node-a');
    this.#screen.line(`      ${source}`);
    const connection = await this.#a.connect();
    try {
      await run(connection, 'CREATE DATABASE demo');
      await run(connection, 'USE demo');
      for (const each of series) {
        await run(connection, each.create);
        await this.#loadSeries(connection, each);
      }
    } finally {
      connection.destroy();
    }
  }

  async #loadSeries(connection: Connection, series: DemoSeries): Promise<void> {
    const { table, title, rows } = series;
    const startMs = performance.now();
    for (let from = 0; from < rows.length; from += ROWS_PER_INSERT) {
      const chunk = rows.slice(from, from + ROWS_PER_INSERT);
      const { affectedRows } = await run(connection, `INSERT INTO ${table} VALUES ?`, [chunk]);
      hold(affectedRows === chunk.length, `${chunk.length} rows given, ${affectedRows} written`);
      const done = from + chunk.length;
      const seconds = (performance.now() - startMs) / 1_000;
      const rate = readableCount(Math.round(done / seconds));
      const note = `${readableCount(done)} rows, ${rate}/s`;
      this.#screen.bar(title, done, rows.length, note);
    }
    this.#receipt.loadedRows += rows.length;
  }

  async #ask(question: string): Promise<void> {
    this.#screen.step(3, 'The same question to both nodes');
    for (const line of question.split('\n')) this.#screen.line(`      ${line.trim()}`);
    await waitSame(this.#a, this.#b);
    const [ofA, ofB] = [await answer(this.#a, question), await answer(this.#b, question)];
    this.#screen.table(ofB.headings, ofB.rows);
    const isSame = JSON.stringify(ofA) === JSON.stringify(ofB);
    hold(isSame, `node-a answers ${JSON.stringify(ofA)}, node-b ${JSON.stringify(ofB)}`);
    this.#screen.holds(
      `node-b, to which nobody wrote, answers as node-a does (${ofB.rows.length} rows)`,
    );
  }

  async #writeLive(durationMs: number): Promise<DemoClient[]> {
    this.#screen.step(4, `${CLIENTS} clients write what this machine measures, to node-a`);
    const connection = await this.#a.connect({ database: 'demo' });
    await run(connection, CREATE_LIVE);
    connection.destroy();
    await waitSame(this.#a, this.#b);
    const clients = Array.from(
      { length: CLIENTS },
      (_, index) => new DemoClient(index + 1, [this.#a, this.#b], CLIENT_PAUSE_MS),
    );
    for (const client of clients) client.start();
    await this.#watch('writing to node-a', durationMs, clients, this.#a);
    const acknowledged = allOf(clients);
    hold(acknowledged.length > 0, `no write was acknowledged: ${clients[0]!.lastError}`);
    hold(
      acknowledged.every(({ node, isWarned }) => node === this.#a && !isWarned),
      'a write to the linked pair went elsewhere or carried a warning',
    );
    return clients;
  }

  /** Shows the acknowledgements of a node for a while. */
  async #watch(
    label: string,
    durationMs: number,
    clients: readonly DemoClient[],
    node: DemoNode,
  ): Promise<void> {
    const startMs = performance.now();
    const before = countOf(clients, node);
    for (;;) {
      const passedMs = Math.min(performance.now() - startMs, durationMs);
      const count = readableCount(countOf(clients, node) - before);
      const note = `${count} acknowledged in ${(passedMs / 1_000).toFixed(1)} s`;
      this.#screen.bar(label, passedMs, durationMs, note);
      if (passedMs >= durationMs) return;
      await pause(50);
    }
  }

  /** Returns when it was killed. */
  async #killA(clients: readonly DemoClient[]): Promise<number> {
    this.#screen.step(5, `kill -9 ${this.#a.pid}: node-a dies while they write`);
    const killedMs = performance.now();
    this.#a.signal('SIGKILL');
    await this.#a.ended();
    const firstOnB = ({ acknowledged }: DemoClient): Acknowledged | undefined =>
      acknowledged.find(({ node }) => node === this.#b);
    const moments = await waitFor(
      'every client to have a write acknowledged by node-b',
      TAKEOVER_TIMEOUT_MS,
      () => {
        const found = clients.flatMap((client) => firstOnB(client)?.atMs ?? []);
        const seen = `${found.length} of ${clients.length}; ${clients[0]!.lastError}`;
        return Promise.resolve({
          value: found.length === clients.length ? found : undefined,
          seen,
        });
      },
    );
    this.#receipt.takeoverMs = Math.min(...moments) - killedMs;
    this.#receipt.allBackMs = Math.max(...moments) - killedMs;
    this.#screen.holds(
      `node-b acknowledges the next write ${readableSpan(this.#receipt.takeoverMs)} after the kill; all clients are back after ${readableSpan(this.#receipt.allBackMs)}`,
    );

    const shown = await liveOf(this.#b);
    const before = allOf(clients).filter(({ node }) => node === this.#a);
    const missing = missingOf(clients, shown, this.#a);
    hold(missing.length === 0, `acknowledged by node-a, missing on node-b: ${some(missing)}`);
    this.#screen.holds(
      `all ${readableCount(before.length)} writes that node-a had acknowledged are on node-b`,
    );
    return killedMs;
  }

  async #goOn(clients: readonly DemoClient[], killedMs: number, durationMs: number): Promise<void> {
    this.#screen.step(6, 'Writing goes on at node-b, loudly');
    await this.#watch('writing to node-b', durationMs, clients, this.#b);
    const warning = await waitFor('a warning of node-b', STATEMENT_TIMEOUT_MS, () =>
      Promise.resolve({ value: clients[0]!.firstWarning ?? undefined, seen: 'none' }),
    );
    this.#screen.line('      SHOW WARNINGS, after each of these writes:');
    this.#screen.line(`      ${this.#screen.tint('yellow', warning)}`);
    const alone = allOf(clients).filter(({ atMs, node }) => atMs > killedMs && node === this.#b);
    const silent = alone.filter(({ isWarned }) => !isWarned).length;
    hold(silent === 0, `${silent} writes beyond the budget were acknowledged without a warning`);
    this.#screen.holds(
      `${readableCount(alone.length)} writes acknowledged by node-b alone, every one with its warning`,
    );
    const { replication } = await this.#b.status();
    hold(
      replication.repl_degraded,
      `node-b does not call itself degraded: ${replication.repl_state}`,
    );
  }

  async #bringBackA(clients: readonly DemoClient[]): Promise<void> {
    this.#screen.step(7, 'node-a returns and catches up');
    const startMs = performance.now();
    this.#a.start();
    await this.#a.waitLinked();
    this.#receipt.catchUpMs = performance.now() - startMs;
    this.#screen.holds(
      `node-a is back and ready ${readableSpan(this.#receipt.catchUpMs)} after its start, while the clients went on writing`,
    );
    await this.#b.waitLinked();
    const settledMs = performance.now();
    await waitFor('writes without a warning again', TAKEOVER_TIMEOUT_MS, () => {
      const news = allOf(clients).filter(({ atMs }) => atMs > settledMs);
      const quiet = news.filter(({ isWarned }) => !isWarned).length;
      return Promise.resolve({
        value: quiet >= CLIENTS ? true : undefined,
        seen: `${quiet} of ${news.length} writes without`,
      });
    });
    this.#screen.holds('node-b waits for both disks again: no more warnings');
    await within(
      'stopping the clients',
      STATEMENT_TIMEOUT_MS,
      Promise.all(clients.map((client) => client.stop())),
    );

    const visitor = new DemoClient(CLIENTS + 1, [this.#a], CLIENT_PAUSE_MS);
    visitor.start();
    await waitFor('node-a to take writes again', TAKEOVER_TIMEOUT_MS, () =>
      Promise.resolve({
        value: visitor.acknowledged.length >= CLIENTS ? true : undefined,
        seen: visitor.lastError,
      }),
    );
    await within('stopping a client', STATEMENT_TIMEOUT_MS, visitor.stop());
    hold(
      visitor.acknowledged.every(({ isWarned }) => !isWarned),
      'node-a acknowledges with a warning, though its peer is linked',
    );
    this.#screen.holds('node-a takes writes again');
  }

  async #compare(series: readonly DemoSeries[], clients: readonly DemoClient[]): Promise<void> {
    this.#screen.step(8, 'Both nodes agree');
    await waitSame(this.#a, this.#b);
    const rows: (readonly Cell[])[] = [];
    const tables = [...series, { table: 'live', order: 'client, ts', rows: null }];
    for (const { table, order, rows: given } of tables) {
      const sql = `SELECT * FROM demo.${table} ORDER BY ${order}`;
      const [ofA, ofB] = [await answer(this.#a, sql), await answer(this.#b, sql)];
      const [digestA, digestB] = [digestOf(ofA.rows), digestOf(ofB.rows)];
      rows.push([table, ofA.rows.length, ofB.rows.length, digestA, digestB]);
      const isSame = ofA.rows.length === ofB.rows.length && digestA === digestB;
      hold(
        isSame,
        `${table}: node-a has ${ofA.rows.length} rows (${digestA}), node-b ${ofB.rows.length} (${digestB})`,
      );
      hold(
        given === null || given.length === ofA.rows.length,
        `${table}: ${given?.length} rows were loaded, ${ofA.rows.length} are there`,
      );
    }
    this.#screen.table(['table', 'node-a', 'node-b', 'SHA-256 on node-a', 'on node-b'], rows);
    for (const node of [this.#a, this.#b]) {
      const missing = missingOf(clients, await liveOf(node), null);
      hold(missing.length === 0, `acknowledged and missing on ${node.name}: ${some(missing)}`);
    }
    this.#screen.holds('the same rows, and every acknowledged write is on both nodes');
  }

  #printReceipt(clients: readonly DemoClient[], killedMs: number, tookMs: number): void {
    const { loadedRows, takeoverMs, allBackMs, catchUpMs } = this.#receipt;
    const all = allOf(clients);
    const before = all.filter(({ node }) => node === this.#a).length;
    const warned = all.filter(({ isWarned }) => isWarned).length;
    const after = all.filter(({ atMs }) => atMs > killedMs).length;
    const print = (label: string, value: string): void =>
      this.#screen.line(`  ${label.padEnd(RECEIPT_LABEL_WIDTH)} ${value}`);
    this.#screen.line();
    this.#screen.line(this.#screen.tint('bold', 'Receipt'));
    print('rows of real data', readableCount(loadedRows));
    print('acknowledged before the kill', readableCount(before));
    print(
      'acknowledged after the kill',
      `${readableCount(after)}, of which ${readableCount(warned)} with a warning`,
    );
    print('RPO: acknowledged rows missing', this.#screen.tint('green', '0'));
    print(
      'RTO: kill to next acknowledged',
      `${this.#screen.tint('green', readableSpan(takeoverMs))} (of which degrade_after: ${DEMO_REPLICATION.degrade_after})`,
    );
    print('all clients back after', readableSpan(allBackMs));
    print('node-a ready again after', readableSpan(catchUpMs));
    print('the whole demo took', readableSpan(tookMs));
  }
}

// ---- asking ----

/** Fails the demo unless it holds. */
function hold(isTrue: boolean, otherwise: string): asserts isTrue {
  if (!isTrue) throw new DemoError(otherwise);
}

async function run(
  connection: Connection,
  sql: string,
  values: readonly unknown[] = [],
): Promise<ResultSetHeader> {
  try {
    const [result] = await connection.query<ResultSetHeader>({
      sql,
      values: [...values],
      timeout: STATEMENT_TIMEOUT_MS,
    });
    return result;
  } catch (error) {
    throw new DemoError(`${sql.slice(0, 60)}...: ${String(error)}`);
  }
}

interface Answer {
  readonly headings: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

/** What a node answers to a SELECT, over a connection of its own. */
async function answer(node: DemoNode, sql: string): Promise<Answer> {
  try {
    const connection = await node.connect({ database: 'demo', dateStrings: true });
    try {
      const [rows, fields]: [unknown, FieldPacket[]] = await connection.query({
        sql,
        rowsAsArray: true,
        timeout: STATEMENT_TIMEOUT_MS,
      });
      return { headings: fields.map(({ name }) => name), rows: rows as Cell[][] };
    } finally {
      connection.destroy();
    }
  } catch (error) {
    throw new DemoError(`${node.name}, asked ${sql.slice(0, 60)}: ${String(error)}`);
  }
}

/** "client number" of every live reading that a node shows. */
async function liveOf(node: DemoNode): Promise<ReadonlySet<string>> {
  const { rows } = await answer(node, 'SELECT client, number FROM live');
  return new Set(rows.map((row) => row.join(' ')));
}

/** Acknowledged writes that a node does not show; of one node only, or of both. */
function missingOf(
  clients: readonly DemoClient[],
  shown: ReadonlySet<string>,
  by: DemoNode | null,
): string[] {
  return clients.flatMap(({ id, acknowledged }) =>
    acknowledged
      .filter(({ node }) => by === null || node === by)
      .map(({ number }) => `${id} ${number}`)
      .filter((reading) => !shown.has(reading)),
  );
}

function some(readings: readonly string[]): string {
  return `${readings.length} (client and number ${readings.slice(0, 5).join(', ')}...)`;
}

function allOf(clients: readonly DemoClient[]): Acknowledged[] {
  return clients.flatMap(({ acknowledged }) => acknowledged);
}

function countOf(clients: readonly DemoClient[], node: DemoNode): number {
  return allOf(clients).filter((each) => each.node === node).length;
}

/** Short, and different as soon as one cell is. */
function digestOf(rows: readonly (readonly Cell[])[]): string {
  const hash = createHash('sha256');
  for (const row of rows) hash.update(`${JSON.stringify(row)}\n`);
  return hash.digest('hex').slice(0, 12);
}
