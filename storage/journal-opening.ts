/** From a folder to what a journal works on: what is there is recovered, and files for what comes next are made ready. */

import assert from 'node:assert';

import { groupBytesOf, SEAL_GROUP_BYTES } from './commit-group.js';
import type { JournalDeps, JournalOptions } from './journal-options.js';
import { recoverJournal, type RecoveredJournal } from './journal-recovery.js';
import { OPENING_BODY_BYTES } from './record-bodies.js';
import { RoomWait } from './room-wait.js';
import { SegmentPool } from './segment-pool.js';
import { trimOlder } from './segment-trim.js';
import { SEGMENT_HEADER_BYTES } from './segment.js';

const SPARE_SEGMENTS = 1;

export interface OpenedFolder {
  readonly recovered: RecoveredJournal;
  readonly room: RoomWait;
  readonly pool: SegmentPool;
}

/** Rejects with CorruptionError, UnsupportedFormatError or the disk's error. */
export async function openFolder(
  deps: JournalDeps,
  options: JournalOptions,
): Promise<OpenedFolder> {
  const recordRoom =
    SEGMENT_HEADER_BYTES +
    groupBytesOf(options.maxRecordBytes) +
    groupBytesOf(OPENING_BODY_BYTES) +
    SEAL_GROUP_BYTES;
  assert(options.segmentBytes >= recordRoom, 'a segment holds at least one record of any size');
  const { disk, timers } = deps;
  await disk.makeFolder(options.folder);
  await disk.syncFolder(options.folder);
  const names = await disk.list(options.folder);
  const { folder, origin } = options;
  const recovered = await recoverJournal(deps, { folder, origin }, names);
  await trimOlder(disk, recovered.logs);
  const room = new RoomWait({ disk, timers, folder });
  const pool = new SegmentPool(
    {
      disk,
      timers,
      room,
      ...(deps.onAllocated === undefined ? {} : { onAllocated: deps.onAllocated }),
    },
    {
      folder,
      segmentBytes: options.segmentBytes,
      target: options.spareSegments ?? SPARE_SEGMENTS,
    },
  );
  await pool.adopt(names);
  for (const file of recovered.discarded) await pool.give(file.path, file.sizeBytes);
  pool.refill();
  return { recovered, room, pool };
}
