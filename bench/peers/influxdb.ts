/** InfluxDB 1.x of Debian's package as a peer: the line protocol over HTTP, its log synced before each answer. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  removeFolder,
  startProcess,
  stopProcess,
  temporaryFolder,
  untilReady,
  versionLine,
} from '../child-process.js';
import { diskBytes } from '../disk-usage.js';
import { freePorts } from '../free-ports.js';
import { httpRequest, RawHttpClient } from '../raw-http-client.js';
import { renderLines } from '../render-http.js';
import type { RunningSubject, Subject } from '../subject.js';

/** Null when the package is not installed. */
export function influxdb(): Subject | null {
  const line = versionLine('influxd', ['version']);
  if (line === null) return null;
  const version = /v(\d+\.\d+\.\d+)/.exec(line)?.[1] ?? line;
  return { name: `InfluxDB ${version}, synced`, format: 'influxdb', render: renderLines, start };
}

async function start(): Promise<RunningSubject> {
  const folder = temporaryFolder('influxdb');
  const [httpPort, rpcPort] = await freePorts(2);
  writeFileSync(
    join(folder, 'influxdb.conf'),
    `reporting-disabled = true
bind-address = "127.0.0.1:${rpcPort}"
[meta]
  dir = "${folder}/meta"
[data]
  dir = "${folder}/data"
  wal-dir = "${folder}/wal"
  query-log-enabled = false
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:${httpPort}"
  log-enabled = false
[logging]
  level = "error"
`,
  );
  const child = startProcess('influxd', ['-config', join(folder, 'influxdb.conf')], {
    cwd: folder,
  });
  const query = (text: string): Promise<string> =>
    httpRequest(httpPort!, `/query?q=${encodeURIComponent(text)}`, '');
  await untilReady(child, async () => {
    await query('SHOW DATABASES');
  });
  return {
    pids: [child.pid!],
    createTable: async (database) => {
      await query(`DROP DATABASE ${database}`);
      await query(`CREATE DATABASE ${database}`);
    },
    connect: (_database, count) =>
      Promise.all(Array.from({ length: count }, () => RawHttpClient.open(httpPort!))),
    countRows: async (database) => {
      const answer = await query(`SELECT count(usage_user) FROM ${database}.autogen.cpu`);
      return [Number(/,(\d+)\]\]/.exec(answer)?.[1])];
    },
    storedBytes: () => diskBytes(folder, (path) => path.includes('/bench/')),
    stop: async () => {
      await stopProcess(child, 'SIGKILL');
      removeFolder(folder);
    },
  };
}
