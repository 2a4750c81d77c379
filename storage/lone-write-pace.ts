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
 *     each time it happens again soon.
 */

const LONE_GROUPS_MIN = 16;
const CONTENT_BYTES_MAX = 16 * 1024;
const SLOW_MS = 4;
const REST_MS_MIN = 50;
const REST_MS_MAX = 60_000;

export class LoneWritePace {
  #loneGroups = 0;
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
    if (elapsedMs < SLOW_MS) return;
    const isSoon = nowMs - this.#restUntilMs < this.#restMs;
    this.#restMs = isSoon ? Math.min(this.#restMs * 2, REST_MS_MAX) : REST_MS_MIN;
    this.#restUntilMs = nowMs + this.#restMs;
  }
}
