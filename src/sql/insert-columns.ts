/**
 * The columns of an INSERT: which cell goes to which column, and what the columns hold that it does not name.
 *
 * Resolved once a statement. Defaults are converted here, so that a row repeats them without converting.
 */

import { SqlError } from '../../protocol/index.js';
import type { ColumnDefinition, TableDefinition } from '../catalog/table-definition.js';
import { findColumn } from '../catalog/table-definition.js';
import { CellConverter } from './cell-conversion.js';
import type { ConversionContext } from './cell-conversion.js';
import { noDefault } from './cell-error.js';
import type { InsertCell } from './insert-target.js';
import { RecordedCell } from './recorded-cell.js';

export interface InsertColumns {
  /** By position in the rows of VALUES. */
  readonly cells: readonly InsertCell[];
  readonly omitted: readonly RecordedCell[];
  /** The same columns for a statement that starts later: only DEFAULT CURRENT_TIMESTAMP depends on it. */
  restart(now: StatementTime): void;
}

/** What DEFAULT CURRENT_TIMESTAMP is: the statement's start, the same in all rows. */
export interface StatementTime {
  /** Since the epoch, rounded down. */
  readonly seconds: number;
  readonly nanoseconds: number;
}

const NANOSECOND_DIGITS = 9;
const encoder = new TextEncoder();

/**
 * `names` null means all columns in order. Throws 1054 for an unknown column, 1110 for one named twice, 1364 for one that must be named.
 */
export function resolveInsertColumns(
  table: TableDefinition,
  names: readonly string[] | null,
  context: ConversionContext,
  now: StatementTime,
): InsertColumns {
  const named = names === null ? table.columns : names.map((name) => requireColumn(table, name));
  const seen = new Set<ColumnDefinition>();
  for (const column of named) {
    if (seen.has(column)) {
      throw new SqlError('ER_FIELD_SPECIFIED_TWICE', { column: column.name });
    }
    seen.add(column);
  }
  const nowCells: { readonly converter: CellConverter; readonly cell: RecordedCell }[] = [];
  const cellOf = (column: ColumnDefinition): InsertCell => {
    const converter = new CellConverter(column, context);
    const cell = defaultCell(column, converter, now);
    if (cell !== null && column.default.kind === 'now') nowCells.push({ converter, cell });
    return { converter, defaultCell: cell };
  };
  const omitted = table.columns
    .filter((column) => !seen.has(column))
    .map((column) => {
      const { converter, defaultCell: given } = cellOf(column);
      if (given === null) {
        throw noDefault(converter);
      }
      return given;
    });
  return {
    cells: named.map(cellOf),
    omitted,
    restart(later) {
      for (const { converter, cell } of nowCells) writeNow(converter, cell, later);
    },
  };
}

function requireColumn(table: TableDefinition, name: string): ColumnDefinition {
  const column = findColumn(table, name);
  if (column === undefined) {
    throw new SqlError('ER_BAD_FIELD_ERROR', { column: name, clause: 'field list' });
  }
  return column;
}

/** Null when the column must be given. */
function defaultCell(
  column: ColumnDefinition,
  converter: CellConverter,
  now: StatementTime,
): RecordedCell | null {
  const cell = new RecordedCell();
  const value = column.default;
  if (value.kind === 'now') {
    writeNow(converter, cell, now);
  } else if (value.kind === 'none') {
    if (!column.nullable) {
      return null;
    }
    converter.null(cell);
  } else {
    writeConstant(converter, cell, value.value);
  }
  return cell;
}

/** Cut to the column's precision, not rounded: no row is from the future. */
function writeNow(converter: CellConverter, cell: RecordedCell, now: StatementTime): void {
  const { type } = converter;
  const precision = type.kind === 'timestamp' || type.kind === 'datetime' ? type.precision : 0;
  const fraction = Math.floor(now.nanoseconds / 10 ** (NANOSECOND_DIGITS - precision));
  converter.instant(cell, now.seconds, fraction, precision);
}

function writeConstant(
  converter: CellConverter,
  cell: RecordedCell,
  value: string | number | bigint | boolean | Uint8Array | null,
): void {
  if (value === null) {
    converter.null(cell);
  } else if (typeof value === 'string') {
    const bytes = encoder.encode(value);
    converter.text(cell, bytes, 0, bytes.length, false);
  } else if (typeof value === 'bigint') {
    converter.bigint(cell, value);
  } else if (typeof value === 'boolean') {
    converter.boolean(cell, value);
  } else if (value instanceof Uint8Array) {
    converter.bytes(cell, value);
  } else if (converter.type.kind === 'date') {
    // kept as days
    converter.date(cell, value);
  } else if (Number.isInteger(value)) {
    converter.integer(cell, value);
  } else {
    converter.double(cell, value);
  }
}
