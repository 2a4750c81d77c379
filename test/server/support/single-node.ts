/**
 * A whole node but for journal and peer: a real MySQL server, sessions, catalog and table store over memory.
 *
 * Its writer takes records as a ReplicaNode does (validate, stamp, append in one turn; visible later; then acknowledged),
 * and a test can make it answer as a gate in trouble would.
 */

import { createConnection } from 'mysql2/promise';
import type { Connection, ConnectionOptions } from 'mysql2/promise';
import { MysqlServer, accountVerifier } from '../../../protocol/index.js';
import { NotAppliedError } from '../../../replication/index.js';
import type {
  Acknowledgement,
  ReplicationStatus,
  WriteOptions,
} from '../../../replication/index.js';
import {
  TableStore,
  encodeRecord,
  encodeSchemaBody,
  RecordKind,
  systemClock,
  systemRandom,
  systemTimers,
} from '../../../storage/index.js';
import { Catalog } from '../../../src/catalog/catalog.js';
import { GlobalVariables } from '../../../src/catalog/global-variables.js';
import { DdlQueue } from '../../../src/server/ddl-queue.js';
import type { PartedWrite, ServerContext, Writer } from '../../../src/server/server-context.js';
import { Session } from '../../../src/server/session.js';
import { SeriesLimit } from '../../../src/server/series-limit.js';
import { StatementCounters } from '../../../src/server/statement-counters.js';
import { InsertGroups } from '../../../src/server/insert-groups.js';
import { RowBatchPool } from '../../../src/server/row-batch-pool.js';
import { TableGuards } from '../../../src/server/table-guards.js';
import { ForgetfulKv } from '../../support/forgetful-kv.js';

const NODE_ID = 1;
const VERSION = '8.0.36-twintide-test';

export interface SingleNodeOptions {
  readonly maxRecordBytes?: number;
  readonly memtableBytes?: number;
  readonly maxSeries?: number;
}

/** What was written, record by record. */
export interface WrittenRecord {
  readonly kind: 'write' | 'ddl' | 'part' | 'commit' | 'abort';
  readonly bytes: number;
}

/** Stands for a ReplicaNode. */
export class MemoryWriter implements Writer {
  readonly records: WrittenRecord[] = [];
  /** Thrown by the next write or commit, after it was validated and before it is applied. */
  failNext: Error | null = null;
  warning: Acknowledgement['warning'] = null;
  /** What it admits without a wait, as it says. */
  roomBytes = Infinity;
  /** Held back until it resolves: a gate that lets nothing pass. */
  gate: Promise<void> = Promise.resolve();
  readonly #tables: TableStore;
  readonly #catalog: Catalog;
  readonly #maxRecordBytes: number;
  #version = Date.now() * 2048 + NODE_ID;

  constructor(tables: TableStore, catalog: Catalog, maxRecordBytes: number) {
    this.#tables = tables;
    this.#catalog = catalog;
    this.#maxRecordBytes = maxRecordBytes;
  }

  async write(
    kind: 'write' | 'ddl',
    body: readonly Uint8Array[] | ((version: number) => readonly Uint8Array[]),
    options: WriteOptions,
  ): Promise<Acknowledgement> {
    const version = this.nextVersion();
    const parts = typeof body === 'function' ? body(version) : body;
    this.#append(kind, parts, version, options);
    this.#fail();
    await this.gate;
    const whole = Buffer.concat(parts);
    if (kind === 'ddl') this.#catalog.apply(version, NODE_ID, whole);
    else this.#tables.applyWrite(version, whole, 0);
    return this.#acknowledge(version);
  }

  admitsNow(recordBytes: number): boolean {
    return recordBytes <= this.roomBytes;
  }

