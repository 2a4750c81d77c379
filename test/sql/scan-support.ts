/** Scans INSERT text the way a connection would deliver it, into rows that tests can compare. */

import { fixedTimeZone } from '../../src/exec/time-zone.js';
import type { TimeZone } from '../../src/exec/time-zone.js';
import type { TypedValue } from '../../src/exec/sql-value.js';
import { BIGINT, LONG_BLOB, LONG_TEXT, NULL_VALUE, textBytes } from '../../src/exec/sql-value.js';
import type { SqlType } from '../../src/catalog/sql-type.js';
import { SqlError } from '../../protocol/index.js';
import type { Expression } from '../../src/sql/ast.js';
import { CellConverter } from '../../src/sql/cell-conversion.js';
import type { ConversionContext } from '../../src/sql/cell-conversion.js';
import type { InsertCell, InsertTarget } from '../../src/sql/insert-target.js';
import { InsertScanner } from '../../src/sql/insert-scanner.js';
import { parseExpression } from '../../src/sql/parser.js';
import { RecordedCell } from '../../src/sql/recorded-cell.js';
import type { RowSink } from '../../src/sql/row-sink.js';

export interface TestColumn {
  readonly name: string;
  readonly type: SqlType;
  readonly nullable?: boolean;
}

/** Cells as text: `12`, `0x1:0x2` for wide integers, `1700000000+5` for times, `'abc'`, `NULL`. */
export class RecordingSink implements RowSink {
  readonly rows: string[][] = [];
  isOfPieces = true;
  /** The longest run of bytes that was handed over in one call. */
  pieceBytesMost = 0;
  #row: string[] = [];
  #abandoned = 0;

  get rowCount(): number {
    return this.rows.length;
  }

  get abandonedRows(): number {
    return this.#abandoned;
  }

  setNumber(column: number, value: number): void {
    this.#set(column, Object.is(value, -0) ? '-0' : String(value));
  }

  setInteger64(column: number, high: number, low: number): void {
    this.#set(column, String((BigInt(high) << 32n) + BigInt(low >>> 0)));
  }

  setTime(column: number, seconds: number, fraction: number): void {
    this.#set(column, `${seconds}+${fraction}`);
  }

  setBytes(column: number, source: Uint8Array, start: number, end: number): void {
    this.pieceBytesMost = Math.max(this.pieceBytesMost, end - start);
    this.#set(column, `'${Buffer.from(source.subarray(start, end)).toString('latin1')}'`);
  }

  takesPieces(): boolean {
    return this.isOfPieces;
  }

  addBytes(column: number, source: Uint8Array, start: number, end: number): void {
    const before = this.#row[column];
    if (before === undefined) throw new Error(`column ${column} was not begun`);
    const more = Buffer.from(source.subarray(start, end)).toString('latin1');
    this.#row[column] = `${before.slice(0, -1)}${more}'`;
    this.pieceBytesMost = Math.max(this.pieceBytesMost, end - start);
  }

  setNull(column: number): void {
    this.#set(column, 'NULL');
  }

