/**
 * A copy of the project to plant bugs in, one at a time, and the test run that must notice each.
 *
 * The bug is a textual replacement, so it is planted in exactly the code that ships; a replacement whose text is no longer found once
 * is an error, not a pass.
 */

import { fork, type ChildProcess } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
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
/** Of one run, the first of which compiles everything. */
export const RUN_TIMEOUT_MS = 300_000;

/**
 * One copy for all bugs, each planted and taken out again, and one process that runs Jest in it: what is compiled stays, so that a run
 * compiles the one file that changed.
 */
export class PlantedCopy {
  readonly #folder = mkdtempSync(join(tmpdir(), 'twintide-mutation-'));
  #runner: ChildProcess | null = null;

  constructor() {
    for (const entry of COPIED)
      cpSync(join(PROJECT, entry), join(this.#folder, entry), { recursive: true });
    symlinkSync(join(PROJECT, 'node_modules'), join(this.#folder, 'node_modules'));
  }

  /** Runs the bug's named test with the bug. */
  async judge(bug: PlantedBug): Promise<Verdict> {
    const path = join(this.#folder, bug.file);
    const source = readFileSync(path, 'utf8');
    writeFileSync(path, planted(source, bug));
    try {
      return await this.#run([bug]);
    } finally {
      writeFileSync(path, source);
    }
  }

  /** Runs all the named tests as they are. */
  passesWithoutBugs(bugs: readonly PlantedBug[]): Promise<Verdict> {
    return this.#run(bugs);
  }

  remove(): void {
    this.#runner?.kill('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 3 });
  }

  async #run(bugs: readonly PlantedBug[]): Promise<Verdict> {
    const runner = this.#runner?.connected === true ? this.#runner : startRunner(this.#folder);
    this.#runner = runner;
    const testFiles = [...new Set(bugs.map((bug) => join(this.#folder, bug.testFile)))];
    let answer: RunnerAnswer;
    try {
      answer = await ask(runner, {
        testFiles,
        testNamePattern: `^(${bugs.map((bug) => escapePattern(bug.testName)).join('|')})$`,
        // Only where it is loaded anyway.
        setupFiles: testFiles.some((file) => readFileSync(file, 'utf8').includes("'fast-check'"))
          ? [join(this.#folder, 'test/mutations/no-shrinking.ts')]
          : [],
      });
    } catch (error) {
      this.#runner = null;
      runner.kill('SIGKILL');
      throw error;
    }
    const { passed, failed, notRun, output, left } = answer;
    if (left.length > 0) this.#runner = null;
    // A suite that does not even load has not noticed anything.
    if (notRun > 0) throw new Error(`suite did not run: ${output}`);
    return { ran: passed + failed, failed, output };
  }
}

function planted(source: string, bug: PlantedBug): string {
  const pieces = source.split(bug.find);
  if (pieces.length !== 2) {
    throw new Error(`"${bug.find}" occurs ${pieces.length - 1} times in ${bug.file}, not once`);
  }
  return pieces.join(bug.replace);
}

interface RunnerAnswer {
  readonly passed: number;
  readonly failed: number;
  /** Suites that did not load. */
  readonly notRun: number;
  readonly output: string;
  /** What the run has left open; the runner ends by itself when there is anything. */
  readonly left: readonly string[];
}

function startRunner(folder: string): ChildProcess {
  return fork(join(folder, 'test/mutations/jest-runner.mjs'), {
    cwd: folder,
    // Not the flags of the Jest that runs this.
    execArgv: [],
    env: environmentOfItsOwn(),
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
}

function ask(runner: ChildProcess, run: Readonly<Record<string, unknown>>): Promise<RunnerAnswer> {
  return new Promise((answered, failed) => {
    const done = (): void => {
      clearTimeout(timer);
      runner.removeAllListeners('message').removeAllListeners('exit');
    };
    const timer = setTimeout(() => {
      done();
      failed(new Error(`no verdict within ${RUN_TIMEOUT_MS} ms`));
    }, RUN_TIMEOUT_MS);
    runner.once('message', (answer) => {
      done();
      answered(answer as RunnerAnswer);
    });
    runner.once('exit', (code, signal) => {
      done();
      failed(new Error(`Jest did not run: it ended with ${signal ?? `exit code ${code}`}`));
    });
    runner.send(run);
  });
}

/** Where the outer run reports to is not the inner run's to write: it would count planted failures as real ones. */
function environmentOfItsOwn(): NodeJS.ProcessEnv {
  const { TEST_RESULTS_FILE: _outer, ...environment } = process.env;
  return environment;
}

function escapePattern(name: string): string {
  return name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
