/**
 * Whether threads have to wait for a processor: because more of them want to run than there are processors, or because a host gives the
 * processors to other machines. Linux tells both:
 *
 *   /proc/loadavg, fourth field: "3/214" is three that run or wait, of 214 (proc_loadavg(5))
 *   /proc/stat, eighth figure of the first line: ticks of 1/100 s that a host kept, over all processors (proc_stat(5), "steal")
 *
 * Other systems have no such figures for a process to read.
 */

import { closeSync, openSync, readSync } from 'node:fs';
import { availableParallelism } from 'node:os';

const LOADAVG = '/proc/loadavg';
const STAT = '/proc/stat';
/** What is looked at stands in the beginning of either. */
const HEAD_BYTES = 256;

const TICK_MS = 10;
/** What a host keeps is judged over at least this, in which the share is a handful of ticks; and over little more, or it is of another time. */
const STEAL_MS_MIN = 200;
const STEAL_MS_MAX = 2_000;
const STOLEN_SHARE_MAX = 0.04;

export interface DemandSource {
  readonly loadavg: string;
  readonly stat: string;
  readonly processors: number;
}

export class ProcessorDemand {
  readonly #loadavg: number;
  readonly #stat: number;
  readonly #processors: number;
  readonly #head = Buffer.alloc(HEAD_BYTES);
  #stolenTicks = 0;
  #stolenAtMs = -Infinity;
  #isStolen = false;

  private constructor(loadavg: number, stat: number, processors: number) {
    this.#loadavg = loadavg;
    this.#stat = stat;
    this.#processors = processors;
  }

  /** Null where the system does not tell. */
  static open(
    source: DemandSource = { loadavg: LOADAVG, stat: STAT, processors: availableParallelism() },
  ): ProcessorDemand | null {
    let loadavg: number | null = null;
    try {
      loadavg = openSync(source.loadavg, 'r');
      return new ProcessorDemand(loadavg, openSync(source.stat, 'r'), source.processors);
    } catch {
      if (loadavg !== null) closeSync(loadavg);
      return null;
    }
  }

  /** True also when it can no longer be told. Takes some microseconds, and some dozens each STEAL_MS_MIN. */
  isExceeded(nowMs: number): boolean {
    try {
      const sinceMs = nowMs - this.#stolenAtMs;
      if (sinceMs >= STEAL_MS_MIN) this.#judgeStolen(nowMs, sinceMs);
      return this.#isStolen || this.#runnable() > this.#processors;
    } catch {
      return true;
    }
  }

  close(): void {
    closeSync(this.#loadavg);
    closeSync(this.#stat);
  }

  #judgeStolen(nowMs: number, sinceMs: number): void {
    const ticks = Number(/^cpu(?: +\d+){7} +(\d+)/.exec(this.#read(this.#stat))?.[1] ?? NaN);
    const share = ((ticks - this.#stolenTicks) * TICK_MS) / (sinceMs * this.#processors);
    // A kernel that has no such figure is on no host.
    this.#isStolen = sinceMs <= STEAL_MS_MAX && share > STOLEN_SHARE_MAX;
    this.#stolenTicks = ticks;
    this.#stolenAtMs = nowMs;
  }

  /** Infinity on a line of another form. */
  #runnable(): number {
    return Number(/ (\d+)\//.exec(this.#read(this.#loadavg))?.[1] ?? Infinity);
  }

  #read(descriptor: number): string {
    return this.#head.toString('latin1', 0, readSync(descriptor, this.#head, 0, HEAD_BYTES, 0));
  }
}
