/** The order of a flush: rows that came in stretches end where comparing every two of them would put them. */

import fc from 'fast-check';
import { ArrayPool } from '../../storage/array-pool.js';
import { partitionRows, placeRows, sortByPlace } from '../../storage/flush-order.js';
import type { TimeSpan } from '../../storage/interval-set.js';
import { systemTimers } from '../../storage/node-adapters.js';
import { Pacer } from '../../storage/pacer.js';
import {
  compareIdentity,
  compareRows,
  HANDLE_ROW_MASK,
  HANDLE_SHIFT,
  Page,
} from '../../storage/page.js';
import { RisingStretches } from '../../storage/rising-stretches.js';
import { RowStretches } from '../../storage/row-stretches.js';
import { quantumUnits } from '../../storage/time-base.js';
import { reduceIdentity, type ReductionRules } from '../../storage/row-reduction.js';
import { SeveralTimes } from '../../storage/several-times.js';

const PRECISION = 9;
const DAY_MS = 86_400_000;
/** Place of the first row. */
const FIRST = 10_000;

interface Row {
  readonly series: number;
  readonly time: number;
  readonly isTombstone: boolean;
}

/** Row after row, each of a later version, in pages of `pageRows` every other of which has a base that is `baseStep` later. */
function pagesOf(rows: readonly Row[], pageRows: number, baseStep: bigint): Page[] {
  const pages: Page[] = [];
  for (let from = 0; from < rows.length; from += pageRows) {
    const own = rows.slice(from, from + pageRows);
    const base = pages.length % 2 === 0 ? 0n : baseStep;
    const page = new Page({
      length: own.length,
      series: Uint32Array.from(own, ({ series }) => series),
      base,
      times: Float64Array.from(own, ({ time }) => time - Number(base)),
      versions: Float64Array.from(own, (_, index) => from + index + 1),
      tombstones: own.some(({ isTombstone }) => isTombstone)
        ? Uint8Array.from(own, ({ isTombstone }) => +isTombstone)
        : null,
      ordinals: null,
      columns: [],
    });
    page.normalizeTimes(PRECISION);
    pages.push(page);
  }
  return pages;
}

function handlesOf(pages: readonly Page[]): number[] {
  return pages.flatMap(({ length }, number) =>
    Array.from({ length }, (_, row) => (number << HANDLE_SHIFT) + row),
  );
}

/** As a flush does it; all rows are in one partition. */
async function flushOrder(
  pages: readonly Page[],
  rules: ReductionRules,
  several: SeveralTimes,
): Promise<Uint32Array> {
  const memory = new ArrayPool(0).lease();
  const pacer = new Pacer(systemTimers({ keepsProcessAlive: false }));
  const [part] = await partitionRows(pages, DAY_MS, PRECISION, pacer);
  const leftOut = handlesOf(pages).length;
  const place = new Uint32Array(pages.length << HANDLE_SHIFT).fill(NaN);
  const series = new Uint32Array(FIRST + leftOut);
  const places = { place, series, leftOut };
  const { rows } = part!;
  const kept = await placeRows(pages, rows, places, FIRST, rules, several, memory, pacer);
  const order = new Uint32Array(leftOut + 1);
  for (const handle of handlesOf(pages)) {
    if (place[handle] !== leftOut) sortByPlace(order, place, FIRST, handle, handle + 1);
  }
  const result = order.subarray(0, kept);
  expect([...series.subarray(FIRST, FIRST + kept)]).toEqual(
    Array.from(
      result,
      (handle) => pages[handle >>> HANDLE_SHIFT]!.series[handle & HANDLE_ROW_MASK],
    ),
  );
  return result;
}

/** Sorted by comparing, and reduced identity by identity. */
function plainOrder(pages: readonly Page[], rules: ReductionRules): number[] {
  const at = (handle: number): [Page, number] => [
    pages[handle >>> HANDLE_SHIFT]!,
    handle & HANDLE_ROW_MASK,
  ];
  const sorted = handlesOf(pages).sort((a, b) => compareRows(...at(a), ...at(b)));
  const result: number[] = [];
  for (let from = 0; from < sorted.length;) {
    let to = from + 1;
    while (to < sorted.length && compareIdentity(...at(sorted[from]!), ...at(sorted[to]!)) === 0)
      to++;
    const group = sorted.slice(from, to);
    const kept = new Uint32Array(group.length);
    const versions = Float64Array.from(group, (handle) => at(handle)[0].versions[at(handle)[1]]!);
    const tombstones = Uint8Array.from(
      group,
      (handle) => at(handle)[0].tombstones?.[at(handle)[1]] ?? 0,
    );
    const count = reduceIdentity({ count: group.length, versions, tombstones }, rules, kept);
    for (const index of kept.subarray(0, count)) result.push(group[index]!);
    from = to;
  }
  return result;
}

