/**
 * Vectors: columns of up to 8,192 values, as memtables hold them, blocks decode to and operators compute on.
 *
 * No JavaScript object per value. A vector is only typed arrays (over shared memory where a memtable owns them) and
 * plain numbers, so it can be posted to a worker. `nulls` is one byte a row, 1 = NULL, or null when the
 * vector has none; the value under a NULL is 0 / code 0 / an empty range and means nothing.
 * Arrays may be longer than `length`; only the first `length` entries count.
 */

export const VECTOR_ROWS_MAX = 8192;

/** Numbers that a double holds exactly or is: BOOLEAN, integers of at most 53 bits, FLOAT, DOUBLE, DATE (days since 1970-01-01). */
export interface NumberVector {
  readonly kind: 'number';
  readonly length: number;
  readonly values: Float64Array;
  readonly nulls: Uint8Array | null;
}

/** 64-bit integers, signed or unsigned by the column's type: value = high * 2^32 + (low >>> 0). For unsigned, high >>> 0. */
export interface Integer64Vector {
  readonly kind: 'integer64';
  readonly length: number;
  readonly high: Int32Array;
  readonly low: Int32Array;
  readonly nulls: Uint8Array | null;
}

/**
 * TIMESTAMP/DATETIME: value = base + offset, a count since 1970-01-01 00:00:00 in the column's own unit (10^-precision s).
 * Offsets are integers below 2^53 in magnitude. `base` is 0n for precision 0..3 always.
 */
export interface TimeVector {
  readonly kind: 'time';
  readonly length: number;
  readonly base: bigint;
  readonly offsets: Float64Array;
  readonly nulls: Uint8Array | null;
}

/** Byte strings, value i = data[starts[i] .. starts[i+1]). UTF-8 for text columns, anything for BLOB. */
export interface BytesVector {
  readonly kind: 'bytes';
  readonly length: number;
  /** length + 1 entries. */
  readonly starts: Uint32Array;
  readonly data: Uint8Array;
  readonly nulls: Uint8Array | null;
}

/** Byte strings as codes into a dictionary (itself a vector without NULLs). Tags always come so. */
export interface DictionaryVector {
  readonly kind: 'dictionary';
  readonly length: number;
  readonly codes: Uint32Array;
  readonly dictionary: BytesVector;
  readonly nulls: Uint8Array | null;
}

export type Vector = NumberVector | Integer64Vector | TimeVector | BytesVector | DictionaryVector;
