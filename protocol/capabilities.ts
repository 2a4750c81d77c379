/**
 * Every capability bit of the handshake, with what this server does about it.
 *
 * Effective = what the client set AND what the server offered: several drivers (mysql2, Connector/NET, PyMySQL,
 * connector-python) set bits that no server offered, and believing them would misread everything that follows. So a bit is
 * 'offered' only when all of its consequences are implemented here; 'refused' bits say why.
 */

export interface Capability {
  /** 2^n. Above bit 31 there is nothing: MariaDB's extended bits are never offered. */
  readonly bit: number;
  readonly handling: 'offered' | 'refused';
  readonly why: string;
}

const offered = (position: number, why: string): Capability => ({
  bit: 2 ** position,
  handling: 'offered',
  why,
});
const refused = (position: number, why: string): Capability => ({
  bit: 2 ** position,
  handling: 'refused',
  why,
});

export const CAPABILITIES = {
  longPassword: offered(0, 'set by all MySQL servers; unset it would mean MariaDB'),
  foundRows: offered(1, 'handed to the session: affected rows then count matched rows'),
  longFlag: offered(2, 'column flags are two bytes always'),
  connectWithDb: offered(
    3,
    'the database of the handshake is chosen before the OK; a bad one is ERR 1049',
  ),
  noSchema: offered(4, 'accepted and ignored, as MySQL 8 does'),
  compress: refused(5, 'no compression yet'),
  odbc: offered(6, 'accepted; nothing in the protocol depends on it'),
  localFiles: refused(7, 'no LOAD DATA LOCAL yet'),
  ignoreSpace: offered(8, 'handed to the session: it is a matter of the parser'),
  protocol41: offered(9, 'required: older handshakes are refused'),
  interactive: offered(10, 'handed to the session: interactive_timeout instead of wait_timeout'),
  ssl: refused(11, 'no TLS yet'),
  ignoreSigpipe: refused(12, 'a matter of the client alone; MySQL ignores it too'),
  transactions: offered(13, 'status flags are in every OK and EOF'),
  reserved: refused(14, 'unused since 4.1'),
  secureConnection: offered(
    15,
    'required by Connector/J; one-byte length of the authentication response',
  ),
  multiStatements: refused(16, 'one statement a command'),
  multiResults: refused(17, 'one result a command'),
  preparedMultiResults: refused(18, 'one result a command'),
  pluginAuth: offered(19, 'the client names its plugin and understands AuthSwitchRequest'),
  connectAttributes: offered(20, 'kept in ConnectionInfo.attributes'),
  pluginAuthLenencData: offered(21, 'length-encoded authentication response'),
  canHandleExpiredPasswords: refused(22, 'passwords do not expire here'),
  sessionTrack: offered(23, 'schema and system variable changes ride on OK packets'),
  deprecateEof: offered(24, 'both ways are spoken: 0xfe OK packets with it, EOF packets without'),
  optionalResultsetMetadata: refused(25, 'metadata is always sent'),
  zstdCompression: refused(26, 'no compression yet'),
  queryAttributes: refused(27, 'no query attributes; mysql2 asks for them unasked'),
  multiFactorAuthentication: refused(28, 'one password, one factor'),
  capabilityExtension: refused(29, 'reserved by MySQL'),
  sslVerifyServerCertificate: refused(30, 'a matter of the client alone'),
  rememberOptions: refused(31, 'a matter of the client alone'),
} as const satisfies Readonly<Record<string, Capability>>;

export type CapabilityName = keyof typeof CAPABILITIES;

/** All offered bits as one unsigned number. */
export const SERVER_CAPABILITIES: number = Object.values(CAPABILITIES).reduce(
  (sum, capability) => (capability.handling === 'offered' ? sum + capability.bit : sum),
  0,
);

/** Whether `flags` (an unsigned 32 bit number) has the capability. */
export function hasCapability(flags: number, name: CapabilityName): boolean {
  return (flags & CAPABILITIES[name].bit) !== 0;
}
