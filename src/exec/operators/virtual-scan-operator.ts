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
  const rows = table.rows();
  for (let from = 0; from < rows.length; from += ROWS_PER_BATCH) {
    const to = Math.min(from + ROWS_PER_BATCH, rows.length);
    const builders = table.columns.map(({ type }) => new VectorBuilder(type, to - from));
    for (let row = from; row < to; row++) {
      const values = rows[row]!;
      builders.forEach((builder, i) => {
        builder.append(sqlValueOf(values[i] ?? null, table.columns[i]!.type, context));
      });
    }
    yield Batch.of(
      builders.map((builder) => builder.finish()),
      to - from,
    );
    if (pacer.isDue()) await pacer.rest();
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
