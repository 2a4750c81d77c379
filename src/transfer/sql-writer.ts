/** SQL that any MySQL client can replay: the zone, the CREATE, and INSERTs with one row a line. */
import { insertHead, sqlRow } from './sql-literal.js';
import type { ByteSink, RowWriter } from './row-writer.js';
import type { TableDescription } from './table-description.js';
import { quoteName, type Cell } from './transfer-column.js';

/** Of one INSERT: small enough for the 64 MiB that a server takes at most by default. */
const STATEMENT_CHARACTERS = 1024 * 1024;

export class SqlWriter implements RowWriter {
  readonly #table: TableDescription;
  readonly #sink: ByteSink;
  #isBegun = false;

  constructor(table: TableDescription, sink: ByteSink) {
    this.#table = table;
    this.#sink = sink;
  }

  async write(rows: readonly (readonly Cell[])[]): Promise<void> {
    // Of the table alone, so that the file can be loaded into another database.
    const head = insertHead(quoteName(this.#table.table), this.#table.columns);
    let text = this.#preamble();
    let statement = '';
    for (const row of rows) {
      statement += statement === '' ? head : ',\n';
      statement += sqlRow(this.#table.columns, row);
      if (statement.length < STATEMENT_CHARACTERS) continue;
      text += `${statement};\n`;
      statement = '';
    }
    if (statement !== '') text += `${statement};\n`;
    await this.#sink(Buffer.from(text, 'utf8'));
  }

  async end(): Promise<void> {
    const text = this.#preamble();
    if (text !== '') await this.#sink(Buffer.from(text, 'utf8'));
  }

  #preamble(): string {
    if (this.#isBegun) return '';
    this.#isBegun = true;
    return `SET time_zone = '+00:00';\n${this.#table.createSql};\n`;
  }
}
