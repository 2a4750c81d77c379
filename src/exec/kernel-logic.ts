/**
 * Three-valued logic and the choosing operators, over evaluators.
 *
 * The right side of AND and OR, and the branches of CASE, IF and COALESCE, are evaluated only for the rows that need them: what
 * MySQL does not evaluate must neither fail nor warn.
 */

import { VECTOR_ROWS_MAX } from '../../storage/index.js';
import type { SqlType } from '../catalog/sql-type.js';
import type { Batch, Evaluator } from './batch.js';
import { isNullAt, nullVector, numberVector, type ExecVector } from './exec-vector.js';
import { gatherAcross } from './vector-gather.js';

/** 1 = true, 0 = false, 2 = NULL, per row. */
export function truthOf(vector: ExecVector): Uint8Array {
  const result = new Uint8Array(vector.length);
  if (vector.kind === 'number') {
    for (let i = 0; i < vector.length; i++) result[i] = vector.values[i] === 0 ? 0 : 1;
  } else if (vector.kind === 'integer64') {
    for (let i = 0; i < vector.length; i++) {
      result[i] = vector.high[i] === 0 && vector.low[i] === 0 ? 0 : 1;
    }
  } else throw new Error(`a ${vector.kind} vector has no truth`);
  if (vector.nulls !== null) {
    for (let i = 0; i < vector.length; i++) if (vector.nulls[i] === 1) result[i] = 2;
  }
  return result;
}

function vectorOfTruth(truth: Uint8Array): ExecVector {
  const values = new Float64Array(truth.length);
  let nulls: Uint8Array | null = null;
  for (let i = 0; i < truth.length; i++) {
    if (truth[i] === 2) {
      nulls ??= new Uint8Array(truth.length);
      nulls[i] = 1;
    } else values[i] = truth[i]!;
  }
  return numberVector(values, nulls, truth.length);
}

/** AND (`decisive` = 0) or OR (`decisive` = 1): the value that needs no second operand. */
export function connective(left: Evaluator, right: Evaluator, decisive: 0 | 1): Evaluator {
  return (batch) => {
    const truth = truthOf(left(batch));
    const { rows, count } = rowsWhere(truth, (value) => value !== decisive);
    if (count === 0) return vectorOfTruth(truth);
    const other = truthOf(right(count === batch.length ? batch : batch.select(rows, count)));
    for (let i = 0; i < count; i++) {
      const row = rows[i]!;
      if (other[i] === decisive) truth[row] = decisive;
      else if (truth[row] === 2 || other[i] === 2) truth[row] = 2;
      else truth[row] = 1 - decisive;
    }
    return vectorOfTruth(truth);
  };
}

export function exclusiveOr(left: Evaluator, right: Evaluator): Evaluator {
  return (batch) => {
    const a = truthOf(left(batch));
    const b = truthOf(right(batch));
    for (let i = 0; i < a.length; i++) a[i] = a[i] === 2 || b[i] === 2 ? 2 : a[i]! ^ b[i]!;
    return vectorOfTruth(a);
  };
}

export function negation(operand: Evaluator): Evaluator {
  return (batch) => {
    const truth = truthOf(operand(batch));
    for (let i = 0; i < truth.length; i++) if (truth[i] !== 2) truth[i] = 1 - truth[i]!;
    return vectorOfTruth(truth);
  };
}

export function nullTest(operand: Evaluator, negated: boolean): Evaluator {
  return (batch) => {
    const vector = operand(batch);
    const values = new Float64Array(vector.length);
    for (let i = 0; i < vector.length; i++) values[i] = isNullAt(vector, i) === negated ? 0 : 1;
    return numberVector(values, null, vector.length);
  };
}

/** x IS [NOT] TRUE / FALSE: never NULL. */
export function truthTest(operand: Evaluator, wanted: boolean, negated: boolean): Evaluator {
  return (batch) => {
    const truth = truthOf(operand(batch));
    const values = new Float64Array(truth.length);
    for (let i = 0; i < truth.length; i++) {
      values[i] = (truth[i] === (wanted ? 1 : 0)) === negated ? 0 : 1;
    }
    return numberVector(values, null, truth.length);
  };
}

