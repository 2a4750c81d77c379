/**
 * When the journal writes on the spot, on the main thread, instead of through libuv's pool.
 *
 * The way through the pool wakes a sleeping thread and then a sleeping event loop: on a small machine that is a fifth to a third of what a synced
 * write of one record takes. A client that commits row by row waits for nothing else, and the loop has nothing else to do: there the
 * write on the spot is pure gain. It is a loss as soon as there is company (the next statements could be read meanwhile, and share
 * the next group) or the disk stalls (nothing on the main thread may take 5 ms). So it is done only
 *
 *   - in a row of groups of one small record each, none of which several statements share: nobody else commits;
 *   - while the disk is quick: a write that took SLOW_MS sends all the following ones through the pool, until enough of those in a row were
 *     quick. Every disk stalls now and then, more so beside a flush: what counts is how many of the writes do. So it takes few to trust
 *     it again, and twice as many each time when only few were quick on the spot.
 */

const LONE_GROUPS_MIN = 16;
const CONTENT_BYTES_MAX = 16 * 1024;
const SLOW_MS = 4;
/** A disk that stalls less often than once in so many writes is trusted again as soon as may be. */
const QUICK_WRITES_MIN = 64;
const TRUST_WRITES_MIN = 8;
const TRUST_WRITES_MAX = 16_384;

export class LoneWritePace {
  #loneGroups = 0;
  /** On the spot, since the last one that was slow. */
  #quickWrites = QUICK_WRITES_MIN;
  /** Quick writes through the pool that it takes, one after another, and how many are still to come; 0 = the disk is trusted. */
  #trustWrites = TRUST_WRITES_MIN;
  #writesToTrust = 0;

  /** The next record is of several statements: whoever sent them has company. */
  meetCompany(): void {
    this.#loneGroups = 0;
  }

  /** Asked once for each group, in order. */
  allows(recordCount: number, contentBytes: number): boolean {
    if (recordCount > 1 || contentBytes > CONTENT_BYTES_MAX) {
      this.#loneGroups = 0;
      return false;
    }
    this.#loneGroups += 1;
    return this.#loneGroups > LONE_GROUPS_MIN && this.#writesToTrust === 0;
  }

  /** How long a write on the spot took. */
  took(elapsedMs: number): void {
    if (elapsedMs < SLOW_MS) {
      this.#quickWrites += 1;
      return;
    }
    const isOften = this.#quickWrites < QUICK_WRITES_MIN;
    this.#trustWrites = isOften
      ? Math.min(this.#trustWrites * 2, TRUST_WRITES_MAX)
      : TRUST_WRITES_MIN;
    this.#writesToTrust = this.#trustWrites;
    this.#quickWrites = 0;
  }

  /** How long a write through the pool took, its way there and back included. */
  tookThroughPool(elapsedMs: number): void {
    if (this.#writesToTrust === 0) return;
    this.#writesToTrust = elapsedMs < SLOW_MS ? this.#writesToTrust - 1 : this.#trustWrites;
  }
}
