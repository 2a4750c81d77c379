/**
 * The two configuration files of `twintide pair`, written at first use and the user's from then on: node-a.toml and
 * node-b.toml in the data folder, with a random secret that both share. They are readable by their owner only.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from '../server/config.js';

export interface PairOptions {
  /** Absolute. */
  readonly dataFolder: string;
  /** Added to every port, so that several pairs fit on a machine. */
  readonly portOffset: number;
  /** As written on the command line; null leaves the default. */
  readonly rpoBytes: string | null;
  readonly onPeerLoss: string | null;
  readonly degradeAfter: string | null;
}

export interface PairMember {
  readonly name: 'node-a' | 'node-b';
  readonly id: 1 | 2;
}

export const PAIR: readonly PairMember[] = [
  { name: 'node-a', id: 1 },
  { name: 'node-b', id: 2 },
];

/** A pair's ports: node a has the first of each kind, node b the next. */
const PORTS = { mysql: 4002, http: 4000, replication: 4010 } as const;

/** 256 bits, in letters, digits, "-" and "_". */
export function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** Where a member of the pair listens, and where its peer does. */
function addresses(id: 1 | 2, portOffset: number) {
  const own = id - 1;
  const port = (base: number, index: number): string => `127.0.0.1:${base + portOffset + index}`;
  return {
    mysql: port(PORTS.mysql, own),
    http: port(PORTS.http, own),
    link: port(PORTS.replication, own),
    peer: port(PORTS.replication, 1 - own),
  };
}

/** The text of one node's file. */
export function pairFile(member: PairMember, secret: string, options: PairOptions): string {
  const { mysql, http, link, peer } = addresses(member.id, options.portOffset);
  const optional = [
    ['rpo_bytes', options.rpoBytes],
    ['on_peer_loss', options.onPeerLoss],
    ['degrade_after', options.degradeAfter],
  ].flatMap(([name, value]) =>
    name === undefined || value === undefined || value === null
      ? []
      : [`${name} = ${JSON.stringify(value)}`],
  );
  return [
    `# ${member.name} of a pair on this machine, written by \`twintide pair\`. It is yours to change:`,
    '# it is not written again. Every setting is explained in docs/configuration.md.',
    '',
    '[node]',
    `id = ${member.id}`,
    `data_dir = "${member.name}"`,
    '',
    '[mysql]',
    `listen = "${mysql}"`,
    '',
    '[http]',
    `listen = "${http}"`,
    '',
    '[replication]',
    `listen = "${link}"`,
    `peer = "${peer}"`,
    `secret = "${secret}"`,
    ...optional,
    '',
  ].join('\n');
}

/** The paths of both files, written now if this is the first use of the folder. Throws ConfigError on half a pair. */
export function ensurePairFiles(options: PairOptions): readonly [a: string, b: string] {
  const [a, b] = PAIR.map((member) => join(options.dataFolder, `${member.name}.toml`));
  const present = [a!, b!].filter((path) => existsSync(path));
  if (present.length === 1) {
    throw new ConfigError([
      `${present[0]} is there and its twin is not: a pair shares a secret, so restore the other file or remove this one`,
    ]);
  }
  if (present.length === 0) {
    mkdirSync(options.dataFolder, { recursive: true, mode: 0o700 });
    const secret = newSecret();
    for (const member of PAIR) {
      const path = join(options.dataFolder, `${member.name}.toml`);
      writeFileSync(path, pairFile(member, secret, options), { mode: 0o600, flag: 'wx' });
    }
  }
  return [a!, b!];
}

/**
 * Settings by path that the command line asks of a member, also of one whose file is older than this command line.
 * @param portsGiven whether --port-offset was given; otherwise the file's addresses hold
 */
export function pairOverrides(
  member: PairMember,
  options: PairOptions,
  portsGiven: boolean,
): Record<string, string> {
  const overrides: Record<string, string> = {};
  if (portsGiven) {
    const { mysql, http, link, peer } = addresses(member.id, options.portOffset);
    overrides['mysql.listen'] = mysql;
    overrides['http.listen'] = http;
    overrides['replication.listen'] = link;
    overrides['replication.peer'] = peer;
  }
  if (options.rpoBytes !== null) overrides['replication.rpo_bytes'] = options.rpoBytes;
  if (options.onPeerLoss !== null) overrides['replication.on_peer_loss'] = options.onPeerLoss;
  if (options.degradeAfter !== null) overrides['replication.degrade_after'] = options.degradeAfter;
  return overrides;
}
