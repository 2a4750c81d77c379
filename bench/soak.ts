/**
 * `npm run soak -- --minutes 30`   a node under full load for a long time: what leaks, stalls or gets lost slowly
 *
 * Four connections insert as fast as they are answered, two ask beside them. Every second the node's resident memory is held
 * against what its configuration adds up to (memory-budget.ts) and a quarter more; every half minute it tells what that memory is. In the end every acknowledged row must be there, once.
 * The exit code is 1 when memory went beyond, a statement failed, or the counts differ.
 *
 *   --minutes N     30 without it; fractions are minutes too
 *   --pair          two nodes, with the default RPO budget; both are watched and counted
 */

import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { createConnection, type Connection, type RowDataPacket } from 'mysql2/promise';
import { pause } from './child-process.js';
import { memoryBudget, totalOf, type MemorySettings } from './memory-budget.js';
import { nodeMetrics } from './node-metrics.js';
import { mappedBytesOf, residentBytesOf } from './process-cpu.js';
import { TwintideServers } from './twintide-servers.js';

const MEBIBYTE = 1024 * 1024;
/** Beyond the configured total: what an allocator keeps, and garbage that is not collected yet. */
const ALLOWANCE = 1.25;
const WRITERS = 4;
const READERS = 2;
const HOSTS = 25;
const INSTANTS = 200;
const FIRST_MS = Date.UTC(2025, 0, 1);
const STEP_MS = 1000;
/** How far back the readers look. */
const WINDOW_MS = 600_000;
const READER_PAUSE_MS = 100;
const SAMPLE_MS = 1000;
const REPORT_SAMPLES = 30;

const SETTINGS: MemorySettings = {
  memtableBytes: 64 * MEBIBYTE,
  cacheBytes: 64 * MEBIBYTE,
  workers: 2,
  queryBytes: 32 * MEBIBYTE,
  queries: READERS,
  maxRecordBytes: 8 * MEBIBYTE,
  writers: WRITERS,
  journals: 1,
};
const CONFIG = [
  '[storage]',
  `memtable_bytes = ${SETTINGS.memtableBytes}`,
  `cache_bytes = ${SETTINGS.cacheBytes}`,
  `workers = "${SETTINGS.workers}"`,
  '[query]',
  `memory_bytes = ${SETTINGS.queryBytes}`,
].join('\n');

const CREATE = `CREATE TABLE soak.readings (writer VARCHAR(8), host VARCHAR(8), ts TIMESTAMP(3) NOT NULL, ${Array.from(
  { length: 8 },
  (_, metric) => `m${metric} BIGINT`,
).join(', ')}, TIME INDEX (ts), PRIMARY KEY (writer, host))`;

/** The eight values of a row, in a few variants: making text must not cost more than reading it. */
const TAILS = Array.from({ length: 256 }, (_, variant) => {
  const values = Array.from({ length: 8 }, (__, metric) => (variant * (metric + 3)) % 101);
  return `,${values.join(',')})`;
});

interface Progress {
  isOver: boolean;
  rows: number;
  queries: number;
  longestStatementMs: number;
  /** Of the newest rows that every writer wrote. */
  reachedMs: number;
}

async function writeRows(client: Connection, writer: number, progress: Progress): Promise<number> {
  let rows = 0;
  for (let statement = 0; !progress.isOver; statement++) {
    const from = FIRST_MS + statement * INSTANTS * STEP_MS;
    const values: string[] = [];
    for (let instant = 0; instant < INSTANTS; instant++) {
      const time = from + instant * STEP_MS;
      for (let host = 0; host < HOSTS; host++) {
        values.push(`('w${writer}','h${host}',${time}${TAILS[(time / STEP_MS + host * 7) & 255]!}`);
      }
    }
    const sentAt = performance.now();
    await client.query(`INSERT INTO soak.readings VALUES ${values.join(',')}`);
    progress.longestStatementMs = Math.max(progress.longestStatementMs, performance.now() - sentAt);
    rows += values.length;
    progress.rows += values.length;
    progress.reachedMs = Math.max(progress.reachedMs, from);
  }
  return rows;
}

