/**
 * The messages of a running link, field by field. PROTOCOL.md draws them. The two hot ones (records, confirm) are plain
 * little-endian structs; the others are msgpack arrays.
 */

import type { IncarnationId, RollingHash, Seal } from '../storage/index.js';
import { LinkProtocolError } from './errors.js';
import { MessageReader, packFields } from './message-reader.js';

const INCARNATION_DIGITS = 16;
const HASH_DIGITS = 32;
const DIGEST_DIGITS = 64;

/** Once every `heartbeat`, both ways. */
export interface Heartbeat {
  /** 1, 2, 3... within the link. */
  readonly number: number;
  readonly wallMs: number;
  /** The sender's newest record: how far the receiver could be. */
  readonly incarnation: IncarnationId;
  readonly sequence: number;
  /** And how much of it is on the sender's own stable storage. */
  readonly durable: number;
  /** "All my records at or below this version are sent"; 0 = nothing announced. */
  readonly bound: number;
  readonly isReady: boolean;
  readonly want: number;
  readonly grant: number;
  /** The receiver's last heartbeat that came here, and for how long it has been here; 0 = none yet. */
  readonly echo: number;
  readonly echoHeldMs: number;
}

export function encodeHeartbeat(beat: Heartbeat): Uint8Array {
  return packFields([
    beat.number,
    beat.wallMs,
    beat.incarnation,
    beat.sequence,
    beat.durable,
    beat.bound,
    beat.isReady,
    beat.want,
    beat.grant,
    beat.echo,
    beat.echoHeldMs,
  ]);
}

export function decodeHeartbeat(bytes: Uint8Array): Heartbeat {
  const reader = MessageReader.parse('heartbeat', bytes);
  const beat = {
    number: reader.count(),
    wallMs: reader.number(),
    incarnation: reader.hex(INCARNATION_DIGITS),
    sequence: reader.count(),
    durable: reader.count(),
    bound: reader.count(),
    isReady: reader.boolean(),
    want: reader.count(),
    grant: reader.count(),
    echo: reader.count(),
    echoHeldMs: reader.number(),
  };
  reader.end();
  return beat;
}

/** How far the receiver is with one incarnation, and which record bytes of this link it is done with. */
export interface Confirm {
  readonly incarnation: IncarnationId;
  readonly received: number;
  readonly durable: number;
  readonly applied: number;
  /** Record bytes of this link, of all streams, that hold no memory any more: gives the sender credit. */
  readonly releasedBytes: number;
}

export const CONFIRM_BYTES = 40;

export function encodeConfirm(confirm: Confirm): Uint8Array {
  const bytes = new Uint8Array(CONFIRM_BYTES);
  const view = new DataView(bytes.buffer);
  writeHex(bytes, 0, confirm.incarnation);
  writeCount(view, 8, confirm.received);
  writeCount(view, 16, confirm.durable);
  writeCount(view, 24, confirm.applied);
  writeCount(view, 32, confirm.releasedBytes);
  return bytes;
}

export function decodeConfirm(bytes: Uint8Array): Confirm {
  if (bytes.length !== CONFIRM_BYTES) throw new LinkProtocolError('confirm has a wrong length');
  const view = viewOf(bytes);
  return {
    incarnation: readHex(bytes, 0, 8),
    received: readCount(view, 8),
    durable: readCount(view, 16),
    applied: readCount(view, 24),
    releasedBytes: readCount(view, 32),
  };
}

/** Before each piece of a chunk of records. */
export interface PieceHeader {
  readonly incarnation: IncarnationId;
  readonly firstSequence: number;
  readonly chunkBytes: number;
  /** Where the piece belongs in the chunk. */
  readonly offset: number;
  /** Rolling hash after the chunk's last record. */
  readonly lastHash: RollingHash;
}

export const PIECE_HEADER_BYTES = 40;

export function encodePieceHeader(header: PieceHeader): Uint8Array {
  const bytes = new Uint8Array(PIECE_HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  writeHex(bytes, 0, header.incarnation);
  writeCount(view, 8, header.firstSequence);
  view.setUint32(16, header.chunkBytes, true);
  view.setUint32(20, header.offset, true);
  writeHex(bytes, 24, header.lastHash);
  return bytes;
}

export function decodePieceHeader(payload: Uint8Array): PieceHeader {
  if (payload.length <= PIECE_HEADER_BYTES) throw new LinkProtocolError('a piece without records');
  const view = viewOf(payload);
  return {
    incarnation: readHex(payload, 0, 8),
    firstSequence: readCount(view, 8),
    chunkBytes: view.getUint32(16, true),
    offset: view.getUint32(20, true),
    lastHash: readHex(payload, 24, 16),
  };
}

export function encodeSeal(seal: Seal): Uint8Array {
  const { incarnation, number, firstSequence, lastSequence, digest } = seal;
  return packFields([incarnation, number, firstSequence, lastSequence, digest]);
}

export function decodeSeal(bytes: Uint8Array): Seal {
  const reader = MessageReader.parse('seal', bytes);
  const seal = {
    incarnation: reader.hex(INCARNATION_DIGITS),
    number: reader.count(),
    firstSequence: reader.count(),
    lastSequence: reader.count(),
    digest: reader.optional((field) => field.hex(DIGEST_DIGITS)),
  };
  reader.end();
  return seal;
}

/** From the origin: both nodes have this older incarnation to its end. */
export interface End {
  readonly incarnation: IncarnationId;
  readonly sequence: number;
  readonly hash: RollingHash;
}

export function encodeEnd(end: End): Uint8Array {
  return packFields([end.incarnation, end.sequence, end.hash]);
}

export function decodeEnd(bytes: Uint8Array): End {
  const reader = MessageReader.parse('end', bytes);
  const end = {
    incarnation: reader.hex(INCARNATION_DIGITS),
    sequence: reader.count(),
    hash: reader.hex(HASH_DIGITS),
  };
  reader.end();
  return end;
}

/** From the receiver: nothing that it confirmed may be relied on any more. */
export function encodeVoided(reason: string): Uint8Array {
  return packFields([reason.slice(0, 1024)]);
}

export function decodeVoided(bytes: Uint8Array): string {
  const reader = MessageReader.parse('voided', bytes);
  const reason = reader.text(1024);
  reader.end();
  return reason;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function writeHex(target: Uint8Array, offset: number, hex: string): void {
  Buffer.from(target.buffer, target.byteOffset, target.length).write(hex, offset, 'hex');
}

function readHex(source: Uint8Array, offset: number, length: number): string {
  return Buffer.from(source.buffer, source.byteOffset + offset, length).toString('hex');
}

function writeCount(view: DataView, offset: number, value: number): void {
  view.setUint32(offset, value % 2 ** 32, true);
  view.setUint32(offset + 4, Math.floor(value / 2 ** 32), true);
}

function readCount(view: DataView, offset: number): number {
  const value = view.getUint32(offset, true) + view.getUint32(offset + 4, true) * 2 ** 32;
  if (!Number.isSafeInteger(value)) throw new LinkProtocolError('a count is above 2^53 - 1');
  return value;
}
