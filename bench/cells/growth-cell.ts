/**
 * What changes while a table grows: rows/s, CPU a row, memory and the delay of the event loop, from the first million rows on, for few
 * and for many series.
 *
 * A window of rows is rendered once and sent again and again with later times, which are written into the statements in place just before
 * they leave: 100 million rows as text would be 14 GB.
 */

import { performance } from 'node:perf_hooks';
import { formatTime } from '../cpu-workload.js';
import type { LoadConnection } from '../load.js';
import { nodeMetrics } from '../node-metrics.js';
import { cpuSecondsOf, residentBytesOf } from '../process-cpu.js';
import type { RunningTwintide } from '../twintide-subject.js';
import { twintide } from '../twintide-subject.js';
import type { Workload } from '../workload.js';
import { figure, type Cell, type Panel } from './cell.js';
import { DATABASE } from './repetition.js';

const BATCH_ROWS = 5000;
const CONNECTIONS = 4;
const INTERVAL_S = 10;
const SAMPLE_ROWS = 1_000_000;
/** A growth that does not get there in this time ends where it is. */
const LIMIT_MS = 200_000;
const TIME_LENGTH = 19;
const TIME_MARK = ",'2026-";

interface Point {
  /** In the table at the end of the sample. */
  readonly rows: number;
  readonly rowsPerSecond: number;
  readonly cpuMicrosPerRow: number;
  readonly residentMB: number;
  readonly loopDelayP99Ms: number;
  readonly loopDelayMaxMs: number;
}

/** Requests whose times move on by the length of the window each time they are sent. */
class MovingWindow {
  readonly #workload: Workload;
  readonly #hosts: number;
  readonly #seconds: number;
  /** Offsets of the times in each request. */
  readonly #timesAt: readonly Uint32Array[];
  readonly #startSeconds: number;
  #next = 0;

  constructor(workload: Workload, hosts: number) {
    this.#workload = workload;
    this.#hosts = hosts;
    this.#seconds = (workload.rows / hosts) * INTERVAL_S;
    this.#timesAt = workload.requests.map(offsetsOfTimes);
    const first = workload.requests[0]!;
    const at = this.#timesAt[0]![0]!;
    this.#startSeconds = Date.parse(`${first.toString('latin1', at, at + TIME_LENGTH)}Z`) / 1000;
  }

