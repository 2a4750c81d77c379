/** Twintide nodes as their own processes, on loopback and free ports, with data in a temporary folder. */

import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { freePorts } from './free-ports.js';
import { RawClient } from './raw-client.js';

const START_TIMEOUT_MS = 60_000;
/** A node that does not stop when asked to is an error of the node, and must not outlive the benchmark. */
const STOP_TIMEOUT_MS = 60_000;
const COMMAND = resolve(import.meta.dirname, '../../bin/twintide');

export interface ServerOptions {
  /** Extra lines of the [replication] table, e.g. `rpo_bytes = 0`. */
  readonly replication?: string;
  /** Further tables of the configuration file. */
  readonly config?: string;
  /** Options of Node itself for every node, e.g. `--cpu-prof`. */
  readonly nodeArguments?: readonly string[];
  /** Called with what a node writes to its standard output. */
  readonly onOutput?: (text: string) => void;
}

interface NodePlan {
  readonly id: number;
  readonly port: number;
  readonly httpPort: number;
  readonly replication: string;
}

export class TwintideServers {
  /** MySQL port of each node. */
  readonly ports: readonly number[];
  readonly httpPorts: readonly number[];
  /** Where the nodes keep everything: `data-1`, `data-2`. */
  readonly folder: string;
  readonly #processes: readonly ChildProcess[];

  private constructor(
    plans: readonly NodePlan[],
    processes: readonly ChildProcess[],
    folder: string,
  ) {
    this.ports = plans.map((plan) => plan.port);
    this.httpPorts = plans.map((plan) => plan.httpPort);
    this.#processes = processes;
    this.folder = folder;
  }

  /** One node without a peer. */
  static async standalone(options: ServerOptions = {}): Promise<TwintideServers> {
    const [port, httpPort] = await freePorts(2);
    return TwintideServers.#start(
      [{ id: 1, port: port!, httpPort: httpPort!, replication: '' }],
      options,
    );
  }

  /** Two linked nodes. */
  static async pair(options: ServerOptions = {}): Promise<TwintideServers> {
    const [portA, portB, httpA, httpB, linkA, linkB] = await freePorts(6);
    const replication = (own: number, peer: number): string =>
      [
        '[replication]',
        'secret = "only for this benchmark"',
        `listen = "127.0.0.1:${own}"`,
        `peer = "127.0.0.1:${peer}"`,
        options.replication ?? '',
      ].join('\n');
    return TwintideServers.#start(
      [
        { id: 1, port: portA!, httpPort: httpA!, replication: replication(linkA!, linkB!) },
        { id: 2, port: portB!, httpPort: httpB!, replication: replication(linkB!, linkA!) },
      ],
      options,
    );
  }

  static async #start(
    plans: readonly NodePlan[],
    options: ServerOptions,
  ): Promise<TwintideServers> {
    const folder = mkdtempSync(join(tmpdir(), 'twintide-bench-'));
    const processes = plans.map((plan) => startNode(folder, plan, options));
    const servers = new TwintideServers(plans, processes, folder);
    try {
      await Promise.all(servers.ports.map((port, i) => untilReady(port, processes[i]!)));
    } catch (error) {
      await servers.stop();
      throw error;
    }
    return servers;
  }

  get pids(): readonly number[] {
    return this.#processes.map((child) => child.pid!);
  }

  dataFolder(node: number): string {
    return join(this.folder, `data-${node + 1}`);
  }

  /** `keepFolder`: what the nodes wrote at their end is still to be read; the caller removes it. */
  async stop(keepFolder = false): Promise<void> {
    await Promise.all(this.#processes.map(stopProcess));
    if (!keepFolder) rmSync(this.folder, { recursive: true, force: true });
  }
}

function startNode(folder: string, plan: NodePlan, options: ServerOptions): ChildProcess {
  const file = join(folder, `node-${plan.id}.toml`);
  writeFileSync(
    file,
    [
      `[node]\nid = ${plan.id}\ndata_dir = "data-${plan.id}"`,
      `[mysql]\nlisten = "127.0.0.1:${plan.port}"`,
      `[http]\nlisten = "127.0.0.1:${plan.httpPort}"`,
      '[log]\nlevel = "error"',
      plan.replication,
      options.config ?? '',
    ].join('\n'),
    { mode: 0o600 },
  );
  const { onOutput } = options;
  const child = spawn(
    process.execPath,
    [...(options.nodeArguments ?? []), COMMAND, 'start', '--config', file],
    { stdio: ['ignore', onOutput === undefined ? 'ignore' : 'pipe', 'inherit'], cwd: folder },
  );
  if (onOutput !== undefined) child.stdout!.setEncoding('utf8').on('data', onOutput);
  return child;
}

async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise<void>((done) => child.once('exit', () => done()));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await exited;
  clearTimeout(timer);
}

async function untilReady(port: number, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    try {
      (await RawClient.open(port, null)).close();
      return;
    } catch (error) {
      if (child.exitCode !== null)
        throw new Error('the node stopped at its start', { cause: error });
      if (Date.now() > deadline) throw error;
      await new Promise((done) => setTimeout(done, 50));
    }
  }
}
