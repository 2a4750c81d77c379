/** The machine and the versions a figure belongs to, by kind: no names of hosts, users or paths. */

import { spawnSync } from 'node:child_process';
import { cpus, release, totalmem, type } from 'node:os';

export interface Environment {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly node: string;
  /** Short id of the commit; '' outside of a clone. */
  readonly commit: string;
}

export function environment(): Environment {
  const commit = spawnSync('git', ['rev-parse', '--short', 'HEAD'], {
    encoding: 'utf8',
    cwd: import.meta.dirname,
  });
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: `${type()} ${/^\d+\.\d+/.exec(release())?.[0] ?? ''}`,
    node: process.version,
    commit: commit.status === 0 ? commit.stdout.trim() : '',
  };
}

export function environmentText({ cpu, cores, memoryGiB, kernel, node }: Environment): string {
  return `${cores} x ${cpu}, ${memoryGiB} GiB, ${kernel}, Node ${node}`;
}
