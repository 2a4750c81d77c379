/**
 * What applying a write takes can be done ahead for its largest part: finding and creating the series of its rows. Nobody sees a series
 * without rows, so this may be done in slices, with turns of the event loop and other records between them, while the rows
 * themselves are appended in one step. Five thousand rows of new series would hold up the loop for nine milliseconds otherwise.
 *
 * Only sections with many tags that are not remembered (tag-block-cache.ts) are worth it. A record may be applied without, or before
 * the last slice; it just takes longer then.
 */

import { ByteReader } from './byte-reader.js';
import { RowsSectionReader } from './rows-section.js';
import { type SeriesIds, SeriesResolver } from './series-resolver.js';
import type { TableState } from './table-state.js';
import type { ResolvedTagBlocks } from './tag-block-cache.js';
import type { TableSeries } from './tuple-memory.js';
import { ScratchMemory } from './vector-memory.js';
import type { ApplyTarget } from './write-applier.js';
import { sectionsOf } from './write-body.js';

export const PREPARED_TUPLES_MIN = 512;
/** A slice: half a millisecond or less where all are new. */
const TUPLES_PER_SLICE = 256;
/** Working memory is kept for as many records at a time as are usually under way: one of each origin. */
const KEPT_MAX = 2;

export interface PreparationTarget extends Pick<ApplyTarget, 'schema' | 'seriesId'> {
  /** Those that the record's rows get. Where they are replaced meanwhile, what was done ahead is lost. */
  seriesOf(table: TableState): TableSeries;
  /** Counts memory that came with the record. */
  charge(sizeBytes: number): void;
}

interface WorkingMemory {
  readonly columns: ScratchMemory;
  readonly resolver: SeriesResolver;
}

const kept: WorkingMemory[] = [];

export class SeriesPreparation {
  readonly #target: PreparationTarget;
  readonly #memory: WorkingMemory;
  readonly #slices: Iterator<undefined>;
  readonly #tagBlocks = new Set<ResolvedTagBlocks>();
  #isDone = false;

  /** `bodies` are applied in this order, without a prefix each. Throws DamagedBytesError, also from `step`. */
  constructor(target: PreparationTarget, bodies: readonly Uint8Array[]) {
    this.#target = target;
    this.#memory = kept.pop() ?? { columns: new ScratchMemory(), resolver: new SeriesResolver() };
    this.#slices = this.#work(bodies);
  }

  /** Does one slice; true = nothing is left to do ahead. */
  step(): boolean {
    if (!this.#isDone && this.#slices.next().done === true) {
      this.#isDone = true;
      if (kept.length < KEPT_MAX) kept.push(this.#memory);
    }
    return this.#isDone;
  }

  /** The record has been applied. */
  end(): void {
    for (const tagBlocks of this.#tagBlocks) tagBlocks.forgetPrepared();
  }

  *#work(bodies: readonly Uint8Array[]): Generator<undefined, undefined> {
    for (const body of bodies) {
      for (const section of sectionsOf(body, 0)) {
        if (section.kind === 'range-tombstone') continue;
        const known = this.#target.schema(section.schemaId);
        if (known === undefined || known.table.isDropped) continue;
        if (tagsAt(section.reader).tupleCount < PREPARED_TUPLES_MIN) continue;
        if (yield* this.#resolveWritten(section.reader, known.table)) continue;
        if (this.#takeRemembered(section.reader, known.table)) continue;
        const shape = section.kind === 'rows' ? known.rows : known.keys;
        const { columns } = this.#memory;
        columns.reset();
        const tableSeries = this.#target.seriesOf(known.table);
        const { series, tagBlocks } = tableSeries;
        const reader = new RowsSectionReader(section.reader, shape, columns);
        // Decoding the tags was a slice.
        yield;
        this.#memory.resolver.begin(series, reader.tags, reader.tupleCount);
        const ids = yield* this.#resolve(known.table, tableSeries);
        if (ids === null) continue;
        reader.offerResolved(tagBlocks, ids);
        reader.prepareResolved(tagBlocks, ids);
        yield;
      }
    }
  }

  /** By what a writer of this node knows of the section's tuples; false = nothing. */
  *#resolveWritten(reader: ByteReader, table: TableState): Generator<undefined, boolean> {
    const { bytes, offset, end, tupleCount } = tagsAt(reader);
    const tableSeries = this.#target.seriesOf(table);
    const { series, tagBlocks } = tableSeries;
    const block = tagBlocks.takeWritten(bytes, offset, end, tupleCount);
    const memory = block?.tuples.memory ?? null;
    if (block === null || memory === null) return false;
    this.#memory.resolver.beginWritten(series, memory, block.tuples.handles);
    const ids = yield* this.#resolve(table, tableSeries);
    if (ids !== null) {
      tagBlocks.prepare(bytes, offset, offset + block.bytes.length, ids);
      yield;
    }
    return true;
  }

  /** The section's tags are remembered: whoever applies it need not look for them again. */
  #takeRemembered(reader: ByteReader, table: TableState): boolean {
    const { tagBlocks } = this.#target.seriesOf(table);
    const { bytes, offset, end, tupleCount } = tagsAt(reader);
    const block = tagBlocks.match(bytes, offset, end, tupleCount);
    if (block === null) return false;
    tagBlocks.prepare(bytes, offset, offset + block.bytes.length, block.series);
    this.#tagBlocks.add(tagBlocks);
    return true;
  }

  /** What the resolver has begun; null = the table was dropped meanwhile, or has other series. */
  *#resolve(table: TableState, tableSeries: TableSeries): Generator<undefined, Uint32Array | null> {
    const { resolver } = this.#memory;
    const { series, tagBlocks } = tableSeries;
    const seriesId: SeriesIds = (tuple, start, end, known) =>
      this.#target.seriesId(table, tuple, start, end, known);
    for (;;) {
      if (table.isDropped || this.#target.seriesOf(table) !== tableSeries) return null;
      const before = series.count;
      const isResolved = resolver.step(TUPLES_PER_SLICE, seriesId);
      this.#target.charge(series.shareOf(series.count - before));
      if (isResolved) break;
      yield;
    }
    this.#tagBlocks.add(tagBlocks);
    return resolver.ids.slice(0, resolver.tupleCount);
  }
}

interface TagsPlace {
  readonly bytes: Uint8Array;
  /** Where the tag columns begin, and the section ends. */
  readonly offset: number;
  readonly end: number;
  readonly tupleCount: number;
}

/** Of the section at whose payload the reader stands, and stays. */
function tagsAt(reader: ByteReader): TagsPlace {
  const { bytes, end } = reader;
  const payload = new ByteReader(bytes, reader.offset, end);
  payload.varint();
  const tupleCount = payload.varint();
  return { bytes, offset: payload.offset, end, tupleCount };
}
