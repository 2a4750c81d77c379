/**
 * Series of one table: canonical tag tuple -> series id 0, 1, 2 ... of this node.
 *
 * Tuples lie in pages of 1 MiB that never move, so a million series cost no large copy; the hash index grows by shards, the rest lies
 * in the pages of series-rows.ts. Ids are local to the node, persisted (an id's entry is in or before the batch that first uses
 * it), and never in a record.
 *
 * Also kept by series: the last time seen, so that a row that is newer than everything of its series is known to be a
 * new identity without looking anywhere; and which series came after it, because the next time it will probably be the same.
 */

import { ByteReader, DamagedBytesError } from './byte-reader.js';
import { copyBytes, equalBytes, hashBytes, viewOf } from './byte-hash.js';
import type { ByteWriter } from './byte-writer.js';
import { firstSlot, HashIndex, nextSlot } from './hash-index.js';
import type { StampedTombstone } from './range-tombstone.js';
import type { KnownCodes } from './series-resolver.js';
import { SeriesRows } from './series-rows.js';
import type { ColumnId, StoredColumn } from './table-schema.js';
import { cellEnd, cellStart } from './tag-tuple.js';
import { NULL_CODE, TagColumn, UNKNOWN_CODE } from './tag-column.js';

const PAGE_SHIFT = 20;
const PAGE_BYTES = 1 << PAGE_SHIFT;
const FIRST_PAGE_BYTES = 4096;
/** In the word of a tuple's length: no cell has a quote, a backslash or a byte above 0x7f. */
const PLAIN_BIT = 0x8000_0000;
const LENGTH_MASK = 0x7fff_ffff;
const QUOTE = 0x27;
const BACKSLASH = 0x5c;

/** Words of a series in its row. */
const Word = {
  /** Page and offset of its tuple. */
  address: 0,
  /** Bytes of its tuple, and PLAIN_BIT. */
  length: 1,
  /** The id + 1 that was resolved after it, 0 = none. */
  follower: 2,
  /** Of its first tag; those of the others follow. */
  firstCode: 3,
} as const;

interface TuplePage {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

export class SeriesDictionary {
  readonly tags: readonly TagColumn[];

  readonly #rows: SeriesRows;
  readonly #pages: TuplePage[] = [];
  #pageUsed = 0;
  #lastResolved = -1;
  readonly #index = new HashIndex();
  #pageBytes = 0;
  /** Ids whose series are gone: no row has them, and they are never given again. */
  #vacantIds = 0;
  /** Set by `fork`: series below `#parentCount` are found there. */
  #parent: SeriesDictionary | null = null;
  #parentCount = 0;
  readonly #masks = new WeakMap<StampedTombstone, Uint8Array>();

  private constructor(rows: SeriesRows, tags: readonly TagColumn[]) {
    this.#rows = rows;
    this.tags = tags;
  }

  static ofTags(columns: readonly StoredColumn[]): SeriesDictionary {
    const rows = new SeriesRows(Word.firstCode + columns.length);
    const tags = columns.map((column, tag) => new TagColumn(column, rows, Word.firstCode + tag));
    return new SeriesDictionary(rows, tags);
  }

  /** Ids given so far: one above the highest. */
  get count(): number {
    return this.#rows.count;
  }

  /** Series: ids that are not vacant. */
  get seriesCount(): number {
    return this.#rows.count - this.#vacantIds;
  }

  /** Memory held, arrays at their capacity. */
  get sizeBytes(): number {
    let size = this.#pageBytes + this.#index.sizeBytes + this.#rows.sizeBytes;
    for (const tag of this.tags) size += tag.sizeBytes;
    return size;
  }

  /** Bytes that so many series take on average. The memory held is counted by capacity, and would jump. */
  shareOf(count: number): number {
    return count === 0 ? 0 : Math.ceil((this.sizeBytes * count) / this.seriesCount);
  }

  /** Id of the series, -1 when there is none. */
  find(tuple: Uint8Array, start: number, end: number): number {
    const view = viewOf(tuple);
    return this.findHashed(hashBytes(view, start, end), view, start, end);
  }

