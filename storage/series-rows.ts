/**
 * What is kept of every series of a table besides its bytes: a few 32-bit words and the time of its last row.
 *
 * A series' words lie side by side, so that looking at one series, its codes of ten tags included, costs one or two cache misses and
 * not one a tag: with a million series that is what the lookup costs. Rows lie in pages that never move once they have
 * their full size; only a table's first page begins small and doubles, because most tables have few series. So a million
 * series come without a copy that anybody has to wait for.
 */

const PAGE_SHIFT = 12;
const PAGE_ROWS = 1 << PAGE_SHIFT;
const ROW_MASK = PAGE_ROWS - 1;
const FIRST_PAGE_ROWS = 16;

export class SeriesRows {
  /** Words of a series. */
  readonly width: number;
  /** Invariant: the pages reach to `count` rows. */
  count = 0;
  readonly #pages: Uint32Array[] = [];
  /** Offsets from the table's reference base; -Infinity = it has no row. */
  readonly #lastTimes: Float64Array[] = [];
  #sizeBytes = 0;
  /** Stands for all pages of vacant ids. */
  #vacantPage: { readonly words: Uint32Array; readonly times: Float64Array } | null = null;

  constructor(width: number) {
    this.width = width;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Adds a series of zeros without a row; returns its id. */
  append(): number {
    const id = this.count;
    const page = id >>> PAGE_SHIFT;
    const row = id & ROW_MASK;
    const times = this.#lastTimes[page];
    if (times === undefined || row === times.length) this.#grow(page, row);
    this.#lastTimes[page]![row] = -Infinity;
    this.count = id + 1;
    return id;
  }

  /** Adds so many ids that no series has: zeros. Whole pages of them take no memory. */
  appendVacant(count: number): void {
    const end = this.count + count;
    while (this.count < end) {
      if ((this.count & ROW_MASK) === 0 && end - this.count >= PAGE_ROWS) {
        this.#vacantPage ??= {
          words: new Uint32Array(PAGE_ROWS * this.width),
          times: new Float64Array(PAGE_ROWS),
        };
        this.#pages.push(this.#vacantPage.words);
        this.#lastTimes.push(this.#vacantPage.times);
        this.count += PAGE_ROWS;
      } else {
        this.append();
      }
    }
  }

  get(id: number, word: number): number {
    return this.#pages[id >>> PAGE_SHIFT]![(id & ROW_MASK) * this.width + word]!;
  }

  set(id: number, word: number, value: number): void {
    this.#pages[id >>> PAGE_SHIFT]![(id & ROW_MASK) * this.width + word] = value;
  }

  /** True when the words of `id` from `word` on are `wanted[0][index]`, `wanted[1][index]` ... */
  matches(
    id: number,
    word: number,
    wanted: readonly Uint32Array[],
    count: number,
    index: number,
  ): boolean {
    const page = this.#pages[id >>> PAGE_SHIFT]!;
    const at = (id & ROW_MASK) * this.width + word;
    for (let place = 0; place < count; place++) {
      if (page[at + place] !== wanted[place]![index]) return false;
    }
    return true;
  }

  /** One word of each of `ids`. */
  gather(ids: Uint32Array, length: number, word: number, target: Uint32Array): void {
    const pages = this.#pages;
    const { width } = this;
    for (let index = 0; index < length;) {
      const page = ids[index]! >>> PAGE_SHIFT;
      index = gatherOfPage(pages[page]!, page, width, ids, index, length, word, target);
    }
  }

  /** One word of the series 0..count-1. */
  gatherFirst(count: number, word: number, target: Uint32Array): void {
    const { width } = this;
    for (let first = 0; first < count; first += PAGE_ROWS) {
      const page = this.#pages[first >>> PAGE_SHIFT]!;
      const end = Math.min(count - first, PAGE_ROWS);
      for (let row = 0, at = word; row < end; row++, at += width) target[first + row] = page[at]!;
    }
  }

  /**
   * Notes rows at..end-1 of these series; returns the first whose series may have one at its time + delta or later already, or `end`. Rows at
   * `suspected` are passed over: what is to be known of that time is known.
   */
  advanceTimes(
    series: Uint32Array,
    times: Float64Array,
    at: number,
    end: number,
    delta: number,
    suspected: number,
  ): number {
    const pages = this.#lastTimes;
    for (let row = at; row < end; row++) {
      const id = series[row]!;
      const lastTimes = pages[id >>> PAGE_SHIFT]!;
      const time = times[row]! + delta;
      if (time > lastTimes[id & ROW_MASK]!) lastTimes[id & ROW_MASK] = time;
      else if (time !== suspected) return row;
    }
    return end;
  }

  /** All series may have rows up to this time. */
  assumeLastTimes(upTo: number): void {
    for (const times of this.#lastTimes) times.fill(upTo);
  }

  /** Times as `source` has them, which has as many series. Vacant ids have none. */
  takeLastTimes(source: SeriesRows): void {
    for (const [page, times] of this.#lastTimes.entries()) {
      if (times === this.#vacantPage?.times) continue;
      times.set(source.#lastTimes[page]!.subarray(0, times.length));
    }
  }

  /** Rows that begin with these and go their own way; full pages are shared, and neither side changes what was there. */
  fork(): SeriesRows {
    const fork = new SeriesRows(this.width);
    const shared = this.count >>> PAGE_SHIFT;
    for (let page = 0; page < this.#pages.length; page++) {
      const isShared = page < shared;
      fork.#pages.push(isShared ? this.#pages[page]! : this.#pages[page]!.slice());
      fork.#lastTimes.push(isShared ? this.#lastTimes[page]! : this.#lastTimes[page]!.slice());
    }
    fork.count = this.count;
    return fork;
  }

  #grow(page: number, row: number): void {
    const rows = page === 0 ? Math.max(FIRST_PAGE_ROWS, row * 2) : PAGE_ROWS;
    const words = new Uint32Array(rows * this.width);
    const times = new Float64Array(rows);
    if (row > 0) {
      words.set(this.#pages[page]!);
      times.set(this.#lastTimes[page]!);
    }
    this.#pages[page] = words;
    this.#lastTimes[page] = times;
    this.#sizeBytes += (rows - row) * (this.width * 4 + 8);
  }
}

/** Those of `ids` from `start` on that lie in this page, up to the first that does not; returns that one's place. */
function gatherOfPage(
  words: Uint32Array,
  page: number,
  width: number,
  ids: Uint32Array,
  start: number,
  end: number,
  word: number,
  target: Uint32Array,
): number {
  let index = start;
  for (; index < end; index++) {
    const id = ids[index]!;
    if (id >>> PAGE_SHIFT !== page) break;
    target[index] = words[(id & ROW_MASK) * width + word]!;
  }
  return index;
}
