/** VERSION(), DATABASE(), USER() and what else asks for the session; hashes, UUID and SLEEP. */

import { createHash } from 'node:crypto';
import { SqlError } from '../../../protocol/index.js';
import type { SqlType } from '../../catalog/sql-type.js';
import { castTo } from '../../plan/bound-cast.js';
import type { SessionFacts } from '../execution-context.js';
import { constantVector, isNullAt, numberVector, withLength } from '../exec-vector.js';
import { defineFunction, type FunctionDefinition } from '../function-definition.js';
import {
  BIGINT,
  BIGINT_UNSIGNED,
  DOUBLE,
  textBytes,
  varcharType,
  type SqlValue,
} from '../sql-value.js';
import { VectorBuilder } from '../vector-builder.js';
import { rowFunction } from './row-function.js';

function fact(
  name: string,
  type: SqlType,
  read: (session: SessionFacts) => string | number | null,
): FunctionDefinition {
  return defineFunction(name, 0, 0, ({ context }) => {
    const known = read(context.session);
    const value = typeof known === 'string' ? textBytes(known) : known;
    const vector = constantVector(value, type);
    return {
      type,
      nullable: value === null,
      build: () => (batch) => withLength(vector, batch.length),
    };
  });
}

function hash(name: string, algorithm: string, digits: number): FunctionDefinition {
  return rowFunction({
    name,
    min: 1,
    parameters: ['bytes'],
    type: varcharType(digits),
    prepare: () => (args) => textBytes(createHash(algorithm).update(args.bytes(0)).digest('hex')),
  });
}

const SHA2_ALGORITHMS: Readonly<Record<number, string>> = {
  0: 'sha256',
  224: 'sha224',
  256: 'sha256',
  384: 'sha384',
  512: 'sha512',
};

const SLEEP_SECONDS_MAX = 31_536_000;

/** Waits are added up here and waited for by the operator that evaluated the call. */
const sleep = defineFunction('sleep', 1, 1, ({ args, env, naps }) => ({
  type: BIGINT,
  args: [castTo(args[0]!, DOUBLE, env)],
  nullable: false,
  isVolatile: true,
  build:
    ([seconds]) =>
    (batch) => {
      const vector = seconds!(batch);
      for (let i = 0; i < batch.length; i++) {
        const wanted = vector.kind === 'number' && !isNullAt(vector, i) ? vector.values[i]! : -1;
        if (wanted < 0) throw new SqlError('ER_WRONG_ARGUMENTS', { what: 'sleep' });
        naps.pendingMs += Math.min(wanted, SLEEP_SECONDS_MAX) * 1000;
      }
      return numberVector(new Float64Array(batch.length), null, batch.length);
    },
}));

/** Version 4: random. */
const uuid = defineFunction('uuid', 0, 0, ({ context }) => ({
  type: varcharType(36),
  nullable: false,
  isVolatile: true,
  isSlow: true,
  build: () => (batch) => {
    const builder = new VectorBuilder(varcharType(36), batch.length);
    const bytes = new Uint8Array(16);
    for (let i = 0; i < batch.length; i++) {
      context.random.fill(bytes);
      bytes[6] = (bytes[6]! & 0x0f) | 0x40;
      bytes[8] = (bytes[8]! & 0x3f) | 0x80;
      const hex = Buffer.from(bytes).toString('hex');
      builder.append(textBytes(hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')));
    }
    return builder.finish();
  },
}));

const name64 = varcharType(64);
const account = varcharType(288);

export const sessionFunctions: readonly FunctionDefinition[] = [
  fact('version', varcharType(60), (session) => session.version),
  fact('database', name64, (session) => session.database),
  fact('schema', name64, (session) => session.database),
  fact('current_schema', name64, (session) => session.database),
  fact('user', account, (session) => session.user),
  fact('session_user', account, (session) => session.user),
  fact('system_user', account, (session) => session.user),
  fact('current_user', account, (session) => session.currentUser),
  fact('current_role', varcharType(64), () => 'NONE'),
  fact('connection_id', BIGINT_UNSIGNED, (session) => session.connectionId),
  fact('last_insert_id', BIGINT_UNSIGNED, (session) => session.lastInsertId),
  fact('row_count', BIGINT, (session) => session.rowCount),
  fact('found_rows', BIGINT_UNSIGNED, (session) => session.foundRows),
  hash('md5', 'md5', 32),
  hash('sha', 'sha1', 40),
  hash('sha1', 'sha1', 40),
  rowFunction({
    name: 'sha2',
    min: 2,
    parameters: ['bytes', 'integer'],
    type: varcharType(128),
    prepare:
      () =>
      (args): SqlValue => {
        const algorithm = SHA2_ALGORITHMS[args.number(1)];
        return algorithm === undefined
          ? null
          : textBytes(createHash(algorithm).update(args.bytes(0)).digest('hex'));
      },
  }),
  uuid,
  sleep,
];
