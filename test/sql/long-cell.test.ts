/**
 * Strings longer than a literal that is read in one go: resolved as they arrive, a stretch at a time, and the same value, or the same error,
 * however they were cut.
 */

import fc from 'fast-check';
import { InsertScanner } from '../../src/sql/insert-scanner.js';
import { BIG, INT, RecordingSink, TEXT, scanPieces, targetInto } from './scan-support.js';
import type { ScanResult, TestColumn } from './scan-support.js';

const BLOB = { kind: 'blob', spelling: 'blob', length: null } as const;
const VARCHAR = { kind: 'text', spelling: 'varchar', length: 20 } as const;
const WIDE = { kind: 'text', spelling: 'varchar', length: 200_000 } as const;
/** What a turn takes of a cell, and what may wait for the next turn. */
const STRETCH_BYTES = 128 * 1024;
const HELD_BYTES = 16;
/** A socket hands over no more at a time. */
const SOCKET_BYTES = 256 * 1024;
const LONG = 70_000;

const NOTE: readonly TestColumn[] = [
  { name: 'note', type: TEXT },
  { name: 'n', type: INT },
];

function columnsOf(type: TestColumn['type']): readonly TestColumn[] {
  return [
    { name: 'note', type },
    { name: 'n', type: INT },
  ];
}

/** As the recording sink shows it. */
function shown(value: string | Buffer): string {
  return `'${Buffer.from(value).toString('latin1')}'`;
}

/** Whole, and cut at these places, each of which is taken modulo the length. */
function scanBothWays(
  columns: readonly TestColumn[],
  sql: string | Uint8Array,
  places: readonly number[],
): ScanResult {
  const length = Buffer.from(sql).length;
  const whole = scanPieces(columns, sql, []);
  const cuts = [...new Set(places.map((place) => place % length))].sort((a, b) => a - b);
  expect({ cuts, ...scanPieces(columns, sql, cuts) }).toEqual({ cuts, ...whole });
  return whole;
}

const places = fc.array(fc.nat(400_000), { maxLength: 8 });

