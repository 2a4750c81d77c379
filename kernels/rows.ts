/**
 * Rows of an INSERT that are written as the ones before them:
 *
 *   ('host_1','eu-west-1', 7,8,'2026-01-01 00:00:00',58,2),(
 *    \____ tags _________/ \_/ \_______ time ______/ \__/
 *
 * The tags of each row are the text that the caller expects, the time is that of the row before or differs from it in nothing but minutes and
 * seconds, and everything else is unsigned integers of at most DIGITS_MAX digits.
 *
 * Or nothing is expected of the tags, where there are too many to be remembered: they are texts of ASCII without quotes, integers and NULLs, and
 * what a call reads of them are the rows' tuples (storage/tag-tuple.ts).
 *
 * Memory: RESULTS, then HANDLES of the tuples that are expected, TIME the time's text, GREATEST value of each integer's column, ENDS of the rows, OUTPUT the
 * integers as doubles, column by column, and behind them seconds of the times, CHUNK the text, TAGS what each tag takes, HASHES and TUPLE_ENDS of the tuples, TUPLES, and SLOTS, each with the texts of up to HANDLES_MAX tuples: their lengths by handle, where
 * they begin behind TEXTS, and TEXTS.
 */

/** Where a call leaves the offset in the chunk behind the rows it read, and behind their commas. */
export const RESULTS: usize = 0;
/** Rows that a call takes. */
export const ROWS_MAX: i32 = 512;
export const HANDLES: usize = 1024;
export const TIME: usize = HANDLES + 4 * <usize>ROWS_MAX;
/** Bytes of a time's text, and the fewest of any text that is compared. */
export const TIME_BYTES_MAX: i32 = 64;
export const TEXT_BYTES_MIN: i32 = 8;
/** In a text 'YYYY-MM-DD hh:mm:ss..' with its quotes: where minutes and seconds are. */
const MINUTES_AT: usize = 15;
const COLON_AT: usize = 17;
const SECONDS_AT: usize = 18;
const BEHIND_SECONDS: usize = 20;
/** Integers of a row. */
export const INTEGERS_MAX: i32 = 512;
export const GREATEST: usize = TIME + <usize>TIME_BYTES_MAX;
const ENDS: usize = GREATEST + 4 * <usize>INTEGERS_MAX;
export const OUTPUT: usize = ENDS + 4 * <usize>ROWS_MAX;
/** Doubles: rows and columns may be so many. */
export const OUTPUT_CELLS: i32 = 16384;
export const CHUNK: usize = OUTPUT + 8 * <usize>OUTPUT_CELLS;
export const CHUNK_BYTES_MAX: i32 = 65536;
/** Two words a tag: a kind, perhaps with NULLABLE, and the most bytes of a text or the greatest value of an integer. */
export const TAGS: usize = CHUNK + <usize>CHUNK_BYTES_MAX + 1024;
export const TAGS_MAX: i32 = 64;
export const TEXT_TAG: u32 = 0;
export const INTEGER_TAG: u32 = 1;
export const NULLABLE: u32 = 2;
export const HASHES: usize = TAGS + 8 * <usize>TAGS_MAX;
/** Offset in TUPLES behind the tuple of each row; the first one begins there. */
export const TUPLE_ENDS: usize = HASHES + 4 * <usize>ROWS_MAX;
/** A tuple is shorter than its text; of a row that is not there as a whole, at most one cell is beyond. */
export const TUPLES: usize = TUPLE_ENDS + 4 * <usize>ROWS_MAX;
export const SLOTS: usize = TUPLES + <usize>CHUNK_BYTES_MAX + 1024;
/** Instead of a slot: tags are read, not compared. */
export const NO_SLOT: usize = 0;
export const SLOT_COUNT: i32 = 16;
export const SLOT_BYTES: i32 = 512 * 1024;
export const HANDLES_MAX: i32 = 8192;
/** In a slot: where the beginnings of the texts are, and the texts. */
export const STARTS: usize = 4 * <usize>HANDLES_MAX;
export const TEXTS: usize = 8 * <usize>HANDLES_MAX;
export const DIGITS_MAX: i32 = 8;
const VALUE_MAX: u32 = 99_999_999;

const OPEN: u8 = 0x28;
const CLOSE: u8 = 0x29;
const COMMA: u8 = 0x2c;
const ZERO: u32 = 0x30;
const COLON: u8 = 0x3a;
const QUOTE: u8 = 0x27;
const BACKSLASH: u8 = 0x5c;
/** NULL, little-endian. */
const NULL_WORD: u32 = 0x4c4c_554e;
/** Of a cell whose length field is one byte. */
const CELL_BYTES_MAX: usize = 0x7e;
/** Added to a digit gives one of the greatest ten bytes, which are above BEFORE_ZERO. */
const BEHIND_NINE: i8 = 0x7f - 0x39;
const BEFORE_ZERO: i8 = 0x7f - 10;

