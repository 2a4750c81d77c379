/** Handshake responses as clients build them, from the documents and not from the server's code. */

import { createHash } from 'node:crypto';

export const BIT = {
  longPassword: 1,
  foundRows: 2,
  connectWithDb: 8,
  localFiles: 0x80,
  protocol41: 0x200,
  ssl: 0x800,
  secureConnection: 0x8000,
  multiStatements: 0x10000,
  pluginAuth: 0x80000,
  connectAttributes: 0x100000,
  lenencData: 0x200000,
  sessionTrack: 0x800000,
  deprecateEof: 0x1000000,
  queryAttributes: 0x8000000,
} as const;

export const MODERN =
  BIT.longPassword |
  BIT.protocol41 |
  BIT.secureConnection |
  BIT.pluginAuth |
  BIT.lenencData |
  BIT.deprecateEof;

const sha1 = (...parts: Uint8Array[]): Buffer => digest('sha1', parts);
const sha256 = (...parts: Uint8Array[]): Buffer => digest('sha256', parts);

function digest(name: string, parts: Uint8Array[]): Buffer {
  const hash = createHash(name);
  for (const part of parts) hash.update(part);
  return hash.digest();
}

const xor = (a: Buffer, b: Buffer): Buffer =>
  Buffer.from(a.map((byte, index) => byte ^ (b[index] ?? 0)));

export function nativeResponse(password: string, salt: Uint8Array): Buffer {
  const once = sha1(Buffer.from(password));
  return xor(once, sha1(salt, sha1(once)));
}

export function sha2Response(password: string, salt: Uint8Array): Buffer {
  const once = sha256(Buffer.from(password));
  return xor(once, sha256(sha256(once), salt));
}

export interface ResponseFields {
  readonly flags: number;
  readonly user: string;
  readonly response: Uint8Array;
  readonly database?: string;
  readonly plugin?: string;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly characterSet?: number;
}

/** Payload of a HandshakeResponse41: each optional part exactly where `flags` has its bit. */
export function handshakeResponse(fields: ResponseFields): Buffer {
  const { flags } = fields;
  const head = Buffer.alloc(32);
  head.writeUInt32LE(flags >>> 0, 0);
  head.writeUInt32LE(0x01000000, 4);
  head.writeUInt16LE(fields.characterSet ?? 45, 8);
  const parts: Uint8Array[] = [head, Buffer.from(`${fields.user}\0`)];
  if ((flags & (BIT.lenencData | BIT.secureConnection)) !== 0) {
    parts.push(Uint8Array.of(fields.response.length), fields.response);
  } else {
    parts.push(fields.response, Uint8Array.of(0));
  }
  if ((flags & BIT.connectWithDb) !== 0) parts.push(Buffer.from(`${fields.database ?? ''}\0`));
  if ((flags & BIT.pluginAuth) !== 0) parts.push(Buffer.from(`${fields.plugin ?? ''}\0`));
  if ((flags & BIT.connectAttributes) !== 0) {
    const pairs = Object.entries(fields.attributes ?? {}).flatMap(([name, value]) => [
      lenenc(name),
      lenenc(value),
    ]);
    const block = Buffer.concat(pairs);
    parts.push(Uint8Array.of(block.length), block);
  }
  return Buffer.concat(parts);
}

function lenenc(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([Uint8Array.of(bytes.length), bytes]);
}
