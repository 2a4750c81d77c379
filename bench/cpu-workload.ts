/**
 * The TSBS "devops cpu-only" shape, made from a seed: 10 tags, 10 integer metrics 0..100 by random walk, one row per host per
 * 10 s. Rows come in time order, all hosts of one instant after another, about 146 bytes of text a row.
 *
 * Statements are rendered to whole MySQL packets before the clock starts, so that the load generator's own work during the run is
 * socket writes only.
 */

export interface CpuShape {
  readonly hosts: number;
  readonly hours: number;
}

export const SHAPES = {
  s100: { hosts: 100, hours: 24 },
  s4000: { hosts: 4000, hours: 1 },
} as const satisfies Record<string, CpuShape>;

const INTERVAL_S = 10;
const START_S = Date.UTC(2026, 0, 1) / 1000;
const MAX_PACKET_PAYLOAD = 0xffffff;

const TAGS = [
  'hostname',
  'region',
  'datacenter',
  'rack',
  'os',
  'arch',
  'team',
  'service',
  'service_version',
  'service_environment',
] as const;

const METRICS = [
  'usage_user',
  'usage_system',
  'usage_idle',
  'usage_nice',
  'usage_iowait',
  'usage_irq',
  'usage_softirq',
  'usage_steal',
  'usage_guest',
  'usage_guest_nice',
] as const;

const REGIONS = ['us-east-1', 'us-west-2', 'eu-west-1', 'eu-central-1', 'ap-southeast-1'];
const SYSTEMS = ['Ubuntu16.10', 'Ubuntu16.04LTS', 'Ubuntu15.10'];
const TEAMS = ['SF', 'NYC', 'LON', 'CHI'];
const ENVIRONMENTS = ['production', 'staging', 'test'];

/** xorshift128: the same numbers on every machine for one seed. */
export class SeededNumbers {
  #a: number;
  #b = 362436069;
  #c = 521288629;
  #d = 88675123;

  constructor(seed: number) {
    this.#a = seed >>> 0 || 1;
  }

  /** 0 <= n < limit. */
  below(limit: number): number {
    const t = this.#a ^ (this.#a << 11);
    this.#a = this.#b;
    this.#b = this.#c;
    this.#c = this.#d;
    this.#d = (this.#d ^ (this.#d >>> 19) ^ t ^ (t >>> 8)) >>> 0;
    return this.#d % limit;
  }
}

/** Twintide's CREATE TABLE: every tag is part of the identity. */
export const CREATE_TWINTIDE = `CREATE TABLE cpu (${TAGS.map((tag) => `${tag} VARCHAR(64)`).join(', ')}, ts DATETIME NOT NULL, ${METRICS.map(
  (metric) => `${metric} BIGINT`,
).join(', ')}, TIME INDEX (ts), PRIMARY KEY (${TAGS.join(', ')}))`;

/** The peer's: a relational server keys by host and time, as TSBS itself does. */
export const CREATE_MARIADB = `CREATE TABLE cpu (${TAGS.map((tag) => `${tag} VARCHAR(64) NOT NULL`).join(', ')}, ts DATETIME NOT NULL, ${METRICS.map(
  (metric) => `${metric} BIGINT`,
).join(', ')}, PRIMARY KEY (hostname, ts)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4`;

const INSERT_HEAD = `INSERT INTO cpu (${[...TAGS, 'ts', ...METRICS].join(',')}) VALUES `;

export interface Workload {
  readonly rows: number;
  /** Bytes of statement text. */
  readonly textBytes: number;
  /** One entry a statement: a whole packet, header included, sequence 0. */
  readonly packets: readonly Buffer[];
  readonly rowsPerPacket: number;
}

/** Renders every row of the shape in batches of `rowsPerPacket`; `rowsMax` cuts it short. */
export function renderWorkload(
  shape: CpuShape,
  rowsPerPacket: number,
  seed: number,
  rowsMax = Infinity,
): Workload {
  const numbers = new SeededNumbers(seed);
  const tags = Array.from({ length: shape.hosts }, (_, host) => renderTags(host, numbers));
  const usage = new Uint8Array(shape.hosts * METRICS.length);
  for (let i = 0; i < usage.length; i++) usage[i] = numbers.below(101);

  const packets: Buffer[] = [];
  let textBytes = 0;
  let batch: string[] = [];
  let rows = 0;
  const finishBatch = (): void => {
    if (batch.length === 0) return;
    const packet = commandPacket(INSERT_HEAD + batch.join(','));
    textBytes += packet.length - 5;
    packets.push(packet);
    batch = [];
  };
  const instants = (shape.hours * 3600) / INTERVAL_S;
  for (let instant = 0; instant < instants && rows < rowsMax; instant++) {
    const time = formatTime(START_S + instant * INTERVAL_S);
    for (let host = 0; host < shape.hosts && rows < rowsMax; host++) {
      batch.push(`(${tags[host]!},'${time}'${renderMetrics(usage, host, numbers)})`);
      rows += 1;
      if (batch.length === rowsPerPacket) finishBatch();
    }
  }
  finishBatch();
  return { rows, textBytes, packets, rowsPerPacket };
}

function renderTags(host: number, numbers: SeededNumbers): string {
  const region = REGIONS[numbers.below(REGIONS.length)]!;
  const values = [
    `host_${host}`,
    region,
    `${region}${'abc'[numbers.below(3)]!}`,
    `${numbers.below(100)}`,
    SYSTEMS[numbers.below(SYSTEMS.length)]!,
    numbers.below(2) === 0 ? 'x64' : 'x86',
    TEAMS[numbers.below(TEAMS.length)]!,
    `${numbers.below(20)}`,
    `${numbers.below(2)}`,
    ENVIRONMENTS[numbers.below(ENVIRONMENTS.length)]!,
  ];
  return values.map((value) => `'${value}'`).join(',');
}

function renderMetrics(usage: Uint8Array, host: number, numbers: SeededNumbers): string {
  let text = '';
  for (let metric = 0; metric < METRICS.length; metric++) {
    const at = host * METRICS.length + metric;
    const next = Math.min(100, Math.max(0, usage[at]! + numbers.below(3) - 1));
    usage[at] = next;
    text += `,${next}`;
  }
  return text;
}

function formatTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 19).replace('T', ' ');
}

/** A COM_QUERY packet; the statements here stay below the 16 MiB of one packet. */
export function commandPacket(sql: string): Buffer {
  const length = Buffer.byteLength(sql) + 1;
  if (length >= MAX_PACKET_PAYLOAD)
    throw new RangeError(`statement of ${length} bytes is too large`);
  const packet = Buffer.allocUnsafe(4 + length);
  packet.writeUIntLE(length, 0, 3);
  packet[3] = 0;
  packet[4] = 0x03;
  packet.write(sql, 5);
  return packet;
}
