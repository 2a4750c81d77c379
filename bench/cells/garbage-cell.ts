/**
 * What ingest leaves to the garbage collector, from the collector's own log (--trace-gc): bytes allocated on the JavaScript heap a row and
 * collections a million rows, once the compiler has settled. Nothing may be allocated a row; what is left belongs to statements, chunks of
 * a socket and records.
 *
 * Between two collections a heap grows by what was allocated: the sum of (before this one - after the last one).
 */

import { SHAPES } from '../cpu-workload.js';
import { openMysql, runLoad } from '../load.js';
import { createCpuTable } from '../mysql-admin.js';
import { CREATE_TWINTIDE, renderExecutions, renderInserts } from '../render-mysql.js';
import { SEED } from '../subject.js';
import { TwintideServers } from '../twintide-servers.js';
import type { Workload } from '../workload.js';
import { atMost, figure, type Cell, type Goal } from './cell.js';
import { DATABASE, WARM_DATABASE } from './repetition.js';

const LINE =
  /\[\d+:(0x[0-9a-f]+)\].*?: (Scavenge|Mark-Compact)[^:]*? ([\d.]+) \([\d.]+\) -> ([\d.]+) \([\d.]+\) MB, (?:pooled: \S+ MB, )?([\d.]+)/g;
/** A batch of 5000 rows may allocate for itself; a row may not have an object. */
const BYTES_PER_ROW_MAX = 16;

interface Collections {
  allocatedBytes: number;
  scavenges: number;
  full: number;
  pauseMs: number;
}

/** Reads the log as it comes, thread by thread. */
class CollectionLog {
  /** MB in use after the last collection, by heap. */
  readonly #after = new Map<string, number>();
  #rest = '';
  total: Collections = { allocatedBytes: 0, scavenges: 0, full: 0, pauseMs: 0 };

  take(text: string): void {
    const all = this.#rest + text;
    const lineEnd = all.lastIndexOf('\n') + 1;
    this.#rest = all.slice(lineEnd);
    for (const [, heap, kind, before, after, pause] of all.slice(0, lineEnd).matchAll(LINE)) {
      const last = this.#after.get(heap!);
      if (last !== undefined) {
        this.total.allocatedBytes += Math.max(0, Number(before) - last) * 2 ** 20;
      }
      this.#after.set(heap!, Number(after));
      if (kind === 'Scavenge') this.total.scavenges += 1;
      else this.total.full += 1;
      this.total.pauseMs += Number(pause);
    }
  }
}

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
    const before = { ...log.total };
    await run(DATABASE);
    const after = log.total;
    return {
      allocatedBytes: after.allocatedBytes - before.allocatedBytes,
      scavenges: after.scavenges - before.scavenges,
      full: after.full - before.full,
      pauseMs: after.pauseMs - before.pauseMs,
    };
  } finally {
    await servers.stop();
  }
}
