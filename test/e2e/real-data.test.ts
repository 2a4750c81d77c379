/**
 * Series that somebody measured: weather, prices and flights of the package vega-datasets, and this machine as it runs. They are written
 * on one node or the other through mysql2, and what the database says of them is held against the same computed here.
 */

import { existsSync, readFileSync } from 'node:fs';
import os from 'node:os';
import { join, resolve } from 'node:path';
import type { Connection } from 'mysql2/promise';
import { pause } from '../support/bounded-wait.js';
import { PairProcesses } from '../support/pair-processes.js';
import { cellsOf, rowsOf, run } from '../support/typed-query.js';
import { sameOnBoth } from './same-on-both.js';

jest.setTimeout(120_000);

const DATA = resolve(__dirname, '../../node_modules/vega-datasets/data');
const ROWS_PER_INSERT = 2_000;

let pair: PairProcesses;
let a: Connection;
let b: Connection;

beforeAll(async () => {
  pair = await PairProcesses.start();
  a = await pair.a.connect();
  b = await pair.b.connect();
  await run(a, 'CREATE DATABASE world');
  await run(a, 'USE world');
  await pair.waitCaughtUp();
  await run(b, 'USE world');
});
afterAll(() => pair?.stop());

/** Lines of a CSV file whose cells hold no commas, without the heading. */
function csv(name: string): string[][] {
  const lines = readFileSync(join(DATA, name), 'utf8').trim().split('\n');
  return lines.slice(1).map((line) => line.trim().split(','));
}

/** Inserts rows through mysql2's own escaping, some on each node. */
async function load(table: string, rows: readonly (readonly unknown[])[]): Promise<void> {
  for (let from = 0; from < rows.length; from += ROWS_PER_INSERT) {
    const chunk = rows.slice(from, from + ROWS_PER_INSERT);
    const client = (from / ROWS_PER_INSERT) % 2 === 0 ? a : b;
    const { affectedRows } = await run(client, `INSERT INTO ${table} VALUES ?`, [chunk]);
    expect(affectedRows).toBe(chunk.length);
  }
  await pair.waitCaughtUp();
}

interface Summary {
  count: number;
  sum: number;
  min: number;
  max: number;
}

/** Count, sum, least and greatest by group. */
function summarise<T>(
  items: readonly T[],
  groupOf: (item: T) => string,
  valueOf: (item: T) => number,
): Map<string, Summary> {
  const groups = new Map<string, Summary>();
  for (const item of items) {
    const value = valueOf(item);
    const group = groups.get(groupOf(item)) ?? { count: 0, sum: 0, min: Infinity, max: -Infinity };
    group.count += 1;
    group.sum += value;
    group.min = Math.min(group.min, value);
    group.max = Math.max(group.max, value);
    groups.set(groupOf(item), group);
  }
  return groups;
}

/** Rows of (group, COUNT, SUM, MIN, MAX, AVG), against a summary; sums of doubles may differ in their last digits. */
function expectSummary(rows: readonly unknown[][], expected: ReadonlyMap<string, Summary>): void {
  expect(rows.map(([group]) => group).sort()).toEqual([...expected.keys()].sort());
  for (const [group, ...values] of rows) {
    const { count, sum, min, max } = expected.get(String(group))!;
    const numbers = values.map(Number);
    expect([group, numbers[0], numbers[2], numbers[3]]).toEqual([group, count, min, max]);
    expect(numbers[1]).toBeCloseTo(sum, 4);
    expect(numbers[4]).toBeCloseTo(sum / count, 4);
  }
}

