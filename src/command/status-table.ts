/** The table of `twintide status`: a line for each value, a column for each node. */
import type { StatusDocument } from '../http/node-snapshot.js';
import { colour, type Colour, type TextStream } from './terminal.js';

/** What became of asking a node: its document, or why there is none. */
export interface NodeAnswer {
  readonly url: string;
  readonly status: StatusDocument | null;
  readonly reason: string;
}

interface Cell {
  readonly text: string;
  readonly hue?: Colour;
}

const LABEL_WIDTH = 12;
const COLUMN_GAP = 2;

/** Bytes for people: three digits at most. */
export function readableBytes(bytes: number): string {
  let value = bytes;
  for (const unit of ['B', 'KiB', 'MiB', 'GiB', 'TiB']) {
    if (value < 999.5 || unit === 'TiB') {
      return `${value < 10 && unit !== 'B' ? value.toFixed(1) : Math.round(value)} ${unit}`;
    }
    value /= 1024;
  }
  return `${bytes} B`;
}

/** A duration for people: its two largest units. */
export function readableDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  const seconds = Math.floor(ms / 1_000);
  const [days, hours] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3_600) % 24];
  const minutes = Math.floor(seconds / 60) % 60;
  if (days > 0) return `${days} d ${hours} h`;
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}

const STATE_COLOURS: Readonly<Record<string, Colour>> = {
  linked: 'green',
  standalone: 'cyan',
  'catching-up': 'yellow',
};

const ROWS: readonly (readonly [label: string, read: (node: StatusDocument) => Cell])[] = [
  ['node', (node) => ({ text: `${node.node_id} (version ${node.version})`, hue: 'bold' })],
  ['up', (node) => ({ text: readableDuration(node.uptime_ms) })],
  [
    'ready',
    (node) => ({
      text: `${node.ready ? 'yes' : 'no'}: ${node.reason}`,
      hue: node.ready ? 'green' : 'red',
    }),
  ],
  [
    'replication',
    ({ replication }) => ({
      text: `${replication.repl_state}${replication.repl_degraded ? ' (beyond the budget)' : ''}`,
      hue: STATE_COLOURS[replication.repl_state] ?? 'red',
    }),
  ],
  [
    'pending',
    ({ replication }) => ({
      text: `${readableBytes(replication.repl_pending_bytes)} of ${readableBytes(replication.rpo_bytes)}`,
      ...(replication.repl_pending_bytes > replication.rpo_bytes ? { hue: 'red' as const } : {}),
    }),
  ],
  [
    'lag',
    ({ replication }) => ({
      text: replication.repl_lag_ms === null ? '-' : readableDuration(replication.repl_lag_ms),
    }),
  ],
  [
    'blocked',
    ({ replication }) => ({
      text: `${replication.repl_blocked_sessions} now, ${readableDuration(replication.repl_blocked_ms_total)} in all`,
      ...(replication.repl_blocked_sessions > 0 ? { hue: 'yellow' as const } : {}),
    }),
  ],
  ['conflicts', ({ replication }) => ({ text: String(replication.repl_conflicts_total) })],
  [
    'last error',
    ({ replication }) => ({
      text: replication.repl_last_error ?? '-',
      ...(replication.repl_last_error === null ? {} : { hue: 'yellow' as const }),
    }),
  ],
  ['sessions', (node) => ({ text: String(node.sessions) })],
  ['queries', (node) => ({ text: String(node.queries_total) })],
  ['rows written', (node) => ({ text: String(node.rows_written_total) })],
  ['memtable', (node) => ({ text: readableBytes(node.memtable_bytes) })],
  ['runs', (node) => ({ text: String(node.runs) })],
  [
    'series',
    (node) => ({
      text: `${node.series} of ${node.series_max}`,
      ...(node.series >= node.series_max ? { hue: 'red' as const } : {}),
    }),
  ],
  ['journals', (node) => ({ text: readableBytes(node.journal_bytes) })],
  [
    'disk',
    ({ disk_free_bytes, disk_full, disk_journal_waits }) => ({
      text: `${disk_free_bytes === null ? '?' : readableBytes(disk_free_bytes)} free${diskTrouble(disk_full, disk_journal_waits)}`,
      ...(disk_full ? { hue: 'red' as const } : {}),
    }),
  ],
];

function diskTrouble(isFull: boolean, isJournalWaiting: boolean): string {
  if (isJournalWaiting) return ': full, a journal waits for room';
  return isFull ? ': full, writes are refused' : '';
}

/** The whole table, without a final line end. */
export function statusTable(answers: readonly NodeAnswer[], stream: TextStream): string {
  const columns = answers.map(({ url, status, reason }): readonly Cell[] => [
    { text: url, hue: 'dim' },
    ...(status === null
      ? [{ text: `no answer: ${reason}`, hue: 'red' as const }]
      : ROWS.map(([, read]) => read(status))),
  ]);
  const labels = ['', ...ROWS.map(([label]) => label)];
  const widths = columns.map((cells) => Math.max(...cells.map((cell) => cell.text.length)));
  const depth = Math.max(...columns.map((cells) => cells.length));
  return labels
    .slice(0, depth)
    .map((label, row) => {
      const cells = columns.map((column, index) => {
        const { text, hue } = column[row] ?? { text: '' };
        const padded = text.padEnd(widths[index]! + COLUMN_GAP);
        return hue === undefined ? padded : colour(hue, padded, stream);
      });
      return `${label.padEnd(LABEL_WIDTH + COLUMN_GAP)}${cells.join('')}`.trimEnd();
    })
    .join('\n');
}
