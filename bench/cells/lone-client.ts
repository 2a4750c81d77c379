/**
 * One request at a time, each after the last was answered. What that takes is mostly waiting for a disk and for sleeping processors, which
 * are quick in one minute and slow in the next. So all subjects are up side by side, and so are the probes of the machine; they take turns
 * of half a second or so, and whatever the machine does, it does to all of them.
 */

import { availableParallelism } from 'node:os';
import { performance } from 'node:perf_hooks';
import type { LoadConnection } from '../load.js';
import type { MachineProbe } from '../machine-probe.js';
import { cpuSecondsOf, stolenSeconds, untilIdle } from '../process-cpu.js';
import type { RunningSubject, Subject } from '../subject.js';
import type { Workload } from '../workload.js';
import { checkCount, DATABASE, load, SETTLE_MS, type WarmUp } from './repetition.js';

/** Requests of one turn that count, behind a few that find everything as the others left it. */
const TURN_REQUESTS = 1000;
const LEAD_REQUESTS = 100;

export interface LoneTimes {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly requestsPerSecond: number;
}

export interface LoneSubjectTimes extends LoneTimes {
  /** Microseconds of CPU a request, of all threads of all nodes, with what they do while the others have their turn. */
  readonly cpuMicros: number;
}

export interface LonePlan<Name extends string> {
  readonly subjects: readonly Subject[];
  /** Of one row a request. */
  readonly workload: Workload;
  /** Sent to each subject beforehand, one after another, each into a database of its own. */
  readonly warmUps: readonly WarmUp[];
  readonly probes: Readonly<Record<Name, MachineProbe>>;
}

export interface LoneResult<Name extends string> {
  /** In the order of the plan. */
  readonly subjects: readonly LoneSubjectTimes[];
  readonly probes: Readonly<Record<Name, LoneTimes>>;
  /** Share of the processors' time that a host kept from this machine meanwhile; waking up then takes as long as that pleases. */
  readonly stolenShare: number;
}

/** Starts the subjects, lets them take turns until all of the workload was sent to each, and stops them. The probes are the caller's. */
export async function measureTurns<Name extends string>(
  plan: LonePlan<Name>,
): Promise<LoneResult<Name>> {
  const up: Up[] = [];
  try {
    for (const subject of plan.subjects) up.push(await startWarm(subject, plan));
    const names = Object.keys(plan.probes) as Name[];
    const probes = names.map((name) => new Turns(() => plan.probes[name].once()));
    const all = [...probes, ...up.map(({ turns }) => turns)];
    const cpuBefore = up.map(cpuOf);
    const stolenBefore = stolenSeconds();
    const start = performance.now();
    for (let sent = 0, round = 0; sent < plan.workload.requests.length; round++) {
      const requests = Math.min(
        LEAD_REQUESTS + TURN_REQUESTS,
        plan.workload.requests.length - sent,
      );
      for (const turns of round % 2 === 0 ? all : all.toReversed()) await turns.take(requests);
      sent += requests;
    }
    const processorSeconds = ((performance.now() - start) / 1000) * availableParallelism();
    const stolenShare = (stolenSeconds() - stolenBefore) / processorSeconds;
    const subjects = up.map((each, i) => ({
      ...each.turns.times,
      cpuMicros: ((cpuOf(each) - cpuBefore[i]!) * 1e6) / plan.workload.requests.length,
    }));
    for (const { running, connection, subject } of up) {
      connection.close();
      await checkCount(running, plan.workload.rows, subject.name);
    }
    const times = names.map((name, i) => [name, probes[i]!.times]);
    return { subjects, probes: Object.fromEntries(times) as Record<Name, LoneTimes>, stolenShare };
  } finally {
    for (const { running } of up) await running.stop();
  }
}

interface Up {
  readonly subject: Subject;
  readonly running: RunningSubject;
  readonly connection: LoadConnection;
  readonly turns: Turns;
}

async function startWarm(
  subject: Subject,
  { workload, warmUps }: Pick<LonePlan<string>, 'workload' | 'warmUps'>,
): Promise<Up> {
  const running = await subject.start();
  try {
    for (const warmUp of warmUps) {
      await load(running, warmUp.database, warmUp.workload, 1);
      await running.flush?.(warmUp.database);
      await running.compact?.(warmUp.database);
      await untilIdle(running.pids, SETTLE_MS);
    }
    await running.createTable(DATABASE);
    const [connection] = await running.connect(DATABASE, 1, workload);
    let next = 0;
    const turns = new Turns(() => connection!.send(workload.requests[next++]!));
    return { subject, running, connection: connection!, turns };
  } catch (error) {
    await running.stop();
    throw error;
  }
}

function cpuOf({ running }: Up): number {
  return running.pids.reduce((seconds, pid) => seconds + cpuSecondsOf(pid), 0);
}

/** The turns of one of them. */
class Turns {
  readonly #once: () => Promise<void>;
  readonly #latencies: number[] = [];
  #ms = 0;

  constructor(once: () => Promise<void>) {
    this.#once = once;
  }

  /** The first requests do not count, unless there are no others. */
  async take(requests: number): Promise<void> {
    const lead = requests > LEAD_REQUESTS ? LEAD_REQUESTS : 0;
    for (let i = 0; i < lead; i++) await this.#once();
    for (let i = lead; i < requests; i++) {
      const sentAt = performance.now();
      await this.#once();
      const ms = performance.now() - sentAt;
      this.#latencies.push(ms);
      this.#ms += ms;
    }
  }

  get times(): LoneTimes {
    const sorted = this.#latencies.toSorted((a, b) => a - b);
    const at = (q: number): number => sorted[Math.floor((sorted.length - 1) * q)]!;
    return {
      p50Ms: at(0.5),
      p99Ms: at(0.99),
      requestsPerSecond: (1000 * sorted.length) / this.#ms,
    };
  }
}
