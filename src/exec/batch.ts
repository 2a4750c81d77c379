/**
 * Rows on their way through a query: up to 8,192 of them, column by column.
 *
 * A batch may be a selection of another one. Its columns are then picked out on first use, so a filter copies only
 * the columns that something above it reads. Ordinals are those of the operator's input; a column that nobody asked
 * the scan for is absent, and reading it is a bug.
 */

import { sliceVector, type ExecVector } from './exec-vector.js';
import { gather } from './vector-gather.js';

export class Batch {
  readonly length: number;
  readonly #columns: (ExecVector | undefined)[];
  readonly #parent: Batch | null;
  readonly #rows: Uint32Array | null;
  readonly #from: number;

  private constructor(
    length: number,
    columns: (ExecVector | undefined)[],
    parent: Batch | null,
    rows: Uint32Array | null,
    from: number,
  ) {
    this.length = length;
    this.#columns = columns;
    this.#parent = parent;
    this.#rows = rows;
    this.#from = from;
  }

  static of(columns: readonly (ExecVector | undefined)[], length: number): Batch {
    return new Batch(length, [...columns], null, null, 0);
  }

  column(ordinal: number): ExecVector {
    const known = this.#columns[ordinal];
    if (known !== undefined) return known;
    if (this.#parent === null) throw new Error(`column ${ordinal} is not in this batch`);
    const source = this.#parent.column(ordinal);
    const vector =
      this.#rows === null
        ? sliceVector(source, this.#from, this.#from + this.length)
        : gather(source, this.#rows, this.length);
    this.#columns[ordinal] = vector;
    return vector;
  }

  /** The rows rows[0..count) in that order. The array belongs to the new batch from now on. */
  select(rows: Uint32Array, count: number): Batch {
    return new Batch(count, [], this, rows, 0);
  }

  /** Rows from..to. */
  slice(from: number, to: number): Batch {
    if (from === 0 && to === this.length) return this;
    return new Batch(to - from, [], this, null, from);
  }
}

/** Computes one vector from a batch; a bound expression is compiled into one of these. */
export type Evaluator = (batch: Batch) => ExecVector;
