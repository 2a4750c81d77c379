/**
 * Time that moves only when it is told to.
 *
 * Timers fire in order of their due time, then of their creation; between two of them all promise callbacks run. So a run
 * over this clock, a ForgetfulDisk and a seed is the same run every time, and an hour of it takes no time.
 */

import type { Clock, Timer, Timers } from '../../storage/ports.js';

interface Task {
  readonly dueMs: number;
  readonly order: number;
  readonly run: () => void;
  isCancelled: boolean;
}

export class VirtualClock implements Clock, Timers {
  #elapsedMs = 0;
  #wallOffsetMs: number;
  #order = 0;
  /** A binary heap by (dueMs, order). */
  readonly #heap: Task[] = [];

  /** `wallMs`: what the wall clock shows at the start. */
  constructor(wallMs = Date.UTC(2026, 0, 1)) {
    this.#wallOffsetMs = wallMs;
  }

  wallMs(): number {
    return this.#elapsedMs + this.#wallOffsetMs;
  }

  monotonicMs(): number {
    return this.#elapsedMs;
  }

  /** Moves the wall clock alone, either way. */
  jumpWall(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }

  after(delayMs: number, run: () => void): Timer {
    const task: Task = {
      dueMs: this.#elapsedMs + Math.max(0, delayMs),
      order: this.#order++,
      run,
      isCancelled: false,
    };
    this.#push(task);
    return {
      cancel: () => {
        task.isCancelled = true;
      },
    };
  }

  yieldTurn(): Promise<void> {
    return this.delay(0);
  }

  delay(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.after(delayMs, resolve);
    });
  }

  /** Time passes inside a task that holds up everything else: what is due meanwhile runs late. */
  block(durationMs: number): void {
    this.#elapsedMs += durationMs;
  }

  /** Runs everything due within the next `durationMs`, then stands there. */
  async advance(durationMs: number): Promise<void> {
    const untilMs = this.#elapsedMs + durationMs;
    await settle();
    while (this.#heap.length > 0 && this.#heap[0]!.dueMs <= untilMs) await this.#runNext();
    // A task may have held it up for longer.
    this.#elapsedMs = Math.max(this.#elapsedMs, untilMs);
  }

  /** Runs until no timer is left. Fails after `tasksMax` tasks: something never comes to rest. */
  async runUntilIdle(tasksMax = 1_000_000): Promise<void> {
    await settle();
    for (let count = 0; this.#heap.length > 0; count += 1) {
      if (count >= tasksMax) throw new Error(`Still busy after ${tasksMax} tasks`);
      await this.#runNext();
    }
  }

  /** Runs until the promise is settled and gives its outcome. Fails when nothing is left to run before that. */
  async runUntilSettled<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    const watch = promise.then(
      () => (isSettled = true),
      () => (isSettled = true),
    );
    await settle();
    while (!isSettled) {
      if (this.#heap.length === 0) throw new Error('Nothing is left to run, and it is not settled');
      await this.#runNext();
    }
    await watch;
    return promise;
  }

  async #runNext(): Promise<void> {
    const task = this.#pop();
    if (task.isCancelled) return;
    this.#elapsedMs = Math.max(this.#elapsedMs, task.dueMs);
    task.run();
    await settle();
  }

  #push(task: Task): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(task);
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      if (!isBefore(task, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = task;
  }

  #pop(): Task {
    const heap = this.#heap;
    const top = heap[0]!;
    const task = heap.pop()!;
    if (heap.length === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1;
      if (!isBefore(heap[child]!, task)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = task;
    return top;
  }
}

function isBefore(a: Task, b: Task): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);
}

/** Lets every promise callback run that can run now. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
