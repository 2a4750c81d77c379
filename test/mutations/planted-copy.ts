/**
 * A copy of the project to plant bugs in, one at a time, and the test run that must notice each.
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
  'kernels',
  'scripts',
  'jest.config.js',
  'package.json',
  // Later than its sources: nothing to compile.
  'dist/kernels',
];
const RUN_TIMEOUT_MS = 300_000;

/**
 * One copy for all bugs, each planted and taken out again: what Jest compiled stays in a cache inside the copy, so that a run
 * compiles the one file that changed.
 */
export class PlantedCopy {
  readonly #folder = mkdtempSync(join(tmpdir(), 'twintide-mutation-'));

  constructor() {
    for (const entry of COPIED)
      cpSync(join(PROJECT, entry), join(this.#folder, entry), { recursive: true });
    symlinkSync(join(PROJECT, 'node_modules'), join(this.#folder, 'node_modules'));
  }

  /** Runs the bug's named test with the bug. */
  judge(bug: PlantedBug): Verdict {
    const path = join(this.#folder, bug.file);
    const source = readFileSync(path, 'utf8');
    writeFileSync(path, planted(source, bug));
    try {
      return runJest(this.#folder, [bug]);
    } finally {
      writeFileSync(path, source);
    }
  }

  /** Runs all the named tests as they are. */
  passesWithoutBugs(bugs: readonly PlantedBug[]): Verdict {
    return runJest(this.#folder, bugs);
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function planted(source: string, bug: PlantedBug): string {
  const pieces = source.split(bug.find);
  if (pieces.length !== 2) {
    throw new Error(`"${bug.find}" occurs ${pieces.length - 1} times in ${bug.file}, not once`);
  }
  return pieces.join(bug.replace);
}

function runJest(folder: string, bugs: readonly PlantedBug[]): Verdict {
  const result = join(folder, 'result.json');
  rmSync(result, { force: true });
  const run = spawnSync(
    process.execPath,
    [
      join(folder, 'node_modules/jest/bin/jest.js'),
      '--runInBand',
      `--cacheDirectory=${join(folder, 'jest-cache')}`,
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
