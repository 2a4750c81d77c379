/**
 * A cell of megabytes that lies in memory as a whole, a parameter: checked and copied into its column a piece at a time, as the cell of a long
 * literal is when it arrives (long-cell.ts). To do so in one go takes many milliseconds.
 */

import type { CellConverter } from './cell-conversion.js';
import { incorrectString } from './cell-error.js';
import type { RowSink } from './row-sink.js';
import { badByteAt, characterAt } from './utf8-scan.js';

/** A shorter cell is one piece. */
export const PIECE_BYTES = 256 * 1024;
/** No character has more bytes. */
const CHARACTER_BYTES_MAX = 4;

/** The column takes any text or any bytes: there is nothing to be known of the whole. */
export function takesPieces({ type, column }: CellConverter, sink: RowSink): boolean {
  const isBoundless = (type.kind === 'text' || type.kind === 'blob') && type.length === null;
  return isBoundless && sink.takesPieces(column);
}

/**
 * Writes buf[start..end), which must not change meanwhile; yields between pieces. Requires: the column takes pieces, and of the row nothing else is
 * written before the end. Throws 1366 for what is no UTF-8 in a text column, with the words that the whole would have got.
 */
export function* writeInPieces(
  converter: CellConverter,
  sink: RowSink,
  buf: Uint8Array,
  start: number,
  end: number,
): Generator<undefined, void> {
  const { column } = converter;
  const isText = converter.type.kind === 'text';
  for (let from = start; ;) {
    const rest = end - from;
    const to = rest <= PIECE_BYTES ? end : characterAt(buf, from + PIECE_BYTES);
    if (isText) checkText(converter, buf, from, to, end);
    if (from === start) sink.setBytes(column, buf, from, to);
    else sink.addBytes(column, buf, from, to);
    if (to === end) return;
    from = to;
    yield;
  }
}

/** Of what is no UTF-8 the first bad byte may lie behind the piece: where it was cut makes no difference. */
function checkText(
  converter: CellConverter,
  buf: Uint8Array,
  from: number,
  to: number,
  end: number,
): void {
  if (badByteAt(buf, from, to) < 0) return;
  const badAt = badByteAt(buf, from, Math.min(to + CHARACTER_BYTES_MAX, end));
  throw incorrectString(converter, buf, badAt, end);
}
