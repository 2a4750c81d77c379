/** The HTTP endpoints over a made-up node. */
import { createLogger } from '../../src/server/logger.js';
import type { HttpSources, NodeSnapshot, Readiness } from '../../src/http/node-snapshot.js';
import { METRIC_ROWS } from '../../src/http/metrics.js';
import { startHttpServer, type HttpServer } from '../../src/http/server.js';

const LOOPBACK = { host: '127.0.0.1', port: 0 };

const linked: NodeSnapshot = {
  version: '0.1.0',
  nodeId: 1,
  startedAtMs: Date.UTC(2026, 2, 1, 12),
  uptimeMs: 90_000,
  readiness: { ready: true, reason: 'linked', lagMs: 12 },
  replication: {
    state: 'linked',
    linkState: 'linked',
    nodeId: 1,
    peerNodeId: 2,
    incarnation: '00000000000000aa',
    budgetBytes: 1024,
    budgetSpanMs: null,
    pendingBytes: 100,
    pendingSpanMs: Infinity,
    position: { incarnation: '00000000000000aa', sequence: 9 },
    peerReceived: { incarnation: '00000000000000aa', sequence: 8 },
    peerDurable: { incarnation: '00000000000000aa', sequence: 7 },
    peerApplied: { incarnation: '00000000000000aa', sequence: 6 },
    copyReceived: null,
    copyDurable: null,
    copyApplied: null,
    lagMs: 12,
    blockedSessions: 3,
    blockedMsTotal: 450,
    isDegraded: false,
    clockOffsetMs: -4,
    roundTripMs: 1,
    lastError: { code: 'LINK_PROTOCOL', message: 'garbage', atMs: 5 },
    refusal: null,
    needsBootstrap: false,
    linkNumber: 1,
    linksTotal: 1,
    rejectedConnectionsTotal: 0,
    ledger: [],
  },
  conflictsTotal: 2,
  digestMismatches: 0,
  sessions: 5,
  connectionsTotal: 50,
  queriesTotal: 500,
  rowsWrittenTotal: 5_000,
  bytesReceivedTotal: 10,
  bytesSentTotal: 20,
  busyPoll: { caught: 40, inVain: 3, polledMs: 2.5, rests: 1 },
  memtableBytes: 4096,
  memory: {
    memtables: 8192,
    idleMemtables: 1024,
    blockCache: 2048,
    series: 512,
    rowBatches: 256,
    journalTails: 128,
  },
  runs: 7,
  series: 70,
  seriesMax: 700,
  seriesRefusedWrites: 2,
  background: {
    flushes: 3,
    flushedRows: 3_000,
    flushedBytes: 30_000,
    compactions: 2,
    compactedRows: 2_000,
    compactionDroppedRows: 20,
    compactedBytes: 20_000,
    damagedRuns: 0,
    openRunsMax: 9,
    frozenGenerations: 1,
    stalls: 4,
    stalledMs: 40,
  },
  journalBytes: 8192,
  disk: { freeBytes: 500, reserveBytes: 1000, isFull: true, isJournalWaiting: false },
};

let server: HttpServer;
let logged: string[];
let snapshot: () => NodeSnapshot;
let readiness: () => Readiness;

beforeEach(async () => {
  snapshot = () => linked;
  readiness = () => snapshot().readiness;
  logged = [];
  const log = createLogger(
    { level: 'info', format: 'json' },
    { write: (line) => void logged.push(line) },
  );
  const sources: HttpSources = { readiness: () => readiness(), snapshot: () => snapshot() };
  server = await startHttpServer({ listen: LOOPBACK, sources, log });
});

afterEach(async () => {
  await server.close();
});

async function get(path: string): Promise<{ status: number; body: string }> {
  const response = await fetch(`http://127.0.0.1:${server.address.port}${path}`);
  return { status: response.status, body: await response.text() };
}

async function metrics(): Promise<ReadonlyMap<string, string>> {
  const { body } = await get('/metrics');
  const lines = body.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const space = line.lastIndexOf(' ');
      return [line.slice(0, space), line.slice(space + 1)];
    }),
  );
}

