/** Columns with every edge that a column can have, for properties of whatever stores them. */

import fc from 'fast-check';
import type { ColumnValues } from '../../storage/column-codec.js';
import { printValue, valueAt } from './vector-values.js';

const edges = [
  0,
  -0,
  NaN,
  Infinity,
  -Infinity,
  5e-324,
  1.7976931348623157e308,
  2 ** 53 - 1,
  -(2 ** 53 - 1),
  2 ** 53,
  0.1,
  -0.1,
  1 / 3,
  255,
  256,
  65535,
  65536,
  2 ** 32 - 1,
  2 ** 32,
];

export const numberColumns = fc.oneof(
  fc.array(fc.constantFrom(...edges), { maxLength: 40 }),
  fc.array(fc.double(), { maxLength: 60 }),
  fc.array(fc.integer(), { maxLength: 60 }),
  fc.array(fc.maxSafeInteger(), { maxLength: 60 }),
  fc.array(
    fc.integer({ min: -99999, max: 99999 }).map((cents) => cents / 100),
    { maxLength: 60 },
  ),
  fc.array(fc.float({ noNaN: true }), { maxLength: 60 }),
  // Long runs.
  fc
    .array(fc.tuple(fc.constantFrom(...edges, 7, 8.25), fc.integer({ min: 1, max: 60 })), {
      maxLength: 6,
    })
    .map((runs) => runs.flatMap(([value, length]) => new Array<number>(length).fill(value))),
  // Even steps, with and without disturbance, in milliseconds and nanoseconds.
  fc
    .tuple(
      fc.maxSafeInteger(),
      fc.constantFrom(0, 1, 10_000, 1e9, -60_000, 1e13),
      fc.integer({ min: 1, max: 90 }),
      fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 90, maxLength: 90 }),
      fc.boolean(),
    )
    .map(([first, step, count, noise, isNoisy]) =>
      Array.from(
        { length: count },
        (_, index) => first + index * step + (isNoisy ? noise[index]! : 0),
      ),
    ),
);

const nullsOf = (length: number): fc.Arbitrary<Uint8Array | null> =>
  fc.oneof(
    fc.constant(null),
    fc.constant(new Uint8Array(length).fill(1)),
    fc.uint8Array({ min: 0, max: 1, minLength: length, maxLength: length }),
  );

/** A column of `length` rows. */
export const columnOf = (length: number): fc.Arbitrary<ColumnValues> => {
  const many = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T[]> =>
    fc.array(value, { minLength: length, maxLength: length });
  const bytes = fc.oneof(
    many(fc.uint8Array({ maxLength: 20 })),
    many(fc.constantFrom(new Uint8Array(0), Uint8Array.of(255, 0, 254), Buffer.from('tag'))),
  );
  const number = fc
    .tuple(many(fc.oneof(fc.double(), fc.integer())), nullsOf(length))
    .map(([values, nulls]): ColumnValues => ({
      kind: 'number',
      length,
      values: Float64Array.from(values),
      nulls,
    }));
  const wide = fc
    .tuple(
      many(
        fc.oneof(
          fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
          fc.bigInt({ min: 2n ** 60n, max: 2n ** 60n + 300n }),
        ),
      ),
      nullsOf(length),
    )
    .map(([values, nulls]): ColumnValues => ({
      kind: 'integer64',
      length,
      high: Int32Array.from(values, (value) => Number(BigInt.asIntN(32, value >> 32n))),
      low: Int32Array.from(values, (value) => Number(BigInt.asIntN(32, value))),
      nulls,
    }));
  const time = fc
    .tuple(
      fc.constantFrom(0n, 4_000_000_000_000_000n, -4_000_000_000_000_000n),
      many(fc.maxSafeInteger()),
      nullsOf(length),
    )
    .map(([base, offsets, nulls]): ColumnValues => ({
      kind: 'time',
      length,
      base,
      offsets: Float64Array.from(offsets),
      nulls,
    }));
  const split = fc
    .tuple(
      many(fc.integer({ min: -70_000_000_000, max: 260_000_000_000 })),
      many(fc.integer({ min: 0, max: 999_999_999 })),
      nullsOf(length),
    )
    .map(([seconds, fractions, nulls]): ColumnValues => ({
      kind: 'split-time',
      length,
      seconds: Float64Array.from(seconds),
      fractions: Float64Array.from(fractions),
      nulls,
    }));
  const strings = fc.tuple(bytes, nullsOf(length)).map(([values, nulls]): ColumnValues => {
    const starts = Uint32Array.from([0, ...runningSum(values.map((value) => value.length))]);
    return { kind: 'bytes', length, starts, data: new Uint8Array(Buffer.concat(values)), nulls };
  });
  const coded = fc
    .tuple(many(fc.integer({ min: 0, max: 2 })), nullsOf(length))
    .map(([codes, nulls]): ColumnValues => {
      const data = new Uint8Array(Buffer.from('abbccc'));
      const dictionary = {
        kind: 'bytes',
        length: 3,
        starts: Uint32Array.of(0, 1, 3, 6),
        data,
        nulls: null,
      } as const;
      return { kind: 'dictionary', length, codes: Uint32Array.from(codes), dictionary, nulls };
    });
  return fc.oneof(number, wide, time, split, strings, coded);
};

export const columns: fc.Arbitrary<ColumnValues> = fc.integer({ min: 1, max: 70 }).chain(columnOf);

function runningSum(lengths: readonly number[]): number[] {
  let sum = 0;
  return lengths.map((length) => (sum += length));
}

/** Each row's value as text: equal texts are equal values. */
export function printColumn(column: ColumnValues): string[] {
  return Array.from({ length: column.length }, (_, row) => {
    if (column.kind !== 'split-time') return printValue(valueAt(column, row));
    const isNull = column.nulls !== null && column.nulls[row] === 1;
    return isNull ? 'NULL' : `${column.seconds[row]}+${column.fractions[row]}`;
  });
}