/** Bits of the lengths of all integers, less one each, that were read in this call. */
let digitsSeen: usize = 0;
/** Behind the tuples that were read in this call. */
let tuplesEnd: usize = TUPLES;

/**
 * Reads up to `asked` rows from `start` on in the chunk, which ends at `end`, each with the comma behind it; returns how many it read before the
 * first one that is written otherwise or is not there as a whole. Tags are the texts that `slot` has of HANDLES, or, with NO_SLOT, `tags` cells whose
 * tuples go to TUPLES. A row has `before` integers between its tags and its time,
 * and `after` behind it; those of a column are `stride` cells behind those of the column before. TIME has `seconds`;
 * in the hour that begins at `hour` minutes and seconds may be others, written as there, if that is a number.
 */
export function readRows(
  start: i32,
  end: i32,
  asked: i32,
  slot: usize,
  tags: i32,
  before: i32,
  timeLength: i32,
  after: i32,
  stride: i32,
  seconds: f64,
  hour: f64,
): i32 {
  const columnBytes = (<usize>stride) << 3;
  digitsSeen = 0;
  tuplesEnd = TUPLES;
  const rows = readTexts(
    CHUNK + <usize>start,
    CHUNK + <usize>end,
    asked,
    slot,
    tags,
    before,
    timeLength,
    after,
    columnBytes,
    seconds,
    hour,
  );
  const fitting = valuesOf(before + after, rows, columnBytes);
  store<i32>(RESULTS, fitting === 0 ? start : load<i32>(ENDS + ((<usize>fitting - 1) << 2)));
  return fitting;
}

/** Notes where each row ends, and leaves the digits of its integers in their cells, behind what counts as zeros. */
function readTexts(
  start: usize,
  stop: usize,
  asked: i32,
  slot: usize,
  tags: i32,
  before: i32,
  timeLength: i32,
  after: i32,
  columnBytes: usize,
  seconds: f64,
  hour: f64,
): i32 {
  const cellsBehind = OUTPUT + <usize>before * columnBytes;
  const times = cellsBehind + <usize>after * columnBytes;
  let ofTime = seconds;
  let at = start;
  let row = 0;
  for (; row < asked; row++) {
    if (load<u8>(at) !== OPEN) break;
    let next = at + 1;
    if (slot === NO_SLOT) {
      next = readTags(next, stop, tags);
      if (next === 0) break;
      store<u32>(TUPLE_ENDS + ((<usize>row) << 2), <u32>(tuplesEnd - TUPLES));
    } else {
      const handle = load<u32>(HANDLES + ((<usize>row) << 2));
      if (handle >= <u32>HANDLES_MAX) break;
      const ofHandle = slot + ((<usize>handle) << 2);
      const length = <usize>load<u32>(ofHandle);
      if (!isSame(next, slot + TEXTS + <usize>load<u32>(ofHandle + STARTS), length)) break;
      next += length;
    }
    const ofRow = (<usize>row) << 3;
    if (before > 0) {
      next = readIntegers(next, stop, before, OUTPUT + ofRow, columnBytes);
      if (next === 0 || load<u8>(next - 1) !== COMMA) break;
    }
    if (!isSame(next, TIME, timeLength)) {
      ofTime = hour + timeOfHour(next, timeLength);
      if (isNaN(ofTime)) break;
    }
    store<f64>(times + ofRow, ofTime);
    next += timeLength + 1;
    if (after > 0) {
      if (load<u8>(next - 1) !== COMMA) break;
      next = readIntegers(next, stop, after, cellsBehind + ofRow, columnBytes);
      if (next === 0) break;
    }
    if (load<u8>(next - 1) !== CLOSE || next >= stop || load<u8>(next) !== COMMA) break;
    at = next + 1;
    store<i32>(ENDS + ((<usize>row) << 2), <i32>(at - CHUNK));
  }
  return row;
}

