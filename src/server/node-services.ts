/**
 * What a node does for others, over a store that is recovered: the link to the peer, MySQL, HTTP.
 *
 * The operator's socket and HTTP are open before the node serves, so that one can see why it does not yet. While it is unready, the MySQL
 * greeting is an ERR packet of class 08, at which load balancers and Connector/J go to the other node.
 */

import { join } from 'node:path';
import {
  MysqlServer,
  onSocketBytes,
  type AccountVerifier,
  type ConnectionStatus,
  type ServerEnvironment,
  type ServerHooks,
} from '../../protocol/index.js';
import { ReplicaNode, TcpTransport, type ReplicationLog } from '../../replication/index.js';
import {
  nodeDisk,
  systemClock,
  systemRandom,
  systemTimers,
  type Timers,
} from '../../storage/index.js';
import { GlobalVariables } from '../catalog/global-variables.js';
import type { ProcessRow } from '../catalog/information-source.js';
import type { VariableValue } from '../catalog/system-variables.js';
import type { NodeSnapshot, Readiness } from '../http/node-snapshot.js';
import { startHttpServer, type HttpServer } from '../http/server.js';
import { BackupService } from './backup-service.js';
import { isPasswordless, type Account } from './config-accounts.js';
import type { Config } from './config.js';
import type { DataDirectory } from './data-directory.js';
import { DdlQueue } from './ddl-queue.js';
import { ExpiryTask } from './expiry-task.js';
import type { Logger } from './logger.js';
import type { Closers, RunningNode } from './node.js';
import type { NodeStorage } from './node-storage.js';
import { ProcessorDemand } from './processor-demand.js';
import type { ServerContext } from './server-context.js';
import { InsertGroups } from './insert-groups.js';
import { RowBatchPool } from './row-batch-pool.js';
import { SeriesLimit } from './series-limit.js';
import { Session } from './session.js';
import { StatementCounters } from './statement-counters.js';
import { TableGuards } from './table-guards.js';
import { VERSION } from './version.js';

/** What clients compare with MySQL's releases; the rest says who we are. */
const SERVER_VERSION = `8.0.36-twintide-${VERSION}`;
/** How long clients may take to finish their statement when the node stops. */
const DRAIN_MS = 10_000;
const DIAL_TIMEOUT_MS = 3_000;
const FAREWELL_MS = 50;
/** How often a starting node looks whether it has become ready. */
const READY_POLL_MS = 50;
const PREPARED_STATEMENTS_MAX = 16_382;

