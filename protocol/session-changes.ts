/**
 * The session-state block of an OK packet, for clients that negotiated SESSION_TRACK:
 *
 *   block := (u8 kind | lenenc data)*
 *   system variable 0: data = lenenc name, lenenc value        schema 1: data = lenenc name
 *
 * MariaDB Connector/J learns the current schema and its variables from it instead of asking.
 */

import type { SessionChange } from './session-handler.js';

const SYSTEM_VARIABLE = 0;
const SCHEMA = 1;

export function sessionChangesBlock(changes: readonly SessionChange[]): Uint8Array {
  const parts = changes.map((change) => {
    const data =
      change.kind === 'schema'
        ? lenenc(Buffer.from(change.name))
        : Buffer.concat([lenenc(Buffer.from(change.name)), lenenc(Buffer.from(change.value))]);
    return Buffer.concat([
      Uint8Array.of(change.kind === 'schema' ? SCHEMA : SYSTEM_VARIABLE),
      lenenc(data),
    ]);
  });
  return Buffer.concat(parts);
}

function lenenc(bytes: Uint8Array): Buffer {
  const length = bytes.length;
  const prefix = length < 251 ? [length] : [0xfc, length & 0xff, (length >>> 8) & 0xff];
  return Buffer.concat([Uint8Array.from(prefix), bytes.subarray(0, 0xffff)]);
}
