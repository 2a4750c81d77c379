/** The table of `twintide status`, as text. */
import type { StatusDocument } from '../../src/http/node-snapshot.js';
import {
  readableBytes,
  readableDuration,
  statusTable,
  type NodeAnswer,
} from '../../src/command/status-table.js';

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1024, '1.0 KiB'],
  [10 * 1024, '10 KiB'],
  [999.6 * 1024, '1.0 MiB'],
  [64 * 2 ** 20, '64 MiB'],
  [3.25 * 2 ** 40, '3.3 TiB'],
  [5_000 * 2 ** 40, '5000 TiB'],
])('%d bytes are %s', (bytes, text) => {
  expect(readableBytes(bytes)).toBe(text);
});

test.each([
  [0.4, '0 ms'],
  [999, '999 ms'],
  [1_500, '1 s'],
  [90_000, '1 min 30 s'],
  [3_600_000, '1 h 0 min'],
  [86_400_000 * 3 + 3_600_000 * 4.5, '3 d 4 h'],
])('%d ms are %s', (ms, text) => {
  expect(readableDuration(ms)).toBe(text);
});

const up: NodeAnswer = {
  url: 'http://127.0.0.1:4000',
  reason: '',
  status: {
    node_id: 1,
    version: '0.1.0',
    started_at: '2026-03-01T12:00:00.000Z',
    uptime_ms: 90_000,
    ready: true,
    reason: 'linked',
    replication: {
      repl_state: 'linked',
      repl_pending_bytes: 2048,
      repl_pending_span_ms: 5,
      repl_peer_received: null,
      repl_peer_durable: null,
      repl_peer_applied: null,
      repl_lag_ms: 12,
      repl_blocked_sessions: 0,
      repl_blocked_ms_total: 0,
      repl_degraded: false,
      repl_conflicts_total: 0,
      repl_clock_offset_ms: 0,
      repl_digest_mismatches: 0,
      repl_last_error: null,
      peer_node_id: 2,
      rpo_bytes: 67_108_864,
      rpo_span_ms: null,
      position: '00000000000000aa:9',
      copy_received: null,
      copy_durable: null,
      copy_applied: null,
      needs_bootstrap: false,
    },
    sessions: 3,
    connections_total: 4,
    queries_total: 50,
    rows_written_total: 600,
    bytes_received_total: 0,
    bytes_sent_total: 0,
    memtable_bytes: 4096,
    runs: 7,
    series: 120,
    series_max: 10_000_000,
    series_refused_writes_total: 0,
    frozen_memtables: 0,
    open_runs_max: 3,
    write_stalls_total: 0,
    write_stall_ms_total: 0,
    journal_bytes: 134_217_728,
    disk_free_bytes: 1_073_741_824,
    disk_reserve_bytes: 402_653_184,
    disk_full: false,
    disk_journal_waits: false,
  },
};
const down: NodeAnswer = {
  url: 'http://127.0.0.1:4001',
  status: null,
  reason: 'connect ECONNREFUSED',
};

test('nodes stand side by side, also one that does not answer', () => {
  expect(statusTable([up, down], {}).split('\n')).toEqual([
    '              http://127.0.0.1:4000  http://127.0.0.1:4001',
    'node          1 (version 0.1.0)      no answer: connect ECONNREFUSED',
    'up            1 min 30 s',
    'ready         yes: linked',
    'replication   linked',
    'pending       2.0 KiB of 64 MiB',
    'lag           12 ms',
    'blocked       0 now, 0 ms in all',
    'conflicts     0',
    'last error    -',
    'sessions      3',
    'queries       50',
    'rows written  600',
    'memtable      4.0 KiB',
    'runs          7',
    'series        120 of 10000000',
    'journals      128 MiB',
    'disk          1.0 GiB free',
  ]);
});

test('a full disk is said, and one that cannot be told is a question', () => {
  const lastLine = (disk: Partial<StatusDocument>): string | undefined =>
    statusTable([{ ...up, status: { ...up.status!, ...disk } }], {})
      .split('\n')
      .at(-1);
  expect(lastLine({ disk_free_bytes: 1024, disk_full: true })).toBe(
    'disk          1.0 KiB free: full, writes are refused',
  );
  expect(lastLine({ disk_free_bytes: 0, disk_full: true, disk_journal_waits: true })).toBe(
    'disk          0 B free: full, a journal waits for room',
  );
  expect(lastLine({ disk_free_bytes: null })).toBe('disk          ? free');
});

test('one silent node is two lines', () => {
  expect(statusTable([down], {})).toBe(
    '              http://127.0.0.1:4001\nnode          no answer: connect ECONNREFUSED',
  );
});

test('colours are for terminals', () => {
  expect(statusTable([up], {})).not.toContain('\u001b[');
  expect(statusTable([up], { isTTY: true })).toContain('\u001b[32mlinked');
});
