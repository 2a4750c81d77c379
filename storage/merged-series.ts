/**
 * Series of several tables in one numbering: for a name whose concurrent CREATEs were merged and that reads as their union.
 *
 * Series are the same where their tags have the same canonical bytes. The first known table's ids stay; series that only others
 * have get ids behind them, in a fork of its dictionary, so that neither the stores nor other views notice.
 */

import assert from 'node:assert';
import type { SeriesDictionary } from './series-dictionary.js';
import type { ColumnId } from './table-schema.js';
import { cellEnd, TagTupleWriter } from './tag-tuple.js';

export interface SeriesPart {
  readonly dictionary: SeriesDictionary;
  /** Series of the part that count; later ones are not seen. */
  readonly count: number;
  /** The part's column for each tag of the first known part; null = the same places. */
  readonly tags: readonly (ColumnId | null)[] | null;
}

export interface MergedSeries {
  readonly dictionary: SeriesDictionary;
  readonly count: number;
  /** By part: from its own ids to the merged ones; null = the same. */
  readonly maps: readonly (Uint32Array | null)[];
}

/** `parts` in the order of the request, null for a table that is not known; at least one is. */
export function mergeSeries(parts: readonly (SeriesPart | null)[]): MergedSeries {
  const canonical = parts.find((part) => part !== null);
  assert(canonical !== undefined, 'a merge has a part');
  const own = canonical.dictionary;
  let dictionary = own;
  const maps = parts.map((part) => {
    if (part === null || part === canonical) return null;
    const map = new Uint32Array(part.count);
    const writer = new TagTupleWriter();
    const order = tagOrder(own, part);
    for (let series = 0; series < map.length; series++) {
      const tuple = reorder(part.dictionary.tuple(series), order, writer);
      let id = dictionary.find(tuple.bytes, 0, tuple.length);
      // What the view's count of the canonical part leaves out must not be numbered twice.
      if (id === -1 || (dictionary === own && id >= canonical.count)) {
        if (dictionary === own) dictionary = own.fork();
        id = dictionary.idOf(tuple.bytes, 0, tuple.length);
      }
      map[series] = id;
    }
    return map;
  });
  return { dictionary, count: dictionary === own ? canonical.count : dictionary.count, maps };
}

/** For each canonical tag its place among the part's tags, -1 = the part lacks it; null = the same order. */
function tagOrder(canonical: SeriesDictionary, part: SeriesPart): number[] | null {
  const { tags } = part.dictionary;
  if (part.tags === null) {
    assert(tags.length === canonical.tags.length, 'parts have equal tags unless told');
    return null;
  }
  return part.tags.map((id) => tags.findIndex((tag) => tag.column.id === id));
}

function reorder(
  tuple: Uint8Array,
  order: readonly number[] | null,
  writer: TagTupleWriter,
): { readonly bytes: Uint8Array; readonly length: number } {
  if (order === null) return { bytes: tuple, length: tuple.length };
  const starts: number[] = [0];
  while (starts.at(-1)! < tuple.length) starts.push(cellEnd(tuple, starts.at(-1)!));
  writer.clear();
  for (const place of order) {
    if (place === -1) writer.nullCell();
    else writer.rawCell(tuple, starts[place]!, starts[place + 1]!);
  }
  return writer;
}
