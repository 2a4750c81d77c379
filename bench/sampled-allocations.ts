/** What the first node's main thread allocates while something runs; the node must have been started with the probe's arguments. */

import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { summarizeAllocations, type AllocationSummary } from './allocation-profile.js';
import { pause } from './child-process.js';
import type { TwintideServers } from './twintide-servers.js';

/** The probe does not say when it has begun: it is given this time. */
const BEGIN_MS = 500;
const POLL_MS = 50;
const WRITTEN_MS = 60_000;

export const PROBE_ARGUMENTS = ['--import', resolve(import.meta.dirname, 'allocation-probe.js')];

export async function sampledAllocations(
  servers: TwintideServers,
  run: () => Promise<void>,
): Promise<AllocationSummary> {
  const pid = servers.pids[0]!;
  process.kill(pid, 'SIGUSR2');
  await pause(BEGIN_MS);
  await run();
  process.kill(pid, 'SIGUSR2');
  const file = join(servers.folder, 'allocations.heapprofile');
  for (let waited = 0; waited < WRITTEN_MS && !existsSync(file); waited += POLL_MS) {
    await pause(POLL_MS);
  }
  return summarizeAllocations(file);
}
