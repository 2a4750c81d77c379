/**
 * Applying the body of a write: section by section into a generation.
 */

import assert from 'node:assert';
import { type Generation, sectionKeyMemory } from './memtable.js';
import { decodeTombstone, type StampedTombstone } from './range-tombstone.js';
import { RowsSectionReader } from './rows-section.js';
import type { KnownCodes } from './series-resolver.js';
import type { SchemaId } from './table-schema.js';
import type { KnownSchema, TableState } from './table-state.js';
import { sectionsOf } from './write-body.js';

export interface ApplyTarget {
  readonly generation: Generation;
  schema(id: SchemaId): KnownSchema | undefined;
  seriesId(
    table: TableState,
    tuple: Uint8Array,
    start: number,
    end: number,
    known: KnownCodes | null,
  ): number;
  addTombstone(tombstone: StampedTombstone): void;
}

/** Applies the sections from `offset` on; returns the next free ordinal. Rows of dropped tables are discarded. */
export function applyBody(
  target: ApplyTarget,
  version: number,
  body: Uint8Array,
  offset: number,
  firstOrdinal: number,
): number {
  let ordinal = firstOrdinal;
  for (const section of sectionsOf(body, offset)) {
    if (section.kind === 'range-tombstone') {
      target.addTombstone({ ...decodeTombstone(section.reader, section.tableId), version });
      continue;
    }
    const known = target.schema(section.schemaId);
    assert(known !== undefined, `schema ${section.schemaId} precedes its first use`);
    const { table } = known;
    const shape = section.kind === 'rows' ? known.rows : known.keys;
    const memory = sectionKeyMemory();
    const reader = new RowsSectionReader(section.reader, shape, memory, table.tagBlocks);
    if (!table.isDropped) {
      target.generation.append(table, reader, version, ordinal, (tuple, start, end, codes) =>
        target.seriesId(table, tuple, start, end, codes),
      );
    }
    ordinal += reader.rowCount;
  }
  return ordinal;
}
