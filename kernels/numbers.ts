/**
 * Loops over the doubles of one column, up to VALUES_MAX a call.
 *
 * Memory: RESULTS what a call finds out, DIGITS constants, BYTES bytes between two steps of a call, then columns of VALUES_MAX doubles each, with room
 * behind them: a loop reads and writes whole steps, and what is behind the last value means nothing. Columns are the caller's; `from` is
 * where the values are and `to` where something is made of them, each at the start of a value.
 */

/** Values that a column holds: whole bytes of digits of every radix (2 to 5 or 8 a byte), and the rows of a block. */
export const VALUES_MAX: i32 = 120 * 69;
/** Where results of a call are: doubles, as each function says. */
export const RESULTS: usize = 0;
/** From one column to the next. */
export const COLUMN_BYTES: usize = (120 * 69 + 16) * 8;
/** Where the first is. */
export const COLUMNS: usize = 64 * 1024;

/** By radix, 2 KiB each. */
const DIGITS: usize = 1024;
const RADIX_MAX: u32 = 16;
const BYTES: usize = 40 * 1024;

/** Added to an integer below 2^32, it makes the low half of the double that integer. */
const TWO_POW_52: f64 = 4503599627370496.0;
/** Sums of up to four smaller integers are exact. */
const EXACT_DIFFERENCE: f64 = 2251799813685248.0;
/** Bytes of values between looks at whether one is no integer. */
const LOOK_BYTES: usize = 512;

/**
 * Looks at `count` values, at least one. False when one is no integer, or -0; else the results are
 *
 *   0 least, 1 greatest, 2 sum in row order, beginning with `sum`, 3 neighbours that differ
 *
 * Two values have a minimum of their own, the next two another: one alone would wait for itself.
 */
export function scanIntegers(from: usize, count: i32, sum: f64): bool {
  const end = from + ((<usize>count) << 3);
  const zero = f64x2.splat(0);
  const first = load<f64>(from);
  let least = f64x2.splat(first);
  let bad = oddness(least);
  if (v128.any_true(bad)) return false;
  let least2 = least;
  let greatest = least;
  let greatest2 = least;
  let sums = zero;
  let sums2 = zero;
  let changes = zero;
  let changes2 = zero;
  // From the second value on, because each is compared with the one before.
  let at = from + 8;
  while (at + 32 <= end) {
    const pause = min(end, at + LOOK_BYTES);
    for (; at + 32 <= pause; at += 32) {
      const values = v128.load(at);
      const values2 = v128.load(at, 16);
      bad = v128.or(bad, v128.or(oddness(values), oddness(values2)));
      least = f64x2.pmin(least, values);
      least2 = f64x2.pmin(least2, values2);
      greatest = f64x2.pmax(greatest, values);
      greatest2 = f64x2.pmax(greatest2, values2);
      sums = f64x2.add(sums, values);
      sums2 = f64x2.add(sums2, values2);
      changes = i64x2.sub(changes, f64x2.ne(v128.load(at - 8), values));
      changes2 = i64x2.sub(changes2, f64x2.ne(v128.load(at + 8), values2));
    }
    if (v128.any_true(bad)) return false;
  }
  least = f64x2.pmin(least, least2);
  greatest = f64x2.pmax(greatest, greatest2);
  changes = i64x2.add(changes, changes2);
  sums = f64x2.add(sums, sums2);
  let low = min(f64x2.extract_lane(least, 0), f64x2.extract_lane(least, 1));
  let high = max(f64x2.extract_lane(greatest, 0), f64x2.extract_lane(greatest, 1));
  let differ = i64x2.extract_lane(changes, 0) + i64x2.extract_lane(changes, 1);
  let total = first + (f64x2.extract_lane(sums, 0) + f64x2.extract_lane(sums, 1));
  for (; at < end; at += 8) {
    const value = load<f64>(at);
    bad = v128.or(bad, oddness(f64x2.splat(value)));
    low = min(low, value);
    high = max(high, value);
    total += value;
    differ += i64(load<f64>(at - 8) !== value);
  }
  // Of NaN nothing above tells, but their sum is none.
  if (v128.any_true(bad) || total !== total) return false;
  // Adding in another order gives the same sum only while all partial sums are exact.
  if (abs(sum) + max(abs(low), abs(high)) * <f64>count < <f64>f64.MAX_SAFE_INTEGER) {
    total += sum;
  } else {
    total = sum;
    for (at = from; at < end; at += 8) total += load<f64>(at);
  }
  store<f64>(RESULTS, low);
  store<f64>(RESULTS, high, 8);
  store<f64>(RESULTS, total, 16);
  store<f64>(RESULTS, <f64>differ, 24);
  return true;
}

