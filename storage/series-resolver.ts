/**
 * Series ids of a section's distinct tag tuples: what applying a record spends on tags.
 *
 * Writers repeat themselves, so neither step hashes as a rule. First each tag's dictionary of the section is
 * translated into codes of the table's own dictionary of that tag: the value that came after the previous one the last time is tried
 * first. Then the series that came after the previous one the last time is tried: it is the right one if its codes are the
 * translated ones. Only where that fails the tuple's canonical bytes are put together and looked up.
 *
 * Tuples as their writer knows them (written-tuples.ts) are not decoded at all: bytes and hash are there, and its codes of cells are
 * translated one by one.
 */

import type { ColumnValues } from './column-codec.js';
import type { SeriesDictionary } from './series-dictionary.js';
import { NULL_CODE, UNKNOWN_CODE } from './tag-column.js';
import { TagTupleWriter } from './tag-tuple.js';
import { isSeriesHandle, seriesOfHandle } from './tuple-handle.js';
import type { CellsOfTable, TupleMemory } from './tuple-memory.js';

// One tuple is one synchronous step, so this can be shared by all stores of the process.
const tupleWriter = new TagTupleWriter();
let translation = new Uint32Array(1024);

/** Codes of the cells of a section's tuples in the table's dictionaries, as far as their values have any. */
export interface KnownCodes {
  /** By tag and tuple: a code, NULL_CODE or UNKNOWN_CODE. */
  readonly codes: readonly Uint32Array[];
  readonly tuple: number;
  /** `hashBytes` of the tuple's canonical bytes; null = it was not computed. */
  readonly hash: number | null;
}

/** Id of a tuple, which may be new: in the table's dictionary or in a fork of it. `known` is good during the call. */
export type SeriesIds = (
  tuple: Uint8Array,
  start: number,
  end: number,
  known: KnownCodes | null,
) => number;

/** Entries of a tag's dictionary, or cells, that cost as much as resolving a tuple. */
const ENTRIES_PER_TUPLE = 8;

