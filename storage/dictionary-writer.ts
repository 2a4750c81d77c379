/** Series dictionaries on disk: what is new is written before the blocks whose rows use it. */

import { ByteWriter } from './byte-writer.js';
import { dictionaryKey } from './keys.js';
import type { Pacer } from './pacer.js';
import type { KeyValueOperation } from './ports.js';
import { sealValue } from './sealed-value.js';
import type { SyncedBatches } from './synced-batches.js';
import type { TableState } from './table-state.js';

/** Series in one dictionary value. */
const DICTIONARY_SERIES = 4096;
/** Writing a series' tags costs about this much, in the pacer's units. */
const SERIES_UNITS = 20;

/** Adds the entries of all series that are not persisted yet, and first what is to be forgotten; it is once the batches are flushed. */
export async function writeDictionary(
  table: TableState,
  batches: SyncedBatches,
  pacer: Pacer,
): Promise<void> {
  // A series that was forgotten and has come back has two ids. Never may the disk have both.
  await batches.add(table.vacated);
  table.vacated = [];
  const writer = new ByteWriter(4096);
  const count = table.series.count;
  while (table.persistedSeries < count) {
    const from = table.persistedSeries;
    const end = Math.min(from + DICTIONARY_SERIES, count);
    const { series } = table;
    const isVacant = series.isVacant(from);
    let to = from + 1;
    while (to < end && series.isVacant(to) === isVacant) to++;
    writer.clear();
    if (isVacant) encodeVacant(writer, from, to - from);
    else series.encode(writer, from, to);
    const key = dictionaryKey(table.tableId, from);
    await batches.add([{ type: 'put', key, value: sealValue(key, writer.take()) }]);
    // If the batch fails the flush takes this back, or the store fails and a restart begins from what is on disk.
    table.persistedSeries = to;
    if (pacer.spend((to - from) * SERIES_UNITS)) await pacer.turn();
  }
}

/** The ids from `first` on, which are those of the dictionary values `keys`, are vacant: one value says so in place of theirs. */
export function vacantStretch(
  keys: readonly Uint8Array[],
  first: number,
  count: number,
): KeyValueOperation[] {
  const [key, ...others] = keys as readonly [Uint8Array, ...Uint8Array[]];
  return [
    { type: 'put', key, value: sealValue(key, vacantEntries(first, count)) },
    ...others.map((other) => ({ type: 'del', key: other }) as const),
  ];
}

/** As SeriesDictionary.load reads them: a count without entries. */
export function vacantEntries(first: number, count: number): Uint8Array {
  const writer = new ByteWriter(16);
  encodeVacant(writer, first, count);
  return writer.take();
}

function encodeVacant(writer: ByteWriter, first: number, count: number): void {
  writer.varint(first);
  writer.varint(count);
}
