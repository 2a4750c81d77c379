/**
 * Which journal segments may go, from what flushes and the peer say.
 *
 * A segment may go once its rows' flush and one further flush are complete, and both sides have it durable: so a damaged newest flush can
 * always be redone from the journal. Of the own ones `retainBytes` stay beyond that, for a peer that comes back.
 */

import type { Journal } from './journal.js';
import type { IncarnationId, PositionVector } from './position.js';

export class SegmentRelease {
  readonly #retainBytes: number;
  /** Of the newest flush, and of the one before. */
  #replayFrom: PositionVector = [];
  #previousReplayFrom: PositionVector = [];
  #hasPeer = false;
  readonly #confirmed = new Map<IncarnationId, number>();
  readonly #originDurable = new Map<IncarnationId, number>();

  constructor(retainBytes: number) {
    this.#retainBytes = retainBytes;
  }

  /** A peer is configured: own segments then wait for its confirmation before they go. */
  expectPeer(): void {
    this.#hasPeer = true;
  }

  /** The peer has everything up to `sequence` of this own incarnation durable (may go back: the peer says so). */
  setConfirmed(incarnation: IncarnationId, sequence: number): void {
    this.#confirmed.set(incarnation, sequence);
  }

  /** The origin of the copy says that it has everything up to `sequence` durable itself. */
  setOriginDurable(incarnation: IncarnationId, sequence: number): void {
    this.#originDurable.set(incarnation, sequence);
  }

  /** A flush is complete, and replay would begin here from now on. */
  flushed(replayFrom: PositionVector): void {
    this.#previousReplayFrom = this.#replayFrom;
    this.#replayFrom = replayFrom;
  }

  async release(own: Journal, copy: Journal | null): Promise<void> {
    const ownBounds = new Map<IncarnationId, number>();
    const copyBounds = new Map<IncarnationId, number>();
    for (const { origin, incarnation, sequence } of this.#previousReplayFrom) {
      if (origin === own.origin) {
        const confirmed = this.#hasPeer ? (this.#confirmed.get(incarnation) ?? 0) : Infinity;
        ownBounds.set(incarnation, Math.min(sequence, confirmed));
      } else {
        const durable = this.#originDurable.get(incarnation) ?? 0;
        copyBounds.set(incarnation, Math.min(sequence, durable));
      }
    }
    await own.releaseBefore(ownBounds, this.#retainBytes);
    await copy?.releaseBefore(copyBounds, 0);
  }
}
