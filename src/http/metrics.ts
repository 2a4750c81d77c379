/**
 * /metrics: the snapshot of a node in Prometheus' text format.
 *
 * Every metric is a row of one table: its name, what it says, and how it is read from the snapshot. A value that does not
 * exist at the moment (the lag without a link) is left out, not made up.
 */
import { monitorEventLoopDelay, type IntervalHistogram } from 'node:perf_hooks';
import { Counter, Gauge, Registry } from 'prom-client';
import type { NodeMemory, NodeSnapshot } from './node-snapshot.js';

interface MetricRow {
  readonly name: string;
  readonly help: string;
  readonly kind: 'gauge' | 'counter';
  readonly read: (snapshot: NodeSnapshot) => number | null;
}

function gauge(name: string, help: string, read: MetricRow['read']): MetricRow {
  return { name: `twintide_${name}`, help, kind: 'gauge', read };
}

function counter(name: string, help: string, read: MetricRow['read']): MetricRow {
  return { name: `twintide_${name}`, help, kind: 'counter', read };
}

/** All metrics with a single value; those with labels are below. */
export const METRIC_ROWS: readonly MetricRow[] = [
  gauge('ready', '1 while the node wants traffic.', (node) => Number(node.readiness.ready)),
  gauge('uptime_ms', 'Since the start of the node.', (node) => node.uptimeMs),
  gauge(
    'repl_pending_bytes',
    'Acknowledged or admitted record bytes that the peer has not confirmed.',
    (node) => node.replication.pendingBytes,
  ),
  gauge(
    'repl_pending_span_ms',
    'Time span of the unconfirmed records; +Inf for records of an earlier start.',
    (node) => node.replication.pendingSpanMs,
  ),
  gauge('repl_budget_bytes', 'The RPO budget, rpo_bytes.', (node) => node.replication.budgetBytes),
  gauge(
    'repl_position',
    'Sequence of the newest own record in the current incarnation.',
    (node) => node.replication.position.sequence,
  ),
  gauge(
    'repl_peer_received',
    'Sequence of this node’s journal that the peer has received.',
    (node) => node.replication.peerReceived?.sequence ?? null,
  ),
  gauge(
    'repl_peer_durable',
    'Sequence of this node’s journal that the peer has on disk.',
    (node) => node.replication.peerDurable?.sequence ?? null,
  ),
  gauge(
    'repl_peer_applied',
    'Sequence of this node’s journal that the peer shows to its readers.',
    (node) => node.replication.peerApplied?.sequence ?? null,
  ),
  gauge(
    'repl_lag_ms',
    'How far this node is behind its peer; absent without a link.',
    (node) => node.replication.lagMs,
  ),
  gauge(
    'repl_blocked_sessions',
    'Sessions that wait at the gate.',
    (node) => node.replication.blockedSessions,
  ),
  counter(
    'repl_blocked_ms_total',
    'Time that sessions have waited at the gate.',
    (node) => node.replication.blockedMsTotal,
  ),
  gauge('repl_degraded', '1 while acknowledgements may go beyond the budget.', (node) =>
    Number(node.replication.isDegraded),
  ),
  counter('repl_conflicts_total', 'Entries made in replication_conflicts.', (node) => {
    return node.conflictsTotal;
  }),
  gauge(
    'repl_clock_offset_ms',
    'The peer’s clock minus this node’s; absent until measured.',
    (node) => node.replication.clockOffsetMs,
  ),
  gauge(
    'repl_digest_mismatches',
    'Ranges that differed from the peer’s when compared.',
    (node) => node.digestMismatches,
  ),
  gauge('repl_last_error', '1 after an error of the link; its text is in /status.', (node) =>
    Number(node.replication.lastError !== null),
  ),
  gauge(
    'repl_needs_bootstrap',
    '1 when the peer can no longer catch up from the journal.',
    (node) => Number(node.replication.needsBootstrap),
  ),
  gauge('sessions', 'Open MySQL sessions.', (node) => node.sessions),
  counter('connections_total', 'Accepted MySQL connections.', (node) => node.connectionsTotal),
  counter('queries_total', 'Statements of clients.', (node) => node.queriesTotal),
  counter('rows_written_total', 'Rows that clients wrote.', (node) => node.rowsWrittenTotal),
  counter('bytes_received_total', 'Bytes from MySQL clients.', (node) => node.bytesReceivedTotal),
  counter('bytes_sent_total', 'Bytes to MySQL clients.', (node) => node.bytesSentTotal),
  counter(
    'busy_polls_caught_total',
    'Busy polls that ended with a statement.',
    (node) => node.busyPoll.caught,
  ),
  counter(
    'busy_polls_vain_total',
    'Busy polls that ended without a statement.',
    (node) => node.busyPoll.inVain,
  ),
  counter('busy_poll_ms_total', 'Time spent in busy polls.', (node) => node.busyPoll.polledMs),
  counter(
    'busy_poll_rests_total',
    'How often busy polling rested because other threads wanted the processors.',
    (node) => node.busyPoll.rests,
  ),
  gauge('memtable_bytes', 'Memory of rows not yet flushed.', (node) => node.memtableBytes),
  gauge('runs', 'Runs on disk, of all tables.', (node) => node.runs),
  gauge('series', 'Series of all tables.', (node) => node.series),
  gauge('series_max', 'The limit, storage.max_series.', (node) => node.seriesMax),
  counter(
    'series_refused_writes_total',
    'Writes refused because they would have created series beyond the limit.',
    (node) => node.seriesRefusedWrites,
  ),
  gauge(
    'frozen_memtables',
    'Memtables that wait for their flush, or are flushed now.',
    (node) => node.background.frozenGenerations,
  ),
  gauge(
    'open_runs_max',
    'Runs of the partition that has most, those apart that are full.',
    (node) => node.background.openRunsMax,
  ),
  counter('flushes_total', 'Memtables flushed.', (node) => node.background.flushes),
  counter('flushed_rows_total', 'Rows flushed.', (node) => node.background.flushedRows),
  counter(
    'flushed_bytes_total',
    'Bytes that flushes wrote.',
    (node) => node.background.flushedBytes,
  ),
  counter('compactions_total', 'Compactions done.', (node) => node.background.compactions),
  counter(
    'compacted_rows_total',
    'Rows that compactions read.',
    (node) => node.background.compactedRows,
  ),
  counter(
    'compaction_dropped_rows_total',
    'Rows that compactions left out: overwritten, deleted, expired.',
    (node) => node.background.compactionDroppedRows,
  ),
  counter(
    'compacted_bytes_total',
    'Bytes that compactions wrote.',
    (node) => node.background.compactedBytes,
  ),
  gauge(
    'compaction_damaged_runs',
    'Runs that compaction could not read, and left alone.',
    (node) => node.background.damagedRuns,
  ),
  counter(
    'write_stalls_total',
    'Writes that waited for flushes or compactions.',
    (node) => node.background.stalls,
  ),
  counter(
    'write_stall_ms_total',
    'How long writes waited for flushes or compactions.',
    (node) => node.background.stalledMs,
  ),
  gauge('journal_bytes', 'Both journals on disk.', (node) => node.journalBytes),
  gauge(
    'disk_free_bytes',
    'What the disk has left; absent where the file system does not tell.',
    (node) => node.disk.freeBytes,
  ),
  gauge(
    'disk_reserve_bytes',
    'Clients’ writes are refused while less than this is free.',
    (node) => node.disk.reserveBytes,
  ),
  gauge('disk_full', '1 while clients’ writes are refused because the disk is full.', (node) =>
    Number(node.disk.isFull),
  ),
  gauge(
    'disk_journal_waits',
    '1 while a journal waits for room, and with it the writes that it has taken.',
    (node) => Number(node.disk.isJournalWaiting),
  ),
];

