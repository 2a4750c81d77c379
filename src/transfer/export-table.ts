/**
 * An export: one SELECT, its rows streamed into a format. mysql2 stops reading the socket while a batch is written, and the server waits.
 */
import { once } from 'node:events';
import type { Connection as CallbackConnection, TypeCastField, TypeCastNext } from 'mysql2';
import type { Connection, RowDataPacket } from 'mysql2/promise';
import type { RowWriter } from './row-writer.js';
import type { TableDescription } from './table-description.js';
import { cellOf, exactExpression, quoteName, type Cell } from './transfer-column.js';

const BATCH_ROWS = 1_000;

export interface ExportFilter {
  /** SQL of a condition; trusted as what the user may run anyway. */
  readonly where: string | null;
  /** On the time index, inclusive. */
  readonly from: string | null;
  /** On the time index, exclusive. */
  readonly to: string | null;
}

/** With a leading space, or empty. */
export function conditionSql(
  table: TableDescription,
  filter: ExportFilter,
  quote: (text: string) => string,
): string {
  const time = quoteName(table.timeIndex);
  const conditions: string[] = [];
  if (filter.where !== null) conditions.push(`(${filter.where})`);
  if (filter.from !== null) conditions.push(`${time} >= ${quote(filter.from)}`);
  if (filter.to !== null) conditions.push(`${time} < ${quote(filter.to)}`);
  return conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`;
}

export async function countRows(
  connection: Connection,
  sqlName: string,
  condition: string,
): Promise<number> {
  const [rows] = await connection.query<RowDataPacket[][]>({
    sql: `SELECT COUNT(*) FROM ${sqlName}${condition}`,
    rowsAsArray: true,
  });
  return Number(rows[0]?.[0]);
}

/** Resolves to the rows written. `connection` is mysql2's own, because its promises have no streams. */
export async function exportTable(
  connection: CallbackConnection,
  table: TableDescription,
  condition: string,
  writer: RowWriter,
  onProgress: (rows: number) => void,
): Promise<number> {
  const expressions = table.columns.map(exactExpression).join(', ');
  const sql = `SELECT ${expressions} FROM ${table.sqlName}${condition}`;
  const query = connection.query({
    sql,
    rowsAsArray: true,
    typeCast: (field: TypeCastField, _next: TypeCastNext) => field.buffer(),
  });
  const stream = query.stream({ highWaterMark: BATCH_ROWS });
  let batch: Cell[][] = [];
  let rows = 0;
  const flush = async (): Promise<void> => {
    await writer.write(batch);
    rows += batch.length;
    batch = [];
    onProgress(rows);
  };
  for await (const row of stream as AsyncIterable<(Uint8Array | null)[]>) {
    batch.push(table.columns.map((column, index) => cellOf(column, row[index]!)));
    if (batch.length >= BATCH_ROWS) await flush();
  }
  if (batch.length > 0) await flush();
  await writer.end();
  return rows;
}

/** A sink over a stream, that waits while the stream is full. */
export function streamSink(stream: NodeJS.WritableStream): (bytes: Uint8Array) => Promise<void> {
  return async (bytes) => {
    if (!stream.write(bytes)) await once(stream, 'drain');
  };
}
