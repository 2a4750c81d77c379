/** The requests of a workload, one behind another in a file that is gone when the benchmark is: what `file-sender.ts` sends. */

import { closeSync, fsyncSync, openSync, writevSync } from 'node:fs';
import { join } from 'node:path';
import { removeFolder, temporaryFolder } from './child-process.js';
import type { Workload } from './workload.js';

export class RequestFile {
  readonly path: string;
  /** Where each request ends. */
  readonly ends: readonly number[];
  readonly #folder: string;

  private constructor(folder: string, path: string, ends: readonly number[]) {
    this.#folder = folder;
    this.path = path;
    this.ends = ends;
  }

  static write({ requests }: Workload): RequestFile {
    const folder = temporaryFolder('requests');
    const path = join(folder, 'requests');
    let end = 0;
    const ends = requests.map((request) => (end += request.length));
    const file = openSync(path, 'wx');
    try {
      writeAll(file, requests);
      // The system would write it while something is measured. Its pages stay in memory.
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    return new RequestFile(folder, path, ends);
  }

  remove(): void {
    removeFolder(this.#folder);
  }
}

/** What Linux takes at once (IOV_MAX). */
const BUFFERS_AT_ONCE = 1024;

/** Few large writes: the system then keeps the file in large pieces, which are sent with a fifth less processor time. */
function writeAll(file: number, buffers: readonly Buffer[]): void {
  for (let from = 0; from < buffers.length; from += BUFFERS_AT_ONCE) {
    const some = buffers.slice(from, from + BUFFERS_AT_ONCE);
    const written = writevSync(file, some);
    const expected = some.reduce((sum, { length }) => sum + length, 0);
    if (written !== expected) throw new Error(`${written} of ${expected} bytes were written`);
  }
}
