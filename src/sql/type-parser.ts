/**
 * Column types: MySQL's spellings and GreptimeDB's (STRING, Int64, TimestampMillisecond, TIMESTAMP_NS, ...).
 *
 * Where the two disagree on a word MySQL wins, except for INT8, which both read as eight bytes.
 */

import { SqlError } from '../../protocol/index.js';
import type { SqlType } from '../catalog/sql-type.js';
import { notSupported } from './statement-error.js';
import type { TokenCursor } from './token-cursor.js';

type IntegerType = Extract<SqlType, { kind: 'integer' }>;
type TextSpelling = Extract<SqlType, { kind: 'text' }>['spelling'];
type BlobSpelling = Extract<SqlType, { kind: 'blob' }>['spelling'];

const INTEGER_BITS: ReadonlyMap<string, IntegerType['bits']> = new Map([
  ['TINYINT', 8],
  ['INT1', 8],
  ['SMALLINT', 16],
  ['INT2', 16],
  ['INT16', 16],
  ['MEDIUMINT', 24],
  ['MIDDLEINT', 24],
  ['INT3', 24],
  ['INT', 32],
  ['INTEGER', 32],
  ['INT4', 32],
  ['INT32', 32],
  ['BIGINT', 64],
  ['INT8', 64],
  ['INT64', 64],
]);

const UNSIGNED_BITS: ReadonlyMap<string, IntegerType['bits']> = new Map([
  ['UINT8', 8],
  ['UINT16', 16],
  ['UINT32', 32],
  ['UINT64', 64],
]);

/** Timestamps that say their unit in their name. */
const TIMESTAMP_PRECISION: ReadonlyMap<string, number> = new Map([
  ['TIMESTAMP_S', 0],
  ['TIMESTAMP_SEC', 0],
  ['TIMESTAMPSECOND', 0],
  ['TIMESTAMP_MS', 3],
  ['TIMESTAMPMILLISECOND', 3],
  ['TIMESTAMP_US', 6],
  ['TIMESTAMPMICROSECOND', 6],
  ['TIMESTAMP_NS', 9],
  ['TIMESTAMPNANOSECOND', 9],
]);

const UNLIMITED_TEXT: ReadonlyMap<string, TextSpelling> = new Map([
  ['STRING', 'text'],
  ['TEXT', 'text'],
  ['TINYTEXT', 'tinytext'],
  ['MEDIUMTEXT', 'mediumtext'],
  ['LONGTEXT', 'longtext'],
]);

const UNLIMITED_BLOB: ReadonlyMap<string, BlobSpelling> = new Map([
  ['BLOB', 'blob'],
  ['BYTEA', 'blob'],
  ['TINYBLOB', 'tinyblob'],
  ['MEDIUMBLOB', 'mediumblob'],
  ['LONGBLOB', 'longblob'],
]);

const REFUSED = new Set(
  'YEAR BIT ENUM SET SERIAL GEOMETRY POINT LINESTRING POLYGON MULTIPOINT MULTILINESTRING MULTIPOLYGON GEOMETRYCOLLECTION VECTOR INTERVAL JSON2'.split(
    ' ',
  ),
);

/** The type of a column in CREATE TABLE or behind `::`. Throws 1064, 1235, 1425, 1426, 1427. */
export function parseType(cursor: TokenCursor): SqlType {
  if (cursor.peek().kind !== 'word') {
    throw cursor.fault();
  }
  const word = cursor.peek().keyword;
  const fixed =
    integerType(cursor, word) ??
    realType(cursor, word) ??
    textType(cursor, word) ??
    blobType(cursor, word) ??
    timeType(cursor, word);
  if (fixed !== null) {
    return fixed;
  }
  if (REFUSED.has(word)) {
    throw notSupported(`the type ${word}`);
  }
  throw cursor.fault();
}

