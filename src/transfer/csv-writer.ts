/**
 * CSV as RFC 4180 has it: a line of names, lines ended by CR LF, quotes around what needs them.
 *
 * NULL is a spelling that the user may choose (`\N` by default) and is never in quotes; the same text as a value is. Empty text is in
 * quotes, so that it is told from NULL whatever its spelling. Binary values are `0x` and hex digits.
 */
import type { ByteSink, RowWriter } from './row-writer.js';
import type { Cell, TransferColumn } from './transfer-column.js';

const NEEDS_QUOTES = /[",\r\n]|^$/;

export class CsvWriter implements RowWriter {
  readonly #columns: readonly TransferColumn[];
  readonly #nullText: string;
  readonly #sink: ByteSink;
  #isBegun = false;

  constructor(columns: readonly TransferColumn[], nullText: string, sink: ByteSink) {
    this.#columns = columns;
    this.#nullText = nullText;
    this.#sink = sink;
  }

  async write(rows: readonly (readonly Cell[])[]): Promise<void> {
    let text = this.#head();
    for (const row of rows) {
      for (let index = 0; index < row.length; index++) {
        if (index > 0) text += ',';
        text += this.#field(row[index]!);
      }
      text += '\r\n';
    }
    await this.#sink(Buffer.from(text, 'utf8'));
  }

  async end(): Promise<void> {
    const head = this.#head();
    if (head !== '') await this.#sink(Buffer.from(head, 'utf8'));
  }

  #head(): string {
    if (this.#isBegun) return '';
    this.#isBegun = true;
    return `${this.#columns.map(({ name }) => this.#field(name)).join(',')}\r\n`;
  }

  #field(cell: Cell): string {
    if (cell === null) return this.#nullText;
    if (typeof cell !== 'string') return binaryText(cell);
    if (cell !== this.#nullText && !NEEDS_QUOTES.test(cell)) return cell;
    return `"${cell.replaceAll('"', '""')}"`;
  }
}

function binaryText(bytes: Uint8Array): string {
  return `0x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')}`;
}
