/**
 * The DEFAULT clause of a column, evaluated once when the table is created.
 *
 * A constant goes through the very conversion that a value in an INSERT goes through, and what comes out is kept in the form
 * of the column's type: text that is no number for an INT is refused here (1067) and not at the first INSERT. Only now()
 * stays an expression: each INSERT evaluates it anew.
 */

import { SqlError } from '../../protocol/index.js';
import type { DefaultEvaluator } from '../catalog/create-table-plan.js';
import type { SqlType } from '../catalog/sql-type.js';
import type { ColumnDefault } from '../catalog/table-definition.js';
import type { Expression } from '../sql/ast.js';
import { CellConverter } from '../sql/cell-conversion.js';
import type { RowSink } from '../sql/row-sink.js';
import { writeTypedValue } from '../sql/typed-cell.js';
import { constantOf } from './constant-expression.js';
import { isSqlError } from './is-sql-error.js';
import type { StatementRun } from './statement-run.js';

const NOW_FUNCTIONS: ReadonlySet<string> = new Set([
  'now',
  'current_timestamp',
  'localtime',
  'localtimestamp',
]);

export function defaultEvaluator(run: StatementRun): DefaultEvaluator {
  return (expression, column) => {
    if (isNow(expression)) {
      if (column.type.kind === 'timestamp' || column.type.kind === 'datetime')
        return { kind: 'now' };
      throw new SqlError('ER_INVALID_DEFAULT', { column: column.name });
    }
    try {
      return constantDefault(run, expression, column);
    } catch (error) {
      if (!isSqlError(error)) throw error;
      throw new SqlError(
        'ER_INVALID_DEFAULT',
        `Invalid default value for '${column.name}': ${error.message}`,
        { cause: error },
      );
    }
  };
}

function isNow(expression: Expression): boolean {
  return expression.kind === 'call' && NOW_FUNCTIONS.has(expression.name);
}

function constantDefault(
  run: StatementRun,
  expression: Expression,
  column: { readonly name: string; readonly type: SqlType },
): ColumnDefault {
  const { name, type } = column;
  const cell = new DefaultCell(type);
  const converter = new CellConverter(
    { name, type, nullable: true, schemaIndex: 0 },
    { row: 1, timeZone: run.state.zone },
  );
  writeTypedValue(converter, cell, constantOf(run, expression));
  return { kind: 'constant', value: cell.value };
}

const decoder = new TextDecoder();

/** Takes the one converted cell and keeps it as a value. */
class DefaultCell implements RowSink {
  readonly rowCount = 0;
  readonly #type: SqlType;
  value: string | number | bigint | Uint8Array | null = null;

  constructor(type: SqlType) {
    this.#type = type;
  }

  setNumber(_column: number, value: number): void {
    this.value = value;
  }

  setInteger64(_column: number, high: number, low: number): void {
    const isUnsigned = this.#type.kind === 'integer' && this.#type.unsigned;
    this.value = BigInt(isUnsigned ? high >>> 0 : high) * 2n ** 32n + BigInt(low >>> 0);
  }

  setTime(_column: number, seconds: number, fraction: number): void {
    const type = this.#type;
    const precision = type.kind === 'timestamp' || type.kind === 'datetime' ? type.precision : 0;
    this.value = BigInt(seconds) * 10n ** BigInt(precision) + BigInt(fraction);
  }

  setBytes(_column: number, source: Uint8Array, start: number, end: number): void {
    const bytes = source.slice(start, end);
    this.value = this.#type.kind === 'text' ? decoder.decode(bytes) : bytes;
  }

  takesPieces(): boolean {
    return false;
  }

  addBytes(): void {
    throw new Error('a default is set at once');
  }

  setNull(): void {
    this.value = null;
  }

  endRow(): void {
    throw new Error('a default is no row');
  }

  abandonRow(): void {
    throw new Error('a default is no row');
  }
}
