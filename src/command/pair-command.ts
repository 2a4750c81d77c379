/** `twintide pair`: two nodes on loopback, as two processes of their own, for development and for seeing a failover. */
import { loadConfig } from '../server/config.js';
import { configKeys } from '../server/config-schema.js';
import { connectHints } from './connect-hints.js';
import { ensurePairFiles, PAIR, pairOverrides, type PairOptions } from './pair-files.js';
import { superviseChildren } from './pair-supervisor.js';
import { colour, type Colour } from './terminal.js';

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
  const [a, b] = [0, 1].map((index) => {
    const member = PAIR[index]!;
    const overrides = pairOverrides(member, options, portsGiven);
    if (process.env['TWINTIDE_LOG_FORMAT'] === undefined) overrides['log.format'] = 'text';
    const file = files[index]!;
    const config = loadConfig({
      file,
      workingFolder: process.cwd(),
      flags: overrides,
      environment: process.env,
    });
    const plan = { name: member.name, arguments: [launcher, ...startArguments(file, overrides)] };
    return { config, plan };
  });

  const hues: Readonly<Record<string, Colour>> = { 'node-a': 'cyan', 'node-b': 'magenta' };
  return superviseChildren([a!.plan, b!.plan], {
    onLine: (name, line) => {
      process.stderr.write(`${colour(hues[name] ?? 'bold', name, process.stderr)} | ${line}\n`);
    },
    onNews: (text) => console.error(`twintide: ${text}`),
    onServing: () => console.log(`\n${connectHints(a!.config, b!.config, files)}\n`),
    listenForStop: (listener) => {
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, listener);
    },
  });
}

/** The command line of one child. */
function startArguments(file: string, overrides: Readonly<Record<string, string>>): string[] {
  const flags = configKeys.flatMap((key) => {
    const value = overrides[key.path];
    return key.flag === null || value === undefined ? [] : [key.flag, value];
  });
  return ['start', '--config', file, ...flags];
}
