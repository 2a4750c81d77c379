/** Who waits until a record of a journal is on stable storage. */

import type { IncarnationLog } from './incarnation-log.js';

interface DurableWaiter {
  readonly log: IncarnationLog;
  readonly sequence: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export class DurableWaits {
  #waiters: DurableWaiter[] = [];

  /** Resolves when `reached` was told of it; rejects when the journal fails before. */
  until(log: IncarnationLog, sequence: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ log, sequence, resolve, reject });
    });
  }

  /** All records of `log` through `sequence` are on stable storage. */
  reached(log: IncarnationLog, sequence: number): void {
    if (this.#waiters.length === 0) return;
    const isOver = (waiter: DurableWaiter): boolean =>
      waiter.log === log && waiter.sequence <= sequence;
    const over = this.#waiters.filter(isOver);
    this.#waiters = this.#waiters.filter((waiter) => !isOver(waiter));
    for (const waiter of over) waiter.resolve();
  }

  /** Nothing more becomes durable. */
  fail(error: Error): void {
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
  }
}
