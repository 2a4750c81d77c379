/** A `mariadbd` of Debian's package with data in a folder of its own. */

import { spawnSync, type ChildProcess } from 'node:child_process';
import { chownSync } from 'node:fs';
import { join } from 'node:path';
import {
  removeFolder,
  startProcess,
  stopProcess,
  temporaryFolder,
  untilReady,
  versionLine,
} from '../child-process.js';
import { RawClient } from '../raw-client.js';

/** "10.11.19"; null when the package is not installed. */
export function mariadbVersion(): string | null {
  const line = versionLine('mariadbd', ['--no-defaults', '--version']);
  return line === null ? null : (/Ver (\d+\.\d+\.\d+)/.exec(line)?.[1] ?? line);
}

/**
 * As root everything runs under the package's own account, which then owns the folder: the state transfer of Galera refuses to
 * write as root.
 */
function accountOf(folder: string): readonly string[] {
  if (process.getuid?.() !== 0) return [];
  const idOf = (option: string): number =>
    Number(spawnSync('id', [option, 'mysql'], { encoding: 'utf8' }).stdout);
  chownSync(folder, idOf('-u'), idOf('-g'));
  return ['--user=mysql'];
}

export class MariadbProcess {
  readonly port: number;
  readonly dataFolder: string;
  readonly #process: ChildProcess;
  readonly #folder: string;

  private constructor(port: number, folder: string, child: ChildProcess) {
    this.port = port;
    this.#folder = folder;
    this.dataFolder = join(folder, 'data');
    this.#process = child;
  }

  /** InnoDB syncs its log at every commit; `options` come on top. */
  static async start(port: number, options: readonly string[]): Promise<MariadbProcess> {
    const folder = temporaryFolder('mariadb');
    const data = join(folder, 'data');
    const account = accountOf(folder);
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
    const child = startProcess('mariadbd', [
      '--no-defaults',
      ...account,
      `--datadir=${data}`,
      `--port=${port}`,
      '--bind-address=127.0.0.1',
      `--socket=${join(folder, 'mariadb.sock')}`,
      '--innodb-flush-log-at-trx-commit=1',
      '--innodb-buffer-pool-size=2G',
      '--innodb-log-file-size=1G',
      '--max-allowed-packet=64M',
      '--skip-name-resolve',
      ...options,
    ]);
    const server = new MariadbProcess(port, folder, child);
    await untilReady(child, async () => (await RawClient.open(port, null)).close());
    return server;
  }

  get pid(): number {
    return this.#process.pid!;
  }

  /** Its data is thrown away: there is nothing to stop gently for. */
  async stop(): Promise<void> {
    await stopProcess(this.#process, 'SIGKILL');
    removeFolder(this.#folder);
  }
}
