/**
 * The manifest on disk: loading all of it at start, checking the block store against it, and the operations that change it.
 *
 * At start everything the manifest names must be there: the keys of runs that were not counted before are counted (a missing block is
 * corruption, not an empty range), and keys of runs and tables in no manifest, left by a crash inside a flush, are deleted.
 */

import type { WrittenRun } from './background-job.js';
import { CorruptionError } from './corruption-error.js';
import { type DictionaryReceiver, loadDictionaries } from './dictionary-loader.js';
import {
  allRuns,
  allSchemas,
  blocksFrom,
  blocksOf,
  type Bounds,
  dictionaryOf,
  headKey,
  parseBlockKey,
  runKey,
  RUN_ID_MAX,
  schemaKey,
} from './keys.js';
import { decodeHead, encodeHead, type ManifestHead } from './manifest-head.js';
import type { KeyValueOperation, KeyValueStore } from './ports.js';
import { Run } from './run.js';
import { decodeSchemaBody, schemaIdOfBody } from './schema-body.js';
import { corruptKey, decodeAt, openValue, sealValue } from './sealed-value.js';
import type { SchemaId, TableId, TableSchema } from './table-schema.js';

const DELETE_KEYS = 1000;

const EMPTY_HEAD: ManifestHead = {
  nextRunId: 1,
  verifiedRunId: 0,
  state: null,
  droppedTables: [],
  tombstones: [],
  expired: [],
  partitions: [],
};

export interface StoredSchema {
  readonly id: SchemaId;
  readonly schema: TableSchema;
  readonly body: Uint8Array;
}

/** Receives what is loaded, schemas before series. A table is there when its schema came and it was not dropped. */
export interface ManifestReceiver extends DictionaryReceiver {
  head(head: ManifestHead): void;
  schema(schema: StoredSchema): void;
}

/** Loads everything. Throws CorruptionError. Returns the head as read, and the runs of each table by id. */
export async function loadManifest(
  kv: KeyValueStore,
  receiver: ManifestReceiver,
): Promise<{ readonly head: ManifestHead; readonly runs: Map<TableId, Run[]> }> {
  const stored = await kv.get(headKey);
  const head =
    stored === undefined
      ? EMPTY_HEAD
      : decodeAt(headKey, () => decodeHead(openValue(headKey, stored)));
  receiver.head(head);
  for await (const [key, value] of kv.entries(allSchemas)) {
    const body = openValue(key, value).slice();
    const schema = decodeAt(key, () => decodeSchemaBody(body));
    receiver.schema({ id: schemaIdOfBody(body), schema, body });
  }
  const runs = new Map<TableId, Run[]>();
  for await (const [key, value] of kv.entries(allRuns)) {
    const payload = openValue(key, value);
    const id = runIdOf(key);
    const run = decodeAt(key, () => Run.decode(id, payload));
    const own = runs.get(run.tableId);
    if (own === undefined) runs.set(run.tableId, [run]);
    else own.push(run);
  }
  const orphans = await loadDictionaries(kv, receiver, runs);
  // Synced: a first flush that is done again may have fewer series, and would overwrite only a part of what is left.
  for (const tableId of orphans) await deleteKeys(kv, dictionaryOf(tableId), { sync: true });
  return { head, runs };
}

/**
 * Checks the block store against the manifest and deletes what belongs to no run. Returns the lowest run id that was never
 * used. Runs up to `verifiedRunId` are not counted again.
 */
export async function checkBlocks(
  kv: KeyValueStore,
  runs: ReadonlyMap<number, Run>,
  head: ManifestHead,
): Promise<number> {
  let nextRunId = head.nextRunId;
  for (const run of runs.values()) {
    nextRunId = Math.max(nextRunId, run.id + 1);
    if (run.id <= head.verifiedRunId) continue;
    const found = await countKeys(kv, blocksOf(run.id));
    if (found !== run.keyCount) {
      throw new CorruptionError(
        { path: `the block store, run ${run.id}` },
        `the manifest counts ${run.keyCount} values, there are ${found}`,
      );
    }
  }
  // From run to run by seeking: values of known runs are not read.
  for (let runId = 0; runId <= RUN_ID_MAX;) {
    const found = await firstRunFrom(kv, runId);
    if (found === null) break;
    nextRunId = Math.max(nextRunId, found + 1);
    // Synced: after one more start nobody knows that this id was ever used, and what came back would mix with another run.
    if (!runs.has(found)) await deleteRun(kv, found, { sync: true });
    runId = found + 1;
  }
  return nextRunId;
}

/** Deletes all keys of a run that no manifest names. Without `sync` they may come back after a crash, and the next start deletes them. */
export function deleteRun(
  kv: KeyValueStore,
  runId: number,
  options: { readonly sync: boolean },
): Promise<void> {
  return deleteKeys(kv, blocksOf(runId), options);
}

/** Deletes the dictionary of a table whose drop is in the manifest. Should it come back after a crash, the next start deletes it. */
export function deleteDictionary(kv: KeyValueStore, tableId: TableId): Promise<void> {
  return deleteKeys(kv, dictionaryOf(tableId), { sync: false });
}

async function deleteKeys(
  kv: KeyValueStore,
  { gte, lt }: Bounds,
  options: { readonly sync: boolean },
): Promise<void> {
  let from = gte;
  for (;;) {
    const operations: KeyValueOperation[] = [];
    for await (const key of kv.keys({ gte: from, lt, limit: DELETE_KEYS })) {
      operations.push({ type: 'del', key });
    }
    const last = operations.at(-1)?.key;
    if (last === undefined) return;
    // Nothing is open meanwhile: a batch may have to wait until the store was opened anew.
    await kv.batch(operations, options);
    if (operations.length < DELETE_KEYS) return;
    from = Uint8Array.from([...last, 0]);
  }
}

/** What one flush changes, as the operations of one batch. */
export function manifestOperations(change: {
  readonly head: ManifestHead;
  /** With their entries. */
  readonly added: readonly WrittenRun[];
  readonly removed: readonly Run[];
  readonly schemas: readonly StoredSchema[];
}): KeyValueOperation[] {
  const operations: KeyValueOperation[] = [];
  const put = (key: Uint8Array, payload: Uint8Array): void => {
    operations.push({ type: 'put', key, value: sealValue(key, payload) });
  };
  for (const { id, schema, body } of change.schemas) put(schemaKey(schema.tableId, id), body);
  for (const { id, entry } of change.added) put(runKey(id), entry);
  for (const run of change.removed) operations.push({ type: 'del', key: runKey(run.id) });
  put(headKey, encodeHead(change.head));
  return operations;
}

/** Of a run's key in the manifest. */
export function runIdOf(key: Uint8Array): number {
  let id = 0;
  for (let at = 1; at < key.length; at++) id = id * 256 + key[at]!;
  return id;
}

async function countKeys(kv: KeyValueStore, bounds: Bounds): Promise<number> {
  let count = 0;
  for await (const key of kv.keys(bounds)) count += key.length > 0 ? 1 : 0;
  return count;
}

async function firstRunFrom(kv: KeyValueStore, runId: number): Promise<number | null> {
  for await (const key of kv.keys({ ...blocksFrom(runId), limit: 1 })) {
    const block = parseBlockKey(key);
    if (block === null) throw corruptKey(key, 'it is no block key');
    return block.runId;
  }
  return null;
}
