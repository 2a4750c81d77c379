/**
 * Distinct numbers and the number of each value among them. For columns that hold few: versions are one a batch, distances are those of
 * the routes. Numbers are told apart by their bits, so that 0 and -0, and any NaN, come back as they were.
 */

/** More distinct numbers than this gain nothing over their packed form. */
const ENTRIES_MAX = 4096;
const SLOTS = 2 * ENTRIES_MAX;
const SAMPLE = 512;

// Encoding is synchronous, so its working memory can be shared. A slot holds entry + 1; 0 = free.
const slots = new Uint16Array(SLOTS);
const slotOfEntry = new Uint16Array(ENTRIES_MAX);
const entryValues = new Float64Array(ENTRIES_MAX);
const entryBits = new Int32Array(entryValues.buffer);
const rankOf = new Uint16Array(ENTRIES_MAX);
let codes = new Float64Array(8192);

export interface NumberDictionary {
  readonly entries: Float64Array;
  readonly entryCount: number;
  readonly codes: Float64Array;
}

/**
 * The dictionary of the first `count` values, its entries rising where all are integers; null when there are more than `entriesMax` or, by
 * a sample, far too many. Good until the next call.
 */
export function buildNumberDictionary(
  values: Float64Array,
  count: number,
  entriesMax: number,
  areIntegers: boolean,
): NumberDictionary | null {
  if (codes.length < count) codes = new Float64Array(count);
  if (count > 4 * SAMPLE) {
    // Spread out, because neighbours of one series may all differ while the series repeat each other.
    const step = Math.floor(count / SAMPLE);
    const distinct = addValues(values, step * SAMPLE, step, (SAMPLE * 3) / 4);
    forget(distinct);
    if (distinct > (SAMPLE * 3) / 4) return null;
  }
  const limit = Math.min(entriesMax, ENTRIES_MAX - 1);
  const entryCount = addValues(values, count, 1, limit);
  if (entryCount <= limit && areIntegers) sortEntries(entryCount, count);
  forget(entryCount);
  if (entryCount > limit) return null;
  return { entries: entryValues, entryCount, codes };
}

/** Numbers every `step`th value; stops when there are more than `limit` distinct ones. Returns how many there are. */
function addValues(values: Float64Array, count: number, step: number, limit: number): number {
  const bits = new Int32Array(values.buffer, values.byteOffset, values.length * 2);
  let entryCount = 0;
  let entry = -1;
  let low = 0;
  let high = 0;
  for (let index = 0; index < count && entryCount <= limit; index += step) {
    if (entry === -1 || low !== bits[2 * index] || high !== bits[2 * index + 1]) {
      low = bits[2 * index]!;
      high = bits[2 * index + 1]!;
      const slot = slotOf(low, high);
      entry = slots[slot]! - 1;
      if (entry === -1) {
        entry = entryCount++;
        slots[slot] = entry + 1;
        slotOfEntry[entry] = slot;
        entryBits[2 * entry] = low;
        entryBits[2 * entry + 1] = high;
      }
    }
    codes[index] = entry;
  }
  return entryCount;
}

/** The slot that has these bits, or the free one where they go. */
function slotOf(low: number, high: number): number {
  const mixed = Math.imul(low ^ Math.imul(high, 0x85ebca6b), 0x9e3779b1);
  let slot = (mixed ^ (mixed >>> 15)) & (SLOTS - 1);
  for (;;) {
    const entry = slots[slot]! - 1;
    if (entry === -1) return slot;
    if (entryBits[2 * entry] === low && entryBits[2 * entry + 1] === high) return slot;
    slot = (slot + 1) & (SLOTS - 1);
  }
}

/** Puts the entries in rising order: codes of rising values then rise too, and their differences are small. */
function sortEntries(entryCount: number, count: number): void {
  const sorted = entryValues.slice(0, entryCount).sort();
  const bits = new Int32Array(sorted.buffer);
  for (let rank = 0; rank < entryCount; rank++) {
    rankOf[slots[slotOf(bits[2 * rank]!, bits[2 * rank + 1]!)]! - 1] = rank;
  }
  entryValues.set(sorted);
  for (let index = 0; index < count; index++) codes[index] = rankOf[codes[index]!]!;
}

function forget(entryCount: number): void {
  for (let entry = 0; entry < entryCount; entry++) slots[slotOfEntry[entry]!] = 0;
}