/** Resolves one section after the other, each in as many steps as one likes. */
export class SeriesResolver {
  /** By tag: the table's code of each tuple's cell. */
  readonly #wanted: Uint32Array[] = [];
  readonly #known: { codes: Uint32Array[]; tuple: number; hash: number | null } = {
    codes: this.#wanted,
    tuple: 0,
    hash: null,
  };
  #ids = new Uint32Array(1024);
  #series: SeriesDictionary | null = null;
  #tags: readonly ColumnValues[] = [];
  #tupleCount = 0;
  /** Tags with their codes in `#wanted`. */
  #translated = 0;
  #isTranslatable = true;
  #resolved = 0;
  /** Instead of `#tags`: handles of the tuples in their writer's memory, and what that knows of the table's codes. */
  #memory: TupleMemory | null = null;
  #handles: Int32Array = new Int32Array(0);
  #cellsOfTable: CellsOfTable = [];

  /** Series by tuple, as far as they are resolved. Good until the next `begin`. */
  get ids(): Uint32Array {
    return this.#ids;
  }

  /** Of the section. */
  get tupleCount(): number {
    return this.#tupleCount;
  }

  /** The tags must stay as they are until the last step. */
  begin(series: SeriesDictionary, tags: readonly ColumnValues[], tupleCount: number): void {
    if (this.#ids.length < tupleCount) this.#ids = new Uint32Array(tupleCount * 2);
    this.#series = series;
    this.#tags = tags;
    this.#memory = null;
    this.#tupleCount = tupleCount;
    this.#translated = 0;
    this.#isTranslatable = tags.every((values) => values.kind === 'dictionary');
    this.#resolved = 0;
  }

  /** The same for tuples of a writer on this node: `handles` of `memory`, or of series of this very dictionary. */
  beginWritten(series: SeriesDictionary, memory: TupleMemory, handles: Int32Array): void {
    this.begin(series, [], handles.length);
    this.#memory = memory;
    this.#handles = handles;
    this.#cellsOfTable = memory.cellsOfTable(series);
    for (let tag = 0; tag < series.tags.length; tag++) this.#makeWanted(tag);
  }

  /** Does as much as resolving so many tuples is, or a little more; true = all are resolved. Others may use the dictionary between steps. */
  step(tuples: number, seriesId: SeriesIds): boolean {
    const series = this.#series!;
    if (this.#memory !== null) return this.#resolveWritten(series, this.#memory, tuples, seriesId);
    let left = tuples;
    while (this.#isTranslatable && this.#translated < this.#tags.length) {
      if (left <= 0) return false;
      left -= this.#translateNext(series) / ENTRIES_PER_TUPLE;
    }
    const end = Math.min(this.#tupleCount, this.#resolved + Math.max(left, 1));
    const known = this.#isTranslatable ? this.#known : null;
    let tuple = this.#resolved;
    for (; tuple < end; tuple++) {
      const likely = known === null ? -1 : series.likelyNext();
      if (likely !== -1 && series.hasCodes(likely, this.#wanted, tuple)) {
        this.#ids[tuple] = likely;
        series.noteResolved(likely);
        continue;
      }
      const { bytes, length } = writeTuple(this.#tags, tuple);
      this.#known.tuple = tuple;
      this.#known.hash = null;
      const id = seriesId(bytes, 0, length, known);
      this.#ids[tuple] = id;
      series.noteResolved(id);
    }
    this.#resolved = tuple;
    return tuple === this.#tupleCount;
  }

  #resolveWritten(
    series: SeriesDictionary,
    memory: TupleMemory,
    tuples: number,
    seriesId: SeriesIds,
  ): boolean {
    const known = this.#known;
    const end = Math.min(this.#tupleCount, this.#resolved + tuples);
    for (let tuple = this.#resolved; tuple < end; tuple++) {
      const handle = this.#handles[tuple]!;
      let id: number;
      if (isSeriesHandle(handle)) id = seriesOfHandle(handle);
      else {
        memory.codesIn(this.#cellsOfTable, handle, this.#wanted, tuple);
        known.tuple = tuple;
        known.hash = memory.hashOf(handle);
        const start = memory.start(handle);
        id = seriesId(memory.data, start, start + memory.bytesOf(handle), known);
        this.#learnCodes(series, memory, handle, tuple, id);
      }
      this.#ids[tuple] = id;
      series.noteResolved(id);
    }
    this.#resolved = end;
    return end === this.#tupleCount;
  }

  #learnCodes(
    series: SeriesDictionary,
    memory: TupleMemory,
    handle: number,
    tuple: number,
    id: number,
  ): void {
    for (let tag = 0; tag < series.tags.length; tag++) {
      if (this.#wanted[tag]![tuple] !== UNKNOWN_CODE) continue;
      memory.learnCode(this.#cellsOfTable, handle, tag, series.tags[tag]!.codeOrNull(id));
    }
  }

  /** Fills `#wanted` for one more tag; returns how many entries and cells were looked at. */
  #translateNext(series: SeriesDictionary): number {
    const tag = this.#translated;
    const values = this.#tags[tag]!;
    this.#translated += 1;
    if (values.kind !== 'dictionary') return 0;
    const { codes, dictionary, nulls } = values;
    if (translation.length < dictionary.length)
      translation = new Uint32Array(dictionary.length * 2);
    series.tags[tag]!.translate(dictionary, translation);
    const codesOfTag = this.#makeWanted(tag);
    for (let tuple = 0; tuple < this.#tupleCount; tuple++) {
      codesOfTag[tuple] = translation[codes[tuple]!]!;
    }
    for (let tuple = 0; nulls !== null && tuple < this.#tupleCount; tuple++) {
      if (nulls[tuple] === 1) codesOfTag[tuple] = NULL_CODE;
    }
    return dictionary.length + this.#tupleCount;
  }

  /** Room for the codes of a tag. */
  #makeWanted(tag: number): Uint32Array {
    let codes = this.#wanted[tag];
    if (codes === undefined || codes.length < this.#tupleCount) {
      codes = new Uint32Array(Math.max(1024, this.#tupleCount * 2));
      this.#wanted[tag] = codes;
    }
    return codes;
  }
}

// Applying a record is synchronous, so its resolver can be shared by all stores of the process.
const shared = new SeriesResolver();

/** All at once. The array is shared and valid until the next call. */
export function resolveSeries(
  series: SeriesDictionary,
  tags: readonly ColumnValues[],
  tupleCount: number,
  seriesId: SeriesIds,
): Uint32Array {
  shared.begin(series, tags, tupleCount);
  while (!shared.step(Infinity, seriesId));
  return shared.ids;
}

/** Canonical bytes of one of a section's tuples; good until the next call. */
export function writeTuple(tags: readonly ColumnValues[], tuple: number): TagTupleWriter {
  tupleWriter.clear();
  for (const tag of tags) {
    if (tag.nulls !== null && tag.nulls[tuple] === 1) {
      tupleWriter.nullCell();
    } else if (tag.kind === 'dictionary') {
      const code = tag.codes[tuple]!;
      const { starts, data } = tag.dictionary;
      tupleWriter.bytesCell(data, starts[code]!, starts[code + 1]!);
    } else if (tag.kind === 'bytes') {
      tupleWriter.bytesCell(tag.data, tag.starts[tuple]!, tag.starts[tuple + 1]!);
    }
  }
  return tupleWriter;
}