function rowsWhere(
  truth: Uint8Array,
  test: (value: number) => boolean,
): { rows: Uint32Array; count: number } {
  const rows = new Uint32Array(truth.length);
  let count = 0;
  for (let i = 0; i < truth.length; i++) if (test(truth[i]!)) rows[count++] = i;
  return { rows, count };
}

/** Puts together a vector from pieces that answered for different rows. */
class PieceCollector {
  readonly #type: SqlType;
  readonly #references: Float64Array;
  readonly #pieces: ExecVector[] = [];

  constructor(type: SqlType, length: number) {
    this.#type = type;
    this.#references = new Float64Array(length);
  }

  /** Piece row i is the answer for row rows[i]. */
  add(piece: ExecVector, rows: Uint32Array, count: number): void {
    const base = this.#pieces.push(piece) * VECTOR_ROWS_MAX - VECTOR_ROWS_MAX;
    for (let i = 0; i < count; i++) this.#references[rows[i]!] = base + i;
  }

  finish(): ExecVector {
    const [only] = this.#pieces;
    if (only === undefined) return nullVector(this.#references.length);
    return gatherAcross(this.#pieces, this.#type, this.#references, 0, this.#references.length);
  }
}

export interface Branch {
  readonly when: Evaluator;
  readonly then: Evaluator;
}

/** CASE WHEN. All `then` evaluators and `otherwise` give vectors of `type`. */
export function choose(
  branches: readonly Branch[],
  otherwise: Evaluator | null,
  type: SqlType,
): Evaluator {
  return (batch) => {
    const collector = new PieceCollector(type, batch.length);
    let rest = allRows(batch.length);
    for (const branch of branches) {
      if (rest.length === 0) break;
      const part = restrict(batch, rest);
      const truth = truthOf(branch.when(part));
      const yes = new Uint32Array(rest.length);
      const no = new Uint32Array(rest.length);
      const yesInPart = new Uint32Array(rest.length);
      let yesCount = 0;
      let noCount = 0;
      for (let i = 0; i < rest.length; i++) {
        if (truth[i] === 1) {
          yesInPart[yesCount] = i;
          yes[yesCount++] = rest[i]!;
        } else no[noCount++] = rest[i]!;
      }
      if (yesCount > 0) {
        const chosen = yesCount === rest.length ? part : part.select(yesInPart, yesCount);
        collector.add(branch.then(chosen), yes, yesCount);
      }
      rest = no.subarray(0, noCount);
    }
    if (rest.length > 0) {
      const piece = otherwise === null ? nullVector(rest.length) : otherwise(restrict(batch, rest));
      collector.add(piece, rest, rest.length);
    }
    return collector.finish();
  };
}

/** COALESCE / IFNULL: the first value that is not NULL. */
export function coalesce(values: readonly Evaluator[], type: SqlType): Evaluator {
  return (batch) => {
    const [first, ...others] = values;
    const vector = first!(batch);
    if (vector.nulls === null) return vector;
    const collector = new PieceCollector(type, batch.length);
    let rest = allRows(batch.length);
    let piece = vector;
    for (const next of [...others, null]) {
      const found = new Uint32Array(rest.length);
      const missing = new Uint32Array(rest.length);
      let missingCount = 0;
      for (let i = 0; i < rest.length; i++) {
        found[i] = rest[i]!;
        if (isNullAt(piece, i)) missing[missingCount++] = rest[i]!;
      }
      // Rows that are NULL here are answered again by a later piece.
      collector.add(piece, found, rest.length);
      rest = missing.subarray(0, missingCount);
      if (rest.length === 0 || next === null) break;
      piece = next(restrict(batch, rest));
    }
    return collector.finish();
  };
}

function allRows(length: number): Uint32Array {
  const rows = new Uint32Array(length);
  for (let i = 0; i < length; i++) rows[i] = i;
  return rows;
}

function restrict(batch: Batch, rows: Uint32Array): Batch {
  return rows.length === batch.length ? batch : batch.select(rows, rows.length);
}
