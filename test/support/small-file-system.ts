/**
 * A file system of a few dozen megabytes for one test. Root gets a real one (tmpfs); anybody else, and root where mounting is not
 * allowed, a folder of the ordinary one, of which a node may use no more than that: the reserve is set to all the rest.
 */

import assert from 'node:assert';
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  mkdtempSync,
  openSync,
  realpathSync,
  rmSync,
  statfsSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const FILL_BYTES = 1024 * 1024;

export class SmallFileSystem {
  readonly folder: string;
  /** What a node has to leave free (`storage.disk_reserve`). */
  readonly reserveBytes: number;
  /** False: it is a folder of the machine's own. */
  readonly isMounted: boolean;

  /** Of `sizeBytes`, the last `reserveBytes` of which are not for clients. */
  static make(sizeBytes: number, reserveBytes: number): SmallFileSystem {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'twintide-disk-')));
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeBytes}`, 'tmpfs', folder]);
    if (mounted.status === 0) return new SmallFileSystem(folder, reserveBytes, true);
    return new SmallFileSystem(folder, freeBytesOf(folder) - (sizeBytes - reserveBytes), false);
  }

  private constructor(folder: string, reserveBytes: number, isMounted: boolean) {
    this.folder = folder;
    this.reserveBytes = reserveBytes;
    this.isMounted = isMounted;
  }

  get freeBytes(): number {
    return freeBytesOf(this.folder);
  }

  /** Somebody else's file becomes longer. */
  growBallast(byBytes: number): void {
    for (let left = byBytes; left > 0; left -= FILL_BYTES) {
      writeFileSync(this.#ballast, Buffer.alloc(Math.min(left, FILL_BYTES), 1), { flag: 'a' });
    }
  }

  /** It takes all that is left. Only of a file system of its own. */
  fillUp(): void {
    assert(this.isMounted, 'the machine’s own disk is not filled');
    const ballast = openSync(this.#ballast, 'a');
    try {
      for (const chunk of [FILL_BYTES, FILL_BYTES / 256]) {
        while (writeSync(ballast, Buffer.alloc(chunk, 1)) === chunk);
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    } finally {
      closeSync(ballast);
    }
  }

  removeBallast(): void {
    rmSync(this.#ballast, { force: true });
  }

  /** With everything on it. Nothing may be open there any more. */
  remove(): void {
    if (this.isMounted) spawnSync('umount', [this.folder]);
    rmSync(this.folder, { recursive: true, force: true });
  }

  get #ballast(): string {
    return join(this.folder, 'ballast');
  }
}

function freeBytesOf(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}
