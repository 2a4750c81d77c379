/** Parquet: every type comes back from a real file as the text it went in as, in as many row groups as there are. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { parquetWriteFile } from 'hyparquet-writer';
import { ParquetReader } from '../../src/transfer/parquet-reader.js';
import { ParquetWriter } from '../../src/transfer/parquet-writer.js';
import {
  floatText,
  transferColumn,
  type Cell,
  type TransferColumn,
} from '../../src/transfer/transfer-column.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'twintide-parquet-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

async function write(columns: readonly TransferColumn[], rows: Cell[][]): Promise<string> {
  const chunks: Uint8Array[] = [];
  const writer = new ParquetWriter(columns, (bytes) => {
    chunks.push(bytes);
    return Promise.resolve();
  });
  await writer.write(rows);
  await writer.end();
  const path = join(folder, 'rows.parquet');
  writeFileSync(path, Buffer.concat(chunks));
  return path;
}

async function readAll(path: string, columns: readonly TransferColumn[]): Promise<Cell[][]> {
  const reader = await ParquetReader.open(path);
  const rows: Cell[][] = [];
  while (rows.length < reader.rows) {
    rows.push(...(await reader.read(columns, reader.columnNames, rows.length)));
  }
  return rows.map((row) =>
    row.map((cell) => (cell instanceof Uint8Array ? Buffer.from(cell) : cell)),
  );
}

const double = fc.double({ noNaN: true, noDefaultInfinity: true });
const float = fc.float({ noNaN: true, noDefaultInfinity: true });
const numberText = (value: number): string => (Object.is(value, -0) ? '-0' : String(value));
const integer = (least: bigint, greatest: bigint): fc.Arbitrary<string> =>
  fc.bigInt({ min: least, max: greatest }).map(String);

const digits = (count: number): fc.Arbitrary<string> =>
  count === 0
    ? fc.constant('')
    : fc
        .integer({ min: 0, max: 10 ** count - 1 })
        .map((fraction) => `.${String(fraction).padStart(count, '0')}`);
const time = (precision: number, least: string, greatest: string): fc.Arbitrary<string> =>
  fc
    .tuple(
      fc.integer({ min: Date.parse(least) / 1000, max: Date.parse(greatest) / 1000 }),
      digits(precision),
    )
    .map(([seconds, fraction]) => {
      const text = new Date(seconds * 1000).toISOString();
      return `${text.slice(0, 10)} ${text.slice(11, 19)}${fraction}`;
    });

const TYPES: Readonly<Record<string, fc.Arbitrary<string | Uint8Array>>> = {
  'tinyint(1)': fc.constantFrom('0', '1'),
  tinyint: integer(-128n, 127n),
  'tinyint unsigned': integer(0n, 255n),
  smallint: integer(-32_768n, 32_767n),
  'smallint unsigned': integer(0n, 65_535n),
  mediumint: integer(-8_388_608n, 8_388_607n),
  int: integer(-(2n ** 31n), 2n ** 31n - 1n),
  'int unsigned': integer(0n, 2n ** 32n - 1n),
  bigint: integer(-(2n ** 63n), 2n ** 63n - 1n),
  'bigint unsigned': integer(0n, 2n ** 64n - 1n),
  float: float.map(floatText),
  double: double.map(numberText),
  text: fc.string({ unit: 'grapheme' }),
  'varchar(9)': fc.constantFrom('', '\ufeffmark', 'same', '\0'),
  blob: fc.uint8Array({ maxLength: 9 }).map((bytes) => Buffer.from(bytes)),
  date: time(0, '0001-01-01', '9999-12-31').map((text) => text.slice(0, 10)),
  timestamp: time(0, '0001-01-01', '9999-12-31T23:59:59Z'),
  'timestamp(3)': time(3, '0001-01-01', '9999-12-31T23:59:59Z'),
  'datetime(6)': time(6, '0001-01-01', '9999-12-31T23:59:59Z'),
  'datetime(9)': time(9, '1677-09-22', '2262-04-11'),
  'timestamp(7)': time(7, '1677-09-22', '2262-04-11'),
};
const types = Object.keys(TYPES);
const columns = types.map((type, index) => transferColumn(`c${index}`, type));
const row = fc.tuple(...types.map((type) => fc.option(TYPES[type]!, { nil: null, freq: 5 })));

test('every type, NULL and the edges come back as they were', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(row, { maxLength: 30 }), async (rows) => {
      const path = await write(columns, rows);
      expect(await readAll(path, columns)).toEqual(rows);
    }),
    { numRuns: 60 },
  );
});

test('many row groups, and reading on from the middle of one', async () => {
  const [wide] = [transferColumn('n', 'bigint')];
  const rows = Array.from({ length: 120_001 }, (_, index) => [String(index)]);
  const path = await write([wide], rows);
  expect(await readAll(path, [wide])).toEqual(rows);
  const reader = await ParquetReader.open(path);
  const later = await reader.read([wide], ['n'], 75_000);
  expect(later[0]).toEqual(['75000']);
  expect(later.at(-1)).toEqual(['99999']);
});

test('an instant that nanoseconds do not reach is refused, not cut', async () => {
  const column = transferColumn('at', 'datetime(9)');
  await expect(write([column], [['9999-12-31 00:00:00.000000000']])).rejects.toThrow(
    /column at: 9999-12-31 .* is beyond what Parquet's nanoseconds reach/,
  );
});

test('files of others: dates of milliseconds, text without its mark, digits that a column lacks', async () => {
  const path = join(folder, 'foreign.parquet');
  parquetWriteFile({
    filename: path,
    columnData: [
      { name: 'at', data: [new Date('2026-01-02T03:04:05.678Z'), null], type: 'TIMESTAMP' },
      { name: 'name', data: [Buffer.from('é'), Buffer.from('')], type: 'BYTE_ARRAY' },
    ],
  });
  const name = transferColumn('name', 'text');
  const at = transferColumn('at', 'datetime(6)');
  expect(await readAll(path, [at, name])).toEqual([
    ['2026-01-02 03:04:05.678000', 'é'],
    [null, ''],
  ]);
  await expect(readAll(path, [transferColumn('at', 'datetime'), name])).rejects.toThrow(
    /column at: .*\.678 has more digits than the column's 0/,
  );
});

test('what is no Parquet file is said so', async () => {
  const path = join(folder, 'not.parquet');
  writeFileSync(path, 'a,b\n1,2\n'.repeat(10));
  await expect(ParquetReader.open(path)).rejects.toThrow(`${path}: it is no Parquet file`);
});

test('the text of a float is short, and reads back', () => {
  fc.assert(
    fc.property(float, (value) => {
      expect(Math.fround(Number(floatText(value)))).toBe(value);
    }),
  );
  expect([0.1, 1 / 3, 3.4028234663852886e38].map(Math.fround).map(floatText)).toEqual([
    '0.1',
    '0.33333334',
    '3.4028235e+38',
  ]);
});
