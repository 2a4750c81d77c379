/** One suite over both ways to do background work: in worker threads over LevelDB, and in paces on the same thread. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FlushJob } from '../../storage/background-job.js';
import { InlineWorkers } from '../../storage/inline-workers.js';
import { JobStoppedError } from '../../storage/job-deps.js';
import { blocksOf } from '../../storage/keys.js';
import { classicLevelStore } from '../../storage/node-adapters.js';
import type { BackgroundWorkers, KeyValueStore } from '../../storage/ports.js';
import { Run } from '../../storage/run.js';
import { ColumnRole, ColumnType } from '../../storage/table-schema.js';
import { ThreadWorkers } from '../../storage/thread-workers.js';
import { ForgetfulKv } from '../support/forgetful-kv.js';
import { realTimers } from '../support/table-rig.js';
import { testThreads } from '../support/thread-workers.js';

interface Rig {
  readonly workers: BackgroundWorkers;
  readonly kv: KeyValueStore;
  readonly clean: () => Promise<void>;
}

const rigs: readonly [string, () => Promise<Rig>][] = [
  [
    'worker threads',
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'twintide-workers-'));
      const kv = await classicLevelStore(folder);
      const workers = testThreads(folder);
      const clean = async (): Promise<void> => {
        await workers.close();
        await kv.close();
        await rm(folder, { recursive: true });
      };
      return { workers, kv, clean };
    },
  ],
  [
    'inline',
    async () => {
      const kv = new ForgetfulKv();
      const workers = new InlineWorkers({ kv, timers: realTimers });
      return { workers, kv, clean: () => workers.close() };
    },
  ],
];

const ROWS = 20_000;
const COLUMNS = [
  { id: 102, type: ColumnType.timestamp, role: ColumnRole.time, precision: 3 },
  { id: 103, type: ColumnType.float64, role: ColumnRole.field, precision: 0 },
];

/** Rows of ten series, half of them in each of two partitions, in pages as a memtable has them. */
function flushJob(firstRun: number): FlushJob {
  const pages = [];
  for (let from = 0; from < ROWS; from += 8192) {
    const length = Math.min(8192, ROWS - from);
    const shared = <A>(make: (buffer: SharedArrayBuffer) => A): A =>
      make(new SharedArrayBuffer(length * 8));
    const times = shared((buffer) => new Float64Array(buffer));
    const values = shared((buffer) => new Float64Array(buffer));
    const versions = shared((buffer) => new Float64Array(buffer)).fill(7);
    const series = shared((buffer) => new Uint32Array(buffer, 0, length));
    const ordinals = shared((buffer) => new Uint32Array(buffer, 0, length));
    for (let row = 0; row < length; row++) {
      const number = from + row;
      series[row] = number % 10;
      times[row] = number < ROWS / 2 ? number : 3_600_000 + number;
      values[row] = Math.sqrt(number);
      ordinals[row] = number;
    }
    pages.push({
      length,
      series,
      base: 0n,
      times,
      versions,
      tombstones: null,
      ordinals,
      columns: [
        { kind: 'time' as const, length, base: 0n, offsets: times, nulls: null },
        { kind: 'number' as const, length, values, nulls: null },
      ],
    });
  }
  return {
    kind: 'flush',
    horizon: 0,
    tables: [
      {
        tableId: 9,
        appendMode: false,
        mergeFields: false,
        expiredThrough: null,
        partitionMs: 3_600_000,
        precision: 3,
        columns: COLUMNS,
        pages,
        blockRows: 8192,
        suspects: [],
        runIds: { first: firstRun, count: 2 },
      },
    ],
  };
}

async function keysOf(kv: KeyValueStore, runId: number): Promise<number> {
  let count = 0;
  for await (const key of kv.keys(blocksOf(runId))) count += key.length > 0 ? 1 : 0;
  return count;
}

