/**
 * A table with a column of every type, and rows at the edges of each: what each client must be able to write and read.
 *
 * `literal` is the cell in SQL; `text` is what MySQL's text protocol shows for it.
 */

export interface TypedColumn {
  readonly name: string;
  readonly type: string;
}

export interface TypedCell {
  readonly literal: string;
  readonly text: string | null;
}

/** All 256 bytes, in order. */
export const ALL_BYTES = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));

/** Quotes, a backslash, a tab, a line end, a NUL, and letters of two, three and four bytes. */
export const DIFFICULT_TEXT = 'it\'s "quoted" \\ tab\tline\nnul\0 é € 𝄞';

const TIME_DIGITS = [0, 1, 2, 3, 4, 5, 6];

export const COLUMNS: readonly TypedColumn[] = [
  { name: 'flag', type: 'BOOLEAN' },
  { name: 'i8', type: 'TINYINT' },
  { name: 'u8', type: 'TINYINT UNSIGNED' },
  { name: 'i16', type: 'SMALLINT' },
  { name: 'u16', type: 'SMALLINT UNSIGNED' },
  { name: 'i24', type: 'MEDIUMINT' },
  { name: 'u24', type: 'MEDIUMINT UNSIGNED' },
  { name: 'i32', type: 'INT' },
  { name: 'u32', type: 'INT UNSIGNED' },
  { name: 'i64', type: 'BIGINT' },
  { name: 'u64', type: 'BIGINT UNSIGNED' },
  { name: 'f32', type: 'FLOAT' },
  { name: 'f64', type: 'DOUBLE' },
  { name: 'short_text', type: 'VARCHAR(200)' },
  { name: 'long_text', type: 'TEXT' },
  { name: 'a_string', type: 'STRING' },
  { name: 'bytes', type: 'BLOB' },
  ...TIME_DIGITS.map((digits) => ({ name: `dt${digits}`, type: `DATETIME(${digits})` })),
  ...TIME_DIGITS.map((digits) => ({ name: `ts${digits}`, type: `TIMESTAMP(${digits})` })),
  { name: 'day', type: 'DATE' },
];

export function createEveryType(table: string): string {
  const columns = COLUMNS.map(({ name, type }) => `${name} ${type}`).join(', ');
  return `CREATE TABLE ${table} (id VARCHAR(10), at TIMESTAMP(3) NOT NULL, ${columns}, TIME INDEX (at), PRIMARY KEY (id))`;
}

function plain(text: string): TypedCell {
  return { literal: text, text };
}

function quoted(text: string): TypedCell {
  return {
    literal: `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\0', '\\0')}'`,
    text,
  };
}

function bytes(value: Buffer): TypedCell {
  return { literal: `X'${value.toString('hex')}'`, text: value.toString('latin1') };
}

/** A time with as many digits as the column has. */
function times(seconds: string, fraction: string): readonly TypedCell[] {
  return TIME_DIGITS.map((digits) =>
    quoted(digits === 0 ? seconds : `${seconds}.${fraction.slice(0, digits)}`),
  );
}

function numbers(...texts: readonly string[]): readonly TypedCell[] {
  return texts.map(plain);
}

export interface TypedRow {
  readonly id: string;
  /** In the order of COLUMNS. */
  readonly cells: readonly TypedCell[];
}

/** In the session time zone +00:00. */
export const ROWS: readonly TypedRow[] = [
  {
    id: 'greatest',
    cells: [
      ...numbers('1', '127', '255', '32767', '65535', '8388607', '16777215', '2147483647'),
      ...numbers('4294967295', '9223372036854775807', '18446744073709551615'),
      ...numbers('3.40282e38', '1.7976931348623157e308'),
      quoted(DIFFICULT_TEXT),
      quoted('long '.repeat(2_000)),
      quoted('ÿ'.repeat(50)),
      bytes(ALL_BYTES),
      ...times('9999-12-31 23:59:59', '999999'),
      ...times('2038-01-19 03:14:07', '499999'),
      quoted('9999-12-31'),
    ],
  },
  {
    id: 'least',
    cells: [
      ...numbers('0', '-128', '0', '-32768', '0', '-8388608', '0', '-2147483648'),
      ...numbers('0', '-9223372036854775808', '0', '-3.40282e38', '-1.7976931348623157e308'),
      quoted(''),
      quoted(''),
      quoted(''),
      bytes(Buffer.alloc(0)),
      ...times('1000-01-01 00:00:00', '000000'),
      ...times('1970-01-01 00:00:01', '000001'),
      quoted('1000-01-01'),
    ],
  },
  {
    id: 'ordinary',
    cells: [
      ...numbers('1', '-1', '1', '-1', '1', '-1', '1', '-1', '1', '-9007199254740993'),
      ...numbers('9007199254740993', '0.5', '0.1'),
      quoted('abc'),
      quoted('NULL'),
      quoted('\\N'),
      bytes(Buffer.from('plain')),
      ...times('2026-05-01 12:34:56', '123456'),
      ...times('2026-05-01 12:34:56', '123456'),
      quoted('2026-02-28'),
    ],
  },
  {
    id: 'nothing',
    cells: COLUMNS.map(() => ({ literal: 'NULL', text: null })),
  },
];

/** One INSERT of all rows. */
export function insertEveryType(table: string): string {
  const rows = ROWS.map(
    ({ id, cells }, index) =>
      `('${id}', ${index}, ${cells.map((cell) => cell.literal).join(', ')})`,
  );
  return `INSERT INTO ${table} (id, at, ${COLUMNS.map(({ name }) => name).join(', ')}) VALUES ${rows.join(', ')}`;
}

/** Statements that must fail, and how. `{}` of a client differs; errno and SQLSTATE do not. */
export const ERRORS: readonly (readonly [sql: string, errno: number, sqlState: string])[] = [
  ['SELECT * FROM no_such_table', 1146, '42S02'],
  ['SELECT no_such_column FROM every_type', 1054, '42S22'],
  ['SELEC 1', 1064, '42000'],
  ['SELECT * FROM nowhere.every_type', 1049, '42000'],
  ['USE nowhere', 1049, '42000'],
  ['CREATE TABLE every_type (at TIMESTAMP(3) NOT NULL, TIME INDEX (at))', 1050, '42S01'],
  ['DROP TABLE no_such_table', 1051, '42S02'],
  ['CREATE DATABASE types', 1007, 'HY000'],
  ["INSERT INTO every_type (id, at) VALUES ('x', 'not a time')", 1292, '22007'],
  ["INSERT INTO every_type (id, at, i32) VALUES ('x', 1, 'abc')", 1366, 'HY000'],
  ["INSERT INTO every_type (id, at, i8) VALUES ('x', 1, 128)", 1264, '22003'],
  ["INSERT INTO every_type (id, at, u64) VALUES ('x', 1, -1)", 1264, '22003'],
  ["INSERT INTO every_type (id, at, short_text) VALUES ('x', 1, REPEAT('x', 201))", 1406, '22001'],
  ["INSERT INTO every_type (id, at) VALUES ('x', NULL)", 1048, '23000'],
  ["INSERT INTO every_type (id) VALUES ('x')", 1364, 'HY000'],
  ["INSERT INTO every_type (id, at) VALUES ('x')", 1136, '21S01'],
  ['SELECT no_such_function(1)', 1305, '42000'],
  ['SELECT @@no_such_variable', 1193, 'HY000'],
];
