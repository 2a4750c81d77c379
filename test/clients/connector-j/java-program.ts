/**
 * Runs a Java program from its single source file, with Connector/J on its class path. What it prints are JSON documents, one
 * on each line; its first line that is none fails whoever waits for the next, with all that it wrote to stderr.
 */

import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { HopelessError, waitFor } from '../../support/bounded-wait.js';
import { requireConnectorJ } from '../required-tool.js';

const ERROR_CHARACTERS_KEPT = 8_000;

export interface JavaOptions {
  /** Of the virtual machine: -Xmx64m. */
  readonly machine?: readonly string[];
  readonly arguments: readonly string[];
}

export class JavaProgram<Line> {
  /** All that it has printed so far. */
  readonly lines: Line[] = [];
  readonly #source: string;
  readonly #child: ChildProcess;
  #errors = '';
  #fault: string | null = null;
  #ending: string | null = null;

  /** @param source name of a file of this folder */
  constructor(source: string, options: JavaOptions) {
    this.#source = source;
    this.#child = spawn(
      'java',
      [
        '-XX:TieredStopAtLevel=1',
        ...(options.machine ?? []),
        '-cp',
        requireConnectorJ(),
        join(__dirname, source),
        ...options.arguments,
      ],
      { stdio: ['pipe', 'pipe', 'pipe'] },
    );
    // It may have ended before it is told to.
    this.#child.stdin?.on('error', () => undefined);
    this.#child.stderr?.on('data', (bytes: Buffer) => {
      this.#errors = (this.#errors + bytes.toString()).slice(-ERROR_CHARACTERS_KEPT);
    });
    createInterface({ input: this.#child.stdout! }).on('line', (line) => this.#take(line));
    this.#child.on('error', (error) => {
      this.#ending = error.message;
    });
    this.#child.on('close', (code, signal) => {
      this.#ending = signal ?? `exit code ${code}`;
    });
  }

  #take(line: string): void {
    try {
      this.lines.push(JSON.parse(line) as Line);
    } catch {
      this.#fault ??= line;
    }
  }

  /** Until `find` has an answer to give, which is not undefined. Fails at once if the program has ended without. */
  waitFor<T>(what: string, find: (lines: readonly Line[]) => T | undefined): Promise<T> {
    return waitFor(`${this.#source}: ${what}`, () => {
      if (this.#fault !== null) throw new HopelessError(`${this.#source} printed: ${this.#fault}`);
      const hasEnded = this.#ending !== null;
      const value = find(this.lines);
      if (value === undefined && hasEnded) throw this.#hopeless(`ended with ${this.#ending}`);
      return { value, seen: this.lines.slice(-5) };
    });
  }

  /** Waits for its end, which must be a good one. */
  async ended(): Promise<void> {
    await waitFor(`${this.#source} to end`, () => ({
      value: this.#ending ?? undefined,
      seen: this.lines.slice(-5),
    }));
    if (this.#ending !== 'exit code 0') throw this.#hopeless(`ended with ${this.#ending}`);
    if (this.#fault !== null) throw this.#hopeless(`printed: ${this.#fault}`);
  }

  /** The end of what it reads: a program that reads to know when to stop then stops by itself. */
  async stop(): Promise<void> {
    this.#child.stdin?.end();
    await this.ended();
  }

  /** For the end of a test, however it went. */
  kill(): void {
    if (this.#ending === null) this.#child.kill('SIGKILL');
  }

  #hopeless(what: string): HopelessError {
    return new HopelessError(`${this.#source} ${what}; on stderr: ${this.#errors}`);
  }
}
