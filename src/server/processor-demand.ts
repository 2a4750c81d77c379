/**
 * How many threads want to run, beside how many processors there are. Linux tells it in /proc/loadavg, fourth field: "3/214" is three
 * that run or wait for a processor, of 214 (proc_loadavg(5)). Other systems have no such moment's figure for a process to read.
 */

import { closeSync, openSync, readSync } from 'node:fs';
import { availableParallelism } from 'node:os';

const FILE = '/proc/loadavg';
/** Longer than its one line. */
const LINE_BYTES = 128;
const SLASH = 0x2f;
const ZERO = 0x30;

export class ProcessorDemand {
  readonly #descriptor: number;
  readonly #processors: number;
  readonly #line = new Uint8Array(LINE_BYTES);

  private constructor(descriptor: number, processors: number) {
    this.#descriptor = descriptor;
    this.#processors = processors;
  }

  /** Null where the system does not tell. */
  static open(file = FILE, processors = availableParallelism()): ProcessorDemand | null {
    try {
      return new ProcessorDemand(openSync(file, 'r'), processors);
    } catch {
      return null;
    }
  }

  /** Whether more threads want to run than there are processors; true when that can no longer be told. Takes some microseconds. */
  isExceeded(): boolean {
    try {
      const length = readSync(this.#descriptor, this.#line, 0, LINE_BYTES, 0);
      return runnable(this.#line.subarray(0, length)) > this.#processors;
    } catch {
      return true;
    }
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

/** The digits before the slash; Infinity without one. */
function runnable(line: Uint8Array): number {
  const slash = line.indexOf(SLASH);
  if (slash < 1) return Infinity;
  let count = 0;
  let power = 1;
  for (let at = slash - 1; at >= 0; at--) {
    const digit = line[at]! - ZERO;
    if (digit < 0 || digit > 9) break;
    count += digit * power;
    power *= 10;
  }
  return count;
}