test('/health says that the process lives, ready or not', async () => {
  readiness = () => ({ ready: false, reason: 'recovering', lagMs: null });
  expect(await get('/health')).toEqual({ status: 200, body: '{"alive":true}' });
});

describe('/ready', () => {
  const behind = { ready: true, reason: 'linked', lagMs: 1_500 };
  const alone = { ready: true, reason: 'peer lost', lagMs: null };
  const catching = { ready: false, reason: 'catching up', lagMs: 60_000 };
  test.each<[query: string, state: Readiness, status: number, body: object]>([
    ['', behind, 200, { ready: true, reason: 'linked', lag_ms: 1_500 }],
    ['', catching, 503, { ready: false, reason: 'catching up', lag_ms: 60_000 }],
    ['?max_lag_ms=1500', behind, 200, { ready: true, reason: 'linked', lag_ms: 1_500 }],
    [
      '?max_lag_ms=1000',
      behind,
      503,
      { ready: false, reason: '1500 ms behind the peer, max_lag_ms is 1000', lag_ms: 1_500 },
    ],
    ['?max_lag_ms=0', alone, 200, { ready: true, reason: 'peer lost', lag_ms: null }],
    ['?max_lag_ms=1000', catching, 503, { ready: false, reason: 'catching up', lag_ms: 60_000 }],
    ['?max_lag_ms=soon', behind, 400, { error: 'max_lag_ms needs a whole number of milliseconds' }],
    [
      '?max_lag_ms=1&max_lag_ms=2',
      behind,
      400,
      { error: 'max_lag_ms needs a whole number of milliseconds' },
    ],
  ])('%s with %j', async (query, state, status, body) => {
    readiness = () => state;
    const answer = await get(`/ready${query}`);
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.body)).toEqual(body);
  });
});

test('/status has the names of SHOW STATUS', async () => {
  const { status, body } = await get('/status');
  expect(status).toBe(200);
  expect(JSON.parse(body)).toMatchObject({
    node_id: 1,
    version: '0.1.0',
    started_at: '2026-03-01T12:00:00.000Z',
    ready: true,
    reason: 'linked',
    replication: {
      repl_state: 'linked',
      repl_pending_bytes: 100,
      repl_pending_span_ms: null,
      repl_peer_received: '00000000000000aa:8',
      repl_peer_durable: '00000000000000aa:7',
      repl_peer_applied: '00000000000000aa:6',
      repl_lag_ms: 12,
      repl_blocked_sessions: 3,
      repl_blocked_ms_total: 450,
      repl_degraded: false,
      repl_conflicts_total: 2,
      repl_clock_offset_ms: -4,
      repl_digest_mismatches: 0,
      repl_last_error: 'LINK_PROTOCOL: garbage',
    },
    sessions: 5,
    journal_bytes: 8192,
    disk_free_bytes: 500,
    disk_reserve_bytes: 1000,
    disk_full: true,
    disk_journal_waits: false,
  });
});

