/**
 * The configuration of a node: one TOML file, over it the environment (TWINTIDE_REPLICATION_RPO_BYTES), over that the flags
 * (--replication-rpo-bytes). What comes out is plain and read-only, in bytes and milliseconds.
 *
 * A wrong configuration is refused whole, with every problem at once, each by key and place:
 *
 *   replication.rpo_bytes (line 12): needs a size such as "64MiB", "1GiB" or 0 (bytes), and got "64 potatoes"
 *   replication.rpo_byte (line 13): unknown key; did you mean rpo_bytes?
 */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse, TomlError } from 'smol-toml';
import { isPasswordless, type Account } from './config-accounts.js';
import { findLines, lineOf } from './config-lines.js';
import { configKeys, configSchema, configSections, type Settings } from './config-schema.js';
import { isLoopback, type Address } from './config-values.js';
import { errorReason } from './error-reason.js';
import { nearestWord } from './nearest-word.js';

export interface Config {
  readonly node: {
    readonly id: number;
    /** Absolute. */
    readonly dataDir: string;
  };
  readonly mysql: {
    readonly listen: Address;
    readonly maxConnections: number;
    readonly maxAllowedPacketBytes: number;
    /** 0: never. */
    readonly busyPollMs: number;
  };
  readonly http: { readonly listen: Address };
  readonly replication: {
    readonly listen: Address;
    /** null: standalone. */
    readonly peer: Address | null;
    /** Never null with a peer. */
    readonly secret: string | null;
    readonly rpoBytes: number;
    readonly rpoSpanMs: number | null;
    readonly rpoWaitTimeoutMs: number;
    readonly onPeerLoss: 'block' | 'degrade';
    readonly degradeAfterMs: number;
    readonly heartbeatMs: number;
    readonly deadAfterMs: number;
    readonly startupPeerWaitMs: number;
    readonly readyAloneAfterMs: number;
    readonly maxClockSkewMs: number;
    readonly segmentBytes: number;
    readonly maxRecordBytes: number;
    readonly retainBytes: number;
    /** Bytes a second; null: no limit. */
    readonly catchupRateLimitBytes: number | null;
  };
  readonly storage: {
    readonly memtableBytes: number;
    readonly memtableAgeMs: number;
    readonly workers: number;
    readonly diskReserveBytes: number;
    readonly cacheBytes: number;
    /** Of all tables. */
    readonly maxSeries: number;
    /** 0 = auto. */
    readonly partitionMs: number;
    /** null = rows are kept for ever. */
    readonly ttlMs: number | null;
  };
  readonly query: {
    readonly memoryBytes: number;
    readonly timeoutMs: number | null;
  };
  readonly auth: { readonly accounts: readonly Account[] };
  readonly log: {
    readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';
    readonly format: 'auto' | 'text' | 'json';
  };
}

/** The configuration cannot be used. The message has one line for each problem. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly code = 'TWINTIDE_CONFIG';
  readonly problems: readonly string[];

  constructor(problems: readonly string[], options?: ErrorOptions) {
    super(problems.join('\n'), options);
    this.problems = problems;
  }
}

export interface ConfigSources {
  /** TOML, or null for no file. */
  readonly text: string | null;
  /** Where a relative `data_dir` starts: the folder of the file, or the working folder without one. */
  readonly baseFolder: string;
  /** Flags by path ("replication.rpo_bytes"), unparsed. */
  readonly flags?: Readonly<Record<string, string | undefined>>;
  /** The environment; only TWINTIDE_* is looked at. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

interface Problem {
  readonly path: string;
  readonly message: string;
}

type RawSettings = Record<string, unknown>;

/** Reads a configuration. Throws ConfigError. */
export function parseConfig(sources: ConfigSources): Config {
  const lines = sources.text === null ? new Map<string, number>() : findLines(sources.text);
  const raw = parseToml(sources.text);
  const origins = new Map<string, string>();
  overlay(raw, origins, sources);

  const strays = strayVariables(sources.environment ?? {});
  const parsed = configSchema.safeParse(raw);
  const problems = parsed.success ? conflicts(parsed.data) : schemaProblems(parsed.error.issues);
  if (problems.length > 0 || strays.length > 0) {
    const described = problems.map(({ path, message }) => {
      const line = lineOf(lines, path);
      const place = origins.get(path) ?? (line === null ? null : `line ${line}`);
      return place === null ? `${path}: ${message}` : `${path} (${place}): ${message}`;
    });
    throw new ConfigError([...described, ...strays]);
  }
  return toConfig(parsed.data!, sources.baseFolder);
}

