/**
 * How MySQL 8 writes a type: in SHOW CREATE TABLE and COLUMN_TYPE in full (`varchar(20)`, `bigint unsigned`,
 * `datetime(6)`), in DATA_TYPE as the bare word, both in lower case; and the sizes that information_schema.COLUMNS
 * lists beside them. Clients build their own types from these texts, so they are MySQL's to the letter.
 */

import type { SqlType } from './sql-type.js';

const INTEGER_WORDS: Readonly<Record<8 | 16 | 24 | 32 | 64, string>> = {
  8: 'tinyint',
  16: 'smallint',
  24: 'mediumint',
  32: 'int',
  64: 'bigint',
};

/** Decimal digits that MySQL gives as NUMERIC_PRECISION. */
const INTEGER_DIGITS: Readonly<Record<8 | 16 | 24 | 32 | 64, number>> = {
  8: 3,
  16: 5,
  24: 7,
  32: 10,
  64: 19,
};

/** Longest value in bytes of the types that take no length; varchar and char are counted in characters instead. */
const BYTES_MAX: Readonly<Record<string, number>> = {
  tinytext: 255,
  text: 65_535,
  mediumtext: 16_777_215,
  longtext: 4_294_967_295,
  tinyblob: 255,
  blob: 65_535,
  mediumblob: 16_777_215,
  longblob: 4_294_967_295,
};

const UTF8_BYTES_MAX = 4;

/** The bare word, as DATA_TYPE has it. */
export function dataTypeName(type: SqlType): string {
  switch (type.kind) {
    case 'boolean':
      return 'tinyint';
    case 'integer':
      return INTEGER_WORDS[type.bits];
    case 'text':
    case 'blob':
      return type.spelling;
    case 'null':
      return 'null';
    default:
      return type.kind;
  }
}

/** The full text, as COLUMN_TYPE, DESCRIBE and SHOW CREATE TABLE have it. */
export function columnTypeName(type: SqlType): string {
  const word = dataTypeName(type);
  switch (type.kind) {
    case 'boolean':
      return 'tinyint(1)';
    case 'integer':
      return type.unsigned ? `${word} unsigned` : word;
    case 'decimal':
      return `${word}(${type.precision},${type.scale})`;
    case 'text':
    case 'blob':
      return takesLength(type.spelling) && type.length !== null ? `${word}(${type.length})` : word;
    case 'time':
    case 'datetime':
    case 'timestamp':
      return type.precision === 0 ? word : `${word}(${type.precision})`;
    default:
      return word;
  }
}

/** What information_schema.COLUMNS says of a type's size; null where MySQL has NULL. */
export interface TypeSizes {
  readonly characterMaximumLength: number | null;
  readonly characterOctetLength: number | null;
  readonly numericPrecision: number | null;
  readonly numericScale: number | null;
  readonly datetimePrecision: number | null;
}

const NO_SIZES: TypeSizes = {
  characterMaximumLength: null,
  characterOctetLength: null,
  numericPrecision: null,
  numericScale: null,
  datetimePrecision: null,
};

export function typeSizes(type: SqlType): TypeSizes {
  switch (type.kind) {
    case 'boolean':
      return { ...NO_SIZES, numericPrecision: 3, numericScale: 0 };
    case 'integer':
      return {
        ...NO_SIZES,
        numericPrecision: type.bits === 64 && type.unsigned ? 20 : INTEGER_DIGITS[type.bits],
        numericScale: 0,
      };
    case 'float':
      return { ...NO_SIZES, numericPrecision: 12 };
    case 'double':
      return { ...NO_SIZES, numericPrecision: 22 };
    case 'decimal':
      return { ...NO_SIZES, numericPrecision: type.precision, numericScale: type.scale };
    case 'text': {
      const bytes = textBytesMax(type);
      const characters = type.length ?? bytes;
      return { ...NO_SIZES, characterMaximumLength: characters, characterOctetLength: bytes };
    }
    case 'blob': {
      const bytes = type.length ?? BYTES_MAX[type.spelling] ?? 4_294_967_295;
      return { ...NO_SIZES, characterMaximumLength: bytes, characterOctetLength: bytes };
    }
    case 'time':
    case 'datetime':
    case 'timestamp':
      return { ...NO_SIZES, datetimePrecision: type.precision };
    default:
      return NO_SIZES;
  }
}

/** True for types whose values compare and sort by a collation. */
export function hasCollation(type: SqlType): boolean {
  return type.kind === 'text';
}

function takesLength(spelling: string): boolean {
  return (
    spelling === 'varchar' ||
    spelling === 'char' ||
    spelling === 'varbinary' ||
    spelling === 'binary'
  );
}

function textBytesMax(type: Extract<SqlType, { kind: 'text' }>): number {
  if (type.length !== null && takesLength(type.spelling)) return type.length * UTF8_BYTES_MAX;
  return BYTES_MAX[type.spelling] ?? 4_294_967_295;
}
