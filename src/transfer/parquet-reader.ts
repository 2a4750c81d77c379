/** The rows of a Parquet file, a piece of a row group at a time, from any row on. */
import {
  asyncBufferFromFile,
  parquetMetadataAsync,
  parquetReadObjects,
  type AsyncBuffer,
  type FileMetaData,
  type SchemaElement,
} from 'hyparquet';
import { fromParquet } from './parquet-values.js';
import { TransferError } from './transfer-error.js';
import type { Cell, TransferColumn } from './transfer-column.js';

/** What is decoded at once, of row groups that are larger. Those that an export writes are not. */
const PIECE_ROWS = 50_000;

/** Raw values: the file's own units, which JavaScript's dates would cut. */
const PARSERS = {
  timestampFromMilliseconds: (millis: bigint) => millis,
  timestampFromMicroseconds: (micros: bigint) => micros,
  timestampFromNanoseconds: (nanos: bigint) => nanos,
  dateFromDays: (days: number) => days,
  // Unlike TextDecoder this keeps a leading U+FEFF.
  stringFromBytes: (bytes: Uint8Array) =>
    Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8'),
};

export class ParquetReader {
  readonly #file: AsyncBuffer;
  readonly #metadata: FileMetaData;

  private constructor(file: AsyncBuffer, metadata: FileMetaData) {
    this.#file = file;
    this.#metadata = metadata;
  }

  /** Throws TransferError for what is no Parquet file. */
  static async open(path: string): Promise<ParquetReader> {
    const file = await asyncBufferFromFile(path);
    try {
      return new ParquetReader(file, await parquetMetadataAsync(file, { geoparquet: false }));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new TransferError(`${path}: it is no Parquet file: ${reason}`, { cause: error });
    }
  }

  get rows(): number {
    return Number(this.#metadata.num_rows);
  }

  /** Of the file's top-level columns. */
  get columnNames(): readonly string[] {
    return this.#elements().map(({ name }) => name);
  }

  /** Rows from `rowStart` on, of one row group, with cells in the order of `columns`; `names` are those of the file. */
  async read(
    columns: readonly TransferColumn[],
    names: readonly string[],
    rowStart: number,
  ): Promise<Cell[][]> {
    const rowEnd = Math.min(rowStart + PIECE_ROWS, this.#groupEnd(rowStart));
    const elements = this.#elements();
    const sources = names.map((name) => elements.find((element) => element.name === name)!);
    const rows = await parquetReadObjects({
      file: this.#file,
      metadata: this.#metadata,
      columns: [...names],
      rowStart,
      rowEnd,
      utf8: false,
      parsers: PARSERS,
      useOffsetIndex: true,
    });
    return rows.map((row: Record<string, unknown>) =>
      columns.map((column, index) => fromParquet(column, sources[index]!, row[names[index]!])),
    );
  }

  /** The children of the root; nested ones are passed over with all that is in them. */
  #elements(): SchemaElement[] {
    const [root, ...rest] = this.#metadata.schema;
    const elements: SchemaElement[] = [];
    let at = 0;
    for (let child = 0; child < (root?.num_children ?? 0); child++) {
      elements.push(rest[at]!);
      for (let open = 1; open > 0; at++) open += (rest[at]!.num_children ?? 0) - 1;
    }
    return elements;
  }

  /** Of the row group that has the row. */
  #groupEnd(row: number): number {
    let end = 0;
    for (const { num_rows: rows } of this.#metadata.row_groups) {
      end += Number(rows);
      if (row < end) return end;
    }
    return this.rows;
  }
}
