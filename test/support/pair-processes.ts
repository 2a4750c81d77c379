/**
 * A pair of real nodes: two processes of `bin/twintide start`, each with its own configuration, ports and data folder, and a
 * cable between them that the test can pull.
 *
 *          +----------+  dials   +--------------+          +----------+
 *   MySQL  |          |--------->| LinkProxy    |--------->|          |  MySQL
 *   HTTP   |  node A  |          +--------------+          |  node B  |  HTTP
 *          |  (id 1)  |<---------| LinkProxy    |<---------|  (id 2)  |
 *          +----------+          +--------------+  dials   +----------+
 *
 * The nodes hang on an IPC channel: should the test process die, however it dies, they stop by themselves. All waits are bounded, and
 * an error of a wait carries the last lines of both logs.
 */

import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import {
  createConnection,
  createPool,
  type Connection,
  type ConnectionOptions,
  type Pool,
  type PoolOptions,
} from 'mysql2/promise';
import { NODE_FLAGS } from '../../src/command/node-flags.js';
import type { StatusDocument } from '../../src/http/node-snapshot.js';
import { HopelessError, PATIENCE_MS, waitFor, waitUntil } from './bounded-wait.js';
import { freePort } from './free-port.js';
import { LinkProxy } from './link-proxy.js';

const LAUNCHER = resolve(__dirname, '../../bin/twintide');
const LOG_LINES_KEPT = 400;
const LOG_LINES_SHOWN = 15;
const LOG_LINE_SHOWN_CHARACTERS = 400;
const HTTP_TIMEOUT_MS = 5_000;

export type SettingValue = string | number;
export type Settings = Readonly<Record<string, Readonly<Record<string, SettingValue>>>>;

/** Failures are noticed within a second, so that tests need not wait for the patience of production. */
const QUICK: Settings = {
  replication: {
    heartbeat: '100ms',
    dead_after: '1s',
    rpo_wait_timeout: '1s',
    startup_peer_wait: '3s',
    ready_alone_after: '1s',
    segment_bytes: '16MiB',
  },
  storage: { memtable_bytes: '64MiB' },
};

export interface PairOptions {
  /** Of both nodes, over the harness's own quick ones. */
  readonly settings?: Settings;
  /** Of one node, over those of both. */
  readonly a?: Settings;
  readonly b?: Settings;
  /** Which nodes to start; both unless given. */
  readonly start?: readonly ('a' | 'b')[];
  /** Wait until both are ready and linked. True unless `start` says otherwise. */
  readonly waitReady?: boolean;
}

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

/** How a process ended. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One node: its files and ports stay, its process comes and goes. */
export class NodeProcess {
  readonly name: string;
  readonly id: number;
  readonly folder: string;
  readonly mysqlPort: number;
  readonly httpPort: number;
  /** Where the node listens for the link; its peer dials a proxy in front of it. */
  readonly linkPort: number;
  /** Changed by a test while the node is down; written at each start. */
  settings: Settings;
  /** How to end what is open to the node. */
  readonly #endClients = new Set<() => Promise<void>>();
  readonly #log: string[] = [];
  #child: ChildProcess | null = null;
  #ended: Promise<Ending> = Promise.resolve({ code: null, signal: null });

  constructor(identity: {
    readonly name: string;
    readonly id: number;
    readonly folder: string;
    readonly mysqlPort: number;
    readonly httpPort: number;
    readonly linkPort: number;
    readonly settings: Settings;
  }) {
    this.name = identity.name;
    this.id = identity.id;
    this.folder = identity.folder;
    this.mysqlPort = identity.mysqlPort;
    this.httpPort = identity.httpPort;
    this.linkPort = identity.linkPort;
    this.settings = identity.settings;
  }

  get dataFolder(): string {
    return join(this.folder, `${this.name}-data`);
  }

  get configFile(): string {
    return join(this.folder, `${this.name}.toml`);
  }

  get adminSocket(): string {
    return join(this.dataFolder, 'admin.sock');
  }

  get isRunning(): boolean {
    return this.#child !== null;
  }

  /** Its log of all starts so far, the newest lines last. */
  get log(): readonly string[] {
    return this.#log;
  }

  // ---- the process ----

