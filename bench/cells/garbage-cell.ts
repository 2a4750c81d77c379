/**
 * What ingest leaves to the garbage collector once the compiler has settled: bytes allocated on the JavaScript heap a row and collections a
 * million rows, from the collector's own log (--trace-gc), and which function allocates most, by sampling.
 *
 * Nothing may be allocated a row. What is left belongs to statements, chunks of a socket, records and groups, and shrinks with the size of
 * batches. A function that made so much as an object a row would show with at least the size of an object.
 */

import type { AllocationSummary } from '../allocation-profile.js';
import { CollectionLog, type Collections } from '../collection-log.js';
import { SHAPES } from '../cpu-workload.js';
import { openMysql, runLoad, type LoadConnection } from '../load.js';
import { createCpuTable } from '../mysql-admin.js';
import { CREATE_TWINTIDE, renderExecutions, renderInserts } from '../render-mysql.js';
import { PROBE_ARGUMENTS, sampledAllocations } from '../sampled-allocations.js';
import { SEED } from '../subject.js';
import { TwintideServers } from '../twintide-servers.js';
import type { Workload } from '../workload.js';
import { atMost, figure, type Cell, type Goal } from './cell.js';
import { DATABASE, WARM_DATABASE } from './repetition.js';

/** An object with one field has 32 bytes, a number in a box 16. */
const BYTES_OF_AN_OBJECT = 16;
const SAMPLED_DATABASE = 'sampled';

interface Way {
  readonly name: string;
  readonly workload: (rowsMax: number) => Workload;
  readonly rows: number;
  readonly connections: number;
  readonly isBatches: boolean;
}

const WAYS: readonly Way[] = [
  {
    name: 'INSERTs of 5000 rows, 100 hosts',
    workload: (rowsMax) => renderInserts(SHAPES.s100, 5000, SEED, rowsMax),
    rows: 864_000,
    connections: 4,
    isBatches: true,
  },
  {
    name: 'INSERTs of 5000 rows, 4000 hosts',
    workload: (rowsMax) => renderInserts(SHAPES.s4000, 5000, SEED, rowsMax),
    rows: 1_440_000,
    connections: 4,
    isBatches: true,
  },
  {
    name: 'prepared INSERT of 1000 rows',
    workload: (rowsMax) => renderExecutions(SHAPES.s100, 1000, SEED, rowsMax),
    rows: 864_000,
    connections: 4,
    isBatches: true,
  },
  {
    name: 'INSERTs of 1 row, 32 connections',
    workload: (rowsMax) => renderInserts(SHAPES.s100, 1, SEED, rowsMax),
    rows: 20_000,
    connections: 32,
    isBatches: false,
  },
];

export const garbageCell: Cell = {
  about: 'heap allocation and garbage collections during ingest, after a warm-up of the same size',
  isInQuick: true,
  run: async ({ isQuick }) => {
    const rows: string[][] = [];
    const goals: Goal[] = [];
    for (const [index, way] of WAYS.entries()) {
      if (isQuick && index > 0) break;
      const workload = way.workload(isQuick ? 20_000 : way.rows);
      const { collections, allocations } = await garbageOf(workload, way);
      const { allocatedBytes, scavenges, full, pauseMs } = collections;
      const perMillion = 1e6 / workload.rows;
      const largest = allocations.byFunction[0] ?? { label: 'none', amount: 0 };
      rows.push([
        way.name,
        figure(allocatedBytes / workload.rows),
        figure(allocations.bytes / workload.rows),
        `${figure(largest.amount / workload.rows)}: ${largest.label}`,
        figure(scavenges * perMillion),
        figure(full * perMillion),
        figure(pauseMs * perMillion),
      ]);
      if (way.isBatches) {
        goals.push(
          atMost(
            `nothing allocated a row, ${way.name}: no function with ${BYTES_OF_AN_OBJECT} bytes a row`,
            largest.amount / workload.rows,
            BYTES_OF_AN_OBJECT,
          ),
        );
      }
    }
    return {
      notes: ['Memory outside of the heap (socket chunks, columns of the memtable) is not in it.'],
      table: {
        columns: [
          'load',
          'heap bytes a row, all threads',
          'main thread, sampled',
          'the function with most',
          'scavenges a million rows',
          'full collections a million rows',
          'pauses, ms a million rows',
        ],
        rows,
      },
      goals,
    };
  },
};

interface Garbage {
  readonly collections: Collections;
  readonly allocations: AllocationSummary;
}

async function garbageOf(workload: Workload, way: Way): Promise<Garbage> {
  const log = new CollectionLog();
  const servers = await TwintideServers.standalone({
    nodeArguments: ['--trace-gc', ...PROBE_ARGUMENTS],
    onOutput: (text) => log.take(text),
  });
  try {
    const port = servers.ports[0]!;
    // Connections are made, and statements prepared, before anything is counted.
    const connect = async (database: string): Promise<readonly LoadConnection[]> => {
      await createCpuTable(port, database, CREATE_TWINTIDE);
      return openMysql(port, database, way.connections, workload);
    };
    const send = async (connections: readonly LoadConnection[]): Promise<void> => {
      await runLoad(connections, workload, servers.pids);
      for (const connection of connections) connection.close();
    };
    await send(await connect(WARM_DATABASE));
    const counted = await connect(DATABASE);
    log.begin();
    await send(counted);
    const collections = log.total;
    const sampled = await connect(SAMPLED_DATABASE);
    const allocations = await sampledAllocations(servers, () => send(sampled));
    return { collections, allocations };
  } finally {
    await servers.stop();
  }
}
