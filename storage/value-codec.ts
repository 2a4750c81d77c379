/**
 * Which codec a stored block column was written with, by its first bytes: for people who look at a store, not for reading it.
 */

import { decompress, isCompressed } from './block-compression.js';
import { ByteReader } from './byte-reader.js';
import { NumberCodec } from './number-codec.js';

const NUMBER_CODECS: ReadonlyMap<number, string> = new Map(
  Object.entries(NumberCodec).map(([name, code]) => [code, name]),
);
const INTEGER_CODECS: ReadonlyMap<number, string> = new Map([
  [0, 'halves'],
  [1, 'packed64'],
]);
const STRING_CODECS: ReadonlyMap<number, string> = new Map([
  [0, 'plain'],
  [1, 'dictionary'],
]);

const TIME_BASE_BYTES = 8;

/**
 * `payload`: form and column, as a block stores them. Of codecs that need others, the outer one comes first: "decimal, deltas, patched".
 * Throws DamagedBytesError where it is cut off.
 */
export function valueCodec(payload: Uint8Array, rows: number): string {
  if (isCompressed(payload)) return `${valueCodec(decompress(payload), rows)}, deflate`;
  const reader = new ByteReader(payload);
  const form = reader.uint8();
  const kind = form & 0x0f;
  const nulls = form >>> 4;
  if (nulls === 2) return 'nulls';
  if (nulls === 1) reader.skip(Math.ceil(rows / 8));
  switch (kind) {
    case 1:
      return numberCodec(reader);
    case 2:
      return named(INTEGER_CODECS, reader.uint8());
    case 3:
      reader.skip(TIME_BASE_BYTES);
      return numberCodec(reader);
    case 5:
      return named(STRING_CODECS, reader.uint8());
    default:
      return `form ${form}`;
  }
}

/** Down to the codec that holds the values, or needs lists of its own for them. */
function numberCodec(reader: ByteReader): string {
  const code = reader.uint8();
  const name = named(NUMBER_CODECS, code);
  switch (code) {
    case NumberCodec.decimal:
      reader.skip(1);
      break;
    case NumberCodec.multiple:
      reader.varint();
      break;
    case NumberCodec.deltas:
      reader.zigzag();
      break;
    default:
      return name;
  }
  return `${name}, ${numberCodec(reader)}`;
}

function named(codecs: ReadonlyMap<number, string>, code: number): string {
  return codecs.get(code) ?? `codec ${code}`;
}
