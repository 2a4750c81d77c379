/**
 * The `twintide` command. Each subcommand is a file of its own, loaded when it is run: a node that starts again has no time for what the
 * others need. Here are only their names, options and help.
 */
import { resolve } from 'node:path';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import type { Config } from '../server/config.js';
import { formatAddress } from '../server/config-values.js';
import { VERSION } from '../server/version.js';
import { FORMATS, type TransferFormat } from '../transfer/row-writer.js';
import { addClientFlags, type ClientFlags } from './client-flags.js';
import { describeFailure, ExitCode } from './exit-codes.js';
import { addSettingFlags, configOf } from './setting-flags.js';

export interface CommandLine {
  /** Without the names of node and script. */
  readonly argv: readonly string[];
  /** Path of bin/twintide, for the processes that `pair` starts. */
  readonly launcher: string;
}

/** Runs one command and ends the process with its exit code. */
export async function runCommand({ argv, launcher }: CommandLine): Promise<never> {
  let exitCode: number = ExitCode.done;
  const program = createProgram(launcher, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(argv, { from: 'user' });
  } catch (error) {
    exitCode = report(error);
  }
  process.exit(exitCode);
}

function report(error: unknown): number {
  if (error instanceof CommanderError) {
    // Commander has printed it. Its 0 stands for --help and --version.
    return error.exitCode === 0 ? ExitCode.done : ExitCode.badConfiguration;
  }
  const { exitCode, message } = describeFailure(error, null);
  console.error(`twintide: ${message}`);
  return exitCode;
}

function collect(value: string, previous: readonly string[]): readonly string[] {
  return [...previous, value];
}

