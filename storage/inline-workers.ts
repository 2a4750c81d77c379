/**
 * Background work on the thread that asks for it, in paces: for the simulator and for stores in memory. The same jobs by the same code as
 * in worker threads, in an order that a virtual clock decides.
 */

import { ArrayPool } from './array-pool.js';
import type { BackgroundJob, JobResult } from './background-job.js';
import { JobStoppedError } from './job-deps.js';
import { Pacer } from './pacer.js';
import type { BackgroundWorkers, KeyValueStore, Timers } from './ports.js';
import { runJob } from './run-job.js';

/** Small stores and short lives, as a rule. */
const ARRAYS_BYTES = 1024 * 1024;

export class InlineWorkers implements BackgroundWorkers {
  readonly #kv: KeyValueStore;
  readonly #timers: Timers;
  readonly #arrays = new ArrayPool(ARRAYS_BYTES);
  readonly #running = new Set<Promise<unknown>>();
  #isClosed = false;

  constructor(deps: { readonly kv: KeyValueStore; readonly timers: Timers }) {
    this.#kv = deps.kv;
    this.#timers = deps.timers;
  }

  run(job: BackgroundJob): Promise<JobResult> {
    const checkStopped = (): void => {
      if (this.#isClosed) throw new JobStoppedError();
    };
    const pacer = new Pacer(this.#timers);
    const running = runJob(job, { kv: this.#kv, pacer, arrays: this.#arrays, checkStopped });
    const ended: Promise<unknown> = running.then(
      () => this.#running.delete(ended),
      () => this.#running.delete(ended),
    );
    this.#running.add(ended);
    return running;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#running);
  }
}
