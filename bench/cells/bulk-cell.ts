/** Bulk ingest over four connections: Twintide alone beside every peer that is installed. */

import { SHAPES } from '../cpu-workload.js';
import { requestFile, senderNotes } from '../file-sender.js';
import { clickhouse } from '../peers/clickhouse.js';
import { influxdb } from '../peers/influxdb.js';
import { mariadb } from '../peers/mariadb.js';
import { victoriaMetrics } from '../peers/victoria-metrics.js';
import type { RequestFile } from '../request-file.js';
import type { Subject } from '../subject.js';
import { twintide } from '../twintide-subject.js';
import type { Workload } from '../workload.js';
import {
  atLeast,
  atMost,
  figure,
  median,
  spread,
  type Cell,
  type CellOptions,
  type Goal,
} from './cell.js';
import { journalBytesPerRow } from './journal-bytes.js';
import { measure, WARM_DATABASES, DATABASE, type Repetition, type WarmUp } from './repetition.js';

const BATCH_ROWS = 5000;
const LARGE_BATCH_ROWS = 50_000;
const CONNECTIONS = 4;
const QUICK_ROWS = 50_000;

/** Peers by the name that is told when one is not installed. */
type PeerMakers = Readonly<Record<string, () => Subject | null>>;

const SQL_PEERS: PeerMakers = {
  'MariaDB (mariadb-server)': mariadb,
  'ClickHouse (clickhouse-server, clickhouse-client)': () => clickhouse(BATCH_ROWS),
  'ClickHouse, large batches': () => clickhouse(LARGE_BATCH_ROWS),
};

const LINE_PEERS: PeerMakers = {
  'InfluxDB (influxdb)': influxdb,
  'VictoriaMetrics (victoria-metrics)': victoriaMetrics,
};

const own = twintide('Twintide, every record synced');
/** The other shape, for the ratio between the two. */
const reference: Subject = {
  ...own,
  name: 'Twintide, 100 hosts x 24 h',
  format: 'mysql, 100 hosts',
  render: (_shape, rowsPerRequest, rowsMax, database) =>
    own.render(SHAPES.s100, rowsPerRequest, rowsMax, database),
};

interface Variant {
  readonly shape: keyof typeof SHAPES;
  readonly peers: PeerMakers;
  readonly hasReference: boolean;
  readonly isInQuick: boolean;
  readonly goals: (measured: Measured) => readonly Goal[];
}

function bulkCell({ shape, peers, hasReference, isInQuick, goals }: Variant): Cell {
  const { hosts, hours } = SHAPES[shape];
  return {
    about: `${hosts} hosts x ${hours} h, batches of ${BATCH_ROWS}, ${CONNECTIONS} connections, beside ${Object.keys(peers).join(', ')}`,
    isInQuick,
    run: async (options) => {
      const made = Object.entries(peers).map(([name, make]) => ({
        name,
        subject: options.isQuick ? null : make(),
      }));
      const found = made.map(({ subject }) => subject).filter((subject) => subject !== null);
      const subjects = [own, ...(hasReference ? [reference] : []), ...found];
      const { results, journalBytes } = await measureAll(shape, subjects, options);
      return {
        notes: [
          `Twintide's journal: ${figure(journalBytes)} bytes a row.`,
          ...bestOfClickhouse({ results, journalBytes }),
          ...made.flatMap(({ name, subject }) =>
            subject === null ? [`Not measured here: ${name}.`] : [],
          ),
          ...senderNotes(),
        ],
        table: {
          columns: COLUMNS,
          rows: subjects.map((subject) => row(subject, results.get(subject)!, results.get(own)!)),
        },
        goals: goals({ results, journalBytes }),
      };
    },
  };
}

interface Rendered {
  readonly workload: Workload;
  readonly file: RequestFile | null;
  readonly warmUps: readonly WarmUp[];
}

