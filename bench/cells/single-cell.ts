/**
 * Single-row inserts, each durable before it is answered: one connection for the time of one, 32 for the rate. Beside MariaDB, and beside
 * what the machine needs for a synced write and a round trip.
 */

import { SHAPES } from '../cpu-workload.js';
import { galera, mariadb, mariadbSemiSync } from '../peers/mariadb.js';
import {
  durableTripLatency,
  roundTripLatency,
  syncedWriteLatency,
  type Latency,
} from '../raw-limits.js';
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
import { DATABASE, measure, WARM_DATABASE, type Repetition } from './repetition.js';

const ONE = 1;
const MANY = 32;
/** Warm before it is measured, each with its own number of connections: what is asked is how fast it is, not how soon. */
const ROWS = { one: 20_000, many: 80_000, warm: 20_000, quick: 300 };

interface Measured {
  readonly one: readonly Repetition[];
  readonly many: readonly Repetition[];
}

type Makers = readonly (() => Subject | null)[];

/** `atEach` runs before each repetition. */
async function measureAll(
  makers: Makers,
  { isQuick, repetitions }: CellOptions,
  atEach: () => Promise<void> = async () => undefined,
): Promise<ReadonlyMap<Subject, Measured>> {
  const subjects = makers.map((make) => make()).filter((subject) => subject !== null);
  const render = (rows: number, database: string) =>
    subjects[0]!.render(SHAPES.s100, 1, isQuick ? ROWS.quick : rows, database);
  const workloads = { one: render(ROWS.one, DATABASE), many: render(ROWS.many, DATABASE) };
  const warmUp = render(ROWS.warm, WARM_DATABASE);
  const results = new Map<Subject, { one: Repetition[]; many: Repetition[] }>(
    subjects.map((subject) => [subject, { one: [], many: [] }]),
  );
  for (let repetition = 0; repetition < repetitions; repetition++) {
    await atEach();
    for (const [subject, lists] of results) {
      for (const [size, connections] of [
        ['one', ONE],
        ['many', MANY],
      ] as const) {
        const result = await measure({
          subject,
          workload: workloads[size],
          warmUps: [{ database: WARM_DATABASE, workload: warmUp }],
          warmConnections: connections,
          connections,
          settles: false,
        });
        lists[size].push(result);
        console.log(
          `  ${subject.name}, ${connections} connection(s): ${figure(result.load.rowsPerSecond)} rows/s, p50 ${figure(result.load.p50Ms)} ms`,
        );
      }
    }
  }
  return results;
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

function rows(results: ReadonlyMap<Subject, Measured>): readonly (readonly string[])[] {
  const [[, own]] = [...results] as [[Subject, Measured]];
  return [...results].map(([subject, { one, many }]) => {
    const of = (list: readonly Repetition[], read: (result: Repetition) => number): string =>
      figure(median(list.map(read)));
    const cpu = ({ acknowledged }: Repetition): number =>
      acknowledged.cpuMicrosPerRow.reduce((sum, each) => sum + each, 0);
    return [
      subject.name,
      spread(
        one.map(({ load }) => load.p50Ms),
        1,
      ),
      of(one, ({ load }) => load.p99Ms),
      of(one, ({ load }) => load.rowsPerSecond),
      of(one, cpu),
      spread(
        many.map(({ load }) => load.rowsPerSecond),
        1,
      ),
      own.many === many ? '' : `${figure(rate(own.many) / rate(many))}x`,
      `${of(many, ({ load }) => load.p50Ms)} / ${of(many, ({ load }) => load.p99Ms)}`,
      of(many, cpu),
    ];
  });
}

/** What the machine itself takes, a figure a repetition: its disk and its processors are quick at one time and slow at another. */
class MachineTimes {
  readonly #writes: Latency[] = [];
  readonly #trips: Latency[] = [];
  readonly #durableTrips: Latency[] = [];

  async measure(): Promise<void> {
    this.#writes.push(syncedWriteLatency());
    this.#trips.push(await roundTripLatency());
    this.#durableTrips.push(await durableTripLatency());
  }

  /** A synced write and a round trip, each measured by itself. */
  get p50Ms(): number {
    return this.#p50(this.#writes) + this.#p50(this.#trips);
  }

  get note(): string {
    const texts = [this.#writes, this.#trips, this.#durableTrips].map(
      (list) =>
        `p50 ${spread(
          list.map(({ p50Ms }) => p50Ms),
          1,
        )} / p99 ${figure(median(list.map(({ p99Ms }) => p99Ms)))} ms`,
    );
    return `The machine, before each repetition: synced overwrite of 4 KiB ${texts[0]!}; loopback round trip between two event loops ${texts[1]!}; together p50 ${figure(this.p50Ms)} ms. Both in one, by a server that does nothing else: ${texts[2]!}.`;
  }

  #p50(list: readonly Latency[]): number {
    return median(list.map(({ p50Ms }) => p50Ms));
  }
}

function rate(results: readonly Repetition[]): number {
  return median(results.map(({ load }) => load.rowsPerSecond));
}

function p50(results: readonly Repetition[]): number {
  return median(results.map(({ load }) => load.p50Ms));
}

export const singleCell: Cell = {
  about: 'INSERTs of one row, each durable before the answer, one node',
  isInQuick: true,
  run: async (options) => {
    const own = twintide('Twintide, every record synced');
    const machine = new MachineTimes();
    const results = await measureAll(
      options.isQuick ? [() => own] : [() => own, mariadb],
      options,
      () => machine.measure(),
    );
    const ownOne = results.get(own)!.one;
    const ownMany = results.get(own)!.many;
    const peer = [...results.keys()].find((subject) => subject !== own);
    const peerResults = peer === undefined ? null : results.get(peer)!;
    const goals: Goal[] = [
      atMost(
        "p50 at 1 connection: at most MariaDB's",
        peerResults && p50(ownOne) / p50(peerResults.one),
        1,
        'x',
      ),
      atMost(
        "p50 at 1 connection: at most 1.5x the machine's synced write and round trip",
        p50(ownOne) / machine.p50Ms,
        1.5,
        'x',
      ),
      atLeast(
        "rate at 32 connections: at least 1.3x MariaDB's",
        peerResults && rate(ownMany) / rate(peerResults.many),
        1.3,
        'x',
      ),
    ];
    return {
      notes: [
        machine.note,
        `Load generator at 32 connections: ${figure(100 * median(ownMany.map(({ load }) => load.generatorCpuShare)))}% of a core.`,
        ...(peer === undefined ? ['Not measured here: MariaDB.'] : []),
      ],
      table: { columns: COLUMNS, rows: rows(results) },
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
    const results = await measureAll(
      [
        pairOf('Twintide pair, rpo_bytes 64 MiB', '"64MiB"'),
        pairOf('Twintide pair, rpo_bytes 0 (on both disks)', '0'),
        mariadbSemiSync,
        galera,
      ],
      options,
    );
    return {
      notes: ['"Twintide is" compares with the pair of 64 MiB.'],
      table: { columns: COLUMNS, rows: rows(results) },
      goals: [],
    };
  },
};
