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

export class SegmentSchemas {
  readonly #journal: ReplicaJournal;
  readonly #known = new WeakMap<TableSchema, KnownSchema>();
  readonly #present = new Set<SchemaId>();
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
      const sizes = missing.map((schema) => recordBytesOf(schema.body));
      const segment = this.#journal.segmentFor([...sizes, recordBytes]);
      if (segment === this.#segment) {
        for (const schema of missing) this.#present.add(schema.id);
        return missing.map((schema) => schema.body);
      }
      // A new segment explains nothing yet: look again.
      this.#segment = segment;
      this.#present.clear();
    }
  }

  #missing(schemas: readonly TableSchema[]): readonly KnownSchema[] {
    const missing: KnownSchema[] = [];
    for (const schema of schemas) {
      const known = this.#know(schema);
      if (this.#present.has(known.id) || missing.some((other) => other.id === known.id)) continue;
      missing.push(known);
    }
    return missing;
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
