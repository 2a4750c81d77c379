/**
 * `twintide backup DIR`: asks the node, over its operator's socket, to back itself up into a folder of its machine, and shows how far it is.
 *
 * `--verify` asks no node: it reads the backup in DIR and compares every checksum.
 */
import { join, resolve } from 'node:path';
import type { Connection, RowDataPacket } from 'mysql2/promise';
import { nodeDisk, systemTimers, verifyBackup } from '../../storage/index.js';
import { loadConfig } from '../server/config.js';
import { openClient } from './client-connection.js';
import type { ClientFlags } from './client-flags.js';
import { pause } from './demo-wait.js';
import { ExitCode } from './exit-codes.js';
import { ProgressBar, type Screen } from './progress-bar.js';
import { readableBytes } from './readable-bytes.js';

const POLL_MS = 200;

export interface BackupOptions {
  readonly client: ClientFlags;
  readonly folder: string;
  readonly isVerified: boolean;
  readonly screen: Screen;
}

export async function runBackup(options: BackupOptions): Promise<number> {
  const folder = resolve(options.folder);
  const bar = new ProgressBar(options.screen);
  try {
    await (options.isVerified ? verify(folder, bar) : backUp(options.client, folder, bar));
    return ExitCode.done;
  } finally {
    bar.close();
  }
}

async function verify(folder: string, bar: ProgressBar): Promise<void> {
  const timers = systemTimers({ keepsProcessAlive: true });
  const manifest = await verifyBackup({ disk: nodeDisk, timers }, folder, (progress) => {
    const { filesDone, filesAll } = progress;
    bar.draw('verifying', filesDone, filesAll, `${filesDone} of ${filesAll} files`);
  });
  const bytes = manifest.files.reduce((sum, file) => sum + file.bytes, 0);
  console.log(
    `backup ${manifest.id} of node ${manifest.nodeId}, finished ${new Date(manifest.finishedAtMs).toISOString()}: ` +
      `${manifest.files.length} files of ${readableBytes(bytes)}, every checksum matches`,
  );
}

async function backUp(client: ClientFlags, folder: string, bar: ProgressBar): Promise<void> {
  const flags = operatorFlags(client);
  const worker = await openClient(flags);
  const watcher = await openClient(flags);
  // The node notices that its client is gone and ends the backup; what is copied stays for the next one.
  const stop = (): void => {
    worker.destroy();
    watcher.destroy();
  };
  process.once('SIGINT', stop);
  try {
    let isDone = false;
    const done = worker
      .promise()
      .query(`ADMIN backup(${worker.escape(folder)})`)
      .finally(() => {
        isDone = true;
      });
    done.catch(() => undefined);
    for (;;) {
      await Promise.race([done.catch(() => undefined), pause(POLL_MS)]);
      if (isDone) break;
      const status = await statusOf(watcher.promise());
      const total = Number(status['backup_files_total']);
      const copied = Number(status['backup_files_done']);
      if (total > 0 && copied < total) {
        bar.draw('backup', copied, total, `${copied} of ${total} files`);
      }
    }
    await done;
    const status = await statusOf(watcher.promise());
    const copied = readableBytes(Number(status['backup_last_bytes_copied']));
    bar.draw(
      'backup',
      1,
      1,
      `${status['backup_last_files_copied']} of ${status['backup_last_files']} files copied, ${copied}`,
    );
    console.log(`backup ${status['backup_last_id']} is in ${folder}`);
  } finally {
    process.removeListener('SIGINT', stop);
    worker.destroy();
    watcher.destroy();
  }
}

/** The operator's socket of the node that a configuration names: other connections may not write files. */
function operatorFlags(client: ClientFlags): ClientFlags {
  if (client.config === undefined) return client;
  const config = loadConfig({
    file: client.config,
    workingFolder: process.cwd(),
    environment: process.env,
  });
  return { ...client, socket: join(config.node.dataDir, 'admin.sock') };
}

async function statusOf(connection: Connection): Promise<Readonly<Record<string, string>>> {
  const [rows] = await connection.query<RowDataPacket[][]>({
    sql: "SHOW STATUS LIKE 'backup\\_%'",
    rowsAsArray: true,
  });
  return Object.fromEntries(rows as unknown[][] as [string, string][]);
}
