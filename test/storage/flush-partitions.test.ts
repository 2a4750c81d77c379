/** Backfill: rows of any age in one flush, in a bounded number of runs, read and joined like all others. */

import fc from 'fast-check';
import type { PartitionRows } from '../../storage/flush-order.js';
import { boundPartitions, FLUSH_RUNS_MAX, withoutExpired } from '../../storage/flush-partitions.js';
import { HANDLE_SHIFT, Page } from '../../storage/page.js';
import { RowStretches } from '../../storage/row-stretches.js';
import { ColumnRole, ColumnType, type TableSchema } from '../../storage/table-schema.js';
import type { TableStore } from '../../storage/table-store.js';
import { bodyOf, printRow, visibleRows, type ModelRecord } from '../support/table-model.js';
import { flushAll, openMemoryStore, scanAll } from '../support/table-rig.js';
import type { PlainValue } from '../support/vector-values.js';

/** One stretch after the other. */
function stretchesOf(...stretches: readonly (readonly [number, number])[]): RowStretches {
  const rows = new RowStretches();
  for (const [start, end] of stretches) rows.add(start, end);
  return rows;
}

const listed = ({ starts, ends, count }: RowStretches): number[][] =>
  Array.from({ length: count }, (_, index) => [starts[index]!, ends[index]!]);

const parts = (...partitions: readonly number[]): PartitionRows[] =>
  partitions.map((partition) => ({
    partition,
    rows: stretchesOf([partition + 1000, partition + 1001]),
  }));

describe('partitions of a flush are bounded', () => {
  it.each([
    [[1, 2, 3], 3, [1, 2, 3]],
    [[1, 2, 3], 2, [0, 2]],
    [[-3, -1, 0, 7], 2, [-8, 0]],
    [[0, 1, 2, 3, 4, 5, 6, 7], 4, [0, 2, 4, 6]],
    // Few of them, however far apart, stay as they are.
    [[0, 1_000_000], 2, [0, 1_000_000]],
  ])('%j in at most %d runs: %j', (given, max, expected) => {
    expect(boundPartitions(parts(...given), max).map(({ partition }) => partition)).toEqual(
      expected,
    );
  });

  it('every row is in one of them, in order of its partition, and the cuts are aligned', () => {
    const given = fc.uniqueArray(fc.integer({ min: -200, max: 200 }), { minLength: 1 });
    fc.assert(
      fc.property(given, fc.integer({ min: 2, max: 9 }), (partitions, max) => {
        const sorted = [...partitions].sort((a, b) => a - b);
        const bounded = boundPartitions(parts(...sorted), max);
        expect(bounded.length).toBeLessThanOrEqual(max);
        const starts = bounded.flatMap(({ rows }) => listed(rows).map(([start]) => start));
        expect(starts).toEqual(sorted.map((partition) => partition + 1000));
      }),
    );
  });
});

describe('rows that have expired are left out', () => {
  const page = (base: bigint, ...times: readonly number[]): Page =>
    new Page({
      length: times.length,
      series: new Uint32Array(times.length),
      base,
      times: Float64Array.from(times),
      versions: new Float64Array(times.length),
      tombstones: null,
      ordinals: null,
      columns: [],
    });
  const pages = [page(0n, 1, 2, 3, 9, 4, 5), page(100n, -98, -97, -96, -95)];
  const second = 1 << HANDLE_SHIFT;
  const given = [
    { partition: 0, rows: stretchesOf([0, 4], [4, 6], [second, second + 3]) },
    { partition: 1, rows: stretchesOf([second + 3, second + 4]) },
  ];

  it.each([
    [null, [given[0]!.rows, given[1]!.rows].map(listed)],
    [0n, [given[0]!.rows, given[1]!.rows].map(listed)],
    [
      2n,
      [
        [
          [2, 4],
          [4, 6],
          [second + 1, second + 3],
        ],
        [[second + 3, second + 4]],
      ],
    ],
    [
      4n,
      [
        [
          [3, 4],
          [5, 6],
        ],
        [[second + 3, second + 4]],
      ],
    ],
    [8n, [[[3, 4]]]],
    [9n, []],
  ])('through %s', (expiredThrough, expected) => {
    const kept = withoutExpired(given, pages, expiredThrough);
    expect(kept.map(({ rows }) => listed(rows))).toEqual(expected);
  });
});

describe('a backfill of years', () => {
  const HOUR = 3_600_000;
  const schema: TableSchema = {
    tableId: 66,
    appendMode: false,
    mergeFields: true,
    partitionMs: HOUR,
    columns: [
      { id: 102, type: ColumnType.timestamp, role: ColumnRole.time, precision: 3 },
      { id: 103, type: ColumnType.float64, role: ColumnRole.field, precision: 0 },
      { id: 104, type: ColumnType.float64, role: ColumnRole.field, precision: 0 },
    ],
  };
  const HOURS = 2_000;
  const records: ModelRecord[] = [];

  type Fields = readonly [PlainValue, PlainValue];

  function write(store: TableStore, version: number, fieldsOf: (hour: number) => Fields): void {
    const rows = Array.from({ length: HOURS }, (_, hour) => ({
      cells: [BigInt(hour * HOUR), ...fieldsOf(hour)],
    }));
    const record = { version, operations: [{ kind: 'rows' as const, rows }] };
    records.push(record);
    store.defineTable(schema);
    store.applyWrite(version, bodyOf(schema, record), 0);
  }

  it('has a bounded number of runs, however often rows of all ages come, and is joined without losing a field', async () => {
    const { store } = await openMemoryStore();
    const shown = (): string[] =>
      visibleRows(schema, records)
        .map(({ cells }) => printRow(cells))
        .sort();
    for (let flush = 1; flush <= 5; flush += 1) {
      write(store, flush * 1000, (hour) => (hour % 5 < flush ? [flush, null] : [null, flush]));
      await flushAll(store, flush, 0);
      const { runs } = store.stats()[0]!;
      expect(runs).toBeLessThanOrEqual(flush * FLUSH_RUNS_MAX);
      expect(runs).toBeGreaterThan(flush * FLUSH_RUNS_MAX * 0.4);
    }
    // An ordinary run in the middle of what a wide one holds: neither may believe that it is alone.
    const late = {
      version: 2500,
      operations: [{ kind: 'rows' as const, rows: [{ cells: [BigInt(777 * HOUR), null, 25] }] }],
    };
    records.push(late);
    store.applyWrite(late.version, bodyOf(schema, late), 0);
    await flushAll(store, 6, 0);
    expect((await scanAll(store, schema)).sort()).toEqual(shown());
    await store.compactTable(schema.tableId, () => 5_000);
    expect(store.stats()[0]!.runs).toBeLessThanOrEqual(FLUSH_RUNS_MAX + 1);
    expect((await scanAll(store, schema)).sort()).toEqual(shown());
  });
});
