/**
 * A table's schema as the body of a schema record, and its id.
 *
 *   schema := u8 format 1, u64 table id, u8 flags (1 = append mode, 2 = merge fields), u64 partition ms, u16 columns, column*
 *   column := u48 id, u8 type, u8 role, u8 precision
 *
 * The id is the first 8 bytes of the body's sha-256, so equal schemas have equal ids on both nodes whoever wrote them first.
 */

import { createHash } from 'node:crypto';
import { ByteReader, DamagedBytesError } from './byte-reader.js';
import { ByteWriter } from './byte-writer.js';
import {
  ColumnRole,
  ColumnType,
  type SchemaId,
  type StoredColumn,
  type TableSchema,
} from './table-schema.js';

const FORMAT = 1;
const FLAG_APPEND_MODE = 1;
const FLAG_MERGE_FIELDS = 2;

const TYPES: ReadonlySet<number> = new Set(Object.values(ColumnType));
const ROLES: ReadonlySet<number> = new Set(Object.values(ColumnRole));

export function encodeSchemaBody(schema: TableSchema): Uint8Array {
  const writer = new ByteWriter();
  writer.uint8(FORMAT);
  writer.uint64(schema.tableId);
  writer.uint8(
    (schema.appendMode ? FLAG_APPEND_MODE : 0) |
      (schema.mergeFields === true ? FLAG_MERGE_FIELDS : 0),
  );
  writer.uint64(schema.partitionMs);
  writer.uint16(schema.columns.length);
  for (const column of schema.columns) {
    writer.uint32(column.id >>> 0);
    writer.uint16(Math.floor(column.id / 2 ** 32));
    writer.uint8(column.type);
    writer.uint8(column.role);
    writer.uint8(column.precision);
  }
  return writer.take();
}

/** Throws DamagedBytesError for bytes that are not a schema. */
export function decodeSchemaBody(bytes: Uint8Array): TableSchema {
  const reader = new ByteReader(bytes);
  const format = reader.uint8();
  if (format !== FORMAT) throw new DamagedBytesError(`schema format ${format} is unknown`);
  const tableId = reader.uint64();
  const flags = reader.uint8();
  const partitionMs = reader.uint64();
  const count = reader.uint16();
  const columns: StoredColumn[] = [];
  for (let index = 0; index < count; index++) {
    const low = reader.uint32();
    const id = reader.uint16() * 2 ** 32 + low;
    const type = reader.uint8();
    const role = reader.uint8();
    const precision = reader.uint8();
    if (!isColumnType(type) || !isColumnRole(role) || precision > 9) {
      throw new DamagedBytesError(`column ${index} of a schema is of unknown type or role`);
    }
    columns.push({ id, type, role, precision });
  }
  reader.expectEnd();
  const appendMode = (flags & FLAG_APPEND_MODE) !== 0;
  const mergeFields = (flags & FLAG_MERGE_FIELDS) !== 0;
  if (appendMode && mergeFields) {
    throw new DamagedBytesError('a schema both keeps every row and merges fields');
  }
  return { tableId, columns, appendMode, partitionMs, ...(mergeFields ? { mergeFields } : {}) };
}

export function schemaIdOf(schema: TableSchema): SchemaId {
  return schemaIdOfBody(encodeSchemaBody(schema));
}

export function schemaIdOfBody(body: Uint8Array): SchemaId {
  return createHash('sha256').update(body).digest('hex').slice(0, 16);
}

function isColumnType(type: number): type is ColumnType {
  return TYPES.has(type);
}

function isColumnRole(role: number): role is ColumnRole {
  return ROLES.has(role);
}
