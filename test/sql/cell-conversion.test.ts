/** Values into columns: MySQL's strict conversions and the errors they end in. */

import fc from 'fast-check';
import type { SqlType } from '../../src/catalog/sql-type.js';
import { findTimeZone } from '../../src/exec/time-zone.js';
import type { TimeZone } from '../../src/exec/time-zone.js';
import type { TypedValue } from '../../src/exec/sql-value.js';
import { SqlError } from '../../protocol/index.js';
import { CellConverter } from '../../src/sql/cell-conversion.js';
import { writeTypedValue } from '../../src/sql/typed-cell.js';
import {
  BIG,
  BIG_UNSIGNED,
  datetime,
  DOUBLE,
  INT,
  RecordingSink,
  scanPieces,
  TEXT,
  timestamp,
} from './scan-support.js';

const BOOLEAN: SqlType = { kind: 'boolean' };
const TINY: SqlType = { kind: 'integer', bits: 8, unsigned: false };
const TINY_UNSIGNED: SqlType = { kind: 'integer', bits: 8, unsigned: true };
const MEDIUM: SqlType = { kind: 'integer', bits: 24, unsigned: false };
const INT_UNSIGNED: SqlType = { kind: 'integer', bits: 32, unsigned: true };
const FLOAT: SqlType = { kind: 'float' };
const DATE: SqlType = { kind: 'date' };
const VARCHAR_3: SqlType = { kind: 'text', spelling: 'varchar', length: 3 };
const CHAR_3: SqlType = { kind: 'text', spelling: 'char', length: 3 };
const BLOB: SqlType = { kind: 'blob', spelling: 'blob', length: null };
const VARBINARY_3: SqlType = { kind: 'blob', spelling: 'varbinary', length: 3 };
const BINARY_3: SqlType = { kind: 'blob', spelling: 'binary', length: 3 };

const OUT_OF_RANGE = "1264 Out of range value for column 'c' at row 1";
const TRUNCATED = "1265 Data truncated for column 'c' at row 1";
const TOO_LONG = "1406 Data too long for column 'c' at row 1";
const notInteger = (value: string): string =>
  `1366 Incorrect integer value: '${value}' for column 'c' at row 1`;
const notDatetime = (value: string): string =>
  `1292 Incorrect datetime value: '${value}' for column 'c' at row 1`;
const notDate = (value: string): string =>
  `1292 Incorrect date value: '${value}' for column 'c' at row 1`;

function zone(name: string): TimeZone {
  const found = findTimeZone(name);
  if (found === null) throw new Error(`no zone ${name}`);
  return found;
}

/** The cell that one literal becomes, or the error. */
function convert(type: SqlType, text: string, timeZone = zone('UTC')): string {
  const { rows, error } = scanPieces([{ name: 'c', type }], `(${text})`, [], { timeZone });
  return error ?? rows[0]?.[0] ?? 'nothing';
}