/** Seconds since the hour, of a text that is as TIME but for minutes and seconds, which TIME has from then on; else NaN. */
function timeOfHour(at: usize, length: usize): f64 {
  if (!isSame(at, TIME, MINUTES_AT) || load<u8>(at + COLON_AT) !== COLON) return NaN;
  for (let place = BEHIND_SECONDS; place < length; place++) {
    if (load<u8>(at + place) !== load<u8>(TIME + place)) return NaN;
  }
  const minutes = sixty(at + MINUTES_AT);
  const seconds = sixty(at + SECONDS_AT);
  if (minutes >= 60 || seconds >= 60) return NaN;
  store<u32>(TIME + MINUTES_AT, load<u32>(at + MINUTES_AT));
  store<u8>(TIME + MINUTES_AT + 4, load<u8>(at + MINUTES_AT + 4));
  return <f64>(minutes * 60 + seconds);
}

/** What two digits say, at most 59; else 60 or more. */
function sixty(at: usize): u32 {
  const tens = <u32>load<u8>(at) - ZERO;
  const ones = <u32>load<u8>(at + 1) - ZERO;
  return tens <= 5 && ones <= 9 ? tens * 10 + ones : 60;
}

/** Appends the tuple of the row whose first tag begins at `start`; returns where the cell behind the tags begins, 0 = they are written otherwise. */
function readTags(start: usize, stop: usize, tags: i32): usize {
  let from = start;
  let to = tuplesEnd;
  let place = TAGS;
  for (let tag = 0; tag < tags; tag++, place += 8) {
    if (from >= stop) return 0;
    const kind = load<u32>(place);
    const most = load<u32>(place, 4);
    const first = load<u8>(from);
    if (first === QUOTE) {
      const length = plainLength(from + 1, to + 1);
      if ((kind & INTEGER_TAG) !== 0 || length > CELL_BYTES_MAX || length > <usize>most) return 0;
      store<u8>(to, <u8>(length + 1));
      to += length + 1;
      from += length + 1;
      if (load<u8>(from) !== QUOTE) return 0;
      from += 1;
    } else if (load<u32>(from) === NULL_WORD) {
      if ((kind & NULLABLE) === 0) return 0;
      store<u8>(to, 0);
      to += 1;
      from += 4;
    } else {
      if ((kind & INTEGER_TAG) === 0) return 0;
      let value: u32 = 0;
      let length: usize = 0;
      for (; length <= <usize>DIGITS_MAX; length++) {
        const byte = load<u8>(from + length);
        const digit = <u32>byte - ZERO;
        if (digit > 9) break;
        value = value * 10 + digit;
        store<u8>(to + 1 + length, byte);
      }
      const isCanonical = length === 1 || (length > 1 && <u32>first !== ZERO);
      if (!isCanonical || length > <usize>DIGITS_MAX || value > most) return 0;
      store<u8>(to, <u8>(length + 1));
      to += length + 1;
      from += length;
    }
    if (load<u8>(from) !== COMMA) return 0;
    from += 1;
  }
  tuplesEnd = to;
  return from;
}

/**
 * Bytes before the first one that is a quote, a backslash or above 0x7f, or more than CELL_BYTES_MAX; they are copied from `from` to `to`, with some
 * of those behind them.
 */
function plainLength(from: usize, to: usize): usize {
  for (let length: usize = 0; length <= CELL_BYTES_MAX; length += 16) {
    const bytes = v128.load(from + length);
    v128.store(to + length, bytes);
    const quotes = i8x16.eq(bytes, i8x16.splat(QUOTE));
    const backslashes = i8x16.eq(bytes, i8x16.splat(BACKSLASH));
    const others = i8x16.bitmask(v128.or(bytes, v128.or(quotes, backslashes)));
    if (others !== 0) return length + <usize>ctz(others);
  }
  return CELL_BYTES_MAX + 1;
}

/** Into HASHES go hashes of the first `count` tuples in TUPLES: those that storage/byte-hash.ts has of the same bytes. */
export function hashTuples(count: i32): void {
  let at = TUPLES;
  for (let row = 0; row < count; row++) {
    const end = TUPLES + <usize>load<u32>(TUPLE_ENDS + ((<usize>row) << 2));
    let hash = (<u32>(end - at)) ^ 0x9e3779b9;
    for (; at + 4 <= end; at += 4) {
      hash = (hash ^ load<u32>(at)) * 0x85ebca6b;
      hash ^= hash >> 15;
    }
    for (; at < end; at++) hash = (hash ^ (<u32>load<u8>(at))) * 0x01000193;
    hash ^= hash >> 16;
    hash *= 0x7feb352d;
    store<u32>(HASHES + ((<usize>row) << 2), hash ^ (hash >> 15));
  }
}