export interface ConfigLocation {
  /** Path of the TOML file, or null for none. */
  readonly file: string | null;
  readonly workingFolder: string;
  readonly flags?: Readonly<Record<string, string | undefined>>;
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/** Reads the file, if there is one, and then the configuration. Throws ConfigError. */
export function loadConfig(location: ConfigLocation): Config {
  const overrides = {
    ...(location.flags === undefined ? {} : { flags: location.flags }),
    ...(location.environment === undefined ? {} : { environment: location.environment }),
  };
  if (location.file === null) {
    return parseConfig({ text: null, baseFolder: location.workingFolder, ...overrides });
  }
  const path = resolve(location.workingFolder, location.file);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new ConfigError([`cannot read the configuration ${path}: ${errorReason(error)}`], {
      cause: error,
    });
  }
  try {
    return parseConfig({ text, baseFolder: dirname(path), ...overrides });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError([`${path} cannot be used:`, ...error.problems], { cause: error });
  }
}

function parseToml(text: string | null): RawSettings {
  if (text === null) return {};
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // The first line is the reason; what follows quotes the file, which may hold secrets.
    const reason = error.message.split('\n', 1)[0]!.replace(/^Invalid TOML document: /, '');
    throw new ConfigError([`line ${error.line}, column ${error.column}: not TOML: ${reason}`], {
      cause: error,
    });
  }
}

