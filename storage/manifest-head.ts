/**
 * The head of the manifest: one value that is written last in every flush, in the same batch as the new runs' entries. What it says is
 * what is: how far the journals are contained in the runs, and everything small that replay would not bring back.
 *
 *   head      := u8 format, varint next run id, varint verified run id, u8 has state, [state],
 *                varint dropped tables, (u64 table, u64 version)*, varint tombstones, (u64 table, u64 version, tombstone)*,
 *                [format 2: varint tables with expired rows, (u64 table, i64 expired through)*,
 *                           varint tables with a chosen partition, (u64 table, varint partition ms)*]
 *   state     := vector (flushed to), vector (replay from), varint highest version, varint length, catalog snapshot
 *   vector    := varint entries, (u8 origin, 8 bytes incarnation, varint sequence, u8 length, hash)*
 *
 * A head that has nothing of format 2 is written in format 1.
 */

import { ByteReader, DamagedBytesError } from './byte-reader.js';
import { ByteWriter } from './byte-writer.js';
import type { TableExpiry } from './expiry-body.js';
import type { Position, PositionVector } from './position.js';
import { decodeTombstone, encodeTombstone, type StampedTombstone } from './range-tombstone.js';
import type { TableId } from './table-schema.js';

const FORMAT_WITHOUT_EXPIRY = 1;
const FORMAT = 2;
const INCARNATION_BYTES = 8;

/** What a generation covers: everything before it was frozen, exactly. */
export interface FlushedState {
  readonly vector: PositionVector;
  /** Where replay must start: lower than `vector` where a multi-part write was open. */
  readonly replayFrom: PositionVector;
  readonly catalog: Uint8Array;
  readonly highestVersion: number;
}

export interface ManifestHead {
  /** Above every run id ever used. */
  readonly nextRunId: number;
  /** Runs up to this id had all their keys when they were last counted. */
  readonly verifiedRunId: number;
  readonly state: FlushedState | null;
  /** With the versions of their drops. */
  readonly droppedTables: readonly (readonly [TableId, number])[];
  readonly tombstones: readonly StampedTombstone[];
  /** Rows up to these times are invisible for ever. May be ahead of `state`: replay says no more than it. */
  readonly expired: readonly TableExpiry[];
  /** Widths of partitions that this node chose, in ms; of tables whose schema leaves it open. */
  readonly partitions: readonly (readonly [TableId, number])[];
}

export function encodeHead(head: ManifestHead): Uint8Array {
  const writer = new ByteWriter(1024);
  const format =
    head.expired.length > 0 || head.partitions.length > 0 ? FORMAT : FORMAT_WITHOUT_EXPIRY;
  writer.uint8(format);
  writer.varint(head.nextRunId);
  writer.varint(head.verifiedRunId);
  writer.uint8(head.state === null ? 0 : 1);
  if (head.state !== null) {
    encodeVector(writer, head.state.vector);
    encodeVector(writer, head.state.replayFrom);
    writer.varint(head.state.highestVersion);
    writer.varint(head.state.catalog.length);
    writer.copy(head.state.catalog, 0, head.state.catalog.length);
  }
  writer.varint(head.droppedTables.length);
  for (const [tableId, version] of head.droppedTables) {
    writer.uint64(tableId);
    writer.uint64(version);
  }
  writer.varint(head.tombstones.length);
  for (const tombstone of head.tombstones) {
    writer.uint64(tombstone.tableId);
    writer.uint64(tombstone.version);
    encodeTombstone(writer, tombstone);
  }
  if (format === FORMAT) {
    writer.varint(head.expired.length);
    for (const { tableId, through } of head.expired) {
      writer.uint64(tableId);
      writer.bigInt64(through);
    }
    writer.varint(head.partitions.length);
    for (const [tableId, partitionMs] of head.partitions) {
      writer.uint64(tableId);
      writer.varint(partitionMs);
    }
  }
  return writer.take();
}

/** Throws DamagedBytesError. */
export function decodeHead(bytes: Uint8Array): ManifestHead {
  const reader = new ByteReader(bytes);
  const format = reader.uint8();
  if (format < FORMAT_WITHOUT_EXPIRY || format > FORMAT)
    throw new DamagedBytesError(`manifest format ${format} is unknown`);
  const nextRunId = reader.varint();
  const verifiedRunId = reader.varint();
  let state: FlushedState | null = null;
  if (reader.uint8() === 1) {
    const vector = decodeVector(reader);
    const replayFrom = decodeVector(reader);
    const highestVersion = reader.varint();
    const catalog = reader.view(reader.varint()).slice();
    state = { vector, replayFrom, catalog, highestVersion };
  }
  const droppedTables: [TableId, number][] = [];
  for (let left = reader.varint(); left > 0; left--) {
    droppedTables.push([reader.uint64(), reader.uint64()]);
  }
  const tombstones: StampedTombstone[] = [];
  for (let left = reader.varint(); left > 0; left--) {
    const tableId = reader.uint64();
    const version = reader.uint64();
    tombstones.push({ ...decodeTombstone(reader, tableId), version });
  }
  const expired: TableExpiry[] = [];
  const partitions: [TableId, number][] = [];
  if (format === FORMAT) {
    for (let left = reader.varint(); left > 0; left--) {
      expired.push({ tableId: reader.uint64(), through: reader.bigInt64() });
    }
    for (let left = reader.varint(); left > 0; left--) {
      partitions.push([reader.uint64(), reader.varint()]);
    }
  }
  reader.expectEnd();
  return { nextRunId, verifiedRunId, state, droppedTables, tombstones, expired, partitions };
}

function encodeVector(writer: ByteWriter, vector: PositionVector): void {
  writer.varint(vector.length);
  for (const { origin, incarnation, sequence, hash } of vector) {
    writer.uint8(origin);
    writer.copy(Buffer.from(incarnation, 'hex'), 0, INCARNATION_BYTES);
    writer.varint(sequence);
    const bytes = Buffer.from(hash, 'hex');
    writer.uint8(bytes.length);
    writer.copy(bytes, 0, bytes.length);
  }
}

function decodeVector(reader: ByteReader): PositionVector {
  const vector: (Position & { origin: number })[] = [];
  for (let left = reader.varint(); left > 0; left--) {
    const origin = reader.uint8();
    const incarnation = hexOf(reader.view(INCARNATION_BYTES));
    const sequence = reader.varint();
    const hash = hexOf(reader.view(reader.uint8()));
    vector.push({ origin, incarnation, sequence, hash });
  }
  return vector;
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
