/** How much room a journal has in files that exist: the open segment's rest and the spares. */

import { SEAL_GROUP_BYTES } from './commit-group.js';
import type { IncarnationLog } from './incarnation-log.js';
import type { SegmentPool } from './segment-pool.js';
import { SEGMENT_HEADER_BYTES } from './segment.js';

export class JournalRoom {
  readonly #logs: readonly IncarnationLog[];
  readonly #pool: Pick<SegmentPool, 'readyCount' | 'lastError'>;
  readonly #segmentBytes: number;

  /** `logs` are the journal's, as they are at any time. */
  constructor(
    logs: readonly IncarnationLog[],
    pool: Pick<SegmentPool, 'readyCount' | 'lastError'>,
    segmentBytes: number,
  ) {
    this.#logs = logs;
    this.#pool = pool;
    this.#segmentBytes = segmentBytes;
  }

  /** Files of segments and spares together. */
  bytesOnDisk(): number {
    let bytes = this.#pool.readyCount * this.#segmentBytes;
    for (const { segments } of this.#logs) {
      for (const segment of segments) if (segment.isOnDisk) bytes += segment.capacityBytes;
    }
    return bytes;
  }

  /** Record bytes that surely fit into files that exist. `current` is the incarnation that records go to. */
  roomBytes(current: IncarnationLog | undefined): number {
    let spares = this.#pool.readyCount;
    for (const { segments } of this.#logs) {
      for (const segment of segments) if (!segment.isOnDisk) spares -= 1;
    }
    // The open segment is one of those whose file is still to be made.
    if (spares < 0) return 0;
    const open = current?.openSegment?.roomBytes ?? 0;
    const perSpare = this.#segmentBytes - SEGMENT_HEADER_BYTES - SEAL_GROUP_BYTES;
    return Math.max(open, 0) + spares * perSpare;
  }

  /** The disk gives no further file and what exists does not surely hold this many record bytes. */
  isFullFor(recordBytes: number, current: IncarnationLog | undefined): boolean {
    return this.#pool.lastError !== null && this.roomBytes(current) < recordBytes;
  }
}
