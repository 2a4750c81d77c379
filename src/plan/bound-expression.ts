/**
 * Expressions after binding: every name is an ordinal, every node has its SQL type, every call has its code.
 *
 * An ordinal is a position in the rows of the operator that the expression runs over. Constants are folded while
 * binding, so what is left as a call depends on a row (or on chance).
 */

import type { SqlType } from '../catalog/sql-type.js';
import type { AggregateDefinition } from '../exec/aggregate-definition.js';
import type { Evaluator } from '../exec/batch.js';
import type { SqlValue } from '../exec/sql-value.js';

/**
 * How text compares. `strength` decides between two operands, lower wins: 0 an explicit COLLATE, 1 a column,
 * 2 everything else.
 */
export interface Collation {
  readonly name: 'binary' | 'caseless';
  readonly strength: 0 | 1 | 2;
}

export const DEFAULT_COLLATION: Collation = { name: 'binary', strength: 2 };

interface BoundBase {
  readonly type: SqlType;
  readonly nullable: boolean;
  readonly collation: Collation;
}

/** Where a result column comes from, for the protocol's column definitions. */
export interface ColumnOrigin {
  readonly database: string;
  /** The alias in the statement, else the name. */
  readonly table: string;
  readonly originalTable: string;
  readonly originalName: string;
  readonly isKey: boolean;
}

export interface BoundConstant extends BoundBase {
  readonly kind: 'constant';
  readonly value: SqlValue;
  /**
   * Microseconds since the epoch of a DATETIME that names an instant (NOW(), FROM_UNIXTIME()), so that comparing it with a
   * TIMESTAMP is exact even in the hour that a clock change repeats.
   */
  readonly instantMicros: bigint | null;
}

export interface BoundColumn extends BoundBase {
  readonly kind: 'column';
  readonly ordinal: number;
  readonly name: string;
  readonly origin: ColumnOrigin | null;
}

export interface BoundCall extends BoundBase {
  readonly kind: 'call';
  /** Function name in lower case, or the operator. */
  readonly name: string;
  readonly arguments: readonly BoundExpression[];
  /** The arguments as written, before conversions and with those that became part of the code: what makes two calls the same. */
  readonly given: readonly BoundExpression[];
  /** Makes the code from the code of the arguments. */
  readonly build: (args: readonly Evaluator[]) => Evaluator;
  /** Not the same for equal arguments (RAND, UUID, SLEEP): never folded, shared or evaluated ahead. */
  readonly isVolatile: boolean;
  /** Works row by row on JavaScript values: batches are cut smaller so that the event loop gets its turn. */
  readonly isSlow: boolean;
}

/** An aggregate call, before the aggregation is split off; no operator evaluates it. */
export interface BoundAggregate extends BoundBase {
  readonly kind: 'aggregate';
  readonly name: string;
  readonly definition: AggregateDefinition;
  readonly arguments: readonly BoundExpression[];
  readonly distinct: boolean;
}

/** INTERVAL n unit; only some functions take it. */
export interface BoundInterval extends BoundBase {
  readonly kind: 'interval';
  readonly amount: BoundExpression;
  readonly unit: string;
}

export type BoundExpression =
  BoundConstant | BoundColumn | BoundCall | BoundAggregate | BoundInterval;

function childrenOf(expression: BoundExpression): readonly BoundExpression[] {
  switch (expression.kind) {
    case 'call':
    case 'aggregate':
      return expression.arguments;
    case 'interval':
      return [expression.amount];
    default:
      return [];
  }
}

/** True when `test` holds for the expression or anything below it. */
export function someExpression(
  expression: BoundExpression,
  test: (expression: BoundExpression) => boolean,
): boolean {
  return test(expression) || childrenOf(expression).some((child) => someExpression(child, test));
}

/** Adds the ordinals of all columns below to `into`. */
export function collectOrdinals(expression: BoundExpression, into: Set<number>): void {
  if (expression.kind === 'column') into.add(expression.ordinal);
  for (const child of childrenOf(expression)) collectOrdinals(child, into);
}

export const isConstant = (expression: BoundExpression): expression is BoundConstant =>
  expression.kind === 'constant';

/** Same value for every row, whatever the row: how GROUP BY items are found again in the select list. */
export function isSameExpression(a: BoundExpression, b: BoundExpression): boolean {
  if (a === b) return true;
  if (a.kind === 'constant') {
    return b.kind === 'constant' && a.type.kind === b.type.kind && isSameValue(a.value, b.value);
  }
  if (a.kind === 'column') return b.kind === 'column' && a.ordinal === b.ordinal;
  if (a.kind === 'interval') {
    return b.kind === 'interval' && a.unit === b.unit && isSameExpression(a.amount, b.amount);
  }
  if (b.kind !== a.kind || a.name !== b.name) return false;
  if (a.kind === 'call' && (a.isVolatile || !isSameType(a.type, b.type))) return false;
  if (a.kind === 'aggregate' && b.kind === 'aggregate' && a.distinct !== b.distinct) return false;
  if (a.collation.name !== b.collation.name) return false;
  const left = a.kind === 'call' ? a.given : a.arguments;
  const right = b.kind === 'call' ? b.given : childrenOf(b);
  return (
    left.length === right.length && left.every((child, i) => isSameExpression(child, right[i]!))
  );
}

function isSameValue(a: SqlValue, b: SqlValue): boolean {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b) === 0;
  return a === b;
}

function isSameType(a: SqlType, b: SqlType): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
