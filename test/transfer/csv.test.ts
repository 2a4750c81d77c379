/** CSV: what is written comes back, in any pieces and from any record on; what RFC 4180 does not allow is named by its line. */

import fc from 'fast-check';
import { CsvReader, type CsvRecord } from '../../src/transfer/csv-reader.js';
import { CsvWriter } from '../../src/transfer/csv-writer.js';
import { transferColumn, type Cell } from '../../src/transfer/transfer-column.js';

async function written(
  names: readonly string[],
  rows: Cell[][],
  nullText = '\\N',
): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  const columns = names.map((name) => transferColumn(name, 'text'));
  const writer = new CsvWriter(columns, nullText, (bytes) => {
    chunks.push(bytes);
    return Promise.resolve();
  });
  if (rows.length > 0) await writer.write(rows);
  await writer.end();
  return Buffer.concat(chunks);
}

/** `cuts`: sizes of the pieces it is fed in. */
function read(
  bytes: Buffer,
  cuts: readonly number[] = [],
  nullText = '\\N',
  place = { offset: 0, line: 1 },
): CsvRecord[] {
  const reader = new CsvReader('file.csv', nullText, place);
  const records: CsvRecord[] = [];
  let at = 0;
  for (const cut of cuts) {
    records.push(...reader.feed(bytes.subarray(at, at + cut)));
    at = Math.min(at + cut, bytes.length);
  }
  records.push(...reader.feed(bytes.subarray(at)));
  records.push(...reader.end());
  return records;
}

const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.string({
    unit: fc.constantFrom('"', ',', '\r', '\n', '\\', 'N', 'x', '€', '\0'),
    maxLength: 8,
  }),
);
const cell = fc.option(text, { nil: null, freq: 4 });
const table = fc
  .integer({ min: 1, max: 4 })
  .chain((width) => fc.array(fc.array(cell, { minLength: width, maxLength: width })));
const cuts = fc.array(fc.integer({ min: 0, max: 7 }), { maxLength: 40 });

describe('what is written', () => {
  it.each(['\\N', '', 'NULL'])(
    'comes back, fed in any pieces, with NULL as "%s"',
    async (nullText) => {
      await fc.assert(
        fc.asyncProperty(table, cuts, async (rows, pieces) => {
          const names = (rows[0] ?? [null]).map((_, index) => `c${index}`);
          const [header, ...records] = read(await written(names, rows, nullText), pieces, nullText);
          expect(header!.fields).toEqual(names);
          // One unquoted NULL that is spelled with nothing is an empty line, and those are skipped.
          const seen = rows.filter((row) => nullText !== '' || row.length > 1 || row[0] !== null);
          expect(records.map(({ fields }) => fields)).toEqual(seen);
        }),
      );
    },
  );

  it('can be read on from behind every record, with the same lines', async () => {
    await fc.assert(
      fc.asyncProperty(table, async (rows) => {
        const names = (rows[0] ?? [null]).map((_, index) => `c${index}`);
        const bytes = await written(names, rows);
        const records = read(bytes);
        for (const [index, { endOffset, endLine }] of records.entries()) {
          const place = { offset: endOffset, line: endLine };
          expect(read(bytes.subarray(endOffset), [3, 1, 4], '\\N', place)).toEqual(
            records.slice(index + 1),
          );
        }
      }),
      { numRuns: 30 },
    );
  });

  it('is what RFC 4180 says', async () => {
    const rows: Cell[][] = [
      ['plain', 'a "b", c', null],
      ['', 'two\nlines', '\\N'],
    ];
    expect((await written(['a', 'b', 'c,d'], rows)).toString()).toBe(
      'a,b,"c,d"\r\nplain,"a ""b"", c",\\N\r\n"","two\nlines","\\N"\r\n',
    );
  });

  it('has binary values in hex', async () => {
    const rows: Cell[][] = [[Uint8Array.of(0, 0xab, 0xff), Uint8Array.of()]];
    expect((await written(['a', 'b'], rows)).toString()).toBe('a,b\r\n0x00abff,0x\r\n');
  });

  it('is a header alone when there are no rows', async () => {
    expect((await written(['a', 'b'], [])).toString()).toBe('a,b\r\n');
  });
});

test('other dialects: a byte order mark, LF alone, empty lines, no end of the last line', () => {
  const bytes = Buffer.from('\ufeffa,b\n1,2\n\n\r\n"3",\n4,"5"');
  expect(read(bytes, [1, 1, 1, 1, 9]).map(({ fields, line }) => [line, ...fields])).toEqual([
    [1, 'a', 'b'],
    [2, '1', '2'],
    [5, '3', ''],
    [6, '4', '5'],
  ]);
});

test.each<[what: string, content: Buffer, message: string]>([
  [
    'a quote inside a field',
    Buffer.from('a\n1\nx"y\n'),
    'file.csv:3: a quote stands inside a field without quotes',
  ],
  [
    'a field behind its quote',
    Buffer.from('a\n"1"x\n'),
    'file.csv:2: a quoted field goes on behind its quote',
  ],
  ['a quote that is not closed', Buffer.from('a\n1\n"2\n3\n'), 'file.csv:3: a quote is not closed'],
  ['bytes that are no UTF-8', Buffer.from([0x61, 0x0a, 0xff, 0x0a]), 'file.csv:2: it is not UTF-8'],
])('%s is an error with its line', (_, content, message) => {
  expect(() => read(content)).toThrow(message);
  expect(() => read(content, [1, 1, 1, 1, 1, 1])).toThrow(message);
});
