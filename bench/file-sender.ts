/**
 * Sending large requests out of a file, by a process of its own. The kernel gives the pages of a file to a socket without copying them
 * (sendfile), which no API of Node.js does: Node.js, writing the same bytes, takes twice the processor time, and that is missing to the
 * server on a small machine. `file-sender.py` does the sending; connections are opened and logged in here.
 */

import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { lastWordsOf, startProcess, stopProcess, versionLine } from './child-process.js';
import { loadResult, type LoadConnection, type LoadResult } from './load.js';
import { cpuSecondsOf } from './process-cpu.js';
import { RequestFile } from './request-file.js';
import type { Workload } from './workload.js';

/** The program as it is in the sources, whether this runs from them or built. */
const PROGRAM = join(import.meta.dirname.replace(/\bdist\/bench$/, 'bench'), 'file-sender.py');
const PYTHON = 'python3';

/** What the program writes in the end. */
interface SenderReport {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly latenciesMs: readonly number[];
}

/** Null without Python: requests then leave from this process. */
export function requestFile(workload: Workload): RequestFile | null {
  return hasPython() ? RequestFile.write(workload) : null;
}

/** For a report: what is not as it should be. */
export function senderNotes(): readonly string[] {
  if (hasPython()) return [];
  return [
    `Sent by Node.js, as ${PYTHON} is not installed: that takes twice the generator's share of a core.`,
  ];
}

function hasPython(): boolean {
  return versionLine(PYTHON, ['--version']) !== null;
}

/**
 * Sends all requests, each connection taking the next one when its last was answered, as `runLoad` does. The connections are of no use
 * afterwards. Rejects when a request is not answered with success.
 */
export async function runFileLoad(
  connections: readonly LoadConnection[],
  workload: Workload,
  file: RequestFile,
  serverPids: readonly number[],
): Promise<LoadResult> {
  const { protocol } = connections[0]!;
  const child = startProcess(PYTHON, [PROGRAM, protocol, file.path, `${connections.length}`], {
    hasInput: true,
    sockets: connections.map(({ socket }) => socket),
  });
  // From here on they are read by the other process alone.
  for (const connection of connections) connection.close();
  const input = child.stdin!;
  // Of a process that has ended: its lines end too, which tells more.
  input.on('error', () => undefined);
  const nextLine = linesOf(child);
  try {
    input.write(`${JSON.stringify(file.ends)}\n`);
    await nextLine();
    const cpuBefore = serverPids.map(cpuSecondsOf);
    const ownBefore = process.cpuUsage();
    input.write('go\n');
    const line = await nextLine();
    const own = process.cpuUsage(ownBefore);
    const serverCpuSeconds = serverPids.map((pid, i) => cpuSecondsOf(pid) - cpuBefore[i]!);
    const { seconds, cpuSeconds, latenciesMs } = JSON.parse(line) as SenderReport;
    return loadResult(workload, {
      seconds,
      latencies: Float64Array.from(latenciesMs),
      serverCpuSeconds,
      generatorCpuSeconds: cpuSeconds + (own.user + own.system) / 1e6,
    });
  } finally {
    await stopProcess(child, 'SIGKILL');
  }
}

/** Resolves to one line of its output after another; rejects once the process has ended. */
function linesOf(child: ChildProcess): () => Promise<string> {
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  return async () => {
    const next = await lines.next();
    if (next.done !== true) return next.value;
    await ended;
    throw new Error(
      `sending failed: ${lastWordsOf(child)
        .replace(/^ready\n/, '')
        .trim()}`,
    );
  };
}
