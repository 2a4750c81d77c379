/**
 * What the demo stores: series that somebody measured, from the package vega-datasets, which `npm ci` installs with the other
 * development dependencies. Where it is missing, this machine is measured instead.
 */
import { existsSync, readFileSync } from 'node:fs';
import { cpus, freemem, loadavg } from 'node:os';
import { join } from 'node:path';

export interface DemoSeries {
  readonly table: string;
  /** For people: "weather of Seattle and New York, daily". */
  readonly title: string;
  /** Of the whole table. */
  readonly create: string;
  readonly rows: readonly (readonly (string | number)[])[];
  /** In which SELECT * is the same on both nodes. */
  readonly order: string;
}

export interface DemoData {
  /** Where the rows come from, for people. */
  readonly source: string;
  readonly series: readonly DemoSeries[];
  /** What both nodes are asked, and shall answer alike. */
  readonly question: string;
}

/** The rows of a CSV file whose cells hold no commas, without the heading. */
function csv(path: string): string[][] {
  const [, ...lines] = readFileSync(path, 'utf8').trim().split(/\r?\n/);
  return lines.map((line) => line.split(','));
}

interface Flight {
  readonly date: string;
  readonly delay: number;
  readonly distance: number;
  readonly origin: string;
  readonly destination: string;
}

function weather(folder: string): DemoSeries {
  return {
    table: 'weather',
    title: 'weather of two cities, daily',
    create: `CREATE TABLE weather (
      city VARCHAR(20), day DATETIME NOT NULL, rain DOUBLE, warmest DOUBLE, coldest DOUBLE, wind DOUBLE, sky VARCHAR(10),
      TIME INDEX (day), PRIMARY KEY (city))`,
    rows: csv(join(folder, 'weather.csv')).map(([city, day, rain, warmest, coldest, wind, sky]) => [
      city!,
      `${day!} 00:00:00`,
      Number(rain),
      Number(warmest),
      Number(coldest),
      Number(wind),
      sky!,
    ]),
    order: 'city, day',
  };
}

function normals(folder: string): DemoSeries {
  return {
    table: 'normals',
    title: 'a normal year in Seattle, hourly',
    create: `CREATE TABLE normals (
      hour DATETIME NOT NULL, pressure DOUBLE, temperature DOUBLE, wind DOUBLE, TIME INDEX (hour))`,
    rows: csv(join(folder, 'seattle-weather-hourly-normals.csv')).map(([hour, ...values]) => [
      hour!.replace('T', ' '),
      ...values.map(Number),
    ]),
    order: 'hour',
  };
}

function shares(folder: string): DemoSeries {
  return {
    table: 'sp500',
    title: 'S&P 500 since 2000, daily',
    create: `CREATE TABLE sp500 (
      day DATETIME NOT NULL, opening DOUBLE, high DOUBLE, low DOUBLE, closing DOUBLE, volume BIGINT UNSIGNED, TIME INDEX (day))`,
    rows: csv(join(folder, 'sp500-2000.csv')).map(
      ([day, opening, high, low, closing, _adjusted, volume]) => [
        `${day!} 00:00:00`,
        ...[opening, high, low, closing, volume].map(Number),
      ],
    ),
    order: 'day',
  };
}

function flights(folder: string): DemoSeries {
  const list = JSON.parse(readFileSync(join(folder, 'flights-20k.json'), 'utf8')) as Flight[];
  return {
    table: 'flights',
    title: '20,000 flights in the US',
    // Two flights of the same minute between the same airports are two flights.
    create: `CREATE TABLE flights (
      origin CHAR(3), destination CHAR(3), departure TIMESTAMP(0) NOT NULL, delay SMALLINT, distance INT UNSIGNED,
      TIME INDEX (departure), PRIMARY KEY (origin, destination)) WITH (append_mode = 'true')`,
    rows: list.map(({ origin, destination, date, delay, distance }) => [
      origin,
      destination,
      `${date.replaceAll('/', '-')}:00`,
      delay,
      distance,
    ]),
    order: 'origin, destination, departure, delay, distance',
  };
}

/** What this machine says of itself now. */
export function measureMachine(): Readonly<Record<string, number>> {
  const times = { user: 0, sys: 0, idle: 0 };
  for (const cpu of cpus()) {
    times.user += cpu.times.user;
    times.sys += cpu.times.sys;
    times.idle += cpu.times.idle;
  }
  const [load] = loadavg();
  return {
    load: load ?? 0,
    free_mib: Math.round(freemem() / 1_048_576),
    cpu_user_ms: times.user,
    cpu_sys_ms: times.sys,
    cpu_idle_ms: times.idle,
    ...procMemory(),
  };
}

/** The lines of /proc/meminfo, where there is one. */
function procMemory(): Record<string, number> {
  const path = '/proc/meminfo';
  if (!existsSync(path)) return {};
  const found: Record<string, number> = {};
  for (const line of readFileSync(path, 'utf8').trim().split('\n')) {
    const [name, amount] = line.split(':');
    found[name!] = Number.parseInt(amount!, 10);
  }
  return found;
}

const MACHINE_ROUNDS = 200;

function machine(): DemoSeries {
  const rows: (string | number)[][] = [];
  const startMs = Date.now() - MACHINE_ROUNDS;
  for (let round = 0; round < MACHINE_ROUNDS; round += 1) {
    for (const [metric, value] of Object.entries(measureMachine())) {
      rows.push([metric, startMs + round, value]);
    }
  }
  return {
    table: 'machine',
    title: 'this machine',
    create:
      'CREATE TABLE machine (metric VARCHAR(64), ts TIMESTAMP(3) NOT NULL, value DOUBLE, TIME INDEX (ts), PRIMARY KEY (metric))',
    rows,
    order: 'metric, ts',
  };
}

/**
 * @param project the folder that has node_modules
 * @param isShort one series only
 */
export function loadDemoData(project: string, isShort: boolean): DemoData {
  const folder = join(project, 'node_modules', 'vega-datasets', 'data');
  if (!existsSync(folder)) {
    return {
      source: `this machine, ${MACHINE_ROUNDS} times (the package vega-datasets is not installed)`,
      series: [machine()],
      question: `SELECT metric, COUNT(*) AS readings, MIN(value) AS least, MAX(value) AS greatest
        FROM machine GROUP BY metric ORDER BY metric LIMIT 8`,
    };
  }
  return {
    source: 'series of the package vega-datasets',
    series: isShort
      ? [weather(folder)]
      : [weather(folder), normals(folder), shares(folder), flights(folder)],
    question: `SELECT city, YEAR(day) AS year, COUNT(*) AS days, ROUND(AVG(warmest), 1) AS avg_high, MAX(warmest) AS high,
        ROUND(SUM(rain)) AS rain_mm
      FROM weather GROUP BY city, year ORDER BY city, year`,
  };
}
