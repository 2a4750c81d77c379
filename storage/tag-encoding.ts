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
/** By number. */
let entryCodes = new Uint32Array(1024);
let entryStarts = new Uint32Array(1025);
let entryData = new Uint8Array(16_384);

/** Where the codes of `count` cells go: NULL_CODE or one that `tagColumnOf` understands. Good until the next call. */
export function codesOfCells(count: number): Uint32Array {
  if (cellCodes.length < count) {
    const size = Math.max(count, cellCodes.length * 2);
    cellCodes = new Uint32Array(size);
    codes = new Uint32Array(size);
    nullFlags = new Uint8Array(size);
    entryCodes = new Uint32Array(size);
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
  const nulls = numberCells(count);
  const entryCount = renumbering.count;
  copyEntries(entryCount, entries, moreEntries);
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

/** Gives each cell its number, and notes which code each number stands for. Returns the NULLs, if there are any. */
function numberCells(count: number): Uint8Array | null {
  renumbering.clear();
  let nulls: Uint8Array | null = null;
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
    entryCodes[number] = code;
  }
  return nulls;
}

/** Entries that follow each other where they come from are copied at once: as good as all of a tag that names the series. */
function copyEntries(
  entryCount: number,
  entries: BytesVector,
  moreEntries: BytesVector | null,
): void {
  let dataLength = 0;
  for (let number = 0; number < entryCount;) {
    const code = entryCodes[number]!;
    const isMore = code >= entries.length;
    const { starts, data } = isMore ? moreEntries! : entries;
    const first = isMore ? code - entries.length : code;
    const most = Math.min(entryCount - number, isMore ? Infinity : entries.length - code);
    let stretch = 1;
    while (stretch < most && entryCodes[number + stretch] === code + stretch) stretch++;
    const start = starts[first]!;
    const end = starts[first + stretch]!;
    for (let entry = 0; entry < stretch; entry++) {
      entryStarts[number + entry] = dataLength + starts[first + entry]! - start;
    }
    if (dataLength + end - start > entryData.length) growData(dataLength + end - start);
    copyPiece(data, start, end, dataLength);
    dataLength += end - start;
    number += stretch;
  }
  entryStarts[entryCount] = dataLength;
}

/** Below this a loop is quicker than a call. */
const CALL_BYTES_MIN = 64;

function copyPiece(data: Uint8Array, start: number, end: number, to: number): void {
  if (end - start >= CALL_BYTES_MIN) entryData.set(data.subarray(start, end), to);
  else for (let from = start, at = to; from < end; from++, at++) entryData[at] = data[from]!;
}

/** Keeps the bytes so far. */
function growData(needed: number): void {
  const grown = new Uint8Array(Math.max(needed, entryData.length * 2));
  grown.set(entryData);
  entryData = grown;
}