/** Offset behind the byte behind the last of `count` integers with commas between them, which begin at `start`; 0 = they are none. */
function readIntegers(
  start: usize,
  stop: usize,
  count: i32,
  cells: usize,
  columnBytes: usize,
): usize {
  let to = cells;
  let left = count;
  let from = start;
  // Of all of them: bits of the lengths less one, and of what stands behind them other than a comma.
  let lengths: usize = 0;
  let others: u32 = 0;
  while (from < stop) {
    const at = from;
    // Bit by bit, which of the next 64 bytes are no digits.
    let ends = digitsAt(at);
    ends |= digitsAt(at + 16) << 16;
    ends |= digitsAt(at + 32) << 32;
    ends |= digitsAt(at + 48) << 48;
    ends = ~ends;
    for (; ends !== 0; ends &= ends - 1) {
      const behind = at + <usize>ctz(ends);
      const shift = (from - behind) << 3;
      store<u64>(to, load<u64>(from) << (<u64>shift));
      to += columnBytes;
      lengths |= behind - from - 1;
      from = behind + 1;
      left -= 1;
      if (left === 0) {
        digitsSeen |= lengths;
        return lengths < <usize>DIGITS_MAX && others === 0 ? from : 0;
      }
      others |= (<u32>load<u8>(behind)) ^ COMMA;
    }
    if (from === at) return 0;
  }
  return 0;
}

function digitsAt(at: usize): u64 {
  const shifted = i8x16.add(v128.load(at), i8x16.splat(BEHIND_NINE));
  return <u64>i8x16.bitmask(i8x16.gt_s(shifted, i8x16.splat(BEFORE_ZERO)));
}

/**
 * What the digits in the cells say, two cells at a time: pairs, then fours, then eight of them. Returns how many rows there are before
 * the first one with a value that its column does not take.
 */
function valuesOf(columns: i32, rows: i32, columnBytes: usize): i32 {
  let fitting = rows;
  for (let column = 0; column < columns; column++) {
    const start = OUTPUT + <usize>column * columnBytes;
    const end = start + ((<usize>rows) << 3);
    if (digitsSeen < 4) {
      // In the second half of each cell: four cells at a time.
      for (let at = start; at < end; at += 32) {
        const digits = v128.shuffle<i32>(v128.load(at), v128.load(at, 16), 1, 3, 5, 7);
        const fours = foursOf(v128.and(digits, i8x16.splat(0x0f)));
        v128.store(at, f64x2.convert_low_i32x4_s(fours));
        v128.store(at, f64x2.convert_low_i32x4_s(v128.shuffle<i32>(fours, fours, 2, 3, 2, 3)), 16);
      }
    } else {
      for (let at = start; at < end; at += 16) {
        const fours = foursOf(v128.and(v128.load(at), i8x16.splat(0x0f)));
        const parts = i32x4.mul(fours, i32x4(10000, 1, 10000, 1));
        const eights = i32x4.add(parts, i64x2.shr_u(parts, 32));
        const values = v128.shuffle<i32>(eights, eights, 0, 2, 0, 2);
        v128.store(at, f64x2.convert_low_i32x4_s(values));
      }
    }
    const greatest = load<u32>(GREATEST + ((<usize>column) << 2));
    if (greatest < VALUE_MAX) fitting = rowsUpTo(<f64>greatest, start, fitting);
  }
  return fitting;
}

/** In each four bytes four digits, the first one in the first byte: what they say. */
function foursOf(digits: v128): v128 {
  const pairs = i16x8.shr_u(i16x8.mul(digits, i16x8.splat(10 * 256 + 1)), 8);
  return i32x4.dot_i16x8_s(pairs, i16x8(100, 1, 100, 1, 100, 1, 100, 1));
}

function rowsUpTo(greatest: f64, start: usize, rows: i32): i32 {
  let row = 0;
  while (row < rows && load<f64>(start + ((<usize>row) << 3)) <= greatest) row++;
  return row;
}

/** So many bytes at a time as there are of them, at most 32; the last step overlaps the one before it. */
function isSame(a: usize, b: usize, length: usize): bool {
  if (length < 16) {
    if (length < <usize>TEXT_BYTES_MIN) return false;
    const last = length - 8;
    return load<u64>(a) === load<u64>(b) && load<u64>(a + last) === load<u64>(b + last);
  }
  if (length <= 32)
    return !v128.any_true(v128.or(xor(a, b), xor(a + length - 16, b + length - 16)));
  const last = length - 32;
  for (let at: usize = 0; at < last; at += 32) {
    if (v128.any_true(v128.or(xor(a + at, b + at), xor(a + at + 16, b + at + 16)))) return false;
  }
  return !v128.any_true(v128.or(xor(a + last, b + last), xor(a + last + 16, b + last + 16)));
}

function xor(a: usize, b: usize): v128 {
  return v128.xor(v128.load(a), v128.load(b));
}
