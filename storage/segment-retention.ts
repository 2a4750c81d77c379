/**
 * Which segments may go: a plan, made apart from carrying it out; and carrying it out.
 *
 * A segment goes only when it is sealed on stable storage, lies entirely at or below its incarnation's bound and nobody reads it;
 * within an incarnation the oldest goes first. The newest segment on disk stays until its incarnation has ended, because
 * that is what the incarnation's position is recovered from.
 */

import assert from 'node:assert';

import type { IncarnationLog } from './incarnation-log.js';
import type { JournalSegment } from './journal-segment.js';
import type { IncarnationId } from './position.js';
import type { SegmentPool } from './segment-pool.js';

export class SegmentRetention {
  readonly #logs: IncarnationLog[];
  readonly #pool: Pick<SegmentPool, 'give'>;
  #releasing: Promise<void> = Promise.resolve();

  /** `logs` are the journal's: one that has ended and has no segment left is taken out of them. */
  constructor(logs: IncarnationLog[], pool: Pick<SegmentPool, 'give'>) {
    this.#logs = logs;
    this.#pool = pool;
  }

  /** Recycles what may go (see `planRelease`), oldest first. Resolves to the record bytes released. */
  release(bounds: ReadonlyMap<IncarnationId, number>, retainBytes: number): Promise<number> {
    // One release after another: each plans on what the one before left.
    const release = this.#releasing.then(() => this.#release(bounds, retainBytes));
    this.#releasing = release.then(noop, noop);
    return release;
  }

  /** Resolves when no release is under way. */
  idle(): Promise<void> {
    return this.#releasing;
  }

  async #release(bounds: ReadonlyMap<IncarnationId, number>, retainBytes: number): Promise<number> {
    let released = 0;
    for (const { log, segment } of planRelease(this.#logs, bounds, retainBytes)) {
      assert(log.segments[0] === segment, 'the oldest segment goes first');
      if (segment.readerCount > 0) break;
      log.segments.shift();
      if (log.isEnded && log.segments.length === 0) this.#logs.splice(this.#logs.indexOf(log), 1);
      // One by one: after a crash the older ones are gone, never a younger one alone.
      await this.#pool.give(segment.path, segment.capacityBytes);
      released += segment.index.recordBytes;
    }
    return released;
  }
}

const noop = (): void => undefined;

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
