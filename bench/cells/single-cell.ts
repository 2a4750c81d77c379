/**
 * Single-row inserts, each durable before it is answered: one connection for the time of one, 32 for the rate. Beside MariaDB, and beside
 * what the machine needs for a synced write and a round trip.
 */

import { SHAPES } from '../cpu-workload.js';
import {
  durableTripProbe,
  roundTripProbe,
  syncedWriteProbe,
  type MachineProbe,
} from '../machine-probe.js';
import { galera, mariadb, mariadbSemiSync } from '../peers/mariadb.js';
import type { Subject } from '../subject.js';
import { twintide } from '../twintide-subject.js';
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
import { measureTurns, type LoneSubjectTimes, type LoneTimes } from './lone-client.js';
import { DATABASE, measure, WARM_DATABASES, type Repetition } from './repetition.js';

const MANY = 32;
/**
 * Warm before it is measured, three times as bulk loads are, each with its own number of connections: what is asked is how fast it is, not
 * how soon. A server's second table makes compilers begin anew, and its third does not.
 */
const ROWS = { one: 20_000, many: 80_000, warm: 10_000, quick: 300 };

/** A figure a repetition. */
interface SubjectResults {
  readonly one: readonly LoneSubjectTimes[];
  readonly many: readonly Repetition[];
}

interface Results<Probe extends string> {
  readonly subjects: ReadonlyMap<Subject, SubjectResults>;
  readonly probes: readonly Readonly<Record<Probe, LoneTimes>>[];
  readonly stolenShares: readonly number[];
}

type Makers = readonly (() => Subject | null)[];

async function measureAll<Probe extends string>(
  makers: Makers,
  probes: Readonly<Record<Probe, MachineProbe>>,
  { isQuick, repetitions }: CellOptions,
): Promise<Results<Probe>> {
  const subjects = makers.map((make) => make()).filter((subject) => subject !== null);
  const render = (rows: number, database: string) =>
    subjects[0]!.render(SHAPES.s100, 1, isQuick ? ROWS.quick : rows, database);
  const workloads = { one: render(ROWS.one, DATABASE), many: render(ROWS.many, DATABASE) };
  const warmUps = WARM_DATABASES.map((database) => ({
    database,
    workload: render(ROWS.warm, database),
  }));
  const results = new Map(
    subjects.map((subject) => [
      subject,
      { one: [] as LoneSubjectTimes[], many: [] as Repetition[] },
    ]),
  );
  const probed: Readonly<Record<Probe, LoneTimes>>[] = [];
  const stolenShares: number[] = [];
  for (let repetition = 0; repetition < repetitions; repetition++) {
    const lone = await measureTurns({ subjects, workload: workloads.one, warmUps, probes });
    probed.push(lone.probes);
    stolenShares.push(lone.stolenShare);
    for (const [i, subject] of subjects.entries()) {
      const times = lone.subjects[i]!;
      results.get(subject)!.one.push(times);
      tell(subject, 1, times.requestsPerSecond, times.p50Ms);
    }
    for (const subject of subjects) {
      const many = await measure({
        subject,
        workload: workloads.many,
        warmUps,
        connections: MANY,
        settles: false,
      });
      results.get(subject)!.many.push(many);
      tell(subject, MANY, many.load.rowsPerSecond, many.load.p50Ms);
    }
  }
  return { subjects: results, probes: probed, stolenShares };
}

function tell({ name }: Subject, connections: number, rowsPerSecond: number, p50Ms: number): void {
  console.log(
    `  ${name}, ${connections} connection(s): ${figure(rowsPerSecond)} rows/s, p50 ${figure(p50Ms)} ms`,
  );
}

const COLUMNS = [
  'server',
  '1 connection: p50 ms',
  'p99 ms',
  'rows/s',
  'CPU us/row',
  '32 connections: rows/s',
  'Twintide is',
  'p50 / p99 ms',
  'CPU us/row',
];

function rows(results: ReadonlyMap<Subject, SubjectResults>): readonly (readonly string[])[] {
  const [[, own]] = [...results] as [[Subject, SubjectResults]];
  const of = <T>(list: readonly T[], read: (result: T) => number): string =>
    figure(median(list.map(read)));
  return [...results].map(([subject, { one, many }]) => [
    subject.name,
    p50s(one),
    of(one, ({ p99Ms }) => p99Ms),
    of(one, ({ requestsPerSecond }) => requestsPerSecond),
    of(one, ({ cpuMicros }) => cpuMicros),
    spread(
      many.map(({ load }) => load.rowsPerSecond),
      1,
    ),
    own.many === many ? '' : `${figure(rate(own.many) / rate(many))}x`,
    `${of(many, ({ load }) => load.p50Ms)} / ${of(many, ({ load }) => load.p99Ms)}`,
    of(many, ({ acknowledged }) =>
      acknowledged.cpuMicrosPerRow.reduce((sum, each) => sum + each, 0),
    ),
  ]);
}

