/**
 * What a node keeps of a run's blocks, packed, answers like the description that the run's writer gave: which values exist, and every bound
 * by which a query leaves a block out.
 */

import fc from 'fast-check';
import type { BlockInfo, ColumnStatistics } from '../../storage/block-directory.js';
import { DamagedBytesError } from '../../storage/byte-reader.js';
import { HiddenColumn } from '../../storage/column-kind.js';
import { encodeRun, Run, type RunParts } from '../../storage/run.js';
import { ColumnRole, ColumnType, type StoredColumn } from '../../storage/table-schema.js';
import { VECTOR_ROWS_MAX } from '../../storage/vector.js';

const FIRST_COLUMN = 0x1234_5678_9abc;
const ABSENT_COLUMN = 0x1111_2222_3333;
const hidden = [
  HiddenColumn.series,
  HiddenColumn.version,
  HiddenColumn.tombstone,
  HiddenColumn.ordinal,
  HiddenColumn.packed,
];

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const version = fc.maxSafeNat();
const spans = fc.array(fc.record({ min: int64, max: int64 }), { maxLength: 3 });

/** NULLs nowhere, somewhere or everywhere; numbers of every kind, NaN and the infinities too. */
function statisticsOf(rows: number): fc.Arbitrary<ColumnStatistics> {
  return fc.record({
    nulls: fc.oneof(fc.constantFrom(0, rows), fc.nat({ max: rows })),
    numbers: fc.option(fc.record({ min: fc.double(), max: fc.double(), sum: fc.double() })),
  });
}

function blockOf(columns: number): fc.Arbitrary<BlockInfo> {
  return fc.integer({ min: 1, max: VECTOR_ROWS_MAX }).chain((rows) =>
    fc
      .record({
        series: fc.tuple(fc.nat({ max: 2 ** 32 - 1 }), fc.nat({ max: 2 ** 32 - 1 })),
        times: fc.tuple(int64, int64),
        versions: fc.tuple(version, version),
        isPacked: fc.boolean(),
        tombstones: fc.oneof(fc.constant(0), fc.nat({ max: rows })),
        statistics: fc.array(statisticsOf(rows), { minLength: columns, maxLength: columns }),
      })
      .map(({ series, times, versions, ...rest }) => ({
        ...rest,
        rows,
        seriesMin: Math.min(...series),
        seriesMax: Math.max(...series),
        timeMin: times[0] < times[1] ? times[0] : times[1],
        timeMax: times[0] < times[1] ? times[1] : times[0],
        versionMin: Math.min(...versions),
        versionMax: Math.max(...versions),
      })),
  );
}

const parts: fc.Arbitrary<RunParts> = fc.integer({ min: 1, max: 20 }).chain((count) =>
  fc.record({
    header: fc.record({
      id: fc.constant(7),
      tableId: fc.maxSafeNat(),
      partition: fc.integer(),
      appendMode: fc.boolean(),
      columns: fc.constant(
        Array.from({ length: count }, (_, index): StoredColumn => ({
          id: FIRST_COLUMN + index,
          type: index === 0 ? ColumnType.timestamp : ColumnType.float64,
          role: index === 0 ? ColumnRole.time : ColumnRole.field,
          precision: index === 0 ? 3 : 0,
        })),
      ),
    }),
    blocks: fc.array(blockOf(count), { minLength: 1, maxLength: 12 }),
    suspects: spans,
    tombstoneSpans: spans,
    sizeBytes: fc.maxSafeNat(),
  }),
);

/** By the description: which values the block has in the block store. */
function valuesOf({ header, blocks }: RunParts, block: number): number[] {
  const info = blocks[block]!;
  if (info.isPacked) return [HiddenColumn.packed];
  const ids: number[] = [HiddenColumn.series, HiddenColumn.version];
  if (info.tombstones > 0) ids.push(HiddenColumn.tombstone);
  if (header.appendMode) ids.push(HiddenColumn.ordinal);
  header.columns.forEach(({ id }, column) => {
    if (info.statistics[column]!.nulls < info.rows) ids.push(id);
  });
  return ids;
}

const least = <T extends number | bigint>(values: readonly T[]): T =>
  values.reduce((a, b) => (b < a ? b : a));
const greatest = <T extends number | bigint>(values: readonly T[]): T =>
  values.reduce((a, b) => (b > a ? b : a));

