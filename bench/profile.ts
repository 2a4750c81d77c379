/**
 * `npm run bench -- profile --cell NAME`: what a server's threads are busy with while a cell runs. Every node runs under --cpu-prof;
 * printed are the self times of the main thread and of each worker by function and by file. With --allocations it is what the main thread
 * allocates on the JavaScript heap, after a first run of the same size to warm up.
 *
 * The profiler itself costs some percent: the rate is printed to tell the order, not as a measurement.
 */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { keepFolder, removeFolder } from './child-process.js';
import { summarizeProfile } from './cpu-profile.js';
import type { AllocationSummary } from './allocation-profile.js';
import { PROBE_ARGUMENTS, sampledAllocations } from './sampled-allocations.js';
import type { RankedLine } from './call-frame.js';
import { SHAPES, type CpuShape } from './cpu-workload.js';
import { openMysql, runLoad } from './load.js';
import { createCpuTable } from './mysql-admin.js';
import { CREATE_TWINTIDE, renderExecutions, renderInserts } from './render-mysql.js';
import { TwintideServers } from './twintide-servers.js';
import type { Workload } from './workload.js';

const SEED = 20260101;
const DATABASE = 'bench';
const WARM_DATABASE = 'warm';
const SAMPLE_US = 200;

interface ProfileCell {
  readonly about: string;
  readonly connections: number;
  readonly workload: (rowsMax: number) => Workload;
  readonly rows: number;
  /** Share of the requests that are sent beforehand, unobserved. */
  readonly shareBefore?: number;
  readonly isPair?: boolean;
}

const inserts =
  (shape: CpuShape, rowsPerRequest: number) =>
  (rowsMax: number): Workload =>
    renderInserts(shape, rowsPerRequest, SEED, rowsMax);
const executions =
  (rowsPerRequest: number) =>
  (rowsMax: number): Workload =>
    renderExecutions(SHAPES.s100, rowsPerRequest, SEED, rowsMax);

export const PROFILE_CELLS: Readonly<Record<string, ProfileCell>> = {
  s100: {
    about: '100 hosts, INSERTs of 5000 rows, 4 connections',
    connections: 4,
    workload: inserts(SHAPES.s100, 5000),
    rows: 864_000,
  },
  s4000: {
    about: '4000 hosts, INSERTs of 5000 rows, 4 connections',
    connections: 4,
    workload: inserts(SHAPES.s4000, 5000),
    rows: 1_440_000,
  },
  'new-series': {
    about: 'a million new series, INSERTs of 5000 rows, 4 connections',
    connections: 4,
    workload: inserts({ hosts: 1_000_000, hours: 10 / 3600 }, 5000),
    rows: 1_000_000,
  },
  series: {
    about: 'a million known series, INSERTs of 5000 rows, 4 connections',
    connections: 4,
    workload: inserts({ hosts: 1_000_000, hours: 20 / 3600 }, 5000),
    rows: 2_000_000,
    shareBefore: 0.5,
  },
  pair: {
    about: 'a pair, rpo_bytes 64 MiB: 100 hosts, INSERTs of 5000 rows, 4 connections',
    connections: 4,
    workload: inserts(SHAPES.s100, 5000),
    rows: 864_000,
    isPair: true,
  },
  single: {
    about: 'INSERTs of one row, 1 connection',
    connections: 1,
    workload: inserts(SHAPES.s100, 1),
    rows: 20_000,
  },
  single32: {
    about: 'INSERTs of one row, 32 connections',
    connections: 32,
    workload: inserts(SHAPES.s100, 1),
    rows: 100_000,
  },
  prepared: {
    about: 'executions of a prepared INSERT of 1000 rows, 4 connections',
    connections: 4,
    workload: executions(1000),
    rows: 864_000,
  },
  prepared1: {
    about: 'executions of a prepared INSERT of one row, 32 connections',
    connections: 32,
    workload: executions(1),
    rows: 100_000,
  },
};

export interface ProfileOptions {
  /** Of PROFILE_CELLS. */
  readonly cell: string;
  /** Rows at most; the cell's own number without it. */
  readonly rows: number | undefined;
  /** Bytes in place of time. */
  readonly allocations: boolean;
  /** Lines of each list. */
  readonly top: number;
  /** Keep the nodes' folder with the profiles, and print where it is. */
  readonly keep: boolean;
}