async function readRows(client: Connection, reader: number, progress: Progress): Promise<void> {
  const questions = [
    'SELECT host, MAX(m0), AVG(m1), COUNT(*) FROM soak.readings WHERE ts >= ? GROUP BY host',
    "SELECT date_bin(INTERVAL '1 minute', ts) AS minute, MIN(m2), MAX(m3) FROM soak.readings WHERE ts >= ? GROUP BY minute ORDER BY minute",
    "SELECT ts, m4, m5 FROM soak.readings WHERE writer = 'w1' AND host = 'h7' AND ts >= ? ORDER BY ts DESC LIMIT 100",
  ];
  for (let turn = reader; !progress.isOver; turn++) {
    const since = new Date(progress.reachedMs - WINDOW_MS).toISOString().replace(/[TZ]/g, ' ');
    await client.query(questions[turn % questions.length]!, [since.trim()]);
    progress.queries += 1;
    await pause(READER_PAUSE_MS);
  }
}

/** As the node tells them. What the allocator keeps is resident beside heap and array buffers. */
const MEMORY_KINDS = [
  'resident',
  'heap',
  'external',
  'array_buffers',
  'memtables',
  'memtables_idle',
  'row_batches',
  'journal_tails',
  'block_cache',
  'series',
] as const;

/** What a node was seen to need. */
class Watch {
  readonly idleBytes: number;
  readonly limitBytes: number;
  readonly #pid: number;
  readonly #httpPort: number;
  peakBytes = 0;
  /** Of the peak: pages of mapped files. */
  peakMappedBytes = 0;
  delayP99Ms = 0;
  delayMaxMs = 0;
  /** MiB now, by the kinds of `twintide_memory_bytes`. */
  memoryMiB = '';

  constructor(pid: number, httpPort: number, settings: MemorySettings) {
    this.#pid = pid;
    this.#httpPort = httpPort;
    this.idleBytes = residentBytesOf(pid);
    this.limitBytes = totalOf(memoryBudget(settings, this.idleBytes)) * ALLOWANCE;
  }

