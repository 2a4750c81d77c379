/**
 * `twintide export`: a table, or the rows of it that a condition names, into a file or onto standard output.
 *
 * A file is written under another name and gets its own only when it is whole.
 */
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import { CsvWriter } from '../transfer/csv-writer.js';
import { conditionSql, countRows, exportTable, streamSink } from '../transfer/export-table.js';
import { ParquetWriter } from '../transfer/parquet-writer.js';
import type { ByteSink, RowWriter, TransferFormat } from '../transfer/row-writer.js';
import { SqlWriter } from '../transfer/sql-writer.js';
import {
  parseTableName,
  requireTable,
  type TableDescription,
} from '../transfer/table-description.js';
import { openClient } from './client-connection.js';
import type { ClientFlags } from './client-flags.js';
import { readableCount } from './demo-screen.js';
import { ExitCode } from './exit-codes.js';
import { ProgressBar, type Screen } from './progress-bar.js';

export interface ExportOptions {
  readonly client: ClientFlags;
  readonly table: string;
  readonly format: TransferFormat;
  /** `-` = standard output. */
  readonly file: string;
  readonly nullText: string;
  readonly where: string | null;
  readonly from: string | null;
  readonly to: string | null;
  readonly screen: Screen;
}

export async function runExport(options: ExportOptions): Promise<number> {
  const name = parseTableName(options.table);
  const connection = await openClient(options.client);
  const bar = new ProgressBar(options.screen);
  try {
    const promises = connection.promise();
    const table = await requireTable(promises, name);
    const condition = conditionSql(table, options, (text) => connection.escape(text));
    // Counting costs a scan, so only where somebody looks.
    const all =
      options.screen.isTTY === true ? await countRows(promises, table.sqlName, condition) : null;
    const rows = await intoFile(options.file, async (sink) =>
      exportTable(connection, table, condition, writerOf(options, table, sink), (done) => {
        if (all === null || done >= all) return;
        bar.draw(options.table, done, all, `${readableCount(done)} rows`);
      }),
    );
    bar.draw(options.table, 1, 1, `${readableCount(rows)} rows`);
    return ExitCode.done;
  } finally {
    bar.close();
    connection.destroy();
  }
}

function writerOf(options: ExportOptions, table: TableDescription, sink: ByteSink): RowWriter {
  switch (options.format) {
    case 'csv':
      return new CsvWriter(table.columns, options.nullText, sink);
    case 'parquet':
      return new ParquetWriter(table.columns, sink);
    case 'sql':
      return new SqlWriter(table, sink);
  }
}

async function intoFile(path: string, write: (sink: ByteSink) => Promise<number>): Promise<number> {
  if (path === '-') return write(streamSink(process.stdout));
  const unfinished = `${path}.partial`;
  const stream = createWriteStream(unfinished, { flush: true });
  const done = finished(stream);
  // Its error is seen where it is awaited.
  done.catch(() => undefined);
  try {
    const rows = await Promise.race([write(streamSink(stream)), done.then(() => 0)]);
    stream.end();
    await done;
    await rename(unfinished, path);
    return rows;
  } catch (error) {
    stream.destroy();
    await rm(unfinished, { force: true });
    throw error;
  }
}
