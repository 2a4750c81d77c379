/**
 * Keeps a query fair: gives the event loop its turn, and ends the query when it is killed or out of time.
 *
 * Operators ask `isDue` after each piece of work (a batch, a few thousand comparisons) and, when it is, await `rest`.
 */

import { SqlError } from '../../protocol/index.js';
import type { ExecutionContext } from './execution-context.js';
import type { NapRequest } from './function-definition.js';

/** Nothing may hold the event loop for more than 5 ms; the work between two questions comes on top of this. */
const STRETCH_MS = 2;

export class Pacer {
  readonly #context: ExecutionContext;
  readonly #naps: NapRequest;
  readonly #deadlineMs: number;
  #stretchStartMs: number;

  constructor(context: ExecutionContext, naps: NapRequest) {
    this.#context = context;
    this.#naps = naps;
    const now = context.clock.monotonicMs();
    this.#stretchStartMs = now;
    this.#deadlineMs = context.maxExecutionMs > 0 ? now + context.maxExecutionMs : Infinity;
  }

  /** Also true when the query shall end. */
  isDue(): boolean {
    if (this.#context.signal.aborted || this.#naps.pendingMs > 0) return true;
    return this.#context.clock.monotonicMs() - this.#stretchStartMs >= STRETCH_MS;
  }

  /** Throws ER_QUERY_INTERRUPTED and ER_QUERY_TIMEOUT. */
  async rest(): Promise<void> {
    this.#check();
    if (this.#naps.pendingMs > 0) await this.#nap();
    else await this.#context.timers.yieldTurn();
    this.#check();
    this.#stretchStartMs = this.#context.clock.monotonicMs();
  }

  #check(): void {
    if (this.#context.signal.aborted) throw new SqlError('ER_QUERY_INTERRUPTED');
    if (this.#context.clock.monotonicMs() > this.#deadlineMs)
      throw new SqlError('ER_QUERY_TIMEOUT');
  }

  /** What SLEEP asked for, or until the query is ended. */
  async #nap(): Promise<void> {
    const { clock, signal, timers } = this.#context;
    const leftMs = this.#deadlineMs - clock.monotonicMs();
    const isCut = leftMs < this.#naps.pendingMs;
    const napMs = Math.min(this.#naps.pendingMs, leftMs);
    this.#naps.pendingMs = 0;
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        timer.cancel();
        signal.removeEventListener('abort', wake);
        resolve();
      };
      const timer = timers.after(napMs, wake);
      signal.addEventListener('abort', wake);
    });
    // A timer may go off a little early by this clock: the time is up all the same.
    if (isCut && !signal.aborted) throw new SqlError('ER_QUERY_TIMEOUT');
  }
}

/** Counts what one query holds. */
export class MemoryBudget {
  readonly #limitBytes: number;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** Throws ER_OUT_OF_SORTMEMORY when `heldBytes` is over the limit. `what` names the holder: 'ORDER BY'. */
  check(heldBytes: number, what: string): void {
    if (heldBytes <= this.#limitBytes) return;
    throw new SqlError(
      'ER_OUT_OF_SORTMEMORY',
      `Out of sort memory: ${what} needs more than the ${this.#limitBytes} bytes that a query may hold; ` +
        'narrow the WHERE, add a LIMIT, or raise query.memory_bytes',
    );
  }
}
