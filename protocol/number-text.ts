/**
 * Numbers as the ASCII that MySQL's text protocol prints, written straight into a byte array.
 *
 * No string is made on the common ways: integers by division, 64-bit integers by limbs of 16 bits, and doubles that have at
 * most six decimals (nearly all measurements). The last is exact, not an approximation: if round(v * 10^k) / 10^k == v and
 * the quotient's digits are at most 15, then that decimal is the only one of so few digits that parses to v, hence the
 * shortest. Everything else goes through the engine's shortest-digits conversion.
 *
 * Layout of a double, after MySQL's my_gcvt: with digits d1d2..dn meaning 0.d1d2..dn * 10^point, plain notation if
 * point >= -14 and (point <= 15 or n > point), else d1.d2..dn followed by e and the exponent, without sign + or padding:
 * 1e15 and 1e20, but 100000000000000; 0.000000000000001, but 1e-16. FLOAT prints at most 6 digits by the same rule.
 * NaN and infinities, which MySQL cannot store, print as NaN, Infinity and -Infinity: what all drivers parse.
 *
 * Each function requires NUMBER_TEXT_BYTES_MAX bytes of room at `offset` and returns the offset after what it wrote.
 */

export const NUMBER_TEXT_BYTES_MAX = 40;

const ZERO = 48;
const MINUS = 45;
const POINT = 46;
const EXPONENT = 101;
/** my_gcvt's MAX_DECPT_FOR_F_FORMAT. */
const PLAIN_POINT_MAX = 15;
/** FLT_DIG. */
const FLOAT_DIGITS_MAX = 6;
const DECIMALS_FAST_MAX = 6;
const POWERS_OF_TEN = [1, 10, 100, 1e3, 1e4, 1e5, 1e6] as const;

/** `value`: any safe integer. */
export function writeInteger(target: Uint8Array, offset: number, value: number): number {
  if (value < 0) {
    target[offset] = MINUS;
    return writeUnsigned(target, offset + 1, -value);
  }
  return writeUnsigned(target, offset, value);
}

/** A 64-bit integer: high * 2^32 + (low >>> 0); with `unsigned` the high half counts as unsigned. */
export function writeInteger64(
  target: Uint8Array,
  offset: number,
  high: number,
  low: number,
  unsigned: boolean,
): number {
  let upper = high >>> 0;
  let lower = low >>> 0;
  let at = offset;
  if (!unsigned && high < 0) {
    target[at++] = MINUS;
    lower = (~lower + 1) >>> 0;
    upper = (~upper + (lower === 0 ? 1 : 0)) >>> 0;
  }
  if (upper < 0x200000) return writeUnsigned(target, at, upper * 0x1_0000_0000 + lower);

  // Divide by 10^9 in 16-bit limbs: remainder * 65536 + limb stays below 2^46, so doubles are exact.
  let quotientHigh = Math.floor(upper / 1e9);
  let rest = upper - quotientHigh * 1e9;
  const a = rest * 65536 + (lower >>> 16);
  const quotientMiddle = Math.floor(a / 1e9);
  rest = a - quotientMiddle * 1e9;
  const b = rest * 65536 + (lower & 0xffff);
  const quotientLow = Math.floor(b / 1e9);
  const lastNine = b - quotientLow * 1e9;
  // The quotient is below 2^64 / 10^9 < 2^35: one safe integer.
  quotientHigh = quotientHigh * 0x1_0000_0000 + quotientMiddle * 65536 + quotientLow;
  at = writeUnsigned(target, at, quotientHigh);
  return writePadded(target, at, lastNine, 9);
}

export function writeDouble(target: Uint8Array, offset: number, value: number): number {
  let at = offset;
  let magnitude = value;
  if (value < 0 || Object.is(value, -0)) {
    target[at++] = MINUS;
    magnitude = -value;
  }
  if (magnitude < 1e15 && Math.floor(magnitude) === magnitude) {
    return writeUnsigned(target, at, magnitude);
  }
  if (magnitude < 1e9) {
    for (let decimals = 1; decimals <= DECIMALS_FAST_MAX; decimals++) {
      const power = POWERS_OF_TEN[decimals] ?? 1;
      const scaled = Math.round(magnitude * power);
      if (scaled / power === magnitude && scaled < 1e15) {
        const whole = Math.floor(scaled / power);
        at = writeUnsigned(target, at, whole);
        target[at++] = POINT;
        return writePadded(target, at, scaled - whole * power, decimals);
      }
    }
  }
  if (!(magnitude < Infinity)) {
    return writeAscii(target, at, Number.isNaN(value) ? 'NaN' : 'Infinity');
  }
  // Where both print plainly, JavaScript's text is MySQL's, and faster to come by.
  if (magnitude >= 1e-6 && Math.floor(magnitude) !== magnitude) {
    return writeAscii(target, at, String(magnitude));
  }
  return writeDigits(target, at, magnitude.toExponential());
}