/** All states, as the compiler checks; the one that holds has the value 1. */
const STATES: Readonly<Record<NodeSnapshot['replication']['state'], null>> = {
  standalone: null,
  degraded: null,
  released: null,
  unprotected: null,
  refused: null,
  lost: null,
  'catching-up': null,
  linked: null,
};

/** What the node counts itself, beside what the process is told by the system and the engine. */
const MEMORY_KINDS: readonly (readonly [string, (memory: NodeMemory) => number])[] = [
  ['memtables', (memory) => memory.memtables],
  ['memtables_idle', (memory) => memory.idleMemtables],
  ['block_cache', (memory) => memory.blockCache],
  ['series', (memory) => memory.series],
  ['row_batches', (memory) => memory.rowBatches],
  ['journal_tails', (memory) => memory.journalTails],
];

const NANOSECONDS_PER_MS = 1e6;

export class MetricsPage {
  readonly contentType: string;
  readonly #registry = new Registry();
  readonly #rows: readonly (readonly [MetricRow, Gauge | Counter])[];
  readonly #state: Gauge<'state'>;
  readonly #memory: Gauge<'kind'>;
  readonly #loopDelay: Gauge<'quantile'>;
  /** Since the last scrape. */
  readonly #delays: IntervalHistogram = monitorEventLoopDelay({ resolution: 10 });

