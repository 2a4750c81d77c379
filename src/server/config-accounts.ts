/**
 * Accounts from the configuration. A password is turned into the two verifiers of the MySQL protocol at once, so that no
 * plain password stays in memory or can reach a log.
 *
 *   native = SHA1(SHA1(password))        mysql_native_password, written "*" + 40 hex digits
 *   sha2   = SHA256(SHA256(password))    caching_sha2_password's fast path, written 64 hex digits
 */
import { createHash } from 'node:crypto';
import { parse } from 'smol-toml';
import { ValueError, type ValueParser } from './config-values.js';

export interface Account {
  readonly name: string;
  /** 20 bytes, or null: this plugin cannot log in. */
  readonly nativeHash: Uint8Array | null;
  /** 32 bytes, or null: this plugin cannot log in. */
  readonly cachingSha2: Uint8Array | null;
}

/** Both verifiers null means: no password at all. */
export function isPasswordless(account: Account): boolean {
  return account.nativeHash === null && account.cachingSha2 === null;
}

/** MySQL's own limit of a user name, in characters. */
const MAX_NAME_LENGTH = 32;

function twice(algorithm: 'sha1' | 'sha256', password: string): Uint8Array {
  const once = createHash(algorithm).update(password, 'utf8').digest();
  return new Uint8Array(createHash(algorithm).update(once).digest());
}

/** The account with both verifiers of a password; none for an empty one. */
export function accountOf(name: string, password: string): Account {
  if (password === '') return { name, nativeHash: null, cachingSha2: null };
  return { name, nativeHash: twice('sha1', password), cachingSha2: twice('sha256', password) };
}

function hexBytes(name: string, field: string, raw: unknown, pattern: RegExp, shape: string) {
  if (raw === undefined) return null;
  if (typeof raw !== 'string' || !pattern.test(raw)) {
    throw new ValueError(`has a bad ${field} verifier for ${JSON.stringify(name)}: it is ${shape}`);
  }
  return new Uint8Array(Buffer.from(raw.replace('*', ''), 'hex'));
}

function isTable(raw: unknown): raw is Readonly<Record<string, unknown>> {
  return typeof raw === 'object' && raw !== null && !Array.isArray(raw);
}

function account(name: string, raw: unknown): Account {
  if (name === '' || name.length > MAX_NAME_LENGTH) {
    throw new ValueError(`has a user name that is not 1 to ${MAX_NAME_LENGTH} characters long`);
  }
  if (typeof raw === 'string') return accountOf(name, raw);
  if (!isTable(raw) || Object.keys(raw).length === 0) {
    throw new ValueError(
      `needs a password or { native = "*...", sha2 = "..." } for ${JSON.stringify(name)}`,
    );
  }
  const { native, sha2, ...others } = raw;
  for (const other of Object.keys(others)) {
    throw new ValueError(
      `has an unknown field ${JSON.stringify(other)} for ${JSON.stringify(name)}: native and sha2 are known`,
    );
  }
  return {
    name,
    nativeHash: hexBytes(name, 'native', native, /^\*[0-9a-f]{40}$/i, '"*" and 40 hex digits'),
    cachingSha2: hexBytes(name, 'sha2', sha2, /^[0-9a-f]{64}$/i, '64 hex digits'),
  };
}

/** Reads the table of users, or its text from an environment variable: `{ root = "secret" }`. */
export const accounts: ValueParser<readonly Account[]> = (raw) => {
  let table = raw;
  if (typeof raw === 'string') {
    try {
      table = parse(`users = ${raw}`)['users'];
    } catch (error) {
      // The parser's own message would repeat the text, passwords included.
      throw new ValueError('needs a table such as { root = "secret" }', { cause: error });
    }
  }
  if (!isTable(table)) throw new ValueError('needs a table such as { root = "secret" }');
  const found = Object.entries(table).map(([name, value]) => account(name, value));
  if (found.length === 0) throw new ValueError('needs at least one user');
  return found;
};
