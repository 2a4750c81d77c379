/**
 * `twintide restore DIR`: a backup into the data directory of the configuration, which must be empty.
 *
 * The block store is built beside its place and takes it only when every checksum matched; the directory is a node's only after that. A
 * restore that was interrupted leaves nothing that starts, and is simply done again.
 */
import { resolve } from 'node:path';
import {
  classicLevelStore,
  nodeDisk,
  restoreBackup,
  systemTimers,
  type BackupManifest,
} from '../../storage/index.js';
import type { Config } from '../server/config.js';
import { takeEmptyDirectory } from '../server/empty-directory.js';
import { ExitCode } from './exit-codes.js';
import { ProgressBar, type Screen } from './progress-bar.js';

export interface RestoreOptions {
  readonly config: Config;
  readonly folder: string;
  readonly screen: Screen;
}

export async function runRestore({ config, folder, screen }: RestoreOptions): Promise<number> {
  const { id, dataDir } = config.node;
  const directory = await takeEmptyDirectory(dataDir);
  const bar = new ProgressBar(screen);
  try {
    const kv = await classicLevelStore(directory.buildFolder);
    let manifest: BackupManifest;
    try {
      const timers = systemTimers({ keepsProcessAlive: true });
      manifest = await restoreBackup(
        { disk: nodeDisk, kv, timers },
        resolve(folder),
        (progress) => {
          const { filesDone, filesAll } = progress;
          bar.draw('restore', filesDone, filesAll, `${filesDone} of ${filesAll} files`);
        },
      );
    } finally {
      await kv.close();
    }
    await directory.become(id);
    console.log(
      `backup ${manifest.id} of node ${manifest.nodeId} is restored as node ${id} in ${dataDir}`,
    );
    return ExitCode.done;
  } finally {
    bar.close();
    await directory.close();
  }
}
