/**
 * A column's DEFAULT as text: in SHOW CREATE TABLE, DESCRIBE and information_schema.COLUMNS.
 *
 * A TIMESTAMP default is an instant, so its text depends on the zone of the session that looks, as in MySQL.
 */

import { writeDate, writeDateTime } from '../exec/calendar.js';
import { formatDouble } from '../exec/number-text.js';
import type { TimeZone } from '../exec/time-zone.js';
import { quoteText } from './identifier.js';
import type { SqlType } from './sql-type.js';
import type { ColumnDefinition } from './table-definition.js';

const decoder = new TextDecoder();
const DATE_TIME_BYTES_MAX = 32;

/** As COLUMN_DEFAULT has it: null for no default and for NULL. */
export function defaultText(column: ColumnDefinition, zone: TimeZone): string | null {
  const value = column.default;
  if (value.kind === 'none') return null;
  if (value.kind === 'now') return currentTimestampText(column.type);
  return value.value === null ? null : constantText(column.type, value.value, zone);
}

/** The whole clause with a leading space, or '' where MySQL writes none. */
export function defaultClause(column: ColumnDefinition, zone: TimeZone): string {
  const value = column.default;
  if (value.kind === 'now') return ` DEFAULT ${currentTimestampText(column.type)}`;
  if (value.kind === 'none' || value.value === null) {
    const hasNone = !column.nullable || isLarge(column.type);
    return hasNone ? '' : ' DEFAULT NULL';
  }
  if (value.value instanceof Uint8Array && column.type.kind === 'blob') {
    return ` DEFAULT 0x${Buffer.from(value.value).toString('hex')}`;
  }
  return ` DEFAULT ${quoteText(constantText(column.type, value.value, zone))}`;
}

function currentTimestampText(type: SqlType): string {
  const digits = type.kind === 'timestamp' || type.kind === 'datetime' ? type.precision : 0;
  return digits === 0 ? 'CURRENT_TIMESTAMP' : `CURRENT_TIMESTAMP(${digits})`;
}

function constantText(
  type: SqlType,
  value: string | number | bigint | boolean | Uint8Array,
  zone: TimeZone,
): string {
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (value instanceof Uint8Array) {
    return type.kind === 'blob' ? `0x${Buffer.from(value).toString('hex')}` : decoder.decode(value);
  }
  if (type.kind === 'date' && typeof value === 'number') {
    const target = new Uint8Array(DATE_TIME_BYTES_MAX);
    return decoder.decode(target.subarray(0, writeDate(target, 0, value)));
  }
  if (type.kind === 'datetime') return countText(BigInt(value), type.precision, null);
  if (type.kind === 'timestamp') return countText(BigInt(value), type.precision, zone);
  return typeof value === 'number' ? formatDouble(value) : String(value);
}

/** @param count since the epoch in units of 10^-precision seconds */
function countText(count: bigint, precision: number, zone: TimeZone | null): string {
  const units = 10n ** BigInt(precision);
  const fraction = ((count % units) + units) % units;
  const epochSeconds = Number((count - fraction) / units);
  const seconds = zone === null ? epochSeconds : epochSeconds + zone.offsetSecondsAt(epochSeconds);
  const target = new Uint8Array(DATE_TIME_BYTES_MAX);
  const end = writeDateTime(target, 0, seconds, Number(fraction), precision);
  return decoder.decode(target.subarray(0, end));
}

/** MySQL writes no DEFAULT NULL for these. */
function isLarge(type: SqlType): boolean {
  return (
    (type.kind === 'text' && type.spelling !== 'varchar' && type.spelling !== 'char') ||
    (type.kind === 'blob' && type.spelling !== 'varbinary' && type.spelling !== 'binary')
  );
}
