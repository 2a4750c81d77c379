/**
 * What a prepared INSERT goes to, kept from one execution to the next: to work out the columns, their converters and defaults costs more
 * than a row.
 *
 * Kept by the statement's tree, which belongs to one session, whose commands run one after another. The table's definition, the
 * catalog's generation, the SQL mode and the time zone are all that a shape depends on; when one is another, it is made anew.
 */

import type { TableDefinition } from '../catalog/table-definition.js';
import type { Statement } from '../sql/ast.js';
import { InsertShape } from './insert-shape.js';
import type { StatementScope } from './statement-run.js';

type InsertStatement = Extract<Statement, { kind: 'insert' }>;

interface KeptShape {
  readonly shape: InsertShape;
  readonly generation: number;
  readonly sqlMode: object;
  readonly zone: object;
}

const kept = new WeakMap<InsertStatement, KeptShape>();

/** Requires: `table` is what the statement names now. Throws what the shape's constructor throws. */
export function preparedShape(
  scope: StatementScope,
  statement: InsertStatement,
  table: TableDefinition,
): InsertShape {
  const { context, variables, zone } = scope.state;
  const { generation } = context.catalog;
  const { sqlMode } = variables;
  const known = kept.get(statement);
  const isCurrent =
    known !== undefined &&
    known.shape.table === table &&
    known.generation === generation &&
    known.sqlMode === sqlMode &&
    known.zone === zone;
  if (isCurrent) {
    known.shape.restart(scope);
    return known.shape;
  }
  const shape = new InsertShape(scope, table, statement.columns);
  kept.set(statement, { shape, generation, sqlMode, zone });
  return shape;
}