export async function profile(options: ProfileOptions): Promise<void> {
  const cell = PROFILE_CELLS[options.cell];
  if (cell === undefined) {
    const known = Object.keys(PROFILE_CELLS).join(', ');
    throw new RangeError(`no cell ${JSON.stringify(options.cell)}; there are: ${known}`);
  }
  const [before, workload] = cutAt(cell.workload(options.rows ?? cell.rows), cell.shareBefore ?? 0);
  console.log(`${options.cell}: ${cell.about}, ${workload.rows} rows`);
  const nodeArguments = options.allocations
    ? PROBE_ARGUMENTS
    : ['--cpu-prof', `--cpu-prof-interval=${SAMPLE_US}`];
  const servers = cell.isPair
    ? await TwintideServers.pair({ nodeArguments, replication: 'rpo_bytes = "64MiB"' })
    : await TwintideServers.standalone({ nodeArguments });
  let window: readonly [number, number] = [0, 0];
  try {
    if (options.allocations) {
      await runCell(servers, cell, before, workload, WARM_DATABASE);
      const allocated = await sampledAllocations(servers, async () => {
        await runCell(servers, cell, before, workload, DATABASE);
      });
      printAllocations(allocated, workload.rows, options.top);
    } else window = await runCell(servers, cell, before, workload, DATABASE);
  } finally {
    await servers.halt();
  }
  for (const file of readdirSync(servers.folder)) {
    if (!file.endsWith('.cpuprofile')) continue;
    const [, , , pid, thread] = file.split('.');
    const node = servers.pids.indexOf(Number(pid)) + 1;
    const who = thread === '0' ? 'main thread' : `worker ${thread}`;
    printProfile(
      `${cell.isPair ? `node ${node}, ` : ''}${who}`,
      join(servers.folder, file),
      window,
      workload.rows,
      options.top,
    );
  }
  if (options.keep) {
    keepFolder(servers.folder);
    console.log(`\nprofiles: ${servers.folder}`);
  } else removeFolder(servers.folder);
}

/** Returns from when to when the load ran, in microseconds of the monotonic clock. */
async function runCell(
  servers: TwintideServers,
  cell: ProfileCell,
  before: Workload,
  workload: Workload,
  database: string,
): Promise<readonly [number, number]> {
  const port = servers.ports[0]!;
  await createCpuTable(port, database, CREATE_TWINTIDE);
  const connections = await openMysql(port, database, cell.connections, workload);
  if (before.requests.length > 0) await runLoad(connections, before, servers.pids);
  const startUs = monotonicUs();
  const result = await runLoad(connections, workload, servers.pids);
  const endUs = monotonicUs();
  for (const connection of connections) connection.close();
  const cpu = result.serverCpuMicrosPerRow.map((us) => us.toFixed(2)).join(' + ');
  console.log(
    `${result.rowsPerSecond.toFixed(0)} rows/s, ${result.bodyMegabytesPerSecond.toFixed(0)} MB/s, server CPU ${cpu} us/row, p50 ${result.p50Ms.toFixed(3)} ms, p99 ${result.p99Ms.toFixed(3)} ms, generator ${(100 * result.generatorCpuShare).toFixed(0)}% of a core`,
  );
  return [startUs, endUs];
}

/** The first requests, and the others. */
function cutAt(workload: Workload, share: number): readonly [Workload, Workload] {
  const { requests, rows, bodyBytes } = workload;
  const count = Math.round(requests.length * share);
  return [
    {
      ...workload,
      rows: rows * share,
      bodyBytes: bodyBytes * share,
      requests: requests.slice(0, count),
    },
    {
      ...workload,
      rows: rows * (1 - share),
      bodyBytes: bodyBytes * (1 - share),
      requests: requests.slice(count),
    },
  ];
}

function printProfile(
  name: string,
  file: string,
  window: readonly [number, number],
  rows: number,
  top: number,
): void {
  const { busyUs, byFunction, byFile } = summarizeProfile(file, ...window);
  if (busyUs === 0) return;
  console.log(
    `\n${name}: busy ${(busyUs / 1000).toFixed(0)} ms, ${(busyUs / rows).toFixed(3)} us/row`,
  );
  for (const [title, lines] of [
    ['file', byFile],
    ['function', byFunction],
  ] as const) {
    console.log(`  by ${title}, us/row:`);
    printRanked(lines, busyUs, rows, top, 3);
  }
}

function printAllocations(
  { bytes, byFunction, byFile }: AllocationSummary,
  rows: number,
  top: number,
): void {
  console.log(
    `\nmain thread of the first node: ${(bytes / 1e6).toFixed(1)} MB of heap allocated, ${(bytes / rows).toFixed(1)} bytes/row`,
  );
  for (const [title, lines] of [
    ['file', byFile],
    ['function', byFunction],
  ] as const) {
    console.log(`  by ${title}, bytes/row:`);
    printRanked(lines, bytes, rows, top, 1);
  }
}

function printRanked(
  lines: readonly RankedLine[],
  total: number,
  rows: number,
  top: number,
  digits: number,
): void {
  for (const { label, amount } of lines.slice(0, top)) {
    const share = `${((100 * amount) / total).toFixed(1)}%`;
    console.log(`${share.padStart(8)} ${(amount / rows).toFixed(digits).padStart(10)}  ${label}`);
  }
}

function monotonicUs(): number {
  return Number(process.hrtime.bigint() / 1000n);
}
