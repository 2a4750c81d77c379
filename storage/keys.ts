/**
 * Keys in LevelDB. The first byte says what it is; numbers are big endian, so that keys sort as numbers do.
 *
 *   b | u48 run | u48 column | u32 block       one column of one block
 *   d | u64 table | u32 first series           series dictionary entries
 *   h                                          the head: flushed-to vector, catalog, dropped tables, range tombstones, next run
 *   r | u48 run                                a run: bounds and statistics of its blocks
 *   t | u64 table | 8 bytes schema id          a schema
 *   local/...                                  node-local facts (ids, positions, marks), never copied to a peer
 *
 * Run first: a flush writes one contiguous range, and a dropped run is one range to delete and compact.
 */

import type { ColumnId, SchemaId, TableId } from './table-schema.js';

const BLOCK = 0x62;
const DICTIONARY = 0x64;
const HEAD = 0x68;
const RUN = 0x72;
const SCHEMA = 0x74;

export const RUN_ID_MAX = 2 ** 48 - 1;

export interface Bounds {
  readonly gte: Uint8Array;
  readonly lt: Uint8Array;
}

export const headKey = Uint8Array.of(HEAD);

export function blockKey(runId: number, columnId: ColumnId, block: number): Uint8Array {
  const key = new Uint8Array(17);
  key[0] = BLOCK;
  writeUint48(key, 1, runId);
  writeUint48(key, 7, columnId);
  writeUint32(key, 13, block);
  return key;
}

/** The parts of a block key; null for any other key. */
export function parseBlockKey(
  key: Uint8Array,
): { runId: number; columnId: ColumnId; block: number } | null {
  if (key.length !== 17 || key[0] !== BLOCK) return null;
  return { runId: readUint48(key, 1), columnId: readUint48(key, 7), block: readUint32(key, 13) };
}

/** All block keys of the runs from `runId` on. */
export function blocksFrom(runId: number): Bounds {
  const gte = new Uint8Array(7);
  gte[0] = BLOCK;
  writeUint48(gte, 1, runId);
  return { gte, lt: Uint8Array.of(BLOCK + 1) };
}

/** All block keys of one run. */
export function blocksOf(runId: number): Bounds {
  const gte = blocksFrom(runId).gte;
  return { gte, lt: runId === RUN_ID_MAX ? Uint8Array.of(BLOCK + 1) : blocksFrom(runId + 1).gte };
}

export function dictionaryKey(tableId: TableId, firstSeries: number): Uint8Array {
  const key = new Uint8Array(13);
  key[0] = DICTIONARY;
  writeUint64(key, 1, tableId);
  writeUint32(key, 9, firstSeries);
  return key;
}

export function dictionaryOf(tableId: TableId): Bounds {
  const gte = dictionaryKey(tableId, 0);
  const lt = dictionaryKey(tableId, 0xffffffff);
  return { gte, lt };
}

export function tableOfDictionaryKey(key: Uint8Array): TableId {
  return readUint48(key, 3) + readUint16(key, 1) * 2 ** 48;
}

export function firstOfDictionaryKey(key: Uint8Array): number {
  return readUint32(key, 9);
}

export const allDictionaries: Bounds = {
  gte: Uint8Array.of(DICTIONARY),
  lt: Uint8Array.of(DICTIONARY + 1),
};

export function runKey(runId: number): Uint8Array {
  const key = new Uint8Array(7);
  key[0] = RUN;
  writeUint48(key, 1, runId);
  return key;
}

export const allRuns: Bounds = { gte: Uint8Array.of(RUN), lt: Uint8Array.of(RUN + 1) };

export function schemaKey(tableId: TableId, schemaId: SchemaId): Uint8Array {
  const key = new Uint8Array(17);
  key[0] = SCHEMA;
  writeUint64(key, 1, tableId);
  key.set(Buffer.from(schemaId, 'hex'), 9);
  return key;
}

export const allSchemas: Bounds = { gte: Uint8Array.of(SCHEMA), lt: Uint8Array.of(SCHEMA + 1) };

/** The key as people read it, for errors. */
export function printKey(key: Uint8Array): string {
  const block = parseBlockKey(key);
  if (block !== null) return `run ${block.runId}, column ${block.columnId}, block ${block.block}`;
  return `key ${Buffer.from(key).toString('hex')}`;
}

function writeUint32(key: Uint8Array, at: number, value: number): void {
  for (let byte = 3, rest = value; byte >= 0; byte--, rest = Math.floor(rest / 256)) {
    key[at + byte] = rest % 256;
  }
}

function writeUint48(key: Uint8Array, at: number, value: number): void {
  for (let byte = 5, rest = value; byte >= 0; byte--, rest = Math.floor(rest / 256)) {
    key[at + byte] = rest % 256;
  }
}

function writeUint64(key: Uint8Array, at: number, value: number): void {
  for (let byte = 7, rest = value; byte >= 0; byte--, rest = Math.floor(rest / 256)) {
    key[at + byte] = rest % 256;
  }
}

function readUint16(key: Uint8Array, at: number): number {
  return key[at]! * 256 + key[at + 1]!;
}

function readUint32(key: Uint8Array, at: number): number {
  return readUint16(key, at) * 65536 + readUint16(key, at + 2);
}

function readUint48(key: Uint8Array, at: number): number {
  return readUint16(key, at) * 2 ** 32 + readUint32(key, at + 2);
}