  beginMultiPart(options: WriteOptions): PartedWrite {
    const bodies: Uint8Array[] = [];
    let isEnded = false;
    return {
      part: async (body) => {
        const { validate: _, ...others } = options;
        this.#append('part', body, this.nextVersion(), others);
        bodies.push(Buffer.concat(body));
        await this.gate;
      },
      commit: async () => {
        const version = this.nextVersion();
        this.#append('commit', [], version, options);
        isEnded = true;
        this.#fail();
        await this.gate;
        this.#tables.applyMultiPart(version, bodies);
        return this.#acknowledge(version);
      },
      abort: async () => {
        if (!isEnded && bodies.length > 0) this.records.push({ kind: 'abort', bytes: 0 });
        isEnded = true;
        await Promise.resolve();
      },
    };
  }

  /** A record of the peer's, applied as it comes. */
  applyPeerDdl(body: Uint8Array): void {
    this.#catalog.apply(this.nextVersion() + 1, 2, body);
  }

  nextVersion(): number {
    this.#version += 8;
    return this.#version;
  }

  #append(
    kind: WrittenRecord['kind'],
    body: readonly Uint8Array[],
    version: number,
    options: WriteOptions,
  ): void {
    if (options.signal?.aborted === true) {
      throw new NotAppliedError('aborted', 'not applied: cancelled before it was appended');
    }
    options.validate?.();
    const record = encodeRecord(RecordKind.write, 1, version, body);
    if (record.length > this.#maxRecordBytes) throw new Error(`a record of ${record.length} bytes`);
    for (const schema of options.schemas) this.#tables.applySchema(encodeSchemaBody(schema));
    this.records.push({ kind, bytes: record.length });
  }

  #fail(): void {
    const failure = this.failNext;
    this.failNext = null;
    if (failure !== null) throw failure;
  }

  #acknowledge(version: number): Acknowledgement {
    const position = { incarnation: '00000000000000aa', sequence: this.records.length };
    return { version, position, warning: this.warning };
  }
}

export class SingleNode {
  readonly context: ServerContext;
  readonly writer: MemoryWriter;
  readonly tables: TableStore;
  readonly server: MysqlServer;
  /** What only the log would hear of. */
  readonly bugs: unknown[] = [];
  readonly calls: string[] = [];
  readonly #clients: Connection[] = [];
  #port = 0;

  private constructor(tables: TableStore, catalog: Catalog, options: SingleNodeOptions) {
    const maxRecordBytes = options.maxRecordBytes ?? 8 * 1024 * 1024;
    this.tables = tables;
    this.writer = new MemoryWriter(tables, catalog, maxRecordBytes);
    const timers = systemTimers({ keepsProcessAlive: false });
    const environment = {
      clock: systemClock,
      timers,
      random: systemRandom,
      log: {
        info: (): void => undefined,
        warn: (fields: object): void => void this.bugs.push(fields),
        error: (fields: object): void => void this.bugs.push(fields),
      },
    };
    this.server = new MysqlServer(
      {
        environment,
        hooks: {
          greeting: () => ({ ready: true }),
          verifier: (user) => (user === 'root' ? accountVerifier('') : null),
          openSession: (connection) => new Session(this.context, connection),
        },
      },
      { version: VERSION },
    );
    const writing = {
      limits: {
        maxRecordBytes,
        memtableBytes: options.memtableBytes ?? 64 * 1024 * 1024,
        partitionMs: 30 * 86_400_000,
        ttlMs: null,
        maxAllowedPacketBytes: 64 * 1024 * 1024,
        queryMemoryBytes: 64 * 1024 * 1024,
      },
      timers,
      catalog,
      writer: this.writer,
      guards: new TableGuards(),
      seriesLimit: new SeriesLimit(
        {
          seriesCount: () => tables.seriesCount,
          seriesCountMax: () => tables.seriesCountMax,
          newSeries: (section, schema) => tables.newSeries(section, schema),
          isApplied: () => true,
        },
        options.maxSeries ?? 1_000_000,
      ),
      batches: new RowBatchPool({ memtableBytes: 64 * 1024 * 1024 }, (tableId) =>
        tables.seriesOf(tableId),
      ),
    };
    this.context = {
      ...writing,
      insertGroups: new InsertGroups(writing),
      nodeId: NODE_ID,
      version: VERSION,
      systemTimeZone: 'UTC',
      clock: systemClock,
      random: systemRandom,
      openReadView: () => tables.readView(),
      tableStatistics: (tableId) => {
        const found = tables.statsOf(tableId);
        return { rows: found?.rows ?? 0, bytes: found?.runBytes ?? 0 };
      },
      replicationStatus: () => STANDALONE,
      releasePeer: () => void this.calls.push('release_peer'),
      backup: () => Promise.reject(new Error('a store in memory has no backup')),
      backupStatus: () => ({ backup_state: 'idle' }),
      diskStatus: () => ({
        freeBytes: 2 ** 40,
        reserveBytes: 2 ** 28,
        isFull: false,
        isJournalWaiting: false,
      }),
      flush: () => {
        this.calls.push('flush');
        return Promise.resolve();
      },
      compactTables: (tableIds) => {
        this.calls.push(`compact ${tableIds.length}`);
        return Promise.resolve();
      },
      setRpoBudget: (bytes) => {
        this.calls.push(`rpo ${bytes}`);
        return Promise.resolve(null);
      },
      processes: () =>
        this.server.connections().map((connection) => ({
          id: connection.id,
          user: connection.user,
          host: `${connection.host}:${connection.port}`,
          database: connection.database,
          command: connection.command,
          seconds: Math.floor(connection.elapsedMs / 1000),
          state: '',
          statement: connection.statement,
        })),
      kill: (id, target) => (target === 'query' ? this.server.killQuery(id) : this.server.kill(id)),
      reportBug: (error) => void this.bugs.push(error),
      connectionCounters: () => this.server.counters(),
      startedMonotonicMs: systemClock.monotonicMs(),
      globals: new GlobalVariables({ version: VERSION, port: 4002, rpo_bytes: 1_000_000 }),
      counters: new StatementCounters(),
      ddl: new DdlQueue(),
    };
  }

