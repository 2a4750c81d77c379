/**
 * CPU of a compaction alone: four runs of the cpu workload's rows (a time, 10 metrics) joined to one, over a LevelDB on disk.
 *
 * The runs are what a flush writes; with a million series each has one or two rows of a series. `node dist/bench/compaction-cpu.js
 * [name...]`; microseconds a row that is read, best of some: CPU of all threads, LevelDB's own included, and elapsed time.
 */

import { ArrayPool } from '../storage/array-pool.js';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import type { CompactionJob, FlushJob } from '../storage/background-job.js';
import { blockKey, runKey } from '../storage/keys.js';
import { classicLevelStore, systemTimers } from '../storage/node-adapters.js';
import { Pacer, UNITS_PER_TURN_OF_THREAD } from '../storage/pacer.js';
import { Page } from '../storage/page.js';
import type { KeyValueStore } from '../storage/ports.js';
import { runJob } from '../storage/run-job.js';
import { sealValue } from '../storage/sealed-value.js';
import { ColumnRole, ColumnType, type StoredColumn } from '../storage/table-schema.js';
import { VECTOR_ROWS_MAX, type Vector } from '../storage/vector.js';
import { INTERVAL_S, METRICS, SeededNumbers } from './cpu-workload.js';

const RUNS = 4;
const REPETITIONS = 3;
const BATCH_ROWS = 5000;
const START_S = Date.UTC(2026, 0, 1) / 1000;

interface Case {
  readonly series: number;
  readonly runRows: number;
}

const CASES: Readonly<Record<string, Case>> = {
  s100: { series: 100, runRows: 500_000 },
  s4000: { series: 4000, runRows: 500_000 },
  s1m: { series: 1_000_000, runRows: 1_500_000 },
};

const TIME: StoredColumn = {
  id: 200,
  type: ColumnType.datetime,
  role: ColumnRole.time,
  precision: 0,
};
const COLUMNS: readonly StoredColumn[] = [
  TIME,
  ...METRICS.map((_, index) => ({
    id: 300 + index,
    type: ColumnType.int64,
    role: ColumnRole.field,
    precision: 0,
  })),
];

/** Rows in order of arrival, all series of one instant after another. */
class Arrivals {
  readonly #series: number;
  readonly #numbers = new SeededNumbers(7);
  readonly #usage: Uint8Array;
  #row = 0;

  constructor(series: number) {
    this.#series = series;
    this.#usage = new Uint8Array(series * METRICS.length);
    for (let at = 0; at < this.#usage.length; at++) this.#usage[at] = this.#numbers.below(101);
  }

  take(rows: number): Page[] {
    const pages: Page[] = [];
    for (let left = rows; left > 0; left -= VECTOR_ROWS_MAX) {
      pages.push(this.#page(Math.min(left, VECTOR_ROWS_MAX)));
    }
    return pages;
  }

  #page(length: number): Page {
    const series = new Uint32Array(length);
    const times = new Float64Array(length);
    const versions = new Float64Array(length);
    const metrics = METRICS.map(() => new Float64Array(length));
    for (let row = 0; row < length; row++) {
      const host = this.#row % this.#series;
      series[row] = host;
      times[row] = START_S + Math.floor(this.#row / this.#series) * INTERVAL_S;
      versions[row] = (1 + Math.floor(this.#row / BATCH_ROWS)) * 2048;
      for (const [metric, values] of metrics.entries()) {
        const at = host * METRICS.length + metric;
        const step = this.#numbers.below(3) - 1;
        this.#usage[at] = Math.min(100, Math.max(0, this.#usage[at]! + step));
        values[row] = this.#usage[at];
      }
      this.#row++;
    }
    const field = (values: Float64Array): Vector => ({
      kind: 'number',
      length,
      values,
      nulls: null,
    });
    const time: Vector = { kind: 'time', length, base: 0n, offsets: times, nulls: null };
    return new Page({
      length,
      series,
      base: 0n,
      times,
      versions,
      tombstones: null,
      ordinals: null,
      columns: [time, ...metrics.map(field)],
    });
  }
}

function flushJob(pages: readonly Page[], runId: number): FlushJob {
  const table = {
    tableId: 1,
    appendMode: false,
    mergeFields: false,
    partitionMs: 3650 * 86_400_000,
    expiredThrough: null,
    precision: TIME.precision,
    columns: COLUMNS,
    pages,
    blockRows: VECTOR_ROWS_MAX,
    suspects: [],
    runIds: { first: runId, count: 1 },
  };
  return { kind: 'flush', horizon: Number.MAX_SAFE_INTEGER, tables: [table] };
}

function compactionJob(firstOutput: number): CompactionJob {
  return {
    kind: 'compaction',
    tableId: 1,
    partition: 0,
    appendMode: false,
    mergeFields: false,
    timeColumn: TIME,
    columns: COLUMNS,
    inputs: Array.from({ length: RUNS }, (_, index) => index + 1),
    isWhole: true,
    horizon: Number.MAX_SAFE_INTEGER,
    settledHorizon: Number.MAX_SAFE_INTEGER,
    tombstones: [],
    expiredThrough: null,
    runBytes: 2 ** 28,
    runIds: { first: firstOutput, count: 8 },
  };
}

async function measure(name: string, { series, runRows }: Case): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'twintide-compaction-'));
  const timers = systemTimers({ keepsProcessAlive: true });
  const kv = await classicLevelStore(folder);
  const deps = {
    kv,
    pacer: new Pacer(timers, UNITS_PER_TURN_OF_THREAD),
    arrays: new ArrayPool(0),
    checkStopped: () => undefined,
  };
  try {
    const arrivals = new Arrivals(series);
    for (let run = 1; run <= RUNS; run++) {
      const { runs } = await runJob(flushJob(arrivals.take(runRows), run), deps);
      const [{ id, entry }] = runs as [(typeof runs)[number]];
      await kv.batch([{ type: 'put', key: runKey(id), value: sealValue(runKey(id), entry) }], {
        sync: true,
      });
    }
    let cpuUs = Infinity;
    let elapsedUs = Infinity;
    let bytes = 0;
    for (let repetition = 1; repetition <= REPETITIONS; repetition++) {
      await settle(kv, repetition);
      const cpu = process.cpuUsage();
      const startMs = performance.now();
      const { rowsIn, bytesOut } = await runJob(compactionJob(repetition * 10), deps);
      const { user, system } = process.cpuUsage(cpu);
      cpuUs = Math.min(cpuUs, (user + system) / rowsIn);
      elapsedUs = Math.min(elapsedUs, ((performance.now() - startMs) * 1000) / rowsIn);
      bytes = bytesOut / rowsIn;
    }
    console.log(
      `${name}: ${cpuUs.toFixed(3)} us of CPU a row, ${elapsedUs.toFixed(3)} us elapsed, ${bytes.toFixed(1)} bytes a row`,
    );
  } finally {
    await kv.close();
    rmSync(folder, { recursive: true });
  }
}

/** LevelDB has written into tables what was written before: no repetition does the work of another. */
function settle(kv: KeyValueStore, repetition: number): Promise<void> {
  const runId = (repetition - 1) * 10;
  return kv.compactRange(blockKey(runId, 0, 0), blockKey(runId + 10, 0, 0));
}

async function main(): Promise<void> {
  const asked = process.argv.slice(2);
  const names = asked.length > 0 ? asked : Object.keys(CASES);
  for (const name of names) await measure(name, CASES[name]!);
}

void main();
