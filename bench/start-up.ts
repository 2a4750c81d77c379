/**
 * `npm run bench -- start-up`: how long a killed node takes until it serves again, by what it was killed with.
 *
 * Each case fills a node over connections until it holds what the case is about, kills it with SIGKILL and starts it over its data, again
 * and again. The time runs from the start of the process until /ready says 200. Rows of the memtable have to be read and applied
 * anew, and whatever of the journal is kept has to be checked: more or fewer bytes of it, more or fewer records.
 */

import { performance } from 'node:perf_hooks';
import { atMost, figure, median, spread, type CellResult } from './cells/cell.js';
import { pause } from './child-process.js';
import { SeededNumbers, SHAPES } from './cpu-workload.js';
import { MovingWindow } from './moving-window.js';
import { createCpuTable } from './mysql-admin.js';
import { queryPacket } from './mysql-packet.js';
import { nodeMetrics } from './node-metrics.js';
import { untilIdle } from './process-cpu.js';
import { RawClient } from './raw-client.js';
import { httpRequest } from './raw-http-client.js';
import { CREATE_TWINTIDE, renderInserts } from './render-mysql.js';
import { environment, environmentText } from './report/environment.js';
import { addToReport } from './report/report.js';
import { tableText } from './report/table-text.js';
import { SEED } from './subject.js';
import { TwintideServers } from './twintide-servers.js';

const DATABASE = 'bench';
/** Almost all of `memtable_bytes`: a little more, and it is flushed before anybody has looked. */
const FULL_MEMTABLE_BYTES = 240 * 2 ** 20;
/** What `retain_bytes` keeps, the open segment and the spare one. */
const KEPT_BYTES = 2 ** 30 + 128 * 2 ** 20;
const SERIES = 1_000_000;
/** A quick run is so much smaller. */
const QUICK_DIVISOR = 32;
const BATCH_ROWS = 5000;
const LOOK_MS = 20;
const READY_POLL_MS = 5;
const IDLE_MS = 60_000;

/** What a node has taken so far, as its metrics tell. */
interface Held {
  readonly memtableBytes: number;
  readonly journalBytes: number;
  readonly records: number;
  readonly rows: number;
}

interface StartUpCase {
  readonly about: string;
  /** Creates the table `cpu`. */
  readonly create: string;
  readonly connections: number;
  /** Makes one request after the other, without end. */
  readonly requests: () => () => Buffer;
  /** `share`: of the full size. */
  readonly isFilled: (held: Held, share: number) => boolean;
  readonly goalSeconds: number;
}

const isMemtableFull = (held: Held, share: number): boolean =>
  held.memtableBytes >= FULL_MEMTABLE_BYTES * share;
const isJournalKept = (held: Held, share: number): boolean =>
  held.journalBytes >= KEPT_BYTES * share && isMemtableFull(held, share);

export const START_UP_CASES: Readonly<Record<string, StartUpCase>> = {
  memtable: {
    about: 'a full memtable, records of 5000 rows',
    create: CREATE_TWINTIDE,
    connections: 4,
    requests: () => cpuRequests(BATCH_ROWS),
    isFilled: isMemtableFull,
    goalSeconds: 3,
  },
  large: {
    about: '1 GiB of journal kept in records of a megabyte, and a full memtable',
    create:
      'CREATE TABLE cpu (host VARCHAR(64), ts TIMESTAMP(3) NOT NULL, note TEXT, TIME INDEX (ts), PRIMARY KEY (host))',
    connections: 4,
    requests: noteRequests,
    isFilled: isJournalKept,
    goalSeconds: 3,
  },
  small: {
    about: '1 GiB of journal kept in records of 20 rows, and a full memtable',
    create: CREATE_TWINTIDE,
    connections: 64,
    requests: () => cpuRequests(20),
    isFilled: isJournalKept,
    goalSeconds: 3,
  },
  series: {
    about: 'a million series',
    create: CREATE_TWINTIDE,
    connections: 4,
    requests: seriesRequests,
    isFilled: (held, share) => held.rows >= SERIES * share,
    goalSeconds: 10,
  },
};

/** Rows of 100 hosts, with times that go on and on. */
function cpuRequests(rowsPerRequest: number): () => Buffer {
  const { hosts } = SHAPES.s100;
  const window = new MovingWindow(
    renderInserts(SHAPES.s100, rowsPerRequest, SEED, hosts * BATCH_ROWS),
    hosts,
  );
  return () => window.next();
}

/** A row of every series, once. */
function seriesRequests(): () => Buffer {
  const shape = { hosts: SERIES, hours: 1 };
  const { requests } = renderInserts(shape, BATCH_ROWS, SEED, SERIES);
  let next = 0;
  return () => requests[next++ % requests.length]!;
}

const NOTE_HOSTS = 64;
const NOTE_CHARACTERS = 200;

