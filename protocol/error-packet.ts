/**
 * The ERR packet: ff | u16 errno | '#' | 5 characters SQLSTATE | text to the end of the packet (UTF-8).
 *
 * The state is always sent, also before the handshake: MariaDB Connector/J goes to its next host only if it reads 08xxx. Texts are cut
 * below 512 bytes, which is the room that C clients have for them.
 */

import type { SqlError } from './sql-error.js';

export const ERROR_TEXT_BYTES_MAX = 511;

const HEADER_BYTES = 9;

export function errorPayload(error: SqlError): Uint8Array {
  const text = cutUtf8(Buffer.from(error.message, 'utf8'), ERROR_TEXT_BYTES_MAX);
  const payload = Buffer.alloc(HEADER_BYTES + text.length);
  payload[0] = 0xff;
  payload.writeUInt16LE(error.errno, 1);
  payload.write(`#${error.sqlState}`, 3, 'latin1');
  payload.set(text, HEADER_BYTES);
  return payload;
}

/** At most `bytesMax` bytes, cut between characters. */
function cutUtf8(bytes: Uint8Array, bytesMax: number): Uint8Array {
  if (bytes.length <= bytesMax) return bytes;
  let end = bytesMax;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.subarray(0, end);
}