/** Bits that are 0 of an integer that is not -0: rounding down and adding 0 changes nothing of it. */
function oddness(values: v128): v128 {
  return v128.xor(f64x2.add(f64x2.floor(values), f64x2.splat(0)), values);
}

/**
 * Looks at `count` values of any kind, at least one. Returns 1 when all that are not NaN are exactly floats, plus 2 when one is NaN. The
 * results are those of `scanIntegers`; NaN is neither least nor greatest, and neighbours are compared as `splitRuns` does. Of zeros of
 * both signs the first counts.
 */
export function scanReals(from: usize, count: i32, sum: f64): i32 {
  const end = from + ((<usize>count) << 3);
  let before = v128.load64_splat(from);
  let least = f64x2.splat(Infinity);
  let greatest = f64x2.splat(-Infinity);
  let notFloat = f64x2.splat(0);
  let nan = notFloat;
  let changes = notFloat;
  let total = sum;
  for (let at = from; at < end; at += 16) {
    const isPair = at + 16 <= end;
    // The last one stands in for a second, which changes nothing.
    const values = isPair ? v128.load(at) : v128.load64_splat(at);
    const areNaN = f64x2.ne(values, values);
    const floats = f64x2.promote_low_f32x4(f32x4.demote_f64x2_zero(values));
    nan = v128.or(nan, areNaN);
    notFloat = v128.or(notFloat, v128.andnot(f64x2.ne(floats, values), areNaN));
    least = f64x2.pmin(least, values);
    greatest = f64x2.pmax(greatest, values);
    changes = i64x2.sub(changes, changed(v128.shuffle<f64>(before, values, 1, 2), values));
    total += f64x2.extract_lane(values, 0);
    if (isPair) total += f64x2.extract_lane(values, 1);
    before = values;
  }
  let low = f64x2.extract_lane(f64x2.pmin(least, v128.shuffle<f64>(least, least, 1, 0)), 0);
  let high = f64x2.extract_lane(
    f64x2.pmax(greatest, v128.shuffle<f64>(greatest, greatest, 1, 0)),
    0,
  );
  if (low === 0) low = firstZero(from);
  if (high === 0) high = firstZero(from);
  store<f64>(RESULTS, low);
  store<f64>(RESULTS, high, 8);
  store<f64>(RESULTS, total, 16);
  const differ = i64x2.extract_lane(changes, 0) + i64x2.extract_lane(changes, 1);
  store<f64>(RESULTS, <f64>differ, 24);
  return i32(!v128.any_true(notFloat)) | (i32(v128.any_true(nan)) << 1);
}

/** Requires: there is one. */
function firstZero(from: usize): f64 {
  let at = from;
  while (load<f64>(at) !== 0) at += 8;
  return load<f64>(at);
}

/** The least and the greatest of `count` values, at least one and none NaN: results 0 and 1. */
export function extremes(from: usize, count: i32): void {
  const end = from + ((<usize>count) << 3);
  let least = v128.load64_splat(from);
  let greatest = least;
  let least2 = least;
  let greatest2 = least;
  let at = from;
  for (; at + 32 <= end; at += 32) {
    const values = v128.load(at);
    const values2 = v128.load(at, 16);
    least = f64x2.pmin(least, values);
    least2 = f64x2.pmin(least2, values2);
    greatest = f64x2.pmax(greatest, values);
    greatest2 = f64x2.pmax(greatest2, values2);
  }
  for (; at < end; at += 8) {
    const value = v128.load64_splat(at);
    least = f64x2.pmin(least, value);
    greatest = f64x2.pmax(greatest, value);
  }
  least = f64x2.pmin(least, least2);
  greatest = f64x2.pmax(greatest, greatest2);
  store<f64>(RESULTS, min(f64x2.extract_lane(least, 0), f64x2.extract_lane(least, 1)));
  store<f64>(RESULTS, max(f64x2.extract_lane(greatest, 0), f64x2.extract_lane(greatest, 1)), 8);
}

