/** Random rows, written in random styles and cut at random places, come out as the cells they were made from. */

import fc from 'fast-check';
import { BIG, DOUBLE, scanPieces, TEXT, timestamp } from './scan-support.js';

const COLUMNS = [
  { name: 'text', type: TEXT },
  { name: 'big', type: BIG },
  { name: 'double', type: DOUBLE },
  { name: 'ts', type: timestamp(6) },
];

/** A cell as SQL text, and as the sink shows it. */
interface Cell {
  readonly text: string;
  readonly cell: string;
}

const nullCell = fc.constantFrom('NULL', 'null', 'Null').map((text) => ({ text, cell: 'NULL' }));

function quotedText(value: string, quote: string, style: string): string {
  const escaped = value
    .replaceAll('\\', '\\\\')
    .replaceAll(quote, style === 'double' ? quote + quote : `\\${quote}`)
    .replaceAll('\n', style === 'double' ? '\n' : '\\n');
  return `${quote}${escaped}${quote}`;
}

const textCell = fc
  .tuple(
    fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 12 }),
      fc.string({
        unit: fc.constantFrom("'", '"', '\\', ',', ')', '(', '\n', '/', '*', '-', ' ', 'a'),
      }),
    ),
    fc.constantFrom("'", '"'),
    fc.constantFrom('double', 'backslash'),
    fc.constantFrom('plain', 'hex', 'split', 'concat'),
  )
  .filter(([value]) => !/\p{Surrogate}/u.test(value))
  .map(([value, quote, style, form]): Cell => {
    const cell = `'${Buffer.from(value).toString('latin1')}'`;
    const quoted = quotedText(value, quote, style);
    switch (form) {
      case 'hex':
        return { text: `X'${Buffer.from(value).toString('hex')}'`, cell };
      case 'split':
        return { text: `'' ${quoted} ""`, cell };
      case 'concat':
        return { text: `concat(${quoted}, '')`, cell };
      default:
        return { text: quoted, cell };
    }
  });

const bigCell = fc
  .tuple(
    fc.oneof(
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      fc.bigInt({ min: -9n, max: 9n }),
    ),
    fc.constantFrom('plain', 'quoted', 'zeros', 'fraction', 'sum'),
  )
  .map(([value, form]): Cell => {
    const size = value < 0n ? -value : value;
    const sign = value < 0n ? '-' : '';
    const texts = {
      plain: String(value),
      quoted: `' ${value} '`,
      zeros: `${sign}000${size}`,
      fraction: `${value}.49`,
      sum: value < 0n ? String(value) : `${value}+0`,
    };
    return { text: texts[form], cell: String(value) };
  });

const doubleCell = fc
  .tuple(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.boolean())
  .map(([value, quoted]): Cell => {
    const isZero = Object.is(value, -0);
    const text = isZero ? '-0.0' : String(value);
    return { text: quoted || isZero ? `'${text}'` : text, cell: isZero ? '-0' : String(value) };
  });

const timeCell = fc
  .tuple(
    fc.integer({ min: -62_135_596_800, max: 253_402_300_799 }),
    fc.integer({ min: 0, max: 999_999 }),
    fc.boolean(),
  )
  .map(([seconds, micros, counted]): Cell => {
    const iso = new Date(seconds * 1000).toISOString().slice(0, 19);
    const fraction = String(micros).padStart(6, '0');
    const count = BigInt(seconds) * 1_000_000n + BigInt(micros);
    const text = counted ? String(count) : `'${iso.replace('T', ' ')}.${fraction}'`;
    return { text, cell: `${seconds}+${micros}` };
  });

const gap = fc.constantFrom('', '', '', ' ', '\n', '\t ', "/* ,)' */", '-- ("\n', '#\n', '/**/ ');

