/** Options of databases, and of what ALTER may change: `ttl`. */

import { SqlError } from '../../protocol/index.js';
import type { TableOption } from '../sql/ast.js';
import type { ChangedOptions } from './ddl-operation.js';
import { isTableOption, unknownTableOption } from './table-options.js';
import { readTtl, type Ttl } from './ttl.js';

/** WITH (...) of CREATE DATABASE; null = no ttl said. */
export function readDatabaseOptions(options: readonly TableOption[]): Ttl | null {
  return changedBy(options, [], unknownDatabaseOption).ttl ?? null;
}

/** ALTER DATABASE ... SET | UNSET. */
export function readDatabaseChanges(
  set: readonly TableOption[],
  unset: readonly string[],
): ChangedOptions {
  return changedBy(set, unset, unknownDatabaseOption);
}

/** ALTER TABLE ... SET | UNSET. */
export function readTableChanges(
  set: readonly TableOption[],
  unset: readonly string[],
): ChangedOptions {
  return changedBy(set, unset, (name) => {
    if (!isTableOption(name)) return unknownTableOption(name);
    return new SqlError(
      'ER_NOT_SUPPORTED_YET',
      `Table option '${name}' can't be changed after CREATE TABLE; ALTER TABLE changes: ttl`,
    );
  });
}

function changedBy(
  set: readonly TableOption[],
  unset: readonly string[],
  refuse: (name: string) => SqlError,
): ChangedOptions {
  let ttl: Ttl | null | undefined;
  const changes: readonly (readonly [string, Ttl | null])[] = [
    ...set.map(({ name, value }) => {
      if (name !== 'ttl') throw refuse(name);
      return [name, readTtl(value)] as const;
    }),
    ...unset.map((name) => {
      if (name !== 'ttl') throw refuse(name);
      return [name, null] as const;
    }),
  ];
  for (const [name, value] of changes) {
    if (ttl !== undefined) {
      throw new SqlError('ER_WRONG_ARGUMENTS', `The option '${name}' is given twice`);
    }
    ttl = value;
  }
  return ttl === undefined ? {} : { ttl };
}

function unknownDatabaseOption(name: string): SqlError {
  return new SqlError(
    'ER_WRONG_ARGUMENTS',
    `Unknown database option '${name}'. Known options: ttl`,
  );
}
