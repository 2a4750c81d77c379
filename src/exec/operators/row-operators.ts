/** The operators that look at one batch at a time: filter, project, limit, and rows made of nothing. */

import type { BoundConstant, BoundExpression } from '../../plan/bound-expression.js';
import { Batch } from '../batch.js';
import { compileExpression, rowsPerStretch } from '../compile-expression.js';
import { asCondition } from '../functions/control-functions.js';
import { truthOf } from '../kernel-logic.js';
import type { Operator, Runtime } from './operator.js';

/** Each condition is evaluated on the rows that passed the ones before it. */
export async function* filterRows(
  input: Operator,
  conditions: readonly BoundExpression[],
  { context, pacer }: Runtime,
): Operator {
  const stretch = rowsPerStretch(conditions);
  const evaluators = conditions.map((condition) =>
    compileExpression(asCondition(condition, context)),
  );
  for await (const batch of input) {
    for (let from = 0; from < batch.length; from += stretch) {
      let rest = batch.slice(from, Math.min(from + stretch, batch.length));
      for (const evaluate of evaluators) {
        if (rest.length === 0) break;
        const truth = truthOf(evaluate(rest));
        const rows = new Uint32Array(rest.length);
        let count = 0;
        for (let i = 0; i < rest.length; i++) {
          rows[count] = i;
          if (truth[i] === 1) count += 1;
        }
        if (count < rest.length) rest = rest.select(rows, count);
      }
      if (pacer.isDue()) await pacer.rest();
      if (rest.length > 0) yield rest;
    }
  }
}

export async function* projectRows(
  input: Operator,
  expressions: readonly BoundExpression[],
  { pacer }: Runtime,
): Operator {
  const stretch = rowsPerStretch(expressions);
  const evaluators = expressions.map(compileExpression);
  for await (const batch of input) {
    for (let from = 0; from < batch.length; from += stretch) {
      const part = batch.slice(from, Math.min(from + stretch, batch.length));
      const vectors = evaluators.map((evaluate) => evaluate(part));
      if (pacer.isDue()) await pacer.rest();
      yield Batch.of(vectors, part.length);
    }
  }
}

export async function* limitRows(input: Operator, limit: number, offset: number): Operator {
  let skip = offset;
  let left = limit;
  if (left === 0) return;
  for await (const batch of input) {
    if (skip >= batch.length) {
      skip -= batch.length;
      continue;
    }
    const to = Math.min(batch.length, skip + left);
    const part = batch.slice(skip, to);
    skip = 0;
    left -= part.length;
    yield part;
    if (left === 0) return;
  }
}

/** One row: of constants, or without columns. */
export async function* constantRow(values: readonly BoundConstant[]): Operator {
  const nothing = await Promise.resolve(Batch.of([], 1));
  const vectors = values.map((value) => compileExpression(value)(nothing));
  yield Batch.of(vectors, 1);
}

export async function* noRows(): Operator {
  yield* [];
}