/** The subjects take turns. */
async function measureAll(
  shape: keyof typeof SHAPES,
  subjects: readonly Subject[],
  { isQuick, repetitions }: CellOptions,
): Promise<Measured> {
  const results = new Map<Subject, Repetition[]>();
  const rendered = new Map<string, Rendered>();
  let journalBytes = NaN;
  try {
    for (let repetition = 0; repetition < repetitions; repetition++) {
      for (const subject of subjects) {
        const workloads = rendered.get(subject.format) ?? workloadsOf(subject, shape, isQuick);
        rendered.set(subject.format, workloads);
        const result = await measure({
          subject,
          ...workloads,
          connections: CONNECTIONS,
          settles: !isQuick && (subject === own || repetition === repetitions - 1),
          ...(subject === own && {
            onEnd: async (running) => {
              journalBytes = await journalBytesPerRow(running, rowsOf(workloads));
            },
          }),
        });
        const rowsPerSecond = figure(result.load.rowsPerSecond / 1000);
        console.log(`  ${subject.name}: ${rowsPerSecond} thousand rows/s`);
        results.set(subject, [...(results.get(subject) ?? []), result]);
      }
    }
  } finally {
    for (const { file } of rendered.values()) file?.remove();
  }
  return { results, journalBytes };
}

function workloadsOf(subject: Subject, shape: keyof typeof SHAPES, isQuick: boolean): Rendered {
  const rowsPerRequest = subject.rowsPerRequest ?? BATCH_ROWS;
  const render = (rows: number, database: string): Workload =>
    subject.render(SHAPES[shape], rowsPerRequest, rows, database);
  const warmRows = isQuick ? BATCH_ROWS : Infinity;
  const workload = render(isQuick ? QUICK_ROWS : Infinity, DATABASE);
  return {
    workload,
    file: requestFile(workload),
    warmUps: WARM_DATABASES.map((database) => ({
      database,
      workload: render(warmRows, database),
    })),
  };
}

function rowsOf({ workload, warmUps }: Rendered): number {
  return warmUps.reduce((rows, warmUp) => rows + warmUp.workload.rows, workload.rows);
}

interface Measured {
  readonly results: ReadonlyMap<Subject, readonly Repetition[]>;
  readonly journalBytes: number;
}

const COLUMNS = [
  'server',
  'thousand rows/s',
  'Twintide is',
  'p50 / p99 of a request, ms',
  'CPU us/row: acknowledged',
  'flushed',
  'idle again',
  'bytes/row: flushed',
  'idle again',
  'RSS MB',
  'generator, % of a core',
];

function row(
  subject: Subject,
  results: readonly Repetition[],
  ownResults: readonly Repetition[],
): readonly string[] {
  const of = (read: (result: Repetition) => number | undefined): string => {
    const values = results.map(read).filter((value) => value !== undefined);
    return values.length === 0 ? '-' : figure(median(values));
  };
  const ratio = rate(ownResults) / rate(results);
  return [
    subject.name,
    spread(
      results.map(({ load }) => load.rowsPerSecond),
      1000,
    ),
    results === ownResults ? '' : `${figure(ratio)}x`,
    `${of(({ load }) => load.p50Ms)} / ${of(({ load }) => load.p99Ms)}`,
    of(({ acknowledged }) => acknowledged.cpuMicrosPerRow[0]),
    of(({ flushed }) => flushed?.cpuMicrosPerRow[0]),
    of(({ idle }) => idle?.cpuMicrosPerRow[0]),
    of(({ flushed }) => flushed?.storedBytesPerRow),
    of(({ idle }) => idle?.storedBytesPerRow),
    of(({ residentBytes }) => residentBytes[0]! / 1e6),
    of(({ load }) => load.generatorCpuShare * 100),
  ];
}

function rate(results: readonly Repetition[]): number {
  return median(results.map(({ load }) => load.rowsPerSecond));
}

