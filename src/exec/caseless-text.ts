/**
 * Text under a _ci collation: compared without case and accents.
 *
 * Equality, hashing and grouping go by a folded form (decomposed, marks removed, lower case); order goes by Intl's collator
 * and falls back to the folded form, so that two texts are equal in the order exactly when their folded forms are.
 */

import { SqlError } from '../../protocol/index.js';
import { bytesText, textBytes } from './sql-value.js';

const collator = new Intl.Collator('en', { sensitivity: 'base' });

const BINARY = new Set(['utf8mb4_bin', 'utf8mb4_0900_bin', 'utf8mb3_bin', 'utf8_bin', 'binary']);

const CASELESS = new Set([
  'utf8mb4_0900_ai_ci',
  'utf8mb4_general_ci',
  'utf8mb4_unicode_ci',
  'utf8mb4_unicode_520_ci',
  'utf8mb3_general_ci',
  'utf8mb3_unicode_ci',
  'utf8_general_ci',
  'utf8_unicode_ci',
  'latin1_swedish_ci',
]);

/** How a collation compares. Throws ER_UNKNOWN_COLLATION. */
export function collationKind(name: string): 'binary' | 'caseless' {
  const lower = name.toLowerCase();
  if (BINARY.has(lower)) return 'binary';
  if (CASELESS.has(lower)) return 'caseless';
  throw new SqlError('ER_UNKNOWN_COLLATION', { name });
}

export function foldText(text: string): string {
  let isPlain = true;
  for (let i = 0; i < text.length && isPlain; i++) isPlain = text.charCodeAt(i) < 128;
  if (isPlain) return text.toLowerCase();
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().replaceAll('ß', 'ss');
}

/** The folded form as bytes: equal bytes = equal texts. */
export const foldBytes = (bytes: Uint8Array): Uint8Array => textBytes(foldText(bytesText(bytes)));

/** Negative, 0 or positive. */
export function compareText(a: Uint8Array, b: Uint8Array): number {
  const left = bytesText(a);
  const right = bytesText(b);
  if (left === right) return 0;
  const leftFolded = foldText(left);
  const rightFolded = foldText(right);
  if (leftFolded === rightFolded) return 0;
  return collator.compare(left, right) || (leftFolded < rightFolded ? -1 : 1);
}
