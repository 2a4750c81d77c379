/**
 * The worker thread's own program: opens the LevelDB that the process has open already, and does jobs as they come.
 *
 * Jobs run side by side in paces, so a long one does not hold up a short one. The thread ends when it is told to stop, after its
 * jobs have noticed and its handle of LevelDB is closed; ending it from outside would pull the store out from under a write.
 */

import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { ArrayPool } from './array-pool.js';
import type { BackgroundJob, JobResult } from './background-job.js';
import { CorruptionError } from './corruption-error.js';
import { IdleClear } from './idle-clear.js';
import { JobStoppedError } from './job-deps.js';
import { latchedStore } from './latched-store.js';
import { isNoSpace } from './no-space-error.js';
import { classicLevelStore, systemTimers } from './node-adapters.js';
import { Pacer, UNITS_PER_TURN_OF_THREAD } from './pacer.js';
import type { KeyValueStore } from './ports.js';
import { runJob } from './run-job.js';
import { WriteLatch } from './write-latch.js';

export interface WorkerSettings {
  /** Folder of the LevelDB. */
  readonly path: string;
  /** What threads know of each other's writes, and this thread's number there. */
  readonly latch: SharedArrayBuffer;
  readonly thread: number;
}

export type WorkerRequest =
  | { readonly kind: 'run'; readonly number: number; readonly job: BackgroundJob }
  | { readonly kind: 'warm'; readonly buffers: readonly SharedArrayBuffer[] }
  | { readonly kind: 'stop' };

/** Of arrays that lie idle between jobs: what the flush of a memtable of a million rows uses. */
const ARRAYS_BYTES = 64 * 1024 * 1024;
/** Without a job for so long the thread keeps nothing. */
const ARRAYS_KEPT_MS = 10_000;

/** At most what a page of memory has: the least there is. */
const PAGE_BYTES = 4096;

export type WorkerAnswer =
  | { readonly number: number; readonly result: JobResult }
  | { readonly number: number; readonly failure: WorkerFailure };

/** An error as data: its class does not survive the way. */
export interface WorkerFailure {
  readonly isStopped: boolean;
  /** Where the damage is that the job met; null = it failed for another reason. */
  readonly damagedPath: string | null;
  readonly isNoSpace: boolean;
  readonly message: string;
  readonly stack: string | undefined;
}

class Worker {
  readonly #port: MessagePort;
  readonly #kv: Promise<KeyValueStore>;
  readonly #arrays = new ArrayPool(ARRAYS_BYTES);
  readonly #idle = new IdleClear(
    this.#arrays,
    ARRAYS_KEPT_MS,
    systemTimers({ keepsProcessAlive: false }),
  );
  readonly #running = new Set<Promise<void>>();
  #isStopping = false;

  constructor(port: MessagePort, { path, latch, thread }: WorkerSettings) {
    this.#port = port;
    const timers = systemTimers({ keepsProcessAlive: true });
    this.#kv = classicLevelStore(path).then((kv) =>
      latchedStore(kv, new WriteLatch(latch, thread, timers)),
    );
    // Each job that needs it tells the failure.
    this.#kv.catch(() => undefined);
    port.on('message', (request: WorkerRequest) => {
      if (request.kind === 'stop') void this.#stop();
      else if (request.kind === 'warm') request.buffers.forEach(warm);
      else this.#start(request.number, request.job);
    });
  }

  #start(number: number, job: BackgroundJob): void {
    this.#idle.began();
    const running = this.#run(number, job).finally(() => {
      this.#running.delete(running);
      if (this.#running.size === 0) this.#idle.ended();
    });
    this.#running.add(running);
  }

  async #run(number: number, job: BackgroundJob): Promise<void> {
    let answer: WorkerAnswer;
    try {
      const kv = await this.#kv;
      const timers = systemTimers({ keepsProcessAlive: true });
      const pacer = new Pacer(timers, UNITS_PER_TURN_OF_THREAD);
      const checkStopped = (): void => {
        if (this.#isStopping) throw new JobStoppedError();
      };
      answer = {
        number,
        result: await runJob(job, { kv, pacer, arrays: this.#arrays, checkStopped }),
      };
    } catch (error) {
      answer = { number, failure: failureOf(error) };
    }
    this.#port.postMessage(answer);
  }

  async #stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#running);
    await this.#kv.then(
      (kv) => kv.close(),
      () => undefined,
    );
    this.#port.close();
  }
}

/** Writes to each page what is there, in one step with reading it: what others write meanwhile stays. */
function warm(buffer: SharedArrayBuffer): void {
  const words = new Int32Array(buffer, 0, Math.floor(buffer.byteLength / 4));
  for (let at = 0; at < words.length; at += PAGE_BYTES / 4) Atomics.or(words, at, 0);
}

function failureOf(error: unknown): WorkerFailure {
  const isStopped = error instanceof JobStoppedError;
  const damagedPath = error instanceof CorruptionError ? error.path : null;
  if (!(error instanceof Error)) {
    return { isStopped, damagedPath, isNoSpace: false, message: String(error), stack: undefined };
  }
  const cause = error.cause instanceof Error ? `: ${error.cause.message}` : '';
  const message = error.message + cause;
  return { isStopped, damagedPath, isNoSpace: isNoSpace(error), message, stack: error.stack };
}

if (parentPort !== null) new Worker(parentPort, workerData as WorkerSettings);
