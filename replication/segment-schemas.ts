/**
 * Which schemas the journal's current segment already holds.
 *
 * A record names its schema by id, and every segment must explain its own records: so the schema record goes again into each
 * segment, before the first use there. Ids and bodies are remembered by schema object, because hashing one for each write would cost more
 * than the write's header.
 */

import {
  encodeSchemaBody,
  recordBytesOf,
  schemaIdOf,
  type SchemaId,
  type TableSchema,
} from '../storage/index.js';
import type { ReplicaJournal } from './replica-store.js';

interface KnownSchema {
  readonly id: SchemaId;
  readonly body: readonly Uint8Array[];
}

const NO_SCHEMAS: readonly KnownSchema[] = [];
const NO_BODIES: readonly (readonly Uint8Array[])[] = [];

export class SegmentSchemas {
  readonly #journal: ReplicaJournal;
  readonly #known = new WeakMap<TableSchema, KnownSchema>();
  readonly #present = new Set<SchemaId>();
  /** Reused: a list for each record would be garbage at once. */
  readonly #sizes: number[] = [];
  #segment = -1;

  constructor(journal: ReplicaJournal) {
    this.#journal = journal;
  }

  /**
   * Makes sure that a record of this size and the schema records it lacks go into one segment, and returns the bodies of these:
   * they must be appended now, then the record.
   */
  bodiesBefore(
    recordBytes: number,
    schemas: readonly TableSchema[],
  ): readonly (readonly Uint8Array[])[] {
    for (;;) {
      const missing = this.#missing(schemas);
      const segment = this.#journal.segmentFor(this.#sizesOf(missing, recordBytes));
      if (segment === this.#segment) {
        if (missing.length === 0) return NO_BODIES;
        for (const schema of missing) this.#present.add(schema.id);
        return missing.map((schema) => schema.body);
      }
      // A new segment explains nothing yet: look again.
      this.#segment = segment;
      this.#present.clear();
    }
  }

  #sizesOf(missing: readonly KnownSchema[], recordBytes: number): readonly number[] {
    const sizes = this.#sizes;
    sizes[missing.length] = recordBytes;
    if (sizes.length > missing.length + 1) sizes.length = missing.length + 1;
    for (let index = 0; index < missing.length; index += 1) {
      sizes[index] = recordBytesOf(missing[index]!.body);
    }
    return sizes;
  }

  #missing(schemas: readonly TableSchema[]): readonly KnownSchema[] {
    let missing: KnownSchema[] | null = null;
    for (const schema of schemas) {
      const known = this.#know(schema);
      if (this.#present.has(known.id)) continue;
      missing ??= [];
      if (missing.every((other) => other.id !== known.id)) missing.push(known);
    }
    return missing ?? NO_SCHEMAS;
  }

  #know(schema: TableSchema): KnownSchema {
    let known = this.#known.get(schema);
    if (known === undefined) {
      known = { id: schemaIdOf(schema), body: [encodeSchemaBody(schema)] };
      this.#known.set(schema, known);
    }
    return known;
  }
}
