/**
 * The three formats as batches: a file is read as fast as its batches are taken, from any place that a checkpoint names.
 *
 * A batch of CSV or Parquet is one INSERT, so it is in the table whole or not at all. A batch of SQL is a statement as it stands.
 */
import { createReadStream } from 'node:fs';
import { CsvReader, type CsvRecord } from './csv-reader.js';
import type { ImportBatch } from './import-batch.js';
import { IMPORT_START, type ImportPlace } from './import-checkpoint.js';
import type { ParquetReader } from './parquet-reader.js';
import { insertHead, sqlRow } from './sql-literal.js';
import { SqlSplitter, type SqlStatement } from './sql-splitter.js';
import type { TableDescription, TableName } from './table-description.js';
import { TransferError } from './transfer-error.js';
import type { Cell, TransferColumn } from './transfer-column.js';

const BATCH_ROWS = 5_000;
const BATCH_CHARACTERS = 1024 * 1024;
const READ_BYTES = 256 * 1024;

export type ByteSource = AsyncIterable<Uint8Array>;

export function fileBytes(path: string, offset: number): ByteSource {
  return createReadStream(path, { start: offset, highWaterMark: READ_BYTES });
}

/** Rows on their way into one INSERT. */
class BatchBuilder {
  readonly #head: string;
  readonly #columns: readonly TransferColumn[];
  #sql = '';
  #places: string[] = [];

  constructor(table: TableDescription, columns: readonly TransferColumn[]) {
    this.#columns = columns;
    this.#head = insertHead(table.sqlName, columns);
  }

  /** The batch when it is full. */
  add(cells: readonly Cell[], place: string, end: ImportPlace): ImportBatch | null {
    this.#sql += this.#sql === '' ? this.#head : ',\n';
    this.#sql += sqlRow(this.#columns, cells);
    this.#places.push(place);
    const isFull = this.#places.length >= BATCH_ROWS || this.#sql.length >= BATCH_CHARACTERS;
    return isFull ? this.take(end) : null;
  }

  /** What is left; null when there is nothing. */
  take(end: ImportPlace): ImportBatch | null {
    if (this.#places.length === 0) return null;
    const places = this.#places;
    const batch: ImportBatch = {
      sql: this.#sql,
      isInsert: true,
      rows: places.length,
      whereIs: (row) => places[(row ?? 1) - 1] ?? places[0]!,
      end,
    };
    this.#sql = '';
    this.#places = [];
    return batch;
  }
}

/** Columns of the table by the names of a file. Throws TransferError. */
export function columnsNamed(
  table: TableDescription,
  names: readonly (string | null)[],
  where: string,
): TransferColumn[] {
  const seen = new Set<TransferColumn>();
  return names.map((name) => {
    const column = table.columns.find((each) => each.name.toLowerCase() === name?.toLowerCase());
    if (column === undefined) {
      const known = table.columns.map((each) => each.name).join(', ');
      throw new TransferError(
        `${where}: ${table.database}.${table.table} has no column "${name ?? 'NULL'}"; it has ${known}`,
      );
    }
    if (seen.has(column)) throw new TransferError(`${where}: column "${column.name}" comes twice`);
    seen.add(column);
    return column;
  });
}

/** The header is read again when the import goes on in the middle. */
export async function* csvBatches(
  source: { readonly name: string; readonly open: (offset: number) => ByteSource },
  table: TableDescription,
  nullText: string,
  from: ImportPlace,
): AsyncGenerator<ImportBatch> {
  const { name } = source;
  let columns: TransferColumn[] | null = null;
  let builder: BatchBuilder | null = null;
  let count = from.count;
  let end = from;
  if (from.offset > 0) {
    for await (const record of csvRecords(name, nullText, source.open(0), IMPORT_START)) {
      columns = columnsNamed(table, record.fields, `${name}:${record.line}`);
      builder = new BatchBuilder(table, columns);
      break;
    }
  }
  for await (const record of csvRecords(name, nullText, source.open(from.offset), from)) {
    const where = `${name}:${record.line}`;
    if (columns === null || builder === null) {
      columns = columnsNamed(table, record.fields, where);
      builder = new BatchBuilder(table, columns);
      continue;
    }
    if (record.fields.length !== columns.length) {
      throw new TransferError(
        `${where}: the line has ${record.fields.length} fields, the header ${columns.length}`,
      );
    }
    const cells = record.fields.map((field, index) => csvCell(columns![index]!, field, where));
    count += 1;
    end = { offset: record.endOffset, line: record.endLine, count };
    const full = builder.add(cells, where, end);
    if (full !== null) yield full;
  }
  if (columns === null) throw new TransferError(`${name}:1: there is no header`);
  const rest = builder?.take(end) ?? null;
  if (rest !== null) yield rest;
}

async function* csvRecords(
  name: string,
  nullText: string,
  bytes: ByteSource,
  place: ImportPlace,
): AsyncGenerator<CsvRecord> {
  const reader = new CsvReader(name, nullText, place);
  for await (const chunk of bytes) yield* reader.feed(chunk);
  yield* reader.end();
}

function csvCell(column: TransferColumn, field: string | null, where: string): Cell {
  if (field === null || column.kind !== 'bytes') return field;
  if (/^0x(?:[0-9a-fA-F]{2})*$/.test(field)) return Buffer.from(field.slice(2), 'hex');
  throw new TransferError(`${where}: column "${column.name}" is binary: 0x and hex digits`);
}

export async function* parquetBatches(
  path: string,
  reader: ParquetReader,
  table: TableDescription,
  from: ImportPlace,
): AsyncGenerator<ImportBatch> {
  const names = reader.columnNames;
  const columns = columnsNamed(table, names, path);
  const builder = new BatchBuilder(table, columns);
  let row = from.offset;
  const here = (): ImportPlace => ({ offset: row, line: 1, count: row });
  while (row < reader.rows) {
    const rows = await located(path, row, () => reader.read(columns, names, row));
    for (const cells of rows) {
      row += 1;
      const full = builder.add(cells, `${path}, row ${row}`, here());
      if (full !== null) yield full;
    }
  }
  const rest = builder.take(here());
  if (rest !== null) yield rest;
}

/** What the library throws of a damaged file says neither file nor place. */
async function located<T>(path: string, row: number, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new TransferError(`${path}, after row ${row}: ${reason}`, { cause: error });
  }
}

