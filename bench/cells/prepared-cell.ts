/** Executions of a prepared INSERT, many rows at once and one row at a time, beside MariaDB. */

import { SHAPES } from '../cpu-workload.js';
import { mariadb } from '../peers/mariadb.js';
import { renderExecutions, renderInserts } from '../render-mysql.js';
import { SEED, type Subject } from '../subject.js';
import { twintide } from '../twintide-subject.js';
import { figure, median, spread, type Cell } from './cell.js';
import { measure, WARM_DATABASE, type Repetition } from './repetition.js';

const BATCH_ROWS = 1000;
const WARM_ROWS = 100_000;

interface Way {
  readonly name: string;
  readonly rowsPerRequest: number;
  readonly connections: number;
  readonly rows: number;
  readonly quickRows: number;
  readonly isText: boolean;
}

const WAYS: readonly Way[] = [
  {
    name: `prepared, ${BATCH_ROWS} rows`,
    rowsPerRequest: BATCH_ROWS,
    connections: 4,
    rows: 432_000,
    quickRows: 5_000,
    isText: false,
  },
  {
    name: `text, ${BATCH_ROWS} rows`,
    rowsPerRequest: BATCH_ROWS,
    connections: 4,
    rows: 432_000,
    quickRows: 5_000,
    isText: true,
  },
  {
    name: 'prepared, 1 row, 32 connections',
    rowsPerRequest: 1,
    connections: 32,
    rows: 40_000,
    quickRows: 300,
    isText: false,
  },
];

export const preparedCell: Cell = {
  about: `executions of a prepared INSERT beside the same rows as text, 100 hosts`,
  isInQuick: true,
  run: async ({ isQuick, repetitions }) => {
    const own = twintide('Twintide');
    const subjects = [own, isQuick ? null : mariadb()].filter((subject) => subject !== null);
    const rows: string[][] = [];
    for (const way of WAYS) {
      const render = (most: number) =>
        (way.isText ? renderInserts : renderExecutions)(
          SHAPES.s100,
          way.rowsPerRequest,
          SEED,
          most,
        );
      const workload = render(isQuick ? way.quickRows : way.rows);
      const warmUp = render(isQuick ? way.quickRows : Math.min(WARM_ROWS, way.rows));
      const results = new Map<Subject, Repetition[]>();
      for (let repetition = 0; repetition < repetitions; repetition++) {
        for (const subject of subjects) {
          const result = await measure({
            subject,
            workload,
            warmUps: [{ database: WARM_DATABASE, workload: warmUp }],
            connections: way.connections,
            settles: false,
          });
          results.set(subject, [...(results.get(subject) ?? []), result]);
        }
      }
      for (const [subject, list] of results) {
        const of = (read: (result: Repetition) => number): string => figure(median(list.map(read)));
        rows.push([
          `${subject.name}: ${way.name}`,
          spread(
            list.map(({ load }) => load.rowsPerSecond),
            1000,
          ),
          of(({ load }) => load.bodyMegabytesPerSecond),
          of(({ acknowledged }) => acknowledged.cpuMicrosPerRow[0]!),
          `${of(({ load }) => load.p50Ms)} / ${of(({ load }) => load.p99Ms)}`,
        ]);
      }
    }
    return {
      notes: subjects.length === 1 ? ['Not measured here: MariaDB.'] : [],
      table: {
        columns: [
          'way',
          'thousand rows/s',
          'MB/s of values',
          'CPU us/row',
          'p50 / p99 of a request, ms',
        ],
        rows,
      },
      goals: [],
    };
  },
};
