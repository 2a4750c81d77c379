/**
 * Tables for the codec benchmark, as a flush or a compaction would hand them to the block encoder: sorted by (series, time), with versions
 * as batches of 5,000 rows from four connections get them. The cpu shapes of `cpu-workload.ts`, and the weather, stocks and
 * flights of vega-datasets.
 */

import { readFileSync } from 'node:fs';
import { Page } from '../storage/page.js';
import { VECTOR_ROWS_MAX, type Vector } from '../storage/vector.js';
import { type CpuShape, SeededNumbers } from './cpu-workload.js';

export interface CodecTable {
  readonly name: string;
  readonly rows: number;
  readonly timeDigits: number;
  /** Names of the pages' columns, the time first. */
  readonly columns: readonly string[];
  readonly pages: readonly Page[];
  /** Bytes of the tag tuples, as the series dictionary holds them. */
  readonly seriesBytes: number;
}

/** A table in order of arrival; `sorted` makes pages of it. */
interface RawTable {
  readonly name: string;
  readonly timeDigits: number;
  readonly series: Uint32Array;
  /** In 10^-timeDigits seconds. */
  readonly times: Float64Array;
  readonly numbers: Readonly<Record<string, Float64Array>>;
  readonly texts: Readonly<Record<string, readonly string[]>>;
  readonly seriesBytes: number;
}

const BATCH_ROWS = 5000;
const CONNECTIONS = 4;
const START_S = Date.UTC(2026, 0, 1) / 1000;
const INTERVAL_S = 10;
const METRICS = 10;
/** About what the ten tags of a host take. */
const HOST_TAG_BYTES = 80;

/** `rowsMax` = what one generation holds; Infinity = after compaction. */
export function cpuTable(name: string, shape: CpuShape, rowsMax = Infinity): CodecTable {
  const numbers = new SeededNumbers(20260101);
  const instants = Math.floor(Math.min((shape.hours * 3600) / INTERVAL_S, rowsMax / shape.hosts));
  const rows = instants * shape.hosts;
  const series = new Uint32Array(rows);
  const times = new Float64Array(rows);
  const metrics = Array.from({ length: METRICS }, () => new Float64Array(rows));
  const usage = new Uint8Array(shape.hosts * METRICS);
  for (let i = 0; i < usage.length; i++) usage[i] = numbers.below(101);
  for (let row = 0; row < rows; row++) {
    const host = row % shape.hosts;
    series[row] = host;
    times[row] = START_S + Math.floor(row / shape.hosts) * INTERVAL_S;
    for (let metric = 0; metric < METRICS; metric++) {
      const at = host * METRICS + metric;
      usage[at] = Math.min(100, Math.max(0, usage[at]! + numbers.below(3) - 1));
      metrics[metric]![row] = usage[at]!;
    }
  }
  return sorted({
    name,
    timeDigits: 0,
    series,
    times,
    numbers: Object.fromEntries(metrics.map((values, index) => [`usage_${index}`, values])),
    texts: {},
    seriesBytes: shape.hosts * HOST_TAG_BYTES,
  });
}

interface Flight {
  readonly date: string;
  readonly delay: number;
  readonly distance: number;
  readonly origin: string;
  readonly destination: string;
}

/** Daily weather of two cities, monthly prices of five stocks, an index day by day, 20,000 flights by origin. */
export function vegaTables(): CodecTable[] {
  const folder = new URL('../data/', import.meta.resolve('vega-datasets'));
  const csv = (file: string): string[][] =>
    readFileSync(new URL(file, folder), 'utf8')
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.split(','));
  const weather = csv('weather.csv');
  const stocks = csv('stocks.csv');
  const sp500 = csv('sp500-2000.csv');
  const flights = JSON.parse(
    readFileSync(new URL('flights-20k.json', folder), 'utf8'),
  ) as readonly Flight[];
  return [
    table(
      'weather',
      0,
      weather.map((row) => row[0]!),
      weather.map((row) => row[1]!),
      {
        precipitation: weather.map((row) => Number(row[2])),
        temp_max: weather.map((row) => Number(row[3])),
        temp_min: weather.map((row) => Number(row[4])),
        wind: weather.map((row) => Number(row[5])),
      },
      { weather: weather.map((row) => row[6]!) },
    ),
    table(
      'stocks',
      0,
      stocks.map((row) => row[0]!),
      stocks.map((row) => `${row[1]} UTC`),
      {
        price: stocks.map((row) => Number(row[2])),
      },
      {},
    ),
    table(
      'sp500',
      0,
      sp500.map(() => 'sp500'),
      sp500.map((row) => row[0]!),
      {
        open: sp500.map((row) => Number(row[1])),
        high: sp500.map((row) => Number(row[2])),
        low: sp500.map((row) => Number(row[3])),
        close: sp500.map((row) => Number(row[4])),
        volume: sp500.map((row) => Number(row[6])),
      },
      {},
    ),
    table(
      'flights',
      0,
      flights.map((flight) => flight.origin),
      flights.map((flight) => `${flight.date} UTC`),
      {
        delay: flights.map((flight) => flight.delay),
        distance: flights.map((flight) => flight.distance),
      },
      { destination: flights.map((flight) => flight.destination) },
    ),
  ];
}