test('weather of two cities, day by day', async () => {
  await run(
    a,
    `CREATE TABLE weather (location VARCHAR(20), day DATETIME NOT NULL, precipitation DOUBLE, temp_max DOUBLE, temp_min DOUBLE,
      wind DOUBLE, kind VARCHAR(10), TIME INDEX (day), PRIMARY KEY (location))`,
  );
  await pair.waitCaughtUp();
  const days = csv('weather.csv');
  await load(
    'weather',
    days.map(([location, date, precipitation, max, min, wind, kind]) => [
      location,
      `${date} 00:00:00`,
      Number(precipitation),
      Number(max),
      Number(min),
      Number(wind),
      kind,
    ]),
  );
  const summary = 'COUNT(*), SUM(temp_max), MIN(temp_max), MAX(temp_max), AVG(temp_max)';
  expectSummary(
    await sameOnBoth(pair, `SELECT location, ${summary} FROM world.weather GROUP BY location`),
    summarise(
      days,
      (day) => day[0]!,
      (day) => Number(day[3]),
    ),
  );
  expectSummary(
    await sameOnBoth(pair, `SELECT kind, ${summary} FROM world.weather GROUP BY kind`),
    summarise(
      days,
      (day) => day[6]!,
      (day) => Number(day[3]),
    ),
  );
  expectSummary(
    await sameOnBoth(
      pair,
      `SELECT DATE_FORMAT(day, '%Y-%m') AS month, ${summary} FROM world.weather WHERE location = 'Seattle' AND day >= '2013-01-01' AND day < '2015-01-01' GROUP BY month`,
    ),
    summarise(
      days.filter((day) => day[0] === 'Seattle' && day[1]! >= '2013' && day[1]! < '2015'),
      (day) => day[1]!.slice(0, 7),
      (day) => Number(day[3]),
    ),
  );
  const wettest = await sameOnBoth(
    pair,
    "SELECT CAST(day AS CHAR), precipitation FROM world.weather WHERE location = 'New York' ORDER BY precipitation DESC, day LIMIT 5",
  );
  expect(wettest).toEqual(
    days
      .filter((day) => day[0] === 'New York')
      .sort((one, two) => Number(two[2]) - Number(one[2]) || one[1]!.localeCompare(two[1]!))
      .slice(0, 5)
      .map((day) => [`${day[1]} 00:00:00.000000`, Number(day[2])]),
  );
});

test('prices of five stocks, month by month', async () => {
  await run(
    b,
    'CREATE TABLE stocks (symbol VARCHAR(8), month TIMESTAMP(3) NOT NULL, price DOUBLE, TIME INDEX (month), PRIMARY KEY (symbol))',
  );
  await pair.waitCaughtUp();
  const prices = csv('stocks.csv').map(([symbol, date, price]) => ({
    symbol: symbol!,
    ms: Date.parse(`${date} UTC`),
    price: Number(price),
  }));
  await load(
    'stocks',
    prices.map(({ symbol, ms, price }) => [symbol, ms, price]),
  );
  expectSummary(
    await sameOnBoth(
      pair,
      'SELECT symbol, COUNT(*), SUM(price), MIN(price), MAX(price), AVG(price) FROM world.stocks GROUP BY symbol',
    ),
    summarise(
      prices,
      (each) => each.symbol,
      (each) => each.price,
    ),
  );
});

interface Flight {
  readonly date: string;
  readonly delay: number;
  readonly distance: number;
  readonly origin: string;
  readonly destination: string;
}

test('20,000 flights, of which some have the same identity: the later one stays', async () => {
  await run(
    a,
    `CREATE TABLE flights (origin VARCHAR(3), destination VARCHAR(3), at TIMESTAMP(3) NOT NULL, delay SMALLINT, distance INT UNSIGNED,
      TIME INDEX (at), PRIMARY KEY (origin, destination))`,
  );
  await pair.waitCaughtUp();
  const flights = JSON.parse(readFileSync(join(DATA, 'flights-20k.json'), 'utf8')) as Flight[];
  const kept = new Map<string, Flight>();
  for (const flight of flights) {
    kept.set(`${flight.origin} ${flight.destination} ${flight.date}`, flight);
  }
  const rows = flights.map((flight) => [
    flight.origin,
    flight.destination,
    `${flight.date.replaceAll('/', '-')}:00`,
    flight.delay,
    flight.distance,
  ]);
  // One node only: what is later must not depend on which node was faster.
  for (let from = 0; from < rows.length; from += ROWS_PER_INSERT) {
    await run(a, 'INSERT INTO flights VALUES ?', [rows.slice(from, from + ROWS_PER_INSERT)]);
  }
  await pair.waitCaughtUp();

  expect(await sameOnBoth(pair, 'SELECT COUNT(*) FROM world.flights')).toEqual([[kept.size]]);
  expectSummary(
    await sameOnBoth(
      pair,
      'SELECT origin, COUNT(*), SUM(delay), MIN(delay), MAX(delay), AVG(delay) FROM world.flights GROUP BY origin',
    ),
    summarise(
      [...kept.values()],
      (flight) => flight.origin,
      (flight) => flight.delay,
    ),
  );
  const long = [...kept.values()].filter(
    (flight) => flight.distance > 2_000 && flight.delay > 30 && flight.destination === 'LAX',
  );
  expect(
    await sameOnBoth(
      pair,
      "SELECT COUNT(*), COUNT(DISTINCT origin) FROM world.flights WHERE distance > 2000 AND delay > 30 AND destination = 'LAX'",
    ),
  ).toEqual([[long.length, new Set(long.map((flight) => flight.origin)).size]]);
});