/** Rejects when an address cannot be used; what was started until then is among the closers. */
export async function startServices(
  config: Config,
  log: Logger,
  { directory, kv, store, catalog }: NodeStorage,
  closers: Closers,
): Promise<Omit<RunningNode, 'stop'>> {
  const timers = systemTimers({ keepsProcessAlive: false });
  const counters = new StatementCounters();
  const startedAtMs = systemClock.wallMs();
  const { peer, secret } = config.replication;
  const transport =
    peer === null
      ? null
      : new TcpTransport({
          listen: config.replication.listen,
          peer,
          dialTimeoutMs: DIAL_TIMEOUT_MS,
          read: onSocketBytes,
        });
  const replica = await ReplicaNode.open(
    {
      store,
      transport,
      clock: systemClock,
      timers,
      random: systemRandom,
      log: replicationLog(log),
      onFailure: (error) => {
        // After a failed write or sync nothing may be answered: clients see a broken connection, and a restart reads the disk.
        log.fatal({ err: error }, 'storage failed; this node ends now');
        log.flush();
        // The link gets the moment to tell the peer that what we confirmed is void.
        setTimeout(() => process.exit(1), FAREWELL_MS);
      },
    },
    {
      nodeId: config.node.id,
      isAlone: false,
      peer: peer === null || secret === null ? null : { secret, clusterId: null },
      rpoBytes: config.replication.rpoBytes,
      rpoSpanMs: config.replication.rpoSpanMs,
      rpoWaitTimeoutMs: config.replication.rpoWaitTimeoutMs,
      onPeerLoss: config.replication.onPeerLoss,
      degradeAfterMs: config.replication.degradeAfterMs,
      heartbeatMs: config.replication.heartbeatMs,
      deadAfterMs: config.replication.deadAfterMs,
      startupPeerWaitMs: config.replication.startupPeerWaitMs,
      readyAloneAfterMs: config.replication.readyAloneAfterMs,
      maxRecordBytes: config.replication.maxRecordBytes,
      catchupBytesPerSecond: config.replication.catchupRateLimitBytes,
    },
  );
  closers.push(() => replica.stop({ drainMs: DRAIN_MS }));
  closers.push(() => {
    // What waits for room on a full disk would hold up the end.
    kv.endWaits();
    return Promise.resolve();
  });
  store.onFailure((error) => replica.fail(error));
  store.onDiskChange(({ isFull, isJournalWaiting, freeBytes, reserveBytes }) => {
    const figures = { freeBytes, reserveBytes };
    if (isJournalWaiting) {
      log.error(
        figures,
        'the disk is full: a journal waits for room, and with it writes under way',
      );
    } else if (isFull) log.warn(figures, 'the disk is full: writes are refused');
    else log.info(figures, 'the disk has room again');
  });

  const backups = new BackupService({
    store,
    kv,
    disk: nodeDisk,
    clock: systemClock,
    random: systemRandom,
    timers,
  });
  closers.push(() => backups.stop());

  const seriesLimit = new SeriesLimit(
    {
      seriesCount: () => store.tables.seriesCount,
      seriesCountMax: () => store.tables.seriesCountMax,
      newSeries: (section, schema) => store.tables.newSeries(section, schema),
      isApplied: ({ incarnation, sequence }) =>
        store.applied(config.node.id, incarnation) >= sequence,
    },
    config.storage.maxSeries,
  );
  const writing = {
    limits: {
      maxRecordBytes: config.replication.maxRecordBytes,
      memtableBytes: config.storage.memtableBytes,
      partitionMs: config.storage.partitionMs,
      ttlMs: config.storage.ttlMs,
      maxAllowedPacketBytes: config.mysql.maxAllowedPacketBytes,
      queryMemoryBytes: config.query.memoryBytes,
    },
    timers,
    catalog,
    writer: replica,
    guards: new TableGuards(),
    seriesLimit,
    batches: new RowBatchPool(config.storage, (tableId) => store.tables.seriesOf(tableId)),
  };
  const context: ServerContext = {
    ...writing,
    insertGroups: new InsertGroups(writing),
    nodeId: config.node.id,
    version: SERVER_VERSION,
    systemTimeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    clock: systemClock,
    random: systemRandom,
    openReadView: () => store.tables.readView(),
    tableStatistics: (tableId) => {
      const found = store.tables.statsOf(tableId);
      return { rows: found?.rows ?? 0, bytes: found?.runBytes ?? 0 };
    },
    replicationStatus: () => replica.status(),
    releasePeer: () => replica.releasePeer(),
    flush: () => store.flush(),
    backup: (folder, signal) => backups.run(folder, signal),
    backupStatus: () => backups.status(),
    diskStatus: () => store.diskStatus(),
    compactTables: (tableIds) => store.compactTables(tableIds),
    setRpoBudget: async (bytes) => {
      const fits = await replica.setBudget({ bytes, spanMs: config.replication.rpoSpanMs });
      return fits ? null : 'what is pending does not fit the new budget yet';
    },
    processes: () => mysql.connections().map(processRow),
    kill: (id, target) => (target === 'query' ? mysql.killQuery(id) : mysql.kill(id)),
    reportBug: (error, where) => log.error({ err: error, where }, 'a defect'),
    connectionCounters: () => mysql.counters(),
    startedMonotonicMs: systemClock.monotonicMs(),
    globals: new GlobalVariables(factsOf(config, directory)),
    ddl: new DdlQueue(),
    counters,
  };

  const demand = config.mysql.busyPollMs > 0 ? ProcessorDemand.open() : null;
  closers.push(async () => demand?.close());
  const environment: ServerEnvironment = {
    clock: systemClock,
    timers,
    random: systemRandom,
    log: {
      info: (fields, message) => log.debug(fields, message),
      warn: (fields, message) => log.warn(fields, message),
      error: (fields, message) => log.error(fields, message),
    },
    ...(demand !== null && {
      polling: {
        nextTurn: (task: () => void) => void setImmediate(task),
        isContended: () => demand.isExceeded(systemClock.monotonicMs()),
      },
    }),
  };
  const mysql = new MysqlServer(
    { hooks: hooksOf(config, context, replica), environment },
    {
      version: SERVER_VERSION,
      maxConnections: config.mysql.maxConnections,
      maxAllowedPacketBytes: config.mysql.maxAllowedPacketBytes,
      maxPreparedStatements: PREPARED_STATEMENTS_MAX,
      busyPollMs: config.mysql.busyPollMs,
    },
  );
  closers.push(async () => {
    await mysql.drain({ timeoutMs: DRAIN_MS });
  });
  await mysql.listen({ kind: 'unix', path: directory.adminSocket }, { isOperator: true });

  const readiness = (): Readiness => {
    const { ready, reason } = replica.isReady();
    return { ready, reason, lagMs: replica.status().lagMs };
  };
  const snapshot = (): NodeSnapshot => ({
    version: VERSION,
    nodeId: config.node.id,
    startedAtMs,
    uptimeMs: systemClock.wallMs() - startedAtMs,
    readiness: readiness(),
    replication: replica.status(),
    conflictsTotal: catalog.conflicts().length,
    digestMismatches: 0,
    sessions: mysql.counters().connectionsOpen,
    connectionsTotal: mysql.counters().connectionsTotal,
    queriesTotal: mysql.counters().commandsTotal,
    rowsWrittenTotal: counters.rowsInserted,
    bytesReceivedTotal: mysql.counters().bytesReceived,
    bytesSentTotal: mysql.counters().bytesSent,
    busyPoll: mysql.counters().busyPoll,
    memtableBytes: store.tables.memtableBytes(),
    memory: {
      ...store.tables.memory(),
      rowBatches: context.batches.idleBytes,
      journalTails: store.own.tailBytes + (store.copy?.tailBytes ?? 0),
    },
    runs: store.tables.stats().reduce((sum, table) => sum + table.runs, 0),
    series: seriesLimit.seriesCount,
    seriesMax: seriesLimit.max,
    seriesRefusedWrites: seriesLimit.refusedWrites,
    background: store.backgroundStatus(),
    disk: store.diskStatus(),
    journalBytes: store.own.bytesOnDisk() + (store.copy?.bytesOnDisk() ?? 0),
  });
  const http: HttpServer = await startHttpServer({
    listen: config.http.listen,
    sources: { readiness, snapshot },
    log,
  });
  closers.push(() => http.close());

  await replica.start();
  const expiry = new ExpiryTask({
    timers,
    catalog,
    stored: store.tables,
    nowMs: () => {
      const { state, clockOffsetMs, isDegraded } = replica.status();
      const isVouchedFor = state === 'standalone' || clockOffsetMs !== null || isDegraded;
      return isVouchedFor ? store.versions.physicalMs() : null;
    },
    expire: (body) => replica.expire(body),
    defaultTtlMs: config.storage.ttlMs,
  });
  expiry.start();
  closers.push(() => {
    expiry.stop();
    return Promise.resolve();
  });
  const { host, port } = config.mysql.listen;
  const bound = await mysql.listen({ kind: 'tcp', host, port });
  const mysqlPort = bound.kind === 'tcp' ? bound.port : port;
  log.info({ mysql: mysqlPort, http: http.address.port }, 'listening');

  return {
    mysqlPort,
    httpPort: http.address.port,
    untilReady: () => untilReady(replica, timers),
  };
}

