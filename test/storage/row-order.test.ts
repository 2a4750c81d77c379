/** Sorting rows by their handles: the order of comparing them all, in turns of the event loop none of which has much to do. */

import fc from 'fast-check';
import { Pacer } from '../../storage/pacer.js';
import { compareRows, HANDLE_ROW_MASK, HANDLE_SHIFT, Page } from '../../storage/page.js';
import { sortHandles } from '../../storage/row-order.js';
import { VECTOR_ROWS_MAX } from '../../storage/vector.js';

interface Row {
  readonly series: number;
  readonly time: number;
  readonly version: number;
}

/** Looks at a row's series between two turns: what a compiled loop does in half a millisecond, and one that is not compiled in a few. */
const LOOKS_PER_TURN_MAX = 16_384;

class Scene {
  readonly pages: Page[] = [];
  readonly handles: Uint32Array;
  turns = 0;
  mostLooks = 0;
  #looks = 0;

  constructor(rows: readonly Row[], rowsPerPage: number) {
    this.handles = new Uint32Array(rows.length);
    for (let from = 0; from < rows.length; from += rowsPerPage) {
      const own = rows.slice(from, from + rowsPerPage);
      own.forEach((_, row) => {
        this.handles[from + row] = (this.pages.length << HANDLE_SHIFT) + row;
      });
      this.pages.push(this.#pageOf(own, from));
    }
  }

  async sort(): Promise<void> {
    const yieldTurn = (): Promise<void> => {
      this.turns += 1;
      this.#looks = 0;
      return Promise.resolve();
    };
    const pacer = new Pacer({ after: () => ({ cancel: () => undefined }), yieldTurn });
    await sortHandles(this.pages, this.handles, this.handles.length, pacer);
  }

  /** Pairs of neighbours that are not in order. */
  misplaced(): number {
    let count = 0;
    for (let index = 1; index < this.handles.length; index += 1) {
      const [a, b] = [this.handles[index - 1]!, this.handles[index]!];
      const order = compareRows(
        this.pages[a >>> HANDLE_SHIFT]!,
        a & HANDLE_ROW_MASK,
        this.pages[b >>> HANDLE_SHIFT]!,
        b & HANDLE_ROW_MASK,
      );
      if (order > 0 || (order === 0 && a >= b)) count += 1;
    }
    return count;
  }

  #pageOf(rows: readonly Row[], ordinal: number): Page {
    const series = Uint32Array.from(rows, (row) => row.series);
    const page = new Page({
      length: rows.length,
      series,
      base: 0n,
      times: Float64Array.from(rows, (row) => row.time),
      versions: Float64Array.from(rows, (row) => row.version),
      tombstones: null,
      ordinals: Uint32Array.from(rows, (_, row) => ordinal + row),
      columns: [],
    });
    const look = (): Uint32Array => {
      this.#looks += 1;
      if (this.#looks > this.mostLooks) this.mostLooks = this.#looks;
      return series;
    };
    return Object.defineProperty(page, 'series', { get: look });
  }
}

const rowOf = (seriesMax: number): fc.Arbitrary<Row> =>
  fc.record({
    series: fc.nat(seriesMax),
    time: fc.nat(50),
    version: fc.nat(3),
  });

test('rows are sorted by series, time, version and ordinal, however many series there are', async () => {
  const rows = fc
    .constantFrom(0, 3, 40, 100_000)
    .chain((seriesMax) => fc.array(rowOf(seriesMax), { maxLength: 300 }));
  await fc.assert(
    fc.asyncProperty(rows, fc.integer({ min: 1, max: 70 }), async (some, rowsPerPage) => {
      const scene = new Scene(some, rowsPerPage);
      await scene.sort();
      expect([...scene.handles].sort((a, b) => a - b)).toEqual(
        [...new Scene(some, rowsPerPage).handles].sort((a, b) => a - b),
      );
      expect(scene.misplaced()).toBe(0);
    }),
    { numRuns: 150 },
  );
});

describe('no turn looks at many rows', () => {
  const ROWS = 60_000;
  const FAR = 2 ** 31;

  test.each([
    ['one series, in order', (): number => 0, (row: number): number => row],
    ['one series, backwards', (): number => 0, (row: number): number => ROWS - row],
    ['many series, in order', (row: number): number => row % 900, (row: number): number => row],
    ['many series, backwards', (row: number): number => row % 900, (row: number) => ROWS - row],
    ['a row a series', (row: number): number => ROWS - row, (): number => 0],
    ['more series than counters', (row: number): number => FAR - row, (): number => 0],
  ])('%s', async (_, seriesOf, timeOf) => {
    const rows = Array.from({ length: ROWS }, (__, row) => {
      return { series: seriesOf(row), time: timeOf(row), version: 1 };
    });
    const scene = new Scene(rows, VECTOR_ROWS_MAX);
    await scene.sort();
    expect(scene.mostLooks).toBeLessThanOrEqual(LOOKS_PER_TURN_MAX);
    expect(scene.misplaced()).toBe(0);
  });

  test('nor at many counters of series that have no rows', async () => {
    const seriesMax = 15 * ROWS;
    const rows = Array.from({ length: ROWS }, (_, row) => {
      return { series: row === 0 ? seriesMax : row, time: row, version: 1 };
    });
    const scene = new Scene(rows, VECTOR_ROWS_MAX);
    await scene.sort();
    // Each is added up, and looked at once more.
    expect(scene.turns).toBeGreaterThan((2 * seriesMax) / 60_000);
    expect(scene.misplaced()).toBe(0);
  });
});
