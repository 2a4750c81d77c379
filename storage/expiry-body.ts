/**
 * The body of an expiry record: up to which time the rows of each table have expired.
 *
 *   expiry := u8 format 1, varint tables, (u64 table id, i64 expired through)*
 *
 * `expired through` is inclusive, in the unit of the table's time column. It says nothing about versions: a row at or before it is
 * invisible whether it came before the record or comes years after it. Of two records of one table the later time holds, so their
 * order does not matter, and applying one twice changes nothing.
 *
 * The time is said by one node and journaled, never read off a node's own clock when a query runs: two nodes whose clocks
 * differ would show different rows.
 */

import { ByteReader, DamagedBytesError } from './byte-reader.js';
import { ByteWriter } from './byte-writer.js';
import type { TableId } from './table-schema.js';

const FORMAT = 1;

export interface TableExpiry {
  readonly tableId: TableId;
  /** Inclusive, in the time column's unit. */
  readonly through: bigint;
}

export function encodeExpiryBody(expiries: readonly TableExpiry[]): Uint8Array {
  const writer = new ByteWriter(16 + 16 * expiries.length);
  writer.uint8(FORMAT);
  writer.varint(expiries.length);
  for (const { tableId, through } of expiries) {
    writer.uint64(tableId);
    writer.bigInt64(through);
  }
  return writer.take();
}

/** Throws DamagedBytesError. */
export function decodeExpiryBody(bytes: Uint8Array): TableExpiry[] {
  const reader = new ByteReader(bytes);
  const format = reader.uint8();
  if (format !== FORMAT) throw new DamagedBytesError(`expiry format ${format} is unknown`);
  const expiries: TableExpiry[] = [];
  for (let left = reader.varint(); left > 0; left--) {
    expiries.push({ tableId: reader.uint64(), through: reader.bigInt64() });
  }
  reader.expectEnd();
  return expiries;
}
