/**
 * One measurement of one subject: started on an empty disk, warmed up on a database of its own, left to become idle, then loaded.
 *
 * Every subject is alone on the machine while it is measured, and all are treated alike; where a cell has several, they take turns, so
 * that whatever changes on the machine meets all of them.
 */

import { runFileLoad } from '../file-sender.js';
import { runLoad, type LoadResult } from '../load.js';
import { cpuSecondsOf, mainThreadSecondsOf, residentBytesOf, untilIdle } from '../process-cpu.js';
import type { RequestFile } from '../request-file.js';
import type { RunningSubject, Subject } from '../subject.js';
import type { Workload } from '../workload.js';

export const DATABASE = 'bench';
export const WARM_DATABASE = 'warm';
/**
 * Of the bulk loads before the one that is measured, as many rows each: compilers are busy for the first three million rows or so. All
 * stay, so that nothing is cleared away while bytes are counted.
 */
export const WARM_DATABASES = ['warm1', 'warm2', 'warm3'];

export const SETTLE_MS = 10_000;
const COMPACTION_MS = 90_000;

export interface Moment {
  /** Microseconds of CPU a row since the load began: all threads, one figure a process. */
  readonly cpuMicrosPerRow: readonly number[];
  /** Of the main threads alone. */
  readonly mainMicrosPerRow: readonly number[];
  /** Stored bytes a row, journals left out where that can be told. */
  readonly storedBytesPerRow: number;
}

export interface Repetition {
  readonly load: LoadResult;
  readonly acknowledged: Moment;
  /** Null where a subject cannot be told to flush. */
  readonly flushed: Moment | null;
  /** After everything it did on its own accord; null when that was not waited for. */
  readonly idle: Moment | null;
  /** Resident at the last acknowledgement, one figure a process. */
  readonly residentBytes: readonly number[];
}

export interface WarmUp {
  readonly database: string;
  readonly workload: Workload;
}

export interface RepetitionPlan {
  readonly subject: Subject;
  readonly workload: Workload;
  /** Of the workload, to send it out of; without it, or with null, it leaves from this process. */
  readonly file?: RequestFile | null;
  /** One after another, each into a database of its own. */
  readonly warmUps: readonly WarmUp[];
  readonly connections: number;
  /** Without it those of the load. */
  readonly warmConnections?: number;
  /** Wait for what the load leaves behind. */
  readonly settles: boolean;
  /** Called before the subject is stopped. */
  readonly onEnd?: (running: RunningSubject) => Promise<void> | void;
}

export async function measure(plan: RepetitionPlan): Promise<Repetition> {
  const { subject, workload, connections } = plan;
  const running = await subject.start();
  try {
    for (const warmUp of plan.warmUps) {
      const { database } = warmUp;
      await load(running, database, warmUp.workload, plan.warmConnections ?? connections);
      await running.flush?.(database);
      await running.compact?.(database);
      await untilIdle(running.pids, SETTLE_MS);
    }

    await running.createTable(DATABASE);
    const opened = await running.connect(DATABASE, connections, workload);
    const momentAt = await stopwatch(running, workload.rows);
    const result = plan.file
      ? await runFileLoad(opened, workload, plan.file, running.pids)
      : await runLoad(opened, workload, running.pids);
    const acknowledged = await momentAt();
    const residentBytes = running.pids.map(residentBytesOf);
    let flushed: Moment | null = null;
    if (running.flush !== undefined) {
      await running.flush(DATABASE);
      flushed = await momentAt();
    }
    let idle: Moment | null = null;
    if (plan.settles) {
      await running.compact?.(DATABASE);
      await untilIdle(running.pids, COMPACTION_MS);
      idle = await momentAt();
    }
    for (const connection of opened) connection.close();
    await checkCount(running, workload.rows, subject.name);
    await plan.onEnd?.(running);
    return { load: result, acknowledged, flushed, idle, residentBytes };
  } finally {
    await running.stop();
  }
}

/** Loads a database from nothing, without measuring. */
export async function load(
  running: RunningSubject,
  database: string,
  workload: Workload,
  connections: number,
): Promise<void> {
  await running.createTable(database);
  const opened = await running.connect(database, connections, workload);
  await runLoad(opened, workload, []);
  for (const connection of opened) connection.close();
}

async function stopwatch(running: RunningSubject, rows: number): Promise<() => Promise<Moment>> {
  const { pids } = running;
  const storedBefore = await running.storedBytes();
  const cpuBefore = pids.map(cpuSecondsOf);
  const mainBefore = pids.map(mainThreadSecondsOf);
  const perRow = (seconds: number): number => (seconds * 1e6) / rows;
  return async () => {
    // Processor time first: asking for bytes costs some.
    const cpuMicrosPerRow = pids.map((pid, i) => perRow(cpuSecondsOf(pid) - cpuBefore[i]!));
    const mainMicrosPerRow = pids.map((pid, i) =>
      perRow(mainThreadSecondsOf(pid) - mainBefore[i]!),
    );
    const storedBytesPerRow = ((await running.storedBytes()) - storedBefore) / rows;
    return { cpuMicrosPerRow, mainMicrosPerRow, storedBytesPerRow };
  };
}

const COUNT_TRIES = 100;
const COUNT_PAUSE_MS = 100;

/** A rate of rows that are not there would be none. Some subjects, and the second node of a pair, show rows a little later. */
export async function checkCount(
  running: RunningSubject,
  rows: number,
  name: string,
): Promise<void> {
  let counts: readonly number[] = [];
  for (let tries = 0; tries < COUNT_TRIES; tries++) {
    counts = await running.countRows(DATABASE);
    if (counts.every((count) => count === rows)) return;
    await new Promise((done) => setTimeout(done, COUNT_PAUSE_MS));
  }
  throw new Error(`${name} has ${counts.join(' and ')} rows of ${rows}`);
}