/** `value` is a 32-bit float widened to a double. */
export function writeFloat(target: Uint8Array, offset: number, value: number): number {
  let at = offset;
  let magnitude = value;
  if (value < 0 || Object.is(value, -0)) {
    target[at++] = MINUS;
    magnitude = -value;
  }
  if (magnitude < 1e6 && Math.floor(magnitude) === magnitude) {
    return writeUnsigned(target, at, magnitude);
  }
  if (!(magnitude < Infinity)) {
    return writeAscii(target, at, Number.isNaN(value) ? 'NaN' : 'Infinity');
  }
  return writeDigits(target, at, magnitude.toExponential(FLOAT_DIGITS_MAX - 1));
}

/** `value` in exactly `width` digits, zeros in front. Requires 0 <= value < 10^width and value < 2^53. */
export function writePadded(
  target: Uint8Array,
  offset: number,
  value: number,
  width: number,
): number {
  let rest = value;
  for (let at = offset + width - 1; at >= offset; at--) {
    const quotient = Math.floor(rest / 10);
    target[at] = ZERO + (rest - quotient * 10);
    rest = quotient;
  }
  return offset + width;
}

/** `value`: a safe integer that is not negative. */
export function writeUnsigned(target: Uint8Array, offset: number, value: number): number {
  if (value < 10) {
    target[offset] = ZERO + value;
    return offset + 1;
  }
  if (value >= 1e9) {
    const upper = Math.floor(value / 1e9);
    return writePadded(target, writeUnsigned(target, offset, upper), value - upper * 1e9, 9);
  }
  let rest = value | 0;
  const after = offset + digitCount(rest);
  let end = after;
  while (rest >= 10) {
    const quotient = (rest / 10) | 0;
    target[--end] = ZERO + (rest - quotient * 10);
    rest = quotient;
  }
  target[end - 1] = ZERO + rest;
  return after;
}

function digitCount(value: number): number {
  if (value < 100) return 2;
  if (value < 1e3) return 3;
  if (value < 1e4) return 4;
  if (value < 1e5) return 5;
  if (value < 1e6) return 6;
  if (value < 1e7) return 7;
  if (value < 1e8) return 8;
  return 9;
}

/** `text` is d.ddde+x as toExponential makes it. */
function writeDigits(target: Uint8Array, offset: number, text: string): number {
  const e = text.indexOf('e');
  const point = Number(text.slice(e + 1)) + 1;
  let digits = e > 1 ? text.slice(0, 1) + text.slice(2, e) : text.slice(0, 1);
  let count = digits.length;
  while (count > 1 && digits.charCodeAt(count - 1) === ZERO) count--;
  digits = digits.slice(0, count);

  const plain = point >= 1 - PLAIN_POINT_MAX && (point <= PLAIN_POINT_MAX || count > point);
  if (!plain) {
    let at = writeAscii(target, offset, digits.slice(0, 1));
    if (count > 1) {
      target[at++] = POINT;
      at = writeAscii(target, at, digits.slice(1));
    }
    target[at++] = EXPONENT;
    return writeInteger(target, at, point - 1);
  }
  if (point <= 0) {
    return writeAscii(target, offset, `0.${'0'.repeat(-point)}${digits}`);
  }
  if (count <= point) return writeAscii(target, offset, digits.padEnd(point, '0'));
  return writeAscii(target, offset, `${digits.slice(0, point)}.${digits.slice(point)}`);
}

function writeAscii(target: Uint8Array, offset: number, text: string): number {
  for (let index = 0; index < text.length; index++) target[offset + index] = text.charCodeAt(index);
  return offset + text.length;
}
