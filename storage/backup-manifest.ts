/**
 * What a backup is: one small text file that is replaced at the end of each backup, at once. What it names is there; what it does not
 * name is of no backup.
 *
 *   line 1   the JSON of the manifest
 *   line 2   sha-256 of line 1, 64 hex digits
 */

import { createHash } from 'node:crypto';
import type { BackupFileEntry } from './backup-file.js';
import { CorruptionError } from './corruption-error.js';
import type { Disk } from './ports.js';
import type { IncarnationId, NodeId } from './position.js';

/** Frozen: written to disk. */
const FORMAT = 1;
export const MANIFEST_NAME = 'backup.manifest';
const MANIFEST_BYTES_MAX = 256 * 1024 * 1024;

export interface BackupPosition {
  readonly origin: NodeId;
  readonly incarnation: IncarnationId;
  readonly sequence: number;
}

export interface BackupManifest {
  readonly format: typeof FORMAT;
  /** 16 hex digits, new for each backup. Nodes that were restored from one id hold the same rows. */
  readonly id: string;
  /** 16 hex digits: the data directory's. Run ids are never used twice within one, so its runs can be kept from backup to backup. */
  readonly history: string;
  readonly nodeId: NodeId;
  readonly finishedAtMs: number;
  /** No row in it has a higher version. */
  readonly highestVersion: number;
  /** Exactly these records are contained. */
  readonly contains: readonly BackupPosition[];
  readonly files: readonly BackupFileEntry[];
}

export function encodeBackupManifest(manifest: BackupManifest): Uint8Array {
  const json = JSON.stringify(manifest);
  return Buffer.from(`${json}\n${digestOf(json)}\n`, 'utf8');
}

/** Null: there is none. Throws CorruptionError. */
export async function readBackupManifest(
  disk: Disk,
  folder: string,
): Promise<BackupManifest | null> {
  if (!(await disk.list(folder)).includes(MANIFEST_NAME)) return null;
  const path = `${folder}/${MANIFEST_NAME}`;
  const file = await disk.open(path, {});
  try {
    const size = await file.sizeBytes();
    if (size > MANIFEST_BYTES_MAX) throw new CorruptionError({ path }, `it has ${size} bytes`);
    const bytes = new Uint8Array(size);
    await file.read(bytes, 0);
    return decode(path, Buffer.from(bytes).toString('utf8'));
  } finally {
    await file.close();
  }
}

function decode(path: string, text: string): BackupManifest {
  const [json = '', digest, ...rest] = text.split('\n');
  if (digest !== digestOf(json) || rest.join('') !== '') {
    throw new CorruptionError({ path, offsetBytes: 0 }, 'its digest does not match');
  }
  const manifest = JSON.parse(json) as BackupManifest;
  if (manifest.format !== FORMAT) {
    throw new CorruptionError({ path }, `format ${String(manifest.format)} is unknown`);
  }
  return manifest;
}

/** On stable storage, in place of the one before, when it resolves. */
export async function replaceBackupManifest(
  disk: Disk,
  folder: string,
  manifest: BackupManifest,
): Promise<void> {
  const unfinished = `${folder}/${MANIFEST_NAME}.partial`;
  const file = await disk.open(unfinished, { create: true });
  try {
    await file.truncate(0);
    await file.write([encodeBackupManifest(manifest)], 0);
    await file.sync();
  } finally {
    await file.close();
  }
  await disk.rename(unfinished, `${folder}/${MANIFEST_NAME}`);
  await disk.syncFolder(folder);
}

function digestOf(json: string): string {
  return createHash('sha256').update(json).digest('hex');
}
