/**
 * Series ids of a section's distinct tag tuples: what applying a record spends on tags.
 *
 * Writers repeat themselves, so neither step hashes as a rule. First each tag's dictionary of the section is
 * translated into codes of the table's own dictionary of that tag: the value that came after the previous one the last time is tried
 * first. Then the series that came after the previous one the last time is tried: it is the right one if its codes are the
 * translated ones. Only where that fails the tuple's canonical bytes are put together and looked up.
 */

import type { ColumnValues } from './column-codec.js';
import type { SeriesDictionary } from './series-dictionary.js';
import { NULL_CODE } from './tag-column.js';
import { TagTupleWriter } from './tag-tuple.js';

// Applying is synchronous, so its working memory can be shared by all stores of the process.
const tupleWriter = new TagTupleWriter();
let seriesOfTuple = new Uint32Array(1024);
let translation = new Uint32Array(1024);
/** By tag: the table's code of each tuple's cell. */
const wanted: Uint32Array[] = [];
const known = { codes: wanted, tuple: 0 };

/** Codes of the cells of a section's tuples in the table's dictionaries, as far as their values have any. */
export interface KnownCodes {
  /** By tag and tuple: a code, NULL_CODE or UNKNOWN_CODE. */
  readonly codes: readonly Uint32Array[];
  readonly tuple: number;
}

/** Id of a tuple, which may be new: in the table's dictionary or in a fork of it. `known` is good during the call. */
export type SeriesIds = (
  tuple: Uint8Array,
  start: number,
  end: number,
  known: KnownCodes | null,
) => number;

/** The array is shared and valid until the next call. */
export function resolveSeries(
  series: SeriesDictionary,
  tags: readonly ColumnValues[],
  tupleCount: number,
  seriesId: SeriesIds,
): Uint32Array {
  if (seriesOfTuple.length < tupleCount) seriesOfTuple = new Uint32Array(tupleCount * 2);
  const isTranslated = translateTags(series, tags, tupleCount);
  for (let tuple = 0; tuple < tupleCount; tuple++) {
    const likely = isTranslated ? series.likelyNext() : -1;
    if (likely !== -1 && series.hasCodes(likely, wanted, tuple)) {
      seriesOfTuple[tuple] = likely;
      series.noteResolved(likely);
      continue;
    }
    const { bytes, length } = writeTuple(tags, tuple);
    known.tuple = tuple;
    const id = seriesId(bytes, 0, length, isTranslated ? known : null);
    seriesOfTuple[tuple] = id;
    series.noteResolved(id);
  }
  return seriesOfTuple;
}

/** Fills `wanted`; false when a tag does not come as a dictionary. */
function translateTags(
  series: SeriesDictionary,
  tags: readonly ColumnValues[],
  tupleCount: number,
): boolean {
  for (let tag = 0; tag < tags.length; tag++) {
    const values = tags[tag]!;
    if (values.kind !== 'dictionary') return false;
    const { codes, dictionary, nulls } = values;
    if (translation.length < dictionary.length)
      translation = new Uint32Array(dictionary.length * 2);
    series.tags[tag]!.translate(dictionary, translation);
    let codesOfTag = wanted[tag];
    if (codesOfTag === undefined || codesOfTag.length < tupleCount) {
      codesOfTag = new Uint32Array(Math.max(1024, tupleCount * 2));
      wanted[tag] = codesOfTag;
    }
    for (let tuple = 0; tuple < tupleCount; tuple++) {
      codesOfTag[tuple] = translation[codes[tuple]!]!;
    }
    for (let tuple = 0; nulls !== null && tuple < tupleCount; tuple++) {
      if (nulls[tuple] === 1) codesOfTag[tuple] = NULL_CODE;
    }
  }
  return true;
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