function table(
  name: string,
  timeDigits: number,
  keys: readonly string[],
  dates: readonly string[],
  numbers: Readonly<Record<string, readonly number[]>>,
  texts: Readonly<Record<string, readonly string[]>>,
): CodecTable {
  const ids = new Map<string, number>();
  const series = Uint32Array.from(keys, (key) => {
    if (!ids.has(key)) ids.set(key, ids.size);
    return ids.get(key)!;
  });
  return sorted({
    name,
    timeDigits,
    series,
    times: Float64Array.from(dates, (date) => (Date.parse(date) / 1000) * 10 ** timeDigits),
    numbers: Object.fromEntries(
      Object.entries(numbers).map(([key, values]) => [key, Float64Array.from(values)]),
    ),
    texts,
    seriesBytes: [...ids.keys()].join('').length + ids.size * 2,
  });
}

function sorted(raw: RawTable): CodecTable {
  const { series, times } = raw;
  const rows = series.length;
  const versions = versionsOf(rows);
  const order = Uint32Array.from({ length: rows }, (_, row) => row).sort(
    (a, b) => series[a]! - series[b]! || times[a]! - times[b]! || a - b,
  );
  const pages: Page[] = [];
  for (let from = 0; from < rows; from += VECTOR_ROWS_MAX) {
    const picked = order.subarray(from, from + VECTOR_ROWS_MAX);
    const pick = (values: Float64Array): Float64Array =>
      Float64Array.from(picked, (row) => values[row]!);
    const length = picked.length;
    const offsets = pick(times);
    pages.push(
      new Page({
        length,
        series: Uint32Array.from(picked, (row) => series[row]!),
        base: 0n,
        times: offsets,
        versions: pick(versions),
        tombstones: null,
        ordinals: null,
        columns: [
          { kind: 'time', length, base: 0n, offsets, nulls: null },
          ...Object.values(raw.numbers).map((values): Vector => ({
            kind: 'number',
            length,
            values: pick(values),
            nulls: null,
          })),
          ...Object.values(raw.texts).map((values) => textVector(values, picked)),
        ],
      }),
    );
  }
  const columns = ['time', ...Object.keys(raw.numbers), ...Object.keys(raw.texts)];
  return { ...raw, rows, columns, pages };
}

/** A batch takes a few milliseconds; batches of several connections come in no fixed order. */
function versionsOf(rows: number): Float64Array {
  const numbers = new SeededNumbers(7);
  const batches = Math.ceil(rows / BATCH_ROWS);
  const stamps = new Float64Array(batches);
  let ms = START_S * 1000;
  for (let batch = 0; batch < batches; batch++) {
    ms += 3 + numbers.below(5);
    stamps[batch] = ms * 2048 + 1;
  }
  for (let batch = 0; batch + CONNECTIONS <= batches; batch += CONNECTIONS) {
    const other = batch + numbers.below(CONNECTIONS);
    [stamps[batch], stamps[other]] = [stamps[other]!, stamps[batch]!];
  }
  return Float64Array.from({ length: rows }, (_, row) => stamps[Math.floor(row / BATCH_ROWS)]!);
}

function textVector(values: readonly string[], picked: Uint32Array): Vector {
  const cells = Array.from(picked, (row) => Buffer.from(values[row]!));
  const starts = new Uint32Array(cells.length + 1);
  cells.forEach((cell, index) => (starts[index + 1] = starts[index]! + cell.length));
  const data = new Uint8Array(Buffer.concat(cells));
  return { kind: 'bytes', length: cells.length, starts, data, nulls: null };
}
