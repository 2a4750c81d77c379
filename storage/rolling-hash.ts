/**
 * The rolling hash: what makes a position more than a number. Two journals whose positions are equal hold equal history.
 *
 *   hash(n) := first 16 bytes of sha-256( hash(n-1) 16 bytes | version u64 | sequence u64 | length u32 | crc u32 )
 *
 * with the integers in little endian. It runs over the record's CRC, not over its body: one 40-byte digest a record, whatever its
 * size. An opening record continues from its parent's hash, or from zeros.
 *
 * Whoever walks over millions of records keeps the hash as the digest came (DigestText) and makes digits of it where it stops: with the
 * digits in between the hash of a record costs half as much again.
 */

import { hash as digestOf } from 'node:crypto';

import { writeUint32, writeUint64 } from './little-endian.js';
import type { RollingHash } from './position.js';
import type { RecordHead, RecordView } from './record.js';

export const HASH_BYTES = 16;

const HASH_DIGITS = 2 * HASH_BYTES;
const CRC_IN_RECORD_AT = 4;

const VERSION_AT = HASH_BYTES;
const SEQUENCE_AT = HASH_BYTES + 8;
const LENGTH_AT = HASH_BYTES + 16;
const CRC_AT = HASH_BYTES + 20;

/** A rolling hash between two records: one character a byte, the first HASH_BYTES count. */
export type DigestText = string & { readonly __brand: 'DigestText' };

/** Reused for every hash: the computation is synchronous. */
const input = Buffer.alloc(HASH_BYTES + 24);

/** The hash after `record`, given the hash before it. */
export function nextHash(previous: RollingHash, record: RecordView): RollingHash {
  const { bytes } = record;
  input.write(previous, 0, HASH_BYTES, 'hex');
  writeHead(record.version, record.sequence, bytes.length);
  for (let index = 0; index < 4; index += 1) {
    input[CRC_AT + index] = bytes[CRC_IN_RECORD_AT + index] as number;
  }
  return digestOf('sha256', input, 'hex').slice(0, HASH_DIGITS);
}

/** The same for a record of which only the head is at hand. */
export function nextDigest(previous: DigestText, record: RecordHead): DigestText {
  for (let index = 0; index < HASH_BYTES; index += 1) input[index] = previous.charCodeAt(index);
  writeHead(record.version, record.sequence, record.length);
  writeUint32(input, CRC_AT, record.crc);
  return digestOf('sha256', input, 'binary') as DigestText;
}

export function digestTextOf(hash: RollingHash): DigestText {
  return Buffer.from(hash, 'hex').toString('latin1') as DigestText;
}

export function hashOfDigest(digest: DigestText): RollingHash {
  return Buffer.from(digest.slice(0, HASH_BYTES), 'latin1').toString('hex');
}

function writeHead(version: number, sequence: number, length: number): void {
  writeUint64(input, VERSION_AT, version);
  writeUint64(input, SEQUENCE_AT, sequence);
  writeUint32(input, LENGTH_AT, length);
}

export function writeHash(target: Uint8Array, offset: number, hash: RollingHash): void {
  for (let index = 0; index < HASH_BYTES; index += 1) {
    target[offset + index] = Number.parseInt(hash.slice(2 * index, 2 * index + 2), 16);
  }
}

export function readHash(source: Uint8Array, offset: number): RollingHash {
  return Buffer.from(source.buffer, source.byteOffset + offset, HASH_BYTES).toString('hex');
}
