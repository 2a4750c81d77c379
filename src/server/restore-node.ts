/**
 * A backup becomes a node: its block store is built beside its place, and takes it only when every checksum matched; the directory is a
 * node's only after that. A restore that was cut off anywhere leaves nothing that starts, and is simply done again.
 */
import {
  restoreBackup,
  type BackupManifest,
  type Disk,
  type KeyValueStore,
  type RestoreProgress,
  type Timers,
} from '../../storage/index.js';
import type { EmptyDirectory } from './empty-directory.js';

export interface RestoreNodeDeps {
  /** Where the backup is. */
  readonly disk: Disk;
  readonly timers: Timers;
  /** A new block store in this folder, which does not exist. */
  readonly createStore: (folder: string) => Promise<KeyValueStore>;
}

export interface RestoreNodeOptions {
  /** The backup's. */
  readonly folder: string;
  readonly nodeId: number;
  readonly onProgress: (progress: RestoreProgress) => void;
}

/** The directory is a node's when this resolves. Throws as `restoreBackup` does, and the disk's errors; then it is none. */
export async function restoreNode(
  directory: EmptyDirectory,
  { disk, timers, createStore }: RestoreNodeDeps,
  { folder, nodeId, onProgress }: RestoreNodeOptions,
): Promise<BackupManifest> {
  const kv = await createStore(directory.buildFolder);
  let manifest: BackupManifest;
  try {
    manifest = await restoreBackup({ disk, kv, timers }, folder, onProgress);
  } finally {
    await kv.close();
  }
  await directory.become(nodeId);
  return manifest;
}
