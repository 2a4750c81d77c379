/**
 * Number codecs: their bytes, which are on the page storage/FORMAT.md and in fixtures that are kept for ever, and which codec a column
 * of typical data gets, so that a choice does not get worse unnoticed.
 */

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { ByteReader, DamagedBytesError } from '../../storage/byte-reader.js';
import { ByteWriter } from '../../storage/byte-writer.js';
import { columnForm, encodeColumn } from '../../storage/column-codec.js';
import { NumberCodec } from '../../storage/number-codec.js';
import { decodeNumbers } from '../../storage/number-decoder.js';
import { type Effort, encodeNumbers } from '../../storage/number-encoder.js';
import type { NumberSummary } from '../../storage/number-scan.js';
import { valueCodec } from '../../storage/value-codec.js';
import { freshMemory } from '../../storage/vector-memory.js';
import { hexOfBytes, readHexFixture } from '../support/hex-fixture.js';
import { printValue } from '../support/vector-values.js';

const many = (count: number, valueOf: (index: number) => number): number[] =>
  Array.from({ length: count }, (_, index) => valueOf(index));

function encoded(values: readonly number[], effort: Effort): Uint8Array {
  const writer = new ByteWriter(16);
  encodeNumbers(writer, Float64Array.from(values), values.length, effort);
  return writer.take();
}

function decoded(bytes: Uint8Array, count: number): number[] {
  const reader = new ByteReader(bytes);
  const values = Array.from(decodeNumbers(reader, count, freshMemory));
  reader.expectEnd();
  return values;
}

/** A pseudo-random integer 0 <= n < limit that depends on `index` only. */
function scattered(index: number, limit: number): number {
  let mixed = Math.imul(index + 1, 0x9e3779b1);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x85ebca6b);
  return ((mixed ^ (mixed >>> 13)) >>> 0) % limit;
}

describe('the bytes of each codec', () => {
  const fixtures: Readonly<Record<keyof typeof NumberCodec | 'digits', readonly number[]>> = {
    raw64: [0.1, NaN],
    raw32: [0.5, Infinity],
    packed: [7, 9, 300],
    digits: many(16, (i) => 20 + (i % 3)),
    delta: many(16, (i) => 1000 * i + ((i * i) % 7)),
    delta2: [0, 1, 3, 6, 10],
    runs: [...many(20, () => 5), ...many(30, () => -0.5)],
    decimal: [20.5, 21.25],
    multiple: many(16, (i) => 86_400 * (20_000 + ((37 * i * i) % 1000))),
    constant: [NaN, NaN],
    deltas: many(40, (i) => (i < 24 ? 1000 + 10 * i : 5 + 10 * i)),
    patched: many(40, (i) => (i === 17 ? 1_000_000 : (i * i) % 3)),
    dictionary: many(64, (i) => ((i * i) % 3 === 0 ? 1_000_000_000 : 5_000_000_007)),
  };
  const page = readFileSync(resolve(__dirname, '../../storage/FORMAT.md'), 'utf8');
  const pageBytes = page.replace(/ {2,}.*$/gm, '').replace(/\s+/g, '');

  it.each(Object.entries(fixtures))(
    '%s are those of its fixture and of FORMAT.md',
    (name, values) => {
      const bytes = readHexFixture(`storage/testdata/v1/number-${name}.hex`);
      expect(decoded(bytes, values.length).map(printValue)).toEqual(values.map(printValue));
      expect(pageBytes).toContain(hexOfBytes(bytes));
      // Written by earlier versions, and read for ever.
      if (name !== 'delta2') expect(hexOfBytes(encoded(values, 'small'))).toBe(hexOfBytes(bytes));
    },
  );

  it('numbers are frozen', () => {
    expect(NumberCodec).toEqual({
      raw64: 0,
      raw32: 1,
      packed: 2,
      delta: 3,
      delta2: 4,
      runs: 5,
      decimal: 6,
      multiple: 7,
      constant: 8,
      deltas: 9,
      patched: 10,
      dictionary: 11,
    });
  });
});

