/**
 * GROUP BY and aggregates: rows to dense group ids, ids to typed-array accumulators; no object per row or group.
 *
 * Each key column is interned to ids of its own; more than one are combined two by two, (id, id) -> id, so a group's id leads
 * back to its key values through the chain of pairs. Groups come out in the order in which they were first seen.
 */

import { VECTOR_ROWS_MAX } from '../../../storage/index.js';
import type { BoundAggregate, BoundExpression } from '../../plan/bound-expression.js';
import type { Accumulator } from '../aggregate-definition.js';
import { Batch, type Evaluator } from '../batch.js';
import { compileExpression, rowsPerStretch } from '../compile-expression.js';
import { isNullAt, type ExecVector } from '../exec-vector.js';
import type { EvaluationEnvironment } from '../evaluation-environment.js';
import { keyInterner, PairInterner, type KeyInterner } from '../key-interner.js';
import { gather } from '../vector-gather.js';
import type { Operator, Runtime } from './operator.js';

/** Rows to group ids. */
class GroupKeys {
  readonly #evaluators: readonly Evaluator[];
  readonly #interners: readonly KeyInterner[];
  /** Pair p combines the ids so far with those of column p + 1. */
  readonly #pairs: readonly PairInterner[];
  readonly #ids = new Uint32Array(VECTOR_ROWS_MAX);
  readonly #other = new Uint32Array(VECTOR_ROWS_MAX);

