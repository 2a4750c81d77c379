/**
 * `twintide import`: a file, or standard input, into a table that exists (or that the SQL of the file creates).
 *
 * An import of a file that was cut off goes on when the same command is given again.
 */
import { resolve } from 'node:path';
import { stat } from 'node:fs/promises';
import { countRows } from '../transfer/export-table.js';
import type { ImportBatch } from '../transfer/import-batch.js';
import { CheckpointFile, type ImportPlace } from '../transfer/import-checkpoint.js';
import {
  csvBatches,
  fileBytes,
  parquetBatches,
  sqlBatches,
  type ByteSource,
} from '../transfer/import-source.js';
import { importTable } from '../transfer/import-table.js';
import type { TransferFormat } from '../transfer/row-writer.js';
import {
  describeTable,
  parseTableName,
  requireTable,
  sqlNameOf,
} from '../transfer/table-description.js';
import { quoteName } from '../transfer/transfer-column.js';
import { ParquetReader } from '../transfer/parquet-reader.js';
import { TransferError } from '../transfer/transfer-error.js';
import { openClient } from './client-connection.js';
import type { ClientFlags } from './client-flags.js';
import { readableCount } from './demo-screen.js';
import { ExitCode } from './exit-codes.js';
import { ProgressBar, type Screen } from './progress-bar.js';

export interface ImportOptions {
  readonly client: ClientFlags;
  readonly table: string;
  readonly format: TransferFormat;
  /** `-` = standard input. */
  readonly file: string;
  readonly nullText: string;
  readonly screen: Screen;
}

export async function runImport(options: ImportOptions): Promise<number> {
  const name = parseTableName(options.table);
  const isFile = options.file !== '-';
  if (!isFile && options.format === 'parquet') {
    throw new TransferError('Parquet is read from its end: name a file');
  }
  const path = isFile ? resolve(options.file) : '-';
  const parquet = options.format === 'parquet' ? await ParquetReader.open(path) : null;
  const all = parquet?.rows ?? (isFile ? (await stat(path)).size : 0);
  const checkpoint = isFile ? await CheckpointFile.of(path, options.table) : null;
  const connection = await openClient(options.client);
  const promises = connection.promise();
  const bar = new ProgressBar(options.screen);
  const unit = options.format === 'sql' ? 'statements' : 'rows';
  try {
    if (options.format === 'sql') await promises.query(`USE ${quoteName(name.database)}`);
    let isAppendMode: boolean | null = null;
    const result = await importTable({
      execute: (sql) => promises.query(sql),
      countRows: () => countRows(promises, sqlNameOf(name), ''),
      isAppendMode: async () =>
        (isAppendMode ??= (await describeTable(promises, name))?.isAppendMode ?? false),
      batchesFrom,
      checkpoint,
      onProgress: (place) => {
        if (place.offset >= all) return;
        bar.draw(options.table, place.offset, all, `${readableCount(place.count)} ${unit}`);
      },
    });
    const before = result.before === 0 ? '' : `, after ${readableCount(result.before)} before`;
    const unconfirmed =
      result.unconfirmed === 0
        ? ''
        : `; ${result.unconfirmed} batches are stored and not confirmed by the peer`;
    bar.draw(
      options.table,
      1,
      1,
      `${readableCount(result.imported)} ${unit}${before}${unconfirmed}`,
    );
    return ExitCode.done;
  } catch (error) {
    bar.close();
    const hasCheckpoint = ((await checkpoint?.load().catch(() => null)) ?? null) !== null;
    if (hasCheckpoint) console.error('twintide: the same command goes on from where this ended');
    throw error;
  } finally {
    bar.close();
    connection.destroy();
  }

  async function* batchesFrom(place: ImportPlace): AsyncGenerator<ImportBatch> {
    const open = (offset: number): ByteSource => (isFile ? fileBytes(path, offset) : process.stdin);
    const source = { name: options.file, open };
    if (options.format === 'sql') {
      yield* sqlBatches(source, name, place);
      return;
    }
    const table = await requireTable(promises, name);
    if (parquet === null) yield* csvBatches(source, table, options.nullText, place);
    else yield* parquetBatches(options.file, parquet, table, place);
  }
}
