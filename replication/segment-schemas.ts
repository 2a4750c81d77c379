/**
 * Which schemas the journal's current segment already holds.
 *
 * A record names its schema by id, and every segment must explain its own records: so the schema record goes again into each
 * segment, before the first use there. Ids are remembered by schema object, because hashing one for each write would cost more than the
 * write's header.
 */

import { schemaIdOf, type SchemaId, type TableSchema } from '../storage/index.js';

export class SegmentSchemas {
  readonly #ids = new WeakMap<TableSchema, SchemaId>();
  readonly #present = new Set<SchemaId>();
  #segment = -1;

  /** The first of these schemas that `segment` lacks, or null. */
  missing(segment: number, schemas: readonly TableSchema[]): TableSchema | null {
    if (segment !== this.#segment) {
      this.#segment = segment;
      this.#present.clear();
    }
    for (const schema of schemas) if (!this.#present.has(this.#idOf(schema))) return schema;
    return null;
  }

  add(schema: TableSchema): void {
    this.#present.add(this.#idOf(schema));
  }

  #idOf(schema: TableSchema): SchemaId {
    let id = this.#ids.get(schema);
    if (id === undefined) {
      id = schemaIdOf(schema);
      this.#ids.set(schema, id);
    }
    return id;
  }
}
