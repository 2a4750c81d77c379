/**
 * What changes while a table grows: rows/s, CPU a row, memory and the delay of the event loop, from the first million rows on, for few
 * and for many series.
 */

import { performance } from 'node:perf_hooks';
import { INTERVAL_S } from '../cpu-workload.js';
import type { LoadConnection } from '../load.js';
import { nodeMetrics } from '../node-metrics.js';
import { cpuSecondsOf, residentBytesOf } from '../process-cpu.js';
import { MovingWindow } from '../moving-window.js';
import type { RunningTwintide } from '../twintide-subject.js';
import { twintide } from '../twintide-subject.js';
import { figure, type Cell, type Panel } from './cell.js';
import { DATABASE } from './repetition.js';

const BATCH_ROWS = 5000;
const CONNECTIONS = 4;
const SAMPLE_ROWS = 1_000_000;
const ROWS = 10_000_000;
const LONG_ROWS = 100_000_000;
/** A growth that does not get there in this time ends where it is. */
const LIMIT_MS = 200_000;
const LONG_LIMIT_MS = 1_200_000;

interface Point {
  /** In the table at the end of the sample. */
  readonly rows: number;
  readonly rowsPerSecond: number;
  readonly cpuMicrosPerRow: number;
  readonly residentMB: number;
  readonly loopDelayP99Ms: number;
  readonly loopDelayMaxMs: number;
}

async function grow(
  running: RunningTwintide,
  window: MovingWindow,
  connections: readonly LoadConnection[],
  rowsMax: number,
  limitMs: number,
): Promise<readonly Point[]> {
  const pid = running.pids[0]!;
  const httpPort = running.servers.httpPorts[0]!;
  await nodeMetrics(httpPort);
  const points: Point[] = [];
  const startMs = performance.now();
  let sent = 0;
  let sampleMs = startMs;
  let sampleCpu = cpuSecondsOf(pid);
  while (sent < rowsMax && performance.now() - startMs < limitMs) {
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
}

const COLUMNS = [
  'rows in the table',
  'thousand rows/s',
  'CPU us/row',
  'RSS MB',
  'event loop delay p99 / max, ms',
];

function growthCell({ series, windowRows }: Growth): Cell {
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
        const rowsMax = isLong ? LONG_ROWS : ROWS;
        const limitMs = isLong ? LONG_LIMIT_MS : LIMIT_MS;
        const points = await grow(running, window, connections, rowsMax, limitMs);
        for (const connection of connections) connection.close();
        return {
          notes: [
            `Each row of the table is what was measured over the million rows up to it${points.at(-1)!.rows < rowsMax ? '; it was ended by its time limit' : ''}.`,
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
});

export const growth10kCell = growthCell({
  series: 10_000,
  windowRows: 900_000,
});

export const growth1mCell = growthCell({
  series: 1_000_000,
  windowRows: 1_000_000,
});