describe('literals', () => {
  test.each<[type: SqlType, text: string, cell: string]>([
    // integers
    [TINY, '127', '127'],
    [TINY, '128', OUT_OF_RANGE],
    [TINY, '-128', '-128'],
    [TINY, '-129', OUT_OF_RANGE],
    [TINY_UNSIGNED, '255', '255'],
    [TINY_UNSIGNED, '256', OUT_OF_RANGE],
    [TINY_UNSIGNED, '-1', OUT_OF_RANGE],
    [MEDIUM, '8388607', '8388607'],
    [MEDIUM, '8388608', OUT_OF_RANGE],
    [INT_UNSIGNED, '4294967295', '4294967295'],
    [INT, 'TRUE', '1'],
    [BIG, '9007199254740993', '9007199254740993'],
    [BIG, '9223372036854775807', '9223372036854775807'],
    [BIG, '9223372036854775808', OUT_OF_RANGE],
    [BIG, '-9223372036854775808', '-9223372036854775808'],
    [BIG, '-9223372036854775809', OUT_OF_RANGE],
    [BIG, '0000000000000000000000000000000000000000000000000042', '42'],
    [BIG_UNSIGNED, '18446744073709551615', '-1'], // both halves full
    [BIG_UNSIGNED, '18446744073709551616', OUT_OF_RANGE],
    [BIG_UNSIGNED, "'18446744073709551615'", '-1'],
    [INT, '1.4999', '1'],
    [INT, '1.5', '2'],
    [INT, '-1.5', '-2'],
    [INT, '0.5', '1'],
    [INT, '-0.4', '0'],
    [INT, '123456789012345678901.5e-12', '123456789'],
    [INT, '2.5e0', '2'],
    [INT, '1e5', '100000'],
    [INT, '1e300', OUT_OF_RANGE],
    [BIG, '9223372036854775806.5', '9223372036854775807'],
    [BIG, '0.99999999999999999999999', '1'],
    [INT, "'12'", '12'],
    [INT, "'  -12\t'", '-12'],
    [INT, "'1.5'", '2'],
    [INT, "'1e3'", '1000'],
    [INT, "'2.5e0'", '3'],
    [INT, "'12a'", TRUNCATED],
    [INT, "'a12'", notInteger('a12')],
    [INT, "''", notInteger('')],
    [INT, "'2147483648'", OUT_OF_RANGE],
    [INT, "X'7fffffff'", '2147483647'],
    [INT, "X''", '0'],
    [BIG, "X'7fffffffffffffff'", '9223372036854775807'],
    [BIG, "X'010000000000000000'", OUT_OF_RANGE],
    // booleans
    [BOOLEAN, 'true', '1'],
    [BOOLEAN, '0', '0'],
    [BOOLEAN, '2', OUT_OF_RANGE],
    [BOOLEAN, "'1'", '1'],
    [BOOLEAN, "'False'", '0'],
    [BOOLEAN, "'yes'", notInteger('yes')],
    // floating point
    [DOUBLE, '1', '1'],
    [DOUBLE, '-0.0', '-0'],
    [DOUBLE, '0.1', '0.1'],
    [DOUBLE, '1.7976931348623157e308', '1.7976931348623157e+308'],
    [DOUBLE, '1e309', OUT_OF_RANGE],
    [DOUBLE, '1e-400', '0'],
    [DOUBLE, '123456789012345678901234567890', '1.2345678901234568e+29'],
    [DOUBLE, "'1.5'", '1.5'],
    [DOUBLE, "'1.5x'", TRUNCATED],
    [DOUBLE, "'x'", TRUNCATED],
    [DOUBLE, "''", TRUNCATED],
    [DOUBLE, "'1e309'", OUT_OF_RANGE],
    [FLOAT, '0.1', String(Math.fround(0.1))],
    [FLOAT, '1e39', OUT_OF_RANGE],
    [FLOAT, '16777217', '16777216'],
    // text
    [TEXT, '5', "'5'"],
    [TEXT, '-007.50', "'-7.50'"],
    [TEXT, '1e20', "'1e20'"],
    [TEXT, '1.5e3', "'1500'"],
    [TEXT, 'TRUE', "'1'"],
    [TEXT, "X'414243'", "'ABC'"],
    [TEXT, "X'ff'", "1366 Incorrect string value: '\\xFF' for column 'c' at row 1"],
    [
      TEXT,
      "X'c3a9ff41424344454647'",
      "1366 Incorrect string value: '\\xFFABCDE...' for column 'c' at row 1",
    ],
    [VARCHAR_3, "'abc'", "'abc'"],
    [VARCHAR_3, "'abcd'", TOO_LONG],
    [VARCHAR_3, "'ab    '", "'ab '"],
    [VARCHAR_3, "'äöü'", `'${Buffer.from('äöü').toString('latin1')}'`],
    [VARCHAR_3, "'äöüß'", TOO_LONG],
    [VARCHAR_3, '1234', TOO_LONG],
    [CHAR_3, "'a  '", "'a'"],
    [CHAR_3, "'ab    '", "'ab'"],
    [CHAR_3, "'abcd'", TOO_LONG],
    // binary
    [BLOB, "X'00ff'", "'\x00\xff'"],
    [BLOB, '12', "'12'"],
    [VARBINARY_3, "'abcd'", TOO_LONG],
    [BINARY_3, "'a'", "'a\0\0'"],
    // times
    [timestamp(0), "'2024-02-29 12:34:56'", '1709210096+0'],
    [timestamp(3), "'2024-02-29 12:34:56.7895'", '1709210096+790'],
    [timestamp(0), "'2024-02-29 23:59:59.5'", '1709251200+0'],
    [timestamp(3), "'2024-02-29 23:59:59.9996'", '1709251200+0'],
    [timestamp(9), "'2024-02-29T12:34:56.123456789Z'", '1709210096+123456789'],
    [timestamp(3), "'2024-02-29 12:34:56+02:00'", '1709202896+0'],
    [timestamp(3), "'2024-02-29'", '1709164800+0'],
    [timestamp(0), "'20240229'", '1709164800+0'],
    [timestamp(0), "'20240229123456'", '1709210096+0'],
    [timestamp(0), "'2024-2-9 1:2:3'", '1707440523+0'],
    [timestamp(3), "'1969-12-31 23:59:59.999'", '-1+999'],
    [timestamp(0), "'2023-02-29 00:00:00'", notDatetime('2023-02-29 00:00:00')],
    [timestamp(0), "'2024-13-01 00:00:00'", notDatetime('2024-13-01 00:00:00')],
    [timestamp(0), "'2024-01-01 24:00:00'", notDatetime('2024-01-01 24:00:00')],
    [timestamp(0), "'0000-00-00 00:00:00'", notDatetime('0000-00-00 00:00:00')],
    [timestamp(0), "'2024-01-01 00:00:00x'", notDatetime('2024-01-01 00:00:00x')],
    [timestamp(0), "'yesterday'", notDatetime('yesterday')],
    [timestamp(0), "''", notDatetime('')],
    [timestamp(3), '1709210096789', '1709210096+789'],
    [timestamp(9), '1709210096123456789', '1709210096+123456789'],
    [timestamp(9), '-1', '-1+999999999'],
    [timestamp(9), '-1709210096123456789', '-1709210097+876543211'],
    [timestamp(0), '253402300799', '253402300799+0'],
    [timestamp(0), '253402300800', notDatetime('253402300800')],
    [datetime(9), "'2262-04-11 23:47:16.854775807'", '9223372036+854775807'],
    [datetime(9), "'2262-04-11 23:47:16.854775808'", notDatetime('2262-04-11 23:47:16.854775808')],
    [datetime(9), "'1677-09-21 00:12:43.145224192'", '-9223372037+145224192'],
    [datetime(9), "'1677-09-21 00:12:43'", notDatetime('1677-09-21 00:12:43')],
    [datetime(9), "'0001-01-01'", notDatetime('0001-01-01')],
    [datetime(8), "'4892-10-07 21:52:49'", notDatetime('4892-10-07 21:52:49')],
    [datetime(7), "'9999-12-31 23:59:59.9999999'", '253402300799+9999999'],
    [timestamp(3), '1.5', notDatetime('1.5')],
    [timestamp(3), '1.7e12', '1700000000+0'],
    [datetime(6), "'2024-02-29 12:34:56.7895'", '1709210096+789500'],
    [datetime(0), '1709210096', '1709210096+0'],
    [DATE, "'2024-02-29'", '19782'],
    [DATE, "'2024-02-29 23:59:59.9'", '19782'],
    [DATE, '20240229', '19782'],
    [DATE, '000101', '10957'],
    [DATE, "'24-02-29'", '19782'],
    [DATE, "'2024-02-30'", notDate('2024-02-30')],
    [DATE, '5', notDate('000005')],
    [DATE, "'x'", notDate('x')],
  ])('%j %s -> %s', (type, text, cell) => {
    expect(convert(type, text)).toBe(cell);
  });

  test('long wrong values are quoted in part', () => {
    const message = convert(timestamp(0), `'${'x'.repeat(1000)}'`);
    expect(message).toBe(notDatetime('x'.repeat(128)));
  });
});

