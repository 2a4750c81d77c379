/**
 * A column of a table as exports and imports see it, and its cells.
 *
 * A cell is the value's text in the session zone +00:00, as the server writes it; bytes for binary columns; null for NULL. The text of every
 * value is exact: FLOAT is asked for as DOUBLE and cut to the shortest text that reads back as the same float, and times of 7 to
 * 9 digits are asked for as text, because MySQL's protocol has room for 6.
 */

export type Cell = string | Uint8Array | null;

export type TransferKind =
  'integer' | 'float' | 'double' | 'text' | 'bytes' | 'date' | 'timestamp' | 'datetime';

export interface TransferColumn {
  readonly name: string;
  readonly kind: TransferKind;
  /** Of integers: 8, 16, 32 or 64 (24 counts as 32). */
  readonly bits: number;
  readonly isBoolean: boolean;
  readonly isUnsigned: boolean;
  /** Fraction digits of timestamp and datetime. */
  readonly precision: number;
}

const INTEGER_BITS: Readonly<Record<string, number>> = {
  tinyint: 8,
  smallint: 16,
  mediumint: 32,
  int: 32,
  bigint: 64,
};
const BINARY = new Set(['blob', 'tinyblob', 'mediumblob', 'longblob', 'binary', 'varbinary']);
/** More digits than these are not in MySQL's protocol. */
const PROTOCOL_DIGITS = 6;

/** From information_schema: "bigint unsigned", "timestamp(3)", "tinyint(1)". */
export function transferColumn(name: string, columnType: string): TransferColumn {
  const [, word = '', size = ''] = /^(\w+)(?:\((\d+)\))?/.exec(columnType) ?? [];
  const plain = { name, bits: 0, isBoolean: false, isUnsigned: false, precision: 0 };
  const bits = INTEGER_BITS[word];
  if (bits !== undefined) {
    const isBoolean = columnType === 'tinyint(1)';
    const isUnsigned = columnType.includes('unsigned');
    return { ...plain, kind: 'integer', bits, isBoolean, isUnsigned };
  }
  if (word === 'timestamp' || word === 'datetime') {
    return { ...plain, kind: word, precision: size === '' ? 0 : Number(size) };
  }
  if (word === 'float' || word === 'double' || word === 'date') return { ...plain, kind: word };
  return { ...plain, kind: BINARY.has(word) ? 'bytes' : 'text' };
}

/** The SQL expression whose text is the whole value. */
export function exactExpression(column: TransferColumn): string {
  const name = quoteName(column.name);
  if (column.kind === 'float') return `CAST(${name} AS DOUBLE)`;
  if (column.precision > PROTOCOL_DIGITS) return `CAST(${name} AS CHAR)`;
  return name;
}

/** The cell in what the server answered for `exactExpression`. */
export function cellOf(column: TransferColumn, bytes: Uint8Array | null): Cell {
  if (bytes === null || column.kind === 'bytes') return bytes;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
  return column.kind === 'float' ? floatText(Number(text)) : text;
}

/** A decimal that reads back as this float: the shortest of 6 to 9 digits. */
export function floatText(value: number): string {
  if (Object.is(value, -0)) return '-0';
  for (let digits = 6; digits < 9; digits++) {
    const text = value.toPrecision(digits);
    if (Math.fround(Number(text)) === value) return String(Number(text));
  }
  return String(Number(value.toPrecision(9)));
}

export function quoteName(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}