  start(): void {
    if (this.#child !== null) throw new Error(`node ${this.name} runs already`);
    writeFileSync(this.configFile, tomlOf(this.settings), { mode: 0o600 });
    const child = spawn(
      process.execPath,
      [...NODE_FLAGS, LAUNCHER, 'start', '--config', this.configFile],
      {
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
        env: environment(),
      },
    );
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      if (stream !== null)
        createInterface({ input: stream }).on('line', (line) => this.#keep(line));
    }
    this.#ended = new Promise((done) => {
      child.once('exit', (code, signal) => {
        this.#child = null;
        this.#keep(`-- ended with ${signal ?? `exit code ${code}`}`);
        done({ code, signal });
      });
    });
  }

  /** Sends the signal and waits until the process is gone. */
  async kill(signal: NodeJS.Signals): Promise<Ending> {
    this.signal(signal);
    return this.ended();
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** Resolves when the process is gone. */
  async ended(): Promise<Ending> {
    await waitUntil(`node ${this.name} to end`, () =>
      Promise.resolve([this.#child === null, this.#tail()]),
    );
    return this.#ended;
  }

  deleteData(): void {
    if (this.#child !== null) throw new Error(`node ${this.name} runs on its data`);
    rmSync(this.dataFolder, { recursive: true, force: true });
  }

  /** The end of everything: clients are cut off, the process is killed. */
  async stop(): Promise<void> {
    for (const end of this.#endClients) await end();
    this.#endClients.clear();
    if (this.#child !== null) await this.kill('SIGKILL');
  }

  // ---- MySQL ----

  /** A connection that ends with the node's `stop`, if the test does not end it before. */
  async connect(options: ConnectionOptions = {}): Promise<Connection> {
    const connection = await createConnection({
      host: '127.0.0.1',
      port: this.mysqlPort,
      user: 'root',
      connectTimeout: PATIENCE_MS,
      ...options,
    });
    // A killed node breaks its connections; what matters then is the error of a statement.
    connection.on('error', () => undefined);
    const end = (): Promise<void> => {
      connection.destroy();
      return Promise.resolve();
    };
    this.#endClients.add(end);
    connection.on('end', () => this.#endClients.delete(end));
    return connection;
  }

  /** The operator's connection, over the unix socket. */
  connectAdmin(): Promise<Connection> {
    return this.connect({ socketPath: this.adminSocket });
  }

  pool(options: PoolOptions = {}): Pool {
    const pool = createPool({
      host: '127.0.0.1',
      port: this.mysqlPort,
      user: 'root',
      ...options,
    });
    this.#endClients.add(() => pool.end().catch(() => undefined));
    return pool;
  }

  // ---- HTTP ----

  async get(path: string): Promise<HttpAnswer> {
    const response = await fetch(`http://127.0.0.1:${this.httpPort}${path}`, {
      signal: AbortSignal.timeout(HTTP_TIMEOUT_MS),
    });
    return { status: response.status, body: await response.text() };
  }

  async status(): Promise<StatusDocument> {
    return JSON.parse((await this.get('/status')).body) as StatusDocument;
  }

  /** The value of a metric without labels; null where it is absent. */
  async metric(name: string): Promise<number | null> {
    const { body } = await this.get('/metrics');
    const line = body.split('\n').find((each) => each.startsWith(`${name} `));
    return line === undefined ? null : Number(line.slice(name.length + 1));
  }

  // ---- waiting ----

  async waitReady(): Promise<void> {
    await this.#wait('to be ready', async () => {
      this.#mustRun();
      const { status, body } = await this.get('/ready');
      return [status === 200, body];
    });
  }

  /** Until /status says so. */
  async waitStatus(
    what: string,
    holds: (status: StatusDocument) => boolean,
  ): Promise<StatusDocument> {
    let last: StatusDocument | null = null;
    await this.#wait(what, async () => {
      this.#mustRun();
      last = await this.status();
      return [holds(last), last];
    });
    return last!;
  }

  async #wait(
    what: string,
    look: () => Promise<readonly [holds: boolean, seen: unknown]>,
  ): Promise<void> {
    try {
      await waitUntil(`node ${this.name} ${what}`, look);
    } catch (error) {
      throw new Error(`${String(error)}\n${this.#tail()}`, { cause: error });
    }
  }

  #mustRun(): void {
    if (this.#child === null) throw new HopelessError(`node ${this.name} does not run`);
  }

  // ---- the log ----

  #keep(line: string): void {
    this.#log.push(line);
    if (this.#log.length > LOG_LINES_KEPT) this.#log.shift();
  }

  #tail(): string {
    const lines = this.#log
      .slice(-LOG_LINES_SHOWN)
      .map((line) => line.slice(0, LOG_LINE_SHOWN_CHARACTERS));
    return `the log of node ${this.name} ends:\n${lines.join('\n')}`;
  }
}

/** Two nodes and the cable between them. */
export class PairProcesses {
  readonly a: NodeProcess;
  readonly b: NodeProcess;
  readonly folder: string;
  /** In front of node A, in front of node B. */
  readonly #proxies: readonly [LinkProxy, LinkProxy];