/** Rows of text that no codec makes smaller. */
function noteRequests(): () => Buffer {
  const numbers = new SeededNumbers(SEED);
  const note = (): string =>
    Buffer.from(Array.from({ length: NOTE_CHARACTERS }, () => 97 + numbers.below(26))).toString();
  const notes = Array.from({ length: BATCH_ROWS }, note);
  let time = Date.UTC(2026, 0, 1);
  return () => {
    const rows = notes.map((text, row) => `('host_${row % NOTE_HOSTS}',${time + row},'${text}')`);
    time += BATCH_ROWS;
    return queryPacket(`INSERT INTO cpu (host, ts, note) VALUES ${rows.join(',')}`);
  };
}

export interface StartUpOptions {
  /** Names of START_UP_CASES; without any all of them. */
  readonly cases: readonly string[];
  /** Small sizes: shows that it runs. */
  readonly isQuick: boolean;
  /** Starts of each case. */
  readonly repetitions: number;
  readonly report: string | undefined;
}

export async function startUp(options: StartUpOptions): Promise<void> {
  const unknown = options.cases.filter((name) => !(name in START_UP_CASES));
  if (unknown.length > 0) {
    const known = Object.keys(START_UP_CASES).join(', ');
    throw new RangeError(`no case ${unknown.join(', ')}; there are: ${known}`);
  }
  if (options.isQuick && options.report !== undefined) {
    throw new RangeError('a quick run is not for a report');
  }
  console.log(`${environmentText(environment())}; ${options.repetitions} start(s) of each case`);
  for (const [name, one] of Object.entries(START_UP_CASES)) {
    if (options.cases.length > 0 && !options.cases.includes(name)) continue;
    const about = `${one.about}, killed and started again`;
    console.log(`\n${name}: ${about}`);
    const result = await measure(one, options);
    console.log(tableText(result.table));
    if (options.isQuick) continue;
    for (const { text, seen, isReached } of result.goals) {
      console.log(`${isReached === true ? 'reached' : 'MISSED '} ${text}: ${seen}`);
    }
    if (options.report !== undefined) addToReport(options.report, `start-${name}`, about, result);
  }
}

async function measure(one: StartUpCase, options: StartUpOptions): Promise<CellResult> {
  const servers = await TwintideServers.standalone();
  try {
    const held = await fill(servers, one, options.isQuick ? 1 / QUICK_DIVISOR : 1);
    await untilIdle(servers.pids, IDLE_MS);
    const seconds: number[] = [];
    for (let start = 0; start < options.repetitions; start++) {
      await servers.halt('SIGKILL');
      seconds.push(await secondsUntilReady(servers));
    }
    return {
      notes: [],
      table: {
        columns: ['memtable MB', 'journal MB', 'records written', 'rows written', 'seconds'],
        rows: [
          [
            figure(held.memtableBytes / 1e6),
            figure(held.journalBytes / 1e6),
            figure(held.records),
            figure(held.rows),
            spread(seconds, 1),
          ],
        ],
      },
      goals: [
        atMost(`ready in under ${one.goalSeconds} s`, median(seconds), one.goalSeconds, ' s'),
      ],
    };
  } finally {
    await servers.stop();
  }
}

/** Resolves when the node holds enough; all that it was sent is acknowledged then. */
async function fill(servers: TwintideServers, one: StartUpCase, share: number): Promise<Held> {
  const [port, httpPort] = [servers.ports[0]!, servers.httpPorts[0]!];
  await createCpuTable(port, DATABASE, one.create);
  const next = one.requests();
  let records = 0;
  const look = async (): Promise<Held> => {
    const metrics = await nodeMetrics(httpPort);
    return {
      memtableBytes: metrics.value('twintide_memtable_bytes'),
      journalBytes: metrics.value('twintide_journal_bytes'),
      rows: metrics.value('twintide_rows_written_total'),
      records,
    };
  };
  let isDone = false;
  const send = async (): Promise<void> => {
    const client = await RawClient.open(port, DATABASE);
    while (!isDone) {
      await client.send(next());
      records += 1;
    }
    client.close();
  };
  const sending = Promise.all(Array.from({ length: one.connections }, send));
  while (!one.isFilled(await look(), share)) await Promise.race([pause(LOOK_MS), sending]);
  isDone = true;
  await sending;
  return look();
}

async function secondsUntilReady(servers: TwintideServers): Promise<number> {
  const startMs = performance.now();
  await servers.start();
  while (!(await isReady(servers.httpPorts[0]!))) await pause(READY_POLL_MS);
  return (performance.now() - startMs) / 1000;
}

async function isReady(httpPort: number): Promise<boolean> {
  try {
    await httpRequest(httpPort, '/ready');
    return true;
  } catch {
    return false;
  }
}
