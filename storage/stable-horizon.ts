/**
 * The stable horizon: the version at or below which nothing can arrive any more, from either origin. What was overwritten or deleted at or
 * below it may be forgotten.
 *
 *   own bound    everything of ours at or below it is durable and applied here, and no later stamp is
 *   peer's bound the peer has said so of its records, and everything before that word is applied here
 *
 * It is the lower of the two, never goes back, and stands still while a lost tail of an older incarnation may still come.
 */

import type { VersionClock } from './version-clock.js';

export interface StableHorizonDeps {
  readonly versions: Pick<VersionClock, 'advance'>;
  /** All that was appended here is applied. */
  readonly isAllApplied: () => boolean;
}

export class StableHorizon {
  readonly #deps: StableHorizonDeps;
  #hasPeer = false;
  #isHeld = true;
  #ownBound = 0;
  #peerBound = 0;
  #value = 0;

  constructor(deps: StableHorizonDeps) {
    this.#deps = deps;
  }

  /** A peer is configured: without a word of it nothing is stable. */
  expectPeer(): void {
    this.#hasPeer = true;
  }

  /** While older incarnations are not agreed on it stands still. */
  setHeld(isHeld: boolean): void {
    this.#isHeld = isHeld;
  }

  announcePeerBound(version: number): void {
    this.#peerBound = Math.max(this.#peerBound, version);
  }

  ownBound(): number {
    if (this.#deps.isAllApplied()) this.#ownBound = this.#deps.versions.advance();
    return this.#ownBound;
  }

  value(): number {
    if (!this.#isHeld) {
      const own = this.ownBound();
      const bound = this.#hasPeer ? Math.min(own, this.#peerBound) : own;
      this.#value = Math.max(this.#value, bound);
    }
    return this.#value;
  }
}