/** Each row, and the one behind it. */
function neighbours(pages: readonly Page[], order: Uint32Array): [Row, Row | undefined][] {
  const rows = Array.from(order, (handle): Row => {
    const { series, times, base, tombstones } = pages[handle >>> HANDLE_SHIFT]!;
    const row = handle & HANDLE_ROW_MASK;
    return {
      series: series[row]!,
      time: times[row]! + Number(base),
      isTombstone: tombstones?.[row] === 1,
    };
  });
  return rows.map((row, index) => [row, rows[index + 1]]);
}

const isIn = (time: number, spans: readonly TimeSpan[]): boolean =>
  spans.some(({ min, max }) => BigInt(time) >= min && BigInt(time) <= max);

/** Batches of rows in order of time, some of them applied before an older one, some of them twice. */
const batches = fc.array(
  fc.record({
    instant: fc.nat(40),
    series: fc.integer({ min: 1, max: 4 }),
    rows: fc.integer({ min: 1, max: 12 }),
    isTombstone: fc.oneof(
      { weight: 12, arbitrary: fc.constant(false) },
      { weight: 1, arbitrary: fc.constant(true) },
    ),
  }),
  { minLength: 1, maxLength: 14 },
);

test('rows are in the order that comparing gives, and what is overwritten is left out', async () => {
  await fc.assert(
    fc.asyncProperty(
      batches,
      fc.constantFrom(5, 64),
      fc.constantFrom(0n, BigInt(quantumUnits(PRECISION))),
      fc.boolean(),
      fc.constantFrom(0, 50, 1e6),
      async (all, pageRows, baseStep, appendMode, horizon) => {
        const rows = all.flatMap(({ instant, series, rows: count, isTombstone }) =>
          Array.from({ length: count * series }, (_, index): Row => ({
            series: index % series,
            time: 100_000 + instant * 10 + Math.floor(index / series),
            isTombstone: isTombstone && index === 0,
          })),
        );
        const pages = pagesOf(rows, pageRows, baseStep);
        const rules = { appendMode, mergeFields: false, horizon, settledHorizon: 0 };
        const several = new SeveralTimes();
        const order = await flushOrder(pages, rules, several);
        expect([...order]).toEqual(plainOrder(pages, rules));
        for (const [first, second] of neighbours(pages, order)) {
          if (first.isTombstone) expect(isIn(first.time, several.tombstoneSpans())).toBe(true);
          const isShared = second?.series === first.series && second.time === first.time;
          if (first.isTombstone || (isShared && !appendMode)) {
            expect(isIn(first.time, several.spans())).toBe(true);
          }
        }
      },
    ),
    { numRuns: 300 },
  );
});

test('batches of the same series over and over, out of turn, not quite whole, or twice, are in order', async () => {
  const rules = { appendMode: false, mergeFields: false, horizon: 1e6, settledHorizon: 0 };
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 12 }),
      fc.array(fc.nat(), { minLength: 1, maxLength: 12 }),
      fc.array(fc.nat(), { maxLength: 3 }),
      fc.constantFrom(7, 64, 1000),
      async (seriesCount, instants, turns, gaps, pageRows) => {
        // A batch that is as early or as late as others is there twice.
        const rows = turns.flatMap((turn, index) =>
          Array.from({ length: seriesCount * instants }, (_, row): Row => ({
            series: row % seriesCount,
            time: Math.max(0, index + (turn % 5) - 2) * instants + Math.floor(row / seriesCount),
            isTombstone: false,
          })),
        );
        for (const gap of gaps) rows.splice(gap % rows.length, 1);
        fc.pre(rows.length > 0);
        const pages = pagesOf(rows, pageRows, 0n);
        const order = await flushOrder(pages, rules, new SeveralTimes());
        expect([...order]).toEqual(plainOrder(pages, rules));
      },
    ),
    { numRuns: 200 },
  );
});

test('few rows of series with large numbers are in order', async () => {
  const rules = { appendMode: false, mergeFields: false, horizon: 1e6, settledHorizon: 0 };
  const rows = Array.from({ length: 90 }, (_, index): Row => ({
    series: (index % 10) * 1_000_000,
    time: 500 - (index % 60),
    isTombstone: false,
  }));
  const pages = pagesOf(rows, 40, 0n);
  expect([...(await flushOrder(pages, rules, new SeveralTimes()))]).toEqual(
    plainOrder(pages, rules),
  );
});

