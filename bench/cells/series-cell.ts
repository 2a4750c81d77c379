/**
 * A million series in one table: rows of series that were never seen, and of series that are known, beside the rate of 100 series on the
 * same node; what a series costs in memory, and how long a node takes to start with them.
 */

import { performance } from 'node:perf_hooks';
import { SHAPES } from '../cpu-workload.js';
import { runLoad, type LoadResult } from '../load.js';
import { residentBytesOf, untilIdle } from '../process-cpu.js';
import { twintide } from '../twintide-subject.js';
import type { Workload } from '../workload.js';
import { atLeast, atMost, figure, median, spread, type Cell } from './cell.js';
import { load, WARM_DATABASE } from './repetition.js';

const BATCH_ROWS = 5000;
const CONNECTIONS = 4;
const WARM_ROWS = 200_000;
const SERIES = 1_000_000;
const QUICK_SERIES = 20_000;
/** Instants of every series: the first is the first time that it is seen. */
const INSTANTS = 3;
const INSTANT_HOURS = 10 / 3600;
const IDLE_MS = 60_000;

interface Measured {
  readonly few: LoadResult;
  readonly firstSeen: LoadResult;
  readonly known: LoadResult;
  /** Of a restarted node, beyond what one without these series takes. */
  readonly bytesPerSeries: number;
  readonly startSeconds: number;
  readonly residentBytes: number;
}

const own = twintide('Twintide');

async function measureOnce(
  few: Workload,
  warmUp: Workload,
  many: Workload,
  series: number,
): Promise<Measured> {
  const running = await own.start();
  const { servers } = running;
  try {
    const emptyBytes = residentBytesOf(servers.pids[0]!);
    const loadInto = async (database: string, workload: Workload): Promise<LoadResult> => {
      const connections = await running.connect(database, CONNECTIONS, workload);
      const result = await runLoad(connections, workload, servers.pids);
      for (const connection of connections) connection.close();
      return result;
    };
    await load(running, WARM_DATABASE, warmUp, CONNECTIONS);
    await running.createTable('few');
    const fewResult = await loadInto('few', few);
    await running.flush!('few');
    await untilIdle(servers.pids, IDLE_MS);

    const perInstant = many.requests.length / INSTANTS;
    const part = (from: number, to: number): Workload => ({
      ...many,
      rows: series * (to - from),
      requests: many.requests.slice(from * perInstant, to * perInstant),
    });
    await running.createTable('many');
    const firstSeen = await loadInto('many', part(0, 1));
    // The rate that it is compared with is that of an idle node, too.
    await untilIdle(servers.pids, IDLE_MS);
    const known = await loadInto('many', part(1, INSTANTS));
    const residentBytes = residentBytesOf(servers.pids[0]!);
    await running.flush!('many');
    await running.compact!('many');
    await untilIdle(servers.pids, IDLE_MS);

    await servers.halt();
    const start = performance.now();
    await servers.start();
    const startSeconds = (performance.now() - start) / 1000;
    await untilIdle(servers.pids, IDLE_MS);
    const restarted = residentBytesOf(servers.pids[0]!);
    return {
      few: fewResult,
      firstSeen,
      known,
      bytesPerSeries: (restarted - emptyBytes) / series,
      startSeconds,
      residentBytes,
    };
  } finally {
    await running.stop();
  }
}

export const seriesCell: Cell = {
  about: `${SERIES.toLocaleString('en-US')} series of ten tags in a table, batches of ${BATCH_ROWS}, ${CONNECTIONS} connections`,
  isInQuick: false,
  run: async ({ isQuick, repetitions }) => {
    const series = isQuick ? QUICK_SERIES : SERIES;
    const render = (shape: { hosts: number; hours: number }, rows = Infinity): Workload =>
      own.render(shape, BATCH_ROWS, rows, '');
    const few = render(SHAPES.s100, isQuick ? QUICK_SERIES : Infinity);
    const warmUp = render(SHAPES.s100, isQuick ? QUICK_SERIES : WARM_ROWS);
    const many = render({ hosts: series, hours: INSTANTS * INSTANT_HOURS });
    const results: Measured[] = [];
    for (let repetition = 0; repetition < repetitions; repetition++) {
      const result = await measureOnce(few, warmUp, many, series);
      results.push(result);
      console.log(
        `  first seen ${figure(result.firstSeen.rowsPerSecond / 1000)}, known ${figure(result.known.rowsPerSecond / 1000)} thousand rows/s`,
      );
    }
    const row = (name: string, of: (result: Measured) => LoadResult): readonly string[] => [
      name,
      spread(
        results.map((result) => of(result).rowsPerSecond),
        1000,
      ),
      figure(median(results.map((result) => of(result).serverCpuMicrosPerRow[0]!))),
      `${figure(median(results.map((result) => of(result).p50Ms)))} / ${figure(median(results.map((result) => of(result).p99Ms)))}`,
    ];
    const rateOf = (of: (result: Measured) => LoadResult): number =>
      median(results.map((result) => of(result).rowsPerSecond));
    const bytesPerSeries = median(results.map((result) => result.bytesPerSeries));
    const startSeconds = median(results.map((result) => result.startSeconds));
    return {
      notes: [
        `A restarted node with the series holds ${figure(bytesPerSeries)} bytes of memory a series more than an empty one and took ${figure(startSeconds)} s to start; right after the load the process had ${figure(median(results.map((result) => result.residentBytes)) / 1e6)} MB.`,
      ],
      table: {
        columns: ['rows of', 'thousand rows/s', 'CPU us/row', 'p50 / p99 of a request, ms'],
        rows: [
          row('100 series, known', (result) => result.few),
          row(`${figure(series)} series, first seen`, (result) => result.firstSeen),
          row(`${figure(series)} series, known`, (result) => result.known),
        ],
      },
      goals: [
        atLeast(
          'known series: at least 0.5 of the rate of 100 series',
          rateOf((result) => result.known) / rateOf((result) => result.few),
          0.5,
        ),
        atLeast(
          'first-seen series: at least 100,000 a second',
          rateOf((result) => result.firstSeen),
          100_000,
        ),
        atMost('memory: under 400 bytes a series', bytesPerSeries, 400),
        atMost('start: under 10 s', startSeconds, 10, ' s'),
      ],
    };
  },
};
