/** Conditions taken apart: conjuncts, bounds on the time index, and what reads tags only. */

import type { SqlType } from '../catalog/sql-type.js';
import { collectOrdinals, someExpression, type BoundExpression } from './bound-expression.js';
import { unitOf } from '../exec/exec-vector.js';
import type { SqlValue } from '../exec/sql-value.js';

/** The parts of an AND, from left to right. */
export function splitConjuncts(condition: BoundExpression): readonly BoundExpression[] {
  if (condition.kind === 'call' && condition.name === 'and') {
    return condition.arguments.flatMap(splitConjuncts);
  }
  return [condition];
}

/** true or false for a condition that is known, null for one that depends on the row. */
export function knownTruth(condition: BoundExpression): boolean | null {
  if (isComparisonWithNull(condition)) return false;
  if (condition.kind !== 'constant') return null;
  return condition.value !== null && isTrueValue(condition.value);
}

/** `x < NULL` is NULL for every row. */
function isComparisonWithNull(condition: BoundExpression): boolean {
  if (condition.kind !== 'call' || !COMPARISONS.has(condition.name)) return false;
  return condition.arguments.some((side) => side.kind === 'constant' && side.value === null);
}

const COMPARISONS = new Set(['=', '<>', '<', '<=', '>', '>=']);

/** Texts are judged when they are evaluated; here only numbers. */
function isTrueValue(value: SqlValue): boolean {
  return typeof value === 'number' || typeof value === 'bigint' ? Number(value) !== 0 : true;
}

/** Inclusive bounds; null = none. `min` above `max` = no row. */
export interface TimeBounds {
  readonly min: bigint | null;
  readonly max: bigint | null;
}

const MIRRORED: Readonly<Record<string, string>> = {
  '<': '>',
  '<=': '>=',
  '>': '<',
  '>=': '<=',
  '=': '=',
};

/**
 * Bounds that say exactly the same as the condition, in the unit of the time column; null when there are none. The constant may have
 * more digits than the column: `ts > '...0.0005'` of a column of milliseconds is `ts >= the next millisecond`.
 */
export function timeBounds(condition: BoundExpression, timeOrdinal: number): TimeBounds | null {
  if (condition.kind !== 'call' || !Object.hasOwn(MIRRORED, condition.name)) return null;
  const [left, right] = condition.arguments;
  if (left === undefined || right === undefined) return null;
  const isLeft = isTimeColumn(left, timeOrdinal, right.type);
  const [column, constant] = isLeft ? [left, right] : [right, left];
  if (!isLeft && !isTimeColumn(right, timeOrdinal, left.type)) return null;
  if (constant.kind !== 'constant' || typeof constant.value !== 'bigint') return null;
  const operator = isLeft ? condition.name : MIRRORED[condition.name]!;
  const factor = BigInt(unitOf(constant.type) / unitOf(sourceType(column)));
  return boundsOf(operator, constant.value, factor);
}

/** The time column itself, or widened to the digits of the constant. */
function isTimeColumn(operand: BoundExpression, timeOrdinal: number, other: SqlType): boolean {
  const column =
    operand.kind === 'call' && operand.name === 'cast' ? operand.arguments[0]! : operand;
  if (column.kind !== 'column' || column.ordinal !== timeOrdinal) return false;
  return (
    column.type.kind === other.kind &&
    operand.type.kind === other.kind &&
    unitOf(column.type) <= unitOf(other)
  );
}

function sourceType(operand: BoundExpression): SqlType {
  return operand.kind === 'call' ? operand.arguments[0]!.type : operand.type;
}

function boundsOf(operator: string, value: bigint, factor: bigint): TimeBounds {
  const rest = ((value % factor) + factor) % factor;
  const floor = (value - rest) / factor;
  const ceiling = rest === 0n ? floor : floor + 1n;
  switch (operator) {
    case '<':
      return { min: null, max: ceiling - 1n };
    case '<=':
      return { min: null, max: floor };
    case '>':
      return { min: floor + 1n, max: null };
    case '>=':
      return { min: ceiling, max: null };
    default:
      return rest === 0n ? { min: floor, max: floor } : { min: 1n, max: 0n };
  }
}

export function intersectBounds(a: TimeBounds, b: TimeBounds): TimeBounds {
  const min = a.min === null ? b.min : b.min === null ? a.min : a.min > b.min ? a.min : b.min;
  const max = a.max === null ? b.max : b.max === null ? a.max : a.max < b.max ? a.max : b.max;
  return { min, max };
}

export const isEmptyRange = ({ min, max }: TimeBounds): boolean =>
  min !== null && max !== null && min > max;

/** True when the condition has the same value for every row of a series: it reads tags only (at least one) and no chance. */
export function readsOnly(condition: BoundExpression, ordinals: ReadonlySet<number>): boolean {
  const read = new Set<number>();
  collectOrdinals(condition, read);
  if (read.size === 0 || [...read].some((ordinal) => !ordinals.has(ordinal))) return false;
  return !someExpression(condition, (part) => part.kind === 'call' && part.isVolatile);
}

/** The column that `column = constant` leaves only one value; null for any other condition. */
export function pinnedOrdinal(condition: BoundExpression): number | null {
  if (condition.kind !== 'call' || condition.name !== '=') return null;
  const [left, right] = condition.arguments;
  if (left?.kind === 'column' && right?.kind === 'constant') return left.ordinal;
  return right?.kind === 'column' && left?.kind === 'constant' ? right.ordinal : null;
}
