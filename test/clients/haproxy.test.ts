/**
 * A real HAProxy with the shipped examples/haproxy.cfg in front of a pair, and a client that knows one address: HAProxy's. Only the
 * addresses in the file are replaced; everything else is what users get.
 *
 * The client is as plain as clients are: it writes numbered rows one by one, and after a broken connection it opens another. Which
 * node it has reached it asks the node (`SELECT @@server_id`); what HAProxy thinks of the nodes it asks HAProxy.
 */

import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection as connectSocket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createConnection, type Connection } from 'mysql2/promise';
import { createNumbered, numbersOf } from '../e2e/numbered-writer.js';
import { sameOnBoth } from '../e2e/same-on-both.js';
import { pause, waitFor } from '../support/bounded-wait.js';
import { figure } from '../support/figure.js';
import { freePort } from '../support/free-port.js';
import { PairProcesses, type NodeProcess } from '../support/pair-processes.js';
import { cellOf, rowsOf, run, type ServerError } from '../support/typed-query.js';
import { requireTool } from './required-tool.js';

jest.setTimeout(180_000);

const SHIPPED = resolve(__dirname, '../../examples/haproxy.cfg');
const WRITER = 'proxied';
const PAUSE_MS = 5;
const RECONNECT_MS = 20;
const STOP_MS = 5_000;

// ---- HAProxy ----

type ServerName = 'node-a' | 'node-b';

interface ServerStat {
  readonly status: string;
  /** Sessions that were ever given to it. */
  readonly total: number;
}

/** The shipped file with the addresses of this test. Each must be there exactly once, or the test would test something else. */
function withAddresses(text: string, addresses: ReadonlyMap<string, string>): string {
  let result = text;
  for (const [shipped, actual] of addresses) {
    if (result.split(shipped).length !== 2) throw new Error(`${SHIPPED}: ${shipped} not just once`);
    result = result.replace(shipped, actual);
  }
  return result;
}

class HaproxyProcess {
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #controlSocket: string;
  #log = '';

  static async start(pair: PairProcesses): Promise<HaproxyProcess> {
    const port = await freePort();
    const addresses = new Map([
      ['127.0.0.1:3306', `127.0.0.1:${port}`],
      ['127.0.0.1:4002', `127.0.0.1:${pair.a.mysqlPort}`],
      ['127.0.0.1:4003', `127.0.0.1:${pair.b.mysqlPort}`],
    ]);
    const file = join(pair.folder, 'haproxy.cfg');
    writeFileSync(file, withAddresses(readFileSync(SHIPPED, 'utf8'), addresses));
    return new HaproxyProcess(port, file, join(pair.folder, 'haproxy.sock'));
  }

