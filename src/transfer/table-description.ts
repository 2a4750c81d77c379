/** What an export or import must know of its table, asked over the connection. */
import type { Connection, RowDataPacket } from 'mysql2/promise';
import { TransferError } from './transfer-error.js';
import { quoteName, transferColumn, type TransferColumn } from './transfer-column.js';

export interface TableName {
  readonly database: string;
  readonly table: string;
}

export interface TableDescription extends TableName {
  /** Quoted, with its database. */
  readonly sqlName: string;
  /** In the order of the CREATE. */
  readonly columns: readonly TransferColumn[];
  readonly timeIndex: string;
  /** The same row written twice is there twice. */
  readonly isAppendMode: boolean;
  /** With CREATE TABLE IF NOT EXISTS, and the table's name alone. */
  readonly createSql: string;
}

/** `db.table`. Throws TransferError. */
export function parseTableName(text: string): TableName {
  const dot = text.indexOf('.');
  if (dot <= 0 || dot === text.length - 1) {
    throw new TransferError(`--table is database.table, and "${text}" is not`);
  }
  return { database: text.slice(0, dot), table: text.slice(dot + 1) };
}

export function sqlNameOf({ database, table }: TableName): string {
  return `${quoteName(database)}.${quoteName(table)}`;
}

/** Null: there is no such table. */
export async function describeTable(
  connection: Connection,
  name: TableName,
): Promise<TableDescription | null> {
  const named = [name.database, name.table];
  const columns = await textRows(
    connection,
    `SELECT column_name, column_type, extra FROM information_schema.columns
     WHERE table_schema = ? AND table_name = ? ORDER BY ordinal_position`,
    named,
  );
  if (columns.length === 0) return null;
  const sqlName = sqlNameOf(name);
  const [table] = await textRows(
    connection,
    'SELECT create_options FROM information_schema.tables WHERE table_schema = ? AND table_name = ?',
    named,
  );
  const [create] = await textRows(connection, `SHOW CREATE TABLE ${sqlName}`);
  return {
    ...name,
    sqlName,
    columns: columns.map(([column, type]) => transferColumn(column!, type!)),
    timeIndex: columns.find(([, , extra]) => extra === 'TIME INDEX')?.[0] ?? '',
    isAppendMode: table?.[0]?.includes('append_mode=true') ?? false,
    createSql: (create?.[1] ?? '').replace(/^CREATE TABLE /, 'CREATE TABLE IF NOT EXISTS '),
  };
}

/** The same, where it must exist. Throws TransferError. */
export async function requireTable(
  connection: Connection,
  name: TableName,
): Promise<TableDescription> {
  const table = await describeTable(connection, name);
  if (table === null) throw new TransferError(`there is no table ${name.database}.${name.table}`);
  return table;
}

async function textRows(
  connection: Connection,
  sql: string,
  values: readonly string[] = [],
): Promise<string[][]> {
  const [rows] = await connection.query<RowDataPacket[][]>({
    sql,
    values: [...values],
    rowsAsArray: true,
  });
  return rows.map((row) => row.map(String));
}
