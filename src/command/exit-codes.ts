/**
 * How the command ends, and what it says then. Scripts and service managers act on the number; people read the message,
 * which names the setting to change.
 */
import type { Config } from '../server/config.js';
import { ConfigError } from '../server/config.js';
import { formatAddress, type Address } from '../server/config-values.js';
import { DataDirectoryError } from '../server/data-directory.js';
import { errorCode, errorReason } from '../server/error-reason.js';

/** Documented in docs/configuration.md: never renumber. */
export const ExitCode = {
  done: 0,
  /** Anything not named below. */
  failed: 1,
  /** Arguments or configuration: starting again will not help. */
  badConfiguration: 2,
  /** A port is in use or may not be taken. */
  addressUnavailable: 3,
  /** The data directory is in use, foreign or unusable. */
  dataDirectory: 4,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

export interface Failure {
  readonly exitCode: ExitCode;
  readonly message: string;
}

const ADDRESS_FAULTS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is in use by another process',
  EADDRNOTAVAIL: 'is no address of this machine',
  EACCES: 'may not be opened by this user',
  ENOTFOUND: 'cannot be resolved',
};

/** Which setting asked for this address? */
function settingOf(config: Config | null, port: number): string | null {
  if (config === null) return null;
  const listens: readonly (readonly [string, Address])[] = [
    ['mysql.listen', config.mysql.listen],
    ['http.listen', config.http.listen],
    ['replication.listen', config.replication.listen],
  ];
  const found = listens.find(([, listen]) => listen.port === port);
  return found === undefined ? null : `${found[0]} = ${formatAddress(found[1])}`;
}

/** What a thrown error means to whoever started the command. `config` helps to name the setting; null before there is one. */
export function describeFailure(error: unknown, config: Config | null): Failure {
  if (error instanceof ConfigError) {
    return { exitCode: ExitCode.badConfiguration, message: error.message };
  }
  if (error instanceof DataDirectoryError) {
    return { exitCode: ExitCode.dataDirectory, message: error.message };
  }
  const fault = ADDRESS_FAULTS[errorCode(error) ?? ''];
  const isSocket = typeof error === 'object' && error !== null && 'port' in error;
  if (fault !== undefined && isSocket) {
    const port = Number(error.port);
    const what = settingOf(config, port) ?? `port ${port}`;
    return { exitCode: ExitCode.addressUnavailable, message: `${what} ${fault}` };
  }
  return { exitCode: ExitCode.failed, message: errorReason(error) };
}