  private constructor(port: number, file: string, controlSocket: string) {
    this.port = port;
    this.#controlSocket = controlSocket;
    // -W -S: a master process with a control socket, so that the configuration itself needs none. -db: not into the background.
    this.#child = spawn('haproxy', ['-W', '-db', '-S', controlSocket, '-f', file], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk: Buffer) => (this.#log += chunk.toString()));
    }
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise<void>((done) => this.#child.once('exit', () => done()));
    // The worker ends with its master.
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS);
    await ended;
    clearTimeout(timer);
  }

  async stats(): Promise<ReadonlyMap<string, ServerStat>> {
    const [head, ...lines] = (await this.#ask('@1 show stat')).trim().split('\n');
    const names = head!.replace(/^# /, '').split(',');
    const found = new Map<string, ServerStat>();
    for (const line of lines) {
      const cells = line.split(',');
      const cell = (name: string): string => cells[names.indexOf(name)] ?? '';
      if (cell('pxname') !== 'pair') continue;
      found.set(cell('svname'), { status: cell('status'), total: Number(cell('stot')) });
    }
    return found;
  }

  async waitServer(name: ServerName, status: 'UP' | 'DOWN'): Promise<ServerStat> {
    return waitFor(`HAProxy to see ${name} ${status}`, async () => {
      const stats = await this.stats();
      const stat = stats.get(name);
      // A server on its way is "UP 1/2" or "DOWN 1/2".
      return {
        value: stat?.status === status ? stat : undefined,
        seen: [...stats, this.#log.slice(-1_500)],
      };
    });
  }

  #ask(command: string): Promise<string> {
    return new Promise((answered, failed) => {
      let answer = '';
      const socket = connectSocket(this.#controlSocket, () => socket.end(`${command}\n`));
      socket.setTimeout(STOP_MS, () => socket.destroy(new Error('HAProxy does not answer')));
      socket.on('data', (chunk) => (answer += chunk.toString()));
      socket.on('error', failed);
      socket.on('end', () => answered(answer));
    });
  }
}

// ---- the client ----

interface Acknowledgement {
  readonly number: number;
  readonly atMs: number;
  readonly serverId: number;
  /** The warning that came with it. */
  readonly warning: string | null;
}

/** Knows one address, writes one row after another, and comes back after an error. */
class ProxiedWriter {
  readonly acknowledged: Acknowledgement[] = [];
  readonly errors: string[] = [];
  /** The node behind each connection, in order. */
  readonly reached: number[] = [];
  readonly #port: number;
  #next = 1;
  #isStopped = false;
  readonly #running: Promise<void>;

  constructor(port: number) {
    this.#port = port;
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }

  /** Waits for so many acknowledgements by a node; gives all of that node. */
  waitFor(node: NodeProcess, count: number): Promise<readonly Acknowledgement[]> {
    return waitFor(`${count} rows acknowledged by node ${node.name}`, () => {
      const found = this.acknowledged.filter(({ serverId }) => serverId === node.id);
      return {
        value: found.length >= count ? found : undefined,
        seen: { found: found.length, reached: this.reached, errors: this.errors.slice(-5) },
      };
    });
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      let connection: Connection | null = null;
      try {
        connection = await connectThrough(this.#port);
        const serverId = Number(await cellOf(connection, 'SELECT @@server_id'));
        this.reached.push(serverId);
        while (!this.#isStopped) await this.#write(connection, serverId);
      } catch (error) {
        const { code, errno, message } = error as ServerError;
        this.errors.push(`${code ?? ''} ${errno ?? ''} ${message}`);
        await pause(RECONNECT_MS);
      } finally {
        connection?.destroy();
      }
    }
  }

  /** A number whose outcome is unknown is not used again. */
  async #write(connection: Connection, serverId: number): Promise<void> {
    const number = this.#next;
    this.#next += 1;
    const { warningStatus } = await run(
      connection,
      'INSERT INTO stress.numbered (writer, ts, number, payload) VALUES (?, ?, ?, ?)',
      [WRITER, number, number, 'x'],
    );
    const atMs = performance.now();
    let warning = warningStatus === 0 ? null : 'a warning that nobody could read';
    try {
      if (warningStatus > 0) warning = await firstWarning(connection);
    } finally {
      // Acknowledged is acknowledged, even if the connection breaks over the question what the warning is.
      this.acknowledged.push({ number, atMs, serverId, warning });
    }
    await pause(PAUSE_MS);
  }
}

async function firstWarning(connection: Connection): Promise<string> {
  const [first] = await rowsOf<{ Message: string }>(connection, 'SHOW WARNINGS');
  return first?.Message ?? 'SHOW WARNINGS is empty';
}

async function connectThrough(port: number): Promise<Connection> {
  const connection = await createConnection({
    host: '127.0.0.1',
    port,
    user: 'root',
    connectTimeout: 10_000,
  });
  connection.on('error', () => undefined);
  return connection;
}

/** The node that answers a new connection through HAProxy. */
async function newcomerReaches(port: number): Promise<number> {
  const connection = await connectThrough(port);
  try {
    return Number(await cellOf(connection, 'SELECT @@server_id'));
  } finally {
    connection.destroy();
  }
}

// ---- the tests ----

let pair: PairProcesses;
let haproxy: HaproxyProcess;
let writer: ProxiedWriter;

beforeAll(() => requireTool('haproxy', '-v'));

afterEach(async () => {
  await writer?.stop();
  await haproxy?.stop();
  await pair?.stop();
});

/** Acknowledged rows that a node does not show. */
async function missingOn(node: NodeProcess): Promise<readonly number[]> {
  const connection = await node.connect();
  const shown = (await numbersOf(connection)).get(WRITER) ?? new Set();
  await connection.end();
  return writer.acknowledged.map(({ number }) => number).filter((number) => !shown.has(number));
}

test('the shipped configuration is valid, with checks by greeting and, by its comments, over HTTP', () => {
  const folder = mkdtempSync(join(tmpdir(), 'twintide-haproxy-'));
  const shipped = readFileSync(SHIPPED, 'utf8');
  const overHttp = shipped
    .replace(/^ *option mysql-check$/m, '')
    .replace(/^( *)#(option httpchk|http-check)/gm, '$1$2')
    .replace(/^( *server node-a .*) check/m, '$1 check port 4000')
    .replace(/^( *server node-b .*) check/m, '$1 check port 4001');
  expect(overHttp).not.toContain('option mysql-check');
  for (const input of [shipped, overHttp]) {
    const file = join(folder, 'haproxy.cfg');
    writeFileSync(file, input);
    const { status, stdout, stderr } = spawnSync('haproxy', ['-c', '-f', file], {
      encoding: 'utf8',
    });
    expect({ status, output: `${stdout}${stderr}` }).toEqual({
      status: 0,
      output: expect.not.stringMatching(/WARNING|ALERT/) as string,
    });
  }
  rmSync(folder, { recursive: true });
});

test('kill -9 of the node with the traffic: the client goes on with the other, nothing acknowledged is lost, and the node gets nothing until it is ready', async () => {
  pair = await PairProcesses.start({
    settings: { replication: { rpo_bytes: 0, on_peer_loss: 'degrade', degrade_after: '500ms' } },
    // Alone for so long at its start that the test can look at a node that runs and is not ready.
    a: { replication: { startup_peer_wait: '20s' } },
  });
  await createNumbered(pair);
  haproxy = await HaproxyProcess.start(pair);
  await haproxy.waitServer('node-a', 'UP');
  await haproxy.waitServer('node-b', 'UP');

  writer = new ProxiedWriter(haproxy.port);
  const before = await writer.waitFor(pair.a, 200);
  expect(before.filter(({ warning }) => warning !== null)).toEqual([]);
  expect(writer.reached).toEqual([pair.a.id]);

  const killedAtMs = performance.now();
  await pair.a.kill('SIGKILL');
  const after = await writer.waitFor(pair.b, 200);
  figure(
    `HAProxy, degrade_after 500 ms: the next acknowledged write ${Math.round(after[0]!.atMs - killedAtMs)} ms after kill -9; errors seen by the client: ${writer.errors.length}`,
  );
  // Once there, no way back to the dead.
  expect(writer.acknowledged.slice(-after.length)).toEqual(after);
  for (const { warning } of after) expect(warning).toMatch(/degraded/);
  expect(await missingOn(pair.b)).toEqual([]);

  // Down: no connection is given to it any more.
  const down = await haproxy.waitServer('node-a', 'DOWN');
  for (let attempt = 0; attempt < 10; attempt += 1) {
    expect(await newcomerReaches(haproxy.port)).toBe(pair.b.id);
  }
  expect((await haproxy.stats()).get('node-a')).toEqual(down);

  // It runs, and is not ready: the same.
  pair.cutLink();
  pair.a.start();
  const unready = await waitFor('node a to answer that it is not ready', async () => {
    const { status, body } = await pair.a.get('/ready');
    return { value: status === 503 ? body : undefined, seen: [status, body] };
  });
  await expect(pair.a.connect()).rejects.toMatchObject({ errno: 1053 });
  const endMs = performance.now() + 2_000;
  let newcomers = 0;
  while (performance.now() < endMs) {
    expect(await newcomerReaches(haproxy.port)).toBe(pair.b.id);
    newcomers += 1;
    await pause(50);
  }
  expect((await pair.a.get('/ready')).status).toBe(503);
  expect((await haproxy.stats()).get('node-a')).toEqual(down);
  figure(`node a runs and says ${unready}: ${newcomers} newcomers, all to node b`);

  // Ready again: newcomers go to it, and the client stays where it is.
  pair.healLink();
  await pair.waitLinked();
  await haproxy.waitServer('node-a', 'UP');
  expect(await newcomerReaches(haproxy.port)).toBe(pair.a.id);
  const back = writer.acknowledged.length;
  await waitFor('an acknowledgement without a warning', () => {
    const last = writer.acknowledged.slice(back).at(-1);
    const holds = last !== undefined && last.warning === null;
    return { value: holds ? true : undefined, seen: last };
  });
  expect(writer.reached).toEqual([pair.a.id, pair.b.id]);

  await writer.stop();
  await pair.waitCaughtUp();
  await sameOnBoth(pair, 'SELECT writer, number FROM stress.numbered ORDER BY number');
  for (const node of pair.nodes) expect(await missingOn(node)).toEqual([]);
  figure(
    `${writer.acknowledged.length} rows acknowledged; the client saw: ${writer.errors.join(' | ')}`,
  );
});
