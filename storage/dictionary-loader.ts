/**
 * The dictionaries of series at a start: read, and rid of series that no row has any more.
 *
 * Tables with series that come and go (a container, a job, a trip) would otherwise grow for ever, though their rows expire. A dictionary value
 * whose series are all gone is not loaded. Ids are never given to another series while a run may have them, so in its place stays a
 * value that says how many ids are vacant; at the end of a dictionary nothing has to stay.
 *
 * Rows of the journal, which are replayed next, bring their tags along: a series of theirs that is gone from here comes back under a new id.
 */

import { ByteReader, DamagedBytesError } from './byte-reader.js';
import { vacantEntries, vacantStretch } from './dictionary-writer.js';
import {
  allDictionaries,
  dictionaryKey,
  firstOfDictionaryKey,
  tableOfDictionaryKey,
} from './keys.js';
import type { KeyValueOperation, KeyValueStore } from './ports.js';
import type { Run } from './run.js';
import { corruptKey, decodeAt, openValue } from './sealed-value.js';
import { SeriesUse, seriesUses } from './series-use.js';
import type { TableId } from './table-schema.js';

export interface DictionaryReceiver {
  hasTable(tableId: TableId): boolean;
  /** Entries of one dictionary value of such a table, or so many vacant ids, in order of their first series. */
  series(tableId: TableId, entries: Uint8Array): void;
}

/** Neighbouring values of one table whose series are gone. */
interface VacantStretch {
  readonly keys: Uint8Array[];
  readonly first: number;
  count: number;
}

/**
 * Loads all of them. Returns the tables that have values and are not there. Throws CorruptionError, also where a run has series that no value
 * has.
 *
 * @param runs of each table
 */
export async function loadDictionaries(
  kv: KeyValueStore,
  receiver: DictionaryReceiver,
  runs: ReadonlyMap<TableId, readonly Run[]>,
): Promise<ReadonlySet<TableId>> {
  const uses = new Map<TableId, Uint8Array>();
  const orphans = new Set<TableId>();
  for (const [tableId, firsts] of await firstsByTable(kv)) {
    if (receiver.hasTable(tableId)) {
      uses.set(tableId, await seriesUses(kv, firsts, runs.get(tableId) ?? []));
    } else {
      orphans.add(tableId);
    }
  }
  const loading = new DictionaryLoading(receiver);
  const ends = new Map<TableId, number>();
  let place = 0;
  let current: TableId | null = null;
  for await (const [key, value] of kv.entries(allDictionaries)) {
    const tableId = tableOfDictionaryKey(key);
    const ofTable = uses.get(tableId);
    if (ofTable === undefined) continue;
    if (tableId !== current) {
      loading.endTable();
      current = tableId;
      place = 0;
    }
    ends.set(tableId, loading.take(tableId, key, openValue(key, value), ofTable[place++]!));
  }
  loading.endTable();
  for (const [tableId, own] of runs) {
    if (receiver.hasTable(tableId)) checkEnd(tableId, own, ends.get(tableId) ?? 0);
  }
  // Synced: a later value of this start may take the ids at a dictionary's end again.
  for (const batch of loading.batches) await kv.batch(batch, { sync: true });
  return orphans;
}

class DictionaryLoading {
  /** What puts the disk in order, a stretch each. */
  readonly batches: KeyValueOperation[][] = [];
  readonly #receiver: DictionaryReceiver;
  #vacant: VacantStretch | null = null;

  constructor(receiver: DictionaryReceiver) {
    this.#receiver = receiver;
  }

  /** The next value of the table. Returns the first series behind it. */
  take(tableId: TableId, key: Uint8Array, payload: Uint8Array, use: number): number {
    const { first, count, isVacant } = decodeAt(key, () => headOf(payload));
    if (isVacant && use === SeriesUse.some) {
      throw corruptKey(key, `there are rows of series that it says are gone, from ${first} on`);
    }
    if (isVacant || use === SeriesUse.none) {
      this.#vacant ??= { keys: [], first, count: 0 };
      if (first !== this.#vacant.first + this.#vacant.count) {
        throw corruptKey(key, `the series before ${first} are missing`);
      }
      this.#vacant.keys.push(key);
      this.#vacant.count += count;
      return first + count;
    }
    this.#keepVacant(tableId);
    decodeAt(key, () => this.#receiver.series(tableId, payload));
    return first + count;
  }

  /** What is vacant at the end of a dictionary is not needed. */
  endTable(): void {
    if (this.#vacant === null) return;
    this.batches.push(this.#vacant.keys.map((key) => ({ type: 'del', key })));
    this.#vacant = null;
  }

  /** A value with entries follows: ids before it stay vacant. */
  #keepVacant(tableId: TableId): void {
    if (this.#vacant === null) return;
    const { keys, first, count } = this.#vacant;
    this.#vacant = null;
    this.#receiver.series(tableId, vacantEntries(first, count));
    this.batches.push(vacantStretch(keys, first, count));
  }
}

async function firstsByTable(kv: KeyValueStore): Promise<ReadonlyMap<TableId, number[]>> {
  const firsts = new Map<TableId, number[]>();
  for await (const key of kv.keys(allDictionaries)) {
    const tableId = tableOfDictionaryKey(key);
    const known = firsts.get(tableId);
    if (known === undefined) firsts.set(tableId, [firstOfDictionaryKey(key)]);
    else known.push(firstOfDictionaryKey(key));
  }
  return firsts;
}

function checkEnd(tableId: TableId, runs: readonly Run[], end: number): void {
  for (const { id, blocks } of runs) {
    if (blocks.seriesMax < end) continue;
    throw corruptKey(
      dictionaryKey(tableId, end),
      `series ${blocks.seriesMax}, which run ${id} has, is missing`,
    );
  }
}

function headOf(payload: Uint8Array): { first: number; count: number; isVacant: boolean } {
  const reader = new ByteReader(payload);
  const first = reader.varint();
  const count = reader.varint();
  if (count === 0) throw new DamagedBytesError('a dictionary value is empty');
  return { first, count, isVacant: reader.remaining === 0 };
}
