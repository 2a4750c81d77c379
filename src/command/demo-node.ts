/**
 * The two nodes of the demo: processes of `twintide start` in a temporary folder, on free ports of loopback. They hang on an
 * IPC channel, so they stop by themselves should the demo be killed.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createConnection, type Connection, type ConnectionOptions } from 'mysql2/promise';
import type { StatusDocument } from '../http/node-snapshot.js';
import { DemoError, waitFor } from './demo-wait.js';
import { NODE_FLAGS } from './node-flags.js';
import { newSecret } from './pair-files.js';

const START_TIMEOUT_MS = 30_000;
const END_TIMEOUT_MS = 15_000;
const CATCH_UP_TIMEOUT_MS = 60_000;
const CONNECT_TIMEOUT_MS = 2_000;
const HTTP_TIMEOUT_MS = 2_000;
const LOG_LINES_KEPT = 60;
const LOG_LINES_SHOWN = 12;

/**
 * Below the range from which systems take the ports of outgoing connections: while node A is dead, nobody else may happen to
 * be given its port.
 */
const PORTS = { first: 20_000, last: 31_999, attempts: 500 } as const;

export interface NodePorts {
  readonly mysql: number;
  readonly http: number;
  readonly link: number;
}

async function freePorts(count: number): Promise<number[]> {
  const found = new Set<number>();
  for (let attempt = 0; attempt < PORTS.attempts && found.size < count; attempt += 1) {
    const port = PORTS.first + Math.floor(Math.random() * (PORTS.last - PORTS.first + 1));
    if (!found.has(port) && (await isFree(port))) found.add(port);
  }
  if (found.size < count) {
    throw new DemoError(`no ${count} free ports from ${PORTS.first} to ${PORTS.last}`);
  }
  return [...found];
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** Settings that make this demo quick to notice a death, and lose nothing by it. */
export const DEMO_REPLICATION = {
  rpo_bytes: 0,
  on_peer_loss: 'degrade',
  degrade_after: '500ms',
  heartbeat: '200ms',
  dead_after: '1s',
  startup_peer_wait: '5s',
  ready_alone_after: '2s',
} as const;

function configText(
  id: number,
  dataFolder: string,
  ports: NodePorts,
  peerLink: number,
  secret: string,
): string {
  const lines = (settings: Readonly<Record<string, string | number>>): string[] =>
    Object.entries(settings).map(([name, value]) => `${name} = ${JSON.stringify(value)}`);
  const address = (port: number): string => `127.0.0.1:${port}`;
  return [
    '[node]',
    ...lines({ id, data_dir: dataFolder }),
    '[mysql]',
    ...lines({ listen: address(ports.mysql) }),
    '[http]',
    ...lines({ listen: address(ports.http) }),
    '[replication]',
    ...lines({ listen: address(ports.link), peer: address(peerLink), secret }),
    ...lines(DEMO_REPLICATION),
    '[log]',
    ...lines({ format: 'text' }),
    '',
  ].join('\n');
}

/** One node: its files and ports stay, its process comes and goes. */
export class DemoNode {
  readonly name: string;
  readonly ports: NodePorts;
  readonly #launcher: string;
  readonly #configFile: string;
  readonly #log: string[] = [];
  #child: ChildProcess | null = null;

  constructor(name: string, ports: NodePorts, launcher: string, configFile: string) {
    this.name = name;
    this.ports = ports;
    this.#launcher = launcher;
    this.#configFile = configFile;
  }

  start(): void {
    // A group of its own: Ctrl-C reaches the demo alone, which then ends its nodes.
    const child = spawn(
      process.execPath,
      [...NODE_FLAGS, this.#launcher, 'start', '--config', this.#configFile],
      {
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
        detached: true,
        env: environment(),
      },
    );
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      if (stream !== null)
        createInterface({ input: stream }).on('line', (line) => this.#keep(line));
    }
    const ended = (how: string): void => {
      if (this.#child === child) this.#child = null;
      this.#keep(`-- ended: ${how}`);
    };
    child.once('error', (error) => ended(error.message));
    child.once('exit', (code, signal) => ended(signal ?? `exit code ${code}`));
  }

  /** The process id, for people; null while it does not run. */
  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  async ended(): Promise<void> {
    await waitFor(`${this.name} to end`, END_TIMEOUT_MS, () =>
      Promise.resolve({ value: this.#child === null ? true : undefined, seen: this.tail() }),
    );
  }

  connect(options: ConnectionOptions = {}): Promise<Connection> {
    return createConnection({
      host: '127.0.0.1',
      port: this.ports.mysql,
      user: 'root',
      connectTimeout: CONNECT_TIMEOUT_MS,
      ...options,
    });
  }

  async status(): Promise<StatusDocument> {
    if (this.#child === null) throw new DemoError(`${this.name} ended\n${this.tail()}`);
    const response = await fetch(`http://127.0.0.1:${this.ports.http}/status`, {
      signal: AbortSignal.timeout(HTTP_TIMEOUT_MS),
    });
    return (await response.json()) as StatusDocument;
  }

  /** Until it serves clients and is linked to its peer. */
  async waitLinked(): Promise<void> {
    await waitFor(`${this.name} to be ready and linked`, START_TIMEOUT_MS, async () => {
      const { ready, reason, replication } = await this.status();
      const holds = ready && replication.repl_state === 'linked';
      return {
        value: holds ? true : undefined,
        seen: `${replication.repl_state}, ${reason}`,
      };
    });
  }

  /** The end of its log. */
  tail(): string {
    return `the log of ${this.name} ends:\n${this.#log.slice(-LOG_LINES_SHOWN).join('\n')}`;
  }

  #keep(line: string): void {
    this.#log.push(line);
    if (this.#log.length > LOG_LINES_KEPT) this.#log.shift();
  }
}

/** Two nodes that know each other, not started yet. Their files go to `folder`. */
export async function createDemoPair(
  folder: string,
  launcher: string,
): Promise<readonly [a: DemoNode, b: DemoNode]> {
  mkdirSync(folder, { recursive: true });
  const [mysqlA, mysqlB, httpA, httpB, linkA, linkB] = await freePorts(6);
  const ports: readonly [NodePorts, NodePorts] = [
    { mysql: mysqlA!, http: httpA!, link: linkA! },
    { mysql: mysqlB!, http: httpB!, link: linkB! },
  ];
  const secret = newSecret();
  const member = (index: 0 | 1): DemoNode => {
    const name = `node-${'ab'[index]!}`;
    const file = join(folder, `${name}.toml`);
    const text = configText(
      index + 1,
      join(folder, name),
      ports[index],
      ports[1 - index]!.link,
      secret,
    );
    writeFileSync(file, text, { mode: 0o600 });
    return new DemoNode(name, ports[index], launcher, file);
  };
  return [member(0), member(1)];
}

/** Until each node has confirmed and applied all that the other has. Requires that nobody writes. */
export async function waitSame(a: DemoNode, b: DemoNode): Promise<void> {
  const has = (one: StatusDocument, other: StatusDocument): boolean =>
    one.ready &&
    one.replication.repl_state === 'linked' &&
    one.replication.repl_pending_bytes === 0 &&
    one.replication.copy_applied === other.replication.position;
  await waitFor('both nodes to have all of each other', CATCH_UP_TIMEOUT_MS, async () => {
    const [ofA, ofB] = await Promise.all([a.status(), b.status()]);
    const show = ({ replication: r }: StatusDocument): string =>
      `${r.repl_state}, ${r.repl_pending_bytes} bytes pending, at ${r.position}, has ${r.copy_applied}`;
    return {
      value: has(ofA, ofB) && has(ofB, ofA) ? true : undefined,
      seen: `${show(ofA)}; ${show(ofB)}`,
    };
  });
}

/** Without settings that are meant for the user's own nodes. */
function environment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('TWINTIDE_')),
  );
}
