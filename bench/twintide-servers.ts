/** Twintide nodes as their own processes, on loopback and free ports, with data in a temporary folder. */

import type { ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import {
  removeFolder,
  startProcess,
  stopProcess,
  temporaryFolder,
  untilReady,
} from './child-process.js';
import { NODE_FLAGS } from '../src/command/node-flags.js';
import { freePorts } from './free-ports.js';
import { RawClient } from './raw-client.js';

const COMMAND = resolve(import.meta.dirname, '../../bin/twintide');

export interface ServerOptions {
  /** Extra lines of the [replication] table, e.g. `rpo_bytes = 0`. */
  readonly replication?: string;
  /** Further tables of the configuration file. */
  readonly config?: string;
  /** Options of Node itself for every node, e.g. `--cpu-prof`. */
  readonly nodeArguments?: readonly string[];
  /** Called with what the nodes write; without it that is thrown away. */
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
  readonly #plans: readonly NodePlan[];
  readonly #options: ServerOptions;
  #processes: readonly ChildProcess[] = [];

  private constructor(plans: readonly NodePlan[], options: ServerOptions) {
    this.ports = plans.map((plan) => plan.port);
    this.httpPorts = plans.map((plan) => plan.httpPort);
    this.#plans = plans;
    this.#options = options;
    this.folder = temporaryFolder('twintide');
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
    const servers = new TwintideServers(plans, options);
    for (const plan of plans) servers.#writeConfig(plan);
    try {
      await servers.start();
    } catch (error) {
      await servers.stop();
      throw error;
    }
    return servers;
  }

  get pids(): readonly number[] {
    return this.#processes.map((child) => child.pid!);
  }

  /** Resolves when every node takes clients; also after `halt`, over the same data. */
  async start(): Promise<void> {
    const { nodeArguments = [], onOutput } = this.#options;
    this.#processes = this.#plans.map(({ id }) =>
      startProcess(
        process.execPath,
        [...NODE_FLAGS, ...nodeArguments, COMMAND, 'start', '--config', this.#configFile(id)],
        { cwd: this.folder, ...(onOutput && { onOutput }) },
      ),
    );
    await Promise.all(
      this.#plans.map(({ port }, i) =>
        untilReady(this.#processes[i]!, async () => (await RawClient.open(port, null)).close()),
      ),
    );
  }

  /** Stops the processes and leaves their folder. */
  async halt(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    await Promise.all(this.#processes.map((child) => stopProcess(child, signal)));
  }

  async stop(): Promise<void> {
    await this.halt();
    removeFolder(this.folder);
  }

  dataFolder(node: number): string {
    return join(this.folder, `data-${this.#plans[node]!.id}`);
  }

  #configFile(id: number): string {
    return join(this.folder, `node-${id}.toml`);
  }

  #writeConfig(plan: NodePlan): void {
    writeFileSync(
      this.#configFile(plan.id),
      [
        `[node]\nid = ${plan.id}\ndata_dir = "data-${plan.id}"`,
        `[mysql]\nlisten = "127.0.0.1:${plan.port}"`,
        `[http]\nlisten = "127.0.0.1:${plan.httpPort}"`,
        '[log]\nlevel = "error"',
        plan.replication,
        this.#options.config ?? '',
      ].join('\n'),
      { mode: 0o600 },
    );
  }
}