function p50s(list: readonly LoneTimes[]): string {
  return spread(
    list.map(({ p50Ms }) => p50Ms),
    1,
  );
}

function medianP50(list: readonly LoneTimes[]): number {
  return median(list.map(({ p50Ms }) => p50Ms));
}

function rate(results: readonly Repetition[]): number {
  return median(results.map(({ load }) => load.rowsPerSecond));
}

export const singleCell: Cell = {
  about: 'INSERTs of one row, each durable before the answer, one node',
  isInQuick: true,
  run: async (options) => {
    const own = twintide('Twintide, every record synced');
    const probes = {
      write: syncedWriteProbe(),
      trip: await roundTripProbe(),
      durableTrip: await durableTripProbe(),
    };
    const {
      subjects,
      probes: machine,
      stolenShares,
    } = await measureAll(options.isQuick ? [() => own] : [() => own, mariadb], probes, options);
    for (const probe of Object.values(probes)) await probe.close();
    const [ownResults, peerResults] = [...subjects.values()] as [SubjectResults, SubjectResults?];
    const [writes, trips, durableTrips] = (['write', 'trip', 'durableTrip'] as const).map((name) =>
      machine.map((probed) => probed[name]),
    ) as [LoneTimes[], LoneTimes[], LoneTimes[]];
    const machineMs = medianP50(writes) + medianP50(trips);
    const ofMachine = (list: readonly LoneTimes[]): string => figure(medianP50(list) / machineMs);
    const goals: Goal[] = [
      atMost(
        "p50 at 1 connection: at most MariaDB's",
        peerResults ? medianP50(ownResults.one) / medianP50(peerResults.one) : null,
        1,
        'x',
      ),
      atMost(
        "p50 at 1 connection: at most 1.5x the machine's synced write and round trip",
        medianP50(ownResults.one) / machineMs,
        1.5,
        'x',
      ),
      atLeast(
        "rate at 32 connections: at least 1.3x MariaDB's",
        peerResults ? rate(ownResults.many) / rate(peerResults.many) : null,
        1.3,
        'x',
      ),
    ];
    return {
      notes: [
        `At 1 connection all take turns of 1,000 requests. The machine, in turns of its own: synced overwrite of 4 KiB p50 ${p50s(writes)} ms; loopback round trip between two event loops p50 ${p50s(trips)} ms; together p50 ${figure(machineMs)} ms. Both in one, by a server that does nothing else: p50 ${p50s(durableTrips)} ms, ${ofMachine(durableTrips)}x of that${peerResults === undefined ? '' : `; MariaDB is at ${ofMachine(peerResults.one)}x`}. A host kept ${figure(100 * median(stolenShares))}% of the processors' time meanwhile.`,
        `Load generator at 32 connections: ${figure(100 * median(ownResults.many.map(({ load }) => load.generatorCpuShare)))}% of a core.`,
        ...(peerResults === undefined ? ['Not measured here: MariaDB.'] : []),
      ],
      table: { columns: COLUMNS, rows: rows(subjects) },
      goals,
    };
  },
};

/** What a confirmation by the second node costs. CPU is that of both nodes. */
export const singlePairCell: Cell = {
  about: 'INSERTs of one row on a pair, both nodes here',
  isInQuick: false,
  run: async (options) => {
    const pairOf = (name: string, rpo: string) => (): Subject =>
      twintide(name, { isPair: true, replication: `rpo_bytes = ${rpo}` });
    const { subjects } = await measureAll(
      [
        pairOf('Twintide pair, rpo_bytes 64 MiB', '"64MiB"'),
        pairOf('Twintide pair, rpo_bytes 0 (on both disks)', '0'),
        mariadbSemiSync,
        galera,
      ],
      {},
      options,
    );
    return {
      notes: ['"Twintide is" compares with the pair of 64 MiB.'],
      table: { columns: COLUMNS, rows: rows(subjects) },
      goals: [],
    };
  },
};