/** How many times the rate of the subject whose name begins so; null when it was not measured. */
function ratioTo({ results }: Measured, name: string, isToBest = false): number | null {
  for (const [subject, list] of results) {
    if (!subject.name.startsWith(name)) continue;
    const rates = list.map(({ load }) => load.rowsPerSecond);
    return rate(results.get(own)!) / (isToBest ? Math.max(...rates) : median(rates));
  }
  return null;
}

function aheadOfClickhouse(measured: Measured): readonly Goal[] {
  return [BATCH_ROWS, LARGE_BATCH_ROWS].map((batch) =>
    atLeast(
      `ahead of ClickHouse at batches of ${batch}`,
      ratioTo(measured, clickhouse(batch)?.name ?? 'ClickHouse'),
      1,
      'x',
    ),
  );
}

/** It varies more from repetition to repetition than the others. */
function bestOfClickhouse(measured: Measured): readonly string[] {
  return [BATCH_ROWS, LARGE_BATCH_ROWS].flatMap((batch) => {
    const ratio = ratioTo(measured, clickhouse(batch)?.name ?? 'ClickHouse', true);
    if (ratio === null) return [];
    return [`Its median is ${figure(ratio)}x ClickHouse's best repetition at batches of ${batch}.`];
  });
}

function s100Goals(measured: Measured): readonly Goal[] {
  const list = measured.results.get(own)!;
  const of = (read: (result: Repetition) => number | undefined): number =>
    median(list.map((result) => read(result) ?? NaN));
  return [
    atLeast('at least 6x MariaDB', ratioTo(measured, 'MariaDB'), 6, 'x'),
    ...aheadOfClickhouse(measured),
    atLeast('rows/s: 800,000 is the floor, 1,000,000 the aim', rate(list), 800_000),
    atMost(
      'server CPU until the flush is done: at most 1.4 us a row',
      of(({ flushed }) => flushed?.cpuMicrosPerRow[0]),
      1.4,
    ),
    atMost(
      'server CPU until compaction is idle: at most 2.0 us a row',
      of(({ idle }) => idle?.cpuMicrosPerRow[0]),
      2,
    ),
    atMost('journal: under 60 bytes a row', measured.journalBytes, 60),
    atMost(
      'stored after flush: at most 20 bytes a row',
      of(({ flushed }) => flushed?.storedBytesPerRow),
      20,
    ),
    atMost(
      'stored after compaction: at most 8 bytes a row',
      of(({ idle }) => idle?.storedBytesPerRow),
      8,
    ),
    atMost(
      'generator: under 10% of a core',
      of(({ load }) => load.generatorCpuShare * 100),
      10,
      '%',
    ),
  ];
}

export const s100Cell = bulkCell({
  shape: 's100',
  peers: SQL_PEERS,
  hasReference: false,
  isInQuick: true,
  goals: s100Goals,
});

export const s100LinesCell = bulkCell({
  shape: 's100',
  peers: LINE_PEERS,
  hasReference: false,
  isInQuick: false,
  goals: (measured) => [
    atLeast('ahead of InfluxDB', ratioTo(measured, 'InfluxDB'), 1, 'x'),
    atLeast('ahead of VictoriaMetrics', ratioTo(measured, 'VictoriaMetrics'), 1, 'x'),
  ],
});

export const s4000Cell = bulkCell({
  shape: 's4000',
  peers: SQL_PEERS,
  hasReference: true,
  isInQuick: false,
  goals: (measured) => [
    atLeast('at least 0.8 of the rate of 100 hosts', ratioTo(measured, reference.name), 0.8),
    atMost('journal: under 90 bytes a row', measured.journalBytes, 90),
    ...aheadOfClickhouse(measured),
  ],
});

export const s4000LinesCell = bulkCell({
  shape: 's4000',
  peers: LINE_PEERS,
  hasReference: false,
  isInQuick: false,
  goals: (measured) => [
    atLeast('ahead of InfluxDB', ratioTo(measured, 'InfluxDB'), 1, 'x'),
    atLeast('ahead of VictoriaMetrics', ratioTo(measured, 'VictoriaMetrics'), 1, 'x'),
  ],
});
