/**
 * Bytes as a person can read and a diff can show them: hex digits, any white space, "#" to the end of a line is a comment, and
 * "zeros N" on a line of its own stands for N zero bytes.
 *
 * Fixtures under testdata/v1 were written by format v1 and are kept for ever: whatever the formats become, these must decode.
 */

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

const TEST_FOLDER = resolve(__dirname, '..');

/** `path` is relative to test/, e.g. "storage/testdata/v1/record-write.hex". */
export function readHexFixture(path: string): Uint8Array {
  return bytesOfHex(readFileSync(resolve(TEST_FOLDER, path), 'utf8'));
}

export function bytesOfHex(text: string): Uint8Array {
  const digits = text
    .replace(/#.*$/gm, '')
    .replace(/^zeros (\d+)\s*$/gm, (_, count: string) => '00'.repeat(Number(count)))
    .replace(/\s+/g, '');
  if (!/^([0-9a-f]{2})*$/.test(digits)) throw new Error('Not a hex fixture');
  return Uint8Array.from(Buffer.from(digits, 'hex'));
}

export function hexOfBytes(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
