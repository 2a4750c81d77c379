/** ClickHouse of Debian's package as a peer: a MergeTree by host and time, fed over HTTP with tab-separated rows. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  removeFolder,
  startProcess,
  stopProcess,
  temporaryFolder,
  untilReady,
  versionLine,
} from '../child-process.js';
import { METRICS, TAGS } from '../cpu-workload.js';
import { freePorts } from '../free-ports.js';
import { httpRequest, RawHttpClient } from '../raw-http-client.js';
import { renderTabSeparated } from '../render-http.js';
import type { RunningSubject, Subject } from '../subject.js';

/** Null when the package is not installed. */
export function clickhouse(rowsPerRequest: number): Subject | null {
  const line = versionLine('clickhouse-client', ['--version']);
  if (line === null || versionLine('clickhouse-server', ['--help']) === null) return null;
  const version = /version (\d+\.\d+\.\d+)/.exec(line)?.[1] ?? line;
  return {
    name: `ClickHouse ${version}, batches of ${rowsPerRequest}, not synced`,
    rowsPerRequest,
    format: `clickhouse-${rowsPerRequest}`,
    render: renderTabSeparated,
    start,
  };
}

async function start(): Promise<RunningSubject> {
  const folder = temporaryFolder('clickhouse');
  const [httpPort, tcpPort, betweenPort] = await freePorts(3);
  const data = join(folder, 'data');
  mkdirSync(join(folder, 'tmp'));
  writeFileSync(join(folder, 'users.xml'), USERS);
  writeFileSync(
    join(folder, 'config.xml'),
    `<yandex>
  <logger><level>error</level><log>${folder}/server.log</log><errorlog>${folder}/error.log</errorlog></logger>
  <listen_host>127.0.0.1</listen_host>
  <http_port>${httpPort}</http_port>
  <tcp_port>${tcpPort}</tcp_port>
  <interserver_http_port>${betweenPort}</interserver_http_port>
  <path>${data}/</path>
  <tmp_path>${folder}/tmp/</tmp_path>
  <users_config>${folder}/users.xml</users_config>
  <default_profile>default</default_profile>
  <default_database>default</default_database>
  <mark_cache_size>268435456</mark_cache_size>
  <keep_alive_timeout>600</keep_alive_timeout>
</yandex>`,
  );
  const child = startProcess('clickhouse-server', [`--config-file=${join(folder, 'config.xml')}`], {
    cwd: folder,
  });
  const query = (sql: string): Promise<string> => httpRequest(httpPort!, '/', sql);
  // An answer may come in chunks, whose sizes stand on lines of their own.
  const numberOf = async (sql: string): Promise<number> =>
    Number(/n=(\d+)/.exec(await query(sql))?.[1]);
  await untilReady(child, async () => {
    await query('SELECT 1');
  });
  return {
    pids: [child.pid!],
    createTable: async (database) => {
      await query(`DROP DATABASE IF EXISTS ${database}`);
      await query(`CREATE DATABASE ${database}`);
      await query(
        `CREATE TABLE ${database}.cpu (${TAGS.map((tag) => `${tag} String`).join(', ')}, ts DateTime, ${METRICS.map((metric) => `${metric} Int64`).join(', ')}) ENGINE = MergeTree() PARTITION BY toYYYYMM(ts) ORDER BY (hostname, ts)`,
      );
    },
    connect: (_database, count) =>
      Promise.all(Array.from({ length: count }, () => RawHttpClient.open(httpPort!))),
    countRows: async (database) => [
      await numberOf(`SELECT concat('n=', toString(count())) FROM ${database}.cpu`),
    ],
    // Of the parts that count: those that were merged away stay on disk for some minutes.
    storedBytes: () =>
      numberOf("SELECT concat('n=', toString(sum(bytes_on_disk))) FROM system.parts WHERE active"),
    stop: async () => {
      await stopProcess(child, 'SIGKILL');
      removeFolder(folder);
    },
  };
}

const USERS = `<yandex>
  <profiles><default><max_memory_usage>10000000000</max_memory_usage></default></profiles>
  <users><default><password></password><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></default></users>
  <quotas><default></default></quotas>
</yandex>`;