/** Makes `width` bytes, 1, 2 or 4, of what each value is above `base`, little endian. */
export function pack(from: usize, to: usize, count: i32, base: f64, width: i32): void {
  if (width === 1) {
    narrow(from, to, count, base);
    return;
  }
  const bases = f64x2.splat(base);
  const end = from + ((<usize>count) << 3);
  let target = to;
  if (width === 2) {
    for (let at = from; at < end; at += 64, target += 16) {
      v128.store(target, i16x8.narrow_i32x4_u(rests(at, bases), rests(at + 32, bases)));
    }
  } else {
    for (let at = from; at < end; at += 32, target += 16) v128.store(target, rests(at, bases));
  }
}

/**
 * Makes bytes of `digits` digits of base `radix` each, 2 to 8, the first the lowest. What digits of a byte may reach fits the byte, so
 * one multiplication by all powers of the radix adds them up, in the byte where the last digit was.
 */
export function packDigits(
  from: usize,
  to: usize,
  count: i32,
  base: f64,
  radix: i32,
  digits: i32,
): void {
  narrow(from, BYTES, count, base);
  const last = BYTES + <usize>count;
  store<u64>(last, 0);
  let powers: u64 = 0;
  for (let digit = 0, power: u64 = 1; digit < digits; digit++, power *= <u64>radix) {
    powers |= power << ((digits - 1 - digit) << 3);
  }
  const shift = (digits - 1) << 3;
  let target = to;
  for (let at = BYTES; at < last; at += <usize>digits, target++) {
    store<u8>(target, <u8>((load<u64>(at) * powers) >> shift));
  }
}

/** A byte for each value. */
function narrow(from: usize, to: usize, count: i32, base: f64): void {
  const bases = f64x2.splat(base);
  const end = from + ((<usize>count) << 3);
  let target = to;
  for (let at = from; at < end; at += 128, target += 16) {
    const low = i16x8.narrow_i32x4_u(rests(at, bases), rests(at + 32, bases));
    const high = i16x8.narrow_i32x4_u(rests(at + 64, bases), rests(at + 96, bases));
    v128.store(target, i8x16.narrow_i16x8_u(low, high));
  }
}

/** What four values are above their base. */
function rests(at: usize, bases: v128): v128 {
  const magic = f64x2.splat(TWO_POW_52);
  const first = f64x2.add(f64x2.sub(v128.load(at), bases), magic);
  const second = f64x2.add(f64x2.sub(v128.load(at, 16), bases), magic);
  return v128.shuffle<i32>(first, second, 0, 2, 4, 6);
}

/**
 * Makes the `count` - 1 differences of `count` values, at least two, none of which is NaN. Results: 0 least, 1 greatest, 2 neighbours that
 * differ.
 */
