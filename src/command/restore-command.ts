/** `twintide restore DIR`: a backup into the data directory of the configuration, which must be empty (server/restore-node.ts). */
import { resolve } from 'node:path';
import { classicLevelStore, nodeDisk, systemTimers } from '../../storage/index.js';
import type { Config } from '../server/config.js';
import { takeEmptyDirectory } from '../server/empty-directory.js';
import { restoreNode } from '../server/restore-node.js';
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
    const timers = systemTimers({ keepsProcessAlive: true });
    const manifest = await restoreNode(
      directory,
      { disk: nodeDisk, timers, createStore: classicLevelStore },
      {
        folder: resolve(folder),
        nodeId: id,
        onProgress: ({ filesDone, filesAll }) => {
          bar.draw('restore', filesDone, filesAll, `${filesDone} of ${filesAll} files`);
        },
      },
    );
    console.log(
      `backup ${manifest.id} of node ${manifest.nodeId} is restored as node ${id} in ${dataDir}`,
    );
    return ExitCode.done;
  } finally {
    bar.close();
    await directory.close();
  }
}
