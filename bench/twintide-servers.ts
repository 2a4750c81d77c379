/** Twintide nodes as their own processes, on loopback, with data in a temporary folder. */

import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { RawClient } from './raw-client.js';

const START_TIMEOUT_MS = 60_000;
const COMMAND = resolve(import.meta.dirname, '../../bin/twintide');

export interface PairOptions {
  /** Extra lines of the [replication] table, e.g. `rpo_bytes = 0`. */
  readonly replication?: string;
}

export class TwintideServers {
  /** MySQL port of each node. */
  readonly ports: readonly number[];
  readonly #processes: readonly ChildProcess[];
  readonly #folder: string;

  private constructor(
    ports: readonly number[],
    processes: readonly ChildProcess[],
    folder: string,
  ) {
    this.ports = ports;
    this.#processes = processes;
    this.#folder = folder;
  }

  /** One node without a peer. */
  static async standalone(basePort: number): Promise<TwintideServers> {
    return TwintideServers.#start([{ id: 1, port: basePort, replication: '' }]);
  }

  /** Two linked nodes. */
  static async pair(basePort: number, options: PairOptions = {}): Promise<TwintideServers> {
    const secret = 'secret = "only for this benchmark"';
    const node = (id: number, own: number, peer: number) => ({
      id,
      port: basePort + id - 1,
      replication: [
        '[replication]',
        secret,
        `listen = "127.0.0.1:${own}"`,
        `peer = "127.0.0.1:${peer}"`,
        options.replication ?? '',
      ].join('\n'),
    });
    const [a, b] = [basePort + 20, basePort + 21];
    return TwintideServers.#start([node(1, a, b), node(2, b, a)]);
  }

  static async #start(
    nodes: readonly { id: number; port: number; replication: string }[],
  ): Promise<TwintideServers> {
    const folder = mkdtempSync(join(tmpdir(), 'twintide-bench-'));
    const processes = nodes.map(({ id, port, replication }) => {
      const file = join(folder, `node-${id}.toml`);
      writeFileSync(
        file,
        [
          `[node]\nid = ${id}\ndata_dir = "data-${id}"`,
          `[mysql]\nlisten = "127.0.0.1:${port}"`,
          `[http]\nlisten = "127.0.0.1:${port + 40}"`,
          '[log]\nlevel = "warn"',
          replication,
        ].join('\n'),
        { mode: 0o600 },
      );
      return spawn(process.execPath, [COMMAND, 'start', '--config', file], {
        stdio: ['ignore', 'ignore', 'inherit'],
      });
    });
    const servers = new TwintideServers(
      nodes.map((node) => node.port),
      processes,
      folder,
    );
    await Promise.all(servers.ports.map((port, i) => untilReady(port, processes[i]!)));
    return servers;
  }

  get pids(): readonly number[] {
    return this.#processes.map((child) => child.pid!);
  }

  /** Bytes of everything stored, by node. */
  get folder(): string {
    return this.#folder;
  }

  async stop(): Promise<void> {
    await Promise.all(
      this.#processes.map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const exited = new Promise<void>((done) => child.once('exit', () => done()));
        child.kill('SIGTERM');
        await exited;
      }),
    );
    rmSync(this.#folder, { recursive: true, force: true });
  }
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
