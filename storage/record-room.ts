/**
 * Room for a record around a large section. Most large records hold a single section of a bulk INSERT: it is made with room in front of it for the
 * header and the count of sections, and the journal makes the record there, in place of copying the section into memory of its own. That memory would
 * be what the garbage collector is started by: what lies outside of its heap counts as much as what lies on it.
 */

import { RECORD_HEADER_BYTES } from './record.js';

/** Smaller sections are copied next to each other: a piece of memory for each would be looked after one by one. */
export const ROOMY_BYTES_MIN = 64 * 1024;
/** In a body, before its sections. */
const COUNT_BYTES = 2;
const ROOM_BYTES = RECORD_HEADER_BYTES + COUNT_BYTES;

/** Memory of which no record was made yet. */
const roomy = new WeakSet<ArrayBufferLike>();

/** A copy of the first `length` bytes of a section, with room in front of it. */
export function copyWithRoom(section: Uint8Array, length: number): Uint8Array {
  const { buffer } = Buffer.allocUnsafeSlow(ROOM_BYTES + length);
  const copy = new Uint8Array(buffer, ROOM_BYTES);
  copy.set(section.subarray(0, length));
  roomy.add(buffer);
  return copy;
}

/** The bytes of the record of this body, all but its header, in which its section stays where it is; null = there is no room, or none any more. */
export function recordAround(body: readonly Uint8Array[]): Uint8Array | null {
  if (body.length !== 2) return null;
  const [count, section] = body as [Uint8Array, Uint8Array];
  const { buffer, byteOffset, length } = section;
  if (count.length !== COUNT_BYTES || byteOffset !== ROOM_BYTES) return null;
  if (byteOffset + length !== buffer.byteLength || !roomy.delete(buffer)) return null;
  const bytes = Buffer.from(buffer);
  bytes.set(count, RECORD_HEADER_BYTES);
  return bytes;
}
