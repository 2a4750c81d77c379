/** mysql2's answers with the types that the test knows them to have. */

import type { Connection, ResultSetHeader, RowDataPacket } from 'mysql2/promise';

/** Anything that runs a statement: a connection or a pool. */
export type Queryable = Pick<Connection, 'query' | 'execute'>;

/** All rows of a SELECT or SHOW, over the text protocol. */
export async function rowsOf<T = Record<string, unknown>>(
  client: Queryable,
  sql: string,
  values: readonly unknown[] = [],
): Promise<T[]> {
  const [rows] = await client.query<RowDataPacket[]>(sql, [...values]);
  return rows as T[];
}

/** All rows as arrays of cells. */
export async function cellsOf(client: Queryable, sql: string): Promise<unknown[][]> {
  const [rows] = await client.query<RowDataPacket[][]>({ sql, rowsAsArray: true });
  return rows;
}

/** The first cell of the first row. */
export async function cellOf(client: Queryable, sql: string): Promise<unknown> {
  const [first] = await cellsOf(client, sql);
  if (first === undefined) throw new Error(`no row from ${sql}`);
  return first[0];
}

/** A statement that answers OK. */
export async function run(
  client: Queryable,
  sql: string,
  values: readonly unknown[] = [],
): Promise<ResultSetHeader> {
  const [result] = await client.query<ResultSetHeader>(sql, [...values]);
  return result;
}

/** What an error of the server says; `errno` undefined for errors that are not the server's. */
export interface ServerError extends Error {
  readonly errno?: number;
  readonly sqlState?: string;
  readonly code?: string;
  readonly fatal?: boolean;
}

/** The error of something that must fail. */
export async function failureOf(promise: Promise<unknown>): Promise<ServerError> {
  try {
    await promise;
  } catch (error) {
    return error as ServerError;
  }
  throw new Error('this should have failed, and succeeded');
}
