/** `bin/twintide` as somebody types it: what it prints and how it ends. */

import { spawn, type ChildProcess } from 'node:child_process';
import { resolve } from 'node:path';

const LAUNCHER = resolve(__dirname, '../../bin/twintide');

export interface CommandResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

export interface RunningCommand {
  readonly child: ChildProcess;
  readonly ended: Promise<CommandResult>;
}

/** Starts it; `input` is its standard input. */
export function startCommand(args: readonly string[], input = ''): RunningCommand {
  const names = Object.keys(process.env).filter((name) => !name.startsWith('TWINTIDE_'));
  const child = spawn(process.execPath, [LAUNCHER, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: Object.fromEntries(names.map((name) => [name, process.env[name]])),
  });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  // It may end before it has read everything.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const ended = new Promise<CommandResult>((done, fail) => {
    child.once('error', fail);
    child.once('close', (code, signal) => {
      const text = (chunks: readonly Buffer[]): string => Buffer.concat(chunks).toString();
      done({ code, signal, out: text(out), err: text(err) });
    });
  });
  return { child, ended };
}

export function runCommand(args: readonly string[], input = ''): Promise<CommandResult> {
  return startCommand(args, input).ended;
}