/** The type in CAST(x AS ..) and CONVERT(x, ..), which has its own short list in MySQL. */
export function parseCastType(cursor: TokenCursor): SqlType {
  if (cursor.acceptAny(['SIGNED', 'UNSIGNED']) !== null) {
    const unsigned = cursor.peek(-1).keyword === 'UNSIGNED';
    cursor.acceptAny(['INTEGER', 'INT']);
    return { kind: 'integer', bits: 64, unsigned };
  }
  const word = cursor.peek().keyword;
  if (word === 'CHAR' || word === 'CHARACTER' || word === 'NCHAR') {
    cursor.next();
    const length = acceptLength(cursor);
    if (acceptCharset(cursor) === 'binary') {
      return { kind: 'blob', spelling: 'varbinary', length };
    }
    return { kind: 'text', spelling: 'varchar', length };
  }
  if (word === 'BINARY') {
    cursor.next();
    return { kind: 'blob', spelling: 'varbinary', length: acceptLength(cursor) };
  }
  return parseType(cursor);
}

/** [CHARACTER SET x] [COLLATE x], also ASCII, UNICODE, BINARY; the character set's name in lower case, null without. */
export function acceptCharset(cursor: TokenCursor): string | null {
  let charset: string | null = null;
  if (
    cursor.accept('CHARACTER', 'SET') ||
    cursor.accept('CHAR', 'SET') ||
    cursor.accept('CHARSET')
  ) {
    charset = cursor.nameOrString().toLowerCase();
  } else if (cursor.accept('ASCII')) {
    charset = 'ascii';
  } else if (cursor.accept('UNICODE')) {
    charset = 'utf16';
  }
  return charset;
}

function integerType(cursor: TokenCursor, word: string): SqlType | null {
  const unsignedBits = UNSIGNED_BITS.get(word);
  if (unsignedBits !== undefined) {
    cursor.next();
    return { kind: 'integer', bits: unsignedBits, unsigned: true };
  }
  if (word === 'BOOL' || word === 'BOOLEAN') {
    cursor.next();
    return { kind: 'boolean' };
  }
  const bits = INTEGER_BITS.get(word);
  if (bits === undefined) {
    return null;
  }
  cursor.next();
  acceptLength(cursor);
  return { kind: 'integer', bits, unsigned: acceptSign(cursor) };
}

/** SIGNED, UNSIGNED, ZEROFILL (which implies UNSIGNED) in any order. */
function acceptSign(cursor: TokenCursor): boolean {
  let unsigned = false;
  for (;;) {
    const word = cursor.acceptAny(['SIGNED', 'UNSIGNED', 'ZEROFILL']);
    if (word === null) {
      return unsigned;
    }
    unsigned ||= word !== 'SIGNED';
  }
}

function realType(cursor: TokenCursor, word: string): SqlType | null {
  switch (word) {
    case 'FLOAT':
    case 'FLOAT4':
    case 'FLOAT32': {
      cursor.next();
      const digits = acceptNumbers(cursor);
      refuseSign(cursor, word);
      const single = digits.length !== 1 || (digits[0] ?? 0) <= 24;
      return { kind: single ? 'float' : 'double' };
    }
    case 'DOUBLE':
    case 'FLOAT8':
    case 'FLOAT64':
    case 'REAL':
      cursor.next();
      cursor.accept('PRECISION');
      acceptNumbers(cursor);
      refuseSign(cursor, word);
      return { kind: 'double' };
    case 'DECIMAL':
    case 'DEC':
    case 'NUMERIC':
    case 'FIXED':
      cursor.next();
      return decimalType(cursor, word);
    default:
      return null;
  }
}

function refuseSign(cursor: TokenCursor, word: string): void {
  if (cursor.atAny(['UNSIGNED', 'ZEROFILL'])) {
    throw notSupported(`${word} ${cursor.peek().keyword}`);
  }
}

function decimalType(cursor: TokenCursor, word: string): SqlType {
  const [precision = 10, scale = 0] = acceptNumbers(cursor);
  refuseSign(cursor, word);
  if (scale > 30) {
    throw new SqlError('ER_TOO_BIG_SCALE', `Too big scale ${scale} specified. Maximum is 30.`);
  }
  if (precision > 65) {
    throw new SqlError(
      'ER_TOO_BIG_PRECISION',
      `Too-big precision ${precision} specified. Maximum is 65.`,
    );
  }
  if (scale > precision) {
    throw new SqlError(
      'ER_M_BIGGER_THAN_D',
      'For float(M,D), double(M,D) or decimal(M,D), M must be >= D.',
    );
  }
  return { kind: 'decimal', precision, scale };
}

