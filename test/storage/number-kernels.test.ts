/**
 * The loops of kernels/numbers.ts do what a plain loop does: for every length around the width of a step and around what they take at
 * once, for the widest values, and whether the values are in their memory or elsewhere.
 */

import { ByteReader } from '../../storage/byte-reader.js';
import { ByteWriter } from '../../storage/byte-writer.js';
import { decodeNumbers } from '../../storage/number-decoder.js';
import { type Effort, encodeNumbers } from '../../storage/number-encoder.js';
import {
  accumulate,
  differences,
  divide,
  divideExactly,
  extremes,
  KERNEL_VALUES_MAX,
  kernelColumn,
  listOutside,
  multiply,
  packDigits,
  packRests,
  scaleDecimals,
  scanIntegers,
  scanReals,
  splitRuns,
  unpackDigits,
  unpackRests,
} from '../../storage/number-kernels.js';
import { newScan } from '../../storage/number-scan.js';
import { freshMemory } from '../../storage/vector-memory.js';
import { SeededRandom } from '../support/seeded-random.js';

const GREATEST = Number.MAX_SAFE_INTEGER;
const lengths = [
  ...Array.from({ length: 70 }, (_, index) => index + 1),
  ...[8191, 8192],
  ...[KERNEL_VALUES_MAX, KERNEL_VALUES_MAX + 1],
  ...[2 * KERNEL_VALUES_MAX - 1, 2 * KERNEL_VALUES_MAX],
];
const random = new SeededRandom(53);

const column = (length: number, valueOf: (index: number) => number): Float64Array =>
  Float64Array.from({ length }, (_, index) => valueOf(index));

const bitsOf = (values: Float64Array): string =>
  Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64');

/** What is behind the last value is never looked at. */
const withRest = (values: Float64Array): Float64Array =>
  column(values.length + 5, (index) => values[index] ?? NaN);

/** The same values elsewhere and, when they fit, in the kernels' memory. */
function placesOf(values: Float64Array): Float64Array[] {
  if (values.length > KERNEL_VALUES_MAX) return [withRest(values)];
  const place = kernelColumn(0);
  place.fill(NaN).set(values);
  return [withRest(values), place];
}

/** The same for what a loop makes. */
function targetsOf(length: number): Float64Array[] {
  const own = new Float64Array(length);
  return length > KERNEL_VALUES_MAX ? [own] : [own, kernelColumn(1)];
}

describe('rests above a base', () => {
  const bases = [0, -7, 1.7e12, GREATEST - 2 ** 32 + 1, -GREATEST];

  it.each([1, 2, 4])('of %i bytes are written and read', (width) => {
    for (const length of lengths) {
      const base = bases[length % bases.length]!;
      const rests = column(length, () => random.integer(0, 2 ** (8 * width) - 1));
      rests[length >> 1] = 2 ** (8 * width) - 1;
      const expected = Buffer.alloc(length * width);
      rests.forEach((rest, index) => expected.writeUIntLE(rest, index * width, width));
      const values = rests.map((rest) => base + rest);
      for (const place of placesOf(values)) {
        const bytes = Buffer.alloc(3 + length * width + 3, 0xee);
        packRests(bytes, 3, place, length, base, width);
        expect(bytes.toString('hex')).toBe(`eeeeee${expected.toString('hex')}eeeeee`);
      }
      for (const target of targetsOf(length)) {
        unpackRests(expected, 0, target, 0, length, base, width);
        expect(bitsOf(target.subarray(0, length))).toBe(bitsOf(values));
      }
    }
  });

  it.each([2, 3, 4, 5, 6, 7, 16])('as digits of base %i are written and read', (radix) => {
    const digits = Math.floor(Math.log(256) / Math.log(radix) + 1e-9);
    for (const length of lengths) {
      const base = bases[length % bases.length]!;
      const rests = column(length, (index) =>
        index % 11 < digits ? radix - 1 : random.integer(0, radix - 1),
      );
      const expected = Buffer.alloc(Math.ceil(length / digits));
      rests.forEach((rest, index) => {
        expected[Math.floor(index / digits)]! += rest * radix ** (index % digits);
      });
      const values = rests.map((rest) => base + rest);
      for (const place of placesOf(values)) {
        const bytes = Buffer.alloc(3 + expected.length + 3, 0xee);
        packDigits(bytes, 3, place, length, base, radix, digits);
        expect(bytes.toString('hex')).toBe(`eeeeee${expected.toString('hex')}eeeeee`);
      }
      for (const target of targetsOf(length)) {
        unpackDigits(expected, 0, target, 0, length, base, radix, digits);
        expect(bitsOf(target.subarray(0, length))).toBe(bitsOf(values));
      }
    }
  });
});

/** Columns that are hard in some way. */
const integers: Readonly<Record<string, (length: number) => Float64Array>> = {
  'small ones': (length) => column(length, () => random.integer(-3, 3)),
  runs: (length) => column(length, (index) => Math.floor(index / 7) % 3),
  'one run': (length) => column(length, () => -5),
  'all different': (length) => column(length, (index) => 1000 * index),
  'the widest': (length) => column(length, () => random.pick([-GREATEST, GREATEST, 0])),
};