  endRow(): void {
    this.rows.push(this.#row);
    this.#row = [];
  }

  abandonRow(): void {
    this.#row = [];
    this.#abandoned += 1;
  }

  #set(column: number, text: string): void {
    if (this.#row[column] !== undefined) throw new Error(`column ${column} was set twice`);
    this.#row[column] = text;
  }
}

export interface ScanResult {
  readonly rows: readonly (readonly string[])[];
  /** `1366 Incorrect ...`, null when the text was read whole. */
  readonly error: string | null;
}

export interface ScanSettings {
  readonly timeZone?: TimeZone;
  readonly ansiQuotes?: boolean;
  readonly noBackslashEscapes?: boolean;
  /** Defaults by column name, as text. */
  readonly defaults?: Readonly<Record<string, string>>;
  readonly omitted?: readonly TestColumn[];
  readonly rowsPerTurn?: number;
  /** False: the sink takes whole cells alone. */
  readonly isOfPieces?: boolean;
}

/** Reads `text` cut at `cuts`; each piece is wiped after it was read, as a socket's buffer would be. */
export function scanPieces(
  columns: readonly TestColumn[],
  text: string | Uint8Array,
  cuts: readonly number[],
  settings: ScanSettings = {},
): ScanResult {
  const bytes = typeof text === 'string' ? Buffer.from(text) : Buffer.from(text);
  const sink = new RecordingSink();
  sink.isOfPieces = settings.isOfPieces ?? true;
  const options = {
    ansiQuotes: settings.ansiQuotes ?? false,
    noBackslashEscapes: settings.noBackslashEscapes ?? false,
  };
  const target = targetInto(sink, columns, settings, options);
  const scanner = new InsertScanner(target, {
    ...options,
    line: 1,
    rowsPerTurn: settings.rowsPerTurn ?? 1000,
  });
  try {
    const ends = [...cuts, bytes.length];
    let start = 0;
    for (const end of ends) {
      const piece = new Uint8Array(end - start + 2).fill(0x27);
      piece.set(bytes.subarray(start, end), 1);
      for (let at = 1; at < piece.length - 1;) {
        const taken = scanner.write(piece, at, piece.length - 1);
        if (taken === 0) throw new Error('the scanner took nothing');
        at += taken;
      }
      piece.fill(0x29);
      start = end;
    }
    scanner.end();
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    return { rows: sink.rows, error: `${error.errno} ${error.message}` };
  }
  return { rows: sink.rows, error: null };
}

export function targetInto(
  sink: RecordingSink,
  columns: readonly TestColumn[],
  settings: ScanSettings,
  options: { ansiQuotes: boolean; noBackslashEscapes: boolean },
): InsertTarget {
  const context: ConversionContext = {
    row: 0,
    timeZone: settings.timeZone ?? fixedTimeZone('UTC', 0),
  };
  const cellOf = (column: TestColumn, schemaIndex: number): InsertCell => {
    const nullable = column.nullable ?? true;
    const { name, type } = column;
    const converter = new CellConverter({ name, type, nullable, schemaIndex }, context);
    const given = settings.defaults?.[name];
    if (given === undefined && !nullable) return { converter, defaultCell: null };
    const defaultCell = new RecordedCell();
    if (given === undefined) converter.null(defaultCell);
    else converter.text(defaultCell, Buffer.from(given), 0, Buffer.byteLength(given), false);
    return { converter, defaultCell };
  };
  return {
    batch: sink,
    context,
    cells: columns.map(cellOf),
    omitted: (settings.omitted ?? []).map((column, index) => {
      const { defaultCell } = cellOf(column, columns.length + index);
      if (defaultCell === null) throw new Error('an omitted column needs a default');
      return defaultCell;
    }),
    evaluate: (text) => evaluate(parseExpression(text, options)),
    isBatchFull: () => false,
    onBatchFull: () => undefined,
  };
}

/** Just enough of an evaluator: literals, +, unary - and concat(). */
export function evaluate(expression: Expression): TypedValue {
  if (expression.kind === 'literal') {
    const { value } = expression;
    if (value.type === 'integer') return { type: BIGINT, value: value.value };
    if (value.type === 'string') return { type: LONG_TEXT, value: textBytes(value.value) };
    if (value.type === 'null') return NULL_VALUE;
    if (value.type === 'boolean') return { type: BIGINT, value: value.value ? 1 : 0 };
    if (value.type === 'double') return { type: DOUBLE, value: value.value };
    if (value.type === 'bytes') return { type: LONG_BLOB, value: value.value };
    if (value.type === 'decimal') {
      const [whole = '', fraction = ''] = value.text.split('.');
      const type = { kind: 'decimal', precision: 65, scale: fraction.length } as const;
      return { type, value: BigInt(whole + fraction) };
    }
  }
  if (expression.kind === 'binary' && expression.operator === '+') {
    const left = evaluate(expression.left).value;
    const right = evaluate(expression.right).value;
    if (typeof left === 'bigint' && typeof right === 'bigint') {
      return { type: BIGINT, value: left + right };
    }
  }
  if (expression.kind === 'unary' && expression.operator === '-') {
    const { value } = evaluate(expression.operand);
    if (typeof value === 'bigint') return { type: BIGINT, value: -value };
  }
  if (expression.kind === 'call' && expression.name === 'concat') {
    const parts = expression.arguments.map((argument) => {
      const { value } = evaluate(argument);
      return value instanceof Uint8Array ? Buffer.from(value).toString() : String(value);
    });
    return { type: LONG_TEXT, value: textBytes(parts.join('')) };
  }
  throw new SqlError('ER_NOT_SUPPORTED_YET', `evaluating ${expression.kind}`);
}

/**
 * Reads `text` whole, cut once at every offset, and byte by byte, and requires the same result each time.
 * Returns it.
 */
export function scanEveryWay(
  columns: readonly TestColumn[],
  text: string | Uint8Array,
  settings: ScanSettings = {},
): ScanResult {
  const length = typeof text === 'string' ? Buffer.byteLength(text) : text.length;
  const whole = scanPieces(columns, text, [], settings);
  const singles = Array.from({ length: Math.max(0, length - 1) }, (_, index) => index + 1);
  expect(scanPieces(columns, text, singles, settings)).toEqual(whole);
  for (const cut of singles) {
    expect({ cut, ...scanPieces(columns, text, [cut], settings) }).toEqual({ cut, ...whole });
  }
  expect(scanPieces(columns, text, [], { ...settings, rowsPerTurn: 1 })).toEqual(whole);
  return whole;
}

export const INT = { kind: 'integer', bits: 32, unsigned: false } as const;
export const BIG = { kind: 'integer', bits: 64, unsigned: false } as const;
export const BIG_UNSIGNED = { kind: 'integer', bits: 64, unsigned: true } as const;
export const DOUBLE = { kind: 'double' } as const;
export const TEXT = { kind: 'text', spelling: 'text', length: null } as const;
export const timestamp = (precision: number): SqlType => ({
  kind: 'timestamp',
  precision,
  precisionGiven: true,
});
export const datetime = (precision: number): SqlType => ({
  kind: 'datetime',
  precision,
  precisionGiven: true,
});
