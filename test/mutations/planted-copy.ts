/**
 * A copy of the project with one bug planted, and the test run that must notice it.
 *
 * The bug is a textual replacement, so it is planted in exactly the code that ships; a replacement whose text is no longer found once
 * is an error, not a pass.
 */

import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

export interface PlantedBug {
  /** As the design names it. */
  readonly name: string;
  readonly file: string;
  /** Must occur exactly once in `file`. */
  readonly find: string;
  readonly replace: string;
  /** Path of the test file, and the full name of the test in it, that must fail. */
  readonly testFile: string;
  readonly testName: string;
}

export interface Verdict {
  readonly ran: number;
  readonly failed: number;
  readonly output: string;
}

const PROJECT = resolve(import.meta.dirname, '../..');
const COPIED = [
  'src',
  'protocol',
  'storage',
  'replication',
  'test',
  'jest.config.js',
  'package.json',
];
const RUN_TIMEOUT_MS = 300_000;

/** Runs the bug's named test in a copy with the bug. */
export function judge(bug: PlantedBug): Verdict {
  return inCopy((folder) => {
    plant(join(folder, bug.file), bug);
    return runJest(folder, [bug]);
  });
}

/** Runs all the named tests in a copy as it is. */
export function passesWithoutBugs(bugs: readonly PlantedBug[]): Verdict {
  return inCopy((folder) => runJest(folder, bugs));
}

function inCopy(use: (folder: string) => Verdict): Verdict {
  const folder = mkdtempSync(join(tmpdir(), 'twintide-mutation-'));
  try {
    for (const entry of COPIED)
      cpSync(join(PROJECT, entry), join(folder, entry), { recursive: true });
    symlinkSync(join(PROJECT, 'node_modules'), join(folder, 'node_modules'));
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function plant(path: string, bug: PlantedBug): void {
  const source = readFileSync(path, 'utf8');
  const pieces = source.split(bug.find);
  if (pieces.length !== 2) {
    throw new Error(`"${bug.find}" occurs ${pieces.length - 1} times in ${bug.file}, not once`);
  }
  writeFileSync(path, pieces.join(bug.replace));
}

function runJest(folder: string, bugs: readonly PlantedBug[]): Verdict {
  const result = join(folder, 'result.json');
  const run = spawnSync(
    process.execPath,
    [
      join(folder, 'node_modules/jest/bin/jest.js'),
      '--runInBand',
      '--json',
      `--outputFile=${result}`,
      '--runTestsByPath',
      ...new Set(bugs.map((bug) => join(folder, bug.testFile))),
      '--testNamePattern',
      `^(${bugs.map((bug) => escapePattern(bug.testName)).join('|')})$`,
    ],
    { cwd: folder, encoding: 'utf8', timeout: RUN_TIMEOUT_MS, env: environmentOfItsOwn() },
  );
  if (!existsSync(result)) throw new Error(`Jest did not run: ${run.stderr}`);
  const summary = JSON.parse(readFileSync(result, 'utf8')) as {
    numPassedTests: number;
    numFailedTests: number;
    numRuntimeErrorTestSuites: number;
  };
  // A suite that does not even load has not noticed anything.
  if (summary.numRuntimeErrorTestSuites > 0) throw new Error(`suite did not run: ${run.stderr}`);
  return {
    ran: summary.numPassedTests + summary.numFailedTests,
    failed: summary.numFailedTests,
    output: run.stderr,
  };
}

/** Where the outer run reports to is not the inner run's to write: it would count planted failures as real ones. */
function environmentOfItsOwn(): NodeJS.ProcessEnv {
  const { TEST_RESULTS_FILE: _outer, ...environment } = process.env;
  return environment;
}

function escapePattern(name: string): string {
  return name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