describe('digits', () => {
  it.each(many(15, (i) => i + 2))('of base %i come back, and take whole bytes', (radix) => {
    const perByte = Math.floor(Math.log(256) / Math.log(radix) + 1e-9);
    for (const count of [16, 17, 23, 160, 8192]) {
      const values = many(count, (i) => (i < 2 ? i * (radix - 1) : scattered(i, radix)) - 7);
      const bytes = encoded(values, 'fast');
      expect(decoded(bytes, count)).toEqual(values);
      expect(bytes.length).toBe(3 + Math.ceil(count / perByte));
    }
  });
});

describe('which codec a column gets', () => {
  const ROWS = 8192;
  const walk = (step: number): number[] => {
    let value = 50;
    return many(ROWS, (i) => {
      value = Math.min(100, Math.max(0, value + scattered(i, 2 * step + 1) - step));
      return value;
    });
  };
  const stamps = many(
    200,
    (i) => 3.6e15 + (5 * i + scattered(i, 5)) * 2048 + 8 * scattered(i, 3) + 1,
  );
  const cases: readonly [string, readonly number[], Effort, string, number][] = [
    ['a counter that stands still', many(ROWS, () => 1e12), 'small', 'packed', 12],
    ['no number at all', many(ROWS, () => NaN), 'small', 'constant', 10],
    ['a metric that goes up or down by one', walk(1), 'small', 'delta', 1660],
    ['a metric that jumps', walk(40), 'small', 'packed', 8200],
    ['flags', many(ROWS, (i) => scattered(i, 2)), 'small', 'packed', 1030],
    ['flags that last', many(ROWS, (i) => Math.floor(i / 500) % 2), 'small', 'runs', 40],
    [
      'times of one series, every 10 seconds',
      many(ROWS, (i) => 1.7e9 + 10 * i),
      'small',
      'multiple, delta',
      14,
    ],
    [
      'times of 20 series, one after another',
      many(ROWS, (i) => 1.7e9 + 10 * (i % 410)),
      'small',
      'deltas, runs',
      180,
    ],
    [
      'times that are a little off',
      many(ROWS, (i) => 1.7e12 + 10_000 * i + scattered(i, 100)),
      'small',
      'delta',
      8220,
    ],
    [
      'days, in seconds',
      many(ROWS, (i) => 86_400 * (11_000 + scattered(i, 9000))),
      'small',
      'multiple, packed',
      16_400,
    ],
    [
      'whole minutes, series by series, at odd times',
      many(ROWS, (i) => 1.7e9 + 60 * ((i % 100) * 1300 + scattered(i, 1300))),
      'small',
      'multiple, deltas, patched',
      16_800,
    ],
    [
      'seconds, in nanoseconds',
      many(ROWS, (i) => 1e9 * scattered(i, 50_000)),
      'small',
      'multiple, packed',
      16_400,
    ],
    [
      'versions of batches, series by series',
      many(ROWS, (i) => stamps[i % 200]!),
      'small',
      'dictionary',
      10_000,
    ],
    ['versions of one batch', many(ROWS, () => stamps[7]!), 'small', 'packed', 12],
    ['series, sorted', many(ROWS, (i) => Math.floor(i / 82)), 'small', 'runs', 250],
    [
      'temperatures with a decimal',
      many(ROWS, (i) => scattered(i, 250) / 10),
      'small',
      'decimal, packed',
      8200,
    ],
    [
      'amounts in cents, mostly small',
      many(ROWS, (i) => (i % 500 === 3 ? 1e7 : scattered(i, 200)) / 100),
      'small',
      'decimal, patched',
      8400,
    ],
    ['a few odd reals', many(ROWS, (i) => Math.sin(scattered(i, 50))), 'small', 'dictionary', 8650],
    ['floats', many(ROWS, (i) => Math.fround(Math.sin(i))), 'small', 'raw32', 32_770],
    ['reals', many(ROWS, (i) => Math.sin(i)), 'small', 'raw64', 65_540],
    [
      'a tag tuple of each row, hosts in turn',
      many(5000, (i) => i % 100),
      'fast',
      'deltas, runs',
      300,
    ],
    [
      'times of each row, hosts in turn',
      many(5000, (i) => 1.7e9 + Math.floor(i / 100) * 10),
      'fast',
      'runs',
      130,
    ],
    ['a metric, hosts in turn', many(5000, (i) => scattered(i, 101)), 'fast', 'packed', 5010],
  ];

  it.each(cases)('%s', (_name, values, effort, codec, bytesMax) => {
    const vector = {
      kind: 'number',
      length: values.length,
      values: Float64Array.from(values),
      nulls: null,
    } as const;
    const writer = new ByteWriter(16);
    const form = columnForm(vector);
    writer.uint8(form);
    encodeColumn(writer, vector, form, effort);
    const payload = writer.take();
    expect(valueCodec(payload, values.length)).toBe(codec);
    expect(payload.length).toBeLessThanOrEqual(bytesMax);
    expect(decoded(payload.subarray(1), values.length)).toEqual([...values]);
  });
});

