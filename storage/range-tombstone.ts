/**
 * "Everything of this table with these tags in this span of time was deleted": DELETE on tags and time, TRUNCATE, expiry.
 *
 * It kills rows whose version is below its own; a row of the same version (written later in the same transaction) survives. It says
 * nothing about rows that are not there yet, so it works on late rows of the peer as well.
 */

import { type ByteReader, DamagedBytesError } from './byte-reader.js';
import { ByteWriter } from './byte-writer.js';
import type { ColumnId, TableId } from './table-schema.js';

export interface RangeTombstone {
  readonly tableId: TableId;
  /** Inclusive, in the time column's units; null = open. */
  readonly timeMin: bigint | null;
  readonly timeMax: bigint | null;
  /** Tag is one of these values (canonical bytes, null = NULL), for every entry; empty = all series. */
  readonly tags: readonly {
    readonly columnId: ColumnId;
    readonly values: readonly (Uint8Array | null)[];
  }[];
}

export interface StampedTombstone extends RangeTombstone {
  readonly version: number;
}

export function isSameTombstone(a: StampedTombstone, b: StampedTombstone): boolean {
  if (a.version !== b.version || a.tableId !== b.tableId) return false;
  const bytes = [a, b].map((tombstone) => {
    const writer = new ByteWriter();
    encodeTombstone(writer, tombstone);
    return Buffer.from(writer.take());
  });
  return bytes[0]!.equals(bytes[1]!);
}

const FLAG_TIME_MIN = 1;
const FLAG_TIME_MAX = 2;

/**
 *   tombstone := u8 flags, [i64 min], [i64 max], varint tags, tag*      flags: 1 = has a least time, 2 = has a greatest
 *   tag       := u48 column id, varint values, value*
 *   value     := varint 0 (NULL) | varint (length + 1), bytes
 */
export function encodeTombstone(writer: ByteWriter, tombstone: RangeTombstone): void {
  const { timeMin, timeMax, tags } = tombstone;
  writer.uint8((timeMin === null ? 0 : FLAG_TIME_MIN) | (timeMax === null ? 0 : FLAG_TIME_MAX));
  if (timeMin !== null) writer.bigInt64(timeMin);
  if (timeMax !== null) writer.bigInt64(timeMax);
  writer.varint(tags.length);
  for (const { columnId, values } of tags) {
    writer.uint32(columnId >>> 0);
    writer.uint16(Math.floor(columnId / 2 ** 32));
    writer.varint(values.length);
    for (const value of values) {
      if (value === null) {
        writer.varint(0);
      } else {
        writer.varint(value.length + 1);
        writer.copy(value, 0, value.length);
      }
    }
  }
}

/** The bytes are copied out of the reader. */
export function decodeTombstone(reader: ByteReader, tableId: TableId): RangeTombstone {
  const flags = reader.uint8();
  if (flags > (FLAG_TIME_MIN | FLAG_TIME_MAX)) {
    throw new DamagedBytesError(`tombstone flags ${flags} are unknown`);
  }
  const timeMin = (flags & FLAG_TIME_MIN) !== 0 ? reader.bigInt64() : null;
  const timeMax = (flags & FLAG_TIME_MAX) !== 0 ? reader.bigInt64() : null;
  const tagCount = reader.varint();
  const tags: { columnId: ColumnId; values: (Uint8Array | null)[] }[] = [];
  for (let tag = 0; tag < tagCount; tag++) {
    const low = reader.uint32();
    const columnId = reader.uint16() * 2 ** 32 + low;
    const valueCount = reader.varint();
    const values: (Uint8Array | null)[] = [];
    for (let index = 0; index < valueCount; index++) {
      const length = reader.varint();
      values.push(length === 0 ? null : reader.view(length - 1).slice());
    }
    tags.push({ columnId, values });
  }
  return { tableId, timeMin, timeMax, tags };
}
