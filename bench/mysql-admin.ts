/** Statements around a measurement, over a driver: databases, tables, counts. */

import { createConnection, type RowDataPacket } from 'mysql2/promise';

/** Runs the statements in order over one connection as root; returns the rows of the last. */
export async function runStatements(
  port: number,
  statements: readonly string[],
): Promise<readonly RowDataPacket[]> {
  const connection = await createConnection({ host: '127.0.0.1', port, user: 'root' });
  try {
    let rows: readonly RowDataPacket[] = [];
    for (const statement of statements) {
      const [result] = await connection.query(statement);
      rows = Array.isArray(result) ? (result as RowDataPacket[]) : [];
    }
    return rows;
  } finally {
    connection.destroy();
  }
}

/** The table is dropped with the database if it was there. */
export async function createCpuTable(
  port: number,
  database: string,
  create: string,
): Promise<void> {
  await runStatements(port, [
    `DROP DATABASE IF EXISTS ${database}`,
    `CREATE DATABASE ${database}`,
    `USE ${database}`,
    create,
  ]);
}

export async function countCpuRows(port: number, database: string): Promise<number> {
  const [row] = await runStatements(port, [`SELECT COUNT(*) AS n FROM ${database}.cpu`]);
  return Number(row!['n']);
}
