/**
 * A transaction's own rows of a table, rewritten without some of them.
 *
 * All of a transaction carries one version, and a tombstone never reaches rows of its own version. So a DELETE inside of
 * a transaction takes the transaction's earlier rows out of what it will write. The rows are found by reading what it wrote alone: a
 * field that it left NULL must not come back with the value of a committed row (merge_mode = 'last_non_null').
 */

import { RowBatch } from '../../storage/index.js';
import type { ReadView, Timers } from '../../storage/index.js';
import type { TableDefinition } from '../catalog/table-definition.js';
import { rowIdentity, writeVectorCell } from './vector-cell.js';
import type { BufferedSection } from './write-buffer.js';

const SECTION_BYTES = 1024 * 1024;
const ROWS_PER_TURN = 2048;

/**
 * Sections of all own rows but those whose identity is in `removed`. Releases the view.
 * @param view committed rows and the transaction's own
 */
export async function remainingOwnRows(
  view: ReadView,
  table: TableDefinition,
  removed: ReadonlySet<string>,
  timers: Timers,
): Promise<BufferedSection[]> {
  const { tableId, schema } = table.parts[0];
  const columns = schema.columns.map((column) => column.id);
  const sections: BufferedSection[] = [];
  const batch = new RowBatch(schema);
  const flush = (): void => {
    if (batch.rowCount === 0) return;
    const { seriesCount } = batch;
    sections.push({ bytes: batch.encodeSection(), table, schema, hasRows: true, seriesCount });
    batch.clear();
  };
  try {
    const scan = view.scan({
      parts: [{ tableId, columns }],
      columns,
      timeMin: null,
      timeMax: null,
      seriesMask: null,
      order: 'any',
      ownOnly: true,
    });
    for await (const { length, columns: vectors } of scan) {
      const tags = vectors.slice(0, table.tags.length);
      const time = vectors[table.timeIndex.schemaIndex];
      if (time === undefined) throw new Error('the scan lacks what was asked for');
      for (let row = 0; row < length; row += 1) {
        if (removed.has(rowIdentity(tags, time, row))) continue;
        vectors.forEach((vector, column) => {
          writeVectorCell(batch, column, vector, row);
        });
        batch.endRow();
        if (batch.approximateBytes >= SECTION_BYTES) flush();
        if (row % ROWS_PER_TURN === 0) await timers.yieldTurn();
      }
    }
    flush();
    return sections;
  } finally {
    view.release();
  }
}