export function differences(from: usize, to: usize, count: i32): void {
  const last = from + ((<usize>count - 1) << 3);
  const first = load<f64>(from, 8) - load<f64>(from);
  store<f64>(to, first);
  let before = f64x2.splat(first);
  let least = before;
  let least2 = least;
  let greatest = least;
  let greatest2 = least;
  let changes = i64x2.splat(0);
  let changes2 = changes;
  let at = from + 8;
  let target = to + 8;
  for (; at + 32 <= last; at += 32, target += 32) {
    const values = f64x2.sub(v128.load(at, 8), v128.load(at));
    const values2 = f64x2.sub(v128.load(at, 24), v128.load(at, 16));
    v128.store(target, values);
    v128.store(target, values2, 16);
    least = f64x2.pmin(least, values);
    least2 = f64x2.pmin(least2, values2);
    greatest = f64x2.pmax(greatest, values);
    greatest2 = f64x2.pmax(greatest2, values2);
    // Not loaded from where it was just stored: the processor would wait for both stores.
    changes = i64x2.sub(changes, f64x2.ne(v128.shuffle<f64>(before, values, 1, 2), values));
    changes2 = i64x2.sub(changes2, f64x2.ne(v128.shuffle<f64>(values, values2, 1, 2), values2));
    before = values2;
  }
  least = f64x2.pmin(least, least2);
  greatest = f64x2.pmax(greatest, greatest2);
  changes = i64x2.add(changes, changes2);
  let low = min(f64x2.extract_lane(least, 0), f64x2.extract_lane(least, 1));
  let high = max(f64x2.extract_lane(greatest, 0), f64x2.extract_lane(greatest, 1));
  let differ = i64x2.extract_lane(changes, 0) + i64x2.extract_lane(changes, 1);
  for (; at < last; at += 8, target += 8) {
    const value = load<f64>(at, 8) - load<f64>(at);
    store<f64>(target, value);
    low = min(low, value);
    high = max(high, value);
    differ += i64(load<f64>(target - 8) !== value);
  }
  store<f64>(RESULTS, low);
  store<f64>(RESULTS, high, 8);
  store<f64>(RESULTS, <f64>differ, 16);
}

/**
 * Lists, as u32, which values are below `base` or above it by more than `reach`, and returns how many they are; it stops soon after
 * they are more than `most`.
 */
export function listOutside(
  from: usize,
  to: usize,
  count: i32,
  base: f64,
  reach: f64,
  most: i32,
): i32 {
  const bases = f64x2.splat(base);
  const reaches = f64x2.splat(reach);
  const end = to + ((<usize>most) << 2);
  let target = to;
  for (let index = 0; index < count && target <= end; index += 4) {
    const at = from + ((<usize>index) << 3);
    const low = outside(v128.load(at), bases, reaches);
    const high = outside(v128.load(at, 16), bases, reaches);
    if (!v128.any_true(v128.or(low, high))) continue;
    const lanes = i64x2.bitmask(low) | (i64x2.bitmask(high) << 2);
    for (let lane = index; lane < min(count, index + 4); lane++) {
      store<i32>(target, lane);
      target += (<usize>((lanes >> (lane - index)) & 1)) << 2;
    }
  }
  return <i32>((target - to) >> 2);
}

/** Which of two values are below a base or too far above it. */
function outside(values: v128, bases: v128, reaches: v128): v128 {
  const rests = f64x2.sub(values, bases);
  return v128.or(f64x2.lt(rests, f64x2.splat(0)), f64x2.gt(rests, reaches));
}

/**
 * Makes integers of decimals, `power` times as great. Returns where the first value is that is no integer by `power`, -1 when one
 * is -0, or `count`.
 */
export function scaleDecimals(from: usize, to: usize, count: i32, power: f64): i32 {
  const powers = f64x2.splat(power);
  const half = f64x2.splat(0.5);
  const one = f64x2.splat(1);
  const minusZero = f64x2.splat(-0.0);
  let minusZeros = f64x2.splat(0);
  for (let index = 0; index < count; index += 2) {
    const values = v128.load(from + ((<usize>index) << 3));
    const scaled = f64x2.mul(values, powers);
    // As JavaScript rounds: halves go up.
    const above = f64x2.ceil(scaled);
    const isBelow = f64x2.gt(f64x2.sub(above, half), scaled);
    const integers = f64x2.sub(above, v128.and(isBelow, one));
    v128.store(to + ((<usize>index) << 3), integers);
    const lanes = i64x2.bitmask(f64x2.ne(f64x2.div(integers, powers), values));
    if (lanes !== 0) {
      const odd = index + ctz(lanes);
      if (odd < count) return odd;
    }
    if (index + 1 === count) {
      if (load<i64>(from + ((<usize>index) << 3)) === i64.MIN_VALUE) return -1;
    } else {
      minusZeros = v128.or(minusZeros, i64x2.eq(values, minusZero));
    }
  }
  return v128.any_true(minusZeros) ? -1 : count;
}

