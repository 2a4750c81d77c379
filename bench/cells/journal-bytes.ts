/** What the journal holds, read from the files of a node that was stopped for it. */

import { join } from 'node:path';
import { inspectJournal, nodeDisk, systemTimers } from '../../storage/index.js';
import type { RunningSubject } from '../subject.js';
import type { RunningTwintide } from '../twintide-subject.js';

/** Record bytes of the first node's own journal over the rows that were written. The node is stopped. */
export async function journalBytesPerRow(running: RunningSubject, rows: number): Promise<number> {
  const { servers } = running as RunningTwintide;
  await servers.halt();
  const journal = await inspectJournal(
    { disk: nodeDisk, timers: systemTimers({ keepsProcessAlive: true }) },
    { folder: join(servers.dataFolder(0), 'journal', '1'), origin: 1, everyDigest: false },
  );
  let bytes = 0;
  for (const { segments } of journal.incarnations) {
    for (const segment of segments) bytes += segment.recordBytes;
  }
  return bytes / rows;
}