function createProgram(launcher: string, setExitCode: (code: number) => void): Command {
  const program = new Command('twintide')
    .description('A MySQL-wire-compatible time-series database that runs as two equal nodes.')
    .version(VERSION)
    .exitOverride()
    .showSuggestionAfterError();

  addSettingFlags(program.command('start').description('run one node until it is told to stop'))
    .addHelpText(
      'after',
      '\nEach flag is also an environment variable: --replication-rpo-bytes is TWINTIDE_REPLICATION_RPO_BYTES.',
    )
    .action(async (options: Record<string, unknown>) => {
      const { runNode } = await import('./start-command.js');
      setExitCode(await runNode(configOf(options)));
    });

  program
    .command('pair')
    .description('run two nodes on this machine: MySQL on 4002 and 4003, HTTP on 4000 and 4001')
    .option('--data <folder>', 'folder of both nodes and their configuration', 'data')
    .addOption(
      new Option('--port-offset <number>', 'added to every port').argParser((text) => {
        const offset = Number(text);
        if (Number.isInteger(offset) && offset >= 0 && offset <= 60_000) return offset;
        throw new InvalidArgumentError('It is a whole number from 0 to 60000.');
      }),
    )
    .option('--rpo-bytes <size>', 'RPO budget: 0, "64MiB"...')
    .option('--on-peer-loss <what>', '"block" or "degrade"')
    .option('--degrade-after <duration>', 'from the loss of the link until "degrade": "30s"...')
    .action(async (options: PairFlags) => {
      const { portOffset, rpoBytes, onPeerLoss, degradeAfter } = options;
      const { runPair } = await import('./pair-command.js');
      setExitCode(
        await runPair({
          options: {
            dataFolder: resolve(options.data),
            portOffset: portOffset ?? 0,
            rpoBytes: rpoBytes ?? null,
            onPeerLoss: onPeerLoss ?? null,
            degradeAfter: degradeAfter ?? null,
          },
          portsGiven: portOffset !== undefined,
          launcher,
        }),
      );
    });

  program
    .command('demo')
    .description('a failover with real data in about a minute, in a temporary folder')
    .option('--short', 'the same with less data and less time')
    .action(async (options: { readonly short?: boolean }) => {
      const { runDemo } = await import('./demo-command.js');
      setExitCode(await runDemo({ isShort: options.short === true, launcher }));
    });

  program
    .command('status')
    .description('what the nodes say of themselves')
    .option('--url <url>', 'HTTP address of a node, any number of times', collect, [])
    .option('-c, --config <file>', 'configuration of a node, any number of times', collect, [])
    .action(async (options: { readonly url: string[]; readonly config: string[] }) => {
      const { runStatus } = await import('./status-command.js');
      setExitCode(await runStatus({ urls: options.url, configs: options.config }));
    });

  program
    .command('inspect')
    .description('what a stopped node has on disk: tables, runs, codecs, journals')
    .argument('<data_dir>', 'data directory of the node')
    .option('--verify', 'read everything and compare every checksum')
    .action(async (path: string, options: { readonly verify?: boolean }) => {
      const isVerified = options.verify === true;
      const { runInspect } = await import('./inspect-command.js');
      setExitCode(await runInspect({ path, isVerified, screen: process.stderr }));
    });

  addTransferFlags(
    program
      .command('export')
      .description('a table into a file: CSV, Parquet or SQL; times are in UTC')
      .argument('<file>', 'the file, or - for standard output'),
  )
    .option('--where <sql>', 'condition on the rows')
    .option('--from <time>', 'least time, inclusive')
    .option('--to <time>', 'last time, exclusive')
    .action(async (file: string, flags: TransferFlags & ExportFlags) => {
      const { table, format, null: nullText, where, from, to } = flags;
      const range = { where: where ?? null, from: from ?? null, to: to ?? null };
      const screen = process.stderr;
      const { runExport } = await import('./export-command.js');
      setExitCode(
        await runExport({ client: flags, table, format, file, nullText, ...range, screen }),
      );
    });

  addTransferFlags(
    program
      .command('import')
      .description('a file into a table; given again, it goes on from where it was interrupted')
      .argument('<file>', 'the file, or - for standard input'),
  ).action(async (file: string, flags: TransferFlags) => {
    const { table, format, null: nullText } = flags;
    const screen = process.stderr;
    const { runImport } = await import('./import-command.js');
    setExitCode(await runImport({ client: flags, table, format, file, nullText, screen }));
  });

  addClientFlags(
    program
      .command('backup')
      .description(
        'a running node into a folder of its machine; again into the same folder: what is new',
      )
      .argument('<folder>', 'folder of the backup'),
  )
    .option('--verify', 'ask no node: read the backup that is there and compare every checksum')
    .action(async (folder: string, flags: ClientFlags & { readonly verify?: boolean }) => {
      const isVerified = flags.verify === true;
      const { runBackup } = await import('./backup-command.js');
      setExitCode(await runBackup({ client: flags, folder, isVerified, screen: process.stderr }));
    });

  addSettingFlags(
    program
      .command('restore')
      .description('a backup into the empty data directory of a configuration')
      .argument('<folder>', 'folder of the backup'),
  ).action(async (folder: string, options: Record<string, unknown>) => {
    const { runRestore } = await import('./restore-command.js');
    setExitCode(await runRestore({ config: configOf(options), folder, screen: process.stderr }));
  });

  const config = program.command('config').description('about configuration files');
  addSettingFlags(
    config
      .command('check')
      .description('read a configuration as `start` would, and say what it makes'),
  ).action((options: Record<string, unknown>) => {
    console.log(summary(configOf(options)));
  });

  return program;
}

interface TransferFlags extends ClientFlags {
  readonly table: string;
  readonly format: TransferFormat;
  readonly null: string;
}

interface ExportFlags {
  readonly where?: string;
  readonly from?: string;
  readonly to?: string;
}

function addTransferFlags(command: Command): Command {
  return addClientFlags(command)
    .requiredOption('--table <database.table>', 'the table')
    .addOption(new Option('--format <format>', 'of the file').choices(FORMATS).default('csv'))
    .option('--null <text>', 'how CSV spells NULL, without quotes around it', '\\N');
}

interface PairFlags {
  readonly data: string;
  readonly portOffset?: number;
  readonly rpoBytes?: string;
  readonly onPeerLoss?: string;
  readonly degradeAfter?: string;
}

/** What a configuration comes to, in a few lines; no secrets. */
function summary(config: Config): string {
  const { peer, listen } = config.replication;
  return [
    'the configuration is good',
    `  node ${config.node.id} with its data in ${config.node.dataDir}`,
    `  MySQL on ${formatAddress(config.mysql.listen)}, HTTP on ${formatAddress(config.http.listen)}`,
    peer === null
      ? '  standalone: no peer'
      : `  peer ${formatAddress(peer)}, link on ${formatAddress(listen)}`,
  ].join('\n');
}
