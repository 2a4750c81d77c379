/** The configuration: what a file, the environment and flags become, and how every mistake is named. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  ConfigError,
  loadConfig,
  parseConfig,
  type ConfigSources,
} from '../../src/server/config.js';

const SECRET = 'a secret of the pair';

function parse(text: string | null, more: Partial<ConfigSources> = {}) {
  return parseConfig({ text, baseFolder: '/srv/node-a', ...more });
}

function problemsOf(text: string | null, more: Partial<ConfigSources> = {}): readonly string[] {
  try {
    parse(text, more);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('without any source', () => {
  test('a standalone node on loopback', () => {
    expect(parse(null)).toEqual({
      node: { id: 1, dataDir: '/srv/node-a/data' },
      mysql: {
        listen: { host: '127.0.0.1', port: 4002 },
        maxConnections: 500,
        maxAllowedPacketBytes: 67_108_864,
        busyPollMs: 0.2,
      },
      http: { listen: { host: '127.0.0.1', port: 4000 } },
      replication: {
        listen: { host: '127.0.0.1', port: 4010 },
        peer: null,
        secret: null,
        rpoBytes: 67_108_864,
        rpoSpanMs: null,
        rpoWaitTimeoutMs: 5_000,
        onPeerLoss: 'block',
        degradeAfterMs: 30_000,
        heartbeatMs: 1_000,
        deadAfterMs: 5_000,
        startupPeerWaitMs: 10_000,
        readyAloneAfterMs: 10_000,
        maxClockSkewMs: 500,
        segmentBytes: 67_108_864,
        maxRecordBytes: 8_388_608,
        retainBytes: 1_073_741_824,
        catchupRateLimitBytes: null,
      },
      storage: {
        memtableBytes: 268_435_456,
        memtableAgeMs: 600_000,
        workers: 2,
        diskReserveBytes: 469_762_048,
        cacheBytes: 134_217_728,
        maxSeries: 10_000_000,
        partitionMs: 0,
        ttlMs: null,
      },
      query: { memoryBytes: 268_435_456, timeoutMs: null },
      auth: { accounts: [{ name: 'root', nativeHash: null, cachingSha2: null }] },
      log: { level: 'info', format: 'auto' },
    });
  });
});

describe('a full file', () => {
  const config = parse(`
    [node]
    id = 2
    data_dir = "/var/lib/twintide"
    [mysql]
    listen = "0.0.0.0:3306"
    [http]
    listen = "[::1]:8080"
    [replication]
    peer = "db-a.example:4010"
    secret = "${SECRET}"
    rpo_bytes = 0
    rpo_span = "2.5s"
    on_peer_loss = "degrade"
    catchup_rate_limit = "10MB"
    [query]
    timeout = "1m"
    [auth]
    users = { root = "hunter2" }
    [log]
    level = "debug"
    format = "json"
  `);

  test('is read in bytes and milliseconds', () => {
    expect(config.node).toEqual({ id: 2, dataDir: '/var/lib/twintide' });
    expect(config.mysql.listen).toEqual({ host: '0.0.0.0', port: 3306 });
    expect(config.http.listen).toEqual({ host: '::1', port: 8080 });
    expect(config.replication).toMatchObject({
      peer: { host: 'db-a.example', port: 4010 },
      rpoBytes: 0,
      rpoSpanMs: 2_500,
      onPeerLoss: 'degrade',
      catchupRateLimitBytes: 10_000_000,
    });
    expect(config.query.timeoutMs).toBe(60_000);
    expect(config.log).toEqual({ level: 'debug', format: 'json' });
  });

  test('keeps verifiers and no password', () => {
    expect(config.auth.accounts).toHaveLength(1);
    const [root] = config.auth.accounts;
    // SELECT PASSWORD('hunter2') and SHA2(UNHEX(SHA2('hunter2', 256)), 256), as a MySQL server says.
    expect(Buffer.from(root!.nativeHash!).toString('hex')).toBe(
      '58815970be77b3720276f63db198b1fa42e5cc02',
    );
    expect(Buffer.from(root!.cachingSha2!).toString('hex')).toBe(
      'a3e27ab2948b680e60d429860fdd62b24763cd0e02518b9cdc90d1387247495b',
    );
    expect(JSON.stringify(config)).not.toContain('hunter2');
  });
});

describe('precedence', () => {
  const text = '[replication]\nrpo_bytes = "1MiB"\n[node]\nid = 3\n';
  const environment = { TWINTIDE_REPLICATION_RPO_BYTES: '2MiB', TWINTIDE_NODE_ID: '4' };
  const flags = { 'replication.rpo_bytes': '3MiB' };

  test('the file is overridden by the environment, that by flags', () => {
    expect(parse(text).replication.rpoBytes).toBe(1 * 2 ** 20);
    expect(parse(text, { environment }).replication.rpoBytes).toBe(2 * 2 ** 20);
    expect(parse(text, { environment, flags }).replication.rpoBytes).toBe(3 * 2 ** 20);
    expect(parse(text, { environment, flags }).node.id).toBe(4);
  });

  test('users may come from the environment', () => {
    const users = parse(null, { environment: { TWINTIDE_AUTH_USERS: '{ app = "x", ro = "y" }' } });
    expect(users.auth.accounts.map((account) => account.name)).toEqual(['app', 'ro']);
  });
});

describe('refused, by key and place', () => {
  const wide = '[mysql]\nlisten = "0.0.0.0:4002"\n';
  test.each<[what: string, text: string, ...problems: string[]]>([
    [
      'a size without sense',
      '[replication]\n\n# budget\nrpo_bytes = "64 potatoes"',
      'replication.rpo_bytes (line 4): needs a size such as "64MiB", "1GiB" or 0 (bytes), and got "64 potatoes"',
    ],
    [
      'a size out of range',
      '[storage]\nmemtable_bytes = 17',
      'storage.memtable_bytes (line 2): must lie between 1MiB and 64GiB, and got 17',
    ],
    [
      'a duration without a unit',
      '[replication]\nheartbeat = 5',
      'replication.heartbeat (line 2): needs a duration with its unit, such as "500ms", "5s", "10m" or "7d", and got 5',
    ],
    [
      'a duration that may be off',
      '[replication]\nrpo_span = "never"',
      'replication.rpo_span (line 2): needs "off" or a duration with its unit, such as "500ms", "5s", "10m" or "7d", and got "never"',
    ],
    [
      'a choice',
      '[replication]\non_peer_loss = "panic"',
      'replication.on_peer_loss (line 2): must be "block" or "degrade", and is "panic"',
    ],
    [
      'a node id',
      '[node]\nid = 8',
      'node.id (line 2): needs a whole number from 1 to 7, and got 8',
    ],
    [
      'an address without a port',
      '[http]\nlisten = "localhost"',
      'http.listen (line 2): needs an address with its port, such as "127.0.0.1:4002" or "[::1]:4002", and got "localhost"',
    ],
    [
      'an unknown key',
      '[replication]\nrpo_byte = 0',
      'replication.rpo_byte (line 2): unknown key; did you mean rpo_bytes?',
    ],
    [
      'a key of another section',
      '[mysql]\nrpo_bytes = 0',
      'mysql.rpo_bytes (line 2): unknown key; did you mean replication.rpo_bytes?',
    ],
    [
      'a key far from all',
      '[log]\ncolour_of_the_sky = 1',
      'log.colour_of_the_sky (line 2): unknown key',
    ],
    [
      'an unknown section',
      '\n[replicaton]\nrpo_bytes = 0',
      'replicaton (line 2): unknown section; did you mean [replication]?',
    ],
    [
      'a key outside of its section',
      'rpo_bytes = 0',
      'rpo_bytes (line 1): unknown section; did you mean replication.rpo_bytes?',
    ],
    [
      'a section that is a value',
      'http = 4000',
      'http (line 1): is a section: write [name] and keys below it',
    ],
    [
      'a peer without a secret',
      '[replication]\npeer = "10.0.0.2:4010"',
      'replication.secret (line 1): is needed with a replication.peer: the same 16 or more characters on both nodes',
    ],
    [
      'a short secret, which is not repeated',
      '[replication]\npeer = "10.0.0.2:4010"\nsecret = "tiny"',
      'replication.secret (line 3): must be 16 to 1024 characters long, and has 4',
    ],
    [
      'itself as peer',
      `[replication]\npeer = "127.0.0.1:4010"\nsecret = "${SECRET}"`,
      'replication.peer (line 2): is the address this node itself listens on; it must be the other node’s',
    ],
    [
      'a wide bind without any account',
      wide,
      'mysql.listen (line 2): 0.0.0.0 is open to other machines, and user "root" has no password; set one under [auth.users], or listen on 127.0.0.1',
    ],
    [
      'a wide bind with one passwordless account',
      `${wide}[auth.users]\nroot = "x"\nprobe = ""`,
      'mysql.listen (line 2): 0.0.0.0 is open to other machines, and user "probe" has no password; set one under [auth.users], or listen on 127.0.0.1',
    ],
    [
      'heartbeats too slow for dead_after',
      '[replication]\nheartbeat = "3s"',
      'replication.dead_after (line 1): must be more than two times replication.heartbeat',
    ],
    [
      'records larger than the memtable can take',
      '[storage]\nmemtable_bytes = "8MiB"',
      'storage.memtable_bytes (line 2): must be at least two times replication.max_record_bytes',
    ],
    [
      'records larger than segments can take',
      '[replication]\nsegment_bytes = "1MiB"\nmax_record_bytes = "1MiB"',
      'replication.max_record_bytes (line 3): must be at most half of replication.segment_bytes',
    ],
    [
      'several at once',
      '[node]\nid = 0\n[log]\nlevel = "loud"',
      'node.id (line 2): needs a whole number from 1 to 7, and got 0',
      'log.level (line 4): must be "trace" or "debug" or "info" or "warn" or "error" or "fatal", and is "loud"',
    ],
  ])('%s', (_, text, ...problems) => {
    expect(problemsOf(text)).toEqual(problems);
  });

  test('a text that is not TOML, without quoting it', () => {
    const [problem, ...others] = problemsOf('[replication]\nsecret = hush-hush');
    expect(problem).toMatch(/^line 2, column \d+: not TOML: /);
    expect(problem).not.toContain('hush');
    expect(others).toEqual([]);
  });

  test('a flag and a variable are named in place of a line', () => {
    expect(problemsOf('[node]\nid = 1', { flags: { 'node.id': 'nine' } })).toEqual([
      'node.id (--node-id): needs a whole number from 1 to 7, and got "nine"',
    ]);
    expect(problemsOf(null, { environment: { TWINTIDE_NODE_ID: 'nine' } })).toEqual([
      'node.id (TWINTIDE_NODE_ID): needs a whole number from 1 to 7, and got "nine"',
    ]);
  });

  test('a mistyped variable is refused, one that a platform set is let pass', () => {
    const environment = {
      TWINTIDE_REPLICATION_RPO_BYTE: '0',
      TWINTIDE_PORT: 'tcp://10.0.0.1:4002',
      TWINTIDE_MYSQL_SERVICE_HOST: '10.0.0.1',
      PATH: '/bin',
    };
    expect(problemsOf(null, { environment })).toEqual([
      'TWINTIDE_REPLICATION_RPO_BYTE: unknown variable; did you mean TWINTIDE_REPLICATION_RPO_BYTES?',
    ]);
  });
});

describe('users', () => {
  test('a verifier may stand in for a password', () => {
    const { accounts } = parse(
      `[auth.users]\napp = { native = "*2470c0c06dee42fd1618bbb99005adca2ec9d1e1", sha2 = "${'ab'.repeat(32)}" }`,
    ).auth;
    expect(Buffer.from(accounts[0]!.nativeHash!).toString('hex')).toBe(
      '2470c0c06dee42fd1618bbb99005adca2ec9d1e1',
    );
    expect(accounts[0]!.cachingSha2).toEqual(new Uint8Array(32).fill(0xab));
  });

  test.each([
    [
      'app = 5',
      'auth.users (line 1): needs a password or { native = "*...", sha2 = "..." } for "app"',
    ],
    [
      'app = { native = "*12" }',
      'auth.users (line 1): has a bad native verifier for "app": it is "*" and 40 hex digits',
    ],
    [
      'app = { passwd = "x" }',
      'auth.users (line 1): has an unknown field "passwd" for "app": native and sha2 are known',
    ],
    ['"" = "x"', 'auth.users (line 1): has a user name that is not 1 to 32 characters long'],
  ])('%s', (line, problem) => {
    expect(problemsOf(`[auth.users]\n${line}`)).toEqual([problem]);
  });

  test('a broken variable does not repeat the password', () => {
    const environment = { TWINTIDE_AUTH_USERS: '{ root = "hunter2 }' };
    expect(problemsOf(null, { environment })).toEqual([
      'auth.users (TWINTIDE_AUTH_USERS): needs a table such as { root = "secret" }',
    ]);
  });
});

describe('a file on disk', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'twintide-config-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  test('data_dir is relative to the file', () => {
    writeFileSync(join(folder, 'a.toml'), '[node]\ndata_dir = "a"\n');
    const config = loadConfig({ file: 'a.toml', workingFolder: folder });
    expect(config.node.dataDir).toBe(join(folder, 'a'));
  });

  test('a missing file and a wrong one are named by path', () => {
    expect(() => loadConfig({ file: 'b.toml', workingFolder: folder })).toThrow(
      `cannot read the configuration ${join(folder, 'b.toml')}: ENOENT`,
    );
    writeFileSync(join(folder, 'c.toml'), '[node]\nid = 9\n');
    expect(() => loadConfig({ file: 'c.toml', workingFolder: folder })).toThrow(
      `${join(folder, 'c.toml')} cannot be used:\nnode.id (line 2): needs`,
    );
  });
});
