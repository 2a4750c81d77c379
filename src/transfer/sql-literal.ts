/** Cells as SQL literals. What looks like no number goes as text, so that the server is the one that judges it, by row. */
import { quoteName, type Cell, type TransferColumn } from './transfer-column.js';

const INTEGER = /^[+-]?\d+$/;
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const ESCAPED = /['\\\0\n\r]/g;
const ESCAPES: Readonly<Record<string, string>> = {
  "'": "\\'",
  '\\': '\\\\',
  '\0': '\\0',
  '\n': '\\n',
  '\r': '\\r',
};

export function sqlLiteral(column: TransferColumn, cell: Cell): string {
  if (cell === null) return 'NULL';
  if (typeof cell !== 'string') {
    return `X'${Buffer.from(cell.buffer, cell.byteOffset, cell.length).toString('hex')}'`;
  }
  switch (column.kind) {
    case 'integer':
      return INTEGER.test(cell) ? cell : quoteText(cell);
    case 'float':
    case 'double':
      // Without an exponent it is an integer's zero, which has no sign.
      if (cell === '-0') return '-0e0';
      return NUMBER.test(cell) ? cell : quoteText(cell);
    default:
      return quoteText(cell);
  }
}

/** On one line, whatever is in it. */
export function quoteText(text: string): string {
  return `'${text.replace(ESCAPED, (character) => ESCAPES[character]!)}'`;
}

/** `(1, 'a', NULL)` */
export function sqlRow(columns: readonly TransferColumn[], cells: readonly Cell[]): string {
  let text = '(';
  for (const [index, column] of columns.entries()) {
    if (index > 0) text += ', ';
    text += sqlLiteral(column, cells[index]!);
  }
  return `${text})`;
}

/** Everything before the rows. */
export function insertHead(table: string, columns: readonly TransferColumn[]): string {
  return `INSERT INTO ${table} (${columns.map(({ name }) => quoteName(name)).join(', ')}) VALUES\n`;
}
