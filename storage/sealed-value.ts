/**
 * Values in LevelDB carry a CRC of ours: LevelDB 1.20 verifies none when it reads.
 *
 *   value := u32 crc, payload          crc = CRC-32 of the key, then the payload
 *
 * The key is in it, so a value that turns up under another key is as damaged as a flipped bit.
 */

import { crc32 } from 'node:zlib';
import { DamagedBytesError } from './byte-reader.js';
import { CorruptionError } from './corruption-error.js';
import { printKey } from './keys.js';

const CRC_BYTES = 4;

/** A value for `key`; the payload is copied. */
export function sealValue(key: Uint8Array, payload: Uint8Array): Uint8Array {
  const value = new Uint8Array(CRC_BYTES + payload.length);
  value.set(payload, CRC_BYTES);
  const crc = crc32(payload, crc32(key));
  new DataView(value.buffer).setUint32(0, crc, true);
  return value;
}

/** The payload, as a view. Throws CorruptionError for a missing or damaged value. */
export function openValue(key: Uint8Array, value: Uint8Array | undefined): Uint8Array {
  if (value === undefined) throw corruptKey(key, 'the value is missing');
  if (value.length < CRC_BYTES) throw corruptKey(key, 'the value is cut off');
  const stored = new DataView(value.buffer, value.byteOffset).getUint32(0, true);
  const payload = value.subarray(CRC_BYTES);
  if (crc32(payload, crc32(key)) !== stored) throw corruptKey(key, 'its checksum does not match');
  return payload;
}

export function corruptKey(key: Uint8Array, reason: string, cause?: unknown): CorruptionError {
  return new CorruptionError({ path: `the block store, ${printKey(key)}` }, reason, { cause });
}

/** Runs `decode` on what lies under a key: bytes that make no sense are its damage. Throws CorruptionError. */
export function decodeAt<T>(key: Uint8Array, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    if (error instanceof DamagedBytesError) throw corruptKey(key, error.message, error);
    throw error;
  }
}