  static async start(options: SingleNodeOptions = {}): Promise<SingleNode> {
    const tables = await TableStore.open(
      { kv: new ForgetfulKv(), timers: systemTimers({ keepsProcessAlive: false }) },
      { memtableBytes: 256 * 1024 * 1024, cacheBytes: 16 * 1024 * 1024 },
    );
    const catalog = new Catalog({
      tableDefined: (schema) => tables.defineTable(schema),
      tableDropped: (tableId, version) => tables.dropTable(tableId, version),
    });
    const node = new SingleNode(tables, catalog, options);
    const address = await node.server.listen({ kind: 'tcp', host: '127.0.0.1', port: 0 });
    if (address.kind !== 'tcp') throw new Error('no port');
    node.#port = address.port;
    return node;
  }

  /** A mysql2 connection; closed with the node. */
  async connect(options: ConnectionOptions = {}): Promise<Connection> {
    const connection = await createConnection({
      host: '127.0.0.1',
      port: this.#port,
      user: 'root',
      dateStrings: true,
      supportBigNumbers: true,
      ...options,
    });
    connection.on('error', () => undefined);
    this.#clients.push(connection);
    return connection;
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) client.destroy();
    await this.server.close();
    await this.tables.close();
  }
}

const STANDALONE: ReplicationStatus = {
  state: 'standalone',
  linkState: 'none',
  nodeId: NODE_ID,
  peerNodeId: null,
  incarnation: '00000000000000aa',
  budgetBytes: 1_000_000,
  budgetSpanMs: null,
  pendingBytes: 0,
  pendingSpanMs: 0,
  position: { incarnation: '00000000000000aa', sequence: 1 },
  peerReceived: null,
  peerDurable: null,
  peerApplied: null,
  copyReceived: null,
  copyDurable: null,
  copyApplied: null,
  lagMs: null,
  blockedSessions: 0,
  blockedMsTotal: 0,
  isDegraded: false,
  clockOffsetMs: null,
  roundTripMs: null,
  lastError: null,
  refusal: null,
  needsBootstrap: false,
  linkNumber: null,
  linksTotal: 0,
  rejectedConnectionsTotal: 0,
  ledger: [],
};
