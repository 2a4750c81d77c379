/**
 * `npm run bench -- ingest`: what Twintide ingests, and what MariaDB does with the same statements in the same run.
 *
 * Every line is a median over repetitions; ratios are Twintide over MariaDB. Absolute figures belong to one machine and one day,
 * ratios travel better. MariaDB syncs its log at every commit, as Twintide's journal does.
 */

import { cpus, totalmem } from 'node:os';
import { SHAPES, type CpuShape } from './cpu-workload.js';
import { freePorts } from './free-ports.js';
import { openMysql, runLoad, type LoadResult } from './load.js';
import { MariadbServer } from './mariadb-server.js';
import { queryPacket } from './mysql-packet.js';
import { RawClient } from './raw-client.js';
import { CREATE_MARIADB, CREATE_TWINTIDE, renderInserts } from './render-mysql.js';
import { TwintideServers } from './twintide-servers.js';
import type { Workload } from './workload.js';

const SEED = 20260101;
const DATABASE = 'bench';
const BATCH_ROWS = 5000;
const BULK_CONNECTIONS = 4;

interface Options {
  readonly repetitions: number;
  readonly bulkRowsMax: number;
  readonly singleRows: number;
}

interface Subject {
  readonly name: string;
  readonly port: number;
  readonly pids: readonly number[];
  readonly create: string;
}

const QUICK: Options = { repetitions: 1, bulkRowsMax: 100_000, singleRows: 500 };
const FULL: Options = { repetitions: 3, bulkRowsMax: Infinity, singleRows: 5_000 };

let options = FULL;

export async function ingest(isQuick: boolean): Promise<void> {
  options = isQuick ? QUICK : FULL;
  console.log(
    `Twintide ingest benchmark: node ${process.version}, ${cpus().length} x ${cpus()[0]?.model.trim() ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB, seed ${SEED}, ${options.repetitions} repetition(s)`,
  );
  const mariadb = await MariadbServer.start((await freePorts(1))[0]!);
  if (mariadb === null)
    console.log('MariaDB is not installed (Debian: mariadb-server): no ratios.');
  else console.log(`peer: MariaDB ${mariadb.version}, InnoDB, innodb_flush_log_at_trx_commit=1`);
  const peer: Subject | null =
    mariadb === null
      ? null
      : { name: 'MariaDB', port: mariadb.port, pids: [mariadb.pid], create: CREATE_MARIADB };
  try {
    for (const [name, shape] of Object.entries(SHAPES)) await bulk(name, shape, peer);
    await singleRows(peer);
  } finally {
    await mariadb?.stop();
  }
}

async function bulk(name: string, shape: CpuShape, peer: Subject | null): Promise<void> {
  const workload = renderInserts(shape, BATCH_ROWS, SEED, options.bulkRowsMax);
  const bytesPerRow = (workload.bodyBytes / workload.rows).toFixed(0);
  console.log(
    `\n${name}: ${shape.hosts} hosts, ${workload.rows} rows, batches of ${BATCH_ROWS}, ${BULK_CONNECTIONS} connections, ${bytesPerRow} bytes of text a row`,
  );
  const baseline = peer === null ? null : await repeat(peer, workload, BULK_CONNECTIONS);
  if (peer !== null) print(peer.name, baseline!, null);

  const alone = await onServers(
    'Twintide, one node',
    () => TwintideServers.standalone(),
    workload,
    BULK_CONNECTIONS,
  );
  print('Twintide, one node', alone, baseline);
  const pair = await onServers(
    'Twintide, pair',
    () => TwintideServers.pair({ replication: 'rpo_bytes = "64MiB"' }),
    workload,
    BULK_CONNECTIONS,
  );
  print('Twintide, pair, rpo 64MiB', pair, baseline);
}

async function singleRows(peer: Subject | null): Promise<void> {
  const workload = renderInserts(SHAPES.s100, 1, SEED, options.singleRows);
  console.log(
    `\nsingle-row inserts: ${workload.rows} rows, 1 connection, durable before the answer`,
  );
  const baseline = peer === null ? null : await repeat(peer, workload, 1);
  if (peer !== null) print(peer.name, baseline!, null);
  const setups = [
    ['Twintide, one node', () => TwintideServers.standalone()],
    [
      'Twintide, pair, rpo 64MiB',
      () => TwintideServers.pair({ replication: 'rpo_bytes = "64MiB"' }),
    ],
    ['Twintide, pair, rpo 0', () => TwintideServers.pair({ replication: 'rpo_bytes = 0' })],
  ] as const;
  for (const [name, start] of setups) {
    print(name, await onServers(name, start, workload, 1), baseline);
  }
}

async function onServers(
  name: string,
  start: () => Promise<TwintideServers>,
  workload: Workload,
  connections: number,
): Promise<LoadResult[]> {
  const servers = await start();
  try {
    const subject = { name, port: servers.ports[0]!, pids: servers.pids, create: CREATE_TWINTIDE };
    return await repeat(subject, workload, connections);
  } finally {
    await servers.stop();
  }
}

/** Every repetition starts from an empty table. */
async function repeat(
  subject: Subject,
  workload: Workload,
  connections: number,
): Promise<LoadResult[]> {
  const results: LoadResult[] = [];
  for (let i = 0; i < options.repetitions; i++) {
    const client = await RawClient.open(subject.port, null);
    await client.send(queryPacket(`DROP DATABASE IF EXISTS ${DATABASE}`));
    await client.send(queryPacket(`CREATE DATABASE ${DATABASE}`));
    client.close();
    const inDatabase = await RawClient.open(subject.port, DATABASE);
    await inDatabase.send(queryPacket(subject.create));
    inDatabase.close();
    const opened = await openMysql(subject.port, DATABASE, connections, workload);
    results.push(await runLoad(opened, workload, subject.pids));
    for (const connection of opened) connection.close();
  }
  return results;
}

function print(
  name: string,
  results: readonly LoadResult[],
  baseline: readonly LoadResult[] | null,
): void {
  const rate = median(results, (result) => result.rowsPerSecond);
  const p50 = median(results, (result) => result.p50Ms);
  const cpu = results[0]!.serverCpuMicrosPerRow.map((_, server) =>
    median(results, (result) => result.serverCpuMicrosPerRow[server]!).toFixed(2),
  );
  const rates = results.map((result) => result.rowsPerSecond);
  const parts = [
    name.padEnd(27),
    `${format(rate)} rows/s [${format(Math.min(...rates))}-${format(Math.max(...rates))}]`,
    `${median(results, (result) => result.bodyMegabytesPerSecond).toFixed(0)} MB/s`,
    `server CPU ${cpu.join(' + ')} us/row`,
    `p50 ${p50.toFixed(2)} ms`,
    `p99 ${median(results, (result) => result.p99Ms).toFixed(2)} ms`,
    `generator ${(100 * median(results, (result) => result.generatorCpuShare)).toFixed(0)}% of a core`,
  ];
  if (baseline !== null) {
    const rateRatio = rate / median(baseline, (result) => result.rowsPerSecond);
    const p50Ratio = p50 / median(baseline, (result) => result.p50Ms);
    parts.push(`ratio to MariaDB: rate x${rateRatio.toFixed(2)}, p50 x${p50Ratio.toFixed(2)}`);
  }
  console.log(parts.join('  '));
}

function median(results: readonly LoadResult[], of: (result: LoadResult) => number): number {
  const sorted = results.map(of).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

function format(rate: number): string {
  return rate >= 10_000 ? `${(rate / 1000).toFixed(0)}k` : rate.toFixed(0);
}
