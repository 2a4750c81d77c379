/**
 * The second stage: a column's value of a compacted block behind zlib, where that saves at least a tenth.
 *
 *   compressed := u8 0x0f, u8 method, u8 stride, varint length, bytes
 *   method        1 = raw deflate of `length` bytes
 *   stride        1, 2, 4 or 8: before compression every stride-th byte was put next to each other, beginning with the first; what is left
 *                 over at the end follows as it is
 *
 * The first byte tells it from a column, whose kinds end at 5, and from a packed block, which begins with 0xf0.
 *
 * Why deflate: behind the codecs, on the tables of bench/codec-data.ts, zstd and brotli at their fastest end within three percent of its
 * size. They take about half of its time to write, but one is a library more and the other was slower to read; lz4 and snappy take a tenth
 * of the time, and save little where deflate saves most (weather 0.3 of 4.5 bytes a row instead of 1.5). The method byte has room for
 * whatever Node brings next.
 *
 * A call of zlib costs about 50 microseconds whatever comes of it, so a look at the bytes comes first: they must be unevenly frequent or
 * repeat each other. A damaged value was found by its checksum before it comes here, yet nothing here trusts a length: more
 * than it says is not inflated, and it says at most VALUE_BYTES_MAX.
 */

import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import { ByteReader, DamagedBytesError } from './byte-reader.js';
import { ByteWriter } from './byte-writer.js';

/** Frozen: written to disk. */
const COMPRESSED_FORM = 0x0f;
const Method = { deflate: 1 } as const;

/** Smaller values are not worth a call. */
const VALUE_BYTES_MIN = 64;
/** Larger ones would hold up a reader: inflating takes about 3 ns a byte. */
const VALUE_BYTES_MAX = 1024 * 1024;
/** What must at least be saved. */
const WORTHWHILE = 0.9;
const LEVEL = 1;

/** Bytes looked at before zlib is called. */
const PROBE_BYTES = 2048;
const PROBE_SLOTS = 1024;
/** Repeated words among those looked at that make it worth a try. */
const REPEATS_MIN = 0.1;
/** With fewer of them a search for repeats finds nothing that a code for uneven bytes does not, and is half of zlib's time. */
const REPEATS_SOUGHT = 0.005;

// Compression is synchronous, so its working memory can be shared.
const counts = new Uint32Array(256);
const words = new Uint32Array(PROBE_SLOTS);
const header = new ByteWriter(16);
let spread = new Uint8Array(1 << 16);

/** True for what `compress` returned. */
export function isCompressed(payload: Uint8Array): boolean {
  return payload[0] === COMPRESSED_FORM;
}

/** The compressed value; null = it does not pay. `stride`: how far apart like bytes are. */
export function compress(payload: Uint8Array, stride: number): Uint8Array | null {
  const { length } = payload;
  if (length < VALUE_BYTES_MIN || length > VALUE_BYTES_MAX) return null;
  const bytes = stride > 1 ? planes(payload, stride) : payload;
  const strategy = strategyFor(bytes);
  if (strategy === null) return null;
  const deflated = deflateRawSync(bytes, {
    level: LEVEL,
    strategy,
    chunkSize: Math.max(constants.Z_MIN_CHUNK, length),
  });
  header.clear();
  header.uint8(COMPRESSED_FORM);
  header.uint8(Method.deflate);
  header.uint8(stride);
  header.varint(length);
  if (header.length + deflated.length > length * WORTHWHILE) return null;
  header.copy(deflated, 0, deflated.length);
  return header.take();
}

/** What was compressed. Throws DamagedBytesError. */
export function decompress(payload: Uint8Array): Uint8Array {
  const reader = new ByteReader(payload);
  reader.skip(1);
  const method = reader.uint8();
  if (method !== Method.deflate) throw new DamagedBytesError(`compression ${method} is unknown`);
  const stride = reader.uint8();
  if (stride !== 1 && stride !== 2 && stride !== 4 && stride !== 8) {
    throw new DamagedBytesError(`stride ${stride} is unknown`);
  }
  const length = reader.varint();
  if (length < 1 || length > VALUE_BYTES_MAX) {
    throw new DamagedBytesError(`a compressed value of ${length} bytes`);
  }
  const bytes = inflate(reader.view(reader.remaining), length);
  return stride > 1 ? interleaved(bytes, stride) : bytes;
}

function inflate(deflated: Uint8Array, length: number): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = inflateRawSync(deflated, {
      maxOutputLength: length,
      // One byte more than is expected, so that all of it comes in one piece.
      chunkSize: Math.max(constants.Z_MIN_CHUNK, length + 1),
    });
  } catch (error) {
    throw new DamagedBytesError('a compressed value does not inflate', { cause: error });
  }
  if (bytes.length !== length) {
    throw new DamagedBytesError(`${bytes.length} bytes inflated, ${length} expected`);
  }
  return bytes;
}

/** Byte 0 of every item, then byte 1 of every item, ...; good until the next call. */
function planes(payload: Uint8Array, stride: number): Uint8Array {
  if (spread.length < payload.length) spread = new Uint8Array(payload.length);
  const items = Math.floor(payload.length / stride);
  let at = 0;
  for (let plane = 0; plane < stride; plane++) {
    for (let from = plane, item = 0; item < items; item++, from += stride) {
      spread[at++] = payload[from]!;
    }
  }
  for (let from = at; from < payload.length; from++) spread[from] = payload[from]!;
  return spread.subarray(0, payload.length);
}

function interleaved(bytes: Uint8Array, stride: number): Uint8Array {
  const result = new Uint8Array(bytes.length);
  const items = Math.floor(bytes.length / stride);
  let at = 0;
  for (let plane = 0; plane < stride; plane++) {
    for (let to = plane, item = 0; item < items; item++, to += stride) result[to] = bytes[at++]!;
  }
  for (; at < bytes.length; at++) result[at] = bytes[at]!;
  return result;
}

/** How zlib should go about the bytes, by a look at some of them; null = it is not worth a call. */
function strategyFor(bytes: Uint8Array): number | null {
  counts.fill(0);
  words.fill(0);
  const probed = Math.min(bytes.length, PROBE_BYTES);
  // Two stretches, because a column may begin with a dictionary.
  const half = probed >>> 1;
  const repeats = probe(bytes, 0, half) + probe(bytes, bytes.length - half, half);
  if (repeats > half * 2 * REPEATS_MIN) return constants.Z_DEFAULT_STRATEGY;
  let bits = 0;
  for (let byte = 0; byte < 256; byte++) {
    const count = counts[byte]!;
    if (count > 0) bits += count * Math.log2((half * 2) / count);
  }
  if (bits >= half * 2 * 8 * WORTHWHILE) return null;
  const isSought = repeats > half * 2 * REPEATS_SOUGHT;
  return isSought ? constants.Z_DEFAULT_STRATEGY : constants.Z_HUFFMAN_ONLY;
}

/** Counts bytes, and returns how many four-byte words were seen before. */
function probe(bytes: Uint8Array, from: number, count: number): number {
  let repeats = 0;
  let word = 0;
  for (let index = from; index < from + count; index++) {
    const byte = bytes[index]!;
    counts[byte] = counts[byte]! + 1;
    word = (word << 8) | byte;
    const slot = (Math.imul(word, 0x9e3779b1) >>> 22) & (PROBE_SLOTS - 1);
    if (words[slot] === word >>> 0) repeats++;
    words[slot] = word;
  }
  return repeats;
}
