/** A MariaDB server of Debian's package in a folder of its own: InnoDB, every commit synced. */

import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RawClient } from './raw-client.js';

const START_TIMEOUT_MS = 60_000;

export class MariadbServer {
  readonly port: number;
  readonly version: string;
  readonly #process: ChildProcess;
  readonly #folder: string;

  private constructor(port: number, version: string, child: ChildProcess, folder: string) {
    this.port = port;
    this.version = version;
    this.#process = child;
    this.#folder = folder;
  }

  /** Null when the package is not installed. */
  static async start(port: number): Promise<MariadbServer | null> {
    const found = spawnSync('mariadbd', ['--version'], { encoding: 'utf8' });
    if (found.status !== 0) return null;
    const folder = mkdtempSync(join(tmpdir(), 'twintide-bench-mariadb-'));
    const data = join(folder, 'data');
    const account = process.getuid?.() === 0 ? ['--user=root'] : [];
    const made = spawnSync(
      'mariadb-install-db',
      [
        '--no-defaults',
        ...account,
        `--datadir=${data}`,
        '--auth-root-authentication-method=normal',
        '--skip-test-db',
      ],
      { encoding: 'utf8' },
    );
    if (made.status !== 0) throw new Error(`mariadb-install-db failed: ${made.stderr}`);
    const child = spawn(
      'mariadbd',
      [
        '--no-defaults',
        ...account,
        `--datadir=${data}`,
        `--port=${port}`,
        '--bind-address=127.0.0.1',
        `--socket=${join(folder, 'mariadb.sock')}`,
        '--innodb-flush-log-at-trx-commit=1',
        '--innodb-buffer-pool-size=2G',
        '--innodb-log-file-size=1G',
        '--skip-log-bin',
        '--max-allowed-packet=64M',
        '--skip-name-resolve',
      ],
      { stdio: 'ignore' },
    );
    const version = /Ver (\S+)/.exec(found.stdout)?.[1] ?? found.stdout.trim();
    const server = new MariadbServer(port, version, child, folder);
    await server.#untilReady();
    return server;
  }

  get pid(): number {
    return this.#process.pid!;
  }

  async stop(): Promise<void> {
    const exited = new Promise<void>((resolve) => this.#process.once('exit', () => resolve()));
    this.#process.kill('SIGTERM');
    await exited;
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #untilReady(): Promise<void> {
    const deadline = Date.now() + START_TIMEOUT_MS;
    for (;;) {
      try {
        (await RawClient.open(this.port, null)).close();
        return;
      } catch (error) {
        if (Date.now() > deadline) throw error;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }
}