interface Sample {
  readonly ms: number;
  readonly source: string;
  readonly metric: string;
  readonly value: number;
}

/** This machine now: load, memory, time of each processor; from /proc where there is one. */
function sampleMachine(ms: number): readonly Sample[] {
  const samples: Sample[] = [];
  const add = (source: string, metric: string, value: number): void => {
    samples.push({ ms, source, metric, value });
  };
  os.loadavg().forEach((value, index) => add('os', `load${[1, 5, 15][index]}`, value));
  add('os', 'free_bytes', os.freemem());
  os.cpus().forEach((cpu, index) => {
    for (const [kind, value] of Object.entries(cpu.times)) add(`cpu${index}`, kind, value);
  });
  if (existsSync('/proc/loadavg')) {
    const [load1] = readFileSync('/proc/loadavg', 'utf8').split(' ');
    add('/proc/loadavg', 'load1', Number(load1));
  }
  if (existsSync('/proc/meminfo')) {
    for (const line of readFileSync('/proc/meminfo', 'utf8').trim().split('\n')) {
      const [name, amount] = line.split(':');
      add('/proc/meminfo', name!, Number.parseInt(amount!, 10));
    }
  }
  if (existsSync('/proc/stat')) {
    for (const line of readFileSync('/proc/stat', 'utf8').trim().split('\n')) {
      const [name, first] = line.split(/\s+/);
      add('/proc/stat', name!, Number(first));
    }
  }
  return samples;
}

test('this machine, while it runs', async () => {
  await run(
    b,
    `CREATE TABLE machine (source VARCHAR(32), metric VARCHAR(64), ts TIMESTAMP(3) NOT NULL, value DOUBLE,
      TIME INDEX (ts), PRIMARY KEY (source, metric))`,
  );
  await pair.waitCaughtUp();
  const samples: Sample[] = [];
  for (let round = 0; round < 10; round += 1) {
    const taken = sampleMachine(Date.now());
    samples.push(...taken);
    const client = round % 2 === 0 ? a : b;
    if (round < 5) {
      await run(client, 'INSERT INTO machine (ts, source, metric, value) VALUES ?', [
        taken.map(({ ms, source, metric, value }) => [ms, source, metric, value]),
      ]);
    } else {
      for (const { ms, source, metric, value } of taken) {
        await client.execute(
          'INSERT INTO machine (ts, source, metric, value) VALUES (?, ?, ?, ?)',
          [ms, source, metric, value],
        );
      }
    }
    await pause(20);
  }
  await pair.waitCaughtUp();

  for (const client of [a, b]) {
    const back = await rowsOf<Sample>(
      client,
      'SELECT CAST(ROUND(UNIX_TIMESTAMP(ts) * 1000) AS SIGNED) AS ms, source, metric, value FROM machine ORDER BY source, metric, ts',
    );
    const sorted = [...samples].sort(
      (one, two) =>
        compare(one.source, two.source) || compare(one.metric, two.metric) || one.ms - two.ms,
    );
    expect(back).toEqual(
      sorted.map(({ ms, source, metric, value }) => ({ ms, source, metric, value })),
    );
  }
  expectSummary(
    await cellsOf(
      b,
      "SELECT metric, COUNT(*), SUM(value), MIN(value), MAX(value), AVG(value) FROM machine WHERE source = 'cpu0' GROUP BY metric",
    ),
    summarise(
      samples.filter((sample) => sample.source === 'cpu0'),
      (sample) => sample.metric,
      (sample) => sample.value,
    ),
  );
});

/** By bytes, as utf8mb4_bin sorts. */
function compare(one: string, two: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(two));
}
