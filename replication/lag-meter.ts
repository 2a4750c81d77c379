/**
 * How far this node is behind its peer, in time: each heartbeat of the peer names its newest record, and the lag is the age of the
 * oldest heartbeat whose record is not yet applied here. 0 when all are; no clock of the peer's is involved.
 */

import type { IncarnationId } from '../storage/index.js';

interface Mark {
  readonly incarnation: IncarnationId;
  readonly sequence: number;
  readonly atMs: number;
}

/** Marks held at most; of more, the newest are not taken: the oldest tells the lag. */
const MARKS_MAX = 128;

export class LagMeter {
  readonly #marks: Mark[] = [];

  heard(incarnation: IncarnationId, sequence: number, nowMs: number): void {
    if (this.#marks.length < MARKS_MAX) this.#marks.push({ incarnation, sequence, atMs: nowMs });
  }

  /** `appliedOf`: highest applied sequence of an incarnation of the peer. */
  lagMs(appliedOf: (incarnation: IncarnationId) => number, nowMs: number): number {
    while (this.#marks.length > 0) {
      const mark = this.#marks[0]!;
      if (appliedOf(mark.incarnation) < mark.sequence) return nowMs - mark.atMs;
      this.#marks.shift();
    }
    return 0;
  }
}