describe('a value is what its literal says', () => {
  const UNITS = [
    'a',
    'ü',
    '€',
    '😀',
    "'",
    '"',
    '\\',
    '\n',
    '\0',
    '%',
    ',',
    ')',
    '(',
    '--',
    '/*',
    ' ',
  ];
  const run = fc.tuple(fc.constantFrom(...UNITS), fc.constantFrom(1, 2, 255, 257, 30_000));
  const text = fc
    .array(run, { minLength: 3, maxLength: 7 })
    .map((runs) => runs.map(([unit, count]) => unit.repeat(count)).join(''));
  const style = fc.constantFrom('double', 'backslash', 'every');
  const head = fc.constantFrom('', '_binary', '_utf8mb4 ', '_BINARY \n');

  function literalOf(value: string, quote: string, how: string): string {
    const escaped = value
      .replaceAll('\\', '\\\\')
      .replaceAll('\0', '\\0')
      .replaceAll(quote, how === 'double' ? quote + quote : `\\${quote}`)
      .replaceAll('a', how === 'every' ? '\\a' : 'a');
    return `${quote}${escaped}${quote}`;
  }

  test('whatever it is made of, however it is written and cut', () => {
    fc.assert(
      fc.property(
        text,
        fc.constantFrom("'", '"'),
        style,
        head,
        places,
        (value, quote, how, introducer, cuts) => {
          const literal = literalOf(value, introducer === '' ? quote : "'", how);
          const sql = `(${introducer}${literal} ,1),('b',2)`;
          const { rows, error } = scanBothWays(NOTE, sql, cuts);
          expect({ error, rows: rows.length }).toEqual({ error: null, rows: 2 });
          expect(rows[0]![0] === shown(value)).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  });

  test.each([
    ['a backslash before % and _ is kept', '\\%\\_'.repeat(LONG), '\\%\\_'.repeat(LONG)],
    ['other escapes are one byte', '\\n\\t\\Z\\q'.repeat(LONG), '\n\t\x1aq'.repeat(LONG)],
  ])('%s', (_, inside, value) => {
    for (const cut of [65_535, 65_536, 65_537, 131_071, 131_072, 131_073, 200_001]) {
      const { rows } = scanBothWays(NOTE, `('${inside}',1)`, [cut]);
      expect(rows[0]![0] === shown(value)).toBe(true);
    }
  });

  test.each([
    ['X', "X'", "'"],
    ['x', "x'", "' "],
    ['0x', '0x', ''],
    ['0x and blanks', '0x', ' \n '],
  ])('hex digits behind %s are bytes, however they are cut', (_, opening, closing) => {
    const bytes = Buffer.from(Array.from({ length: 100_003 }, (__, index) => (index * 7) & 0xff));
    const digits = bytes.toString('hex').replaceAll('ab', 'Ab');
    fc.assert(
      fc.property(places, (cuts) => {
        const sql = `(${opening}${digits}${closing},1),('b',2)`;
        const { rows, error } = scanBothWays(columnsOf(BLOB), sql, cuts);
        expect({ error, rows: rows.length }).toEqual({ error: null, rows: 2 });
        expect(rows[0]![0] === shown(bytes)).toBe(true);
      }),
      { numRuns: 20 },
    );
  });

  test('hex digits around the length from which they are many, odd in number, too', () => {
    for (let count = 65_528; count < 65_538; count += 1) {
      const digits = 'e'.repeat(count);
      const { rows, error } = scanBothWays(columnsOf(BLOB), `(0x${digits},1)`, [count - 1]);
      // 0x and its digits.
      const isLong = count + 2 > 65_536;
      if (isLong && count % 2 === 1) expect(error).toMatch(/^1235 /);
      else
        expect(rows[0]![0]).toBe(
          shown(Buffer.from(digits.padStart(count + (count % 2), '0'), 'hex')),
        );
    }
  });

  test('few hex digits, odd in number, and many blanks', () => {
    for (const cut of [2, 1000, 65_536, 65_537, 66_000]) {
      const { rows } = scanBothWays(columnsOf(BLOB), `(0xabc${' '.repeat(LONG)},1)`, [cut]);
      expect(rows[0]![0]).toBe(shown(Buffer.from('0abc', 'hex')));
    }
  });

  test('around the length from which a string is long', () => {
    for (let length = 65_530; length < 65_540; length += 1) {
      const { rows } = scanBothWays(NOTE, `('${'x'.repeat(length)}',1)`, [length - 1, length + 2]);
      expect(rows).toEqual([[shown('x'.repeat(length)), '1']]);
    }
  });

  test('a binary column takes any bytes, of a sink that takes no pieces, too', () => {
    const bytes = Buffer.alloc(300_000, 0xff);
    const sql = Buffer.concat([Buffer.from("(_binary'"), bytes, Buffer.from("',1)")]);
    const { rows } = scanBothWays(columnsOf(BLOB), sql, [100_000, 100_001]);
    expect(rows).toEqual([[shown(bytes), '1']]);
    const { rows: whole } = scanPieces(columnsOf(BLOB), sql, [5, 200_000], { isOfPieces: false });
    expect(whole).toEqual(rows);
  });

  test('a column of so many characters is converted as a whole', () => {
    const value = 'ü'.repeat(150_000);
    const { rows } = scanBothWays(columnsOf(WIDE), `('${value}',1)`, [70_000]);
    expect(rows).toEqual([[shown(value), '1']]);
    const blanks = `${'x'.repeat(20)}${' '.repeat(LONG)}`;
    expect(scanBothWays(columnsOf(VARCHAR), `('${blanks}',1)`, [9]).rows[0]![0]).toBe(
      shown('x'.repeat(20)),
    );
  });

  test('a number may have many digits and a hex literal many bytes', () => {
    const zeros = `${'0'.repeat(LONG)}7`;
    expect(scanBothWays(columnsOf(BIG), `(${zeros},1)`, [LONG >> 1]).rows[0]![0]).toBe('7');
    const hex = 'ab'.repeat(LONG);
    const { rows } = scanBothWays(columnsOf(BLOB), `(X'${hex}',1)`, [LONG, LONG + 1]);
    expect(rows[0]![0]).toBe(shown(Buffer.from(hex, 'hex')));
  });
});

describe('errors do not depend on the pieces', () => {
  const long = 'x'.repeat(LONG);
  const cases: readonly [string, TestColumn['type'], string | Buffer, RegExp][] = [
    ['a string behind it', TEXT, `('${long}' 'b',1)`, /^1235 .*65536 bytes/],
    ['an operator behind it', TEXT, `('${long}' + 1,1)`, /^1235 .*65536 bytes/],
    ['an operator behind a very long one', TEXT, `('${long.repeat(4)}'+1,1)`, /^1235 /],
    ['it never ends', TEXT, `('${long}`, /^1064 .*near 'x{1,80}|^1064 /],
    ['it never ends, with lines and doubled quotes', TEXT, `\n('a\n''${long}\n`, /at line 2/],
    ['what comes behind it never ends', TEXT, `('${long}\n' \n'b\n`, /near ''b\n' at line 3/],
    ['the statement ends behind it', TEXT, `('${long}'`, /^1064 /],
    ['too many cells', TEXT, `(1,2,'${long}')`, /^1136 /],
    ['too few cells', TEXT, `('${long}')`, /^1136 /],
    ['too long for its column', VARCHAR, `('${long}',1)`, /^1406 /],
    ['hex digits that are text, and no UTF-8', TEXT, `(x'${'ff'.repeat(LONG)}',1)`, /^1366 /],
    ['no hex digit among many', BLOB, `(x'${'ab'.repeat(LONG)}zab',1)`, /^1235 /],
    ['an odd number of hex digits', BLOB, `(x'${'ab'.repeat(LONG)}a',1)`, /^1235 /],
    ['something behind hex digits', BLOB, `(0x${'ab'.repeat(LONG)} +1,1)`, /^1235 /],
    ['blanks in place of hex digits', BLOB, `(0x${' '.repeat(LONG)},1)`, /^1235 /],
    ['hex digits that never end', BLOB, `(x'${'ab'.repeat(LONG)}`, /^1064 /],
    ['hex digits too many for a number', INT, `(x'${'ab'.repeat(LONG)}',1)`, /^1264 /],
    ['no number', INT, `('${long}',1)`, /^1366 /],
    ['a name in a bad place', TEXT, `(${long},1)`, /^1235 /],
    ['no UTF-8 at its end', TEXT, bad(LONG - 1), /^1366 Incorrect string value: '\\xFF'/],
    ['no UTF-8 in it', TEXT, bad(66_000), /^1366 Incorrect string value: '\\xFFxxxxx\.\.\.'/],
    ['no UTF-8 where a turn ends', TEXT, bad(STRETCH_BYTES, 200_000), /'\\xFFxxxxx\.\.\.'/],
    ['no UTF-8, and more than a literal', TEXT, bad(9, LONG, "'+1"), /^1235 /],
  ];

  /** A literal of `length` bytes with one that is no UTF-8. */
  function bad(at: number, length = LONG, end = "'"): Buffer {
    const text = Buffer.alloc(length, 'x');
    text[at] = 0xff;
    return Buffer.concat([Buffer.from("('"), text, Buffer.from(`${end},1)`)]);
  }

  test.each(cases)('%s', (_, type, sql, expected) => {
    const { error } = scanBothWays(columnsOf(type), sql, [3]);
    expect(error).toMatch(expected);
    fc.assert(
      fc.property(places, (cuts) => {
        scanBothWays(columnsOf(type), sql, cuts);
      }),
      { numRuns: 15 },
    );
  });
});

test.each([
  ['dense escapes', `'${'\\n'.repeat(1_500_000)}'`, '\n'.repeat(1_500_000)],
  ['doubled quotes', `'${"''".repeat(1_500_000)}'`, "'".repeat(1_500_000)],
  ['plain text', `'${'a'.repeat(7_900_000)}'`, 'a'.repeat(7_900_000)],
  ['beyond ASCII', `'${'€'.repeat(1_000_000)}'`, '€'.repeat(1_000_000)],
  ['hex digits in quotes', `x'${'6a'.repeat(1_500_000)}'`, 'j'.repeat(1_500_000)],
  ['hex digits', `0x${'6A'.repeat(1_500_000)}`, 'j'.repeat(1_500_000)],
])(
  'a turn takes a stretch of %s, and hands over no more, its end included',
  (_, literal, value) => {
    const sink = new RecordingSink();
    const options = { ansiQuotes: false, noBackslashEscapes: false };
    const target = targetInto(sink, NOTE, {}, options);
    const scanner = new InsertScanner(target, { ...options, line: 1, rowsPerTurn: 1000 });
    const sql = Buffer.from(`(${literal},1),('b',2)`);
    let turns = 0;
    for (let at = 0; at < sql.length;) {
      const taken = scanner.write(sql, at, Math.min(sql.length, at + SOCKET_BYTES));
      expect(taken).toBeLessThanOrEqual(STRETCH_BYTES + 16);
      at += taken;
      turns += 1;
    }
    scanner.end();
    expect(turns).toBeGreaterThanOrEqual(sql.length / STRETCH_BYTES);
    expect(sink.pieceBytesMost).toBeLessThanOrEqual(STRETCH_BYTES + HELD_BYTES);
    expect(sink.rows.length).toBe(2);
    expect(sink.rows[0]![0] === shown(value)).toBe(true);
  },
);
