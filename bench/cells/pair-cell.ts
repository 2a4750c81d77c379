/** Replicated bulk ingest: a Twintide pair beside MariaDB's pairs, all nodes on this machine, and what a row costs each node. */

import { SHAPES } from '../cpu-workload.js';
import { requestFile, senderNotes } from '../file-sender.js';
import { galera, mariadbSemiSync } from '../peers/mariadb.js';
import type { Subject } from '../subject.js';
import { twintide } from '../twintide-subject.js';
import { atLeast, atMost, figure, median, spread, type Cell } from './cell.js';
import { DATABASE, measure, WARM_DATABASES, type Repetition } from './repetition.js';

const BATCH_ROWS = 5000;
const CONNECTIONS = 4;
const QUICK_ROWS = 50_000;

const own = twintide('Twintide pair, rpo_bytes 64 MiB', {
  isPair: true,
  replication: 'rpo_bytes = "64MiB"',
});
const PEERS = {
  'MariaDB semi-sync (mariadb-server)': mariadbSemiSync,
  'Galera (mariadb-server, galera-4, rsync)': galera,
};

export const pairCell: Cell = {
  about: `a pair, both nodes here: 100 hosts x 24 h, batches of ${BATCH_ROWS}, ${CONNECTIONS} connections`,
  isInQuick: true,
  run: async ({ isQuick, repetitions }) => {
    const made = Object.entries(PEERS).map(([name, make]) => ({
      name,
      subject: isQuick ? null : make(),
    }));
    const subjects = [
      own,
      ...made.map(({ subject }) => subject).filter((subject) => subject !== null),
    ];
    const workload = own.render(SHAPES.s100, BATCH_ROWS, isQuick ? QUICK_ROWS : Infinity, DATABASE);
    const warmRows = isQuick ? BATCH_ROWS : Infinity;
    // Requests do not name the database.
    const warm = own.render(SHAPES.s100, BATCH_ROWS, warmRows, DATABASE);
    const warmUps = WARM_DATABASES.map((database) => ({ database, workload: warm }));
    const file = requestFile(workload);
    const results = new Map<Subject, Repetition[]>();
    for (let repetition = 0; repetition < repetitions; repetition++) {
      for (const subject of subjects) {
        const settles = !isQuick && (subject === own || repetition === repetitions - 1);
        const result = await measure({
          subject,
          workload,
          file,
          warmUps,
          connections: CONNECTIONS,
          settles,
        });
        console.log(
          `  ${subject.name}: ${figure(result.load.rowsPerSecond / 1000)} thousand rows/s`,
        );
        results.set(subject, [...(results.get(subject) ?? []), result]);
      }
    }
    file?.remove();
    const list = results.get(own)!;
    const of = (read: (result: Repetition) => number): number => median(list.map(read));
    const ratioTo = (word: string): number | null => {
      for (const [subject, each] of results) {
        if (subject.name.includes(word)) return rate(list) / rate(each);
      }
      return null;
    };
    return {
      notes: [
        'The receiver applies while rows arrive; what it does after the last acknowledgement is in "idle again".',
        ...made.flatMap(({ name, subject }) =>
          subject === null ? [`Not measured here: ${name}.`] : [],
        ),
        ...senderNotes(),
      ],
      table: {
        columns: COLUMNS,
        rows: [...results].map(([subject, each]) => row(subject, each, list)),
      },
      goals: [
        atLeast('at least 4x the MariaDB semi-sync pair', ratioTo('semi-sync'), 4, 'x'),
        atLeast('at least 4x the Galera pair', ratioTo('Galera'), 4, 'x'),
        atMost(
          "receiver's main thread: at most 0.35 of the sender's CPU a row",
          of(({ flushed }) => flushed!.mainMicrosPerRow[1]! / flushed!.cpuMicrosPerRow[0]!),
          0.35,
        ),
        atMost(
          "receiver in all: at most 0.65 of the sender's CPU a row",
          of(({ flushed }) => flushed!.cpuMicrosPerRow[1]! / flushed!.cpuMicrosPerRow[0]!),
          0.65,
        ),
      ],
    };
  },
};

const COLUMNS = [
  'pair',
  'thousand rows/s',
  'Twintide is',
  'p50 / p99 of a request, ms',
  'sender CPU us/row: acknowledged (main)',
  'flushed (main)',
  'idle again',
  'receiver CPU us/row: acknowledged (main)',
  'flushed (main)',
  'idle again',
  'RSS MB',
];

function rate(results: readonly Repetition[]): number {
  return median(results.map(({ load }) => load.rowsPerSecond));
}

function row(
  subject: Subject,
  results: readonly Repetition[],
  ownResults: readonly Repetition[],
): readonly string[] {
  const of = (read: (result: Repetition) => number | undefined): string => {
    const values = results.map(read).filter((value) => value !== undefined);
    return values.length === 0 ? '-' : figure(median(values));
  };
  // The main thread of another server is no measure of anything.
  const isOwn = results === ownResults;
  const cpuAt = (moment: 'acknowledged' | 'flushed', node: number): string => {
    const all = of((result) => result[moment]?.cpuMicrosPerRow[node]);
    return isOwn ? `${all} (${of((result) => result[moment]?.mainMicrosPerRow[node])})` : all;
  };
  const cpu = (node: number): readonly string[] => [
    cpuAt('acknowledged', node),
    cpuAt('flushed', node),
    of(({ idle }) => idle?.cpuMicrosPerRow[node]),
  ];
  return [
    subject.name,
    spread(
      results.map(({ load }) => load.rowsPerSecond),
      1000,
    ),
    isOwn ? '' : `${figure(rate(ownResults) / rate(results))}x`,
    `${of(({ load }) => load.p50Ms)} / ${of(({ load }) => load.p99Ms)}`,
    ...cpu(0),
    ...cpu(1),
    of(({ residentBytes }) => residentBytes.reduce((sum, bytes) => sum + bytes, 0) / 1e6),
  ];
}
