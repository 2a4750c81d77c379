/** Series dictionaries on disk: what is new is written before the blocks whose rows use it. */

import { ByteWriter } from './byte-writer.js';
import { dictionaryKey } from './keys.js';
import type { Pacer } from './pacer.js';
import { sealValue } from './sealed-value.js';
import type { SyncedBatches } from './synced-batches.js';
import type { TableState } from './table-state.js';

/** Series in one dictionary value. */
const DICTIONARY_SERIES = 4096;
/** Writing a series' tags costs about this much, in the pacer's units. */
const SERIES_UNITS = 20;

/** Adds the entries of all series that are not persisted yet; they are once the batches are flushed. */
export async function writeDictionary(
  table: TableState,
  batches: SyncedBatches,
  pacer: Pacer,
): Promise<void> {
  const writer = new ByteWriter(4096);
  const count = table.series.count;
  while (table.persistedSeries < count) {
    const from = table.persistedSeries;
    const to = Math.min(from + DICTIONARY_SERIES, count);
    writer.clear();
    table.series.encode(writer, from, to);
    const key = dictionaryKey(table.tableId, from);
    await batches.add([{ type: 'put', key, value: sealValue(key, writer.take()) }]);
    // If the batch fails the flush takes this back, or the store fails and a restart begins from what is on disk.
    table.persistedSeries = to;
    if (pacer.spend((to - from) * SERIES_UNITS)) await pacer.turn();
  }
}