describe('time zones', () => {
  test.each<[type: SqlType, text: string, name: string, cell: string]>([
    [timestamp(0), "'2024-02-29 12:34:56'", '+02:00', '1709202896+0'],
    [timestamp(0), "'2024-07-01 12:00:00'", 'Europe/Berlin', '1719828000+0'],
    [timestamp(0), "'2024-01-01 12:00:00'", 'Europe/Berlin', '1704106800+0'],
    [timestamp(0), "'2024-01-01 12:00:00Z'", 'Europe/Berlin', '1704110400+0'],
    [timestamp(3), '1704110400000', 'Europe/Berlin', '1704110400+0'],
    [datetime(0), "'2024-07-01 12:00:00'", 'Europe/Berlin', '1719835200+0'],
    [datetime(0), "'2024-07-01 12:00:00Z'", 'Europe/Berlin', '1719842400+0'],
    [datetime(0), "'2024-07-01 12:00:00-05:00'", '+01:00', '1719856800+0'],
  ])('%j %s in %s', (type, text, name, cell) => {
    expect(convert(type, text, zone(name))).toBe(cell);
  });
});

describe('evaluated values', () => {
  const BERLIN = zone('Europe/Berlin');
  const text = (value: string): TypedValue => ({ type: TEXT, value: Buffer.from(value) });
  const decimal = (value: bigint, scale: number): TypedValue => ({
    type: { kind: 'decimal', precision: 30, scale },
    value,
  });

  function write(type: SqlType, value: TypedValue): string {
    const sink = new RecordingSink();
    const column = { name: 'c', type, nullable: true, schemaIndex: 0 };
    const converter = new CellConverter(column, { row: 1, timeZone: BERLIN });
    try {
      writeTypedValue(converter, sink, value);
    } catch (error) {
      if (!(error instanceof SqlError)) throw error;
      return `${error.errno} ${error.message}`;
    }
    sink.endRow();
    return sink.rows[0]?.[0] ?? 'nothing';
  }

  test.each<[type: SqlType, value: TypedValue, cell: string]>([
    [INT, { type: BIG, value: null }, 'NULL'],
    [INT, { type: BIG, value: 5 }, '5'],
    [BIG, { type: BIG, value: 9223372036854775807n }, '9223372036854775807'],
    [INT, { type: DOUBLE, value: 2.5 }, '2'],
    [INT, { type: DOUBLE, value: -0.2 }, '0'],
    [DOUBLE, { type: DOUBLE, value: NaN }, OUT_OF_RANGE],
    [BIG, { type: DOUBLE, value: 1e18 }, '1000000000000000000'],
    [INT, decimal(25n, 1), '3'],
    [DOUBLE, decimal(-5n, 3), '-0.005'],
    [TEXT, decimal(-5n, 3), "'-0.005'"],
    [INT, text('7'), '7'],
    [timestamp(3), { type: DOUBLE, value: 1709210096789 }, '1709210096+789'],
    [timestamp(3), { type: DOUBLE, value: 0.5 }, notDatetime('0.5')],
    // NOW() and its like
    [timestamp(3), { type: timestamp(6), value: 1709210096789600n }, '1709210096+790'],
    [timestamp(9), { type: timestamp(6), value: 1709210096789600n }, '1709210096+789600000'],
    [timestamp(0), { type: timestamp(6), value: -500000n }, '0+0'],
    [timestamp(0), { type: datetime(0), value: 1709210096n }, '1709206496+0'],
    [datetime(0), { type: timestamp(0), value: 1709206496n }, '1709210096+0'],
    [datetime(0), { type: datetime(0), value: 1709210096n }, '1709210096+0'],
    [datetime(0), { type: DATE, value: 19782 }, '1709164800+0'],
    [DATE, { type: datetime(0), value: 1709210096n }, '19782'],
    [DATE, { type: timestamp(0), value: 1709250000n }, '19783'],
    [DATE, { type: DATE, value: 19782 }, '19782'],
    [TEXT, { type: datetime(3), value: 1709210096789n }, "'2024-02-29 12:34:56.789'"],
    [TEXT, { type: timestamp(0), value: 1709206496n }, "'2024-02-29 12:34:56'"],
    [TEXT, { type: DATE, value: 19782 }, "'2024-02-29'"],
    [BIG, { type: datetime(0), value: 1709210096n }, '20240229123456'],
    [INT, { type: DATE, value: 19782 }, '20240229'],
    [TEXT, { type: { kind: 'time', precision: 3 }, value: -3_723_004_000 }, "'-01:02:03.004'"],
    [INT, { type: BLOB, value: Uint8Array.of(1, 0) }, '256'],
    [TEXT, { type: BLOB, value: Buffer.from('ab') }, "'ab'"],
  ])('%j <- %p', (type, value, cell) => {
    expect(write(type, value)).toBe(cell);
  });
});

