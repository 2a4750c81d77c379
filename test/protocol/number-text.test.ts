/** Numbers as MySQL prints them, against tables and against JavaScript's own text. */

import fc from 'fast-check';
import {
  NUMBER_TEXT_BYTES_MAX,
  writeDouble,
  writeFloat,
  writeInteger,
  writeInteger64,
  writePadded,
} from '../../protocol/number-text.js';

type Write = (target: Uint8Array, offset: number) => number;

/** What `write` leaves in a buffer, at an offset that is not 0; bytes outside must stay untouched. */
function textOf(write: Write): string {
  const target = new Uint8Array(NUMBER_TEXT_BYTES_MAX + 8).fill(0xee);
  const end = write(target, 3);
  expect(end - 3).toBeLessThanOrEqual(NUMBER_TEXT_BYTES_MAX);
  expect([...target.subarray(0, 3)]).toEqual([0xee, 0xee, 0xee]);
  expect(target[end]).toBe(0xee);
  return Buffer.from(target.subarray(3, end)).toString('latin1');
}

const integer = (value: number): string => textOf((t, o) => writeInteger(t, o, value));
const double = (value: number): string => textOf((t, o) => writeDouble(t, o, value));
const float = (value: number): string => textOf((t, o) => writeFloat(t, o, Math.fround(value)));
const integer64 = (value: bigint, unsigned: boolean): string =>
  textOf((t, o) =>
    writeInteger64(
      t,
      o,
      Number(unsigned ? BigInt.asUintN(64, value) >> 32n : value >> 32n),
      Number(value & 0xffffffffn),
      unsigned,
    ),
  );

describe('integers', () => {
  test.each([
    0,
    9,
    10,
    99,
    100,
    999,
    1000,
    99999,
    100000,
    999999,
    1e6,
    9999999,
    1e7,
    1e8,
    999999999,
    1e9,
    1e9 + 1,
    4294967295,
    1e15,
    9007199254740991,
    -1,
    -10,
    -2147483648,
    -9007199254740991,
  ])('%d', (value) => {
    expect(integer(value)).toBe(String(value));
  });

  test('any safe integer prints as JavaScript prints it', () => {
    fc.assert(fc.property(fc.maxSafeInteger(), (value) => integer(value) === String(value + 0)));
  });
});

describe('64-bit integers', () => {
  test.each([
    [0n, false],
    [-1n, false],
    [-9223372036854775808n, false],
    [9223372036854775807n, false],
    [18446744073709551615n, true],
    [9223372036854775808n, true],
    [9007199254740992n, false],
    [-9007199254740993n, false],
    [10000000000000000000n, true],
    [-4294967296n, false],
  ] as const)('%s', (value, unsigned) => {
    expect(integer64(value, unsigned)).toBe(String(value));
  });

  test('signed', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
        (value) => integer64(value, false) === String(value),
      ),
    );
  });

  test('unsigned', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        (value) => integer64(value, true) === String(value),
      ),
    );
  });
});

describe('doubles print as MySQL prints them', () => {
  test.each([
    [0, '0'],
    [-0, '-0'],
    [1, '1'],
    [-1.5, '-1.5'],
    [0.1, '0.1'],
    [0.30000000000000004, '0.30000000000000004'],
    [21.5, '21.5'],
    [99.123456, '99.123456'],
    [0.000001, '0.000001'],
    [0.0000001, '0.0000001'],
    [1.0000001, '1.0000001'],
    [123456789.123456, '123456789.123456'],
    [100000000000000, '100000000000000'],
    [1e15, '1e15'],
    [1e20, '1e20'],
    [-1e20, '-1e20'],
    [1.5e300, '1.5e300'],
    [123456789012345680, '1.2345678901234568e17'],
    [1234567890123456.8, '1234567890123456.8'],
    [123456789012345.67, '123456789012345.67'],
    [999999999999999, '999999999999999'],
    [1e-15, '0.000000000000001'],
    [1e-16, '1e-16'],
    [1.25e-16, '1.25e-16'],
    [5e-324, '5e-324'],
    [1.7976931348623157e308, '1.7976931348623157e308'],
    [NaN, 'NaN'],
    [Infinity, 'Infinity'],
    [-Infinity, '-Infinity'],
  ])('%d', (value, text) => {
    expect(double(value)).toBe(text);
  });

  test('every double reads back as itself', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), (value) => Object.is(Number(double(value)), value)),
    );
  });

  test('decimals with few digits come out as they were written', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 999_999_999 }),
        fc.integer({ min: 1, max: 8 }),
        (digits, decimals) => {
          const value = Number(`${digits}e-${decimals}`);
          expect(double(value)).toBe(
            value >= 1e-6 ? String(value) : value.toFixed(20).replace(/0+$/, ''),
          );
        },
      ),
    );
  });

  test('the exponent appears exactly where my_gcvt puts it', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const [mantissa = '', exponent = '0'] = Math.abs(value).toExponential().split('e');
        const digits = mantissa.replace('.', '').length;
        const point = Number(exponent) + 1;
        const plain = value === 0 || (point >= -14 && (point <= 15 || digits > point));
        expect(double(value).includes('e')).toBe(!plain);
      }),
    );
  });
});

describe('floats print at most six digits', () => {
  test.each([
    [0.1, '0.1'],
    [1.1, '1.1'],
    [-2.5, '-2.5'],
    [16777216, '16777200'],
    [123456, '123456'],
    [1234567, '1234570'],
    [3.14159265, '3.14159'],
    [1e20, '1e20'],
    [1e-20, '1e-20'],
    [3.4028234663852886e38, '3.40282e38'],
    [0, '0'],
    [NaN, 'NaN'],
    [-Infinity, '-Infinity'],
  ])('%d', (value, text) => {
    expect(float(value)).toBe(text);
  });

  test('the printed value is the float rounded to six digits', () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(Number(float(value)) + 0).toBe(Number(value.toPrecision(6)) + 0);
      }),
    );
  });
});

test('padded numbers keep their zeros', () => {
  expect(textOf((t, o) => writePadded(t, o, 42, 6))).toBe('000042');
});
