/** CPU time and memory of other processes, and CPU time that nobody got, from the kernel's own accounting. */

import { readFileSync } from 'node:fs';
import { pause } from './child-process.js';

/** The kernel reports in ticks of 1/100 s on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** User plus system seconds so far, all threads. */
export function cpuSecondsOf(pid: number): number {
  return secondsIn(`/proc/${pid}/stat`);
}

/** Of the main thread alone: its id is that of the process. */
export function mainThreadSecondsOf(pid: number): number {
  return secondsIn(`/proc/${pid}/task/${pid}/stat`);
}

function secondsIn(file: string): number {
  const stat = readFileSync(file, 'latin1');
  // The command name in parentheses may hold spaces: fields are counted from behind it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Seconds so far, over all processors, that a host gave to others while this machine wanted them; 0 without a host (proc_stat(5), "steal"). */
export function stolenSeconds(): number {
  const [, ...fields] = readFileSync('/proc/stat', 'latin1').split('\n', 1)[0]!.split(/ +/);
  return Number(fields[7] ?? 0) / TICKS_PER_SECOND;
}

/** Resident set in bytes. */
export function residentBytesOf(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'));
  return Number(match?.[1] ?? 0) * 1024;
}

/** The part of the resident set that is pages of mapped files: LevelDB maps its tables, and the system takes such pages back at will. */
export function mappedBytesOf(pid: number): number {
  const match = /^RssFile:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'));
  return Number(match?.[1] ?? 0) * 1024;
}

const IDLE_POLL_MS = 250;
const IDLE_POLLS = 4;
/** Share of a core below which a server counts as doing nothing. */
const IDLE_SHARE = 0.04;

/** Resolves when the processes have done nothing for a second; false when they went on beyond `limitMs`. */
export async function untilIdle(pids: readonly number[], limitMs: number): Promise<boolean> {
  const total = (): number => pids.reduce((sum, pid) => sum + cpuSecondsOf(pid), 0);
  const recent = [total()];
  for (let waited = 0; waited < limitMs; waited += IDLE_POLL_MS) {
    await pause(IDLE_POLL_MS);
    recent.push(total());
    if (recent.length <= IDLE_POLLS) continue;
    const used = recent.at(-1)! - recent.shift()!;
    if (used <= (IDLE_SHARE * IDLE_POLLS * IDLE_POLL_MS) / 1000) return true;
  }
  return false;
}