describe.each(Object.entries(integers))('integers: %s', (_name, make) => {
  it('are looked at', () => {
    for (const length of lengths) {
      const values = make(length);
      for (const place of placesOf(values)) {
        const scan = newScan();
        expect(scanIntegers(place, length, scan)).toBe(true);
        expect(extremes(place, length)).toEqual({ min: scan.min, max: scan.max });
        expect(scan).toEqual({
          areIntegers: true,
          areFloats: false,
          isKnown: true,
          min: values.reduce((least, value) => Math.min(least, value)),
          max: values.reduce((greatest, value) => Math.max(greatest, value)),
          sum: values.reduce((sum, value) => sum + value, 0),
          runs: values.filter((value, index) => value !== values[index - 1]).length,
        });
      }
    }
  });

  it('are told from others wherever one is', () => {
    const odd = [0.5, -0, NaN, Infinity, 2 ** 53];
    for (const length of lengths) {
      const values = make(length);
      values[random.integer(0, length - 1)] = random.pick(odd);
      for (const place of placesOf(values)) {
        expect(scanIntegers(place, length, newScan())).toBe(false);
      }
    }
  });

  it('have differences, which lead back to them', () => {
    for (const length of lengths.slice(1)) {
      const values = make(length);
      const expected = column(length - 1, (index) => values[index + 1]! - values[index]!);
      for (const place of placesOf(values)) {
        for (const target of targetsOf(length)) {
          const scan = newScan();
          differences(place, length, target, scan);
          expect(bitsOf(target.subarray(0, length - 1))).toBe(bitsOf(expected));
          expect([scan.min, scan.max, scan.runs]).toEqual([
            expected.reduce((least, value) => Math.min(least, value)),
            expected.reduce((greatest, value) => Math.max(greatest, value)),
            expected.filter((value, index) => value !== expected[index - 1]).length,
          ]);
        }
      }
      const areSafe = expected.every((value) => Number.isSafeInteger(value));
      if (length > KERNEL_VALUES_MAX || !areSafe) continue;
      kernelColumn(0).set(expected);
      accumulate(kernelColumn(0), length, values[0]!);
      expect(bitsOf(kernelColumn(0).subarray(0, length))).toBe(bitsOf(values));
    }
  });

  it('are divided, up to the first that is no multiple', () => {
    for (const length of lengths) {
      // A sum with 0 is never -0.
      const quotients = make(length).map((value) => Math.trunc(value / 60) + 0);
      const multiples = quotients.map((value) => value * 60);
      for (const place of placesOf(multiples)) {
        for (const target of targetsOf(length)) {
          expect(divideExactly(place, length, 60, target)).toBe(length);
          expect(bitsOf(target.subarray(0, length))).toBe(bitsOf(quotients));
        }
        const odd = random.integer(0, length - 1);
        place[odd]! += 1;
        expect(divideExactly(place, length, 60, new Float64Array(length))).toBe(odd);
      }
    }
  });
});

it('differences beyond safe integers are accumulated as far as their sums are exact', () => {
  const values = column(70, (index) => [2 ** 52, -(2 ** 52) + 1, 2 ** 51 + 1][index % 3]!);
  kernelColumn(0).set(values.subarray(1).map((value, index) => value - values[index]!));
  accumulate(kernelColumn(0), values.length, values[0]!);
  expect(kernelColumn(0).subarray(0, values.length)).toEqual(values);
});

describe('values outside a range', () => {
  it.each([0, 0.02, 0.4, 1])('are listed where %d of all are', (share) => {
    for (const length of lengths) {
      const [base, reach] = [-GREATEST + length, 2 ** 32 - 1];
      const values = column(length, () => {
        if (random.chance(share)) return random.pick([base - 1, base + reach + 1, GREATEST]);
        return random.pick([base, base + 5, base + reach]);
      });
      const expected = Uint32Array.from(values.keys()).filter(
        (index) => values[index]! < base || values[index]! > base + reach,
      );
      for (const place of placesOf(values)) {
        const places = new Uint32Array(length);
        expect(listOutside(place, length, base, reach, length, places)).toBe(expected.length);
        expect(places.subarray(0, expected.length).join()).toBe(expected.join());
        const most = expected.length >> 1;
        const listed = listOutside(place, length, base, reach, most, places);
        expect(listed > most).toBe(expected.length > most);
      }
    }
  });
});

