/**
 * Numbers from bytes, without a string or an object a number.
 *
 *   number := [+-] (digits [. digits*] | . digits) [e [+-] digits]
 *
 * A number is held as mantissa x 10^exponent. Up to 15 digits, often 16, the mantissa is exact in a double, and with an exponent between
 * -22 and 22 one multiplication or division gives the double nearest to the text (both operands are exact, so the
 * result is rounded once). Longer numbers are rare, and go through JavaScript's own conversion.
 */

/** What the text of a number looks like. */
export const NumberForm = { none: 0, integer: 1, decimal: 2, double: 3 } as const;
export type NumberForm = (typeof NumberForm)[keyof typeof NumberForm];

const POWERS_OF_TEN = Float64Array.from({ length: 23 }, (_, exponent) => 10 ** exponent);
const EXACT_POWER_MAX = 22;
/** Digits that always fit a double's 53 bits; one more fits while the mantissa stays below 2^53. */
const EXACT_DIGITS = 15;
/** Behind this an exponent is zero or infinity for any mantissa we can be sent. */
const EXPONENT_LIMIT = 1_000_000_000;

const MINUS = 0x2d;
const PLUS = 0x2b;
const POINT = 0x2e;
const ZERO = 0x30;
const LETTER_E = 0x65;

/** The number read last; one instance is kept and overwritten. */
export class NumberScan {
  form: NumberForm = NumberForm.none;
  isNegative = false;
  /** The digits as one integer, without sign; exact only if `isExact`. */
  mantissa = 0;
  isExact = true;
  exponent = 0;
  start = 0;
  /** Behind the last byte of the number. */
  end = 0;

  /** Reads the number at buf[start..end); `form` is none and `end` = `start` when there is none. */
  read(buf: Uint8Array, start: number, end: number): void {
    let at = start;
    let byte = at < end ? buf[at]! : 0;
    this.isNegative = byte === MINUS;
    if (byte === MINUS || byte === PLUS) {
      at += 1;
    }
    let mantissa = 0;
    let significant = 0;
    let digits = 0;
    let scale = 0;
    let form: NumberForm = NumberForm.integer;
    for (; at < end; at += 1) {
      byte = buf[at]!;
      const digit = byte - ZERO;
      if (digit >= 0 && digit <= 9) {
        digits += 1;
        scale += form === NumberForm.decimal ? 1 : 0;
        mantissa = mantissa * 10 + digit;
        if (mantissa > 0) significant += 1;
      } else if (byte === POINT && form === NumberForm.integer) {
        form = NumberForm.decimal;
      } else {
        break;
      }
    }
    this.start = start;
    this.exponent = -scale;
    if (digits === 0) {
      this.form = NumberForm.none;
      this.end = start;
      return;
    }
    this.form = form;
    this.mantissa = mantissa;
    this.isExact =
      significant <= EXACT_DIGITS ||
      (significant === EXACT_DIGITS + 1 && mantissa <= Number.MAX_SAFE_INTEGER);
    this.end = at;
    if (at < end && (buf[at]! | 0x20) === LETTER_E) {
      this.#readExponent(buf, at + 1, end);
    }
  }

  #readExponent(buf: Uint8Array, start: number, end: number): void {
    let at = start;
    const sign = at < end ? buf[at]! : 0;
    if (sign === MINUS || sign === PLUS) {
      at += 1;
    }
    const first = at;
    let exponent = 0;
    for (; at < end; at += 1) {
      const digit = buf[at]! - ZERO;
      if (!(digit >= 0 && digit <= 9)) {
        break;
      }
      exponent = Math.min(exponent * 10 + digit, EXPONENT_LIMIT);
    }
    if (at > first) {
      this.form = NumberForm.double;
      this.exponent += sign === MINUS ? -exponent : exponent;
      this.end = at;
    }
  }

  /** The double nearest to the number; Infinity beyond the range. `buf` is what it was read from. */
  toDouble(buf: Uint8Array): number {
    const { mantissa, exponent } = this;
    let value: number;
    if (this.isExact && exponent >= -EXACT_POWER_MAX && exponent <= EXACT_POWER_MAX) {
      value =
        exponent < 0 ? mantissa / POWERS_OF_TEN[-exponent]! : mantissa * POWERS_OF_TEN[exponent]!;
    } else {
      return Number(asciiText(buf, this.start, this.end));
    }
    return this.isNegative ? -value : value;
  }

  /** True when `toRoundedInteger` can tell. */
  get roundsExactly(): boolean {
    return this.isExact && this.exponent <= 0 && this.exponent >= -EXACT_POWER_MAX;
  }

  /** The number rounded to an integer, halves away from zero; exact. Only if `roundsExactly`. */
  toRoundedInteger(): number {
    const { mantissa, exponent } = this;
    if (exponent === 0) {
      return this.isNegative ? 0 - mantissa : mantissa;
    }
    const divisor = POWERS_OF_TEN[-exponent]!;
    let whole = Math.floor(mantissa / divisor);
    // The quotient may be rounded up to the next integer: the remainder tells.
    if (whole * divisor > mantissa) whole -= 1;
    if ((mantissa - whole * divisor) * 2 >= divisor) whole += 1;
    return this.isNegative ? 0 - whole : whole;
  }

  /** As `toRoundedInteger`, for numbers of any length. Null beyond 40 digits: out of every column's range. */
  toRoundedBigint(buf: Uint8Array): bigint | null {
    const text = asciiText(buf, this.start, this.end);
    const [, whole = '', fraction = ''] = /^[+-]?(\d*)\.?(\d*)/.exec(text) ?? [];
    const scale = this.exponent;
    const digits = (whole + fraction).replace(/^0+/, '');
    if (digits === '') {
      return 0n;
    }
    if (digits.length + scale > 40) {
      return null;
    }
    if (digits.length + scale < 0) {
      return 0n;
    }
    let value: bigint;
    if (scale >= 0) {
      value = BigInt(digits) * 10n ** BigInt(scale);
    } else {
      const kept = digits.slice(0, scale);
      const up = (digits.at(scale) ?? '0') >= '5' ? 1n : 0n;
      value = BigInt(kept === '' ? '0' : kept) + up;
    }
    return this.isNegative ? -value : value;
  }
}

/** Bytes that are known to be ASCII, as a string. */
export function asciiText(buf: Uint8Array, start: number, end: number): string {
  return Buffer.from(buf.buffer, buf.byteOffset + start, end - start).toString('latin1');
}
