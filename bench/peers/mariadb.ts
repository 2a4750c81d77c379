/** MariaDB as a peer: alone, as a semi-synchronous pair, and as a Galera pair. */

import { existsSync } from 'node:fs';
import { diskBytes } from '../disk-usage.js';
import { freePorts } from '../free-ports.js';
import { pause } from '../child-process.js';
import { openMysql } from '../load.js';
import { countCpuRows, createCpuTable, runStatements } from '../mysql-admin.js';
import { CREATE_MARIADB, renderInserts } from '../render-mysql.js';
import { SEED, type RunningSubject, type Subject } from '../subject.js';
import { MariadbProcess, mariadbVersion } from './mariadb-process.js';

const GALERA = '/usr/lib/galera/libgalera_smm.so';
const CATCH_UP_MS = 60_000;
const CATCH_UP_POLL_MS = 50;

/** Null when the package is not installed. */
export function mariadb(): Subject | null {
  const version = mariadbVersion();
  if (version === null) return null;
  return subject(`MariaDB ${version}, every commit synced`, async () => {
    const [port] = await freePorts(1);
    return [await MariadbProcess.start(port!, ['--skip-log-bin'])];
  });
}

/**
 * Source and replica: a commit is acknowledged when the replica has received it, before it is committed at the source. The source syncs its
 * binary log, as an acknowledged write must survive there; the replica's relay log is not synced, which is the default.
 */
export function mariadbSemiSync(): Subject | null {
  const version = mariadbVersion();
  if (version === null) return null;
  return subject(`MariaDB ${version}, semi-sync pair`, async () => {
    const [portA, portB] = await freePorts(2);
    const options = (id: number): string[] => [
      `--server-id=${id}`,
      '--log-bin=binlog',
      '--sync-binlog=1',
      '--binlog-format=ROW',
      '--rpl-semi-sync-master-enabled=ON',
      '--rpl-semi-sync-master-wait-point=AFTER_SYNC',
      '--rpl-semi-sync-slave-enabled=ON',
    ];
    const source = await MariadbProcess.start(portA!, options(1));
    const replica = await MariadbProcess.start(portB!, [...options(2), '--log-slave-updates=OFF']);
    await runStatements(portB!, [
      `CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=${portA}, MASTER_USER='root', MASTER_USE_GTID=slave_pos`,
      'START SLAVE',
    ]);
    await untilStatus(portA!, 'Rpl_semi_sync_master_clients', '1');
    return [source, replica];
  });
}

/** Null when MariaDB or Galera is not installed. */
export function galera(): Subject | null {
  const version = mariadbVersion();
  if (version === null || !existsSync(GALERA)) return null;
  return subject(`MariaDB ${version}, Galera pair`, async () => {
    const [portA, portB, groupA, groupB, istA, istB, sst] = await freePorts(7);
    const options = (group: number, ist: number, cluster: string): string[] => [
      '--binlog-format=ROW',
      '--innodb-autoinc-lock-mode=2',
      '--wsrep-on=ON',
      `--wsrep-provider=${GALERA}`,
      '--wsrep-node-address=127.0.0.1',
      '--wsrep-sst-method=rsync',
      `--wsrep-cluster-address=gcomm://${cluster}`,
      `--wsrep-provider-options=gmcast.listen_addr=tcp://127.0.0.1:${group};ist.recv_addr=127.0.0.1:${ist}`,
    ];
    const first = await MariadbProcess.start(portA!, options(groupA!, istA!, ''));
    const second = await MariadbProcess.start(portB!, [
      ...options(groupB!, istB!, `127.0.0.1:${groupA}`),
      `--wsrep-sst-receive-address=127.0.0.1:${sst}`,
    ]);
    await untilStatus(portA!, 'wsrep_cluster_size', '2');
    await untilStatus(portB!, 'wsrep_ready', 'ON');
    return [first, second];
  });
}

function subject(name: string, startAll: () => Promise<readonly MariadbProcess[]>): Subject {
  return {
    name,
    format: 'mysql',
    render: (shape, rowsPerRequest, rowsMax) => renderInserts(shape, rowsPerRequest, SEED, rowsMax),
    start: async () => running(await startAll()),
  };
}

function running(processes: readonly MariadbProcess[]): RunningSubject {
  const [first] = processes;
  const { port } = first!;
  return {
    pids: processes.map((each) => each.pid),
    createTable: (database) => createCpuTable(port, database, CREATE_MARIADB),
    connect: (database, count, workload) => openMysql(port, database, count, workload),
    countRows: (database) =>
      Promise.all(processes.map((each) => countCpuRows(each.port, database))),
    storedBytes: () =>
      diskBytes(first!.dataFolder, (path) => path.includes('/bench/') || path.endsWith('/ibdata1')),
    stop: async () => {
      await Promise.all(processes.map((each) => each.stop()));
    },
  };
}

async function untilStatus(port: number, variable: string, value: string): Promise<void> {
  for (let waited = 0; waited < CATCH_UP_MS; waited += CATCH_UP_POLL_MS) {
    const [row] = await runStatements(port, [`SHOW GLOBAL STATUS LIKE '${variable}'`]);
    if (row?.['Value'] === value) return;
    await pause(CATCH_UP_POLL_MS);
  }
  throw new Error(`${variable} did not become ${value}`);
}
