/**
 * What the store knows of one table, across generations and runs: its schemas, its series, and the units of its time column.
 *
 * A table's schema changes by new columns (and dropped ones); rows of several schemas stand side by side. Chunks and runs have the
 * union of all columns ever seen, so rows of an older schema need no chunk of their own: what they lack is NULL.
 */

import assert from 'node:assert';
import { ChunkLayout } from './chunk.js';
import { HIDDEN_COLUMN_IDS, rowColumnsOf, tagColumnsOf, timeColumnOf } from './column-kind.js';
import type { IntervalSet } from './interval-set.js';
import type { KeyValueOperation } from './ports.js';
import { sectionShape, type SectionShape } from './rows-section.js';
import { SeriesDictionary } from './series-dictionary.js';
import { ResolvedTagBlocks } from './tag-block-cache.js';
import type { ColumnId, SchemaId, StoredColumn, TableId, TableSchema } from './table-schema.js';
import type { TableSeries } from './tuple-memory.js';

export interface KnownSchema {
  readonly id: SchemaId;
  readonly table: TableState;
  readonly schema: TableSchema;
  readonly body: Uint8Array;
  readonly rows: SectionShape;
  readonly keys: SectionShape;
}

export class TableState {
  readonly tableId: TableId;
  readonly appendMode: boolean;
  readonly mergeFields: boolean;
  readonly timeColumn: StoredColumn;
  #tableSeries: TableSeries;
  /** Before those of now, the oldest first: what states before `until` have. */
  readonly #former: { readonly until: number; readonly tableSeries: TableSeries }[] = [];
  layout: ChunkLayout;
  /** The latest schema defined for the first time. */
  schema: TableSchema;
  readonly schemas = new Map<SchemaId, KnownSchema>();
  /** Times of the whole table are compared as offsets from this base; null until the first row. */
  referenceBase: bigint | null = null;
  /** Width of a time partition; 0 = open until the first flush, which chooses it for good. */
  partitionMs: number;
  /** Of rows that are staged (staged-write.ts): what becomes suspect meanwhile may be so because of them. */
  readonly stagedSuspects = new Set<IntervalSet>();
  /** Series below this are in the persisted dictionary. */
  persistedSeries = 0;
  /** What the persisted dictionary is to forget, before the next series are added to it (series-sweep.ts). */
  vacated: readonly KeyValueOperation[] = [];
  isDropped = false;

  constructor(schema: TableSchema) {
    this.tableId = schema.tableId;
    this.appendMode = schema.appendMode;
    this.mergeFields = schema.mergeFields === true;
    this.partitionMs = schema.partitionMs;
    this.timeColumn = timeColumnOf(schema);
    const series = SeriesDictionary.ofTags(tagColumnsOf(schema));
    this.#tableSeries = { series, tagBlocks: new ResolvedTagBlocks() };
    this.layout = new ChunkLayout(rowColumnsOf(schema));
    this.schema = schema;
  }

  /** Whoever needs both for longer than a turn keeps the pair: it may be replaced (`replaceSeries`). */
  get tableSeries(): TableSeries {
    return this.#tableSeries;
  }

  get series(): SeriesDictionary {
    return this.#tableSeries.series;
  }

  get tagBlocks(): ResolvedTagBlocks {
    return this.#tableSeries.tagBlocks;
  }

  /** The series that a state of this number has. */
  seriesAt(stateNumber: number): TableSeries {
    for (const { until, tableSeries } of this.#former) {
      if (stateNumber < until) return tableSeries;
    }
    return this.#tableSeries;
  }

  /** From the state `from` on the table has these series. What is remembered of the others is forgotten with them. */
  replaceSeries(series: SeriesDictionary, from: number): void {
    this.#former.push({ until: from, tableSeries: this.#tableSeries });
    this.#tableSeries = { series, tagBlocks: new ResolvedTagBlocks() };
  }

  /** Nobody reads a state before this one any more. */
  forgetSeriesBefore(stateNumber: number): void {
    while (this.#former.length > 0 && this.#former[0]!.until <= stateNumber) this.#former.shift();
  }

  /** Adds a schema of this table. Its tags, time column and mode are those of the first. */
  define(id: SchemaId, schema: TableSchema, body: Uint8Array): KnownSchema {
    const tags = tagColumnsOf(schema);
    assert(
      tags.length === this.series.tags.length &&
        tags.every((column, index) => column.id === this.series.tags[index]!.column.id) &&
        timeColumnOf(schema).id === this.timeColumn.id &&
        schema.appendMode === this.appendMode &&
        (schema.mergeFields === true) === this.mergeFields,
      'the identity of a table never changes',
    );
    assert(
      schema.columns.every((column) => column.id < HIDDEN_COLUMN_IDS),
      'hidden columns keep their ids',
    );
    const added = rowColumnsOf(schema).filter((column) => this.layout.indexOf(column.id) === -1);
    if (added.length > 0) this.layout = new ChunkLayout([...this.layout.columns, ...added]);
    const known: KnownSchema = {
      id,
      table: this,
      schema,
      body,
      rows: sectionShape(schema, 'rows'),
      keys: sectionShape(schema, 'key-deletes'),
    };
    this.schemas.set(id, known);
    this.schema = schema;
    return known;
  }

  /** A column of any schema of the table; undefined = not of this table. */
  column(columnId: ColumnId): StoredColumn | undefined {
    const index = this.layout.indexOf(columnId);
    return index === -1 ? this.series.tag(columnId)?.column : this.layout.columns[index];
  }

  /** Difference of `base` to the reference base, in units; the first base asked for becomes the reference. */
  baseDelta(base: bigint): number {
    this.referenceBase ??= base;
    return base === this.referenceBase ? 0 : Number(base - this.referenceBase);
  }
}
