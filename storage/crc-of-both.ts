/**
 * The CRC-32 of bytes whose halves have been summed apart, after zlib's crc32_combine: a CRC is a polynomial over GF(2), and bytes that follow
 * multiply what came before by x^8 each, modulo the CRC's own polynomial.
 */

/** Bits are reflected: the highest is x^0. */
const POLYNOMIAL = 0xedb88320;
const ONE = 0x80000000;

/** POWERS[n] = x^(2^n). */
const POWERS = new Uint32Array(32);
POWERS[0] = ONE >>> 1;
for (let n = 1; n < POWERS.length; n++) POWERS[n] = product(POWERS[n - 1]!, POWERS[n - 1]!);

/** @param second of the bytes behind, `secondBytes` in number: less than 2^28 */
export function crcOfBoth(first: number, second: number, secondBytes: number): number {
  let shift = ONE;
  // x^8 a byte: the powers begin with the third.
  for (let bit = 0, rest = secondBytes; rest > 0; bit++, rest >>>= 1) {
    if ((rest & 1) !== 0) shift = product(shift, POWERS[bit + 3]!);
  }
  return (product(shift, first) ^ second) >>> 0;
}

function product(a: number, b: number): number {
  let result = 0;
  let factor = b;
  for (let mask = ONE; mask !== 0; mask >>>= 1) {
    if ((a & mask) !== 0) result ^= factor;
    factor = (factor & 1) === 0 ? factor >>> 1 : (factor >>> 1) ^ POLYNOMIAL;
  }
  return result >>> 0;
}
