/** Twintide, one node or a pair, as a subject. */

import { join } from 'node:path';
import { diskBytes } from './disk-usage.js';
import { openMysql } from './load.js';
import { countCpuRows, createCpuTable, runStatements } from './mysql-admin.js';
import { CREATE_TWINTIDE, renderInserts } from './render-mysql.js';
import { SEED, type RunningSubject, type Subject } from './subject.js';
import { TwintideServers, type ServerOptions } from './twintide-servers.js';

/** ER_NOT_SUPPORTED_YET: a version before compaction. */
const NOT_SUPPORTED_YET = 1235;

export interface RunningTwintide extends RunningSubject {
  readonly servers: TwintideServers;
}

export interface TwintideSubject extends Subject {
  start(): Promise<RunningTwintide>;
}

export function twintide(
  name: string,
  options: ServerOptions & { readonly isPair?: boolean } = {},
): TwintideSubject {
  return {
    name,
    format: 'mysql',
    render: (shape, rowsPerRequest, rowsMax) => renderInserts(shape, rowsPerRequest, SEED, rowsMax),
    start: async () =>
      running(
        options.isPair
          ? await TwintideServers.pair(options)
          : await TwintideServers.standalone(options),
      ),
  };
}

function running(servers: TwintideServers): RunningTwintide {
  const port = servers.ports[0]!;
  return {
    servers,
    pids: servers.pids,
    createTable: (database) => createCpuTable(port, database, CREATE_TWINTIDE),
    connect: (database, count, workload) => openMysql(port, database, count, workload),
    countRows: (database) => Promise.all(servers.ports.map((each) => countCpuRows(each, database))),
    flush: (database) => onEveryNode(servers, `ADMIN flush_table('${database}.cpu')`),
    compact: async (database) => {
      await Promise.all(servers.ports.map((each) => compactTable(each, `${database}.cpu`)));
    },
    storedBytes: () => diskBytes(join(servers.dataFolder(0), 'store')),
    stop: () => servers.stop(),
  };
}

/** `database.table`; does nothing in a version that cannot. */
export async function compactTable(port: number, table: string): Promise<void> {
  try {
    await runStatements(port, [`ADMIN compact_table('${table}')`]);
  } catch (error) {
    if ((error as { errno?: number }).errno !== NOT_SUPPORTED_YET) throw error;
  }
}

async function onEveryNode(servers: TwintideServers, statement: string): Promise<void> {
  await Promise.all(servers.ports.map((port) => runStatements(port, [statement])));
}
