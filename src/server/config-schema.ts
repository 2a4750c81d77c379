/**
 * Every setting of a node, once: its key, how its value is read, its default and what it does. The TOML file, the flags,
 * the environment variables and docs/configuration.md all come from this schema.
 *
 * Defaults are written as a user would write them, and go through the same parser.
 */
import { z } from 'zod';
import { accounts } from './config-accounts.js';
import {
  address,
  choice,
  count,
  duration,
  orAuto,
  orOff,
  shortDuration,
  size,
  text,
  ValueError,
  type ValueParser,
} from './config-values.js';

const KiB = 2 ** 10;
const MiB = 2 ** 20;
const GiB = 2 ** 30;
const TiB = 2 ** 40;
const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

interface KeyOptions {
  /** Never a flag: command lines are public on a machine. */
  readonly secret?: boolean;
}

/** One setting. `about` is a line of the documentation; `byDefault` is written as in a file. */
function key<T>(
  parse: ValueParser<T>,
  byDefault: string | number,
  about: string,
  options: KeyOptions = {},
) {
  return z
    .unknown()
    .transform((raw, context): T => {
      try {
        return parse(raw);
      } catch (error) {
        if (!(error instanceof ValueError)) throw error;
        context.addIssue({ code: 'custom', message: error.message });
        return z.NEVER;
      }
    })
    .prefault(byDefault)
    .meta({ description: about, secret: options.secret === true });
}

/** A table of the file. A missing one is empty, and then every key of it has its default. */
function section<Shape extends z.core.$ZodLooseShape>(about: string, shape: Shape) {
  return z
    .strictObject(shape)
    .prefault({} as never)
    .meta({ description: about });
}

export const configSchema = z.strictObject({
  node: section('Who this node is and where it keeps its data.', {
    id: key(
      count(1, 7),
      1,
      'Number of this node, unique in the pair. It is stored in the data directory at the first start and cannot change afterwards.',
    ),
    data_dir: key(
      text(1, 4096),
      'data',
      'Folder of everything the node stores. A relative path starts at the folder of the configuration file.',
    ),
  }),
  mysql: section('The MySQL protocol.', {
    listen: key(address(0), '127.0.0.1:4002', 'Address for MySQL clients.'),
    max_connections: key(
      count(1, 100_000),
      500,
      'Connections served at the same time; one more gets error 1040.',
    ),
    max_allowed_packet: key(
      size(KiB, GiB),
      '64MiB',
      'The largest statement or row that a client may send.',
    ),
    busy_poll: key(
      orOff(shortDuration(0.01, 1)),
      '200us',
      'How long the node looks for the next statement of a lone client without sleeping, at most 1ms. It does so only while that client sends each statement that soon after the last answer, and while the processors are neither wanted by other threads nor, in a virtual machine, kept by its host. A row committed by itself is then answered up to a tenth sooner, for about a tenth more of processor time.',
    ),
  }),
  http: section('Health, readiness, status and metrics.', {
    listen: key(address(0), '127.0.0.1:4000', 'Address of the HTTP endpoints.'),
  }),
  replication: section('The pair: the link to the peer and the RPO budget.', {
    listen: key(
      address(0),
      '127.0.0.1:4010',
      'Address for the link from the peer. Not opened without a `peer`.',
    ),
    peer: key(
      orOff(address(1)),
      '',
      'Address of the other node’s `listen`. Empty: this node is standalone, without budget and gate.',
    ),
    secret: key(
      orOff(text(16, 1024)),
      '',
      'Shared secret of the pair, at least 16 characters, the same on both nodes. Needed as soon as there is a `peer`.',
      { secret: true },
    ),
    rpo_bytes: key(
      size(0, TiB),
      '64MiB',
      'The RPO budget: the most bytes of acknowledged writes that the peer has not confirmed. 0 = synchronous: a write is on both disks before it is acknowledged.',
    ),
    rpo_span: key(
      orOff(duration(10, 30 * DAY_MS)),
      'off',
      'The longest span of time that acknowledged, unconfirmed writes may cover. Once the peer is lost their age grows without bound; the span then stops new writes.',
    ),
    rpo_wait_timeout: key(
      duration(1, HOUR_MS),
      '5s',
      'How long a write waits at the gate. Then: error 1205 (40001), not applied; or, if it was already stored here, 1180 (HY000).',
    ),
    on_peer_loss: key(
      choice('block', 'degrade'),
      'block',
      '"block": without a peer, writes go on until the budget is full and then fail with 1205. "degrade": after `degrade_after` they go on beyond the budget, each with a warning.',
    ),
    degrade_after: key(
      duration(0, DAY_MS),
      '30s',
      'From the loss of the link until "degrade" takes effect.',
    ),
    heartbeat: key(duration(10, MINUTE_MS), '1s', 'Between two signs of life on an idle link.'),
    dead_after: key(
      duration(50, HOUR_MS),
      '5s',
      'Silence after which the peer counts as lost. More than two heartbeats.',
    ),
    startup_peer_wait: key(
      duration(0, HOUR_MS),
      '10s',
      'How long a starting node waits for its peer, to take back its own lost tail, before it serves without.',
    ),
    ready_alone_after: key(
      duration(0, HOUR_MS),
      '10s',
      'After how long a node that was catching up, and lost its peer, becomes ready all the same.',
    ),
    max_clock_skew: key(
      duration(1, MINUTE_MS),
      '500ms',
      'The furthest that this node’s stamps may run ahead of the peer’s clock.',
    ),
    segment_bytes: key(size(64 * KiB, 4 * GiB), '64MiB', 'Size at which a journal file is sealed.'),
    max_record_bytes: key(
      size(16 * KiB, 256 * MiB),
      '8MiB',
      'The largest journal record, and so the largest row. Writes of more than 1 MiB are split anyway, between rows. The same on both nodes.',
    ),
    retain_bytes: key(
      size(0, 1024 * TiB),
      '1GiB',
      'Confirmed journal kept at least, so that a returning peer can catch up from it.',
    ),
    catchup_rate_limit: key(
      orOff(size(KiB, TiB)),
      'off',
      'Bytes a second that catching up may use.',
    ),
  }),
  storage: section('Memory and layout of stored rows.', {
    memtable_bytes: key(
      size(MiB, 64 * GiB),
      '256MiB',
      'Recent rows held in memory before they are flushed. A multi-part write may take half of it. While flushes go on, a node may hold three times as much, and a quarter of it for statements that are being read.',
    ),
    memtable_age: key(
      duration(SECOND_MS, DAY_MS),
      '10m',
      'Longest time that a row waits in memory for its flush, so that its journal can be released.',
    ),
    workers: key(
      count(1, 16),
      '2',
      'Threads for flushing and compaction. With one, a flush waits its turn beside a compaction.',
    ),
    disk_reserve: key(
      orAuto(size(MiB, TiB)),
      'auto',
      'Free space that clients may not use: below it their writes get error 1021, and what the peer sends, deletes, flushes and compactions go on. `auto`: 128MiB + `memtable_bytes` + `segment_bytes` and, with a peer, `rpo_bytes`.',
    ),
    cache_bytes: key(size(MiB, 256 * GiB), '128MiB', 'Decoded blocks kept for queries.'),
    max_series: key(
      count(1, 1_000_000_000),
      10_000_000,
      'The most series (distinct tag sets) of all tables together; their dictionaries are held in memory. A client’s write that would create more fails with error 3170; rows of known series and of the peer are always taken. Series whose rows are all gone are forgotten, where at least half of a table’s series have gone, and at a start.',
    ),
    partition: key(
      orAuto(duration(HOUR_MS, 104 * DAY_MS)),
      'auto',
      'Width of a time partition of a new table whose CREATE says none, at most 104 days; `auto`: from its ttl, else from its first rows.',
    ),
    ttl: key(
      orOff(duration(1_000, 36_500 * DAY_MS)),
      'off',
      'How long rows are kept where neither the table nor its database has a `ttl`. Set it alike on both nodes: the shorter one holds.',
    ),
  }),
  query: section('Limits of one query.', {
    memory_bytes: key(
      size(MiB, TiB),
      '256MiB',
      'Memory one query may use for sorting and grouping; beyond it: error 1038.',
    ),
    timeout: key(
      orOff(duration(1, 30 * DAY_MS)),
      'off',
      'Longest run of a SELECT; beyond it: error 3024.',
    ),
  }),
  auth: section('Who may log in.', {
    users: key(
      accounts,
      '{ root = "" }',
      'Table of user name to password, or to `{ native = "*…", sha2 = "…" }` with verifiers in place of the password. Without it: `root` without a password, and then every `listen` must stay on loopback.',
      { secret: true },
    ),
  }),
  log: section('The log, on standard error.', {
    level: key(
      choice('trace', 'debug', 'info', 'warn', 'error', 'fatal'),
      'info',
      'The least severe messages to log.',
    ),
    format: key(
      choice('auto', 'text', 'json'),
      'auto',
      '"json": a JSON object a line; "text": for people; "auto": text on a terminal, else JSON.',
    ),
  }),
});

