/**
 * Background work on the thread that asks for it, in paces: for the simulator and for stores in memory. The same jobs by the same code as
 * in worker threads, in an order that a virtual clock decides.
 */

import type { BackgroundJob, JobResult } from './background-job.js';
import { JobStoppedError } from './job-deps.js';
import { Pacer } from './pacer.js';
import type { BackgroundWorkers, KeyValueStore, Timers } from './ports.js';
import { runJob } from './run-job.js';

export class InlineWorkers implements BackgroundWorkers {
  readonly #kv: KeyValueStore;
  readonly #timers: Timers;
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
    const running = runJob(job, { kv: this.#kv, pacer: new Pacer(this.#timers), checkStopped });
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
