/**
 * One column of a result set (or one parameter of a prepared statement), and its packet:
 *
 *   lenenc catalog "def" | lenenc schema | lenenc table | lenenc org_table | lenenc name | lenenc org_name
 *   lenenc 0x0c | u16 character set | u32 length | u8 type | u16 flags | u8 decimals | u16 0
 *
 * Clients take these seriously: the character set picks Connector/J's decoder (63 = bytes), `length` divided by 4 is its
 * precision of a text, the original names let DBeaver edit a result, type TINY of length 1 is a BOOLEAN.
 */

import { CHARACTER_SET } from './character-sets.js';
import { COLUMN_FLAG, COLUMN_TYPE } from './column-types.js';
import type { ColumnType } from './column-types.js';
import type { PacketWriter } from './packet-writer.js';

export interface ColumnDefinition {
  /** Heading: the alias, or the expression as typed. */
  readonly name: string;
  readonly type: ColumnType;
  /** Collation id: 63 for bytes, numbers and times, else what the text is sent in (see CHARACTER_SET). */
  readonly characterSet: number;
  /** Longest value in bytes of its text form: characters * 4 for utf8mb4 text. */
  readonly length: number;
  /** Bits of COLUMN_FLAG. */
  readonly flags: number;
  /** Fraction digits; DECIMALS_NOT_FIXED for floating point without a fixed number. */
  readonly decimals: number;
  /** Database of the column, '' for an expression. */
  readonly schema?: string;
  /** Table or its alias, '' for an expression. */
  readonly table?: string;
  /** Table behind the alias. */
  readonly originalTable?: string;
  /** Column behind the alias. */
  readonly originalName?: string;
}

/** What COM_STMT_PREPARE says of each `?`: its type is not known before it is bound. */
export const PARAMETER_DEFINITION: ColumnDefinition = {
  name: '?',
  type: COLUMN_TYPE.varString,
  characterSet: CHARACTER_SET.binary,
  length: 0,
  flags: COLUMN_FLAG.binary,
  decimals: 0,
};

/** Writes the payload. `defaultValue` is only for COM_FIELD_LIST (null = no default); leave it out elsewhere. */
export function writeColumnDefinition(
  out: PacketWriter,
  column: ColumnDefinition,
  defaultValue?: string | null,
): void {
  out.lenencString('def');
  out.lenencString(column.schema ?? '');
  out.lenencString(column.table ?? '');
  out.lenencString(column.originalTable ?? '');
  out.lenencString(column.name);
  out.lenencString(column.originalName ?? '');
  out.int8(0x0c);
  out.int16(column.characterSet);
  out.int32(column.length);
  out.int8(column.type);
  out.int16(column.flags);
  out.int8(column.decimals);
  out.int16(0);
  if (defaultValue === null) out.nullText();
  else if (defaultValue !== undefined) out.lenencString(defaultValue);
}
