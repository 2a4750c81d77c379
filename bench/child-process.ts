/**
 * Servers as child processes that never outlive the benchmark: whatever ends it, their processes are killed and their folders of
 * throw-away data are removed.
 */

import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A server that does not stop when asked to is killed: its data is thrown away anyway. */
const STOP_TIMEOUT_MS = 60_000;
const READY_TIMEOUT_MS = 60_000;
const READY_POLL_MS = 20;

const running = new Set<ChildProcess>();
const folders = new Set<string>();

process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => process.exit(1));
}

/** A folder that is gone when the benchmark is. */
export function temporaryFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `twintide-bench-${name}-`));
  folders.add(folder);
  return folder;
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  folders.delete(folder);
}

/** Leaves the folder in place after the end. */
export function keepFolder(folder: string): void {
  folders.delete(folder);
}

/** The last that a process said: why it ended too early. */
const lastWords = new WeakMap<ChildProcess, string>();
const LAST_WORDS_MAX = 4000;

export interface ProcessOptions {
  readonly cwd?: string;
  readonly onOutput?: (text: string) => void;
  /** It has a standard input, a pipe. */
  readonly hasInput?: boolean;
  /** It gets them too, as its descriptors from 3 on. */
  readonly sockets?: readonly Socket[];
}

/** What it writes is kept a little while, and goes to `onOutput`. */
export function startProcess(
  command: string,
  args: readonly string[],
  options: ProcessOptions = {},
): ChildProcess {
  const child = spawn(command, args, {
    stdio: [options.hasInput ? 'pipe' : 'ignore', 'pipe', 'pipe', ...(options.sockets ?? [])],
    cwd: options.cwd,
  });
  running.add(child);
  child.once('exit', () => running.delete(child));
  child.once('error', () => running.delete(child));
  const take = (text: string): void => {
    lastWords.set(child, `${lastWords.get(child) ?? ''}${text}`.slice(-LAST_WORDS_MAX));
    options.onOutput?.(text);
  };
  child.stdout!.setEncoding('utf8').on('data', take);
  child.stderr!.setEncoding('utf8').on('data', take);
  return child;
}

/** The last that a process said, of what `startProcess` started. */
export function lastWordsOf(child: ChildProcess): string {
  return lastWords.get(child) ?? '';
}

export async function stopProcess(
  child: ChildProcess,
  signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM',
): Promise<void> {
  if (hasEnded(child)) return;
  const exited = new Promise<void>((done) => child.once('exit', () => done()));
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await exited;
  clearTimeout(timer);
}

/** Resolves once `probe` does; rejects when the process ended before, or after a minute. */
export async function untilReady(child: ChildProcess, probe: () => Promise<void>): Promise<void> {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  for (;;) {
    try {
      await probe();
      return;
    } catch (error) {
      if (hasEnded(child) || child.pid === undefined) {
        throw new Error(`${child.spawnfile} ended at its start: ${lastWordsOf(child)}`, {
          cause: error,
        });
      }
      if (Date.now() > deadline) throw error;
      await pause(READY_POLL_MS);
    }
  }
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((done) => setTimeout(done, milliseconds));
}

/** The first line a command prints about itself; null when it is not installed. */
export function versionLine(command: string, args: readonly string[]): string | null {
  const found = spawnSync(command, args, { encoding: 'utf8' });
  if (found.error !== undefined) return null;
  return `${found.stdout}${found.stderr}`.trim().split('\n', 1)[0] ?? '';
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
