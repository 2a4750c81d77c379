/**
 * Versions: hybrid logical clock stamps, one safe integer each.
 *
 *   version := ms since 1970 (42 bits) * 2048 + counter (8 bits) * 8 + node id (3 bits)
 *
 * Wall clocks jump, run apart and go back across a restart; conflict rules need stamps that never do. So a stamp follows the wall
 * clock where it can and counts on where it cannot: its tick (ms and counter, 50 bits) is above every tick this
 * node has stamped, received or announced. When a millisecond's 256 counters are used up, the next one is borrowed.
 *
 * Two rules keep damage out:
 * - A node whose clock is far ahead must not drag the pair's versions into the future: the physical part is at most the
 *   estimated peer clock plus the allowed skew. What was received is always obeyed, however far ahead.
 * - No stamp is above the synced *mark*, which the store writes ahead; a start begins above the mark, so that nothing stamped
 *   before a crash is stamped again, whatever the clock says. A wall clock that jumps beyond the mark only makes the
 *   stamps crowd below it until the next mark is synced.
 *
 * Invariants: marks and `highest` never go down; highest stamp <= mark.
 */

import assert from 'node:assert';

import type { NodeId } from './position.js';
import type { Clock } from './ports.js';

const NODE_UNITS = 8;
const COUNTER_UNITS = 256;
const MS_UNITS = NODE_UNITS * COUNTER_UNITS;
const TICKS_MAX = 2 ** 50 - 1;

/** How far the mark runs ahead of the clock; a new one is due when half of that is used up. */
const MARK_AHEAD_MS = 10_000;

/**
 * Ahead of versions that are themselves ahead of the clock, the mark runs this much less. A start begins above the old mark, so a
 * node that restarts again and again would otherwise drive its versions into the future by the full span each time.
 */
const VERSION_SHARE = 10;

/** Ticks below the mark that a wall clock beyond it leaves for the stamps until the next mark is synced: those of a second. */
const HELD_TICKS = 1000 * COUNTER_UNITS;

export function composeVersion(ms: number, counter: number, nodeId: NodeId): number {
  return ms * MS_UNITS + counter * NODE_UNITS + nodeId;
}

export interface VersionParts {
  readonly ms: number;
  readonly counter: number;
  readonly nodeId: NodeId;
}

export function versionParts(version: number): VersionParts {
  return {
    ms: Math.floor(version / MS_UNITS),
    counter: Math.floor(version / NODE_UNITS) % COUNTER_UNITS,
    nodeId: version % NODE_UNITS,
  };
}

/** No stamp is possible before a higher mark is synced. The store renews marks in time, so this is a stalled disk or a new store. */
export class VersionMarkError extends Error {
  override readonly name = 'VersionMarkError';
  readonly code = 'TWINTIDE_VERSION_MARK';
}

export class VersionClock {
  readonly #clock: Clock;
  readonly #nodeId: NodeId;
  readonly #maxClockSkewMs: number;
  /** Highest version stamped, received or announced. */
  #highest = 0;
  /** Highest mark on stable storage. */
  #mark = 0;
  #peer: { readonly wallMs: number; readonly atMonotonicMs: number } | null = null;

  constructor(
    deps: { readonly clock: Clock },
    options: { readonly nodeId: NodeId; readonly maxClockSkewMs: number },
  ) {
    assert(options.nodeId >= 1 && options.nodeId <= 7, 'node id is 1..7');
    this.#clock = deps.clock;
    this.#nodeId = options.nodeId;
    this.#maxClockSkewMs = options.maxClockSkewMs;
  }

  get highest(): number {
    return this.#highest;
  }

  get mark(): number {
    return this.#mark;
  }

  /** A stamp above everything stamped, received and announced before. Throws VersionMarkError when the mark leaves no room. */
  next(): number {
    const tick = this.#nextTick();
    const version = tick * NODE_UNITS + this.#nodeId;
    if (version > this.#mark) {
      throw new VersionMarkError(`No version above the synced mark ${this.#mark} may be stamped`);
    }
    this.#highest = version;
    return version;
  }

  /**
   * Moves the clock on without stamping and returns the highest version that no later stamp of this node will reach: what may
   * be announced as "nothing of mine at or below this is still to come". Never above the mark.
   */
  advance(): number {
    const version = this.#nextTick() * NODE_UNITS + this.#nodeId;
    if (version <= this.#mark) this.#highest = version;
    return Math.min(this.#highest, this.#mark);
  }

  /** A version was received: later stamps are above it. */
  observe(version: number): void {
    if (version > this.#highest) this.#highest = version;
  }

  /** Later stamps are above `version`. For a start: the highest of marks, journals and everything received. */
  setFloor(version: number): void {
    this.observe(version);
  }

  /**
   * The peer's wall clock as estimated just now, in ms since 1970; null when there is no estimate any more. It is carried on
   * by our monotonic clock.
   */
  setPeerClock(wallMs: number | null): void {
    this.#peer = wallMs === null ? null : { wallMs, atMonotonicMs: this.#clock.monotonicMs() };
  }

  /** True while `next` can stamp. */
  get canStamp(): boolean {
    return this.hasRoomFor(1);
  }

  /** True while `next` can stamp this often in one turn, as a record and the schema records before it need. */
  hasRoomFor(stamps: number): boolean {
    return (this.#nextTick() + stamps - 1) * NODE_UNITS + this.#nodeId <= this.#mark;
  }

  /** The mark to sync now, or null while the synced one reaches far enough. */
  needsMark(): number | null {
    return this.#mark < this.#reach(MARK_AHEAD_MS / 2) ? this.markFor(MARK_AHEAD_MS) : null;
  }

  /** A mark `aheadMs` beyond the clock, and above what versions have reached. Never below the synced one. */
  markFor(aheadMs: number): number {
    return Math.max(this.#reach(aheadMs), this.#mark);
  }

  /** `mark` is on stable storage: stamps up to it are allowed. */
  markSynced(mark: number): void {
    if (mark > this.#mark) this.#mark = mark;
  }

  #reach(aheadMs: number): number {
    const byClock = this.physicalMs() + aheadMs;
    const byVersion = versionParts(this.#highest).ms + aheadMs / VERSION_SHARE;
    return composeVersion(Math.ceil(Math.max(byClock, byVersion)), 0, 0);
  }

  /**
   * Own wall clock in ms since 1970, at most the peer's plus the skew allowed. Unlike a version it follows no stamp that runs ahead, so it
   * is what decides how old a row is.
   */
  physicalMs(): number {
    const own = Math.max(0, Math.floor(this.#clock.wallMs()));
    if (this.#peer === null) return own;
    const elapsedMs = this.#clock.monotonicMs() - this.#peer.atMonotonicMs;
    const limit = Math.floor(this.#peer.wallMs + elapsedMs + this.#maxClockSkewMs);
    return Math.max(0, Math.min(own, limit));
  }

  /**
   * The physical tick if it is above everything, else the tick after the highest. A physical tick beyond the mark is held
   * somewhat below the mark's: one stamp at the mark would leave no room for the next.
   */
  #nextTick(): number {
    const after = Math.floor(this.#highest / NODE_UNITS) + 1;
    const marked = Math.floor((this.#mark - this.#nodeId) / NODE_UNITS);
    const physical = Math.min(this.physicalMs() * COUNTER_UNITS, marked - HELD_TICKS);
    const tick = Math.max(after, physical);
    assert(tick <= TICKS_MAX, 'versions last until the year 2109');
    return tick;
  }
}
