/** Rows of a computed table: plain JavaScript values made into vectors. */

import type { VirtualTable, VirtualValue } from '../../catalog/virtual-table.js';
import type { SqlType } from '../../catalog/sql-type.js';
import { Batch } from '../batch.js';
import { castValue } from '../cast-vector.js';
import type { EvaluationEnvironment } from '../evaluation-environment.js';
import {
  integerValue,
  isBytes,
  isInteger,
  LONG_TEXT,
  textBytes,
  type SqlValue,
} from '../sql-value.js';
import { VectorBuilder } from '../vector-builder.js';
import type { Operator, Runtime } from './operator.js';

const ROWS_PER_BATCH = 1024;

export async function* scanVirtualTable(
  table: VirtualTable,
  { context, pacer }: Runtime,
): Operator {
  const newBuilders = (): VectorBuilder[] =>
    table.columns.map(({ type }) => new VectorBuilder(type, ROWS_PER_BATCH));
  let builders = newBuilders();
  let count = 0;
  for (const values of table.rows()) {
    builders.forEach((builder, i) => {
      builder.append(sqlValueOf(values[i] ?? null, table.columns[i]!.type, context));
    });
    count += 1;
    if (count === ROWS_PER_BATCH) {
      yield batchOf(builders);
      builders = newBuilders();
      count = 0;
    }
    // A row of statistics is more work than many another.
    if (pacer.isDue()) await pacer.rest();
  }
  if (count > 0) yield batchOf(builders);

  function batchOf(full: readonly VectorBuilder[]): Batch {
    return Batch.of(
      full.map((builder) => builder.finish()),
      count,
    );
  }
}

/** Texts in columns of other types are read as those types' texts. */
function sqlValueOf(value: VirtualValue, type: SqlType, env: EvaluationEnvironment): SqlValue {
  if (value === null) return null;
  if (typeof value === 'string') {
    const bytes = textBytes(value);
    return isBytes(type) ? bytes : castValue(bytes, LONG_TEXT, type, env);
  }
  if (isBytes(type)) return textBytes(String(value));
  if (typeof value === 'bigint') return isInteger(type) ? integerValue(value) : value;
  return value;
}
