/**
 * Numbers some of many ids 0, 1, 2 ... in the order in which they turn up, over and over again.
 *
 * Starting anew costs nothing: the entries of an earlier round are below the base of the present one. Only when 32 bits are used up
 * is the array wiped.
 *
 * Ids from 0 on have an entry each. Negative ones, of which there may be many more than turn up in a round, share a hash table that is as large
 * as a round needs: neighbours among them lie side by side there.
 */

const BASE_MAX = 2 ** 32 - 2 ** 26;
const SPARSE_MIN = 256;

export class Renumbering {
  /** By id: base + number, or less when the id did not turn up in this round. */
  #entries = new Uint32Array(64);
  /** Pairs of a negative id, inverted, and its entry; a power of two of them, half of them used at most. Empty until there is one. */
  #sparse = new Uint32Array(0);
  #sparseCount = 0;
  #base = 1;
  readonly #baseMax: number;
  /** Ids that turned up so far. */
  count = 0;

  /** `baseMax`: where the array is wiped. */
  constructor(baseMax = BASE_MAX) {
    this.#baseMax = baseMax;
  }

  get sizeBytes(): number {
    return (this.#entries.length + this.#sparse.length) * Uint32Array.BYTES_PER_ELEMENT;
  }

  /** Begins a new round. */
  clear(): void {
    this.#base += this.count;
    this.count = 0;
    this.#sparseCount = 0;
    if (this.#base > this.#baseMax) {
      this.#entries.fill(0);
      this.#sparse.fill(0);
      this.#base = 1;
    }
  }

  /** The id's number; when it turns up for the first time this is the old `count`. Fewer than 2^26 ids a round. */
  numberOf(id: number): number {
    if (id < 0) return this.#sparseNumberOf(~id);
    if (id >= this.#entries.length) this.#grow(id);
    const entry = this.#entries[id]!;
    if (entry >= this.#base) return entry - this.#base;
    const number = this.count;
    this.#entries[id] = this.#base + number;
    this.count = number + 1;
    return number;
  }

  /**
   * Into `numbers`, from `at` on, go those of the first `count` of `ids`, none of which is negative; idOf[number] becomes the id of each that
   * turns up for the first time. Requires: there is room for as many more ids in `idOf`.
   */
  numbersOf(
    ids: Int32Array,
    count: number,
    numbers: Float64Array,
    at: number,
    idOf: Int32Array,
  ): void {
    const base = this.#base;
    let entries = this.#entries;
    let known = this.count;
    for (let from = 0; from < count; from++) {
      const id = ids[from]!;
      if (id >= entries.length) {
        this.#grow(id);
        entries = this.#entries;
      }
      let number = entries[id]! - base;
      if (number < 0) {
        number = known++;
        entries[id] = base + number;
        idOf[number] = id;
      }
      numbers[at + from] = number;
    }
    this.count = known;
  }

  /** The ids of this round in ascending order, and each number's place in that order. All ids are from 0 to below `idLimit`. */
  rank(idLimit: number, ids: Int32Array, placeOf: Uint32Array): void {
    const end = Math.min(idLimit, this.#entries.length);
    let place = 0;
    for (let id = 0; id < end; id++) {
      const entry = this.#entries[id]!;
      if (entry < this.#base) continue;
      ids[place] = id;
      placeOf[entry - this.#base] = place++;
    }
  }

  #sparseNumberOf(key: number): number {
    if (this.#sparseCount * 4 >= this.#sparse.length) this.#growSparse();
    const sparse = this.#sparse;
    const last = sparse.length - 2;
    for (let at = (key << 1) & last; ; at = (at + 2) & last) {
      const entry = sparse[at + 1]!;
      if (entry >= this.#base) {
        if (sparse[at] === key) return entry - this.#base;
        continue;
      }
      const number = this.count;
      sparse[at] = key;
      sparse[at + 1] = this.#base + number;
      this.#sparseCount += 1;
      this.count = number + 1;
      return number;
    }
  }

  #growSparse(): void {
    const old = this.#sparse;
    const sparse = new Uint32Array(Math.max(SPARSE_MIN * 2, old.length * 2));
    const last = sparse.length - 2;
    for (let from = 0; from < old.length; from += 2) {
      if (old[from + 1]! < this.#base) continue;
      let at = (old[from]! << 1) & last;
      while (sparse[at + 1] !== 0) at = (at + 2) & last;
      sparse[at] = old[from]!;
      sparse[at + 1] = old[from + 1]!;
    }
    this.#sparse = sparse;
  }

  #grow(id: number): void {
    let size = this.#entries.length * 2;
    while (size <= id) size *= 2;
    const entries = new Uint32Array(size);
    entries.set(this.#entries);
    this.#entries = entries;
  }
}
