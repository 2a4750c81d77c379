/** Every codec gives back what it was given, bit for bit, with every edge a column can have; and damage is told, never read past. */

import fc from 'fast-check';
import { ByteReader, DamagedBytesError } from '../../storage/byte-reader.js';
import { ByteWriter } from '../../storage/byte-writer.js';
import {
  columnForm,
  type ColumnValues,
  decodeColumn,
  encodeColumn,
} from '../../storage/column-codec.js';
import { decodeNumbers } from '../../storage/number-decoder.js';
import { type Effort, encodeNumbers } from '../../storage/number-encoder.js';
import { freshMemory, ScratchMemory } from '../../storage/vector-memory.js';
import { printValue, valueAt } from '../support/vector-values.js';

const efforts: readonly Effort[] = ['fast', 'small'];

function roundTrip(
  values: readonly number[],
  effort: Effort,
): { back: number[]; bytes: Uint8Array } {
  const writer = new ByteWriter(16);
  encodeNumbers(writer, Float64Array.from(values), values.length, effort);
  const bytes = writer.take();
  const reader = new ByteReader(bytes);
  const back = Array.from(
    decodeNumbers(reader, values.length, freshMemory).subarray(0, values.length),
  );
  reader.expectEnd();
  return { back, bytes };
}

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

const numberColumns = fc.oneof(
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

describe('numbers', () => {
  it.each(efforts)('come back as they were (%s)', (effort) => {
    fc.assert(
      fc.property(numberColumns, (values) => {
        expect(roundTrip(values, effort).back.map(printValue)).toEqual(values.map(printValue));
      }),
      { numRuns: 2000, seed: 20260101 },
    );
  });

  const ramp = Array.from({ length: 1000 }, (_, index) => 1.7e12 + index * 10_000);
  const sizes: readonly [string, readonly number[], Effort, number][] = [
    ['a constant integer', new Array<number>(1000).fill(42), 'fast', 3],
    ['a constant NaN', new Array<number>(1000).fill(NaN), 'fast', 9],
    [
      'small integers: a byte each',
      Array.from({ length: 1000 }, (_, i) => (i * 37) % 100),
      'fast',
      1003,
    ],
    [
      'two decimals: two bytes each',
      Array.from({ length: 1000 }, (_, i) => ((i * 37) % 10_000) / 100),
      'fast',
      2005,
    ],
    ['an even ramp: almost nothing', ramp, 'small', 20],
    [
      'seconds in nanoseconds',
      Array.from({ length: 1000 }, (_, i) => ((i * 7919) % 1000) * 1e9),
      'small',
      2016,
    ],
    [
      'floats: four bytes each',
      Array.from({ length: 1000 }, (_, i) => Math.fround(Math.sin(i))),
      'small',
      4001,
    ],
    ['doubles: raw', Array.from({ length: 1000 }, (_, i) => Math.sin(i)), 'small', 8001],
    [
      'long runs',
      Array.from({ length: 1000 }, (_, i) => Math.floor(i / 100) + 0.123456789),
      'small',
      120,
    ],
  ];
  it.each(sizes)('%s', (_name, values, effort, sizeMax) => {
    const { bytes, back } = roundTrip(values, effort);
    expect(back).toEqual([...values]);
    expect(bytes.length).toBeLessThanOrEqual(sizeMax);
  });
});

const nullsOf = (length: number): fc.Arbitrary<Uint8Array | null> =>
  fc.oneof(
    fc.constant(null),
    fc.constant(new Uint8Array(length).fill(1)),
    fc.uint8Array({ min: 0, max: 1, minLength: length, maxLength: length }),
  );

const columns: fc.Arbitrary<ColumnValues> = fc.integer({ min: 1, max: 70 }).chain((length) => {
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
});

function runningSum(lengths: readonly number[]): number[] {
  let sum = 0;
  return lengths.map((length) => (sum += length));
}

function print(column: ColumnValues): string[] {
  return Array.from({ length: column.length }, (_, row) => {
    if (column.kind !== 'split-time') return printValue(valueAt(column, row));
    const isNull = column.nulls !== null && column.nulls[row] === 1;
    return isNull ? 'NULL' : `${column.seconds[row]}+${column.fractions[row]}`;
  });
}

describe('columns', () => {
  it.each(efforts)('come back as they were, NULLs and all (%s)', (effort) => {
    const memory = new ScratchMemory();
    fc.assert(
      fc.property(columns, fc.boolean(), (column, usesScratch) => {
        memory.reset();
        const writer = new ByteWriter(16);
        const form = columnForm(column);
        encodeColumn(writer, column, form, effort);
        const reader = new ByteReader(writer.take());
        const back = decodeColumn(reader, form, column.length, usesScratch ? memory : freshMemory);
        reader.expectEnd();
        expect(print(back)).toEqual(print(column));
      }),
      { numRuns: 3000, seed: 20260102 },
    );
  });

  it('tells damage apart from values: a cut or changed column throws or decodes, and never reads past its end', () => {
    fc.assert(
      fc.property(columns, fc.nat(), fc.nat({ max: 255 }), (column, place, byte) => {
        const writer = new ByteWriter(16);
        const form = columnForm(column);
        encodeColumn(writer, column, form, 'small');
        const bytes = writer.take();
        if (bytes.length === 0) return;
        const damaged = bytes.slice();
        damaged[place % bytes.length] = byte;
        for (const input of [damaged, bytes.subarray(0, place % bytes.length)]) {
          try {
            decodeColumn(new ByteReader(input), form, column.length, freshMemory);
          } catch (error) {
            expect(error).toBeInstanceOf(DamagedBytesError);
          }
        }
      }),
      { numRuns: 2000, seed: 20260103 },
    );
  });
});

describe('variable-length integers', () => {
  it('hold every safe integer', () => {
    const integers = fc.oneof(
      fc.maxSafeInteger(),
      fc.integer(),
      fc.constantFrom(0, -1, 63, 64, -64, -65, 2 ** 53 - 1, -(2 ** 53 - 1)),
    );
    fc.assert(
      fc.property(integers, (value) => {
        const writer = new ByteWriter(4);
        writer.zigzag(value);
        writer.varint(Math.abs(value));
        const reader = new ByteReader(writer.take());
        expect(reader.zigzag()).toBe(value);
        expect(reader.varint()).toBe(Math.abs(value));
        reader.expectEnd();
      }),
      { numRuns: 1000, seed: 20260104 },
    );
  });
});
