/**
 * Series of one table: canonical tag tuple -> series id 0, 1, 2 ... of this node.
 *
 * Tuples lie in pages of 1 MiB that never move, so a million series cost no large copy; the hash index grows by shards. Ids are local
 * to the node, persisted (an id's entry is in or before the batch that first uses it), and never in a record.
 *
 * Also kept by series: the last time seen, so that a row that is newer than everything of its series is known to be a
 * new identity without looking anywhere; and which series came after it, because the next time it will probably be the same.
 */

import { ByteReader, DamagedBytesError } from './byte-reader.js';
import { equalBytes, hashBytes } from './byte-hash.js';
import type { ByteWriter } from './byte-writer.js';
import { HashIndex } from './hash-index.js';
import type { StampedTombstone } from './range-tombstone.js';
import type { ColumnId, StoredColumn } from './table-schema.js';
import { cellEnd, cellStart } from './tag-tuple.js';
import { TagColumn } from './tag-column.js';

const PAGE_SHIFT = 20;
const PAGE_BYTES = 1 << PAGE_SHIFT;
const FIRST_PAGE_BYTES = 4096;

export class SeriesDictionary {
  readonly tags: readonly TagColumn[];
  /** Last time by series id, as offsets from the table's reference base. */
  lastTimes: Float64Array;

  readonly #pages: Uint8Array[] = [];
  #pageUsed = 0;
  /** Page and offset of each tuple, and its length. */
  #addresses = new Uint32Array(16);
  #lengths = new Uint32Array(16);
  #count = 0;
  /** By id: the id + 1 that was resolved after it, 0 = none. */
  #followers = new Uint32Array(16);
  #lastResolved = -1;
  readonly #index = new HashIndex();
  #pageBytes = 0;
  /** Set by `fork`: series below `#parentCount` are found there. */
  #parent: SeriesDictionary | null = null;
  #parentCount = 0;
  readonly #masks = new WeakMap<StampedTombstone, Uint8Array>();

  private constructor(tags: readonly TagColumn[]) {
    this.tags = tags;
    this.lastTimes = new Float64Array(16).fill(-Infinity);
  }

  static ofTags(columns: readonly StoredColumn[]): SeriesDictionary {
    return new SeriesDictionary(columns.map((column) => new TagColumn(column)));
  }

  get count(): number {
    return this.#count;
  }

  /** Memory held, arrays at their capacity. */
  get sizeBytes(): number {
    let size = this.#pageBytes + this.#index.sizeBytes + this.#addresses.length * 20;
    for (const tag of this.tags) size += tag.sizeBytes;
    return size;
  }

  /** Id of the series, -1 when there is none. */
  find(tuple: Uint8Array, start: number, end: number): number {
    return this.#find(hashBytes(tuple, start, end), tuple, start, end);
  }

  /** Id of the series, which is created when it is new (then the id is the old `count`). */
  idOf(tuple: Uint8Array, start: number, end: number): number {
    const hash = hashBytes(tuple, start, end);
    const known = this.#find(hash, tuple, start, end);
    if (known !== -1) return known;
    const id = this.#count;
    this.#makeRoom(id + 1);
    this.#store(id, tuple, start, end);
    this.#count = id + 1;
    this.#index.insert(hash, id);
    let at = start;
    for (const tag of this.tags) {
      if (at >= end) throw new DamagedBytesError('a tag tuple has too few cells');
      const next = cellEnd(tuple, at);
      if (tuple[at] === 0) tag.appendNull();
      else tag.append(tuple, cellStart(tuple, at), next);
      at = next;
    }
    if (at !== end) throw new DamagedBytesError('a tag tuple has too many cells');
    // A series that is new has no older row anywhere.
    this.lastTimes[id] = -Infinity;
    return id;
  }

  /** The series that is likely to be asked for next, -1 when nothing is known. */
  likelyNext(): number {
    return this.#lastResolved === -1 ? -1 : this.#followers[this.#lastResolved]! - 1;
  }