describe('runs', () => {
  it.each<[string, readonly number[]]>([
    ['integers', [0, 1, 2]],
    ['zeros and nothings', [0, -0, NaN, 0.5]],
  ])('of %s are split by their bits', (_name, kinds) => {
    for (const length of lengths) {
      const stay = [0, 0.5, 0.95, 1][length % 4]!;
      let value = kinds[0]!;
      const values = column(length, () => {
        if (!random.chance(stay)) value = random.pick(kinds);
        return value;
      });
      const starts = Array.from(values.keys()).filter(
        (index) => index === 0 || !Object.is(values[index], values[index - 1]),
      );
      for (const place of placesOf(values)) {
        const heads = new Float64Array(length);
        const runLengths = new Float64Array(length);
        splitRuns(place, length, heads, runLengths);
        expect(bitsOf(heads.subarray(0, starts.length))).toBe(
          bitsOf(column(starts.length, (run) => values[starts[run]!]!)),
        );
        expect(runLengths.subarray(0, starts.length).join()).toBe(
          starts.map((start, run) => (starts[run + 1] ?? length) - start).join(),
        );
      }
    }
  });
});

describe('numbers of any kind', () => {
  const reals: Readonly<Record<string, () => number>> = {
    floats: () => random.pick([0.5, -0.25, 3, NaN]),
    'wider than floats': () => random.pick([0.1, 0.5]),
    'zeros, nothings, infinities': () => random.pick([0, -0, NaN, Infinity, -Infinity]),
    scattered: () => random.nextFloat() - 0.5,
    'beyond floats': () => random.pick([1e300, -1e300, 1]),
  };

  it.each(Object.entries(reals))('are looked at: %s', (_name, valueOf) => {
    for (const length of lengths) {
      const values = column(length, valueOf);
      for (const place of placesOf(values)) {
        const scan = newScan();
        scanReals(place, length, scan);
        const expected = {
          areIntegers: false,
          areFloats: values.every((value) => Object.is(Math.fround(value), value)),
          isKnown: !values.some(Number.isNaN),
          min: values.reduce((least, value) => (value < least ? value : least), Infinity),
          max: values.reduce((most, value) => (value > most ? value : most), -Infinity),
          sum: values.reduce((sum, value) => sum + value, 0),
          runs: values.filter((value, i) => i === 0 || !Object.is(value, values[i - 1])).length,
        };
        expect(scan).toEqual(expected);
      }
    }
  });

  it('are scaled, up to the first that is no decimal', () => {
    for (const length of lengths) {
      const integers = column(length, () => random.integer(-9999, 9999));
      const decimals = integers.map((value) => value / 100);
      for (const place of placesOf(decimals)) {
        for (const target of targetsOf(length)) {
          expect(scaleDecimals(place, length, 100, target)).toBe(length);
          expect(bitsOf(target.subarray(0, length))).toBe(bitsOf(integers));
        }
        const odd = random.integer(0, length - 1);
        place[odd] = -0;
        expect(scaleDecimals(place, length, 100, new Float64Array(length))).toBe(-1);
        place[odd] = random.pick([0.001, NaN, 1e-300]);
        expect(scaleDecimals(place, length, 100, new Float64Array(length))).toBe(odd);
      }
    }
  });

  it('round as JavaScript rounds when they are scaled', () => {
    const ties = [0.05, 0.15, -0.05, 2.5e14 + 0.05, 0.49999999999999994, -0.45];
    for (const tie of ties) {
      const target = new Float64Array(1);
      scaleDecimals(Float64Array.of(tie), 1, 10, target);
      const rounded = Math.round(tie * 10);
      if (rounded / 10 === tie) expect(target[0]).toBe(rounded);
      else expect(scaleDecimals(Float64Array.of(tie), 1, 10, target)).toBe(0);
    }
  });
});

it('multiplies and divides each value', () => {
  for (const length of lengths.filter((count) => count <= KERNEL_VALUES_MAX)) {
    const values = column(length, () => random.nextFloat() * 1e6);
    const place = kernelColumn(0);
    place.set(values);
    multiply(place, length, 60);
    expect(bitsOf(place.subarray(0, length))).toBe(bitsOf(values.map((value) => value * 60)));
    place.set(values);
    divide(place, length, 1000);
    expect(bitsOf(place.subarray(0, length))).toBe(bitsOf(values.map((value) => value / 1000)));
  }
});

describe('a column of any length', () => {
  const efforts: readonly Effort[] = ['fast', 'small', 'compact'];
  const kinds: Readonly<Record<string, (index: number) => number>> = {
    'small integers': () => random.integer(0, 2),
    'wide integers': () => random.integer(0, 60_000),
    'few odd ones': () =>
      random.chance(0.01) ? random.integer(0, GREATEST) : random.integer(0, 9),
    'even steps that break off': (index) => 1.7e9 + 10 * (index % 82),
    multiples: () => 86_400 * random.integer(20_000, 29_000),
    decimals: () => random.integer(0, 2000) / 100,
    reals: () => random.nextFloat(),
  };

  it.each(Object.entries(kinds))('comes back, and stays as it was: %s', (_name, valueOf) => {
    for (const length of lengths) {
      const values = column(length, valueOf);
      const given = values.slice();
      const writer = new ByteWriter(16);
      encodeNumbers(writer, given, length, efforts[length % efforts.length]!);
      expect(bitsOf(given)).toBe(bitsOf(values));
      const back = decodeNumbers(new ByteReader(writer.take()), length, freshMemory);
      expect(bitsOf(back)).toBe(bitsOf(values));
    }
  });
});