  constructor() {
    const registers = [this.#registry];
    this.contentType = this.#registry.contentType;
    this.#rows = METRIC_ROWS.map((row) => {
      const { name, help } = row;
      return [
        row,
        row.kind === 'gauge'
          ? new Gauge({ name, help, registers })
          : new Counter({ name, help, registers }),
      ];
    });
    this.#state = new Gauge({
      name: 'twintide_repl_state',
      help: 'State of replication: 1 for the one that holds.',
      labelNames: ['state'],
      registers,
    });
    this.#memory = new Gauge({
      name: 'twintide_memory_bytes',
      help: 'Memory by kind: of the process (resident, heap, external, array_buffers), and what of it the node counts.',
      labelNames: ['kind'],
      registers,
    });
    this.#loopDelay = new Gauge({
      name: 'twintide_event_loop_delay_ms',
      help: 'How late the main thread came to its work, since the last scrape.',
      labelNames: ['quantile'],
      registers,
    });
    this.#delays.enable();
  }

  /** The text of the page. Calls must not overlap: the values live in the registry. */
  async render(snapshot: NodeSnapshot): Promise<string> {
    for (const [row, metric] of this.#rows) {
      const value = row.read(snapshot);
      if (metric instanceof Counter) {
        metric.reset();
        metric.inc(value ?? 0);
      } else if (value === null) {
        metric.remove();
      } else {
        metric.set(value);
      }
    }
    for (const state of Object.keys(STATES)) {
      this.#state.set({ state }, Number(snapshot.replication.state === state));
    }
    const memory = process.memoryUsage();
    this.#memory.set({ kind: 'resident' }, memory.rss);
    this.#memory.set({ kind: 'heap' }, memory.heapUsed);
    this.#memory.set({ kind: 'external' }, memory.external);
    this.#memory.set({ kind: 'array_buffers' }, memory.arrayBuffers);
    for (const [kind, read] of MEMORY_KINDS) this.#memory.set({ kind }, read(snapshot.memory));
    this.#measureDelay();
    return this.#registry.metrics();
  }

  #measureDelay(): void {
    const delays = this.#delays;
    const isEmpty = delays.count === 0;
    for (const [quantile, delay] of [
      ['0.5', delays.percentile(50)],
      ['0.99', delays.percentile(99)],
      ['1', delays.max],
    ] as const) {
      this.#loopDelay.set({ quantile }, isEmpty ? 0 : delay / NANOSECONDS_PER_MS);
    }
    delays.reset();
  }

  close(): void {
    this.#delays.disable();
  }
}