  /** This series was asked for. Ids of a fork are not noted. */
  noteResolved(id: number): void {
    if (id >= this.#count) return;
    if (this.#lastResolved !== -1) this.#followers[this.#lastResolved] = id + 1;
    this.#lastResolved = id;
  }

  /** All that is known of the series loaded so far: they may have rows up to this time. */
  assumeLastTimes(upTo: number): void {
    this.lastTimes.fill(upTo, 0, this.#count);
  }

  /** Canonical bytes of a series; valid for ever. */
  tuple(id: number): Uint8Array {
    if (this.#parent !== null && id < this.#parentCount) return this.#parent.tuple(id);
    const address = this.#addresses[id]!;
    const page = this.#pages[address >>> PAGE_SHIFT]!;
    const start = address & (PAGE_BYTES - 1);
    return page.subarray(start, start + this.#lengths[id]!);
  }

  tag(columnId: ColumnId): TagColumn | null {
    return this.tags.find((tag) => tag.column.id === columnId) ?? null;
  }

  /** A dictionary that begins with these series and goes its own way. */
  fork(): SeriesDictionary {
    const fork = new SeriesDictionary(this.tags.map((tag) => tag.fork()));
    fork.#makeRoom(this.#count);
    fork.#count = this.#count;
    fork.#parent = this;
    fork.#parentCount = this.#count;
    return fork;
  }

  /** 1 = the tombstone's tags match, by series id; covers at least all series of now. */
  maskOf(tombstone: StampedTombstone): Uint8Array {
    const known = this.#masks.get(tombstone);
    if (known !== undefined && known.length >= this.#count) return known;
    // Ids only grow, so what is known of the older series stays.
    const from = known?.length ?? 0;
    const mask = new Uint8Array(this.#count);
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
        const isMatch =
          tag === null || tag.isNull(series) ? allowsNull : codes[tag.code(series)] === 1;
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

  /** Adds the entries of one encoding, which must continue where this ends. */
  load(bytes: Uint8Array): void {
    const reader = new ByteReader(bytes);
    const first = reader.varint();
    if (first !== this.#count) {
      throw new DamagedBytesError(
        `series ${this.#count} is missing, the entries begin at ${first}`,
      );
    }
    const count = reader.varint();
    for (let index = 0; index < count; index++) {
      const length = reader.varint();
      const start = reader.skip(length);
      const id = this.idOf(bytes, start, start + length);
      if (id !== first + index)
        throw new DamagedBytesError(`series ${first + index} is there twice`);
    }
    reader.expectEnd();
  }

  #find(hash: number, tuple: Uint8Array, start: number, end: number): number {
    if (this.#parent !== null) {
      const id = this.#parent.#find(hash, tuple, start, end);
      if (id !== -1 && id < this.#parentCount) return id;
    }
    const length = end - start;
    for (let id = this.#index.first(hash); id !== -1; id = this.#index.next()) {
      if (this.#lengths[id] !== length) continue;
      const address = this.#addresses[id]!;
      const page = this.#pages[address >>> PAGE_SHIFT]!;
      if (equalBytes(page, address & (PAGE_BYTES - 1), tuple, start, length)) return id;
    }
    return -1;
  }

  #store(id: number, tuple: Uint8Array, start: number, end: number): void {
    const length = end - start;
    let page = this.#pages.length - 1;
    if (page < 0 || this.#pageUsed + length > PAGE_BYTES) {
      page = this.#newPage(length);
    } else if (this.#pageUsed + length > this.#pages[page]!.length) {
      // Only the first page begins small and grows: most tables have few series.
      const grown = new Uint8Array(Math.min(PAGE_BYTES, (this.#pageUsed + length) * 2));
      grown.set(this.#pages[page]!);
      this.#pageBytes += grown.length - this.#pages[page]!.length;
      this.#pages[page] = grown;
    }
    const target = this.#pages[page]!;
    let at = this.#pageUsed;
    this.#addresses[id] = page * PAGE_BYTES + at;
    this.#lengths[id] = length;
    for (let from = start; from < end; from++) target[at++] = tuple[from]!;
    this.#pageUsed = at;
  }

  #newPage(length: number): number {
    const isFirst = this.#pages.length === 0;
    const size = Math.max(length, isFirst ? FIRST_PAGE_BYTES : PAGE_BYTES);
    this.#pages.push(new Uint8Array(size));
    this.#pageBytes += size;
    this.#pageUsed = 0;
    return this.#pages.length - 1;
  }

  #makeRoom(count: number): void {
    if (count <= this.#addresses.length) return;
    let size = this.#addresses.length * 2;
    while (size < count) size *= 2;
    const addresses = new Uint32Array(size);
    addresses.set(this.#addresses);
    this.#addresses = addresses;
    const lengths = new Uint32Array(size);
    lengths.set(this.#lengths);
    this.#lengths = lengths;
    const followers = new Uint32Array(size);
    followers.set(this.#followers);
    this.#followers = followers;
    const lastTimes = new Float64Array(size).fill(-Infinity);
    lastTimes.set(this.lastTimes);
    this.lastTimes = lastTimes;
  }
}
