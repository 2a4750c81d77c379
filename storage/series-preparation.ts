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
import { ScratchMemory } from './vector-memory.js';
import type { ApplyTarget } from './write-applier.js';
import { sectionsOf } from './write-body.js';

const PREPARED_TUPLES_MIN = 512;
/** A slice: half a millisecond where all are new. */
const TUPLES_PER_SLICE = 256;
/** Working memory is kept for as many records at a time as are usually under way: one of each origin. */
const KEPT_MAX = 2;

export interface PreparationTarget extends Pick<ApplyTarget, 'schema' | 'seriesId'> {
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
  readonly #tables = new Set<TableState>();
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
    for (const { tagBlocks } of this.#tables) tagBlocks.forgetPrepared();
  }

  *#work(bodies: readonly Uint8Array[]): Generator<undefined, undefined> {
    for (const body of bodies) {
      for (const section of sectionsOf(body, 0)) {
        if (section.kind === 'range-tombstone') continue;
        const known = this.#target.schema(section.schemaId);
        if (known === undefined || known.table.isDropped) continue;
        if (tupleCountAt(section.reader) < PREPARED_TUPLES_MIN) continue;
        const shape = section.kind === 'rows' ? known.rows : known.keys;
        const { columns } = this.#memory;
        columns.reset();
        const { tagBlocks } = known.table;
        const reader = new RowsSectionReader(section.reader, shape, columns, tagBlocks);
        if (reader.resolved !== null) continue;
        // Decoding the tags was a slice.
        yield;
        yield* this.#resolve(reader, known.table);
      }
    }
  }

  *#resolve(reader: RowsSectionReader, table: TableState): Generator<undefined, undefined> {
    const { resolver } = this.#memory;
    const { series, tagBlocks } = table;
    const seriesId: SeriesIds = (tuple, start, end, known) =>
      this.#target.seriesId(table, tuple, start, end, known);
    resolver.begin(series, reader.tags, reader.tupleCount);
    for (;;) {
      const before = series.count;
      const isResolved = resolver.step(TUPLES_PER_SLICE, seriesId);
      this.#target.charge(series.shareOf(series.count - before));
      if (isResolved) break;
      yield;
      if (table.isDropped) return;
    }
    reader.offerResolved(tagBlocks, resolver.ids);
    reader.prepareResolved(tagBlocks, resolver.ids.slice(0, reader.tupleCount));
    this.#tables.add(table);
    yield;
  }
}

/** Of the section at whose payload the reader stands, and stays. */
function tupleCountAt(reader: ByteReader): number {
  const payload = new ByteReader(reader.bytes, reader.offset, reader.end);
  payload.varint();
  return payload.varint();
}