function isTable(value: unknown): value is RawSettings {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Puts the environment, then the flags, over what the file says. */
function overlay(raw: RawSettings, origins: Map<string, string>, sources: ConfigSources): void {
  for (const key of configKeys) {
    const fromVariable = sources.environment?.[key.variable];
    const fromFlag = key.flag === null ? undefined : sources.flags?.[key.path];
    const value = fromFlag ?? fromVariable;
    if (value === undefined) continue;
    const section = raw[key.section] ?? {};
    if (!isTable(section)) continue; // the schema will refuse it
    section[key.name] = value;
    raw[key.section] = section;
    origins.set(key.path, fromFlag === undefined ? key.variable : (key.flag ?? key.path));
  }
}

/**
 * Environment variables that are nearly a setting. Others are let pass: container platforms put their own TWINTIDE_PORT
 * and the like next to ours.
 */
function strayVariables(environment: Readonly<Record<string, string | undefined>>): string[] {
  const known = configKeys.map((key) => key.variable);
  const strays: string[] = [];
  for (const name of Object.keys(environment)) {
    if (!name.startsWith('TWINTIDE_') || known.includes(name)) continue;
    const section = configSections.find((each) =>
      name.startsWith(`TWINTIDE_${each.name.toUpperCase()}_`),
    );
    if (section === undefined) continue;
    const near = nearestWord(
      name,
      section.keys.map((key) => key.variable),
    );
    if (near !== null) strays.push(`${name}: unknown variable; did you mean ${near}?`);
  }
  return strays;
}

/** What zod says about an issue, reduced to what this file needs of it. */
interface SchemaIssue {
  readonly code: string;
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly keys?: readonly string[];
}

function schemaProblems(issues: readonly SchemaIssue[]): Problem[] {
  return issues.flatMap((issue): Problem[] => {
    const path = issue.path.join('.');
    if (issue.code === 'custom') return [{ path, message: issue.message }];
    if (issue.keys === undefined)
      return [{ path, message: 'is a section: write [name] and keys below it' }];
    return issue.keys.map((name) => unknownKey(path, name));
  });
}

function unknownKey(sectionName: string, name: string): Problem {
  const section = configSections.find((each) => each.name === sectionName);
  if (section !== undefined) {
    const near = nearestWord(
      name,
      section.keys.map((key) => key.name),
    );
    const elsewhere = configKeys.find((key) => key.name === name);
    const hint = near ?? elsewhere?.path;
    return {
      path: `${sectionName}.${name}`,
      message: hint === undefined ? 'unknown key' : `unknown key; did you mean ${hint}?`,
    };
  }
  const near = nearestWord(
    name,
    configSections.map((each) => each.name),
  );
  const inSection = configKeys.find((key) => key.name === name);
  const hint = inSection?.path ?? (near === null ? undefined : `[${near}]`);
  return {
    path: name,
    message: hint === undefined ? 'unknown section' : `unknown section; did you mean ${hint}?`,
  };
}

/** Values that are right one by one and wrong together. */
function conflicts(settings: Settings): Problem[] {
  const problems: Problem[] = [];
  const { mysql, http, replication, storage, auth } = settings;

  const open = auth.users.find(isPasswordless);
  for (const [path, { host }] of [
    ['mysql.listen', mysql.listen],
    ['http.listen', http.listen],
  ] as const) {
    if (open === undefined || isLoopback(host)) continue;
    problems.push({
      path,
      message: `${host} is open to other machines, and user ${JSON.stringify(open.name)} has no password; set one under [auth.users], or listen on 127.0.0.1`,
    });
  }
  if (replication.peer !== null && replication.secret === null) {
    problems.push({
      path: 'replication.secret',
      message: 'is needed with a replication.peer: the same 16 or more characters on both nodes',
    });
  }
  if (
    replication.peer !== null &&
    replication.peer.host === replication.listen.host &&
    replication.peer.port === replication.listen.port
  ) {
    problems.push({
      path: 'replication.peer',
      message: 'is the address this node itself listens on; it must be the other node’s',
    });
  }
  if (replication.dead_after <= 2 * replication.heartbeat) {
    problems.push({
      path: 'replication.dead_after',
      message: 'must be more than two times replication.heartbeat',
    });
  }
  if (replication.max_record_bytes > replication.segment_bytes / 2) {
    problems.push({
      path: 'replication.max_record_bytes',
      message: 'must be at most half of replication.segment_bytes',
    });
  }
  if (replication.max_record_bytes > storage.memtable_bytes / 2) {
    problems.push({
      path: 'storage.memtable_bytes',
      message: 'must be at least two times replication.max_record_bytes',
    });
  }
  return problems;
}

/** LevelDB's own: log files, and the copies that exist while it joins its files. */
const LEVELDB_BYTES = 128 * 2 ** 20;

/** What a flush, LevelDB and the peer's unconfirmed writes may need, when clients have taken all the rest. */
function diskReserveOf({ replication, storage }: Settings): number {
  if (storage.disk_reserve > 0) return storage.disk_reserve;
  const budgetBytes = replication.peer === null ? 0 : replication.rpo_bytes;
  return LEVELDB_BYTES + storage.memtable_bytes + replication.segment_bytes + budgetBytes;
}

function toConfig(settings: Settings, baseFolder: string): Config {
  const { node, mysql, http, replication, storage, query, auth, log } = settings;
  return {
    node: { id: node.id, dataDir: resolve(baseFolder, node.data_dir) },
    mysql: {
      listen: mysql.listen,
      maxConnections: mysql.max_connections,
      maxAllowedPacketBytes: mysql.max_allowed_packet,
      busyPollMs: mysql.busy_poll ?? 0,
    },
    http: { listen: http.listen },
    replication: {
      listen: replication.listen,
      peer: replication.peer,
      secret: replication.secret,
      rpoBytes: replication.rpo_bytes,
      rpoSpanMs: replication.rpo_span,
      rpoWaitTimeoutMs: replication.rpo_wait_timeout,
      onPeerLoss: replication.on_peer_loss,
      degradeAfterMs: replication.degrade_after,
      heartbeatMs: replication.heartbeat,
      deadAfterMs: replication.dead_after,
      startupPeerWaitMs: replication.startup_peer_wait,
      readyAloneAfterMs: replication.ready_alone_after,
      maxClockSkewMs: replication.max_clock_skew,
      segmentBytes: replication.segment_bytes,
      maxRecordBytes: replication.max_record_bytes,
      retainBytes: replication.retain_bytes,
      catchupRateLimitBytes: replication.catchup_rate_limit,
    },
    storage: {
      memtableBytes: storage.memtable_bytes,
      memtableAgeMs: storage.memtable_age,
      workers: storage.workers,
      diskReserveBytes: diskReserveOf(settings),
      cacheBytes: storage.cache_bytes,
      maxSeries: storage.max_series,
      partitionMs: storage.partition,
      ttlMs: storage.ttl,
    },
    query: { memoryBytes: query.memory_bytes, timeoutMs: query.timeout },
    auth: { accounts: auth.users },
    log: { level: log.level, format: log.format },
  };
}
