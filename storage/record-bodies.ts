/**
 * Bodies of the records that frame a journal: where an incarnation comes from, and which parts make one write.
 *
 *   opening body := incarnation 8 | origin u8 | parent incarnation 8 | parent sequence u64 | parent hash 16      (41 bytes)
 *   part body    := first part's sequence u64 (0 in the first part itself) | sections, as in a write record
 *   commit body  := first part's sequence u64 | part count u32                                                   (12 bytes)
 *   abort body   := first part's sequence u64                                                                    (8 bytes)
 *
 * Little endian; incarnations and hashes are raw bytes. An opening record without a parent has zeros in all three parent fields.
 * All rows of a multi-part write carry the version of its commit record, never those of its parts.
 */

import { readUint32, readUint64, writeUint32, writeUint64 } from './little-endian.js';
import { ZERO_HASH, type IncarnationId, type NodeId, type Position } from './position.js';
import { readHash, writeHash } from './rolling-hash.js';

export const OPENING_BODY_BYTES = 41;
export const PART_PREFIX_BYTES = 8;
export const COMMIT_BODY_BYTES = 12;
export const ABORT_BODY_BYTES = 8;

export const INCARNATION_BYTES = 8;
const NO_INCARNATION: IncarnationId = '0'.repeat(2 * INCARNATION_BYTES);

export interface Opening {
  readonly incarnation: IncarnationId;
  readonly origin: NodeId;
  /** Where the incarnation before this one ended on the origin's disk; null for the first of a node. */
  readonly parent: Position | null;
}

export function encodeOpeningBody(opening: Opening): Uint8Array {
  const body = new Uint8Array(OPENING_BODY_BYTES);
  writeIncarnation(body, 0, opening.incarnation);
  body[8] = opening.origin;
  writeParent(body, 9, opening.parent);
  return body;
}

/** Null when the bytes are not an opening body. */
export function decodeOpeningBody(body: Uint8Array): Opening | null {
  if (body.length !== OPENING_BODY_BYTES) return null;
  const origin = body[8] as number;
  if (origin < 1 || origin > 7) return null;
  const parent = readParent(body, 9);
  if (parent === undefined) return null;
  return { incarnation: readIncarnation(body, 0), origin, parent };
}

/** The 8 bytes before a part's sections. `firstPart` is 0 in the first part itself. */
export function encodePartPrefix(firstPart: number): Uint8Array {
  const prefix = new Uint8Array(PART_PREFIX_BYTES);
  writeUint64(prefix, 0, firstPart);
  return prefix;
}

/** The first part's sequence (0 in the first part itself), or null when the bytes are no part body. */
export function decodePartPrefix(body: Uint8Array): number | null {
  if (body.length < PART_PREFIX_BYTES) return null;
  return numberOrNull(readUint64(body, 0));
}

export interface Commit {
  readonly firstPart: number;
  readonly partCount: number;
}

export function encodeCommitBody(commit: Commit): Uint8Array {
  const body = new Uint8Array(COMMIT_BODY_BYTES);
  writeUint64(body, 0, commit.firstPart);
  writeUint32(body, 8, commit.partCount);
  return body;
}

export function decodeCommitBody(body: Uint8Array): Commit | null {
  if (body.length !== COMMIT_BODY_BYTES) return null;
  const firstPart = numberOrNull(readUint64(body, 0));
  const partCount = readUint32(body, 8);
  return firstPart === null || partCount === 0 ? null : { firstPart, partCount };
}

export function encodeAbortBody(firstPart: number): Uint8Array {
  const body = new Uint8Array(ABORT_BODY_BYTES);
  writeUint64(body, 0, firstPart);
  return body;
}

/** The first part's sequence, or null when the bytes are no abort body. */
export function decodeAbortBody(body: Uint8Array): number | null {
  return body.length === ABORT_BODY_BYTES ? numberOrNull(readUint64(body, 0)) : null;
}

export function writeIncarnation(
  target: Uint8Array,
  offset: number,
  incarnation: IncarnationId,
): void {
  for (let index = 0; index < INCARNATION_BYTES; index += 1) {
    target[offset + index] = Number.parseInt(incarnation.slice(2 * index, 2 * index + 2), 16);
  }
}

export function readIncarnation(source: Uint8Array, offset: number): IncarnationId {
  return Buffer.from(source.buffer, source.byteOffset + offset, INCARNATION_BYTES).toString('hex');
}

export const PARENT_BYTES = 32;

/** Incarnation 8, sequence u64, hash 16: all zeros for none. */
export function writeParent(target: Uint8Array, offset: number, parent: Position | null): void {
  writeIncarnation(target, offset, parent?.incarnation ?? NO_INCARNATION);
  writeUint64(target, offset + 8, parent?.sequence ?? 0);
  writeHash(target, offset + 16, parent?.hash ?? ZERO_HASH);
}

/** Undefined when the stored sequence is not a safe integer. */
export function readParent(source: Uint8Array, offset: number): Position | null | undefined {
  const incarnation = readIncarnation(source, offset);
  const sequence = readUint64(source, offset + 8);
  const hash = readHash(source, offset + 16);
  if (Number.isNaN(sequence)) return undefined;
  if (incarnation === NO_INCARNATION)
    return sequence === 0 && hash === ZERO_HASH ? null : undefined;
  return { incarnation, sequence, hash };
}

function numberOrNull(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}