  /** The page of metrics tells of the time since it was last asked for. */
  async sample(withDelays: boolean): Promise<void> {
    const residentBytes = residentBytesOf(this.#pid);
    if (residentBytes > this.peakBytes) {
      this.peakBytes = residentBytes;
      this.peakMappedBytes = mappedBytesOf(this.#pid);
    }
    if (!withDelays) return;
    const metrics = await nodeMetrics(this.#httpPort);
    this.delayP99Ms = Math.max(this.delayP99Ms, metrics.loopDelayP99Ms);
    this.delayMaxMs = Math.max(this.delayMaxMs, metrics.loopDelayMaxMs);
    this.memoryMiB = MEMORY_KINDS.map((kind) => {
      const bytes = metrics.value(`twintide_memory_bytes{kind="${kind}"}`);
      return `${kind} ${Math.round(bytes / MEBIBYTE)}`;
    }).join(', ');
  }

  get isBeyond(): boolean {
    return this.peakBytes > this.limitBytes;
  }
}

const mebibytes = (bytes: number): string => `${Math.round(bytes / MEBIBYTE)} MiB`;

async function connectTo(port: number): Promise<Connection> {
  return createConnection({ host: '127.0.0.1', port, user: 'root', timezone: 'Z' });
}

/** Rows by writer, on one node. */
async function countsOn(client: Connection): Promise<ReadonlyMap<string, number>> {
  const [rows] = await client.query<RowDataPacket[]>(
    'SELECT writer, COUNT(*) AS n FROM soak.readings GROUP BY writer',
  );
  return new Map(rows.map((row) => [String(row['writer']), Number(row['n'])]));
}

async function soak(durationMs: number, isPair: boolean): Promise<string[]> {
  const options = { config: CONFIG };
  const servers = isPair
    ? await TwintideServers.pair(options)
    : await TwintideServers.standalone(options);
  const problems: string[] = [];
  try {
    const settings = { ...SETTINGS, journals: servers.pids.length };
    const watches = servers.pids.map(
      (pid, node) => new Watch(pid, servers.httpPorts[node]!, settings),
    );
    for (const [what, bytes] of Object.entries(memoryBudget(settings, watches[0]!.idleBytes))) {
      console.log(`  ${what.padEnd(14)} ${mebibytes(bytes)}`);
    }
    console.log(`limit: ${mebibytes(watches[0]!.limitBytes)}, with a quarter more than the sum`);
    const clients = await Promise.all(
      Array.from({ length: WRITERS + READERS }, () => connectTo(servers.ports[0]!)),
    );
    await clients[0]!.query('CREATE DATABASE soak');
    await clients[0]!.query(CREATE);
    const progress: Progress = {
      isOver: false,
      rows: 0,
      queries: 0,
      longestStatementMs: 0,
      reachedMs: FIRST_MS,
    };
    const start = performance.now();
    const stopOnFailure = (error: unknown): never => {
      progress.isOver = true;
      throw error;
    };
    const writing = clients
      .slice(0, WRITERS)
      .map((client, writer) => writeRows(client, writer, progress).catch(stopOnFailure));
    const reading = clients
      .slice(WRITERS)
      .map((client, reader) => readRows(client, reader, progress).catch(stopOnFailure));
    const outcome = Promise.all([Promise.all(writing), Promise.all(reading)]);
    // Awaited below; until then a failure only ends the loop.
    outcome.catch(() => undefined);
    for (let sample = 1; !progress.isOver; sample++) {
      await pause(SAMPLE_MS);
      const isReport = sample % REPORT_SAMPLES === 0;
      for (const watch of watches) await watch.sample(isReport);
      const seconds = (performance.now() - start) / 1000;
      if (isReport) {
        const memory = watches
          .map(
            (watch) => `${mebibytes(watch.peakBytes)} (${mebibytes(watch.peakMappedBytes)} mapped)`,
          )
          .join(', ');
        console.log(
          `${Math.round(seconds)} s: ${progress.rows} rows, ${progress.queries} queries, peak ${memory}`,
        );
        for (const watch of watches) console.log(`  MiB now: ${watch.memoryMiB}`);
      }
      if (seconds * 1000 >= durationMs || watches.some((watch) => watch.isBeyond)) {
        progress.isOver = true;
      }
    }
    const [written] = await outcome;
    const seconds = (performance.now() - start) / 1000;
    for (const watch of watches) await watch.sample(true);
    problems.push(...(await missing(servers.ports, written)));
    for (const [node, watch] of watches.entries()) {
      if (watch.isBeyond) {
        problems.push(
          `node ${node + 1} held ${mebibytes(watch.peakBytes)}, and may hold ${mebibytes(watch.limitBytes)}`,
        );
      }
      console.log(
        `node ${node + 1}: peak ${mebibytes(watch.peakBytes)} of ${mebibytes(watch.limitBytes)}, ${mebibytes(watch.peakMappedBytes)} of them mapped files, event loop late by ${watch.delayP99Ms.toFixed(1)} ms (p99 of the worst ${(REPORT_SAMPLES * SAMPLE_MS) / 1000} s), ${watch.delayMaxMs.toFixed(1)} ms at most`,
      );
    }
    console.log(
      `${progress.rows} rows in ${Math.round(seconds)} s: ${Math.round(progress.rows / seconds)} rows/s beside ${progress.queries} queries; the longest INSERT took ${Math.round(progress.longestStatementMs)} ms`,
    );
    for (const client of clients) client.destroy();
  } finally {
    await servers.stop();
  }
  return problems;
}

/** How long a peer has to apply what it received. */
const ARRIVAL_MS = 30_000;

async function missing(ports: readonly number[], written: readonly number[]): Promise<string[]> {
  const problems: string[] = [];
  for (const [node, port] of ports.entries()) {
    const client = await connectTo(port);
    const deadline = performance.now() + ARRIVAL_MS;
    let differences: string[];
    do {
      const counts = await countsOn(client);
      differences = written.flatMap((rows, writer) => {
        const found = counts.get(`w${writer}`) ?? 0;
        return found === rows
          ? []
          : [`node ${node + 1} has ${found} rows of writer ${writer}, not ${rows}`];
      });
      if (differences.length > 0) await pause(SAMPLE_MS);
    } while (differences.length > 0 && performance.now() < deadline);
    problems.push(...differences);
    client.destroy();
  }
  return problems;
}

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    pair: { type: 'boolean', default: false },
  },
});
const minutes = Number(values.minutes);
if (!(minutes > 0)) {
  console.error(`--minutes takes a number above 0, not ${JSON.stringify(values.minutes)}`);
  process.exitCode = 2;
} else {
  const problems = await soak(minutes * 60_000, values.pair);
  for (const problem of problems) console.error(problem);
  console.log(problems.length === 0 ? 'the soak passed' : 'the soak failed');
  process.exitCode = problems.length === 0 ? 0 : 1;
}
