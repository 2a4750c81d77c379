/** Every codec gives back what it was given, bit for bit, with every edge a column can have; and damage is told, never read past. */

import fc from 'fast-check';
import { ByteReader, DamagedBytesError } from '../../storage/byte-reader.js';
import { ByteWriter } from '../../storage/byte-writer.js';
import { columnForm, decodeColumn, encodeColumn } from '../../storage/column-codec.js';
import { decodeNumbers } from '../../storage/number-decoder.js';
import { type Effort, encodeNumbers } from '../../storage/number-encoder.js';
import { freshMemory, ScratchMemory } from '../../storage/vector-memory.js';
import { columns, numberColumns, printColumn } from '../support/column-arbitraries.js';
import { printValue } from '../support/vector-values.js';

const efforts: readonly Effort[] = ['fast', 'small', 'compact'];

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
        expect(printColumn(back)).toEqual(printColumn(column));
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
