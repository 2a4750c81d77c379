/**
 * Exact decimals as (unscaled bigint, scale): value = unscaled / 10^scale. Limits as MySQL: 65 digits, scale 30.
 * Rounding is half away from zero.
 */

export const DECIMAL_DIGITS_MAX = 65;
export const DECIMAL_SCALE_MAX = 30;

const POWERS: bigint[] = [1n];

export function powerOfTen(exponent: number): bigint {
  for (let i = POWERS.length; i <= exponent; i++) POWERS.push(POWERS[i - 1]! * 10n);
  return POWERS[exponent]!;
}

/** Quotient rounded half away from zero. Requires: divisor is not zero. */
export function divideRounded(dividend: bigint, divisor: bigint): bigint {
  const isNegative = dividend < 0n !== divisor < 0n;
  const a = dividend < 0n ? -dividend : dividend;
  const b = divisor < 0n ? -divisor : divisor;
  const quotient = (a * 2n + b) / (b * 2n);
  return isNegative ? -quotient : quotient;
}

/** The unscaled value at another scale, rounded where digits are lost. */
export function rescale(unscaled: bigint, from: number, to: number): bigint {
  if (from === to) return unscaled;
  if (from < to) return unscaled * powerOfTen(to - from);
  return divideRounded(unscaled, powerOfTen(from - to));
}

export interface Decimal {
  readonly unscaled: bigint;
  readonly scale: number;
}

/** How much of a text was a number. */
export interface ParsedDecimal extends Decimal {
  /** False when something other than spaces follows the number, or there is none. */
  readonly whole: boolean;
}

const NUMBER_PREFIX = /^\s*([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,5}))?/;

/** The number that a text begins with; 0 when it begins with none. Digits past scale 30 are rounded away. */
export function parseDecimal(text: string): ParsedDecimal {
  const match = NUMBER_PREFIX.exec(text);
  const whole = match?.[2] ?? '';
  const fraction = match?.[3] ?? '';
  if (match === null || whole.length + fraction.length === 0) {
    return { unscaled: 0n, scale: 0, whole: false };
  }
  const digits = BigInt(whole + fraction);
  let unscaled = match[1] === '-' ? -digits : digits;
  let scale = fraction.length - Number(match[4] ?? 0);
  if (scale < 0) {
    unscaled *= powerOfTen(Math.min(-scale, 200));
    scale = 0;
  }
  if (scale > DECIMAL_SCALE_MAX) {
    const excess = scale - DECIMAL_SCALE_MAX;
    unscaled = excess > 400 ? 0n : divideRounded(unscaled, powerOfTen(excess));
    scale = DECIMAL_SCALE_MAX;
  }
  return { unscaled, scale, whole: text.slice(match[0].length).trim() === '' };
}

/** `-12.50`: always `scale` digits after the point. */
export function formatDecimal(unscaled: bigint, scale: number): string {
  if (scale === 0) return unscaled.toString();
  const isNegative = unscaled < 0n;
  const digits = (isNegative ? -unscaled : unscaled).toString().padStart(scale + 1, '0');
  const point = digits.length - scale;
  return `${isNegative ? '-' : ''}${digits.slice(0, point)}.${digits.slice(point)}`;
}

/** Nearest double. */
export function decimalToDouble(unscaled: bigint, scale: number): number {
  if (scale <= 22 && unscaled <= 9_007_199_254_740_991n && unscaled >= -9_007_199_254_740_991n) {
    return Number(unscaled) / Number(powerOfTen(scale));
  }
  return Number(formatDecimal(unscaled, scale));
}

/** Digits before and after the point that hold this value. */
export function decimalPrecision(unscaled: bigint, scale: number): number {
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().length;
  return Math.max(digits, scale, 1);
}
