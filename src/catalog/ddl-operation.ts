/**
 * The body of a ddl record: one change of the catalog, made so that two nodes may apply theirs in any order.
 *
 * Each operation names the exact ids it is about. A CREATE's id is the version of its record, so it is not in the body.
 * A DROP lists every id that the dropping node knew under the name: an id it did not know is not dropped by it.
 *
 *   body := msgpack map, first key `op`
 *
 * Written to disk and wire: fields may be added, never renamed or given another meaning.
 */

import { Packr } from 'msgpackr';
import type { TableId } from '../../storage/index.js';
import type { SqlType } from './sql-type.js';
import type { ColumnDefault } from './table-definition.js';
import type { Ttl } from './ttl.js';

/** Version of the CREATE DATABASE record. */
export type DatabaseId = number;

export interface CreatedColumn {
  readonly name: string;
  readonly type: SqlType;
  readonly nullable: boolean;
  readonly default: ColumnDefault;
  readonly comment: string;
}

export interface CreateTableOperation {
  readonly op: 'createTable';
  readonly database: string;
  readonly name: string;
  /** In the order of the statement. */
  readonly columns: readonly CreatedColumn[];
  /** Names from `columns`, in PRIMARY KEY order, the time index not among them. */
  readonly tags: readonly string[];
  readonly timeIndex: string;
  readonly appendMode: boolean;
  /** merge_mode = 'last_non_null'. Left out = rows replace one another as a whole. */
  readonly mergeFields?: boolean;
  /** 0 = each node chooses from the data. */
  readonly partitionMs: number;
  readonly options: readonly (readonly [name: string, value: string])[];
  readonly comment: string;
  /** Left out = that of the database. */
  readonly ttl?: Ttl;
}

/** Options that an ALTER changes: null = unset. What is left out stays as it is. */
export interface ChangedOptions {
  readonly ttl?: Ttl | null;
}

export type DdlOperation =
  | { readonly op: 'createDatabase'; readonly name: string; readonly ttl?: Ttl }
  | {
      readonly op: 'alterDatabase';
      /** A name, not ids: what a database is to its tables is its name. A database created later is another one. */
      readonly name: string;
      readonly options: ChangedOptions;
    }
  | {
      readonly op: 'alterTable';
      readonly name: string;
      /** Every part that the table has on the node of the statement. */
      readonly tableIds: readonly TableId[];
      readonly options: ChangedOptions;
    }
  | {
      readonly op: 'dropDatabase';
      readonly name: string;
      readonly databaseIds: readonly DatabaseId[];
      readonly tableIds: readonly TableId[];
    }
  | CreateTableOperation
  | {
      readonly op: 'dropTable';
      /** As the statement named them, for those who read a journal; the ids are what counts. */
      readonly names: readonly string[];
      readonly tableIds: readonly TableId[];
    };

/** Plain maps with the keys in the order they were written: equal values give equal bytes. */
const packr = new Packr({ useRecords: false, variableMapSize: true, int64AsType: 'number' });

export function encodeDdl(operation: DdlOperation): Uint8Array {
  return packr.pack(operation);
}

/** Throws when the bytes are no operation of a kind known here: the node must not go on past it. */
export function decodeDdl(body: Uint8Array): DdlOperation {
  const value: unknown = packr.unpack(body);
  if (!isOperation(value))
    throw new Error('a ddl record holds no operation that this version knows');
  return value;
}

/** The bodies are ours, checked by CRC and hash on their way: the tag is what can differ between versions. */
function isOperation(value: unknown): value is DdlOperation {
  if (typeof value !== 'object' || value === null || !('op' in value)) return false;
  return OPERATIONS.has(value.op);
}

const OPERATIONS: ReadonlySet<unknown> = new Set<DdlOperation['op']>([
  'createDatabase',
  'alterDatabase',
  'dropDatabase',
  'createTable',
  'alterTable',
  'dropTable',
]);
