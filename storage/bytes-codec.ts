/**
 * Byte strings.
 *
 *   strings    := u8 codec, payload
 *   plain      0  numbers(count) lengths, the bytes
 *   dictionary 1  varint entries, numbers(entries) lengths, the bytes, numbers(count) codes
 *
 * A dictionary is tried on strings that repeat: it is given up when the first SAMPLE values are mostly different.
 */

import { ByteDictionary } from './byte-dictionary.js';
import { type ByteReader, DamagedBytesError } from './byte-reader.js';
import type { ByteWriter } from './byte-writer.js';
import { decodeNumbers } from './number-decoder.js';
import { type Effort, encodeNumbers } from './number-encoder.js';
import type { VectorMemory } from './vector-memory.js';

/** Frozen: written to disk and wire. */
const Codec = { plain: 0, dictionary: 1 } as const;

const SAMPLE = 256;
const DICTIONARY_ENTRIES_MAX = 65_536;
/** To look up a longer string takes about a millisecond: too long where the encoding is to be fast. */
const QUICK_BYTES_MAX = 256 * 1024;

// Encoding is synchronous, so its working memory can be shared.
const dictionary = new ByteDictionary();
let numbers = new Float64Array(8192);

/** Strings i = data[starts[i] .. ends[i]): not necessarily adjacent, because NULLs were left out. */
export interface Strings {
  readonly data: Uint8Array;
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
}

export interface DecodedStrings {
  readonly data: Uint8Array;
  /** count + 1 (entries + 1 with codes). */
  readonly starts: Uint32Array;
  /** Null for plain strings. */
  readonly codes: Uint32Array | null;
  readonly entries: number;
}

/** Returns how far apart like bytes are in what was written. */
export function encodeStrings(
  writer: ByteWriter,
  strings: Strings,
  count: number,
  effort: Effort,
): number {
  const codes = numberArray(count);
  if (count >= 8 && buildDictionary(strings, count, codes, effort)) {
    const { data, starts } = dictionary.vector();
    const entries = dictionary.count;
    writer.uint8(Codec.dictionary);
    // The lengths need the number array that the codes are in, so these go through one of their own.
    const lengths = new Float64Array(entries);
    for (let entry = 0; entry < entries; entry++)
      lengths[entry] = starts[entry + 1]! - starts[entry]!;
    writer.varint(entries);
    encodeNumbers(writer, lengths, entries, effort);
    writer.copy(data, 0, starts[entries]!);
    return encodeNumbers(writer, codes, count, effort);
  }
  writer.uint8(Codec.plain);
  const { data, starts, ends } = strings;
  const lengths = codes;
  for (let index = 0; index < count; index++) lengths[index] = ends[index]! - starts[index]!;
  encodeNumbers(writer, lengths, count, effort);
  for (let index = 0; index < count;) {
    // Adjacent strings are copied at once.
    const start = starts[index]!;
    let end = ends[index]!;
    index++;
    while (index < count && starts[index] === end) end = ends[index++]!;
    writer.lend(data, start, end);
  }
  return 1;
}

/** Writes codes into a dictionary that exists already. `starts` and `data` describe its entries one after another. */
export function encodeCoded(
  writer: ByteWriter,
  entries: { readonly count: number; readonly starts: Uint32Array; readonly data: Uint8Array },
  codes: Uint32Array,
  count: number,
  effort: Effort,
): number {
  const scratch = numberArray(Math.max(count, entries.count));
  const { starts } = entries;
  writer.uint8(Codec.dictionary);
  writer.varint(entries.count);
  for (let entry = 0; entry < entries.count; entry++) {
    scratch[entry] = starts[entry + 1]! - starts[entry]!;
  }
  encodeNumbers(writer, scratch, entries.count, effort);
  writer.copy(entries.data, starts[0]!, starts[entries.count]!);
  for (let index = 0; index < count; index++) scratch[index] = codes[index]!;
  return encodeNumbers(writer, scratch, count, effort);
}

/** The data is a view into the reader's bytes. */
export function decodeStrings(
  reader: ByteReader,
  count: number,
  memory: VectorMemory,
): DecodedStrings {
  const codec = reader.uint8();
  if (codec !== Codec.plain && codec !== Codec.dictionary) {
    throw new DamagedBytesError(`string codec ${codec} is unknown`);
  }
  const isPlain = codec === Codec.plain;
  const entries = isPlain ? count : reader.varint();
  if (entries > count) throw new DamagedBytesError('a dictionary is larger than its column');
  const lengths = decodeNumbers(reader, entries, memory);
  const starts = memory.uint32(entries + 1);
  let end = 0;
  starts[0] = 0;
  for (let entry = 0; entry < entries; entry++) {
    const length = lengths[entry]!;
    if (!(length >= 0)) throw new DamagedBytesError('a string has no length');
    end += length;
    starts[entry + 1] = end;
  }
  const data = reader.view(end);
  if (isPlain) return { data, starts, codes: null, entries };
  const decoded = decodeNumbers(reader, count, memory);
  const codes = memory.uint32(count);
  for (let index = 0; index < count; index++) {
    const code = decoded[index]!;
    if (!(code >= 0 && code < entries))
      throw new DamagedBytesError('a code is not in its dictionary');
    codes[index] = code;
  }
  return { data, starts, codes, entries };
}

function buildDictionary(
  strings: Strings,
  count: number,
  codes: Float64Array,
  effort: Effort,
): boolean {
  const { data, starts, ends } = strings;
  dictionary.clear();
  for (let index = 0; index < count; index++) {
    if (effort === 'fast' && ends[index]! - starts[index]! > QUICK_BYTES_MAX) return false;
    codes[index] = dictionary.add(data, starts[index]!, ends[index]!);
    if (index === SAMPLE && dictionary.count * 2 > SAMPLE) return false;
    if (dictionary.count > DICTIONARY_ENTRIES_MAX) return false;
  }
  return dictionary.count * 2 <= count;
}

function numberArray(length: number): Float64Array {
  if (numbers.length < length) numbers = new Float64Array(length);
  return numbers;
}