const SET = /^SET\b/i;
const ALLOWED = /^(?:SET|CREATE\s+TABLE|INSERT|REPLACE)\b/i;
const INSERT =
  /^(?:INSERT|REPLACE)\s+(?:IGNORE\s+)?INTO\s+((?:`(?:[^`]|``)*`|\w+)(?:\.(?:`(?:[^`]|``)*`|\w+))?)/i;
const COMMENTS = /^(?:\s+|\/\*[^]*?\*\/|(?:--(?=\s)|#).*(?:\n|$))+/;

/**
 * Statements of a dump of one table. Others are refused by name: they are for a client, which asks no table. The file is always read
 * from its beginning, because what it SET belongs to the session: what was done before is passed over but for that.
 */
export async function* sqlBatches(
  source: { readonly name: string; readonly open: (offset: number) => ByteSource },
  target: TableName,
  from: ImportPlace,
): AsyncGenerator<ImportBatch> {
  const splitter = new SqlSplitter(source.name);
  let count = 0;
  const batchOf = (statement: SqlStatement): ImportBatch | null => {
    const where = `${source.name}:${statement.line}`;
    const text = statement.text.replace(COMMENTS, '');
    const isInsert = checkStatement(text, target, where);
    count += 1;
    const isDone = statement.endOffset <= from.offset;
    if (isDone && !SET.test(text)) return null;
    const end = { offset: statement.endOffset, line: statement.endLine, count };
    return {
      sql: statement.text,
      isInsert,
      rows: null,
      whereIs: (row) => (row === null ? where : `${where} (row ${row} of the statement there)`),
      end: isDone ? from : end,
    };
  };
  for await (const chunk of source.open(0)) {
    for (const statement of splitter.feed(chunk)) {
      const batch = batchOf(statement);
      if (batch !== null) yield batch;
    }
  }
  for (const statement of splitter.end()) {
    const batch = batchOf(statement);
    if (batch !== null) yield batch;
  }
}

/** True for one that inserts. Throws TransferError. */
function checkStatement(text: string, target: TableName, where: string): boolean {
  if (!ALLOWED.test(text)) {
    throw new TransferError(
      `${where}: an import takes SET, CREATE TABLE, INSERT and REPLACE; run "${text.slice(0, 40)}" with a client`,
    );
  }
  const into = INSERT.exec(text)?.[1];
  if (into === undefined) return false;
  const name = /(`(?:[^`]|``)*`|\w+)$/.exec(into)![1]!;
  const plain = name.startsWith('`') ? name.slice(1, -1).replaceAll('``', '`') : name;
  if (plain !== target.table) {
    throw new TransferError(
      `${where}: the statement writes to ${into}, not to ${target.database}.${target.table}`,
    );
  }
  return true;
}