/** Makes quotients of multiples of `divisor`. Returns where the first value is that is none, or `count`. */
export function divideExactly(from: usize, to: usize, count: i32, divisor: f64): i32 {
  const divisors = f64x2.splat(divisor);
  for (let index = 0; index < count; index += 2) {
    const values = v128.load(from + ((<usize>index) << 3));
    const quotients = f64x2.nearest(f64x2.div(values, divisors));
    v128.store(to + ((<usize>index) << 3), quotients);
    const lanes = i64x2.bitmask(f64x2.ne(f64x2.mul(quotients, divisors), values));
    if (lanes !== 0) return min(count, index + ctz(lanes));
  }
  return count;
}

/**
 * Splits values, at least one, into runs of equal neighbours, and returns how many these are: their values to `heads`, their lengths to
 * `lengths`. Bits are compared: 0 and -0 differ; but NaNs do not, whatever their bits.
 */
export function splitRuns(from: usize, heads: usize, lengths: usize, count: i32): i32 {
  let head = load<f64>(from);
  let run: usize = 0;
  let start = 0;
  store<f64>(heads, head);
  for (let index = 1; index < count;) {
    const end = min(count, index + 4);
    const place = from + ((<usize>index) << 3);
    if (end - index === 4) {
      const low = changed(v128.load(place - 8), v128.load(place));
      const high = changed(v128.load(place + 8), v128.load(place, 16));
      if (!v128.any_true(v128.or(low, high))) {
        index = end;
        continue;
      }
    }
    // Without a branch: runs may be as short as two values.
    for (; index < end; index++) {
      const value = load<f64>(from + ((<usize>index) << 3));
      const isNew =
        reinterpret<i64>(value) !== reinterpret<i64>(head) && (value === value || head === head);
      store<f64>(lengths + run, <f64>(index - start));
      run += (<usize>isNew) << 3;
      start = select(index, start, isNew);
      head = select(value, head, isNew);
      store<f64>(heads + run, head);
    }
  }
  store<f64>(lengths + run, <f64>(count - start));
  return <i32>(run >> 3) + 1;
}

/** Which of two values differ in their bits, unless both are NaN. */
function changed(before: v128, values: v128): v128 {
  const areNaN = v128.and(f64x2.ne(values, values), f64x2.ne(before, before));
  return v128.andnot(i64x2.ne(values, before), areNaN);
}

/** Reads rests of `width` bytes, 1, 2 or 4, above `base`. */
export function unpack(from: usize, to: usize, count: i32, base: f64, width: i32): void {
  if (width === 1) {
    widen(from, to, count, base);
    return;
  }
  const bases = f64x2.splat(base);
  const end = to + ((<usize>count) << 3);
  let at = from;
  if (width === 2) {
    for (let target = to; target < end; target += 64, at += 16) {
      const words = v128.load(at);
      storeSums(target, i32x4.extend_low_i16x8_u(words), bases);
      storeSums(target + 32, i32x4.extend_high_i16x8_u(words), bases);
    }
  } else {
    for (let target = to; target < end; target += 32, at += 16) {
      storeSums(target, v128.load(at), bases);
    }
  }
}

/** Reads what `packDigits` made. */
export function unpackDigits(
  from: usize,
  to: usize,
  count: i32,
  base: f64,
  radix: i32,
  digits: i32,
): void {
  const table = DIGITS + ((<usize>radix) << 11);
  const last = BYTES + <usize>count;
  let at = from;
  for (let target = BYTES; target < last; target += <usize>digits, at++) {
    store<u64>(target, load<u64>(table + ((<usize>load<u8>(at)) << 3)));
  }
  widen(BYTES, to, count, base);
}

