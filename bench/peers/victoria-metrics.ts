/** VictoriaMetrics of Debian's package as a peer: the InfluxDB line protocol over HTTP. It syncs nothing before it answers. */

import { join } from 'node:path';
import {
  removeFolder,
  startProcess,
  stopProcess,
  temporaryFolder,
  untilReady,
  versionLine,
} from '../child-process.js';
import { METRICS } from '../cpu-workload.js';
import { diskBytes } from '../disk-usage.js';
import { freePorts } from '../free-ports.js';
import { httpRequest, RawHttpClient } from '../raw-http-client.js';
import { renderLines } from '../render-http.js';
import type { RunningSubject, Subject } from '../subject.js';

/** Null when the package is not installed. */
export function victoriaMetrics(): Subject | null {
  if (versionLine('victoria-metrics', ['-version']) === null) return null;
  // Debian's build does not know its own version; the package does.
  const line = versionLine('dpkg-query', ['--show', '--showformat=${Version}', 'victoria-metrics']);
  const version = /^(\d+\.\d+\.\d+)/.exec(line ?? '')?.[1];
  const shown = version === undefined ? '' : ` ${version}`;
  return {
    name: `VictoriaMetrics${shown}, not synced`,
    format: 'victoria-metrics',
    render: renderLines,
    start,
  };
}

async function start(): Promise<RunningSubject> {
  const folder = temporaryFolder('victoria-metrics');
  const data = join(folder, 'data');
  const [port] = await freePorts(1);
  const child = startProcess(
    'victoria-metrics',
    [
      `-storageDataPath=${data}`,
      `-httpListenAddr=127.0.0.1:${port}`,
      '-retentionPeriod=100y',
      '-loggerLevel=ERROR',
    ],
    { cwd: folder },
  );
  const samplesWritten = async (): Promise<number> => {
    const page = await httpRequest(port!, '/metrics');
    return Number(/^vm_rows_inserted_total\{type="influx"\} (\d+)/m.exec(page)?.[1]);
  };
  await untilReady(child, async () => {
    await samplesWritten();
  });
  // Databases are labels here: they need not be made, and what was written before one is subtracted.
  const samplesBefore = new Map<string, number>();
  return {
    pids: [child.pid!],
    createTable: async (database) => {
      samplesBefore.set(database, await samplesWritten());
    },
    connect: (_database, count) =>
      Promise.all(Array.from({ length: count }, () => RawHttpClient.open(port!))),
    countRows: async (database) => {
      return [((await samplesWritten()) - samplesBefore.get(database)!) / METRICS.length];
    },
    storedBytes: () => diskBytes(data),
    stop: async () => {
      await stopProcess(child, 'SIGKILL');
      removeFolder(folder);
    },
  };
}
