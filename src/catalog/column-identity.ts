/**
 * Column ids.
 *
 * Both nodes must name a column alike without asking each other, and a column that was dropped and added again must not
 * find the old one's values. So an id is a hash of what the column is: the first 6 bytes, big endian, of sha-256 over
 *
 *   table id (decimal) NUL name in lower case (UTF-8) NUL type NUL drop count (decimal)
 *
 * where `type` is the canonical text of the SQL type (see `typeIdentity`) and `drop count` says how often a column of
 * that name had been dropped from the table when this one was added. Frozen: ids are written to disk and wire.
 */

import { createHash } from 'node:crypto';
import type { ColumnId, TableId } from '../../storage/index.js';
import type { SqlType } from './sql-type.js';

/** 48 bits, so a safe integer. */
export function columnIdOf(
  tableId: TableId,
  name: string,
  type: SqlType,
  dropCount: number,
): ColumnId {
  const digest = createHash('sha256')
    .update(`${tableId}\0${name.toLowerCase()}\0${typeIdentity(type)}\0${dropCount}`, 'utf8')
    .digest();
  return digest.readUIntBE(0, 6);
}

/** Two columns of one name are the same column when these texts are equal. Frozen. */
export function typeIdentity(type: SqlType): string {
  switch (type.kind) {
    case 'boolean':
    case 'float':
    case 'double':
    case 'date':
    case 'json':
    case 'null':
      return type.kind;
    case 'integer':
      return `${type.unsigned ? 'uint' : 'int'}${type.bits}`;
    case 'decimal':
      return `decimal(${type.precision},${type.scale})`;
    case 'text':
    case 'blob':
      return type.length === null ? type.spelling : `${type.spelling}(${type.length})`;
    case 'time':
    case 'datetime':
    case 'timestamp':
      return `${type.kind}(${type.precision})`;
  }
}
