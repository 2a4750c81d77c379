/**
 * One record: the atomic unit of a journal, with the same bytes on both nodes.
 *
 *   record := length    u32   the whole record, this field included
 *             crc       u32   CRC-32 of bytes 8..length; no seed, so it is equal on both nodes
 *             kind      u8    RecordKind
 *             flags     u8    0
 *             reserved  u16   0
 *             sequence  u64   1, 2, 3... within the incarnation
 *             version   u64   hybrid logical clock stamp
 *             body      length - 28 bytes, by kind
 *
 * Little endian throughout. The CRC does not cover the length: a wrong length makes the CRC run over other bytes, and both
 * length and CRC are in the rolling hash and in the CRC of the commit group around the record.
 */

import { crc32 } from 'node:zlib';

import { crcOfBoth } from './crc-of-both.js';
import { readUint32, readUint64, writeUint32, writeUint64 } from './little-endian.js';

export { nextHash } from './rolling-hash.js';

/** Frozen: written to disk and wire. Never renumber; a new kind takes the next number. */
export const RecordKind = {
  opening: 1,
  schema: 2,
  write: 3,
  part: 4,
  commit: 5,
  abort: 6,
  ddl: 7,
  expiry: 8,
} as const;
export type RecordKind = (typeof RecordKind)[keyof typeof RecordKind];

export const RECORD_HEADER_BYTES = 28;

const LENGTH_AT = 0;
const CRC_AT = 4;
const KIND_AT = 8;
const FLAGS_AT = 9;
const RESERVED_AT = 10;
const SEQUENCE_AT = 12;
const VERSION_AT = 20;

/** A record as it stands in `bytes`; nothing is copied, so the view lives as long as those bytes stay unchanged. */
export interface RecordView {
  readonly kind: RecordKind;
  readonly sequence: number;
  readonly version: number;
  /** The whole record, header included. */
  readonly bytes: Uint8Array;
  /** The part of `bytes` after the header. */
  readonly body: Uint8Array;
}

/** What a record says of itself, without its bytes. */
export interface RecordHead {
  kind: RecordKind;
  sequence: number;
  version: number;
  /** Of the whole record. */
  length: number;
  crc: number;
}

export function emptyHead(): RecordHead {
  return { kind: RecordKind.opening, sequence: 0, version: 0, length: 0, crc: 0 };
}

/** Of the record that is looked at: that is one synchronous step. */
const checked = emptyHead();

/** Why bytes are not a record. `short`: the record runs past the bytes at hand; everything else is damage or a lie. */
export interface RecordFault {
  readonly fault: 'short' | 'length' | 'crc' | 'kind' | 'reserved' | 'sequence' | 'version';
  readonly detail: string;
}

export function isRecordFault(outcome: RecordView | RecordFault): outcome is RecordFault {
  return 'fault' in outcome;
}

/** Kinds whose bytes count as pending while the peer has not confirmed them; all others are never held by the gate. */
export function isGatedKind(kind: RecordKind): boolean {
  return (
    kind === RecordKind.write ||
    kind === RecordKind.part ||
    kind === RecordKind.commit ||
    kind === RecordKind.ddl
  );
}

/** Size of the record with this body. */
export function recordBytesOf(body: readonly Uint8Array[]): number {
  let bytes = RECORD_HEADER_BYTES;
  for (const part of body) bytes += part.length;
  return bytes;
}

export function encodeRecord(
  kind: RecordKind,
  sequence: number,
  version: number,
  body: readonly Uint8Array[],
): Uint8Array {
  const bytes = new Uint8Array(recordBytesOf(body));
  encodeRecordInto(bytes, 0, kind, sequence, version, body);
  return bytes;
}

/** Writes the record at `offset` and returns the offset behind it. Requires: room for it. */
export function encodeRecordInto(
  target: Uint8Array,
  offset: number,
  kind: RecordKind,
  sequence: number,
  version: number,
  body: readonly Uint8Array[],
): number {
  let end = offset + RECORD_HEADER_BYTES;
  for (const part of body) {
    target.set(part, end);
    end += part.length;
  }
  writeHead(target, offset, end - offset, kind, sequence, version);
  writeUint32(target, offset + CRC_AT, crc32(target.subarray(offset + KIND_AT, end)));
  return end;
}

/** Makes the record that all of `bytes` are, whose body is in its place. */
export function encodeRecordAround(
  bytes: Uint8Array,
  kind: RecordKind,
  sequence: number,
  version: number,
): void {
  writeHead(bytes, 0, bytes.length, kind, sequence, version);
  writeUint32(bytes, CRC_AT, crc32(bytes.subarray(KIND_AT)));
}

/** The same where the body has this CRC. */
export function completeRecord(
  bytes: Uint8Array,
  bodyCrc: number,
  kind: RecordKind,
  sequence: number,
  version: number,
): void {
  writeHead(bytes, 0, bytes.length, kind, sequence, version);
  const headCrc = crc32(bytes.subarray(KIND_AT, RECORD_HEADER_BYTES));
  const crc = crcOfBoth(headCrc, bodyCrc, bytes.length - RECORD_HEADER_BYTES);
  writeUint32(bytes, CRC_AT, crc);
}

