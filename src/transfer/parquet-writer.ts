/** Parquet, a row group at a time: what is in memory is one row group, and it goes to the sink before the next one is begun. */
import { ByteWriter, ParquetWriter as Writer } from 'hyparquet-writer';
import { schemaElement, toParquet, type ParquetValue } from './parquet-values.js';
import type { ByteSink, RowWriter } from './row-writer.js';
import type { Cell, TransferColumn } from './transfer-column.js';

/** A row group ends at either. */
const GROUP_ROWS = 50_000;
const GROUP_CELLS = 1_000_000;

export class ParquetWriter implements RowWriter {
  readonly #columns: readonly TransferColumn[];
  readonly #sink: ByteSink;
  readonly #buffer = new ByteWriter(1 << 20);
  readonly #writer: Writer;
  readonly #groupRows: number;
  /** By column. */
  #values: ParquetValue[][];
  #rows = 0;

  constructor(columns: readonly TransferColumn[], sink: ByteSink) {
    this.#columns = columns;
    this.#sink = sink;
    this.#groupRows = Math.max(1, Math.min(GROUP_ROWS, Math.floor(GROUP_CELLS / columns.length)));
    this.#values = columns.map(() => []);
    const root = { name: 'root', num_children: columns.length };
    this.#writer = new Writer({
      writer: this.#buffer,
      schema: [root, ...columns.map(schemaElement)],
      createdBy: 'twintide',
    });
  }

  async write(rows: readonly (readonly Cell[])[]): Promise<void> {
    for (const row of rows) {
      for (const [index, column] of this.#columns.entries()) {
        this.#values[index]!.push(toParquet(column, row[index]!));
      }
      this.#rows += 1;
      if (this.#rows >= this.#groupRows) await this.#endGroup();
    }
  }

  async end(): Promise<void> {
    await this.#endGroup();
    await this.#writer.finish();
    await this.#drain();
  }

  async #endGroup(): Promise<void> {
    if (this.#rows === 0) return;
    const columnData = this.#columns.map((column, index) => ({
      name: column.name,
      data: this.#values[index]!,
    }));
    this.#values = this.#columns.map(() => []);
    const rowGroupSize = this.#rows;
    this.#rows = 0;
    await this.#writer.write({ columnData, rowGroupSize });
    await this.#drain();
  }

  async #drain(): Promise<void> {
    const bytes = this.#buffer.getBytes().slice();
    // `offset` goes on counting: it is the place in the file.
    this.#buffer.index = 0;
    if (bytes.length > 0) await this.#sink(bytes);
  }
}