describe('/metrics', () => {
  test('has each value of the snapshot', async () => {
    const page = await metrics();
    expect(Object.fromEntries(page)).toMatchObject({
      twintide_ready: '1',
      'twintide_repl_state{state="linked"}': '1',
      'twintide_repl_state{state="lost"}': '0',
      twintide_repl_pending_bytes: '100',
      twintide_repl_pending_span_ms: '+Inf',
      twintide_repl_peer_received: '8',
      twintide_repl_peer_durable: '7',
      twintide_repl_peer_applied: '6',
      twintide_repl_lag_ms: '12',
      twintide_repl_blocked_sessions: '3',
      twintide_repl_blocked_ms_total: '450',
      twintide_repl_degraded: '0',
      twintide_repl_conflicts_total: '2',
      twintide_repl_clock_offset_ms: '-4',
      twintide_repl_digest_mismatches: '0',
      twintide_repl_last_error: '1',
      twintide_sessions: '5',
      twintide_queries_total: '500',
      twintide_rows_written_total: '5000',
      twintide_busy_polls_caught_total: '40',
      twintide_busy_polls_vain_total: '3',
      twintide_busy_poll_ms_total: '2.5',
      twintide_busy_poll_rests_total: '1',
      twintide_memtable_bytes: '4096',
      'twintide_memory_bytes{kind="memtables"}': '8192',
      'twintide_memory_bytes{kind="memtables_idle"}': '1024',
      'twintide_memory_bytes{kind="block_cache"}': '2048',
      'twintide_memory_bytes{kind="series"}': '512',
      'twintide_memory_bytes{kind="row_batches"}': '256',
      'twintide_memory_bytes{kind="journal_tails"}': '128',
      twintide_runs: '7',
      twintide_series: '70',
      twintide_series_max: '700',
      twintide_series_refused_writes_total: '2',
      twintide_frozen_memtables: '1',
      twintide_open_runs_max: '9',
      twintide_flushes_total: '3',
      twintide_flushed_rows_total: '3000',
      twintide_flushed_bytes_total: '30000',
      twintide_compactions_total: '2',
      twintide_compacted_rows_total: '2000',
      twintide_compaction_dropped_rows_total: '20',
      twintide_compacted_bytes_total: '20000',
      twintide_compaction_damaged_runs: '0',
      twintide_write_stalls_total: '4',
      twintide_write_stall_ms_total: '40',
      twintide_journal_bytes: '8192',
      twintide_disk_free_bytes: '500',
      twintide_disk_reserve_bytes: '1000',
      twintide_disk_full: '1',
      twintide_disk_journal_waits: '0',
    });
    expect(page.get('twintide_event_loop_delay_ms{quantile="0.99"}')).toMatch(/^[\d.]+$/);
    for (const kind of ['resident', 'heap', 'external', 'array_buffers']) {
      expect(page.get(`twintide_memory_bytes{kind="${kind}"}`)).toMatch(/^\d+$/);
    }
  });

  test('has every row of its table once', async () => {
    const page = await metrics();
    const names = METRIC_ROWS.map((row) => row.name);
    expect(new Set(names).size).toBe(names.length);
    expect(names.filter((name) => !page.has(name))).toEqual([]);
  });

  test('leaves out what does not exist, and shows it again when it does', async () => {
    const lost = { ...linked.replication, state: 'lost', lagMs: null, peerDurable: null } as const;
    snapshot = () => ({ ...linked, replication: lost });
    const without = await metrics();
    expect(without.has('twintide_repl_lag_ms')).toBe(false);
    expect(without.has('twintide_repl_peer_durable')).toBe(false);
    expect(without.get('twintide_repl_state{state="lost"}')).toBe('1');
    snapshot = () => linked;
    expect((await metrics()).get('twintide_repl_lag_ms')).toBe('12');
  });

  test('counts up between scrapes, however many run at once', async () => {
    let queriesTotal = 500;
    snapshot = () => ({ ...linked, queriesTotal: queriesTotal++ });
    const pages = await Promise.all([metrics(), metrics(), metrics()]);
    const seen = pages.map((page) => page.get('twintide_queries_total')).sort();
    expect(seen).toEqual(['500', '501', '502']);
  });
});

test('an unknown path is told what there is', async () => {
  const { status, body } = await get('/metric');
  expect(status).toBe(404);
  expect(body).toContain('/metrics');
});

test('a failing source is a logged 500, and the next request works', async () => {
  snapshot = () => {
    throw new Error('the node is confused');
  };
  readiness = () => linked.readiness;
  expect(await get('/metrics')).toEqual({ status: 500, body: '{"error":"the node is confused"}' });
  expect(await get('/status')).toEqual({ status: 500, body: '{"error":"the node is confused"}' });
  expect(logged).toHaveLength(2);
  expect((await get('/ready')).status).toBe(200);
  snapshot = () => linked;
  expect((await get('/metrics')).status).toBe(200);
});

test('a port in use is rejected with its code', async () => {
  const log = createLogger({ level: 'fatal', format: 'json' });
  const sources: HttpSources = { readiness: () => linked.readiness, snapshot: () => linked };
  await expect(
    startHttpServer({ listen: { ...LOOPBACK, port: server.address.port }, sources, log }),
  ).rejects.toMatchObject({ code: 'EADDRINUSE' });
});
