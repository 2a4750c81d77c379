/**
 * Functions that work row by row on JavaScript values: the simple way for what is rarely hot.
 *
 * A NULL argument gives NULL unless the function says that it handles them. When one argument is a dictionary column
 * and all others are constants, the function runs once per distinct code of the batch.
 */

import type { SqlType } from '../../catalog/sql-type.js';
import { castTo } from '../../plan/bound-cast.js';
import type { BoundExpression } from '../../plan/bound-expression.js';
import type { Evaluator } from '../batch.js';
import { bytesAt, isNullAt, valueAt, type ExecVector } from '../exec-vector.js';
import { defineFunction, type CallSite, type FunctionDefinition } from '../function-definition.js';
import {
  BIGINT,
  bytesText,
  datetimeType,
  DOUBLE,
  isBytes,
  LONG_TEXT,
  type SqlValue,
} from '../sql-value.js';
import { gather } from '../vector-gather.js';
import { VectorBuilder } from '../vector-builder.js';

/** What an argument is converted to: `keep` leaves it as it is; `moment` is a DATETIME(6) in wall-clock microseconds. */
export type RowParameter = 'text' | 'bytes' | 'integer' | 'double' | 'moment' | 'keep';

/** The arguments of the current row. */
export class RowArguments {
  readonly #vectors: readonly ExecVector[];
  readonly #types: readonly SqlType[];
  /** Last decoded code per argument: constants decode once. */
  readonly #codes: number[];
  readonly #texts: string[];
  row = 0;

  constructor(vectors: readonly ExecVector[], types: readonly SqlType[]) {
    this.#vectors = vectors;
    this.#types = types;
    this.#codes = vectors.map(() => -1);
    this.#texts = vectors.map(() => '');
  }

  get count(): number {
    return this.#vectors.length;
  }

  isNull(argument: number): boolean {
    return isNullAt(this.#vectors[argument]!, this.row);
  }

  text(argument: number): string {
    const vector = this.#vectors[argument]!;
    if (vector.kind !== 'dictionary') return bytesText(bytesAt(vector, this.row));
    const code = vector.codes[this.row]!;
    if (this.#codes[argument] !== code) {
      this.#codes[argument] = code;
      this.#texts[argument] = bytesText(bytesAt(vector.dictionary, code));
    }
    return this.#texts[argument]!;
  }

  bytes(argument: number): Uint8Array {
    return bytesAt(this.#vectors[argument]!, this.row);
  }

  value(argument: number): SqlValue {
    return valueAt(this.#vectors[argument]!, this.#types[argument]!, this.row);
  }

  /** A number; integers beyond 2^53 are rounded. */
  number(argument: number): number {
    const value = this.value(argument);
    return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : 0;
  }

  /** Wall-clock microseconds since 1970 of a `moment`. */
  micros(argument: number): number {
    return this.number(argument);
  }
}

export interface RowFunction {
  readonly name: string;
  readonly min: number;
  /** Default: min. */
  readonly max?: number;
  /** The last one repeats. */
  readonly parameters: readonly RowParameter[];
  readonly type: SqlType | ((args: readonly BoundExpression[]) => SqlType);
  readonly seesNulls?: boolean;
  readonly nullable?: boolean;
  readonly isVolatile?: boolean;
  /** Called once per statement; returns what is called per row. */
  readonly prepare: (site: CallSite) => (args: RowArguments) => SqlValue;
}

export function rowFunction(spec: RowFunction): FunctionDefinition {
  return defineFunction(spec.name, spec.min, spec.max ?? spec.min, (site) => {
    const last = spec.parameters.at(-1) ?? 'keep';
    const args = site.args.map((argument, i) =>
      convert(argument, spec.parameters[i] ?? last, site),
    );
    const type = typeof spec.type === 'function' ? spec.type(site.args) : spec.type;
    const call = spec.prepare(site);
    const types = args.map((argument) => argument.type);
    const isConstant = args.map((argument) => argument.kind === 'constant');
    const varying = isConstant.filter((constant) => !constant).length;
    const single = varying === 1 && spec.isVolatile !== true ? isConstant.indexOf(false) : -1;
    return {
      type,
      args,
      nullable: spec.nullable ?? true,
      isSlow: true,
      isVolatile: spec.isVolatile ?? false,
      build: (evaluators) => run(evaluators, types, type, call, spec.seesNulls ?? false, single),
    };
  });
}

function convert(
  argument: BoundExpression,
  parameter: RowParameter,
  { env }: CallSite,
): BoundExpression {
  switch (parameter) {
    case 'text':
      return isBytes(argument.type) ? argument : castTo(argument, LONG_TEXT, env);
    case 'bytes':
      return isBytes(argument.type) ? argument : castTo(argument, LONG_TEXT, env);
    case 'integer':
      return castTo(argument, BIGINT, env);
    case 'double':
      return castTo(argument, DOUBLE, env);
    case 'moment':
      return castTo(argument, datetimeType(6), env);
    case 'keep':
      return argument;
  }
}

type RowCall = (args: RowArguments) => SqlValue;

function run(
  evaluators: readonly Evaluator[],
  types: readonly SqlType[],
  type: SqlType,
  call: RowCall,
  seesNulls: boolean,
  single: number,
): Evaluator {
  return (batch) => {
    const vectors = evaluators.map((evaluate) => evaluate(batch));
    const varying = single >= 0 ? vectors[single] : undefined;
    if (varying?.kind === 'dictionary' && !seesNulls) {
      return perCode(vectors, varying, single, types, type, call);
    }
    return perRow(vectors, batch.length, types, type, call, seesNulls);
  };
}

function perRow(
  vectors: readonly ExecVector[],
  length: number,
  types: readonly SqlType[],
  type: SqlType,
  call: RowCall,
  seesNulls: boolean,
): ExecVector {
  const args = new RowArguments(vectors, types);
  const builder = new VectorBuilder(type, length);
  for (let row = 0; row < length; row++) {
    args.row = row;
    const isMissing = !seesNulls && vectors.some((vector) => isNullAt(vector, row));
    builder.append(isMissing ? null : call(args));
  }
  return builder.finish();
}

/** One call per distinct code, then the results are spread over the rows. */
function perCode(
  vectors: readonly ExecVector[],
  varying: Extract<ExecVector, { kind: 'dictionary' }>,
  position: number,
  types: readonly SqlType[],
  type: SqlType,
  call: RowCall,
): ExecVector {
  const { length, codes } = varying;
  const firstRows = new Map<number, number>();
  const rows = new Uint32Array(length);
  const picked = new Uint32Array(length);
  for (let i = 0; i < length; i++) {
    const code = isNullAt(varying, i) ? -1 : codes[i]!;
    let slot = firstRows.get(code);
    if (slot === undefined) {
      slot = firstRows.size;
      firstRows.set(code, slot);
      picked[slot] = i;
    }
    rows[i] = slot;
  }
  const count = firstRows.size;
  if (count === length) return perRow(vectors, length, types, type, call, false);
  const distinct = vectors.map((vector, i) =>
    i === position ? gather(vector, picked, count) : vector,
  );
  return gather(perRow(distinct, count, types, type, call, false), rows, length);
}
