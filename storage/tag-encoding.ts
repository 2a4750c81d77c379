/**
 * Tag columns of a rows section, from codes: the cells of its tuples are known by their codes in dictionaries that have far more entries than
 * the section needs. Each column gets a dictionary of its own, in order of appearance, without a look at the bytes of a cell that came before.
 */

import { NULL_CODE } from './tag-column.js';
import { Renumbering } from './renumbering.js';
import type { BytesVector, DictionaryVector } from './vector.js';

// Encoding is synchronous, so its working memory can be shared.
const renumbering = new Renumbering();
let cellCodes = new Uint32Array(1024);
let codes = new Uint32Array(1024);
let nullFlags = new Uint8Array(1024);
let entryStarts = new Uint32Array(1025);
let entryData = new Uint8Array(16_384);

/** Where the codes of `count` cells go: NULL_CODE or one that `tagColumnOf` understands. Good until the next call. */
export function codesOfCells(count: number): Uint32Array {
  if (cellCodes.length < count) {
    const size = Math.max(count, cellCodes.length * 2);
    cellCodes = new Uint32Array(size);
    codes = new Uint32Array(size);
    nullFlags = new Uint8Array(size);
    entryStarts = new Uint32Array(size + 1);
  }
  return cellCodes;
}

/**
 * The column whose cells are the first `count` in `codesOfCells`: codes of `entries`, and behind them, from `entries.length` on, codes of
 * `moreEntries`. Good until the next call.
 */
export function tagColumnOf(
  count: number,
  entries: BytesVector,
  moreEntries: BytesVector | null,
): DictionaryVector {
  renumbering.clear();
  let nulls: Uint8Array | null = null;
  let entryCount = 0;
  let dataLength = 0;
  entryStarts[0] = 0;
  for (let index = 0; index < count; index++) {
    const code = cellCodes[index]!;
    if (code === NULL_CODE) {
      nulls ??= nullFlags.fill(0, 0, count);
      nulls[index] = 1;
      codes[index] = 0;
      continue;
    }
    const number = renumbering.numberOf(code);
    codes[index] = number;
    if (number < entryCount) continue;
    const isMore = code >= entries.length;
    const { starts, data } = isMore ? moreEntries! : entries;
    const entry = isMore ? code - entries.length : code;
    const start = starts[entry]!;
    const end = starts[entry + 1]!;
    if (dataLength + end - start > entryData.length) growData(dataLength + end - start);
    for (let from = start; from < end; from++) entryData[dataLength++] = data[from]!;
    entryStarts[++entryCount] = dataLength;
  }
  return {
    kind: 'dictionary',
    length: count,
    codes,
    dictionary: {
      kind: 'bytes',
      length: entryCount,
      starts: entryStarts,
      data: entryData,
      nulls: null,
    },
    nulls,
  };
}

/** Keeps the bytes so far. */
function growData(needed: number): void {
  const grown = new Uint8Array(Math.max(needed, entryData.length * 2));
  grown.set(entryData);
  entryData = grown;
}
