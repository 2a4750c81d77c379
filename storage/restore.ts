/**
 * A backup back into an empty block store. Every checksum is compared, of each value and of each file, and at the end the manifest
 * against the blocks; the caller makes a node's directory of it only when this has resolved.
 *
 * Nothing of the journals comes along, so the node's next start opens an incarnation without a parent: a new one, whose history is the
 * backup's id. Two nodes link only when they have the same (the handshake's `lineage`).
 */

import { BackupError } from './backup-error.js';
import { readBackupFile } from './backup-file.js';
import { readBackupManifest, type BackupManifest } from './backup-manifest.js';
import { Pacer } from './pacer.js';
import type { Disk, KeyValueOperation, KeyValueStore, Timers } from './ports.js';
import { inspectStore } from './store-inspection.js';

/** As in a flush: LevelDB may lose an unsynced batch after a later one survived. */
const BATCH_BYTES = 4 * 1024 * 1024;
const UNITS_PER_BYTE = 0.2;

/** Under `local/`: the id of the backup that this store was restored from. */
export const LINEAGE_FACT = 'restored-from';

export interface RestoreProgress {
  readonly filesDone: number;
  readonly filesAll: number;
}

/** Reads everything and compares every checksum; writes nothing. Throws as `restoreBackup` does. */
export async function verifyBackup(
  deps: { readonly disk: Disk; readonly timers: Timers },
  folder: string,
  onProgress: (progress: RestoreProgress) => void,
): Promise<BackupManifest> {
  const manifest = await requireManifest(deps.disk, folder);
  const pacer = new Pacer(deps.timers);
  for (const [index, entry] of manifest.files.entries()) {
    onProgress({ filesDone: index, filesAll: manifest.files.length });
    const values = readBackupFile(deps.disk, folder, entry.name, manifest.history, entry);
    for await (const [, value] of values) {
      if (pacer.spend(value.length * UNITS_PER_BYTE)) await pacer.turn();
    }
  }
  onProgress({ filesDone: manifest.files.length, filesAll: manifest.files.length });
  return manifest;
}

/**
 * Requires: an empty `kv`. Throws CorruptionError with file and offset, and BackupError where there is no backup; the kv is then
 * worth nothing.
 */
export async function restoreBackup(
  deps: { readonly disk: Disk; readonly kv: KeyValueStore; readonly timers: Timers },
  folder: string,
  onProgress: (progress: RestoreProgress) => void,
): Promise<BackupManifest> {
  const { disk, kv, timers } = deps;
  const manifest = await requireManifest(disk, folder);
  const pacer = new Pacer(timers);
  let operations: KeyValueOperation[] = [];
  let sizeBytes = 0;
  const flush = async (): Promise<void> => {
    await kv.batch(operations, { sync: true });
    operations = [];
    sizeBytes = 0;
  };
  for (const [index, entry] of manifest.files.entries()) {
    onProgress({ filesDone: index, filesAll: manifest.files.length });
    const values = readBackupFile(disk, folder, entry.name, manifest.history, entry);
    for await (const [key, value] of values) {
      operations.push({ type: 'put', key, value });
      sizeBytes += value.length;
      if (sizeBytes >= BATCH_BYTES) await flush();
      if (pacer.spend(value.length * UNITS_PER_BYTE)) await pacer.turn();
    }
  }
  const lineage = { key: Buffer.from(`local/${LINEAGE_FACT}`), value: Buffer.from(manifest.id) };
  operations.push({ type: 'put', ...lineage });
  await flush();
  const { faults } = await inspectStore({ kv, timers }, { everyBlock: false });
  if (faults.length > 0) throw new BackupError(`the backup is not whole: ${faults[0]!}`);
  onProgress({ filesDone: manifest.files.length, filesAll: manifest.files.length });
  return manifest;
}

async function requireManifest(disk: Disk, folder: string): Promise<BackupManifest> {
  const manifest = await readBackupManifest(disk, folder);
  if (manifest === null) throw new BackupError(`${folder} holds no backup`);
  return manifest;
}