function textType(cursor: TokenCursor, word: string): SqlType | null {
  const unlimited = UNLIMITED_TEXT.get(word);
  if (unlimited !== undefined) {
    cursor.next();
    acceptLength(cursor);
    return { kind: 'text', spelling: unlimited, length: null };
  }
  switch (word) {
    case 'VARCHAR':
    case 'NVARCHAR':
    case 'VARCHARACTER':
      cursor.next();
      return { kind: 'text', spelling: 'varchar', length: acceptLength(cursor) };
    case 'NATIONAL':
    case 'CHAR':
    case 'CHARACTER':
    case 'NCHAR': {
      cursor.next();
      if (word === 'NATIONAL' && cursor.acceptAny(['CHAR', 'CHARACTER', 'VARCHAR']) === null) {
        throw cursor.fault();
      }
      if (cursor.peek(-1).keyword === 'VARCHAR' || cursor.acceptAny(['VARYING', 'VARCHAR'])) {
        return { kind: 'text', spelling: 'varchar', length: acceptLength(cursor) };
      }
      return { kind: 'text', spelling: 'char', length: acceptLength(cursor) ?? 1 };
    }
    case 'LONG':
      cursor.next();
      if (cursor.accept('VARBINARY')) {
        return { kind: 'blob', spelling: 'mediumblob', length: null };
      }
      cursor.accept('VARCHAR');
      return { kind: 'text', spelling: 'mediumtext', length: null };
    case 'JSON':
      cursor.next();
      return { kind: 'json' };
    default:
      return null;
  }
}

function blobType(cursor: TokenCursor, word: string): SqlType | null {
  const unlimited = UNLIMITED_BLOB.get(word);
  if (unlimited !== undefined) {
    cursor.next();
    acceptLength(cursor);
    return { kind: 'blob', spelling: unlimited, length: null };
  }
  if (word === 'BINARY') {
    cursor.next();
    return { kind: 'blob', spelling: 'binary', length: acceptLength(cursor) ?? 1 };
  }
  if (word === 'VARBINARY') {
    cursor.next();
    return { kind: 'blob', spelling: 'varbinary', length: acceptLength(cursor) };
  }
  return null;
}

function timeType(cursor: TokenCursor, word: string): SqlType | null {
  const named = TIMESTAMP_PRECISION.get(word);
  if (named !== undefined) {
    cursor.next();
    return { kind: 'timestamp', precision: named, precisionGiven: true };
  }
  switch (word) {
    case 'DATE':
      cursor.next();
      return { kind: 'date' };
    case 'TIME':
      cursor.next();
      return { kind: 'time', precision: acceptPrecision(cursor, word) ?? 0 };
    case 'DATETIME':
    case 'TIMESTAMP': {
      cursor.next();
      const precision = acceptPrecision(cursor, word);
      return {
        kind: word === 'DATETIME' ? 'datetime' : 'timestamp',
        precision: precision ?? 0,
        precisionGiven: precision !== null,
      };
    }
    default:
      return null;
  }
}

function acceptPrecision(cursor: TokenCursor, word: string): number | null {
  const precision = acceptLength(cursor);
  if (precision !== null && precision > 9) {
    throw new SqlError(
      'ER_TOO_BIG_PRECISION',
      `Too-big precision ${precision} specified for '${word.toLowerCase()}'. Maximum is 9.`,
    );
  }
  return precision;
}

/** [ ( n ) ] */
function acceptLength(cursor: TokenCursor): number | null {
  if (!cursor.accept('(')) {
    return null;
  }
  const length = cursor.unsignedInteger();
  cursor.expect(')');
  return length;
}

/** [ ( n [, m] ) ] */
function acceptNumbers(cursor: TokenCursor): readonly number[] {
  return cursor.at('(') ? cursor.bracketedList(() => cursor.unsignedInteger()) : [];
}
