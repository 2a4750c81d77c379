/**
 * The packets of the connection phase.
 *
 *   greeting (v10)       0a | version 00 | u32 connection id | salt[0..8) 00 | u16 capabilities low | u8 character set | u16 status
 *                        u16 capabilities high | u8 21 | 10 zeros | salt[8..20) 00 | plugin 00
 *   response (4.1)       u32 capabilities | u32 largest packet | u8 character set (u16 in connector-python) | zeros up to byte 32 | user 00
 *                        authentication response: lenenc, or u8 length, or zero-ended, by capability
 *                        [database 00] [plugin 00] [lenenc block of lenenc name, lenenc value]
 *   auth switch request  fe | plugin 00 | salt 00           answered by the bare response
 *   COM_CHANGE_USER      11 | user 00 | u8 length, response | database 00 | u16 character set | plugin 00 | attributes
 *
 * Optional parts are read by the capabilities that both sides have: clients set bits that were never offered.
 */

import { CAPABILITIES, SERVER_CAPABILITIES, hasCapability } from './capabilities.js';
import { SERVER_CHARACTER_SET } from './character-sets.js';
import { CACHING_SHA2_PLUGIN } from './auth-caching-sha2.js';
import { PacketReader } from './packet-reader.js';
import { SqlError } from './sql-error.js';
import { STATUS_FLAG } from './status-flags.js';

const PROTOCOL_VERSION = 10;
const SALT_FIRST_BYTES = 8;
const RESPONSE_FIXED_BYTES = 32;
const ATTRIBUTES_MAX = 256;

/** What the client says of itself, from a handshake response or COM_CHANGE_USER. */
export interface ClientIdentity {
  /** Effective bits: client AND server. */
  readonly capabilities: number;
  readonly characterSet: number;
  readonly user: string;
  readonly authResponse: Uint8Array;
  /** '' = none asked for. */
  readonly database: string;
  /** null = the client knows no plugins: its response is a native one. */
  readonly plugin: string | null;
  readonly attributes: ReadonlyMap<string, string>;
}

export function greetingPayload(greeting: {
  readonly version: string;
  readonly connectionId: number;
  readonly salt: Uint8Array;
}): Uint8Array {
  const version = Buffer.from(greeting.version, 'utf8');
  const plugin = Buffer.from(CACHING_SHA2_PLUGIN, 'latin1');
  const payload = Buffer.alloc(
    1 + version.length + 1 + 4 + 9 + 7 + 1 + 10 + 13 + plugin.length + 1,
  );
  let at = payload.writeUInt8(PROTOCOL_VERSION, 0);
  at += version.copy(payload, at) + 1;
  at = payload.writeUInt32LE(greeting.connectionId, at);
  payload.set(greeting.salt.subarray(0, SALT_FIRST_BYTES), at);
  at += SALT_FIRST_BYTES + 1;
  at = payload.writeUInt16LE(SERVER_CAPABILITIES & 0xffff, at);
  at = payload.writeUInt8(SERVER_CHARACTER_SET, at);
  at = payload.writeUInt16LE(STATUS_FLAG.autocommit, at);
  at = payload.writeUInt16LE(SERVER_CAPABILITIES >>> 16, at);
  at = payload.writeUInt8(greeting.salt.length + 1, at);
  at += 10;
  payload.set(greeting.salt.subarray(SALT_FIRST_BYTES), at);
  at += greeting.salt.length - SALT_FIRST_BYTES + 1;
  plugin.copy(payload, at);
  return payload;
}

/** Throws SqlError 1043 for what is not a 4.1 response, 1835 for a truncated one. */
export function parseHandshakeResponse(payload: Uint8Array): ClientIdentity {
  const reader = new PacketReader(payload);
  if (payload.length < 4) throw new SqlError('ER_HANDSHAKE_ERROR');
  const low = reader.int16();
  if ((low & CAPABILITIES.protocol41.bit) === 0) {
    throw new SqlError('ER_HANDSHAKE_ERROR', 'Bad handshake: the client must speak protocol 4.1');
  }
  const claimed = low + reader.int16() * 0x10000;
  if ((claimed & CAPABILITIES.ssl.bit) !== 0 && payload.length === RESPONSE_FIXED_BYTES) {
    throw new SqlError('ER_HANDSHAKE_ERROR', 'Bad handshake: this server does not offer TLS');
  }
  const capabilities = (claimed & SERVER_CAPABILITIES) >>> 0;
  reader.skip(4);
  const characterSet = reader.int16();
  reader.skip(RESPONSE_FIXED_BYTES - reader.offset);
  const user = reader.zeroEndedString();
  const authResponse = hasCapability(capabilities, 'pluginAuthLenencData')
    ? reader.lenencBytes()
    : hasCapability(capabilities, 'secureConnection')
      ? reader.bytes(reader.remaining === 0 ? 0 : reader.int8())
      : reader.zeroEndedBytes();
  const database = hasCapability(capabilities, 'connectWithDb') ? reader.zeroEndedString() : '';
  const plugin = hasCapability(capabilities, 'pluginAuth') ? reader.zeroEndedString() : null;
  const attributes = hasCapability(capabilities, 'connectAttributes')
    ? readAttributes(reader)
    : new Map<string, string>();
  return { capabilities, characterSet, user, authResponse, database, plugin, attributes };
}

/** `previous` is the identity of the handshake: capabilities hold for the life of a connection. */
export function parseChangeUser(payload: Uint8Array, previous: ClientIdentity): ClientIdentity {
  const reader = new PacketReader(payload, 1);
  const { capabilities } = previous;
  const user = reader.zeroEndedString();
  const authResponse = hasCapability(capabilities, 'secureConnection')
    ? reader.bytes(reader.int8())
    : reader.zeroEndedBytes();
  const database = reader.zeroEndedString();
  const characterSet = reader.remaining >= 2 ? reader.int16() : previous.characterSet;
  const plugin =
    hasCapability(capabilities, 'pluginAuth') && reader.remaining > 0
      ? reader.zeroEndedString()
      : null;
  const attributes =
    hasCapability(capabilities, 'connectAttributes') && reader.remaining > 0
      ? readAttributes(reader)
      : previous.attributes;
  return { capabilities, characterSet, user, authResponse, database, plugin, attributes };
}

export function authSwitchPayload(plugin: string, salt: Uint8Array): Uint8Array {
  const name = Buffer.from(plugin, 'latin1');
  const payload = Buffer.alloc(1 + name.length + 1 + salt.length + 1);
  payload[0] = 0xfe;
  name.copy(payload, 1);
  payload.set(salt, 1 + name.length + 1);
  return payload;
}

function readAttributes(reader: PacketReader): Map<string, string> {
  const attributes = new Map<string, string>();
  if (reader.remaining === 0) return attributes;
  const length = reader.lenencInteger() ?? 0;
  const end = reader.offset + length;
  while (reader.offset < end) {
    const name = reader.lenencString();
    const value = reader.lenencString();
    if (attributes.size < ATTRIBUTES_MAX) attributes.set(name, value);
  }
  return attributes;
}
