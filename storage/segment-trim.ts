/**
 * What a start takes back from the files of starts before it.
 *
 * Each start opens an incarnation with a preallocated file of its own, and a node that is killed leaves it nearly empty. Only a tail that
 * the peer returns is appended there any more, for which files grow. So the rest of such a file goes back to the disk, and the next starts
 * have no more to look at than what was written: however often a node is killed, a start takes no longer and the disk does not fill.
 *
 * The newest incarnation keeps its room: in a copy it is the one that goes on. A node's own journal is cut again once the start's own
 * incarnation is the newest, so that no start searches the rest of a file that the start before it has searched.
 */

import { SEAL_GROUP_BYTES } from './commit-group.js';
import type { IncarnationLog } from './incarnation-log.js';
import type { Disk } from './ports.js';

/**
 * Cuts the unsealed segment of every incarnation but the newest behind its last group and the sector of its seal. On stable storage when
 * it resolves; a crash in between leaves some files whole. Rejects with the disk's error.
 * @param logs as recovered, oldest first: nothing of theirs stands behind what was taken
 */
export async function trimOlder(disk: Disk, logs: readonly IncarnationLog[]): Promise<void> {
  for (const { openSegment: segment } of logs.slice(0, -1)) {
    if (segment === undefined) continue;
    const sizeBytes = segment.writtenBytes + SEAL_GROUP_BYTES;
    if (sizeBytes >= segment.capacityBytes) continue;
    const file = await disk.open(segment.path, {});
    try {
      await file.truncate(sizeBytes);
      await file.sync();
    } finally {
      await file.close();
    }
    segment.capacityBytes = sizeBytes;
  }
}
