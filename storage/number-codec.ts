/**
 * Doubles in as few whole bytes as is cheap. Exact for every double: NaN, infinities and -0 come back as they were (all NaNs are one).
 *
 *   numbers    := u8 codec, payload                      the count is known to the reader
 *   raw64      0  f64 * count
 *   raw32      1  f32 * count                            every value is exactly a float
 *   packed     2  packed(count)                          integers: frame of reference; width 0 = constant
 *   delta      3  zigzag first, packed(count - 1)        integers that grow evenly
 *   delta2     4  zigzag first, zigzag first delta, packed(count - 2)
 *   runs       5  varint runs, numbers(runs) lengths, numbers(runs) values
 *   decimal    6  u8 exponent, numbers(count)            value = integer / 10^exponent
 *   multiple   7  varint divisor, numbers(count)         value = integer * divisor
 *   constant   8  f64
 *   deltas     9  zigzag first, numbers(count - 1)       differences that are worth a codec of their own
 *   patched    10 varint exceptions, numbers(exceptions) places, numbers(exceptions) values, packed(count)
 *                 integers of which a few are far from the others: those are given apart, and their rests mean nothing.
 *                 A place is counted from the place before it, the first from 0
 *   dictionary 11 varint entries, numbers(count) codes, numbers(entries)
 *   packed     := packed-integers.ts
 */

/** Frozen: written to disk and wire. */
export const NumberCodec = {
  raw64: 0,
  raw32: 1,
  packed: 2,
  delta: 3,
  delta2: 4,
  runs: 5,
  decimal: 6,
  multiple: 7,
  constant: 8,
  deltas: 9,
  patched: 10,
  dictionary: 11,
} as const;
export type NumberCodec = (typeof NumberCodec)[keyof typeof NumberCodec];

/** Largest exponent of `decimal`. */
export const DECIMALS_MAX = 8;
/** 10^exponent. */
export const POWERS: readonly number[] = Array.from(
  { length: DECIMALS_MAX + 1 },
  (_, index) => 10 ** index,
);
/** Numbers within numbers: a writer goes no deeper, a reader refuses to. */
export const NESTING_MAX = 4;

export const isLittleEndian = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;
