/**
 * mysql_native_password: what mysqljs, HAProxy and old clients speak.
 *
 *   server -> client   salt (20 bytes)
 *   client -> server   SHA1(password) XOR SHA1(salt | SHA1(SHA1(password)))        20 bytes
 *
 * The server stores SHA1(SHA1(password)) = h. It undoes the XOR with SHA1(salt | h), which gives SHA1(password) if the client
 * knew it, and hashes once more to compare with h.
 */

import { createHash, timingSafeEqual } from 'node:crypto';

export const NATIVE_PASSWORD_PLUGIN = 'mysql_native_password';
export const NATIVE_RESPONSE_BYTES = 20;

/** SHA1(SHA1(password)): what an account keeps. */
export function nativePasswordHash(password: string): Uint8Array {
  return sha1(sha1(Buffer.from(password, 'utf8')));
}

/** Whether `response` proves knowledge of the password behind `storedHash`. */
export function checkNativePassword(
  storedHash: Uint8Array,
  salt: Uint8Array,
  response: Uint8Array,
): boolean {
  if (response.length !== NATIVE_RESPONSE_BYTES || storedHash.length !== NATIVE_RESPONSE_BYTES) {
    return false;
  }
  const mask = createHash('sha1').update(salt).update(storedHash).digest();
  const candidate = mask.map((byte, index) => byte ^ (response[index] ?? 0));
  return timingSafeEqual(sha1(candidate), storedHash);
}

function sha1(bytes: Uint8Array): Buffer {
  return createHash('sha1').update(bytes).digest();
}