/** A byte above `base` for each value. */
function widen(from: usize, to: usize, count: i32, base: f64): void {
  const bases = f64x2.splat(base);
  const end = to + ((<usize>count) << 3);
  let at = from;
  for (let target = to; target < end; target += 128, at += 16) {
    const bytes = v128.load(at);
    const low = i16x8.extend_low_i8x16_u(bytes);
    const high = i16x8.extend_high_i8x16_u(bytes);
    storeSums(target, i32x4.extend_low_i16x8_u(low), bases);
    storeSums(target + 32, i32x4.extend_high_i16x8_u(low), bases);
    storeSums(target + 64, i32x4.extend_low_i16x8_u(high), bases);
    storeSums(target + 96, i32x4.extend_high_i16x8_u(high), bases);
  }
}

/** Four rests above their base. */
function storeSums(to: usize, words: v128, bases: v128): void {
  const magic = f64x2.splat(TWO_POW_52);
  const first = v128.shuffle<i32>(words, magic, 0, 5, 1, 7);
  const second = v128.shuffle<i32>(words, magic, 2, 5, 3, 7);
  v128.store(to, f64x2.add(f64x2.sub(first, magic), bases));
  v128.store(to, f64x2.add(f64x2.sub(second, magic), bases), 16);
}

/** Replaces `count` - 1 differences by the `count` values, at least one, of which `first` is the first; all are safe integers. */
export function accumulate(from: usize, count: i32, first: f64): void {
  const end = from + ((<usize>count) << 3);
  let value = first;
  let at = from;
  if (greatestOf(from, count - 1) < EXACT_DIFFERENCE) {
    const zero = f64x2.splat(0);
    for (; at + 32 < end; at += 32) {
      const low = v128.load(at);
      const high = v128.load(at, 16);
      const values = f64x2.splat(value);
      const pair = f64x2.add(low, v128.shuffle<f64>(low, low, 1, 0));
      const upper = f64x2.add(pair, v128.shuffle<f64>(zero, high, 0, 2));
      v128.store(at, f64x2.add(values, v128.shuffle<f64>(zero, low, 0, 2)));
      v128.store(at, f64x2.add(values, upper), 16);
      value += f64x2.extract_lane(upper, 1) + f64x2.extract_lane(high, 1);
    }
  }
  for (; at < end; at += 8) {
    const difference = load<f64>(at);
    store<f64>(at, value);
    value += difference;
  }
}

/** The greatest magnitude of `count` values; 0 of none. */
function greatestOf(from: usize, count: i32): f64 {
  const end = from + ((<usize>count) << 3);
  let greatest = f64x2.splat(0);
  let at = from;
  for (; at + 16 <= end; at += 16) greatest = f64x2.pmax(greatest, f64x2.abs(v128.load(at)));
  const last = at < end ? abs(load<f64>(at)) : 0;
  return max(last, max(f64x2.extract_lane(greatest, 0), f64x2.extract_lane(greatest, 1)));
}

/** Multiplies each value by `factor`. */
export function multiply(from: usize, count: i32, factor: f64): void {
  const factors = f64x2.splat(factor);
  const end = from + ((<usize>count) << 3);
  for (let at = from; at < end; at += 16) v128.store(at, f64x2.mul(v128.load(at), factors));
}

/** Divides each value by `divisor`. */
export function divide(from: usize, count: i32, divisor: f64): void {
  const divisors = f64x2.splat(divisor);
  const end = from + ((<usize>count) << 3);
  for (let at = from; at < end; at += 16) v128.store(at, f64x2.div(v128.load(at), divisors));
}

/** For each radix and byte the digits, in a byte each. */
function makeDigits(): void {
  for (let radix: u32 = 2; radix <= RADIX_MAX; radix++) {
    for (let byte: u32 = 0; byte < 256; byte++) {
      const place = DIGITS + ((<usize>radix) << 11) + ((<usize>byte) << 3);
      let rest = byte;
      for (let digit: usize = 0; digit < 8; digit++, rest /= radix) {
        store<u8>(place + digit, <u8>(rest % radix));
      }
    }
  }
}

makeDigits();