const cells = [textCell, bigCell, doubleCell, timeCell].map((cell) =>
  fc.oneof({ weight: 9, arbitrary: cell }, { weight: 1, arbitrary: nullCell }),
);
const row = fc.tuple(
  fc.tuple(...(cells as [typeof textCell, typeof textCell, typeof textCell, typeof textCell])),
  fc.array(gap, { minLength: 10, maxLength: 10 }),
  fc.constantFrom('', 'ROW', 'row '),
);
const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 });

test('rows survive any style and any split', () => {
  fc.assert(
    fc.property(
      fc.array(row, { minLength: 1, maxLength: 8 }),
      cuts,
      fc.constantFrom('', ';', ' ; --'),
      (rows, places, end) => {
        const text =
          rows
            .map(([values, gaps, word]) => {
              const inner = values
                .map(({ text: value }, index) => `${gaps[index * 2]}${value}${gaps[index * 2 + 1]}`)
                .join(',');
              return `${gaps[8]}${word}(${inner})${gaps[9]}`;
            })
            .join(',') + end;
        const length = Buffer.byteLength(text);
        const at = places.map((place) => Math.floor(place * length)).sort((a, b) => a - b);
        const expected = rows.map(([values]) => values.map(({ cell }) => cell));
        expect(scanPieces(COLUMNS, text, at)).toEqual({ rows: expected, error: null });
      },
    ),
    { numRuns: 2000 },
  );
});

test('long texts survive any style and any split, wherever their quotes, backslashes and letters beyond ASCII are', () => {
  const run = fc.tuple(fc.constantFrom('a', 'ü', '€', ' '), fc.constantFrom(1, 255, 256, 257, 700));
  const piece = fc.oneof(
    run.map(([letter, length]) => letter.repeat(length)),
    fc.constantFrom("'", '"', '\\', '\n', ',', ')', '--', '/*'),
  );
  const text = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''));
  const cell = fc
    .tuple(text, fc.constantFrom("'", '"'), fc.constantFrom('double', 'backslash'), fc.boolean())
    .map(([value, quote, style, isCarried]): Cell => {
      const quoted = quotedText(value, quote, style);
      const cellText = `'${Buffer.from(value).toString('latin1')}'`;
      return { text: isCarried ? `concat(${quoted}, '')` : quoted, cell: cellText };
    });
  fc.assert(
    fc.property(fc.array(cell, { minLength: 1, maxLength: 4 }), cuts, (values, places) => {
      const sql = values.map((value) => `(${value.text})`).join(',');
      const length = Buffer.byteLength(sql);
      const at = places.map((place) => Math.floor(place * length)).sort((one, two) => one - two);
      const expected = values.map((value) => [value.cell]);
      expect(scanPieces([COLUMNS[0]!], sql, at)).toEqual({ rows: expected, error: null });
    }),
    { numRuns: 300 },
  );
});

test.each([0, 300, 599])(
  'a byte that is no UTF-8 is found in a long text, at %i of 600 bytes',
  (badAt) => {
    const text = Buffer.alloc(600, 'a');
    text[badAt] = 0xff;
    const sql = Buffer.concat([Buffer.from("('"), text, Buffer.from("')")]);
    const { error } = scanPieces([COLUMNS[0]!], sql, []);
    expect(error).toMatch(/^1366 Incorrect string value: '\\xFF/);
  },
);

test('any bytes end in rows or an SqlError, and chunks do not matter', () => {
  const piece = fc.constantFrom(
    ..."( ) , ; ' \" ` \\ / * - # \n NULL TRUE DEFAULT ROW 1 -5 1.5e3 0x1F X'00' 'a' (1,2) /* */ -- + NOW() AS ON é".split(
      ' ',
    ),
  );
  const columns = [
    { name: 'a', type: BIG },
    { name: 'b', type: TEXT },
  ];
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), cuts, (pieces, places) => {
      const text = pieces.join('');
      const length = Buffer.byteLength(text);
      const whole = scanPieces(columns, text, []);
      const at = places.map((place) => Math.floor(place * length)).sort((a, b) => a - b);
      expect(scanPieces(columns, text, at)).toEqual(whole);
    }),
    { numRuns: 3000 },
  );
});