/** The settings as parsed, under their names in the file. */
export type Settings = z.output<typeof configSchema>;

/** One setting, as the flags, the environment and the documentation see it. */
export interface ConfigKey {
  readonly section: string;
  readonly name: string;
  /** "replication.rpo_bytes" */
  readonly path: string;
  /** "TWINTIDE_REPLICATION_RPO_BYTES" */
  readonly variable: string;
  /** "--replication-rpo-bytes"; null for what must not stand on a command line. */
  readonly flag: string | null;
  /** As written in a file, unquoted. */
  readonly byDefault: string | number;
  readonly about: string;
}

export interface ConfigSection {
  readonly name: string;
  readonly about: string;
  readonly keys: readonly ConfigKey[];
}

/** All sections and keys, in the order of the schema. */
export const configSections: readonly ConfigSection[] = Object.entries(configSchema.shape).map(
  ([sectionName, sectionSchema]) => {
    const shape: Readonly<Record<string, ReturnType<typeof key>>> = sectionSchema.unwrap().shape;
    return {
      name: sectionName,
      about: sectionSchema.meta()?.description ?? '',
      keys: Object.entries(shape).map(([name, schema]): ConfigKey => {
        const meta = schema.meta();
        return {
          section: sectionName,
          name,
          path: `${sectionName}.${name}`,
          variable: `TWINTIDE_${sectionName}_${name}`.toUpperCase(),
          flag: meta?.['secret'] === true ? null : `--${sectionName}-${name.replaceAll('_', '-')}`,
          byDefault: schema.def.defaultValue as string | number,
          about: meta?.description ?? '',
        };
      }),
    };
  },
);

export const configKeys: readonly ConfigKey[] = configSections.flatMap((each) => each.keys);