  next(): Buffer {
    const { requests, rowsPerRequest } = this.#workload;
    const index = this.#next % requests.length;
    const round = Math.floor(this.#next / requests.length);
    this.#next += 1;
    const request = requests[index]!;
    if (round > 0) {
      this.#moveTo(request, index, index * rowsPerRequest, this.#seconds * round);
    }
    return request;
  }

  #moveTo(request: Buffer, index: number, firstRow: number, bySeconds: number): void {
    let instant = -1;
    let time = Buffer.alloc(0);
    for (const [i, at] of this.#timesAt[index]!.entries()) {
      const rowInstant = Math.floor((firstRow + i) / this.#hosts);
      if (rowInstant !== instant) {
        instant = rowInstant;
        time = Buffer.from(formatTime(this.#startSeconds + instant * INTERVAL_S + bySeconds));
      }
      for (let byte = 0; byte < TIME_LENGTH; byte++) request[at + byte] = time[byte]!;
    }
  }
}

function offsetsOfTimes(request: Buffer): Uint32Array {
  const found: number[] = [];
  for (
    let at = request.indexOf(TIME_MARK);
    at >= 0;
    at = request.indexOf(TIME_MARK, at + TIME_LENGTH)
  ) {
    found.push(at + 2);
  }
  return Uint32Array.from(found);
}

async function grow(
  running: RunningTwintide,
  window: MovingWindow,
  connections: readonly LoadConnection[],
  rowsMax: number,
): Promise<readonly Point[]> {
  const pid = running.pids[0]!;
  const httpPort = running.servers.httpPorts[0]!;
  await nodeMetrics(httpPort);
  const points: Point[] = [];
  const startMs = performance.now();
  let sent = 0;
  let sampleMs = startMs;
  let sampleCpu = cpuSecondsOf(pid);
  while (sent < rowsMax && performance.now() - startMs < LIMIT_MS) {
    const sampleEnd = Math.min(sent + SAMPLE_ROWS, rowsMax);
    const worker = async (connection: LoadConnection): Promise<void> => {
      while (sent < sampleEnd) {
        sent += BATCH_ROWS;
        await connection.send(window.next());
      }
    };
    const before = sent;
    await Promise.all(connections.map(worker));
    const nowMs = performance.now();
    const cpu = cpuSecondsOf(pid);
    const metrics = await nodeMetrics(httpPort);
    const rows = sent - before;
    points.push({
      rows: sent,
      rowsPerSecond: (rows / (nowMs - sampleMs)) * 1000,
      cpuMicrosPerRow: ((cpu - sampleCpu) * 1e6) / rows,
      residentMB: residentBytesOf(pid) / 1e6,
      loopDelayP99Ms: metrics.loopDelayP99Ms,
      loopDelayMaxMs: metrics.loopDelayMaxMs,
    });
    sampleMs = performance.now();
    sampleCpu = cpu;
  }
  return points;
}

interface Growth {
  readonly series: number;
  readonly windowRows: number;
  readonly rowsMax: number;
  readonly longRowsMax: number;
}

const COLUMNS = [
  'rows in the table',
  'thousand rows/s',
  'CPU us/row',
  'RSS MB',
  'event loop delay p99 / max, ms',
];

function growthCell({ series, windowRows, rowsMax, longRowsMax }: Growth): Cell {
  const own = twintide('Twintide');
  return {
    about: `a table that grows, ${series.toLocaleString('en-US')} series, batches of ${BATCH_ROWS}, ${CONNECTIONS} connections`,
    isInQuick: false,
    isGrowth: true,
    run: async ({ isLong }) => {
      const hours = ((windowRows / series) * INTERVAL_S) / 3600;
      const workload = own.render({ hosts: series, hours }, BATCH_ROWS, Infinity, DATABASE);
      const window = new MovingWindow(workload, series);
      const running = await own.start();
      try {
        await running.createTable(DATABASE);
        const connections = await running.connect(DATABASE, CONNECTIONS, workload);
        const points = await grow(running, window, connections, isLong ? longRowsMax : rowsMax);
        for (const connection of connections) connection.close();
        return {
          notes: [
            `Each row of the table is what was measured over the million rows up to it${points.at(-1)!.rows < (isLong ? longRowsMax : rowsMax) ? '; it was ended by its time limit' : ''}.`,
          ],
          table: { columns: COLUMNS, rows: shownPoints(points).map(row) },
          goals: [],
          panels: panelsOf(points, `${series.toLocaleString('en-US')} series`),
        };
      } finally {
        await running.stop();
      }
    },
  };
}

/** 1, 2, 5 and their tenfold millions, and the last. */
function shownPoints(points: readonly Point[]): readonly Point[] {
  return points.filter((point, index) => {
    const millions = Math.round(point.rows / 1e6);
    const leading = Number(`${millions}`.replace(/0+$/, ''));
    return [1, 2, 5].includes(leading) || index === points.length - 1;
  });
}

function row(point: Point): readonly string[] {
  return [
    point.rows.toLocaleString('en-US'),
    figure(point.rowsPerSecond / 1000),
    figure(point.cpuMicrosPerRow),
    figure(point.residentMB),
    `${figure(point.loopDelayP99Ms)} / ${figure(point.loopDelayMaxMs)}`,
  ];
}

function panelsOf(points: readonly Point[], name: string): readonly Panel[] {
  const panel = (title: string, of: (point: Point) => number): Panel => ({
    title,
    xTitle: 'rows in the table',
    series: [{ name, points: points.map((point) => [point.rows, of(point)]) }],
  });
  return [
    panel('thousand rows/s', (point) => point.rowsPerSecond / 1000),
    panel('server CPU, us a row', (point) => point.cpuMicrosPerRow),
    panel('resident memory, MB', (point) => point.residentMB),
    panel('event loop delay, p99, ms', (point) => point.loopDelayP99Ms),
  ];
}

export const growth100Cell = growthCell({
  series: 100,
  windowRows: 864_000,
  rowsMax: 10_000_000,
  longRowsMax: 100_000_000,
});

export const growth10kCell = growthCell({
  series: 10_000,
  windowRows: 900_000,
  rowsMax: 10_000_000,
  longRowsMax: 50_000_000,
});

export const growth1mCell = growthCell({
  series: 1_000_000,
  windowRows: 1_000_000,
  rowsMax: 10_000_000,
  longRowsMax: 50_000_000,
});