describe('properties', () => {
  test('a DOUBLE is the double nearest to its text, as JavaScript reads it', () => {
    const digits = fc.stringMatching(/^[0-9]{1,25}$/);
    const exponent = fc.option(fc.integer({ min: -330, max: 300 }), { nil: null });
    fc.assert(
      fc.property(
        fc.boolean(),
        digits,
        fc.option(digits, { nil: null }),
        exponent,
        (negative, whole, fraction, power) => {
          const text = `${negative ? '-' : ''}${whole}${fraction === null ? '' : `.${fraction}`}${power === null ? '' : `e${power}`}`;
          const value = Number(text);
          const expected = Number.isFinite(value)
            ? Object.is(value, -0)
              ? '-0'
              : String(value)
            : OUT_OF_RANGE;
          const found = convert(DOUBLE, text);
          // An integer literal has no negative zero.
          const isZero = /^-0+$/.test(text);
          expect(found).toBe(isZero ? '0' : expected);
          expect(convert(DOUBLE, `'${text}'`)).toBe(expected);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('a BIGINT is exact, as a number and as text', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n }), (value) => {
        const fits = value >= -(2n ** 63n) && value < 2n ** 63n;
        for (const text of [String(value), `'${value}'`, `${value}.4`]) {
          expect(convert(BIG, text)).toBe(fits ? String(value) : OUT_OF_RANGE);
        }
      }),
    );
  });

  test('a moment reads back whatever its precision and form', () => {
    const seconds = fc.integer({ min: -62_135_596_800, max: 253_402_300_798 });
    const nanos = fc.integer({ min: 0, max: 999_999_999 });
    const form = fc.constantFrom('space', 'T', 'Z', 'slashes', 'compact');
    fc.assert(
      fc.property(
        seconds,
        nanos,
        fc.integer({ min: 0, max: 9 }),
        fc.integer({ min: 0, max: 9 }),
        form,
        (second, nano, digits, precision, how) => {
          const iso = new Date(second * 1000).toISOString().slice(0, 19);
          fc.pre(/^\d{4}-/.test(iso));
          const fraction = digits === 0 ? '' : `.${String(nano).padStart(9, '0').slice(0, digits)}`;
          const shapes: Readonly<Record<typeof how, string>> = {
            space: iso.replace('T', ' ') + fraction,
            T: iso + fraction,
            Z: `${iso}${fraction}Z`,
            slashes: iso.replace('T', ' ').replaceAll('-', '/') + fraction,
            compact: iso.replaceAll(/[-:T]/g, '') + fraction,
          };
          const kept = BigInt(String(nano).padStart(9, '0').slice(0, digits).padEnd(9, '0'));
          const unit = 10n ** BigInt(9 - precision);
          const count = BigInt(second) * 10n ** BigInt(precision) + (kept + unit / 2n) / unit;
          const units = 10n ** BigInt(precision);
          const rest = ((count % units) + units) % units;
          const isHeld = BigInt.asIntN(64, count) === count;
          const expected = isHeld ? `${(count - rest) / units}+${rest}` : '1292 Incorrect';
          for (const text of [`'${shapes[how]}'`, String(count)]) {
            const cell = convert(timestamp(precision), text);
            expect(isHeld ? cell : cell.slice(0, expected.length)).toBe(expected);
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});