describe.each(rigs)('%s', (_, open) => {
  let rig: Rig;
  beforeEach(async () => {
    rig = await open();
  });
  afterEach(() => rig.clean());

  test('the runs that a job names are there, whole, and under the ids set aside for it', async () => {
    const result = await rig.workers.run(flushJob(41));
    expect(result).toMatchObject({ rowsIn: ROWS, rowsOut: ROWS });
    const runs = result.runs.map(({ id, entry }) => Run.decode(id, entry));
    expect(runs.map(({ id, partition, blocks }) => ({ id, partition, rows: blocks.rows }))).toEqual(
      [
        { id: 41, partition: 0, rows: ROWS / 2 },
        { id: 42, partition: 1, rows: ROWS / 2 },
      ],
    );
    for (const run of runs) expect(await keysOf(rig.kv, run.id)).toBe(run.keyCount);
    expect(runs.reduce((sum, run) => sum + run.sizeBytes, 0)).toBe(
      // Values carry four bytes of checksum, which the run's own count includes.
      result.bytesOut,
    );
  });

  test('jobs are done side by side, each with its own answer', async () => {
    const results = await Promise.all(
      [10, 20, 30].map((first) => rig.workers.run(flushJob(first))),
    );
    expect(results.map(({ runs }) => runs.map(({ id }) => id))).toEqual([
      [10, 11],
      [20, 21],
      [30, 31],
    ]);
    expect(results[1]!.runs.map(({ entry }) => entry)).toEqual(
      results[2]!.runs.map(({ entry }) => entry),
    );
  });

  test('a job that fails rejects with the reason, and the next one is done', async () => {
    const job = flushJob(1);
    const [table] = job.tables;
    const broken = { ...job, tables: [{ ...table!, partitionMs: 0 }] };
    await expect(rig.workers.run(broken)).rejects.toThrow('Division by zero');
    expect((await rig.workers.run(job)).rowsOut).toBe(ROWS);
  });

  test('closing stops what is under way, and nothing is taken any more', async () => {
    const running = rig.workers.run(flushJob(1)).catch((error: unknown) => error);
    await rig.workers.close();
    expect(await running).toBeInstanceOf(JobStoppedError);
    await expect(rig.workers.run(flushJob(3))).rejects.toBeInstanceOf(JobStoppedError);
  });
});

test('both ways write the same bytes', async () => {
  const entries: unknown[] = [];
  for (const [, open] of rigs) {
    const rig = await open();
    const { runs } = await rig.workers.run(flushJob(5));
    const values: string[] = [];
    for await (const [key, value] of rig.kv.entries(blocksOf(5))) {
      values.push(Buffer.concat([key, value]).toString('hex'));
    }
    entries.push({ runs: runs.map(({ entry }) => Buffer.from(entry).toString('hex')), values });
    await rig.clean();
  }
  expect(entries[0]).toEqual(entries[1]);
});

test('threads that were started ahead are those that do the jobs', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'twintide-workers-'));
  const kv = await classicLevelStore(folder);
  const workers = testThreads(folder, 2);
  const ports = (): number =>
    process.getActiveResourcesInfo().filter((name) => name === 'MessagePort').length;
  const before = ports();
  workers.start();
  const started = ports();
  const results = await Promise.all([5, 15, 25].map((first) => workers.run(flushJob(first))));
  const after = ports();
  await workers.close();
  expect(started).toBeGreaterThan(before);
  expect(after).toBe(started);
  expect(results.map(({ runs }) => runs.length)).toEqual([2, 2, 2]);
  await kv.close();
  await rm(folder, { recursive: true });
});

test('memory that a thread warms keeps what others write to it meanwhile', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'twintide-workers-'));
  const kv = await classicLevelStore(folder);
  const workers = testThreads(folder, 1);
  await workers.run(flushJob(1));
  const buffers = Array.from({ length: 40 }, () => new SharedArrayBuffer(300_001));
  for (const [number, buffer] of buffers.entries()) {
    workers.warm([buffer]);
    new Uint8Array(buffer).fill(number + 1);
  }
  // Whoever does a job has done what came before.
  await workers.run(flushJob(5));
  for (const [number, buffer] of buffers.entries()) {
    expect(new Uint8Array(buffer).every((byte) => byte === number + 1)).toBe(true);
  }
  await workers.close();
  await kv.close();
  await rm(folder, { recursive: true });
});

describe('a thread that cannot go on', () => {
  test('and does not even start, rejects its jobs', async () => {
    const workers = new ThreadWorkers({
      path: tmpdir(),
      threads: 1,
      program: { file: '/nowhere.cjs', arguments: [] },
    });
    await expect(workers.run(flushJob(1))).rejects.toThrow(
      /^a background thread died: Cannot find/,
    );
    await expect(workers.run(flushJob(1))).rejects.toThrow(/^a background thread died/);
    await workers.close();
  });

  test('for want of its LevelDB, says so', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'twintide-workers-'));
    await writeFile(join(folder, 'file'), '');
    const workers = testThreads(join(folder, 'file'), 1);
    await expect(workers.run(flushJob(1))).rejects.toThrow(/Database failed to open/);
    await workers.close();
    await rm(folder, { recursive: true });
  });
});
