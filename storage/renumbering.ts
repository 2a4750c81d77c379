/**
 * Numbers some of many ids 0, 1, 2 ... in the order in which they turn up, over and over again.
 *
 * Starting anew costs nothing: the entries of an earlier round are below the base of the present one. Only when 32 bits are used up
 * is the array wiped.
 */

const BASE_MAX = 2 ** 32 - 2 ** 26;

export class Renumbering {
  /** By id: base + number, or less when the id did not turn up in this round. */
  #entries = new Uint32Array(64);
  #base = 1;
  readonly #baseMax: number;
  /** Ids that turned up so far. */
  count = 0;

  /** `baseMax`: where the array is wiped. */
  constructor(baseMax = BASE_MAX) {
    this.#baseMax = baseMax;
  }

  get sizeBytes(): number {
    return this.#entries.byteLength;
  }

  /** Begins a new round. */
  clear(): void {
    this.#base += this.count;
    this.count = 0;
    if (this.#base > this.#baseMax) {
      this.#entries.fill(0);
      this.#base = 1;
    }
  }

  /** The id's number; when it turns up for the first time this is the old `count`. Fewer than 2^26 ids a round. */
  numberOf(id: number): number {
    if (id >= this.#entries.length) this.#grow(id);
    const entry = this.#entries[id]!;
    if (entry >= this.#base) return entry - this.#base;
    const number = this.count;
    this.#entries[id] = this.#base + number;
    this.count = number + 1;
    return number;
  }

  /** The ids of this round in ascending order, and each number's place in that order. All ids are below `idLimit`. */
  rank(idLimit: number, ids: Uint32Array, placeOf: Uint32Array): void {
    const end = Math.min(idLimit, this.#entries.length);
    let place = 0;
    for (let id = 0; id < end; id++) {
      const entry = this.#entries[id]!;
      if (entry < this.#base) continue;
      ids[place] = id;
      placeOf[entry - this.#base] = place++;
    }
  }

  #grow(id: number): void {
    let size = this.#entries.length * 2;
    while (size <= id) size *= 2;
    const entries = new Uint32Array(size);
    entries.set(this.#entries);
    this.#entries = entries;
  }
}
