/**
 * Which series a section of rows would create: for whoever must know before the rows are in a journal.
 *
 * Nothing is created or remembered here, and the answer is true for this moment only: another record may create them first.
 */

import { freshMemory } from './vector-memory.js';
import type { Pacer } from './pacer.js';
import { RowsSectionReader, sectionShape } from './rows-section.js';
import { writeTuple } from './series-resolver.js';
import type { TableSchema } from './table-schema.js';
import type { TableState } from './table-state.js';
import { payloadReader } from './write-body.js';

/** Looking one tuple up, in the pacer's units. */
const TUPLE_UNITS = 40;

/**
 * The canonical tags of each, as latin1 text.
 *
 * @param section as RowBatch.encodeSection made it for the schema
 * @param table undefined: the store does not know the table yet, so every series is new
 */
export async function newSeriesOf(
  section: Uint8Array,
  schema: TableSchema,
  table: TableState | undefined,
  pacer: Pacer,
): Promise<string[]> {
  const reader = new RowsSectionReader(
    payloadReader(section),
    sectionShape(schema, 'rows'),
    freshMemory,
    table?.tagBlocks,
  );
  const found: string[] = [];
  if (reader.resolved !== null) return found;
  for (let tuple = 0; tuple < reader.tupleCount; tuple++) {
    const { bytes, length } = writeTuple(reader.tags, tuple);
    if (table === undefined || table.series.find(bytes, 0, length) === -1) {
      found.push(Buffer.from(bytes.buffer, bytes.byteOffset, length).toString('latin1'));
    }
    if (pacer.spend(TUPLE_UNITS)) await pacer.turn();
  }
  return found;
}
