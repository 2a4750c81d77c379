/** CPU time of another process, all its threads, from the kernel's own accounting. */

import { readFileSync } from 'node:fs';

/** The kernel reports in ticks of 1/100 s on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** User plus system seconds so far. */
export function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  // The command name in parentheses may hold spaces: fields are counted from behind it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Resident set in bytes. */
export function residentBytesOf(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'));
  return Number(match?.[1] ?? 0) * 1024;
}
