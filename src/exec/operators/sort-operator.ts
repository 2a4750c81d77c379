/**
 * ORDER BY: holds its input, sorts references (batch, row) and gives the rows out in order. NULL is smaller than everything.
 *
 * Sorting never holds the event loop: pieces of a few thousand references are sorted at a stretch, then merged with rests in between.
 * With a limit, whenever a few times more rows than wanted have come together, they are sorted and all but the first are
 * dropped; from then on a row must come before the last of those to be held at all. So memory stays with the limit, not with the table. Rows that compare equal keep the order they came in.
 */

import { VECTOR_ROWS_MAX } from '../../../storage/index.js';
import type { SortPlan } from '../../plan/logical-plan.js';
import { Batch } from '../batch.js';
import { vectorSizeBytes, type ExecVector } from '../exec-vector.js';
import { rowOrder, type RowOrder } from '../row-order.js';
import { gatherAcross } from '../vector-gather.js';
import type { Pacer } from '../pacer.js';
import type { Operator, Runtime } from './operator.js';

const PIECE_ROWS = 512;
const MERGE_ROWS_PER_LOOK = 1024;
const OUTPUT_ROWS = 2048;

export async function* sortRows(input: Operator, plan: SortPlan, runtime: Runtime): Operator {
  const held = new HeldRows(plan, runtime);
  for await (const batch of input) await held.add(batch);
  yield* held.inOrder();
}

class HeldRows {
  readonly #plan: SortPlan;
  readonly #runtime: Runtime;
  /** One array of vectors per column. */
  #columns: ExecVector[][];
  #lengths: number[] = [];
  #rows = 0;
  #bytes = 0;
  /** With a limit: one row per column, the last of the first `limitRows` rows so far. */
  #threshold: readonly ExecVector[] | null = null;

  constructor(plan: SortPlan, runtime: Runtime) {
    this.#plan = plan;
    this.#runtime = runtime;
    this.#columns = plan.columns.map(() => []);
  }

  async add(all: Batch): Promise<void> {
    const batch = this.#threshold === null ? all : this.#better(all, this.#threshold);
    if (batch.length === 0) return;
    this.#append(
      this.#columns.map((_, ordinal) => batch.column(ordinal)),
      batch.length,
    );
    const { limitRows } = this.#plan;
    if (limitRows !== null && this.#rows > limitRows * 2 + VECTOR_ROWS_MAX) {
      await this.#dropSurplus(limitRows);
    }
    this.#runtime.memory.check(this.#bytes, 'ORDER BY');
    if (this.#runtime.pacer.isDue()) await this.#runtime.pacer.rest();
  }

  async *inOrder(): Operator {
    const references = await this.#sorted();
    const count = Math.min(references.length, this.#plan.limitRows ?? Infinity);
    for (let from = 0; from < count; from += OUTPUT_ROWS) {
      const to = Math.min(from + OUTPUT_ROWS, count);
      yield Batch.of(this.#gathered(references, from, to), to - from);
      if (this.#runtime.pacer.isDue()) await this.#runtime.pacer.rest();
    }
  }

  /** The rows that come before the threshold; of equal ones the row that came first stays. */
  #better(batch: Batch, threshold: readonly ExecVector[]): Batch {
    const pairs = threshold.map((vector, ordinal) => [vector, batch.column(ordinal)]);
    const order = rowOrder(this.#plan.keys, pairs, this.#plan.columns);
    const rows = new Uint32Array(batch.length);
    let count = 0;
    for (let row = 0; row < batch.length; row++) {
      if (order(VECTOR_ROWS_MAX + row, 0) < 0) rows[count++] = row;
    }
    return batch.select(rows, count);
  }

  #append(vectors: readonly ExecVector[], length: number): void {
    vectors.forEach((vector, ordinal) => {
      this.#columns[ordinal]!.push(vector);
      this.#bytes += vectorSizeBytes(vector);
    });
    this.#lengths.push(length);
    this.#rows += length;
  }

  #gathered(references: Float64Array, from: number, to: number): ExecVector[] {
    return this.#columns.map((vectors, ordinal) =>
      gatherAcross(vectors, this.#plan.columns[ordinal]!.type, references, from, to),
    );
  }

  async #dropSurplus(limitRows: number): Promise<void> {
    const references = await this.#sorted();
    if (limitRows > 0) this.#threshold = this.#gathered(references, limitRows - 1, limitRows);
    const kept: ExecVector[][] = [];
    for (let from = 0; from < limitRows; from += VECTOR_ROWS_MAX) {
      kept.push(this.#gathered(references, from, Math.min(from + VECTOR_ROWS_MAX, limitRows)));
      if (this.#runtime.pacer.isDue()) await this.#runtime.pacer.rest();
    }
    this.#columns = this.#plan.columns.map(() => []);
    this.#lengths = [];
    this.#rows = 0;
    this.#bytes = 0;
    for (const vectors of kept) this.#append(vectors, vectors[0]!.length);
  }

  async #sorted(): Promise<Float64Array> {
    const order = rowOrder(this.#plan.keys, this.#columns, this.#plan.columns);
    const references = new Float64Array(this.#rows);
    let at = 0;
    this.#lengths.forEach((length, batch) => {
      for (let row = 0; row < length; row++) references[at++] = batch * VECTOR_ROWS_MAX + row;
    });
    return mergeSort(references, order, this.#runtime.pacer);
  }
}

/** Sorted references; the argument's array may be used. */
async function mergeSort(
  references: Float64Array,
  order: RowOrder,
  pacer: Pacer,
): Promise<Float64Array> {
  for (let from = 0; from < references.length; from += PIECE_ROWS) {
    references.subarray(from, from + PIECE_ROWS).sort(order);
    if (pacer.isDue()) await pacer.rest();
  }
  let source: Float64Array = references;
  let target: Float64Array = new Float64Array(references.length);
  for (let width = PIECE_ROWS; width < references.length; width *= 2) {
    for (let from = 0; from < references.length; from += width * 2) {
      await mergeRuns(source, target, from, width, order, pacer);
    }
    [source, target] = [target, source];
  }
  return source;
}

async function mergeRuns(
  source: Float64Array,
  target: Float64Array,
  from: number,
  width: number,
  order: RowOrder,
  pacer: Pacer,
): Promise<void> {
  const middle = Math.min(from + width, source.length);
  const end = Math.min(from + width * 2, source.length);
  let left = from;
  let right = middle;
  for (let at = from; at < end; at++) {
    const takesLeft = left < middle && (right >= end || order(source[left]!, source[right]!) <= 0);
    target[at] = takesLeft ? source[left++]! : source[right++]!;
    if (at % MERGE_ROWS_PER_LOOK === 0 && pacer.isDue()) await pacer.rest();
  }
}