describe('what is noted of the values on the way', () => {
  const summary = (values: readonly number[]): NumberSummary => {
    const found: NumberSummary = { isKnown: false, min: 0, max: 0, sum: 0 };
    encodeNumbers(new ByteWriter(16), Float64Array.from(values), values.length, 'small', found);
    return found;
  };

  it.each<[string, readonly number[], number, number, number]>([
    ['integers', [3, -1, 4, 1, -5], -5, 4, 2],
    ['reals', [0.5, -0.25, 2], -0.25, 2, 2.25],
    ['infinities', [Infinity, 1], 1, Infinity, Infinity],
    ['one value', [7], 7, 7, 7],
    ['an integer, then a real', [9, 8, 0.5], 0.5, 9, 17.5],
  ])('%s', (_name, values, min, max, sum) => {
    expect(summary(values)).toEqual({ isKnown: true, min, max, sum });
  });

  it('nothing is known of a column with a NaN, or of an empty one', () => {
    expect(summary([1, NaN, 3]).isKnown).toBe(false);
    expect(summary([]).isKnown).toBe(false);
  });
});

describe('damage', () => {
  it.each<[string, string, number, string]>([
    ['an unknown codec', 'ff', 3, 'number codec 255 is unknown'],
    ['an unknown width', '020003000000', 3, 'packed width 3 is unknown'],
    ['digits of base 1', '020011000000', 3, 'packed width 17 is unknown'],
    ['digits of base 17', '020021000000', 3, 'packed width 33 is unknown'],
    ['more exceptions than values', '0a04', 3, 'more exceptions than values'],
    [
      'an exception behind the end',
      '0a01020600020000' + '0000',
      3,
      'an exception is not in its column',
    ],
    ['more entries than values', '0b04', 3, 'a dictionary is larger than its column'],
    ['a code that is no entry', '0b01020200020000', 3, 'a code is not in its dictionary'],
    ['deltas of one value', '0902', 1, 'a delta codec needs two values'],
    ['more runs than values', '0504', 3, 'more runs than values'],
    ['runs of 1.5 values', '050208000000000000f83f020000', 3, 'the length of a run is no count'],
    ['runs of -1 values', '050208000000000000f0bf020000', 3, 'the length of a run is no count'],
    ['codecs without end', '0601'.repeat(9), 3, 'codecs are nested too deep'],
    ['a cut', '02000100', 3, '3 bytes expected at 3, 1 are left'],
  ])('%s is told', (_name, hex, count, message) => {
    const read = (): unknown =>
      decodeNumbers(new ByteReader(Buffer.from(hex, 'hex')), count, freshMemory);
    expect(read).toThrow(new DamagedBytesError(message));
  });
});
