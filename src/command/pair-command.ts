/**
 * `twintide pair`: two nodes on loopback, as two processes of their own, for development and for seeing a failover.
 *
 * Each child runs in its own process group, so that Ctrl-C reaches this process alone and the children are stopped once, in
 * order. They hang on an IPC channel: when this process dies, however it dies, they stop by themselves.
 *
 * A node that ends on its own does not take the other with it: watching the other go on is what a pair is for. Only a node
 * that never came to serve (its port is taken, its directory foreign) ends the command.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { loadConfig, type Config } from '../server/config.js';
import { configKeys } from '../server/config-schema.js';
import { connectHints } from './connect-hints.js';
import { ExitCode } from './exit-codes.js';
import { ensurePairFiles, PAIR, pairOverrides, type PairMember, type PairOptions } from './pair-files.js';
import { colour, type Colour } from './terminal.js';

const COLOURS: readonly Colour[] = ['cyan', 'magenta'];
const NAME_WIDTH = 6;

interface Child {
  readonly member: PairMember;
  readonly process: ChildProcess;
  isServing: boolean;
  /** Null while it runs. */
  exitCode: number | null;
}

export interface PairCommand {
  readonly options: PairOptions;
  /** --port-offset was given, so it holds over what the files say. */
  readonly portsGiven: boolean;
  /** Path of bin/twintide, which runs the children. */
  readonly launcher: string;
}

/** Runs the pair until both nodes have ended; resolves to the exit code. Throws ConfigError before anything runs. */
export async function runPair({ options, portsGiven, launcher }: PairCommand): Promise<number> {
  const files = ensurePairFiles(options);
  const plans = PAIR.map((member, index) => {
    const overrides = pairOverrides(member, options, portsGiven);
    if (process.env['TWINTIDE_LOG_FORMAT'] === undefined) overrides['log.format'] = 'text';
    const config = loadConfig({
      file: files[index]!,
      workingFolder: process.cwd(),
      flags: overrides,
      environment: process.env,
    });
    return { member, config, file: files[index]!, overrides };
  });

  const children = plans.map(({ member, file, overrides }, index) =>
    startChild(member, launcher, childArguments(file, overrides), COLOURS[index]!),
  );
  const [a, b] = plans.map((plan) => plan.config) as [Config, Config];
  return superviseChildren(children, () => {
    console.log(`\n${connectHints(a, b, files)}\n`);
  });
}

function childArguments(file: string, overrides: Readonly<Record<string, string>>): string[] {
  const flags = configKeys.flatMap((key) => {
    const value = overrides[key.path];
    return key.flag === null || value === undefined ? [] : [key.flag, value];
  });
  return ['start', '--config', file, ...flags];
}

function startChild(
  member: PairMember,
  launcher: string,
  argumentsOfChild: readonly string[],
  hue: Colour,
): Child {
  const child = spawn(process.execPath, [launcher, ...argumentsOfChild], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    detached: true,
  });
  const prefix = colour(hue, member.name.padEnd(NAME_WIDTH), process.stderr);
  for (const stream of [child.stdout, child.stderr]) prefixLines(stream, prefix);
  return { member, process: child, isServing: false, exitCode: null };
}

function prefixLines(stream: Readable | null, prefix: string): void {
  if (stream === null) return;
  createInterface({ input: stream, crlfDelay: Infinity }).on('line', (line) => {
    process.stderr.write(`${prefix} | ${line}\n`);
  });
}

/** Follows the children to their end. `onServing` is called once, when both serve. */
function superviseChildren(children: readonly Child[], onServing: () => void): Promise<number> {
  return new Promise((resolve) => {
    let wishes = 0;
    let failure: number | null = null;

    const stop = (signal: 'SIGTERM' | 'SIGKILL'): void => {
      for (const child of children) if (child.exitCode === null) child.process.kill(signal);
    };
    const onSignal = (): void => {
      wishes += 1;
      if (wishes === 1) console.error('\nStopping both nodes. Ctrl-C again kills them.');
      stop(wishes === 1 ? 'SIGTERM' : 'SIGKILL');
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);

    for (const child of children) {
      child.process.on('message', () => {
        // The only message a node sends: it serves.
        child.isServing = true;
        if (wishes === 0 && children.every((each) => each.isServing)) onServing();
      });
      const ended = (code: number, how: string): void => {
        if (child.exitCode !== null) return;
        child.exitCode = code;
        const others = children.filter((other) => other.exitCode === null);
        if (wishes === 0) {
          failure ??= code;
          const rest = others.map((other) => other.member.name).join();
          if (!child.isServing) {
            console.error(`${child.member.name} did not come to serve (${how})`);
            wishes = 1;
            stop('SIGTERM');
          } else if (rest !== '') {
            console.error(`${child.member.name} ended (${how}); ${rest} goes on`);
          }
        }
        if (others.length === 0) resolve(failure ?? Math.max(...children.map((c) => c.exitCode!)));
      };
      child.process.on('error', (error) => ended(ExitCode.failed, error.message));
      child.process.on('exit', (code, signal) =>
        ended(code ?? ExitCode.failed, signal ?? `exit code ${code}`),
      );
    }
  });
}
