/**
 * How many records a commit group waits for, when nothing else keeps it from the disk.
 *
 * Clients that commit row by row come back together: all whose records shared a group have their answers in the same turn of the event loop,
 * and send their next statements. Were the first of these written at once, it would go alone, and all the others would wait for its write to
 * share the next one, during which there is nothing left to read: a group of one, a group of all, and so on. Two groups
 * of half the clients each leave no such gap: while one is on its way to disk, the statements of the other are read.
 *
 * So half of what the last two groups held is worth waiting for. Nobody waits long for it: for the rest of this turn of the event loop and
 * for the next one, which reads what has come meanwhile. A few clients have no use for it, as their statements are read in less time than the
 * disk takes anyway, and large records go at once.
 */

/** Half of all: measured, a gain with 32 clients and none with 8. */
const COMPANIONS_MIN = 8;

/** More than this has the disk at work for longer than it takes to read a few statements. */
const WAITING_BYTES_MAX = 64 * 1024;

export class GroupFill {
  #lastCount = 1;
  #countBefore = 1;

  /** Whether these records, all that are queued, are to be written now. */
  isEnough(recordCount: number, bytes: number): boolean {
    const halfOfAll = (this.#lastCount + this.#countBefore) / 2;
    if (halfOfAll < COMPANIONS_MIN || bytes > WAITING_BYTES_MAX) return true;
    return recordCount >= halfOfAll;
  }

  /** A group of so many records is written. */
  wrote(recordCount: number): void {
    this.#countBefore = this.#lastCount;
    this.#lastCount = recordCount;
  }
}
