/** Bytes a row of data that somebody measured: weather, prices and flights of the package vega-datasets, after flush and after compaction. */

import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createConnection } from 'mysql2/promise';
import {
  classicLevelStore,
  inspectStore,
  systemTimers,
  type TableInspection,
} from '../../storage/index.js';
import { runStatements } from '../mysql-admin.js';
import { TwintideServers } from '../twintide-servers.js';
import { compactTable } from '../twintide-subject.js';
import { figure, type Cell } from './cell.js';

/** dist/bench/cells, from where the project's packages are three folders up. */
const DATA = resolve(import.meta.dirname, '../../../node_modules/vega-datasets/data');
const ROWS_PER_INSERT = 1000;
const QUICK_ROWS = 1000;

type Value = string | number | null;

interface DataSet {
  readonly name: string;
  readonly columns: string;
  /** In the order of the columns. */
  readonly rows: () => readonly (readonly Value[])[];
}

const DATA_SETS: readonly DataSet[] = [
  {
    name: 'weather',
    columns: `location VARCHAR(20), day DATETIME NOT NULL, precipitation DOUBLE, temp_max DOUBLE, temp_min DOUBLE, wind DOUBLE, kind VARCHAR(20), TIME INDEX (day), PRIMARY KEY (location)`,
    rows: () =>
      csv('weather.csv').map(([location, day, rain, high, low, wind, kind]) => [
        location!,
        day!,
        Number(rain),
        Number(high),
        Number(low),
        Number(wind),
        kind!,
      ]),
  },
  {
    name: 'stocks',
    columns: `symbol VARCHAR(8), month DATETIME NOT NULL, price DOUBLE, TIME INDEX (month), PRIMARY KEY (symbol)`,
    rows: () =>
      csv('stocks.csv').map(([symbol, date, price]) => [
        symbol!,
        instant(Date.parse(`${date} UTC`)),
        Number(price),
      ]),
  },
  {
    name: 'flights_20k',
    columns: `origin VARCHAR(3), destination VARCHAR(3), at TIMESTAMP(3) NOT NULL, delay INT, distance INT, TIME INDEX (at), PRIMARY KEY (origin, destination)`,
    rows: () =>
      json<{ date: string; delay: number; distance: number; origin: string; destination: string }>(
        'flights-20k.json',
      ).map(({ date, delay, distance, origin, destination }) => [
        origin,
        destination,
        date.replaceAll('/', '-'),
        delay,
        distance,
      ]),
  },
  {
    // Without tags and to the minute, as the file has it: flights of one minute get milliseconds in the order of the file.
    name: 'flights_200k',
    columns: `at TIMESTAMP(3) NOT NULL, delay INT, distance INT, TIME INDEX (at)`,
    rows: () => {
      const seen = new Map<number, number>();
      return json<{ delay: number; distance: number; time: number }>('flights-200k.json').map(
        ({ delay, distance, time }) => {
          const earlier = seen.get(time) ?? 0;
          seen.set(time, earlier + 1);
          const ms = Date.UTC(2001, 0, 1) + Math.round(time * 60) * 60_000 + earlier;
          return [instant(ms), delay, distance];
        },
      );
    },
  },
];

function csv(file: string): string[][] {
  const [, ...lines] = readFileSync(join(DATA, file), 'utf8').trim().split(/\r?\n/);
  return lines.map((line) => line.split(','));
}

function json<T>(file: string): readonly T[] {
  return JSON.parse(readFileSync(join(DATA, file), 'utf8')) as T[];
}

function instant(ms: number): string {
  return new Date(ms).toISOString().slice(0, 23).replace('T', ' ');
}

interface Sizes {
  readonly rows: number;
  readonly bytes: number;
  readonly codecs: string;
}

/** By name of the table, of a node that is stopped. */
async function sizesOf(servers: TwintideServers): Promise<ReadonlyMap<string, Sizes>> {
  const kv = await classicLevelStore(join(servers.dataFolder(0), 'store'));
  try {
    const timers = systemTimers({ keepsProcessAlive: true });
    const { tables } = await inspectStore({ kv, timers }, { everyBlock: true });
    // Tables were made in the order of the list, and their ids ascend.
    return new Map(tables.map((table, index) => [DATA_SETS[index]!.name, sizes(table)]));
  } finally {
    await kv.close();
  }
}

const CODECS_SHOWN = 4;

function sizes({ partitions, seriesBytes, codecs }: TableInspection): Sizes {
  const largest = [...codecs].sort(([, a], [, b]) => b.bytes - a.bytes).slice(0, CODECS_SHOWN);
  return {
    rows: partitions.reduce((sum, partition) => sum + partition.rows, 0),
    bytes: seriesBytes + partitions.reduce((sum, partition) => sum + partition.sizeBytes, 0),
    codecs: largest.map(([name, { bytes }]) => `${name} ${figure(bytes / 1000)} kB`).join(', '),
  };
}

export const sizesCell: Cell = {
  about: 'weather of two cities, prices of five stocks, flights: stored bytes a row',
  isInQuick: false,
  run: async ({ isQuick }) => {
    const servers = await TwintideServers.standalone();
    try {
      const texts = new Map<string, number>();
      for (const dataSet of DATA_SETS)
        texts.set(dataSet.name, await fill(servers, dataSet, isQuick));
      await runStatements(servers.ports[0]!, [`ADMIN flush_table('sizes.${DATA_SETS[0]!.name}')`]);
      await servers.halt();
      const flushed = await sizesOf(servers);
      await servers.start();
      for (const { name } of DATA_SETS) await compactTable(servers.ports[0]!, `sizes.${name}`);
      await servers.halt();
      const compacted = await sizesOf(servers);
      return {
        notes: [
          'Text is what the INSERT statements held. Bytes are of blocks and the dictionary of series, as `twintide inspect` counts them.',
        ],
        table: {
          columns: [
            'data',
            'rows',
            'bytes of text a row',
            'bytes a row: flushed',
            'compacted',
            'where they are, compacted',
          ],
          rows: DATA_SETS.map(({ name }) => {
            const [before, after] = [flushed.get(name)!, compacted.get(name)!];
            return [
              name.replace('_', ', '),
              before.rows.toLocaleString('en-US'),
              figure(texts.get(name)! / before.rows),
              figure(before.bytes / before.rows),
              figure(after.bytes / after.rows),
              after.codecs,
            ];
          }),
        },
        goals: [],
      };
    } finally {
      await servers.stop();
    }
  },
};

/** Returns the bytes of text that were sent. */
async function fill(
  servers: TwintideServers,
  { name, columns, rows }: DataSet,
  isQuick: boolean,
): Promise<number> {
  await runStatements(servers.ports[0]!, [
    'CREATE DATABASE IF NOT EXISTS sizes',
    'USE sizes',
    `CREATE TABLE ${name} (${columns})`,
  ]);
  const connection = await createConnection({
    host: '127.0.0.1',
    port: servers.ports[0]!,
    user: 'root',
    database: 'sizes',
  });
  try {
    const all = rows().slice(0, isQuick ? QUICK_ROWS : undefined);
    let textBytes = 0;
    for (let from = 0; from < all.length; from += ROWS_PER_INSERT) {
      const text = connection.format(`INSERT INTO ${name} VALUES ?`, [
        all.slice(from, from + ROWS_PER_INSERT),
      ]);
      textBytes += text.length;
      await connection.query(text);
    }
    return textBytes;
  } finally {
    connection.destroy();
  }
}
