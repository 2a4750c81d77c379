/**
 * caching_sha2_password, fast authentication only.
 *
 *   server -> client   salt (20 bytes)
 *   client -> server   SHA256(password) XOR SHA256(SHA256(SHA256(password)) | salt)       32 bytes
 *   server -> client   01 03 (fast authentication succeeded), then OK
 *
 * MySQL stores a salted, slow hash and keeps SHA256(SHA256(password)) only in a cache, so that a first login needs TLS or RSA to bring the
 * password over. We store that digest itself, as mysql_native_password always stored SHA1(SHA1(password)); so every login is
 * a fast one, and no client needs RSA or TLS.
 */

import { createHash, timingSafeEqual } from 'node:crypto';

export const CACHING_SHA2_PLUGIN = 'caching_sha2_password';
export const CACHING_SHA2_RESPONSE_BYTES = 32;

/** AuthMoreData: the response was right. */
export const FAST_AUTH_SUCCESS: Uint8Array = Uint8Array.of(0x01, 0x03);

/** SHA256(SHA256(password)): what an account keeps. */
export function cachingSha2Hash(password: string): Uint8Array {
  return sha256(sha256(Buffer.from(password, 'utf8')));
}

/** Whether `response` proves knowledge of the password behind `storedHash`. */
export function checkCachingSha2(
  storedHash: Uint8Array,
  salt: Uint8Array,
  response: Uint8Array,
): boolean {
  if (
    response.length !== CACHING_SHA2_RESPONSE_BYTES ||
    storedHash.length !== CACHING_SHA2_RESPONSE_BYTES
  ) {
    return false;
  }
  const mask = createHash('sha256').update(storedHash).update(salt).digest();
  const candidate = mask.map((byte, index) => byte ^ (response[index] ?? 0));
  return timingSafeEqual(sha256(candidate), storedHash);
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}