  constructor(keys: readonly BoundExpression[]) {
    this.#evaluators = keys.map(compileExpression);
    this.#interners = keys.map(({ type, collation }) =>
      keyInterner(type, collation.name === 'caseless'),
    );
    this.#pairs = keys.slice(1).map(() => new PairInterner());
  }

  /**
   * Groups so far. With one key its interner's count is an upper bound (its id 0 is NULL, seen or not), so ids are made
   * dense by a pair of their own.
   */
  get count(): number {
    return this.#last.count;
  }

  readonly #dense = new PairInterner();

  get #last(): PairInterner {
    return this.#pairs.at(-1) ?? this.#dense;
  }

  /** Ids of the batch's rows, valid until the next call. */
  assign(batch: Batch): Uint32Array {
    const ids = this.#ids;
    const { length } = batch;
    this.#interners[0]!.intern(this.#evaluators[0]!(batch), length, ids);
    if (this.#pairs.length === 0) combine(this.#dense, ids, null, length);
    this.#pairs.forEach((pair, p) => {
      this.#interners[p + 1]!.intern(this.#evaluators[p + 1]!(batch), length, this.#other);
      combine(pair, ids, this.#other, length);
    });
    return ids;
  }

  /** Key columns of groups from..to. */
  values(from: number, to: number): ExecVector[] {
    const length = to - from;
    const columns: ExecVector[] = [];
    const left = new Uint32Array(length);
    const right = new Uint32Array(length);
    for (let i = 0; i < length; i++) left[i] = from + i;
    for (let p = this.#pairs.length - 1; p >= 0; p--) {
      const pair = this.#pairs[p]!;
      for (let i = 0; i < length; i++) {
        right[i] = pair.second(left[i]!);
        left[i] = pair.first(left[i]!);
      }
      columns.unshift(this.#interners[p + 1]!.values(right, 0, length));
    }
    if (this.#pairs.length === 0) {
      for (let i = 0; i < length; i++) left[i] = this.#dense.first(left[i]!);
    }
    columns.unshift(this.#interners[0]!.values(left, 0, length));
    return columns;
  }

  sizeBytes(): number {
    const pairs = [...this.#pairs, this.#dense];
    return (
      this.#interners.reduce((sum, interner) => sum + interner.sizeBytes(), 0) +
      pairs.reduce((sum, pair) => sum + pair.sizeBytes(), 0)
    );
  }
}

/** ids[i] = id of (ids[i], other[i]); neighbours are often equal. */
function combine(
  pair: PairInterner,
  ids: Uint32Array,
  other: Uint32Array | null,
  length: number,
): void {
  let lastFirst = -1;
  let lastSecond = -1;
  let lastId = 0;
  for (let i = 0; i < length; i++) {
    const first = ids[i]!;
    const second = other === null ? 0 : other[i]!;
    if (first !== lastFirst || second !== lastSecond) {
      lastFirst = first;
      lastSecond = second;
      lastId = pair.intern(first, second);
    }
    ids[i] = lastId;
  }
}

/** One aggregate of the query: evaluates its arguments, drops repeated values under DISTINCT, and accumulates. */
class RunningAggregate {
  readonly #evaluators: readonly Evaluator[];
  readonly #accumulator: Accumulator;
  readonly #distinct: DistinctRows | null;

  constructor(aggregate: BoundAggregate, env: EvaluationEnvironment) {
    this.#evaluators = aggregate.arguments.map(compileExpression);
    this.#accumulator = aggregate.definition.resolve(aggregate.arguments).create(env);
    this.#distinct = aggregate.distinct ? new DistinctRows(aggregate.arguments) : null;
  }

  add(batch: Batch, groups: Uint32Array, groupCount: number): void {
    const args = this.#evaluators.map((evaluate) => evaluate(batch));
    if (this.#distinct === null) {
      this.#accumulator.add(groups, batch.length, args, groupCount);
      return;
    }
    const { rows, count } = this.#distinct.newRows(args, groups, batch.length);
    const kept = new Uint32Array(count);
    for (let i = 0; i < count; i++) kept[i] = groups[rows[i]!]!;
    const picked = args.map((vector) => gather(vector, rows, count));
    this.#accumulator.add(kept, count, picked, groupCount);
  }

  results(from: number, to: number): ExecVector {
    return this.#accumulator.results(from, to);
  }

  sizeBytes(): number {
    return this.#accumulator.sizeBytes() + (this.#distinct?.sizeBytes() ?? 0);
  }
}

/** Which rows bring a value that their group has not had; rows with a NULL never do. */
class DistinctRows {
  readonly #interners: readonly KeyInterner[];
  readonly #pairs: readonly PairInterner[];
  readonly #byGroup = new PairInterner();
  readonly #ids = new Uint32Array(VECTOR_ROWS_MAX);
  readonly #other = new Uint32Array(VECTOR_ROWS_MAX);

  constructor(args: readonly BoundExpression[]) {
    this.#interners = args.map(({ type, collation }) =>
      keyInterner(type, collation.name === 'caseless'),
    );
    this.#pairs = args.slice(1).map(() => new PairInterner());
  }

  newRows(
    args: readonly ExecVector[],
    groups: Uint32Array,
    length: number,
  ): { rows: Uint32Array; count: number } {
    this.#interners[0]!.intern(args[0]!, length, this.#ids);
    this.#pairs.forEach((pair, p) => {
      this.#interners[p + 1]!.intern(args[p + 1]!, length, this.#other);
      combine(pair, this.#ids, this.#other, length);
    });
    const rows = new Uint32Array(length);
    let count = 0;
    for (let i = 0; i < length; i++) {
      if (args.some((vector) => isNullAt(vector, i))) continue;
      const known = this.#byGroup.count;
      if (this.#byGroup.intern(groups[i]!, this.#ids[i]!) === known) rows[count++] = i;
    }
    return { rows, count };
  }

  sizeBytes(): number {
    return (
      this.#byGroup.sizeBytes() +
      this.#interners.reduce((sum, interner) => sum + interner.sizeBytes(), 0)
    );
  }
}

export async function* aggregateRows(
  input: Operator,
  keys: readonly BoundExpression[],
  aggregates: readonly BoundAggregate[],
  { context, pacer, memory }: Runtime,
): Operator {
  const stretch = rowsPerStretch([...keys, ...aggregates]);
  const groups = keys.length === 0 ? null : new GroupKeys(keys);
  const running = aggregates.map((aggregate) => new RunningAggregate(aggregate, context));
  const onlyGroup = new Uint32Array(VECTOR_ROWS_MAX);
  for await (const batch of input) {
    for (let from = 0; from < batch.length; from += stretch) {
      const part = batch.slice(from, Math.min(from + stretch, batch.length));
      const ids = groups === null ? onlyGroup : groups.assign(part);
      const groupCount = groups === null ? 1 : groups.count;
      for (const aggregate of running) aggregate.add(part, ids, groupCount);
      if (pacer.isDue()) await pacer.rest();
    }
    const held = running.reduce(
      (sum, aggregate) => sum + aggregate.sizeBytes(),
      groups?.sizeBytes() ?? 0,
    );
    memory.check(held, 'GROUP BY');
  }
  const count = groups === null ? 1 : groups.count;
  const rowsPerBatch = 2048;
  for (let from = 0; from < count; from += rowsPerBatch) {
    const to = Math.min(from + rowsPerBatch, count);
    const keyColumns = groups === null ? [] : groups.values(from, to);
    yield Batch.of(
      [...keyColumns, ...running.map((aggregate) => aggregate.results(from, to))],
      to - from,
    );
    if (pacer.isDue()) await pacer.rest();
  }
}

/** The first of the rows that are alike in the first `columns.length` columns. */
export async function* distinctRows(
  input: Operator,
  columns: readonly BoundExpression[],
  { pacer, memory }: Runtime,
): Operator {
  const keys = new GroupKeys(
    columns.map((column, ordinal) => ({
      ...column,
      kind: 'column',
      ordinal,
      name: '',
      origin: null,
    })),
  );
  for await (const batch of input) {
    const before = keys.count;
    const ids = keys.assign(batch);
    const rows = new Uint32Array(batch.length);
    let count = 0;
    // New groups get the next ids in order, so a row is the first of its group when its id is the next one.
    for (let i = 0; i < batch.length; i++) if (ids[i] === before + count) rows[count++] = i;
    memory.check(keys.sizeBytes(), 'DISTINCT');
    if (pacer.isDue()) await pacer.rest();
    if (count > 0) yield count === batch.length ? batch : batch.select(rows, count);
  }
}
