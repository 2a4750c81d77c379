/**
 * What the shared secret is used for. It never travels; three keys are made of it, each for one purpose:
 *
 *   cluster id   first 16 hex digits of sha-256("twintide cluster id\0" secret): tells two clusters apart before any proof
 *   link key     sha-256("twintide link key\0" secret)
 *   session key  HMAC-SHA256(link key, "session\0" dialer's nonce, acceptor's nonce): new for each handshake
 *
 * A proof is HMAC-SHA256(key, purpose "\0" parts...). The purpose names the step and the role, so that nobody can send back what
 * he was sent. Plain TCP is then authenticated at the handshake, but not tamper-proof afterwards.
 */

import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

export const PROOF_BYTES = 32;
export const NONCE_BYTES = 32;
export const CLUSTER_ID_DIGITS = 16;

export function clusterIdOf(secret: string): string {
  return digest('twintide cluster id', secret).toString('hex').slice(0, CLUSTER_ID_DIGITS);
}

export function linkKeyOf(secret: string): Uint8Array {
  return digest('twintide link key', secret);
}

export function sessionKeyOf(
  linkKey: Uint8Array,
  dialerNonce: Uint8Array,
  acceptorNonce: Uint8Array,
): Uint8Array {
  return proofOf(linkKey, 'session', [dialerNonce, acceptorNonce]);
}

export function proofOf(
  key: Uint8Array,
  purpose: string,
  parts: readonly Uint8Array[],
): Uint8Array {
  const hmac = createHmac('sha256', key).update(`${purpose}\0`);
  for (const part of parts) hmac.update(part);
  return hmac.digest();
}

export function isProof(
  claimed: Uint8Array,
  key: Uint8Array,
  purpose: string,
  parts: readonly Uint8Array[],
): boolean {
  return claimed.length === PROOF_BYTES && timingSafeEqual(claimed, proofOf(key, purpose, parts));
}

function digest(purpose: string, secret: string): Buffer {
  return createHash('sha256').update(`${purpose}\0`).update(secret, 'utf8').digest();
}
