/**
 * What a scalar function or operator is: a name, how many arguments it takes, its type rule, and its code.
 *
 * `resolve` sees the bound arguments and answers with the result's type and a `build` that turns the arguments' evaluators into
 * one evaluator. Conversions are calls of their own around the arguments (`args`). A function that must not evaluate an argument for some
 * rows (IF, CASE, COALESCE, AND) calls that argument's evaluator with a selected batch.
 */

import type { SqlType } from '../catalog/sql-type.js';
import type { BoundExpression, Collation } from '../plan/bound-expression.js';
import type { Evaluator } from './batch.js';
import type { EvaluationEnvironment } from './evaluation-environment.js';
import type { BindContext } from './execution-context.js';

export interface CallSite {
  readonly name: string;
  readonly args: readonly BoundExpression[];
  readonly env: EvaluationEnvironment;
  readonly context: BindContext;
  /** How long statements sleep: asked for by SLEEP, waited for by the operators. */
  readonly naps: NapRequest;
}

/** SLEEP can't wait inside a kernel: it adds up here, and the operator that evaluated it waits. */
export interface NapRequest {
  pendingMs: number;
}

export interface ResolvedCall {
  readonly type: SqlType;
  /** Default: true when an argument is nullable. */
  readonly nullable?: boolean;
  /** Default: of the strongest text argument. */
  readonly collation?: Collation;
  /** What to evaluate instead of the given arguments: the same with their conversions. */
  readonly args?: readonly BoundExpression[];
  readonly build: (args: readonly Evaluator[]) => Evaluator;
  readonly isVolatile?: boolean;
  readonly isSlow?: boolean;
  /** See BoundConstant; only read when the call folds to a constant. */
  readonly instantMicros?: bigint;
}

export interface FunctionDefinition {
  readonly name: string;
  readonly argumentsMin: number;
  readonly argumentsMax: number;
  readonly resolve: (site: CallSite) => ResolvedCall;
}

export function defineFunction(
  name: string,
  argumentsMin: number,
  argumentsMax: number,
  resolve: (site: CallSite) => ResolvedCall,
): FunctionDefinition {
  return { name, argumentsMin, argumentsMax, resolve };
}
