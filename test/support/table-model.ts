/**
 * A table as a plain list of everything that was ever written to it, and what a reader must see of that: the rules of last write
 * wins, append mode, merged fields, key deletes, range deletes and expiry, said once more in the simplest way there is.
 */

import { RowBatch } from '../../storage/row-batch.js';
import { ColumnRole, ColumnType, type TableSchema } from '../../storage/table-schema.js';
import { encodeWriteBody, rangeTombstoneSection } from '../../storage/write-body.js';
import { type PlainValue, printValue } from './vector-values.js';

export interface ModelRow {
  /** By schema column, tags and time included. */
  readonly cells: readonly PlainValue[];
}

export type ModelOperation =
  | { readonly kind: 'rows'; readonly rows: readonly ModelRow[] }
  | { readonly kind: 'deletes'; readonly rows: readonly ModelRow[] }
  | {
      readonly kind: 'range';
      readonly timeMin: bigint | null;
      readonly timeMax: bigint | null;
      /** Values of the first tag; null = all series. */
      readonly firstTag: readonly PlainValue[] | null;
    };

export interface ModelRecord {
  readonly version: number;
  readonly operations: readonly ModelOperation[];
  /** An expiry record: rows up to this time are gone, whatever their version. It has no operations. */
  readonly expiredThrough?: bigint;
}

interface Entry {
  readonly version: number;
  readonly ordinal: number;
  readonly isTombstone: boolean;
  readonly row: ModelRow;
}

/** Puts one cell into a batch by the setter that a writer would use. */
export function setCell(batch: RowBatch, column: number, value: PlainValue): void {
  const { type, precision } = batch.schema.columns[column]!;
  if (value === null) {
    batch.setNull(column);
  } else if (type === ColumnType.timestamp || type === ColumnType.datetime) {
    const units = BigInt(value);
    const unit = 10n ** BigInt(precision);
    const fraction = ((units % unit) + unit) % unit;
    batch.setTime(column, Number((units - fraction) / unit), Number(fraction));
  } else if (typeof value === 'string') {
    const bytes = Buffer.from(`[${value}]`, 'latin1');
    batch.setBytes(column, bytes, 1, bytes.length - 1);
  } else if (type === ColumnType.int64 || type === ColumnType.uint64) {
    const wide = BigInt(value);
    batch.setInteger64(
      column,
      Number(BigInt.asIntN(32, wide >> 32n)),
      Number(BigInt.asIntN(32, wide)),
    );
  } else {
    batch.setNumber(column, Number(value));
  }
}

/** The body of a write record as a writer makes it. */
export function bodyOf(schema: TableSchema, record: ModelRecord): Uint8Array {
  const sections = record.operations.map((operation) => {
    if (operation.kind === 'range') {
      const tag = schema.columns[0]!;
      const values = operation.firstTag?.map((value) =>
        value === null ? null : Buffer.from(String(value), 'latin1'),
      );
      return rangeTombstoneSection({
        tableId: schema.tableId,
        timeMin: operation.timeMin,
        timeMax: operation.timeMax,
        tags: values === undefined ? [] : [{ columnId: tag.id, values }],
      });
    }
    const batch = new RowBatch(schema);
    for (const { cells } of operation.rows) {
      cells.forEach((value, column) => setCell(batch, column, value));
      batch.endRow();
    }
    return operation.kind === 'rows' ? batch.encodeSection() : batch.encodeKeySection();
  });
  return Buffer.concat(encodeWriteBody(sections));
}

/** Rows that a reader sees, each as its printed cells. */
export function visibleRows(schema: TableSchema, records: readonly ModelRecord[]): ModelRow[] {
  const keyColumns = schema.columns.flatMap(({ role }, index) =>
    role === ColumnRole.field ? [] : [index],
  );
  const timeIndex = schema.columns.findIndex(({ role }) => role === ColumnRole.time);
  const identities = new Map<string, Entry[]>();
  for (const { version, operations } of records) {
    let ordinal = 0;
    for (const operation of operations) {
      if (operation.kind === 'range') continue;
      for (const row of operation.rows) {
        const key = keyColumns.map((index) => printValue(row.cells[index]!)).join('|');
        const entries = identities.get(key) ?? [];
        const isTombstone = operation.kind === 'deletes';
        entries.push({ version, ordinal: ordinal++, isTombstone, row });
        identities.set(key, entries);
      }
    }
  }
  const ranges = records.flatMap(({ version, operations }) =>
    operations.flatMap((operation) => (operation.kind === 'range' ? [{ version, operation }] : [])),
  );
  const isKilled = ({ version, row }: Entry): boolean => {
    const time = BigInt(row.cells[timeIndex]!);
    return ranges.some(
      ({ version: at, operation: { timeMin, timeMax, firstTag } }) =>
        at > version &&
        (timeMin === null || time >= timeMin) &&
        (timeMax === null || time <= timeMax) &&
        (firstTag === null || firstTag.includes(row.cells[0]!)),
    );
  };
  const expired = records.reduce<bigint | null>(
    (latest, { expiredThrough: through = null }) =>
      through !== null && (latest === null || through > latest) ? through : latest,
    null,
  );
  const visible: ModelRow[] = [];
  for (const entries of identities.values()) {
    if (expired !== null && BigInt(entries[0]!.row.cells[timeIndex]!) <= expired) continue;
    if (schema.appendMode) {
      const deleted = Math.max(-1, ...entries.filter((e) => e.isTombstone).map((e) => e.version));
      for (const entry of entries) {
        if (!entry.isTombstone && entry.version >= deleted && !isKilled(entry))
          visible.push(entry.row);
      }
      continue;
    }
    if (schema.mergeFields === true) {
      const merged = mergedRow(
        schema,
        entries.filter((entry) => !isKilled(entry)),
      );
      if (merged !== null) visible.push(merged);
      continue;
    }
    const last = entries.reduce((best, entry) => (isAfter(entry, best) ? entry : best));
    if (!last.isTombstone && !isKilled(last)) visible.push(last.row);
  }
  return visible;
}

/** Of each field the newest value since the last tombstone that is not NULL; null = no row is left. */
function mergedRow(schema: TableSchema, entries: readonly Entry[]): ModelRow | null {
  const sorted = [...entries].sort((a, b) => (isAfter(a, b) ? 1 : -1));
  const rows = sorted.slice(sorted.findLastIndex((entry) => entry.isTombstone) + 1);
  if (rows.length === 0) return null;
  const cells = schema.columns.map(
    (_, column) =>
      rows.findLast(({ row }) => row.cells[column] !== null)?.row.cells[column] ?? null,
  );
  return { cells };
}

export function printRow(cells: readonly PlainValue[]): string {
  return cells.map(printValue).join(' | ');
}

/** Higher version; within one, rows after tombstones; then the later row. */
function isAfter(a: Entry, b: Entry): boolean {
  if (a.version !== b.version) return a.version > b.version;
  if (a.isTombstone !== b.isTombstone) return b.isTombstone;
  return a.ordinal > b.ordinal;
}