  /** Id of the series whose tuple has this `hashBytes`, -1 when there is none. */
  findHashed(hash: number, tuple: DataView, start: number, end: number): number {
    if (this.#parent !== null) {
      const id = this.#parent.findHashed(hash, tuple, start, end);
      if (id !== -1 && id < this.#parentCount) return id;
    }
    const length = end - start;
    const rows = this.#rows;
    const slots = this.#index.slotsOf(hash);
    for (let slot = firstSlot(hash, slots); ; slot = nextSlot(slot, slots)) {
      const id = slots[slot + 1]! - 1;
      if (id === -1) return -1;
      if (slots[slot] !== hash || this.tupleLength(id) !== length) continue;
      const address = rows.get(id, Word.address);
      const { view } = this.#pages[address >>> PAGE_SHIFT]!;
      if (equalBytes(view, address & (PAGE_BYTES - 1), tuple, start, length)) return id;
    }
  }

  /** The series has this tuple. */
  isTuple(id: number, tuple: DataView, start: number, end: number): boolean {
    const length = end - start;
    if (this.tupleLength(id) !== length) return false;
    return equalBytes(this.tupleView(id), this.tupleStart(id), tuple, start, length);
  }

  /** Id of the series, which is created when it is new (then the id is the old `count`). */
  idOf(tuple: Uint8Array, start: number, end: number, known: KnownCodes | null = null): number {
    const view = viewOf(tuple);
    const hash = known?.hash ?? hashBytes(view, start, end);
    const found = this.findHashed(hash, view, start, end);
    if (found !== -1) return found;
    // A series that is new has no older row anywhere.
    const id = this.#rows.append();
    this.#store(id, view, start, end);
    this.#index.insert(hash, id);
    let at = start;
    let areAllPlain = true;
    for (let place = 0; place < this.tags.length; place++) {
      if (at >= end) throw new DamagedBytesError('a tag tuple has too few cells');
      const next = cellEnd(tuple, at);
      areAllPlain &&= isPlain(tuple, at, next);
      const tag = this.tags[place]!;
      const code = known === null ? UNKNOWN_CODE : known.codes[place]![known.tuple]!;
      if (tuple[at] === 0) tag.setNull(id);
      else if (code !== UNKNOWN_CODE) tag.setCode(id, code);
      else tag.set(id, tuple, cellStart(tuple, at), next);
      at = next;
    }
    if (at !== end) throw new DamagedBytesError('a tag tuple has too many cells');
    if (areAllPlain) this.#rows.set(id, Word.length, (end - start) | PLAIN_BIT);
    return id;
  }

  /** The series that is likely to be asked for next, -1 when nothing is known. */
  likelyNext(): number {
    return this.#lastResolved === -1 ? -1 : this.#rows.get(this.#lastResolved, Word.follower) - 1;
  }

  /** This series was asked for. Ids of a fork are not noted. */
  noteResolved(id: number): void {
    if (id >= this.#rows.count) return;
    if (this.#lastResolved !== -1) this.#rows.set(this.#lastResolved, Word.follower, id + 1);
    this.#lastResolved = id;
  }

  /** The series that last came after this one; as long as that is not known, the next one that was created. -1 = there is none. */
  follower(id: number): number {
    const known = this.#rows.get(id, Word.follower);
    if (known > 0) return known - 1;
    return id + 1 < this.#rows.count && !this.isVacant(id + 1) ? id + 1 : -1;
  }

  /** Notes that `next` came after `id`, or with `isWeak` only if nothing is known to. */
  follow(id: number, next: number, isWeak: boolean): void {
    const known = this.#rows.get(id, Word.follower);
    if (known === next + 1 || (isWeak && known > 0)) return;
    this.#rows.set(id, Word.follower, next + 1);
  }

  /** True when the codes of the series are `wanted[0][index]`, `wanted[1][index]` ..., one a tag. */
  hasCodes(id: number, wanted: readonly Uint32Array[], index: number): boolean {
    return this.#rows.matches(id, Word.firstCode, wanted, this.tags.length, index);
  }

  /**
   * Notes rows at..end-1, of these series and at these times, `delta` behind the table's reference base, as far as each is newer than all of
   * its series. Returns the first that may not be, or `end`. Rows at the time `suspected` are passed over, newer or not; NaN = there is none.
   */
  advanceTimes(
    series: Uint32Array,
    times: Float64Array,
    at: number,
    end: number,
    delta: number,
    suspected: number,
  ): number {
    return this.#rows.advanceTimes(series, times, at, end, delta, suspected);
  }

  /** All that is known of the series loaded so far: they may have rows up to this time. */
  assumeLastTimes(upTo: number): void {
    this.#rows.assumeLastTimes(upTo);
  }

  /** Canonical bytes of a series; valid for ever. */
  tuple(id: number): Uint8Array {
    if (this.#parent !== null && id < this.#parentCount) return this.#parent.tuple(id);
    const start = this.tupleStart(id);
    return this.#pageOf(id).bytes.subarray(start, start + this.tupleLength(id));
  }

  /** Length of the canonical bytes of a series. Not of a fork, nor are the next four. */
  tupleLength(id: number): number {
    return this.#rows.get(id, Word.length) & LENGTH_MASK;
  }

  /** No cell of the series has a quote, a backslash or a byte above 0x7f: in a text it stands as it is. */
  isPlain(id: number): boolean {
    return this.#rows.get(id, Word.length) >= PLAIN_BIT;
  }

  /** What the canonical bytes of a series lie in, from `tupleStart` on; valid for ever, except for a table's first few series. */
  tupleView(id: number): DataView {
    return this.#pageOf(id).view;
  }

  /** The same as bytes. */
  tupleBytes(id: number): Uint8Array {
    return this.#pageOf(id).bytes;
  }

  tupleStart(id: number): number {
    return this.#rows.get(id, Word.address) & (PAGE_BYTES - 1);
  }

  #pageOf(id: number): TuplePage {
    return this.#pages[this.#rows.get(id, Word.address) >>> PAGE_SHIFT]!;
  }

  tag(columnId: ColumnId): TagColumn | null {
    return this.tags.find((tag) => tag.column.id === columnId) ?? null;
  }

  /** A dictionary that begins with these series and goes its own way. */
  fork(): SeriesDictionary {
    const rows = this.#rows.fork();
    const tags = this.tags.map((tag) => tag.fork(rows));
    const fork = new SeriesDictionary(rows, tags);
    fork.#parent = this;
    fork.#parentCount = rows.count;
    fork.#vacantIds = this.#vacantIds;
    return fork;
  }

  /** An empty one for the same table. */
  successor(): SeriesDictionary {
    return SeriesDictionary.ofTags(this.tags.map(({ column }) => column));
  }

  /** Gives the next ids, up to `end`, to the series that have them in `source`; those that are vacant there are so here. */
  adopt(source: SeriesDictionary, end: number): void {
    while (this.count < end) {
      const id = this.count;
      if (source.isVacant(id)) {
        this.leaveVacant(1);
        continue;
      }
      const start = source.tupleStart(id);
      this.idOf(source.tupleBytes(id), start, start + source.tupleLength(id));
    }
  }

  /** Gives the next so many ids to nobody. */
  leaveVacant(count: number): void {
    this.#rows.appendVacant(count);
    this.#vacantIds += count;
  }

  /** Takes over when the series of `source`, which has as many ids, had their last rows. */
  takeLastTimes(source: SeriesDictionary): void {
    this.#rows.takeLastTimes(source.#rows);
  }

  /** No series has this id any more. Of tables with tags, and not of a fork. */
  isVacant(id: number): boolean {
    // A series has a cell for each tag.
    return this.#vacantIds > 0 && this.tupleLength(id) === 0;
  }

  /** Of a fork: the dictionary that it was made of has no further series yet. */
  get isForkOfAll(): boolean {
    return this.#parent !== null && this.#parent.count === this.#parentCount;
  }

  /** 1 = the tombstone's tags match, by series id; covers at least all series of now. */
  maskOf(tombstone: StampedTombstone): Uint8Array {
    const known = this.#masks.get(tombstone);
    if (known !== undefined && known.length >= this.count) return known;
    // Ids only grow, so what is known of the older series stays.
    const from = known?.length ?? 0;
    const mask = new Uint8Array(this.count);
    if (known !== undefined) mask.set(known);
    const conditions = tombstone.tags.map(({ columnId, values }) => {
      const tag = this.tag(columnId);
      const codes = new Uint8Array(tag?.distinctValues ?? 0);
      let allowsNull = false;
      for (const value of values) {
        if (value === null) allowsNull = true;
        const code = value === null || tag === null ? -1 : tag.codeOf(value);
        if (code !== -1) codes[code] = 1;
      }
      return { tag, codes, allowsNull };
    });
    for (let series = from; series < mask.length; series++) {
      let matches = 1;
      for (const { tag, codes, allowsNull } of conditions) {
        const code = tag === null ? NULL_CODE : tag.codeOrNull(series);
        const isMatch = code === NULL_CODE ? allowsNull : codes[code] === 1;
        if (!isMatch) matches = 0;
      }
      mask[series] = matches;
    }
    this.#masks.set(tombstone, mask);
    return mask;
  }

  /** Entries `from..to-1`: varint first id, varint count, (varint length, tuple)*. */
  encode(writer: ByteWriter, from: number, to: number): void {
    writer.varint(from);
    writer.varint(to - from);
    for (let id = from; id < to; id++) {
      const tuple = this.tuple(id);
      writer.varint(tuple.length);
      writer.copy(tuple, 0, tuple.length);
    }
  }

  /** Adds the entries of one encoding, which must continue where this ends. A count without entries: so many ids are vacant. */
  load(bytes: Uint8Array): void {
    const reader = new ByteReader(bytes);
    const first = reader.varint();
    if (first !== this.count) {
      throw new DamagedBytesError(`series ${this.count} is missing, the entries begin at ${first}`);
    }
    const count = reader.varint();
    if (reader.remaining === 0) {
      this.leaveVacant(count);
      return;
    }
    for (let index = 0; index < count; index++) {
      const length = reader.varint();
      const start = reader.skip(length);
      const id = this.idOf(bytes, start, start + length);
      if (id !== first + index)
        throw new DamagedBytesError(`series ${first + index} is there twice`);
    }
    reader.expectEnd();
  }

  #store(id: number, tuple: DataView, start: number, end: number): void {
    const length = end - start;
    let page = this.#pages.length - 1;
    if (page < 0 || this.#pageUsed + length > PAGE_BYTES) {
      page = this.#newPage(length);
    } else if (this.#pageUsed + length > this.#pages[page]!.bytes.length) {
      // Only the first page begins small and grows: most tables have few series.
      const old = this.#pages[page]!.bytes;
      const grown = new Uint8Array(Math.min(PAGE_BYTES, (this.#pageUsed + length) * 2));
      grown.set(old);
      this.#pageBytes += grown.length - old.length;
      this.#pages[page] = pageOf(grown);
    }
    const at = this.#pageUsed;
    copyBytes(tuple, start, end, this.#pages[page]!.view, at);
    this.#rows.set(id, Word.address, page * PAGE_BYTES + at);
    this.#rows.set(id, Word.length, length);
    this.#pageUsed = at + length;
  }

  #newPage(length: number): number {
    const isFirst = this.#pages.length === 0;
    const size = Math.max(length, isFirst ? FIRST_PAGE_BYTES : PAGE_BYTES);
    this.#pages.push(pageOf(new Uint8Array(size)));
    this.#pageBytes += size;
    this.#pageUsed = 0;
    return this.#pages.length - 1;
  }
}

/** Of the cell in tuple[start..end), whose length field counts as nothing. */
function isPlain(tuple: Uint8Array, start: number, end: number): boolean {
  for (let at = cellStart(tuple, start); at < end; at++) {
    const byte = tuple[at]!;
    if (byte === QUOTE || byte === BACKSLASH || byte >= 0x80) return false;
  }
  return true;
}

function pageOf(bytes: Uint8Array): TuplePage {
  return { bytes, view: new DataView(bytes.buffer) };
}
