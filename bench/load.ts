/** Sending a workload over some connections and what came of it. */

import { performance } from 'node:perf_hooks';
import type { Workload } from './cpu-workload.js';
import { cpuSecondsOf } from './process-cpu.js';
import { RawClient } from './raw-client.js';

export interface LoadResult {
  readonly rows: number;
  readonly seconds: number;
  readonly rowsPerSecond: number;
  readonly textMegabytesPerSecond: number;
  /** Microseconds of server CPU a row, one figure a server process. */
  readonly serverCpuMicrosPerRow: readonly number[];
  /** This process's CPU as a share of one core. */
  readonly generatorCpuShare: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Sends all packets, each connection taking the next one when its last was answered. */
export async function runLoad(
  port: number,
  database: string,
  workload: Workload,
  connections: number,
  serverPids: readonly number[],
): Promise<LoadResult> {
  const clients = await Promise.all(
    Array.from({ length: connections }, () => RawClient.open(port, database)),
  );
  const latencies = new Float64Array(workload.packets.length);
  const cpuBefore = serverPids.map(cpuSecondsOf);
  const ownBefore = process.cpuUsage();
  const start = performance.now();
  let next = 0;
  const worker = async (client: RawClient): Promise<void> => {
    for (;;) {
      const index = next++;
      if (index >= workload.packets.length) return;
      const sentAt = performance.now();
      await client.send(workload.packets[index]!);
      latencies[index] = performance.now() - sentAt;
    }
  };
  await Promise.all(clients.map(worker));
  const seconds = (performance.now() - start) / 1000;
  const own = process.cpuUsage(ownBefore);
  const cpu = serverPids.map((pid, i) => cpuSecondsOf(pid) - cpuBefore[i]!);
  for (const client of clients) client.close();
  latencies.sort();
  return {
    rows: workload.rows,
    seconds,
    rowsPerSecond: workload.rows / seconds,
    textMegabytesPerSecond: workload.textBytes / 1e6 / seconds,
    serverCpuMicrosPerRow: cpu.map((used) => (used * 1e6) / workload.rows),
    generatorCpuShare: (own.user + own.system) / 1e6 / seconds,
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
  };
}

function quantile(sorted: Float64Array, q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0;
}
