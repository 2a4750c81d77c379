/** Digests of a password for both plugins, as an account stores them. */

import { cachingSha2Hash } from './auth-caching-sha2.js';
import { nativePasswordHash } from './auth-native-password.js';
import type { AccountVerifier } from './session-handler.js';

/** The empty password makes an account without one. */
export function accountVerifier(password: string): AccountVerifier {
  if (password === '') return { nativeHash: null, cachingSha2: null, passwordless: true };
  return { nativeHash: nativePasswordHash(password), cachingSha2: cachingSha2Hash(password) };
}
