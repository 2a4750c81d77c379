/**
 * Decoded block columns, least recently used first out, bounded by bytes. Keys are (run, column, block); runs never change, so
 * nothing is ever invalidated, only forgotten.
 */

import type { ColumnId } from './table-schema.js';
import type { Vector } from './vector.js';

/** What an entry costs beside its arrays. */
const ENTRY_BYTES = 200;

interface Entry {
  readonly vector: Vector;
  readonly sizeBytes: number;
}

export class BlockCache {
  readonly #capacityBytes: number;
  /** A map remembers insertion order: the first entry is the oldest. */
  readonly #entries = new Map<string, Entry>();
  #sizeBytes = 0;
  hits = 0;
  misses = 0;

  constructor(capacityBytes: number) {
    this.#capacityBytes = capacityBytes;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get(runId: number, columnId: ColumnId, block: number): Vector | null {
    const name = `${runId}/${columnId}/${block}`;
    const entry = this.#entries.get(name);
    if (entry === undefined) {
      this.misses++;
      return null;
    }
    this.hits++;
    this.#entries.delete(name);
    this.#entries.set(name, entry);
    return entry.vector;
  }

  put(runId: number, columnId: ColumnId, block: number, vector: Vector): void {
    const name = `${runId}/${columnId}/${block}`;
    const sizeBytes = ENTRY_BYTES + vectorBytes(vector);
    if (sizeBytes > this.#capacityBytes || this.#entries.has(name)) return;
    this.#entries.set(name, { vector, sizeBytes });
    this.#sizeBytes += sizeBytes;
    for (const [oldest, entry] of this.#entries) {
      if (this.#sizeBytes <= this.#capacityBytes) break;
      this.#entries.delete(oldest);
      this.#sizeBytes -= entry.sizeBytes;
    }
  }
}

function vectorBytes(vector: Vector): number {
  const nulls = vector.nulls?.length ?? 0;
  switch (vector.kind) {
    case 'number':
      return nulls + vector.values.byteLength;
    case 'integer64':
      return nulls + vector.high.byteLength + vector.low.byteLength;
    case 'time':
      return nulls + vector.offsets.byteLength;
    case 'bytes':
      // The data is a view into the whole value.
      return nulls + vector.starts.byteLength + vector.data.buffer.byteLength;
    case 'dictionary':
      return nulls + vector.codes.byteLength + vectorBytes(vector.dictionary);
  }
}