async function untilReady(replica: ReplicaNode, timers: Timers): Promise<void> {
  while (!replica.isReady().ready) {
    await new Promise<void>((resolve) => timers.after(READY_POLL_MS, resolve));
  }
}

function hooksOf(config: Config, context: ServerContext, replica: ReplicaNode): ServerHooks {
  const accounts = new Map<string, Account>(
    config.auth.accounts.map((account) => [account.name, account]),
  );
  return {
    greeting: () => ({ ready: replica.isReady().ready }),
    verifier: (user): AccountVerifier | null => {
      const account = accounts.get(user);
      if (account === undefined) return null;
      const { nativeHash, cachingSha2 } = account;
      return { nativeHash, cachingSha2, passwordless: isPasswordless(account) };
    },
    openSession: (connection) => new Session(context, connection),
  };
}

/** As SHOW PROCESSLIST has it: COM_STMT_EXECUTE is 'Execute'. */
function commandName(command: string): string {
  const word = command.slice(command.lastIndexOf('_') + 1).toLowerCase();
  return word.charAt(0).toUpperCase() + word.slice(1);
}

function processRow(connection: ConnectionStatus): ProcessRow {
  return {
    id: connection.id,
    user: connection.user,
    host: connection.port === 0 ? connection.host : `${connection.host}:${connection.port}`,
    database: connection.database,
    command: commandName(connection.command),
    seconds: Math.floor(connection.elapsedMs / 1000),
    state: '',
    statement: connection.statement,
  };
}

/** What the server knows of itself, by system variable. */
function factsOf(config: Config, directory: DataDirectory): Record<string, VariableValue> {
  return {
    version: SERVER_VERSION,
    port: BigInt(config.mysql.listen.port),
    socket: directory.adminSocket,
    datadir: join(directory.path, '/'),
    server_id: BigInt(config.node.id),
    max_allowed_packet: BigInt(config.mysql.maxAllowedPacketBytes),
    max_connections: BigInt(config.mysql.maxConnections),
    max_execution_time: BigInt(config.query.timeoutMs ?? 0),
    rpo_bytes: BigInt(config.replication.rpoBytes),
    max_series: BigInt(config.storage.maxSeries),
  };
}

function replicationLog(log: Logger): ReplicationLog {
  const fieldsOf = (fields?: Readonly<Record<string, unknown>>): object => {
    const { error, ...rest } = fields ?? {};
    return error instanceof Error ? { ...rest, err: error } : { ...rest };
  };
  return {
    info: (event, fields) => log.info(fieldsOf(fields), `replication: ${event}`),
    warn: (event, fields) => log.warn(fieldsOf(fields), `replication: ${event}`),
    error: (event, fields) => log.error(fieldsOf(fields), `replication: ${event}`),
  };
}
