/**
 * The rolling hash: what makes a position more than a number. Two journals whose positions are equal hold equal history.
 *
 *   hash(n) := first 16 bytes of sha-256( hash(n-1) 16 bytes | version u64 | sequence u64 | length u32 | crc u32 )
 *
 * with the integers in little endian. It runs over the record's CRC, not over its body: one 40-byte digest a record, whatever its
 * size. An opening record continues from its parent's hash, or from zeros.
 */

import { hash as digestOf } from 'node:crypto';

import { writeUint32, writeUint64 } from './little-endian.js';
import type { RollingHash } from './position.js';
import type { RecordView } from './record.js';

export const HASH_BYTES = 16;

const HASH_DIGITS = 2 * HASH_BYTES;
const CRC_IN_RECORD_AT = 4;

/** Reused for every hash: the computation is synchronous. */
const input = Buffer.alloc(HASH_BYTES + 24);

/** The hash after `record`, given the hash before it. */
export function nextHash(previous: RollingHash, record: RecordView): RollingHash {
  input.write(previous, 0, HASH_BYTES, 'hex');
  writeUint64(input, 16, record.version);
  writeUint64(input, 24, record.sequence);
  writeUint32(input, 32, record.bytes.length);
  input.set(record.bytes.subarray(CRC_IN_RECORD_AT, CRC_IN_RECORD_AT + 4), 36);
  return digestOf('sha256', input, 'hex').slice(0, HASH_DIGITS);
}

export function writeHash(target: Uint8Array, offset: number, hash: RollingHash): void {
  for (let index = 0; index < HASH_BYTES; index += 1) {
    target[offset + index] = Number.parseInt(hash.slice(2 * index, 2 * index + 2), 16);
  }
}

export function readHash(source: Uint8Array, offset: number): RollingHash {
  return Buffer.from(source.buffer, source.byteOffset + offset, HASH_BYTES).toString('hex');
}
