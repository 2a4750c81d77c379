/** Sending a workload over some connections and what came of it. */

import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { cpuSecondsOf } from './process-cpu.js';
import { RawClient } from './raw-client.js';
import { STATEMENT_ID_AT } from './render-mysql.js';
import type { Workload } from './workload.js';

/** One connection to a server. */
export interface LoadConnection {
  /** Of its answers. */
  readonly protocol: 'mysql' | 'http';
  /** For who goes on in its place: no request may be under way. */
  readonly socket: Socket;
  /** Sends one request and resolves when it is acknowledged. */
  send(request: Buffer): Promise<void>;
  close(): void;
}

export interface LoadResult {
  readonly rows: number;
  readonly seconds: number;
  readonly rowsPerSecond: number;
  readonly bodyMegabytesPerSecond: number;
  /** Microseconds of server CPU a row until the last acknowledgement, one figure a server process. */
  readonly serverCpuMicrosPerRow: readonly number[];
  /** CPU of what sends, as a share of one core. */
  readonly generatorCpuShare: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Sends all requests, each connection taking the next one when its last was answered. */
export async function runLoad(
  connections: readonly LoadConnection[],
  workload: Workload,
  serverPids: readonly number[],
): Promise<LoadResult> {
  const { requests } = workload;
  const latencies = new Float64Array(requests.length);
  const cpuBefore = serverPids.map(cpuSecondsOf);
  const ownBefore = process.cpuUsage();
  const start = performance.now();
  let next = 0;
  const worker = async (connection: LoadConnection): Promise<void> => {
    for (;;) {
      const index = next++;
      if (index >= requests.length) return;
      const sentAt = performance.now();
      await connection.send(requests[index]!);
      latencies[index] = performance.now() - sentAt;
    }
  };
  await Promise.all(connections.map(worker));
  const seconds = (performance.now() - start) / 1000;
  const own = process.cpuUsage(ownBefore);
  const serverCpuSeconds = serverPids.map((pid, i) => cpuSecondsOf(pid) - cpuBefore[i]!);
  return loadResult(workload, {
    seconds,
    latencies,
    serverCpuSeconds,
    generatorCpuSeconds: (own.user + own.system) / 1e6,
  });
}

export interface MeasuredLoad {
  readonly seconds: number;
  /** Milliseconds of each request; will be sorted. */
  readonly latencies: Float64Array;
  readonly serverCpuSeconds: readonly number[];
  readonly generatorCpuSeconds: number;
}

export function loadResult(
  { rows, bodyBytes }: Workload,
  { seconds, latencies, serverCpuSeconds, generatorCpuSeconds }: MeasuredLoad,
): LoadResult {
  latencies.sort();
  return {
    rows,
    seconds,
    rowsPerSecond: rows / seconds,
    bodyMegabytesPerSecond: bodyBytes / 1e6 / seconds,
    serverCpuMicrosPerRow: serverCpuSeconds.map((used) => (used * 1e6) / rows),
    generatorCpuShare: generatorCpuSeconds / seconds,
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
  };
}

/** Connections of a MySQL server on which the workload can be sent; its statement, if it has one, is prepared. */
export async function openMysql(
  port: number,
  database: string,
  count: number,
  workload: Workload,
): Promise<readonly LoadConnection[]> {
  return Promise.all(
    Array.from({ length: count }, async () => {
      const client = await RawClient.open(port, database);
      if (workload.prepare === undefined) return client;
      const id = await client.prepare(workload.prepare);
      return {
        protocol: client.protocol,
        socket: client.socket,
        send: (request: Buffer): Promise<void> => {
          request.writeUInt32LE(id, STATEMENT_ID_AT);
          return client.send(request);
        },
        close: () => client.close(),
      };
    }),
  );
}

function quantile(sorted: Float64Array, q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0;
}
