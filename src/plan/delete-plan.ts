/**
 * DELETE: a range tombstone where the WHERE says exactly one, else the keys of the matching rows.
 *
 * A tombstone is "these values of these tags, this range of time"; it costs nothing per row and also covers rows that are on their way.
 * So a WHERE that is an AND of `tag = constant`, `tag IN (constants)`, `tag IS NULL` and bounds on the time index becomes one per stored
 * part. Anything else is evaluated, and the rows' tags and times are listed.
 */

import { SqlError } from '../../protocol/index.js';
import {
  ColumnRole,
  type ColumnId,
  type RangeTombstone,
  type TableId,
  type Vector,
} from '../../storage/index.js';
import type { TableDefinition, TablePart } from '../catalog/table-definition.js';
import { runPlan } from '../exec/execute-select.js';
import type { ExecVector } from '../exec/exec-vector.js';
import type { ExecutionContext } from '../exec/execution-context.js';
import { findAggregate } from '../exec/functions/aggregate-registry.js';
import { isInteger, isText, textBytes } from '../exec/sql-value.js';
import type { Expression, TableName } from '../sql/ast.js';
import {
  collectOrdinals,
  type BoundAggregate,
  type BoundColumn,
  type BoundExpression,
} from './bound-expression.js';
import { DEFAULT_COLLATION } from './bound-expression.js';
import { ExpressionBinder } from './expression-binder.js';
import type { LogicalPlan, ScanPlan } from './logical-plan.js';
import {
  intersectBounds,
  isEmptyRange,
  knownTruth,
  splitConjuncts,
  timeBounds,
  type TimeBounds,
} from './predicate.js';
import { Scope } from './scope.js';
import { tableColumns, timeColumnOf } from './table-columns.js';

/** Keys of rows to delete: tags in PRIMARY KEY order, and the time index. */
export interface KeyBatch {
  readonly length: number;
  readonly tags: readonly Vector[];
  readonly time: Vector;
}

export type DeletePlan =
  /** The WHERE is false for every row. */
  | { readonly kind: 'nothing'; readonly table: TableDefinition }
  /** One per stored part that can have matching rows. `count` scans how many rows they delete. */
  | {
      readonly kind: 'range';
      readonly table: TableDefinition;
      readonly tombstones: readonly RangeTombstone[];
      readonly count: () => Promise<number>;
    }
  /** May be iterated once. */
  | {
      readonly kind: 'keys';
      readonly table: TableDefinition;
      readonly batches: AsyncGenerator<KeyBatch, void, undefined>;
    };

/**
 * Throws the SqlErrors of binding; 1288 for a virtual table; 1235 where an append_mode table can't tell rows apart.
 * `listKeys`: keys also where a range would do.
 */
export function planDelete(
  statement: { readonly name: TableName; readonly where: Expression | null },
  context: ExecutionContext,
  options: { readonly listKeys: boolean } = { listKeys: false },
): DeletePlan {
  const source = context.resolveTable(statement.name.database, statement.name.table);
  if (source.kind === 'virtual') {
    throw new SqlError('ER_NON_UPDATABLE_TABLE', { table: source.name, operation: 'DELETE' });
  }
  const { table } = source;
  const columns = tableColumns(source, null);
  const naps = { pendingMs: 0 };
  const binder = new ExpressionBinder({
    context,
    naps,
    scope: new Scope(columns),
    clause: 'where clause',
    allowsAggregates: false,
    timeColumn: timeColumnOf(source, columns),
  });
  const conditions = statement.where === null ? [] : splitConjuncts(binder.bind(statement.where));
  const open = conditions.filter((condition) => knownTruth(condition) !== true);
  if (open.some((condition) => knownTruth(condition) === false)) return { kind: 'nothing', table };

  const range = rangeOf(table, open);
  const base = planOf(table, open);
  if (range === null || options.listKeys) {
    refuseAmbiguousRows(table, open);
    const keys = [...table.tags, table.timeIndex].map((column) => columns[column.position]!);
    const plan: LogicalPlan = { kind: 'project', input: base, expressions: keys };
    return { kind: 'keys', table, batches: keyBatches(runPlan(plan, keys.length, naps, context)) };
  }
  if (isEmptyRange(range.time)) return { kind: 'nothing', table };
  const tombstones = table.parts.flatMap((part) => tombstoneOf(part, range));
  const count = async (): Promise<number> => {
    const plan: LogicalPlan = { kind: 'aggregate', input: base, keys: [], aggregates: [COUNT_ALL] };
    let rows = 0;
    for await (const batch of runPlan(plan, 1, naps, context)) {
      const [vector] = batch.vectors;
      if (vector?.kind === 'number') rows += vector.values[0] ?? 0;
    }
    return rows;
  };
  return { kind: 'range', table, tombstones, count };
}

const COUNT_ALL: BoundAggregate = {
  kind: 'aggregate',
  name: 'count',
  definition: findAggregate('count')!,
  arguments: [],
  distinct: false,
  type: { kind: 'integer', bits: 64, unsigned: false },
  nullable: false,
  collation: DEFAULT_COLLATION,
};

