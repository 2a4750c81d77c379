/**
 * A frozen generation as jobs: plain data for whoever writes its runs. Cut into jobs of a bounded number of arrays, because posting one costs
 * time on the main thread: a generation of a thousand small tables is many jobs, one of a large table is one.
 */

import type { FlushJob, FlushTable, RunIds } from './background-job.js';
import { FLUSH_RUNS_MAX } from './flush-partitions.js';
import type { Generation, MemTable } from './memtable.js';
import { spansOf } from './memtable-source.js';
import type { Pacer } from './pacer.js';
import type { PageParts } from './page.js';
import type { TableId } from './table-schema.js';
import { PartitionRule } from './time-base.js';
import { VECTOR_ROWS_MAX } from './vector.js';

/** Arrays in one job, unless a single table has more. */
const JOB_ARRAYS_MAX = 1000;
/** Blocks of long strings have fewer rows: about so many bytes in memory. */
const BLOCK_BYTES = 4 * 1024 * 1024;
const BLOCK_ROWS_MIN = 64;

/** Makes an array of some kind visible to another thread: a microsecond, in the pacer's units. */
const ARRAY_UNITS = 100;

/** Yields the jobs that together write the generation. Rows of dropped tables are in none. */
export async function* flushJobs(
  generation: Generation,
  horizon: number,
  expired: ReadonlyMap<TableId, bigint>,
  deps: { readonly pacer: Pacer; readonly reserveRunIds: (count: number) => RunIds },
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
    const expiredThrough = expired.get(memTable.table.tableId) ?? null;
    tables.push(await flushTable(memTable, expiredThrough, deps.reserveRunIds, deps.pacer));
    arrays += own;
  }
  if (tables.length > 0) yield { kind: 'flush', horizon, tables };
}

async function flushTable(
  memTable: MemTable,
  expiredThrough: bigint | null,
  reserveRunIds: (count: number) => RunIds,
  pacer: Pacer,
): Promise<FlushTable> {
  const { table } = memTable;
  const { columns } = memTable.chunks.at(-1)!.layout;
  const pages: PageParts[] = [];
  for (const chunk of memTable.chunks) {
    const places = columns.map((column) => chunk.layout.indexOf(column.id));
    pages.push(plainPage(chunk.page(chunk.rows, places)));
    if (pacer.spend(columns.length * ARRAY_UNITS)) await pacer.turn();
  }
  const reference = table.referenceBase ?? 0n;
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
    suspects: memTable.isAllSuspect ? null : spansOf(memTable.suspects, reference),
    tombstoneSpans: spansOf(memTable.tombstoneTimes, reference),
    runIds: reserveRunIds(partitionsAtMost(memTable)),
  };
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
