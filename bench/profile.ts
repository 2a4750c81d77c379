/**
 * `npm run bench -- profile --cell NAME`: what a server's threads are busy with while a cell runs. Every node runs under --cpu-prof;
 * printed are the self times of the main thread and of each worker by function and by file, in milliseconds and in microseconds a row.
 *
 * The profiler itself costs some percent: the rate is printed to tell the order, not as a measurement.
 */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { keepFolder, removeFolder } from './child-process.js';
import { summarizeProfile, type ProfileLine } from './cpu-profile.js';
import { SHAPES, type CpuShape } from './cpu-workload.js';
import { openMysql, runLoad } from './load.js';
import { queryPacket } from './mysql-packet.js';
import { RawClient } from './raw-client.js';
import { CREATE_TWINTIDE, renderExecutions, renderInserts } from './render-mysql.js';
import { TwintideServers } from './twintide-servers.js';
import type { Workload } from './workload.js';

const SEED = 20260101;
const DATABASE = 'bench';
const SAMPLE_US = 200;

interface ProfileCell {
  readonly about: string;
  readonly connections: number;
  readonly workload: (rowsMax: number) => Workload;
  readonly rows: number;
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
  const workload = cell.workload(options.rows ?? cell.rows);
  console.log(`${options.cell}: ${cell.about}, ${workload.rows} rows`);
  const nodeArguments = ['--cpu-prof', `--cpu-prof-interval=${SAMPLE_US}`];
  const servers = cell.isPair
    ? await TwintideServers.pair({ nodeArguments, replication: 'rpo_bytes = "64MiB"' })
    : await TwintideServers.standalone({ nodeArguments });
  let window: readonly [number, number];
  try {
    window = await runCell(servers, cell, workload);
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
  workload: Workload,
): Promise<readonly [number, number]> {
  const port = servers.ports[0]!;
  await createTable(port);
  const connections = await openMysql(port, DATABASE, cell.connections, workload);
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

async function createTable(port: number): Promise<void> {
  const client = await RawClient.open(port, null);
  await client.send(queryPacket(`CREATE DATABASE ${DATABASE}`));
  client.close();
  const inDatabase = await RawClient.open(port, DATABASE);
  await inDatabase.send(queryPacket(CREATE_TWINTIDE));
  inDatabase.close();
}

function printProfile(
  name: string,
  file: string,
  window: readonly [number, number],
  rows: number,
  top: number,
): void {
  const { busyMs, byFunction, byFile } = summarizeProfile(file, ...window);
  if (busyMs === 0) return;
  const print = (lines: readonly ProfileLine[]): void => {
    for (const { label, milliseconds } of lines.slice(0, top)) {
      const share = `${((100 * milliseconds) / busyMs).toFixed(1)}%`;
      const micros = ((1000 * milliseconds) / rows).toFixed(3);
      console.log(
        `${milliseconds.toFixed(0).padStart(8)} ms ${share.padStart(6)} ${micros.padStart(8)} us/row  ${label}`,
      );
    }
  };
  console.log(
    `\n${name}: busy ${busyMs.toFixed(0)} ms, ${((1000 * busyMs) / rows).toFixed(3)} us/row\n  by file:`,
  );
  print(byFile);
  console.log('  by function:');
  print(byFunction);
}

function monotonicUs(): number {
  return Number(process.hrtime.bigint() / 1000n);
}