function planOf(table: TableDefinition, conditions: readonly BoundExpression[]): LogicalPlan {
  const scan: ScanPlan = {
    kind: 'scan',
    table,
    columns: null,
    timeMin: null,
    timeMax: null,
    tagConditions: [],
    limitRows: null,
  };
  return conditions.length === 0 ? scan : { kind: 'filter', input: scan, conditions };
}

/** Rows of an append_mode table may share a key: a condition on a field can't be expressed by keys. */
function refuseAmbiguousRows(table: TableDefinition, conditions: readonly BoundExpression[]): void {
  if (!table.appendMode) return;
  const read = new Set<number>();
  for (const condition of conditions) collectOrdinals(condition, read);
  if ([...read].some((ordinal) => table.columns[ordinal]?.role === ColumnRole.field)) {
    throw new SqlError(
      'ER_NOT_SUPPORTED_YET',
      `'${table.name}' is an append_mode table, where several rows may share tags and time: DELETE can only name tags and time there`,
    );
  }
}

/** Tag values are storage's canonical bytes; null = NULL. */
interface DeleteRange {
  readonly time: TimeBounds;
  readonly tags: readonly {
    readonly ordinal: number;
    readonly values: readonly (Uint8Array | null)[];
  }[];
}

function rangeOf(
  table: TableDefinition,
  conditions: readonly BoundExpression[],
): DeleteRange | null {
  let time: TimeBounds = { min: null, max: null };
  const tags: { ordinal: number; values: readonly (Uint8Array | null)[] }[] = [];
  for (const condition of conditions) {
    const bounds = timeBounds(condition, table.timeIndex.position);
    if (bounds !== null) {
      time = intersectBounds(time, bounds);
      continue;
    }
    const tag = tagValues(condition, table);
    if (tag === null) return null;
    tags.push(tag);
  }
  return { time, tags };
}

function tagValues(
  condition: BoundExpression,
  table: TableDefinition,
): { ordinal: number; values: readonly (Uint8Array | null)[] } | null {
  if (condition.kind !== 'call') return null;
  const sides = condition.name === 'in' ? condition.given : condition.arguments;
  const [column, ...constants] = orderedSides(sides);
  if (column?.kind !== 'column' || table.columns[column.ordinal]?.role !== ColumnRole.tag)
    return null;
  const { ordinal } = column;
  if (condition.name === 'is null') return { ordinal, values: [null] };
  if (condition.name !== '=' && condition.name !== 'in') return null;
  const values: Uint8Array[] = [];
  for (const constant of constants) {
    if (constant.kind !== 'constant') return null;
    // = NULL and IN (.., NULL) are true for no row on its account.
    if (constant.value === null) continue;
    const bytes = canonicalBytes(column, constant);
    if (bytes === null) return null;
    values.push(bytes);
  }
  return { ordinal, values };
}

/** The column first, whichever side of `=` it was on. */
function orderedSides(sides: readonly BoundExpression[]): readonly BoundExpression[] {
  return sides.length === 2 && sides[1]!.kind === 'column' ? [sides[1]!, sides[0]!] : sides;
}

/** The dictionary bytes that equal the constant; null when only an evaluation can tell. */
function canonicalBytes(column: BoundColumn, constant: BoundExpression): Uint8Array | null {
  if (constant.kind !== 'constant') return null;
  const { value } = constant;
  const isBinary = column.collation.name === 'binary' && constant.collation.strength > 0;
  if (isText(column.type) && isText(constant.type) && isBinary) return value as Uint8Array;
  if (isInteger(column.type) && isInteger(constant.type)) return textBytes(String(value));
  return null;
}

/** No tombstone for a part that lacks a wanted tag: it is NULL there, and no value was NULL. */
function tombstoneOf(part: TablePart, range: DeleteRange): RangeTombstone[] {
  const tags: { columnId: ColumnId; values: readonly (Uint8Array | null)[] }[] = [];
  for (const { ordinal, values } of range.tags) {
    const columnId = part.columnIds[ordinal] ?? null;
    if (values.length === 0) return [];
    if (columnId !== null) tags.push({ columnId, values });
    else if (!values.includes(null)) return [];
  }
  const tableId: TableId = part.tableId;
  return [{ tableId, timeMin: range.time.min, timeMax: range.time.max, tags }];
}

async function* keyBatches(
  rows: AsyncGenerator<
    { readonly length: number; readonly vectors: readonly ExecVector[] },
    void,
    undefined
  >,
): AsyncGenerator<KeyBatch, void, undefined> {
  for await (const { length, vectors } of rows) {
    const stored = vectors.map(storedVector);
    const time = stored.pop();
    if (time === undefined) throw new Error('keys end with the time index');
    yield { length, tags: stored, time };
  }
}

/** Columns come through as storage gave them: none is of the kinds that only expressions make. */
function storedVector(vector: ExecVector): Vector {
  if (vector.kind === 'decimal' || vector.kind === 'instant')
    throw new Error(`${vector.kind} is no stored form`);
  return vector;
}
