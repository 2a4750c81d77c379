/**
 * The TSBS "devops cpu-only" shape, made from a seed: 10 tags, 10 integer metrics 0..100 by random walk, one row per host per
 * 10 s. Rows come in time order, all hosts of one instant after another.
 *
 * This is the data; how it is written for one server or another is the renderers' (`render-*.ts`).
 */

export interface CpuShape {
  readonly hosts: number;
  readonly hours: number;
}

export const SHAPES = {
  s100: { hosts: 100, hours: 24 },
  s4000: { hosts: 4000, hours: 1 },
} as const satisfies Record<string, CpuShape>;

/** Between two rows of a host. */
export const INTERVAL_S = 10;
const START_S = Date.UTC(2026, 0, 1) / 1000;

export const TAGS = [
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

export const METRICS = [
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

/** One row; the object is the same for every row of a run and only valid until the next. */
export interface CpuRow {
  /** 0 <= host < hosts of the shape. */
  host: number;
  /** Values of TAGS, in their order. */
  tags: readonly string[];
  /** Seconds since 1970. */
  seconds: number;
  /** Values of METRICS, in their order, from `at`. */
  readonly usage: Uint8Array;
  at: number;
}

/** Calls `take` for every row of the shape; `rowsMax` cuts it short. Returns the count of rows. */
export function forEachCpuRow(
  shape: CpuShape,
  seed: number,
  rowsMax: number,
  take: (row: CpuRow) => void,
): number {
  const numbers = new SeededNumbers(seed);
  const tags = Array.from({ length: shape.hosts }, (_, host) => tagsOf(host, numbers));
  const usage = new Uint8Array(shape.hosts * METRICS.length);
  for (let i = 0; i < usage.length; i++) usage[i] = numbers.below(101);

  const row: CpuRow = { host: 0, tags: [], seconds: 0, usage, at: 0 };
  const instants = (shape.hours * 3600) / INTERVAL_S;
  let rows = 0;
  for (let instant = 0; instant < instants && rows < rowsMax; instant++) {
    row.seconds = START_S + instant * INTERVAL_S;
    for (let host = 0; host < shape.hosts && rows < rowsMax; host++) {
      row.host = host;
      row.tags = tags[host]!;
      row.at = host * METRICS.length;
      walk(usage, row.at, numbers);
      take(row);
      rows += 1;
    }
  }
  return rows;
}

function tagsOf(host: number, numbers: SeededNumbers): readonly string[] {
  const region = REGIONS[numbers.below(REGIONS.length)]!;
  return [
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
}

function walk(usage: Uint8Array, at: number, numbers: SeededNumbers): void {
  for (let metric = at; metric < at + METRICS.length; metric++) {
    usage[metric] = Math.min(100, Math.max(0, usage[metric]! + numbers.below(3) - 1));
  }
}

/** 'YYYY-MM-DD hh:mm:ss' in UTC. */
export function formatTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 19).replace('T', ' ');
}
