/** INSERT and REPLACE from a tree: prepared ones, whose cells are mostly parameters that go straight into the batch. */

import { SqlError } from '../../protocol/index.js';
import type { ParameterReader } from '../../protocol/index.js';
import type { Timers } from '../../storage/index.js';
import { evaluateConstant } from '../exec/constant.js';
import type { BindContext } from '../exec/execution-context.js';
import type { Expression, Statement } from '../sql/ast.js';
import { noDefault } from '../sql/cell-error.js';
import type { InsertCell } from '../sql/insert-target.js';
import { writeTypedValue } from '../sql/typed-cell.js';
import { InsertRun, insertInfo } from './insert-run.js';
import { InsertShape } from './insert-shape.js';
import { preparedShape } from './prepared-shape.js';
import { writeParameter } from './parameter-cell.js';
import { writableTable } from './statement-run.js';
import type { StatementRun } from './statement-run.js';

export type InsertStatement = Extract<Statement, { kind: 'insert' }>;

/**
 * Writes all rows, or none.
 * @param parameters null for a statement without
 */
export async function executeInsert(
  run: StatementRun,
  statement: InsertStatement,
  parameters: ParameterReader | null,
): Promise<void> {
  const { name, columns, rows } = statement;
  const table = writableTable(run.state, name.database, name.table);
  const isPrepared = parameters !== null;
  const shape = isPrepared
    ? preparedShape(run, statement, table)
    : new InsertShape(run, table, columns);
  const insert = new InsertRun(run, shape, {
    signal: () => run.response.abortNotice,
  });
  try {
    const filler = new RowFiller(run, insert, parameters);
    const { timers } = run.state.context;
    for (let row = 0; row < rows.length;) {
      row = filler.fillFrom(rows, row);
      if (filler.pieces !== null) await inTurns(filler.pieces, timers);
      else if (insert.isBatchFull()) await insert.onBatchFull();
    }
    const rowCount = insert.written(await insert.finish());
    run.ok(rowCount, insertInfo(rowCount, run.state.warnings.count));
  } catch (error) {
    await insert.undo();
    throw error;
  } finally {
    insert.close();
  }
}

/** A turn of the event loop for each piece, and for what comes before and behind. */
async function inTurns(pieces: Iterator<undefined>, timers: Timers): Promise<void> {
  do await timers.yieldTurn();
  while (pieces.next().done !== true);
  await timers.yieldTurn();
}

class RowFiller {
  readonly #run: StatementRun;
  readonly #insert: InsertRun;
  readonly #parameters: ParameterReader | null;
  /** Of a long cell, which is to be written before `fillFrom` is called again; null when there is none. */
  pieces: Iterator<undefined> | null = null;
  #bindContext: BindContext | null = null;
  #row = 0;
  /** Cells of this row that are written, or begun. */
  #cells = 0;

  constructor(run: StatementRun, insert: InsertRun, parameters: ParameterReader | null) {
    this.#run = run;
    this.#insert = insert;
    this.#parameters = parameters;
  }

  /**
   * Writes the rows from `from` on, until the batch is full or a cell has `pieces`; returns the first row that is not written whole. Throws 1136,
   * and what conversions throw.
   * A function of its own, by index: an async one is hardly ever compiled, and would make an iterator's result a row.
   */
  fillFrom(rows: readonly (readonly Expression[])[], from: number): number {
    let row = from;
    do {
      if (!this.#fill(rows[row]!)) return row;
      row += 1;
    } while (row < rows.length && !this.#insert.isBatchFull());
    return row;
  }

  /** Goes on with the row; false when a cell has pieces. */
  #fill(row: readonly Expression[]): boolean {
    const { cells, omitted, batch, context } = this.#insert;
    this.pieces = null;
    if (this.#cells === 0) this.#row += 1;
    context.row = this.#row;
    // VALUES () is a row of defaults only.
    const isEmpty = row.length === 0 && this.#insert.cells.length > 0;
    if (!isEmpty && row.length !== cells.length) {
      throw new SqlError('ER_WRONG_VALUE_COUNT_ON_ROW', { row: this.#row });
    }
    for (let position = this.#cells; position < cells.length; position += 1) {
      const cell = cells[position];
      if (cell === undefined) throw new Error('an INSERT has as many cells as columns');
      const value = row[position];
      if (value === undefined || value.kind === 'default') this.#writeDefault(cell);
      else this.#writeCell(cell, value);
      if (this.pieces !== null) {
        this.#cells = position + 1;
        return false;
      }
    }
    for (const cell of omitted) cell.replay(batch);
    batch.endRow();
    this.#cells = 0;
    return true;
  }

  #writeDefault({ converter, defaultCell }: InsertCell): void {
    if (defaultCell === null) throw noDefault(converter);
    defaultCell.replay(this.#insert.batch);
  }

  #writeCell({ converter }: InsertCell, value: Expression): void {
    const { batch } = this.#insert;
    if (value.kind === 'parameter' && this.#parameters !== null) {
      this.pieces = writeParameter(this.#parameters, value.index, converter, batch);
      return;
    }
    this.#bindContext ??= this.#run.bindContext();
    writeTypedValue(converter, batch, evaluateConstant(value, this.#bindContext));
  }
}
