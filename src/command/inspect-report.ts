/** What `twintide inspect` says: a stopped node's journals and tables, as text for people. */
import type {
  IncarnationInspection,
  JournalInspection,
  StoreInspection,
  TableInspection,
} from '../../storage/index.js';
import { readableCount } from './demo-screen.js';
import { readableBytes } from './readable-bytes.js';

export interface InspectionReport {
  readonly path: string;
  readonly nodeId: number;
  readonly isVerified: boolean;
  readonly journals: readonly JournalInspection[];
  readonly store: StoreInspection;
  /** By table id; a table that the catalog does not name is shown by its number. */
  readonly tableNames: ReadonlyMap<number, string>;
}

/** The faults of all parts: nothing is damaged when there are none. */
export function faultsOf(report: InspectionReport): readonly string[] {
  return [...report.journals.flatMap((journal) => journal.faults), ...report.store.faults];
}

export function inspectReport(report: InspectionReport): string {
  const { store } = report;
  const lines = [`node ${report.nodeId}, data directory ${report.path}`];
  for (const journal of report.journals) lines.push('', ...journalLines(journal, report.nodeId));
  lines.push('', ...storeLines(report));
  for (const table of store.tables) {
    lines.push('', ...tableLines(table, report.tableNames.get(table.tableId)));
  }
  lines.push('', ...verdictLines(report));
  return lines.join('\n');
}

function journalLines(journal: JournalInspection, nodeId: number): string[] {
  const whose = journal.origin === nodeId ? 'its own' : 'the copy here';
  const segments = journal.incarnations.flatMap((each) => each.segments);
  const fileBytes = segments.reduce((sum, segment) => sum + segment.fileBytes, 0);
  const lines = [
    `journal of node ${journal.origin} (${whose}): ${counted(journal.incarnations.length, 'incarnation')}, ` +
      `${counted(segments.length, 'segment')} of ${readableBytes(fileBytes)}, ${counted(journal.spares, 'spare file')}`,
    ...journal.incarnations.flatMap(incarnationLines),
  ];
  for (const tail of journal.tornTails) {
    lines.push(
      `  torn tail in ${tail.path}, byte ${tail.offsetBytes}: ${tail.reason}; the next start cuts it behind record ${tail.lastSequence}`,
    );
  }
  return lines;
}

function incarnationLines(incarnation: IncarnationInspection): string[] {
  const { id, parent, last, segments } = incarnation;
  const from = parent === null ? 'no parent' : `after ${parent.incarnation}:${parent.sequence}`;
  const lines = [`  incarnation ${id}, ${from}, ends at ${last.sequence} (hash ${last.hash})`];
  for (const segment of segments) {
    const { number, firstSequence, lastSequence, recordBytes } = segment;
    lines.push(
      `    segment ${number}: records ${firstSequence} to ${lastSequence}, ${readableBytes(recordBytes)}${segment.isSealed ? ', sealed' : ''}`,
    );
  }
  return lines;
}

function storeLines({ store }: InspectionReport): string[] {
  const lines = [
    `block store: ${counted(store.tables.length, 'table')}, ${counted(store.runs, 'run')}`,
  ];
  if (store.flushed === null) lines.push('  nothing was ever flushed');
  for (const entry of store.flushed?.vector ?? []) {
    lines.push(
      `  flushed to ${entry.incarnation}:${entry.sequence} of node ${entry.origin}'s journal`,
    );
  }
  if (store.leftovers > 0) {
    lines.push(
      `  ${counted(store.leftovers, 'run')} of an unfinished flush, which the next start deletes`,
    );
  }
  return lines;
}

function tableLines(table: TableInspection, name: string | undefined): string[] {
  const total = { runs: 0, blocks: 0, rows: 0, sizeBytes: 0 };
  for (const partition of table.partitions) {
    total.runs += partition.runs;
    total.blocks += partition.blocks;
    total.rows += partition.rows;
    total.sizeBytes += partition.sizeBytes;
  }
  const title = name ?? (table.isDropped ? 'a dropped table' : 'a table without a name');
  const lines = [
    `table ${title} (id ${table.tableId}): ${summary(total)}`,
    `  ${counted(table.partitions.length, 'partition')}, ${counted(table.series, 'series', 'series')} in ${readableBytes(table.seriesBytes)}`,
  ];
  const codecs = [...table.codecs].sort((a, b) => b[1].bytes - a[1].bytes);
  if (codecs.length > 0) {
    const uses = codecs.map(
      ([codec, use]) => `${codec} ${readableCount(use.values)} (${readableBytes(use.bytes)})`,
    );
    lines.push(`  codecs: ${uses.join(', ')}`);
  }
  const partitionMs = table.schema?.partitionMs ?? null;
  for (const partition of table.partitions) {
    const from =
      partitionMs === null
        ? `partition ${partition.partition}`
        : timeText(partition.partition * partitionMs);
    lines.push(`  from ${from}: ${summary(partition)}`);
  }
  return lines;
}

function summary(of: { runs: number; blocks: number; rows: number; sizeBytes: number }): string {
  const perRow = of.rows === 0 ? '' : `, ${(of.sizeBytes / of.rows).toFixed(1)} bytes a row`;
  return `${counted(of.rows, 'row')} in ${counted(of.runs, 'run')} of ${counted(of.blocks, 'block')}, ${readableBytes(of.sizeBytes)}${perRow}`;
}

function verdictLines(report: InspectionReport): string[] {
  const faults = faultsOf(report);
  if (faults.length > 0) return [`DAMAGED in ${counted(faults.length, 'place')}:`, ...faults];
  const records = report.journals.reduce((sum, journal) => sum + journal.records, 0);
  const read = `${counted(records, 'record')} and ${counted(report.store.valuesRead, 'stored value')}`;
  return [
    report.isVerified
      ? `verified: ${read} read, every checksum matches`
      : `${read} read without a fault; --verify reads every block`,
  ];
}

function timeText(epochMs: number): string {
  // Beyond what a Date can hold the number itself is the better name.
  const date = new Date(epochMs);
  return Number.isNaN(date.getTime())
    ? `${epochMs} ms`
    : date.toISOString().replace('T', ' ').slice(0, 19);
}

function counted(count: number, one: string, many = `${one}s`): string {
  return `${readableCount(count)} ${count === 1 ? one : many}`;
}
