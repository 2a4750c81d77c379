/**
 * Java programs that are told what to do: JdbcShell, a statement at a time, and those that read all their input first. Both run from
 * their source, with Connector/J on the class path.
 */

import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { requireConnectorJ } from '../required-tool.js';

/** A JVM that compiles first, on a machine that is busy. */
const ANSWER_TIMEOUT_MS = 60_000;

function commandLine(program: string, options: readonly string[]): string[] {
  return [
    // A program that is compiled at each start and soon ends gains nothing from the second compiler.
    '-XX:TieredStopAtLevel=1',
    // The zone of the JVM is that of the session, so that what is written is what is expected.
    '-Duser.timezone=UTC',
    '-Dfile.encoding=UTF-8',
    '-cp',
    requireConnectorJ(),
    join(__dirname, `${program}.java`),
    ...options,
  ];
}

/** Runs a program to its end; its lines, in words. Throws when it fails. */
export function runJava(program: string, options: readonly string[], input: string): string[][] {
  const { status, stdout, stderr } = spawnSync('java', commandLine(program, options), {
    input,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status !== 0)
    throw new Error(`${program} ended with ${status}:\n${stderr}\n${stdout.slice(-300)}`);
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\t'));
}

/** What JdbcShell says of a statement. */
export interface JdbcAnswer {
  readonly ok: boolean;
  readonly count?: number;
  readonly warnings?: readonly string[];
  readonly rows?: readonly (readonly (string | null)[])[];
  readonly valid?: boolean;
  readonly errno?: number;
  readonly sqlState?: string | null;
  /** Of the exception: the most special first. */
  readonly classes?: readonly string[];
  readonly message?: string;
}

/** One JDBC connection in a JVM of its own. */
export class JdbcShell {
  readonly #process: ChildProcess;
  readonly #lines: Interface;
  readonly #answers: string[] = [];
  readonly #waiting: ((line: string | null) => void)[] = [];
  #errors = '';
  #hasEnded = false;

  /** Resolves when it is connected; throws with the driver's message when it cannot. */
  static async connect(url: string): Promise<JdbcShell> {
    const shell = new JdbcShell(url);
    const answer = await shell.#next();
    if (!answer.ok) {
      await shell.close();
      throw new Error(`cannot connect to ${url}: ${answer.message}`);
    }
    return shell;
  }

  private constructor(url: string) {
    this.#process = spawn('java', commandLine('JdbcShell', [url]), { stdio: 'pipe' });
    this.#lines = createInterface({ input: this.#process.stdout! });
    this.#lines.on('line', (line) => {
      const waiting = this.#waiting.shift();
      if (waiting === undefined) this.#answers.push(line);
      else waiting(line);
    });
    this.#process.stderr!.on('data', (text: Buffer) => {
      this.#errors += text.toString();
    });
    this.#process.on('close', () => {
      this.#hasEnded = true;
      for (const waiting of this.#waiting.splice(0)) waiting(null);
    });
  }

  /** Runs a statement without line ends; the answer says how it went, errors included. */
  run(statement: string): Promise<JdbcAnswer> {
    this.#process.stdin!.write(`${statement}\n`);
    return this.#next();
  }

  async close(): Promise<void> {
    this.#process.stdin!.end();
    this.#process.kill('SIGKILL');
    await new Promise<void>((resolve) => {
      if (this.#hasEnded) resolve();
      else this.#process.once('close', () => resolve());
    });
  }

  async #next(): Promise<JdbcAnswer> {
    const line = this.#answers.shift() ?? (await this.#line());
    if (line === null) throw new Error(`the JVM ended:\n${this.#errors}`);
    return JSON.parse(line) as JdbcAnswer;
  }

  #line(): Promise<string | null> {
    if (this.#hasEnded) return Promise.resolve(null);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(
          new Error(
            `no answer of the JVM within ${ANSWER_TIMEOUT_MS} ms; it said:\n${this.#errors}`,
          ),
        );
      }, ANSWER_TIMEOUT_MS);
      this.#waiting.push((line) => {
        clearTimeout(timer);
        resolve(line);
      });
    });
  }
}