/** All but the CRC. */
function writeHead(
  target: Uint8Array,
  offset: number,
  length: number,
  kind: RecordKind,
  sequence: number,
  version: number,
): void {
  writeUint32(target, offset + LENGTH_AT, length);
  target[offset + KIND_AT] = kind;
  target[offset + FLAGS_AT] = 0;
  target[offset + RESERVED_AT] = 0;
  target[offset + RESERVED_AT + 1] = 0;
  writeUint64(target, offset + SEQUENCE_AT, sequence);
  writeUint64(target, offset + VERSION_AT, version);
}

/** The length field alone, for walking bytes that were checked before. Requires: 4 bytes at `offset`. */
export function recordLengthAt(bytes: Uint8Array, offset: number): number {
  return readUint32(bytes, offset + LENGTH_AT);
}

/** The kind, of bytes that were checked before. Requires: a header at `offset`. */
export function recordKindAt(bytes: Uint8Array, offset: number): RecordKind {
  return bytes[offset + KIND_AT] as RecordKind;
}

/** The stored CRC. Requires: a header at `offset`. */
export function recordCrcAt(bytes: Uint8Array, offset: number): number {
  return readUint32(bytes, offset + CRC_AT);
}

/**
 * The record at `offset`, or why there is none. Never throws and never allocates by a length it has not bounded: the
 * record lies within `bytes` and within `maxBytes`, or it is a fault.
 */
export function parseRecord(
  bytes: Uint8Array,
  offset: number,
  maxBytes: number,
): RecordView | RecordFault {
  const fault = checkRecord(bytes, offset, maxBytes, checked);
  return fault ?? viewOf(bytes, offset, checked);
}

/** The record at `offset` of bytes that parseRecord or checkRecord found good before. */
export function checkedRecordAt(bytes: Uint8Array, offset: number): RecordView {
  readHead(bytes, offset, checked);
  return viewOf(bytes, offset, checked);
}

/**
 * The same checks without making anything: `head` is filled in and good until the next call with it. Null: there is a record at
 * `offset`.
 */
export function checkRecord(
  bytes: Uint8Array,
  offset: number,
  maxBytes: number,
  head: RecordHead,
): RecordFault | null {
  const available = bytes.length - offset;
  if (available < RECORD_HEADER_BYTES) {
    return { fault: 'short', detail: `${available} bytes are less than a record header` };
  }
  readHead(bytes, offset, head);
  const { length, crc: stored, sequence, version } = head;
  if (length < RECORD_HEADER_BYTES || length > maxBytes) {
    return {
      fault: 'length',
      detail: `length ${length} is not within ${RECORD_HEADER_BYTES}..${maxBytes}`,
    };
  }
  if (length > available) {
    return { fault: 'short', detail: `length ${length} exceeds the ${available} bytes at hand` };
  }
  const computed = crc32(bytes.subarray(offset + KIND_AT, offset + length));
  if (stored !== computed) {
    return { fault: 'crc', detail: `CRC is ${hex32(computed)}, the record says ${hex32(stored)}` };
  }
  if (!isRecordKind(head.kind)) return { fault: 'kind', detail: `kind ${head.kind} is unknown` };
  const isReserved =
    bytes[offset + FLAGS_AT] === 0 &&
    bytes[offset + RESERVED_AT] === 0 &&
    bytes[offset + RESERVED_AT + 1] === 0;
  if (!isReserved) return { fault: 'reserved', detail: 'flags or reserved bytes are not zero' };
  if (!(sequence >= 1)) return { fault: 'sequence', detail: 'the sequence is not 1..2^53-1' };
  if (!(version >= 0)) return { fault: 'version', detail: 'the version is not 0..2^53-1' };
  return null;
}

/** Requires: a header's bytes at `offset`. */
/** What the record at `offset` says of itself; nothing is checked. */
export function readHead(bytes: Uint8Array, offset: number, head: RecordHead): void {
  head.length = readUint32(bytes, offset + LENGTH_AT);
  head.crc = readUint32(bytes, offset + CRC_AT);
  head.kind = bytes[offset + KIND_AT] as RecordKind;
  head.sequence = readUint64(bytes, offset + SEQUENCE_AT);
  head.version = readUint64(bytes, offset + VERSION_AT);
}

function viewOf(source: Uint8Array, offset: number, head: RecordHead): RecordView {
  const { kind, sequence, version, length } = head;
  const bytes = source.subarray(offset, offset + length);
  return { kind, sequence, version, bytes, body: bytes.subarray(RECORD_HEADER_BYTES) };
}

function isRecordKind(kind: number): boolean {
  return kind >= RecordKind.opening && kind <= RecordKind.expiry;
}

function hex32(value: number): string {
  return value.toString(16).padStart(8, '0');
}
