/**
 * A frozen generation as jobs: plain data for whoever writes its runs. Cut into jobs of a bounded number of arrays, because posting one costs
 * time on the main thread: a generation of a thousand small tables is many jobs, one of a large table is one.
 */

import type { FlushJob, FlushTable, RunIds } from './background-job.js';
import { FLUSH_RUNS_MAX } from './flush-partitions.js';
import type { Generation, MemTable } from './memtable.js';
import { joinSpans, type TimeSpan } from './interval-set.js';
import { spansOf } from './memtable-source.js';
import type { Pacer } from './pacer.js';
import type { PageParts } from './page.js';
import { clipSpans, type Run } from './run.js';
import type { StoreState } from './store-state.js';
import { PartitionRule } from './time-base.js';
import { VECTOR_ROWS_MAX } from './vector.js';

/** Arrays in one job, unless a single table has more. */
const JOB_ARRAYS_MAX = 1000;
/** Blocks of long strings have fewer rows: about so many bytes in memory. */
const BLOCK_BYTES = 4 * 1024 * 1024;
const BLOCK_ROWS_MIN = 64;

/** Makes an array of some kind visible to another thread: a microsecond, in the pacer's units. */
const ARRAY_UNITS = 100;

export interface FlushPlanDeps {
  readonly pacer: Pacer;
  readonly reserveRunIds: (count: number) => RunIds;
}

/** Yields the jobs that together write the generation, the oldest one. Rows of dropped tables are in none. */
export async function* flushJobs(
  generation: Generation,
  horizon: number,
  { runs, expired }: Pick<StoreState, 'runs' | 'expired'>,
  deps: FlushPlanDeps,
): AsyncGenerator<FlushJob, undefined> {
  let tables: FlushTable[] = [];
  let arrays = 0;
  for (const memTable of generation.tables.values()) {
    if (memTable.table.isDropped) continue;
    const { columns } = memTable.table.layout;
    const own = memTable.chunks.length * (columns.length + 4);
    if (tables.length > 0 && arrays + own > JOB_ARRAYS_MAX) {
      yield { kind: 'flush', horizon, tables };
      tables = [];
      arrays = 0;
    }
    const { tableId } = memTable.table;
    const expiredThrough = expired.get(tableId) ?? null;
    tables.push(await flushTable(memTable, runs.get(tableId) ?? [], expiredThrough, deps));
    arrays += own;
  }
  if (tables.length > 0) yield { kind: 'flush', horizon, tables };
}

async function flushTable(
  memTable: MemTable,
  runs: readonly Run[],
  expiredThrough: bigint | null,
  { pacer, reserveRunIds }: FlushPlanDeps,
): Promise<FlushTable> {
  const { table } = memTable;
  const { columns } = memTable.chunks.at(-1)!.layout;
  const pages: PageParts[] = [];
  for (const chunk of memTable.chunks) {
    const places = columns.map((column) => chunk.layout.indexOf(column.id));
    pages.push(plainPage(chunk.page(chunk.rows, places)));
    if (pacer.spend(columns.length * ARRAY_UNITS)) await pacer.turn();
  }
  return {
    tableId: table.tableId,
    appendMode: table.appendMode,
    mergeFields: table.mergeFields,
    partitionMs: table.partitionMs,
    expiredThrough,
    precision: table.timeColumn.precision,
    columns,
    pages,
    blockRows: blockRowsFor(memTable),
    suspects: suspectsAgainst(memTable, runs),
    runIds: reserveRunIds(partitionsAtMost(memTable)),
  };
}

/**
 * The memtable's suspects at which any of `runs` may have the older row. Every older row is in one of them or in this memtable: older
 * generations are flushed before. A compaction that runs meanwhile leaves no row where its inputs had none.
 */
function suspectsAgainst(memTable: MemTable, runs: readonly Run[]): TimeSpan[] {
  const spans = joinSpans(runs.map(({ blocks }) => ({ min: blocks.timeMin, max: blocks.timeMax })));
  if (memTable.isAllSuspect || spans.length === 0) return spans;
  const suspects = spansOf(memTable.suspects, memTable.table.referenceBase ?? 0n);
  return spans.flatMap((span) => clipSpans(suspects, span));
}

/** Only data: an object of a class does not arrive as one. */
function plainPage(page: PageParts): PageParts {
  const { length, series, base, times, versions, tombstones, ordinals, columns } = page;
  return { length, series, base, times, versions, tombstones, ordinals, columns };
}

function blockRowsFor(memTable: MemTable): number {
  const rows = Math.floor((BLOCK_BYTES * memTable.rows) / memTable.sizeBytes);
  return Math.min(VECTOR_ROWS_MAX, Math.max(BLOCK_ROWS_MIN, rows));
}

/** Run ids cost nothing, a look at every row does. */
function partitionsAtMost({ table, chunks, rows }: MemTable): number {
  let first = Infinity;
  let last = -Infinity;
  for (const chunk of chunks) {
    const rule = new PartitionRule(chunk.base, table.partitionMs, table.timeColumn.precision);
    first = Math.min(first, rule.partitionOf(chunk.timeMin));
    last = Math.max(last, rule.partitionOf(chunk.timeMax));
  }
  return Math.min(rows, last - first + 1, FLUSH_RUNS_MAX);
}
