/**
 * Which segments may go: a plan, made apart from carrying it out.
 *
 * A segment goes only when it is sealed on stable storage, lies entirely at or below its incarnation's bound and nobody reads it;
 * within an incarnation the oldest goes first. The newest segment on disk stays until its incarnation has ended, because
 * that is what the incarnation's position is recovered from.
 */

import type { IncarnationLog } from './incarnation-log.js';
import type { JournalSegment } from './journal-segment.js';
import type { IncarnationId } from './position.js';

export interface Releasable {
  readonly log: IncarnationLog;
  readonly segment: JournalSegment;
}

/**
 * Segments to release, in order. `bounds`: highest sequence that may go, by incarnation; one without a bound keeps everything. Of all
 * that could go, at least `retainBytes` of record bytes stay: the newest.
 */
export function planRelease(
  logs: readonly IncarnationLog[],
  bounds: ReadonlyMap<IncarnationId, number>,
  retainBytes: number,
): readonly Releasable[] {
  const free: Releasable[] = [];
  let freeBytes = 0;
  for (const log of logs) {
    const bound = bounds.get(log.id) ?? 0;
    for (const [place, segment] of log.segments.entries()) {
      const isNeeded = !log.isEnded && log.segments[place + 1]?.isOnDisk !== true;
      const isFree = segment.isSealDurable && segment.lastSequence <= bound && !isNeeded;
      if (!isFree || segment.readerCount > 0) break;
      free.push({ log, segment });
      freeBytes += segment.index.recordBytes;
    }
  }
  const plan: Releasable[] = [];
  for (const item of free) {
    freeBytes -= item.segment.index.recordBytes;
    if (freeBytes < retainBytes) break;
    plan.push(item);
  }
  return plan;
}
