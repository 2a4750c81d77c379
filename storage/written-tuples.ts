/**
 * The tag tuples of a section as the batch that wrote it knows them: their handles in its memory of tuples, or of series of the table.
 *
 * A writer has put together, hashed and taken apart each tuple already. Who applies the section on the same node finds and creates its series
 * from that, in place of decoding the tag columns and doing all of it again. It is a hint: a memory that was given up meanwhile is not kept for
 * it, and the section says the same.
 */

import type { TupleMemory } from './tuple-memory.js';

export class WrittenTuples {
  /** By tuple. */
  readonly handles: Int32Array;
  readonly #memory: WeakRef<TupleMemory>;

  constructor(memory: TupleMemory, handles: Int32Array) {
    this.#memory = new WeakRef(memory);
    this.handles = handles;
  }

  /** What the handles from 0 on belong to; null when it is gone. */
  get memory(): TupleMemory | null {
    return this.#memory.deref() ?? null;
  }
}