describe('RowStretches in order of time', () => {
  const ROWS = 64;

  /** Times of stretches, each time of 64 rows; the answer in the same way, null = as they were. */
  const ordered = (given: readonly (readonly number[])[]): number[][] | null => {
    const times = given.flat();
    const stretches = new RowStretches();
    let at = 0;
    for (const { length } of given) stretches.add(at * ROWS, (at += length) * ROWS);
    const sorted = stretches.inOrderOfTime((handle) => times[Math.floor(handle / ROWS)]!);
    if (sorted === stretches) return null;
    expect(sorted.rows).toBe(stretches.rows);
    return Array.from({ length: sorted.count }, (_, stretch) =>
      times.slice(sorted.starts[stretch]! / ROWS, sorted.ends[stretch]! / ROWS),
    );
  };

  it.each<[string, number[][], number[][] | null]>([
    ['none', [], []],
    [
      'in order',
      [
        [1, 2],
        [3, 4],
        [5, 6],
      ],
      [
        [1, 2],
        [3, 4],
        [5, 6],
      ],
    ],
    [
      'two that changed places',
      [
        [5, 6],
        [1, 2],
      ],
      [
        [1, 2],
        [5, 6],
      ],
    ],
    ['one that came late', [[1, 2], [5, 6], [7], [3, 4], [9]], [[1, 2], [3, 4], [5, 6], [7], [9]]],
    [
      'an instant in two of them',
      [
        [4, 6],
        [1, 4],
      ],
      [
        [1, 4],
        [4, 6],
      ],
    ],
    ['the same instant in all of them', [[1, 1], [1], [1, 1]], [[1, 1], [1], [1, 1]]],
    [
      'one in the gap of another',
      [
        [1, 2, 8, 9],
        [4, 5],
      ],
      [
        [1, 2],
        [4, 5],
        [8, 9],
      ],
    ],
    [
      'one that ends in another',
      [
        [4, 6],
        [1, 5],
      ],
      [[1], [4], [5], [6]],
    ],
    [
      'two gaps',
      [
        [1, 2, 8, 9],
        [4, 5, 10],
      ],
      [[1, 2], [4, 5], [8, 9], [10]],
    ],
    [
      'hardly any order',
      [[9], [8], [7], [6], [5], [4], [3], [2], [1]],
      [[1], [2], [3], [4], [5], [6], [7], [8], [9]],
    ],
  ])('%s', (_, given, expected) => {
    expect(ordered(given)?.map(String)).toEqual(expected?.map(String));
  });

  it('stay as they are where they are far from their places', () => {
    const backwards = (count: number): number[][] =>
      Array.from({ length: count }, (_, number) => [count - number]);
    expect(ordered(backwards(12))).toHaveLength(12);
    expect(ordered(backwards(200))).toBeNull();
  });

  it('stay as they are where they are short', () => {
    const stretches = new RowStretches();
    stretches.add(10, 20);
    stretches.add(0, 10);
    expect(stretches.inOrderOfTime((handle) => handle)).toBe(stretches);
  });

  it('keep every row, and times do not fall', () => {
    const stretch = fc
      .array(fc.nat(300), { minLength: 1, maxLength: 6 })
      .map((times) => [...times].sort((a, b) => a - b));
    fc.assert(
      fc.property(fc.array(stretch, { maxLength: 7 }), (given) => {
        const sorted = ordered(given);
        fc.pre(sorted !== null);
        const all = given.flat().sort((a, b) => a - b);
        expect(sorted?.flat()).toEqual(all);
      }),
    );
  });
});

describe('RisingStretches', () => {
  const find = (times: readonly number[]): number[][] | null => {
    const stretches = new RisingStretches();
    if (!stretches.find(Float64Array.from(times), times.length)) return null;
    return Array.from({ length: stretches.count }, (_, stretch) =>
      times.slice(stretches.starts[stretch], stretches.ends[stretch]),
    );
  };
  const rising = (from: number, count: number): number[] =>
    Array.from({ length: count }, (_, index) => from + index);

  it.each<[string, number[], number[][] | null]>([
    ['one stretch', rising(5, 9), [rising(5, 9)]],
    [
      'two that changed places',
      [...rising(50, 5), ...rising(10, 6)],
      [rising(10, 6), rising(50, 5)],
    ],
    [
      'one in the gap of another two',
      [...rising(0, 5), ...rising(90, 5), ...rising(40, 5)],
      [rising(0, 5), rising(40, 5), rising(90, 5)],
    ],
    [
      'one that fits nowhere as a whole',
      [
        ...rising(0, 9),
        ...rising(20, 9),
        ...rising(40, 5),
        ...rising(10, 5),
        ...rising(30, 9),
        ...rising(46, 5),
      ],
      [rising(0, 9), rising(10, 5), rising(20, 9), rising(30, 9), rising(40, 5), rising(46, 5)],
    ],
    ['a time that is there twice, at a beginning', [...rising(0, 9), ...rising(0, 9)], null],
    ['a time that is there twice, in the middle', [...rising(0, 9), ...rising(4, 9)], null],
    [
      'a time that is there twice, at an end',
      [...rising(0, 9), ...rising(20, 9), ...rising(10, 11)],
      null,
    ],
    ['hardly any order', [5, 4, 3, 2, 1, 0, 9, 8, 7], null],
  ])('%s', (_, times, expected) => {
    expect(find(times)).toEqual(expected);
  });

  it('gives up where stretches are far from their places', () => {
    const backwards = (count: number): number[] =>
      Array.from({ length: count }, (_, stretch) => rising((count - stretch) * 10, 9)).flat();
    expect(find(backwards(12))).toHaveLength(12);
    expect(find(backwards(200))).toBeNull();
  });

  it('take any number of stretches that are near to their places', () => {
    const pairs = Array.from({ length: 500 }, (_, stretch) => rising((stretch ^ 1) * 10, 9));
    expect(find(pairs.flat())).toEqual(pairs.sort(([a], [b]) => a! - b!));
  });
});
