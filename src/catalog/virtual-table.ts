/**
 * Tables that are computed instead of stored: information_schema, and what SHOW statements select from.
 *
 * A virtual table is a list of typed columns and a function that makes its rows anew for each statement. Values are plain
 * JavaScript ones; the executor turns them into vectors. Most are small (variables, sessions), and nothing here is a hot path; but a thousand
 * tables of a thousand columns are a million rows, which are neither made nor held at once.
 */

import type { SqlType } from './sql-type.js';

/**
 * text: string; integers: number or bigint; double: number; datetime and timestamp: text in MySQL's form, as it shall
 * be shown; NULL: null.
 */
export type VirtualValue = string | number | bigint | null;

export interface VirtualColumn {
  readonly name: string;
  readonly type: SqlType;
  readonly nullable: boolean;
}

export interface VirtualTable {
  readonly kind: 'virtual';
  /** Empty for the tables behind SHOW: they have no database. */
  readonly database: string;
  readonly name: string;
  readonly columns: readonly VirtualColumn[];
  /** One array per row, aligned with `columns`. Where they can be many, a row is made when it is asked for. */
  rows(): Iterable<readonly VirtualValue[]>;
}

export const VARCHAR_64: SqlType = { kind: 'text', spelling: 'varchar', length: 64 };
export const TEXT: SqlType = { kind: 'text', spelling: 'longtext', length: null };
export const BIGINT: SqlType = { kind: 'integer', bits: 64, unsigned: false };
export const BIGINT_UNSIGNED: SqlType = { kind: 'integer', bits: 64, unsigned: true };
export const INT: SqlType = { kind: 'integer', bits: 32, unsigned: false };
export const INT_UNSIGNED: SqlType = { kind: 'integer', bits: 32, unsigned: true };
export const DATETIME: SqlType = { kind: 'datetime', precision: 0, precisionGiven: true };

export function varchar(length: number): SqlType {
  return { kind: 'text', spelling: 'varchar', length };
}

/** A column that is never NULL. */
export function required(name: string, type: SqlType): VirtualColumn {
  return { name, type, nullable: false };
}

/** A column that may be NULL. */
export function optional(name: string, type: SqlType): VirtualColumn {
  return { name, type, nullable: true };
}
