/**
 * When the journal writes on the spot, on the main thread, instead of through libuv's pool.
 *
 * The way through the pool wakes a sleeping thread and then a sleeping event loop: on a small machine that is a fifth to a third of what a synced
 * write of one record takes. A client that commits row by row waits for nothing else, and the loop has nothing else to do: there the
 * write on the spot is pure gain. It is a loss as soon as there is company (the next statements could be read meanwhile, and share
 * the next group) or the disk stalls (nothing on the main thread may take 5 ms). So it is done only
 *
 *   - in a row of groups of one small record each: nobody else commits;
 *   - while the disk is quick: a write that took SLOW_MS sends all the following ones through the pool for a while, and for longer
 *     each time when only few were quick since the last. Every disk stalls now and then, more so beside a flush: what counts is how
 *     many of the writes do, not how long ago one did.
 */

const LONE_GROUPS_MIN = 16;
const CONTENT_BYTES_MAX = 16 * 1024;
const SLOW_MS = 4;
/** A disk that stalls less often than once in so many writes rests as short as it may. */
const QUICK_WRITES_MIN = 64;
const REST_MS_MIN = 50;
const REST_MS_MAX = 60_000;

export class LoneWritePace {
  #loneGroups = 0;
  #quickWrites = QUICK_WRITES_MIN;
  #restMs = REST_MS_MIN;
  #restUntilMs = -Infinity;

  /** Asked once for each group, in order. */
  allows(recordCount: number, contentBytes: number, nowMs: number): boolean {
    if (recordCount > 1 || contentBytes > CONTENT_BYTES_MAX) {
      this.#loneGroups = 0;
      return false;
    }
    this.#loneGroups += 1;
    return this.#loneGroups > LONE_GROUPS_MIN && nowMs >= this.#restUntilMs;
  }

  /** How long a write on the spot took. */
  took(elapsedMs: number, nowMs: number): void {
    if (elapsedMs < SLOW_MS) {
      this.#quickWrites += 1;
      return;
    }
    const isOften = this.#quickWrites < QUICK_WRITES_MIN;
    this.#restMs = isOften ? Math.min(this.#restMs * 2, REST_MS_MAX) : REST_MS_MIN;
    this.#restUntilMs = nowMs + this.#restMs;
    this.#quickWrites = 0;
  }
}
