/**
 * Syntax tree to bound expression: names to ordinals, types, conversions, constants folded.
 *
 * A binder knows one clause of one SELECT: which columns are in scope, whether aggregates may stand here, and which select
 * aliases may be used. Folding runs a call on a batch of one row; a call that fails on constants stays a call, so that it
 * fails only if a row evaluates it.
 */

import { SqlError } from '../../protocol/index.js';
import { findAggregate } from '../exec/functions/aggregate-registry.js';
import { Batch } from '../exec/batch.js';
import { compileExpression } from '../exec/compile-expression.js';
import { collationKind } from '../exec/caseless-text.js';
import { decimalPrecision, parseDecimal } from '../exec/decimal.js';
import type { EvaluationEnvironment } from '../exec/evaluation-environment.js';
import { valueAt } from '../exec/exec-vector.js';
import type { BindContext } from '../exec/execution-context.js';
import type { FunctionDefinition, NapRequest, ResolvedCall } from '../exec/function-definition.js';
import { findFunction, functionNames } from '../exec/functions/registry.js';
import {
  BIGINT,
  BIGINT_UNSIGNED,
  datetimeType,
  decimalType,
  DOUBLE,
  integerValue,
  isBytes,
  LONG_BLOB,
  LONG_TEXT,
  NULL_TYPE,
  textConstant,
} from '../exec/sql-value.js';
import { nearestWord } from '../server/nearest-word.js';
import type { Expression, Literal } from '../sql/ast.js';
import { boundConstant, castTo } from './bound-cast.js';
import { someExpression, type BoundColumn, type BoundExpression } from './bound-expression.js';
import type { Clause, Scope } from './scope.js';
import { collationOf } from './type-rules.js';

export interface BinderOptions {
  readonly context: BindContext;
  readonly naps: NapRequest;
  readonly scope: Scope;
  readonly clause: Clause;
  /** Where aggregates may stand: select list, HAVING, ORDER BY. */
  readonly allowsAggregates: boolean;
  /** The table's time index, for first_value and last_value. */
  readonly timeColumn: BoundColumn | null;
  /** Looked up before or after the scope's columns: select aliases. */
  readonly aliases?: {
    readonly find: (name: string) => BoundExpression | null;
    readonly first: boolean;
  };
}

export class ExpressionBinder {
  readonly #options: BinderOptions;
  readonly #context: BindContext;
  readonly #env: EvaluationEnvironment;
  #insideAggregate = false;

  constructor(options: BinderOptions) {
    this.#options = options;
    this.#context = options.context;
    this.#env = options.context;
  }

