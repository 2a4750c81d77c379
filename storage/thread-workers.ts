/**
 * Background work in worker threads of this process. A thread is started with the first job that needs it, or ahead of all jobs; each opens
 * the same LevelDB (`multithreading`). A thread that dies takes its jobs with it: they reject, and the store fails.
 */

import { Worker } from 'node:worker_threads';
import type { BackgroundJob, JobResult } from './background-job.js';
import type {
  WorkerAnswer,
  WorkerFailure,
  WorkerRequest,
  WorkerSettings,
} from './background-worker.js';
import { CorruptionError } from './corruption-error.js';
import { JobStoppedError } from './job-deps.js';
import { NoSpaceError } from './no-space-error.js';
import type { BackgroundWorkers } from './ports.js';
import { WriteLatch } from './write-latch.js';

/**
 * For short-lived objects of a thread. It works on arrays outside of its heap, and makes few objects: without this it would hold three times
 * as much for them, for as long as it lives.
 */
const YOUNG_GENERATION_MIB = 12;

export interface ThreadWorkersOptions {
  /** Folder of the LevelDB, which the main thread keeps open. */
  readonly path: string;
  /** At most so many threads. */
  readonly threads: number;
  /** Memory of a WriteLatch, where other threads write to the same LevelDB. The threads here are 1, 2, 3... in it. */
  readonly latch?: SharedArrayBuffer;
  /** What a thread runs; by default background-worker.js beside this file. */
  readonly program?: { readonly file: string; readonly arguments: readonly string[] };
}

export class BackgroundWorkError extends Error {
  override readonly name = 'BackgroundWorkError';
}

interface Pending {
  readonly resolve: (result: JobResult) => void;
  readonly reject: (error: Error) => void;
}

/** One thread and what it has been asked. */
class Thread {
  readonly pending = new Map<number, Pending>();
  readonly #worker: Worker;
  readonly #ended: Promise<void>;
  #isStopping = false;
  #death: BackgroundWorkError | null = null;

  constructor(options: ThreadWorkersOptions, latch: SharedArrayBuffer, number: number) {
    const settings: WorkerSettings = { path: options.path, latch, thread: number };
    const { program } = options;
    this.#worker = new Worker(program?.file ?? new URL('./background-worker.js', import.meta.url), {
      workerData: settings,
      argv: [...(program?.arguments ?? [])],
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MIB },
    });
    this.#worker.on('message', (answer: WorkerAnswer) => this.#settle(answer));
    this.#worker.on('error', (error) =>
      this.#die(`a background thread died: ${error.message}`, error),
    );
    this.#ended = new Promise((resolve) => {
      this.#worker.on('exit', (code) => {
        this.#die(`a background thread ended with code ${code}`);
        WriteLatch.forget(latch, number);
        resolve();
      });
    });
  }

  run(number: number, job: BackgroundJob): Promise<JobResult> {
    if (this.#death !== null) return Promise.reject(this.#death);
    return new Promise((resolve, reject) => {
      this.pending.set(number, { resolve, reject });
      this.#post({ kind: 'run', number, job });
    });
  }

  warm(buffers: readonly SharedArrayBuffer[]): void {
    if (this.#death === null) this.#post({ kind: 'warm', buffers });
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    if (this.#death === null) this.#post({ kind: 'stop' });
    await this.#ended;
  }

  #post(request: WorkerRequest): void {
    this.#worker.postMessage(request);
  }

  #settle(answer: WorkerAnswer): void {
    const pending = this.pending.get(answer.number);
    this.pending.delete(answer.number);
    if ('result' in answer) pending?.resolve(answer.result);
    else pending?.reject(errorOf(answer.failure));
  }

  #die(reason: string, cause?: Error): void {
    this.#death ??= new BackgroundWorkError(reason, { cause });
    const error = this.#isStopping ? new JobStoppedError() : this.#death;
    for (const { reject } of this.pending.values()) reject(error);
    this.pending.clear();
  }
}

export class ThreadWorkers implements BackgroundWorkers {
  readonly #options: ThreadWorkersOptions;
  readonly #threads: Thread[] = [];
  readonly #latch: SharedArrayBuffer;
  #number = 0;
  #closing: Promise<void> | null = null;
  #stopped: Promise<unknown> = Promise.resolve();
  /** Not null: jobs wait for `resume`. */
  #paused: { readonly until: Promise<void>; readonly end: () => void } | null = null;

  constructor(options: ThreadWorkersOptions) {
    this.#options = options;
    this.#latch = options.latch ?? WriteLatch.memory();
  }

  /** Starts all threads: to make one stops the event loop for tens of milliseconds, which nobody feels before there are clients. */
  start(): void {
    while (this.#threads.length < this.#options.threads) this.#startThread();
  }

  async run(job: BackgroundJob): Promise<JobResult> {
    while (this.#paused !== null && this.#closing === null) await this.#paused.until;
    if (this.#closing !== null) throw new JobStoppedError();
    try {
      return await this.#leastBusy().run(++this.#number, job);
    } catch (error) {
      const isAsked = error instanceof JobStoppedError && this.#closing === null;
      throw isAsked ? new NoSpaceError('the job was stopped because the disk is full') : error;
    }
  }

  /** By a thread that has no job, if there is one. */
  warm(buffers: readonly SharedArrayBuffer[]): void {
    this.#threads.find((thread) => thread.pending.size === 0)?.warm(buffers);
  }

  /**
   * Ends the threads, so that nobody but the main thread has LevelDB open when this resolves. Jobs under way reject with NoSpaceError, new
   * ones wait until `resume`.
   */
  async pause(): Promise<void> {
    if (this.#paused === null) {
      let end: () => void = () => undefined;
      const until = new Promise<void>((resolve) => (end = resolve));
      this.#paused = { until, end };
    }
    await this.#stopThreads();
  }

  resume(): void {
    this.#paused?.end();
    this.#paused = null;
  }

  close(): Promise<void> {
    this.#closing ??= this.#stopThreads();
    this.resume();
    return this.#closing;
  }

  async #stopThreads(): Promise<void> {
    const stopping = this.#threads.splice(0).map((thread) => thread.stop());
    this.#stopped = Promise.all([this.#stopped, ...stopping]);
    await this.#stopped;
  }

  #leastBusy(): Thread {
    const idle = this.#threads.find((thread) => thread.pending.size === 0);
    if (idle !== undefined) return idle;
    if (this.#threads.length < this.#options.threads) return this.#startThread();
    return this.#threads.reduce((a, b) => (b.pending.size < a.pending.size ? b : a));
  }

  #startThread(): Thread {
    const thread = new Thread(this.#options, this.#latch, this.#threads.length + 1);
    this.#threads.push(thread);
    return thread;
  }
}

function errorOf(failure: WorkerFailure): Error {
  if (failure.isStopped) return new JobStoppedError();
  if (failure.damagedPath !== null) {
    return new CorruptionError({ path: failure.damagedPath }, failure.message);
  }
  if (failure.isNoSpace) return new NoSpaceError(failure.message);
  const error = new BackgroundWorkError(failure.message);
  if (failure.stack !== undefined) error.stack = failure.stack;
  return error;
}
