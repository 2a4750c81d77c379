/**
 * A fault of the user's, or a state of the server that the user must be told of: it becomes an ERR packet.
 *
 * Two ways to say it. By the registry's template: `new SqlError('ER_NO_SUCH_TABLE', { database, table })`; the compiler asks for
 * exactly the words of that template. Or with a text of one's own, where more can be said than MySQL says:
 * `new SqlError('ER_NOT_SUPPORTED_YET', 'Savepoints are not supported; ...')`. Number and state always come from the name.
 */

import { ERROR_CODES } from './error-codes.js';
import type { ErrorArguments, ErrorName } from './error-codes.js';

export interface SqlErrorOptions {
  readonly cause?: unknown;
}

export class SqlError<Name extends ErrorName = ErrorName> extends Error {
  /** The name in the registry, for example ER_NO_SUCH_TABLE. Code branches on this, never on the text. */
  readonly code: Name;
  readonly errno: number;
  /** Five characters. */
  readonly sqlState: string;

  /** `detail` is the whole text, or the words for the template; it may be left out where the template needs none. */
  constructor(
    code: Name,
    ...rest: keyof ErrorArguments<Name> extends never
      ? [detail?: string, options?: SqlErrorOptions]
      : [detail: string | ErrorArguments<Name>, options?: SqlErrorOptions]
  ) {
    const [detail, options] = rest;
    const entry = ERROR_CODES[code];
    super(
      typeof detail === 'string' ? detail : fillTemplate(entry.template, detail),
      options?.cause === undefined ? undefined : { cause: options.cause },
    );
    this.name = 'SqlError';
    this.code = code;
    this.errno = entry.errno;
    this.sqlState = entry.sqlState;
  }
}

/** Narrows to the error in general; `instanceof` would give its name the type any. */
export function isSqlError(error: unknown): error is SqlError {
  return error instanceof SqlError;
}

function fillTemplate(
  template: string,
  words: Readonly<Record<string, string | number>> | undefined,
): string {
  if (words === undefined) return template;
  return template.replace(/\{(\w+)\}/g, (whole, word: string) => {
    const value = words[word];
    return value === undefined ? whole : String(value);
  });
}