test('each block has the bounds that its writer gave', () => {
  fc.assert(
    fc.property(parts, (written) => {
      const { blocks } = Run.decode(7, encodeRun(written));
      const read = written.blocks.map((_, block) => ({
        rows: blocks.rowsOf(block),
        isPacked: blocks.isPacked(block),
        seriesMin: blocks.seriesMinOf(block),
        seriesMax: blocks.seriesMaxOf(block),
        timeMin: blocks.timeMinOf(block),
        timeMax: blocks.timeMaxOf(block),
        versionMin: blocks.versionMinOf(block),
        hasTombstones: blocks.blockHasTombstones(block),
      }));
      const expected = written.blocks.map(({ tombstones, ...info }) => {
        const { rows, isPacked, seriesMin, seriesMax, timeMin, timeMax, versionMin } = info;
        const bounds = { rows, isPacked, seriesMin, seriesMax, timeMin, timeMax, versionMin };
        return { ...bounds, hasTombstones: tombstones > 0 };
      });
      expect(read).toEqual(expected);
    }),
  );
});

test('a run has the bounds of all its blocks', () => {
  fc.assert(
    fc.property(parts, (written) => {
      const { header, blocks, suspects, tombstoneSpans, sizeBytes } = written;
      expect(Run.decode(7, encodeRun(written))).toMatchObject({
        ...header,
        suspects,
        tombstoneSpans,
        sizeBytes,
        blocks: {
          rows: blocks.reduce((sum, { rows }) => sum + rows, 0),
          timeMin: least(blocks.map(({ timeMin }) => timeMin)),
          timeMax: greatest(blocks.map(({ timeMax }) => timeMax)),
          seriesMin: blocks[0]!.seriesMin,
          seriesMax: greatest(blocks.map(({ seriesMax }) => seriesMax)),
          versionMin: least(blocks.map(({ versionMin }) => versionMin)),
          versionMax: greatest(blocks.map(({ versionMax }) => versionMax)),
          hasTombstones: blocks.some(({ tombstones }) => tombstones > 0),
        },
      });
    }),
  );
});

test('exactly the values that were written are known', () => {
  fc.assert(
    fc.property(parts, (written) => {
      const run = Run.decode(7, encodeRun(written));
      const asked = [...hidden, ABSENT_COLUMN, ...run.columns.map(({ id }) => id)];
      let count = 0;
      written.blocks.forEach((_, block) => {
        const known = asked.filter((id) => run.hasValue(id, block));
        const values = valuesOf(written, block);
        expect(new Set(known)).toEqual(new Set(values));
        count += values.length;
      });
      expect(run.keyCount).toBe(count);
      expect(asked.some((id) => run.hasValue(id, written.blocks.length))).toBe(false);
    }),
  );
});

test('a column has no rows to be read where it is NULL throughout, in packed blocks too', () => {
  fc.assert(
    fc.property(parts, (written) => {
      const run = Run.decode(7, encodeRun(written));
      written.blocks.forEach(({ rows, statistics }, block) => {
        const read = run.columns.map(({ id }) => run.hasRowValues(id, block));
        expect(read).toEqual(statistics.map(({ nulls }) => nulls < rows));
        expect(run.hasRowValues(ABSENT_COLUMN, block)).toBe(false);
      });
    }),
  );
});

test('an entry that ends too early is damage, wherever it ends', () => {
  fc.assert(
    fc.property(parts, fc.double({ min: 0, max: 1, noNaN: true }), (written, share) => {
      const entry = encodeRun(written);
      const length = Math.min(entry.length - 1, Math.floor(entry.length * share));
      expect(() => Run.decode(7, entry.subarray(0, length))).toThrow(DamagedBytesError);
    }),
  );
});

test.each([
  ['no blocks', { blocks: [] }],
  ['a block of more rows than a block may have', { rows: VECTOR_ROWS_MAX + 1 }],
])('%s is damage', (_, { blocks, rows }: { blocks?: BlockInfo[]; rows?: number }) => {
  const [sample] = fc.sample(parts, { numRuns: 1, seed: 1 });
  const [block] = sample!.blocks;
  const written = { ...sample!, blocks: blocks ?? [{ ...block!, rows: rows! }] };
  expect(() => Run.decode(7, encodeRun(written))).toThrow(DamagedBytesError);
});