  bind(expression: Expression): BoundExpression {
    switch (expression.kind) {
      case 'literal':
        return this.#literal(expression.value);
      case 'column':
        return this.#column(expression);
      case 'parameter': {
        const parameters = this.#context.parameters;
        if (parameters === null) return boundConstant(NULL_TYPE, null);
        const parameter = parameters[expression.index];
        if (parameter === undefined) throw new SqlError('ER_WRONG_ARGUMENTS', { what: 'EXECUTE' });
        return boundConstant(parameter.type, parameter.value);
      }
      case 'systemVariable': {
        const { type, value } = this.#context.session.systemVariable(
          expression.name,
          expression.scope,
        );
        return boundConstant(type, value);
      }
      case 'userVariable': {
        const { type, value } = this.#context.session.userVariable(expression.name);
        return boundConstant(type, value);
      }
      case 'unary':
        if (expression.operator === '+') return this.bind(expression.operand);
        return this.#call(expression.operator, [this.bind(expression.operand)]);
      case 'binary':
        return this.#binary(expression);
      case 'isNull':
        return this.#call(expression.negated ? 'is not null' : 'is null', [
          this.bind(expression.operand),
        ]);
      case 'isBoolean': {
        const name = `is ${expression.negated ? 'not ' : ''}${expression.value ? 'true' : 'false'}`;
        return this.#call(name, [this.bind(expression.operand)]);
      }
      case 'in': {
        const items = expression.list.map((item) => this.bind(item));
        return this.#negate(
          this.#call('in', [this.bind(expression.operand), ...items]),
          expression.negated,
        );
      }
      case 'between': {
        const operand = this.bind(expression.operand);
        const low = this.#call('>=', [operand, this.bind(expression.low)]);
        const high = this.#call('<=', [operand, this.bind(expression.high)]);
        return this.#negate(this.#call('and', [low, high]), expression.negated);
      }
      case 'like': {
        const args = [this.bind(expression.operand), this.bind(expression.pattern)];
        if (expression.escape !== null) args.push(textLiteral(expression.escape));
        return this.#negate(this.#call('like', args), expression.negated);
      }
      case 'regexp': {
        const args = [this.bind(expression.operand), this.bind(expression.pattern)];
        return this.#negate(this.#call('regexp', args), expression.negated);
      }
      case 'case':
        return this.#case(expression);
      case 'cast':
        return this.#cast(expression);
      case 'interval': {
        const amount = this.bind(expression.amount);
        const { type, nullable, collation } = amount;
        return { kind: 'interval', amount, unit: expression.unit, type, nullable, collation };
      }
      case 'collate': {
        const operand = this.bind(expression.operand);
        const text = isBytes(operand.type) ? operand : castTo(operand, LONG_TEXT, this.#env);
        return { ...text, collation: { name: collationKind(expression.collation), strength: 0 } };
      }
      case 'call':
        return this.#functionCall(expression);
      case 'default':
        throw new SqlError('ER_WRONG_ARGUMENTS', { what: 'DEFAULT' });
    }
  }

  #literal(literal: Literal): BoundExpression {
    switch (literal.type) {
      case 'null':
        return boundConstant(NULL_TYPE, null);
      case 'boolean':
        return boundConstant(BIGINT, literal.value ? 1 : 0);
      case 'integer':
        return boundConstant(
          literal.value > 9_223_372_036_854_775_807n ? BIGINT_UNSIGNED : BIGINT,
          integerValue(literal.value),
        );
      case 'decimal': {
        const { unscaled, scale } = parseDecimal(literal.text);
        return boundConstant(decimalType(decimalPrecision(unscaled, scale), scale), unscaled);
      }
      case 'double':
        return boundConstant(DOUBLE, literal.value);
      case 'string':
        return textLiteral(literal.value);
      case 'bytes':
        return boundConstant(LONG_BLOB, literal.value);
      case 'date':
        return this.#temporalLiteral(literal.text, { kind: 'date' }, 'DATE');
      case 'timestamp': {
        const digits = Math.min(/\.(\d+)/.exec(literal.text)?.[1]?.length ?? 0, 9);
        return this.#temporalLiteral(literal.text, datetimeType(digits), 'DATETIME');
      }
    }
  }

  #temporalLiteral(text: string, type: BoundExpression['type'], word: string): BoundExpression {
    const constant = castTo(textLiteral(text), type, this.#env);
    if (constant.kind === 'constant' && constant.value !== null) return constant;
    throw new SqlError('ER_WRONG_VALUE', { type: word, value: text });
  }

  #column(name: Extract<Expression, { kind: 'column' }>): BoundExpression {
    const { scope, clause, aliases } = this.#options;
    const alias = name.table === null ? (aliases?.find(name.name) ?? null) : null;
    if (alias !== null && (aliases?.first === true || scope.find(name).length === 0)) {
      return this.#checkedAlias(alias, name.name);
    }
    return scope.resolve(name, clause);
  }

  #checkedAlias(alias: BoundExpression, name: string): BoundExpression {
    if (this.#insideAggregate && someExpression(alias, (part) => part.kind === 'aggregate')) {
      throw new SqlError('ER_ILLEGAL_REFERENCE', { name, reason: 'reference to group function' });
    }
    if (
      !this.#options.allowsAggregates &&
      someExpression(alias, (part) => part.kind === 'aggregate')
    ) {
      throw new SqlError('ER_INVALID_GROUP_FUNC_USE');
    }
    return alias;
  }

  #binary(expression: Extract<Expression, { kind: 'binary' }>): BoundExpression {
    const { operator } = expression;
    const left = this.bind(expression.left);
    const right = this.bind(expression.right);
    if (operator === '||') return this.#call('concat', [left, right]);
    if (operator === '+' && left.kind === 'interval') return this.#call('date_add', [right, left]);
    if (right.kind === 'interval' && operator === '+') return this.#call('date_add', [left, right]);
    if (right.kind === 'interval' && operator === '-') return this.#call('date_sub', [left, right]);
    return this.#call(operator, [left, right], operator === '-' ? 'binary -' : operator);
  }

  #negate(operand: BoundExpression, negated: boolean): BoundExpression {
    return negated ? this.#call('not', [operand]) : operand;
  }

  #case(expression: Extract<Expression, { kind: 'case' }>): BoundExpression {
    const operand = expression.operand === null ? null : this.bind(expression.operand);
    const args: BoundExpression[] = [];
    for (const branch of expression.branches) {
      const when = this.bind(branch.when);
      args.push(operand === null ? when : this.#call('=', [operand, when]), this.bind(branch.then));
    }
    if (expression.otherwise !== null) args.push(this.bind(expression.otherwise));
    return this.#call('case', args);
  }

  #cast(expression: Extract<Expression, { kind: 'cast' }>): BoundExpression {
    const operand = this.bind(expression.operand);
    const { type } = expression;
    const cast = castTo(operand, type, this.#env);
    if (cast.type === type) return cast;
    // Same form already: only the name of the type changes.
    if (operand.kind === 'constant') return { ...operand, type };
    return {
      kind: 'call',
      name: 'cast',
      type,
      nullable: operand.nullable,
      collation: operand.collation,
      arguments: [operand],
      given: [operand],
      isVolatile: false,
      isSlow: false,
      build: ([value]) => value!,
    };
  }

  #functionCall(expression: Extract<Expression, { kind: 'call' }>): BoundExpression {
    const { name, star, distinct } = expression;
    const aggregate = findAggregate(name);
    if (aggregate !== undefined) return this.#aggregate(expression);
    if (star || distinct) throw this.#unknownFunction(name);
    if (name === 'date_trunc' || name === 'date_part') {
      const [unit, ...rest] = expression.arguments;
      // date_trunc(day, ts): a bare word is a unit.
      const bound =
        unit?.kind === 'column' && unit.table === null
          ? textLiteral(unit.name)
          : unit && this.bind(unit);
      return this.#call(name, [
        ...(bound ? [bound] : []),
        ...rest.map((argument) => this.bind(argument)),
      ]);
    }
    return this.#call(
      name,
      expression.arguments.map((argument) => this.bind(argument)),
    );
  }

  #aggregate(expression: Extract<Expression, { kind: 'call' }>): BoundExpression {
    const { name, star, distinct } = expression;
    const definition = findAggregate(name)!;
    if (!this.#options.allowsAggregates || this.#insideAggregate) {
      throw new SqlError('ER_INVALID_GROUP_FUNC_USE');
    }
    const count = star ? 0 : expression.arguments.length;
    const isCounted = star
      ? name === 'count'
      : count >= definition.argumentsMin && count <= definition.argumentsMax;
    if (!isCounted) throw new SqlError('ER_WRONG_PARAMCOUNT_TO_NATIVE_FCT', { function: name });
    this.#insideAggregate = true;
    const args = expression.arguments.map((argument) => this.bind(argument));
    this.#insideAggregate = false;
    const { timeColumn } = this.#options;
    if (definition.wantsTime && timeColumn !== null) args.push(timeColumn);
    const { type, nullable } = definition.resolve(args);
    return {
      kind: 'aggregate',
      name,
      definition,
      arguments: args,
      distinct,
      type,
      nullable,
      collation: collationOf(args),
    };
  }

  #unknownFunction(name: string): SqlError {
    const nearest = nearestWord(name, functionNames());
    const database = this.#context.session.database;
    const shown = database === null ? name : `${database}.${name}`;
    const hint = nearest === null ? '' : `; did you mean '${nearest}'?`;
    return new SqlError('ER_SP_DOES_NOT_EXIST', `FUNCTION ${shown} does not exist${hint}`);
  }

  #call(name: string, args: readonly BoundExpression[], key = name): BoundExpression {
    const definition = findFunction(key);
    if (definition === undefined) throw this.#unknownFunction(name);
    return this.#resolved(definition, name, args);
  }

  #resolved(
    definition: FunctionDefinition,
    name: string,
    given: readonly BoundExpression[],
  ): BoundExpression {
    const { argumentsMin, argumentsMax } = definition;
    if (given.length < argumentsMin || given.length > argumentsMax) {
      throw new SqlError('ER_WRONG_PARAMCOUNT_TO_NATIVE_FCT', { function: name });
    }
    const resolved = this.#resolve(definition, name, given);
    if (resolved === null) return boundConstant(NULL_TYPE, null);
    const args = resolved.args ?? given;
    const call: BoundExpression = {
      kind: 'call',
      name,
      type: resolved.type,
      nullable: resolved.nullable ?? given.some((argument) => argument.nullable),
      collation: resolved.collation ?? collationOf(given),
      arguments: args,
      given,
      build: resolved.build,
      isVolatile: resolved.isVolatile ?? false,
      isSlow: resolved.isSlow ?? false,
    };
    const isFixed = args.every(
      (argument) => argument.kind === 'constant' || argument.kind === 'interval',
    );
    return call.isVolatile || !isFixed ? call : this.#fold(call, resolved.instantMicros ?? null);
  }

  /** null: an argument is a parameter that is not known yet, and the type depends on its value. */
  #resolve(
    definition: FunctionDefinition,
    name: string,
    args: readonly BoundExpression[],
  ): ResolvedCall | null {
    const { naps } = this.#options;
    const context = this.#context;
    try {
      return definition.resolve({ name, args, env: this.#env, context, naps });
    } catch (error) {
      const isUnknown = context.parameters === null && args.some(readsNull);
      if (isUnknown && error instanceof SqlError) return null;
      throw error;
    }
  }

  #fold(
    call: Extract<BoundExpression, { kind: 'call' }>,
    instantMicros: bigint | null,
  ): BoundExpression {
    try {
      const vector = compileExpression(call)(ONE_ROW);
      const value = valueAt(vector, call.type, 0);
      return boundConstant(
        call.type,
        value,
        { ...call.collation, strength: call.collation.strength },
        value === null ? null : instantMicros,
      );
    } catch (error) {
      if (error instanceof SqlError) return call;
      throw error;
    }
  }
}

const ONE_ROW = Batch.of([], 1);

const readsNull = (argument: BoundExpression): boolean =>
  someExpression(argument, (part) => part.kind === 'constant' && part.value === null);

function textLiteral(text: string): BoundExpression {
  const { type, value } = textConstant(text);
  return boundConstant(type, value);
}