  static async start(options: PairOptions = {}): Promise<PairProcesses> {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'twintide-e2e-')));
    const ports = [];
    for (let index = 0; index < 8; index += 1) ports.push(await freePort());
    const [mysqlA, mysqlB, httpA, httpB, linkA, linkB, proxyA, proxyB] = ports as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    const proxies = [
      await LinkProxy.open(proxyA, linkA),
      await LinkProxy.open(proxyB, linkB),
    ] as const;
    const node = (
      name: 'a' | 'b',
      id: number,
      own: { readonly mysql: number; readonly http: number; readonly link: number },
      peerPort: number,
    ): NodeProcess =>
      new NodeProcess({
        name,
        id,
        folder,
        mysqlPort: own.mysql,
        httpPort: own.http,
        linkPort: own.link,
        settings: merged(
          QUICK,
          options.settings ?? {},
          {
            node: { id, data_dir: `${name}-data` },
            mysql: { listen: `127.0.0.1:${own.mysql}` },
            http: { listen: `127.0.0.1:${own.http}` },
            replication: {
              listen: `127.0.0.1:${own.link}`,
              peer: `127.0.0.1:${peerPort}`,
              secret: 'the secret that this pair shares',
            },
            log: { format: 'json' },
          },
          options[name] ?? {},
        ),
      });
    const pair = new PairProcesses(
      node('a', 1, { mysql: mysqlA, http: httpA, link: linkA }, proxyB),
      node('b', 2, { mysql: mysqlB, http: httpB, link: linkB }, proxyA),
      folder,
      proxies,
    );
    try {
      const started = options.start ?? ['a', 'b'];
      for (const name of started) pair[name].start();
      if (options.waitReady ?? started.length === 2) await pair.waitLinked();
    } catch (error) {
      await pair.stop();
      throw error;
    }
    return pair;
  }

  private constructor(
    a: NodeProcess,
    b: NodeProcess,
    folder: string,
    proxies: readonly [LinkProxy, LinkProxy],
  ) {
    this.a = a;
    this.b = b;
    this.folder = folder;
    this.#proxies = proxies;
  }

  get nodes(): readonly [NodeProcess, NodeProcess] {
    return [this.a, this.b];
  }

  other(node: NodeProcess): NodeProcess {
    return node === this.a ? this.b : this.a;
  }

  /** Kills everything and removes all files. */
  async stop(): Promise<void> {
    for (const node of this.nodes) await node.stop();
    for (const proxy of this.#proxies) await proxy.close();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }

  // ---- nodes ----

  /** Starts a node that is down, and waits until it serves. */
  async restart(node: NodeProcess): Promise<void> {
    node.start();
    await node.waitReady();
  }

  /**
   * The death of a machine: what it had sent and the peer has not received is gone too. A plain SIGKILL spares what is in the
   * socket. The cable stays cut.
   */
  async killMachine(node: NodeProcess): Promise<void> {
    this.cutLink();
    await node.kill('SIGKILL');
  }

  // ---- the cable ----

  /** Resets the link; both nodes notice at once. */
  cutLink(): void {
    for (const proxy of this.#proxies) proxy.set('cut');
  }

  /** Nothing gets through and nobody is told: the nodes find out by silence. */
  silenceLink(): void {
    for (const proxy of this.#proxies) proxy.set('silent');
  }

  healLink(): void {
    for (const proxy of this.#proxies) proxy.set('open');
  }

  /** What one node sends takes so long to the other; `from` null: both ways. */
  delayLink(ms: number, from: NodeProcess | null = null): void {
    const [beforeA, beforeB] = this.#proxies;
    const fromA = from === null || from === this.a ? ms : 0;
    const fromB = from === null || from === this.b ? ms : 0;
    beforeA.delay({ fromDialer: fromB, fromNode: fromA });
    beforeB.delay({ fromDialer: fromA, fromNode: fromB });
  }

  // ---- waiting ----

  /** Until both are ready and linked. */
  async waitLinked(): Promise<void> {
    for (const node of this.nodes) {
      await node.waitReady();
      await node.waitStatus(
        'to be linked',
        ({ replication }) => replication.repl_state === 'linked',
      );
    }
  }

  /** Until each has confirmed and applied all that the other has. Requires that nobody writes. */
  async waitCaughtUp(): Promise<void> {
    const reached = (status: StatusDocument, peer: StatusDocument): boolean =>
      status.replication.repl_state === 'linked' &&
      status.replication.repl_pending_bytes === 0 &&
      status.replication.copy_applied === peer.replication.position;
    await waitFor('both nodes to have all of each other', async () => {
      const [a, b] = await Promise.all([this.a.status(), this.b.status()]);
      const holds = reached(a, b) && reached(b, a);
      return { value: holds ? true : undefined, seen: [a.replication, b.replication] };
    });
  }
}

/** Later ones win, key by key. */
function merged(...all: readonly Settings[]): Settings {
  const result: Record<string, Record<string, SettingValue>> = {};
  for (const settings of all) {
    for (const [section, keys] of Object.entries(settings)) {
      result[section] = { ...result[section], ...keys };
    }
  }
  return result;
}

/** The settings of a node with some of them changed. */
export function withSettings(settings: Settings, changed: Settings): Settings {
  return merged(settings, changed);
}

function tomlOf(settings: Settings): string {
  return Object.entries(settings)
    .map(([section, keys]) => {
      const lines = Object.entries(keys).map(([key, value]) => `${key} = ${JSON.stringify(value)}`);
      return `[${section}]\n${lines.join('\n')}\n`;
    })
    .join('\n');
}

/** Without settings of whoever runs the tests. */
function environment(): NodeJS.ProcessEnv {
  const names = Object.keys(process.env).filter((name) => !name.startsWith('TWINTIDE_'));
  return Object.fromEntries(names.map((name) => [name, process.env[name]]));
}
