/**
 * What ingest leaves to the garbage collector, from the collector's own log (--trace-gc): bytes allocated on the JavaScript heap a row and
 * collections a million rows, once the compiler has settled. Nothing may be allocated a row; what is left belongs to statements, chunks of
 * a socket and records.
 */

import { CollectionLog, type Collections } from '../collection-log.js';
import { SHAPES } from '../cpu-workload.js';
import { openMysql, runLoad } from '../load.js';
import { createCpuTable } from '../mysql-admin.js';
import { CREATE_TWINTIDE, renderExecutions, renderInserts } from '../render-mysql.js';
import { SEED } from '../subject.js';
import { TwintideServers } from '../twintide-servers.js';
import type { Workload } from '../workload.js';
import { atMost, figure, type Cell, type Goal } from './cell.js';
import { DATABASE, WARM_DATABASE } from './repetition.js';

/** A batch of 5000 rows may allocate for itself; a row may not have an object. */
const BYTES_PER_ROW_MAX = 16;

interface Way {
  readonly name: string;
  readonly workload: (rowsMax: number) => Workload;
  readonly rows: number;
  readonly connections: number;
}

const WAYS: readonly Way[] = [
  {
    name: 'INSERTs of 5000 rows, 100 hosts',
    workload: (rowsMax) => renderInserts(SHAPES.s100, 5000, SEED, rowsMax),
    rows: 864_000,
    connections: 4,
  },
  {
    name: 'INSERTs of 5000 rows, 4000 hosts',
    workload: (rowsMax) => renderInserts(SHAPES.s4000, 5000, SEED, rowsMax),
    rows: 1_440_000,
    connections: 4,
  },
  {
    name: 'prepared INSERT of 1000 rows',
    workload: (rowsMax) => renderExecutions(SHAPES.s100, 1000, SEED, rowsMax),
    rows: 864_000,
    connections: 4,
  },
  {
    name: 'INSERTs of 1 row, 32 connections',
    workload: (rowsMax) => renderInserts(SHAPES.s100, 1, SEED, rowsMax),
    rows: 60_000,
    connections: 32,
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
      const { allocatedBytes, scavenges, full, pauseMs } = await collectionsDuring(workload, way);
      const perRow = allocatedBytes / workload.rows;
      const perMillion = 1e6 / workload.rows;
      rows.push([
        way.name,
        figure(perRow),
        figure(scavenges * perMillion),
        figure(full * perMillion),
        figure(pauseMs * perMillion),
      ]);
      if (index === 0) {
        goals.push(
          atMost(
            `no object a row: at most ${BYTES_PER_ROW_MAX} bytes of heap a row in batches`,
            perRow,
            BYTES_PER_ROW_MAX,
          ),
        );
      }
    }
    return {
      notes: [
        'All threads of the node. Memory outside of the heap (socket chunks, columns of the memtable) is not in it.',
      ],
      table: {
        columns: [
          'load',
          'heap bytes a row',
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

async function collectionsDuring(workload: Workload, way: Way): Promise<Collections> {
  const log = new CollectionLog();
  const servers = await TwintideServers.standalone({
    nodeArguments: ['--trace-gc'],
    onOutput: (text) => log.take(text),
  });
  try {
    const port = servers.ports[0]!;
    const run = async (database: string): Promise<void> => {
      await createCpuTable(port, database, CREATE_TWINTIDE);
      const connections = await openMysql(port, database, way.connections, workload);
      await runLoad(connections, workload, servers.pids);
      for (const connection of connections) connection.close();
    };
    await run(WARM_DATABASE);
    log.begin();
    await run(DATABASE);
    return log.total;
  } finally {
    await servers.stop();
  }
}
