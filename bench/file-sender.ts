/**
 * Sending large requests out of a file, by a process of its own. The kernel gives the pages of a file to a socket without copying them
 * (sendfile), which no API of Node.js does: Node.js, writing the same bytes, takes twice the processor time, and that is missing to the
 * server on a small machine. `file-sender.c` does the sending; connections are opened and logged in here.
 */

import { spawnSync, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { lastWordsOf, startProcess, stopProcess } from './child-process.js';
import { loadResult, type LoadConnection, type LoadResult } from './load.js';
import { cpuSecondsOf } from './process-cpu.js';
import { RequestFile } from './request-file.js';
import type { Workload } from './workload.js';

/** The program as it is in the sources, whether this runs from them or built. */
const SOURCE = join(import.meta.dirname.replace(/\bdist\/bench$/, 'bench'), 'file-sender.c');
const CACHE = join(dirname(SOURCE), '../node_modules/.cache/file-sender');
const COMPILER = 'cc';
const KEY_DIGITS = 16;
const OPTIONS = ['-std=c11', '-O2'];
/** A compiler may come without headers, and this one is of Linux alone. */
const HEADER = 'sys/sendfile.h';

/** What the program writes in the end. */
interface SenderReport {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly latenciesMs: readonly number[];
}

/**
 * Null without a C compiler: requests then leave from this process. Throws what the compiler says when it does not take the program.
 */
export function requestFile(workload: Workload, compiler = COMPILER): RequestFile | null {
  if (!canCompile(compiler)) return null;
  compiledBy(compiler);
  return RequestFile.write(workload);
}

/** For a report: what is not as it should be. */
export function senderNotes(compiler = COMPILER): readonly string[] {
  if (canCompile(compiler)) return [];
  return [
    `Sent by Node.js, as no C compiler is installed (${compiler}, with ${HEADER}): that takes twice the generator's share of a core.`,
  ];
}

const usable = new Map<string, boolean>();

function canCompile(compiler: string): boolean {
  let isUsable = usable.get(compiler);
  if (isUsable === undefined) {
    const probe = ['-x', 'c', '-fsyntax-only', '-include', HEADER, '/dev/null'];
    isUsable = spawnSync(compiler, probe).status === 0;
    usable.set(compiler, isUsable);
  }
  return isUsable;
}

/** The program's path; compiled once for each state of its source. */
function compiledBy(compiler: string): string {
  const key = createHash('sha256')
    .update([process.arch, ...OPTIONS].join(' '))
    .update(readFileSync(SOURCE))
    .digest('hex');
  const program = join(CACHE, key.slice(0, KEY_DIGITS));
  if (existsSync(program)) return program;
  mkdirSync(CACHE, { recursive: true });
  // Another process may do the same.
  const draft = `${program}.${process.pid}`;
  const { status, stderr } = spawnSync(compiler, [...OPTIONS, '-o', draft, SOURCE], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${SOURCE} does not compile: ${stderr}`);
  renameSync(draft, program);
  return program;
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
  const child = startProcess(
    compiledBy(COMPILER),
    [protocol, file.path, `${connections.length}`, `${file.ends.length}`],
    { hasInput: true, sockets: connections.map(({ socket }) => socket) },
  );
  // From here on they are read by the other process alone.
  for (const connection of connections) connection.close();
  const input = child.stdin!;
  // Of a process that has ended: its lines end too, which tells more.
  input.on('error', () => undefined);
  const nextLine = linesOf(child);
  try {
    input.write(`${file.ends.join(' ')}\n`);
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
