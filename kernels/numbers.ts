/**
 * Loops over the doubles of one column, up to VALUES_MAX a call.
 *
 * Memory: 0 results, INPUT the values, OUTPUT what is made of them.
 */

/** Values that a call takes. */
export const VALUES_MAX: i32 = 8192;
/** Where results of a call are: doubles, as each function says. */
export const RESULTS: usize = 0;
/** Where the values are. */
export const INPUT: usize = 1024;
/** Where values or bytes that a call makes are. */
export const OUTPUT: usize = 1024 + 8192 * 8 + 64;

const MINUS_ZERO: i64 = i64.MIN_VALUE;
/** Steps between looks at whether a value is no integer. */
const LOOK_STEPS: i32 = 32;

/**
 * Looks at `count` values, at least one. False when one is no integer, or -0; else the results are
 *
 *   0 least, 1 greatest, 2 sum in row order, beginning with `sum`, 3 neighbours that differ
 */
export function scanIntegers(count: i32, sum: f64): bool {
  const last = INPUT + ((<usize>count - 1) << 3);
  const minusZero = i64x2.splat(MINUS_ZERO);
  let before = v128.load64_splat(INPUT);
  let least = before;
  let greatest = before;
  let bad = i64x2.splat(0);
  let changes = i64x2.splat(0);
  let at = INPUT;
  while (at < last) {
    const end = min(last, at + (LOOK_STEPS << 4));
    for (; at < end; at += 16) {
      const values = v128.load(at);
      bad = v128.or(
        bad,
        v128.or(f64x2.ne(f64x2.floor(values), values), i64x2.eq(values, minusZero)),
      );
      least = f64x2.pmin(least, values);
      greatest = f64x2.pmax(greatest, values);
      changes = i64x2.sub(changes, f64x2.ne(v128.shuffle<f64>(before, values, 1, 2), values));
      before = values;
    }
    if (v128.any_true(bad)) return false;
  }
  let low = min(f64x2.extract_lane(least, 0), f64x2.extract_lane(least, 1));
  let high = max(f64x2.extract_lane(greatest, 0), f64x2.extract_lane(greatest, 1));
  let differ = i64x2.extract_lane(changes, 0) + i64x2.extract_lane(changes, 1);
  if (at === last) {
    const value = load<f64>(last);
    if (floor(value) !== value || reinterpret<i64>(value) === MINUS_ZERO) return false;
    low = min(low, value);
    high = max(high, value);
    differ += i64(value !== f64x2.extract_lane(before, 1));
  }
  store<f64>(RESULTS, low);
  store<f64>(RESULTS, high, 8);
  store<f64>(RESULTS, sumOf(count, sum, low, high), 16);
  store<f64>(RESULTS, <f64>differ, 24);
  return true;
}

/** Adding doubles in another order gives the same sum only while all partial sums are exact. */
function sumOf(count: i32, sum: f64, low: f64, high: f64): f64 {
  const end = INPUT + ((<usize>count) << 3);
  let at = INPUT;
  let total = sum;
  if (abs(sum) + max(abs(low), abs(high)) * <f64>count < <f64>f64.MAX_SAFE_INTEGER) {
    let sums = f64x2.splat(0);
    for (; at + 16 <= end; at += 16) sums = f64x2.add(sums, v128.load(at));
    total += f64x2.extract_lane(sums, 0) + f64x2.extract_lane(sums, 1);
  }
  for (; at < end; at += 8) total += load<f64>(at);
  return total;
}
