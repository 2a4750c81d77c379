/**
 * Bytes of a statement -> text, or an error.
 *
 * Never with replacement characters: they would be stored, and nobody would know what was sent.
 */

import { isUtf8 } from 'node:buffer';
import { SqlError } from '../../protocol/index.js';
import { countCharacters } from './utf8-scan.js';

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
/** MySQL quotes so many bytes from the first bad one. */
const QUOTED_BYTES_MAX = 6;

/** Throws SqlError 1300 when the bytes are no UTF-8. */
export function statementText(bytes: Uint8Array): string {
  if (!isUtf8(bytes)) {
    const bad = -1 - countCharacters(bytes, 0, bytes.length);
    const quoted = bytes.slice(bad, bad + QUOTED_BYTES_MAX);
    throw new SqlError('ER_INVALID_CHARACTER_STRING', {
      charset: 'utf8mb4',
      value: Buffer.from(quoted).toString('hex').toUpperCase(),
    });
  }
  return decoder.decode(bytes);
}
