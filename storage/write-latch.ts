/**
 * One writer at a time, over all threads that have one LevelDB open, and none after one has failed.
 *
 * LevelDB 1.20 goes on after a failed append to its log as if nothing had been written. But half a record may be there, and whatever is
 * appended behind it, synced or not, is lost at the next start: measured, and silent. So from the first failure on nothing is
 * written, in no thread, until LevelDB was opened anew; and since no two writes run side by side, all that succeeded lies before the failure.
 * It costs nothing: LevelDB takes one write at a time anyway.
 *
 *   failed (0, 1) | owner (thread + 1; 0 = free)        32 bits each, in memory that the threads share
 */

import { NoSpaceError } from './no-space-error.js';
import type { Timers } from './ports.js';

const FAILED = 0;
const OWNER = 1;
const FREE = 0;
/** A write takes tens of milliseconds; who waits for one looks so often. */
const POLL_MS = 1;

export class WriteLatch {
  readonly #cells: Int32Array;
  readonly #timers: Timers;
  readonly #name: number;
  #last: Promise<unknown> = Promise.resolve();

  static memory(): SharedArrayBuffer {
    return new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT);
  }

  /** A thread is gone: it holds up nobody any more. */
  static forget(memory: SharedArrayBuffer, thread: number): void {
    Atomics.compareExchange(new Int32Array(memory), OWNER, thread + 1, FREE);
  }

  /** @param thread a number of this thread's own; 0 = the main thread */
  constructor(memory: SharedArrayBuffer, thread: number, timers: Timers) {
    this.#cells = new Int32Array(memory);
    this.#name = thread + 1;
    this.#timers = timers;
  }

  /** A write of some thread has failed since the last `reset`. */
  get hasFailed(): boolean {
    return Atomics.load(this.#cells, FAILED) !== 0;
  }

  /** Requires: LevelDB was opened anew, and no thread writes. */
  reset(): void {
    Atomics.store(this.#cells, FAILED, 0);
  }

  /** One write behind the other. Rejects as `write` does, and with NoSpaceError, before it is called, when one has failed before. */
  write(write: () => Promise<void>): Promise<void> {
    const writing = this.#last.then(() => this.#writeAlone(write));
    this.#last = writing.catch(() => undefined);
    return writing;
  }

  async #writeAlone(write: () => Promise<void>): Promise<void> {
    while (Atomics.compareExchange(this.#cells, OWNER, FREE, this.#name) !== FREE) {
      await new Promise<void>((resolve) => this.#timers.after(POLL_MS, resolve));
    }
    try {
      if (this.hasFailed) throw new NoSpaceError('an earlier write to the block store failed');
      await write();
    } catch (error) {
      Atomics.store(this.#cells, FAILED, 1);
      throw error;
    } finally {
      Atomics.store(this.#cells, OWNER, FREE);
    }
  }
}
