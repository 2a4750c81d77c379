/**
 * A file system of a few dozen megabytes for one test. Root gets a real one (tmpfs); anybody else, and root where mounting is not
 * allowed, a folder of the ordinary one, of which a node may use no more than that: the reserve is set to all the rest.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const FILL_BYTES = 1024 * 1024;

export class SmallFileSystem {
  readonly folder: string;
  /** What a node has to leave free (`storage.disk_reserve`). */
  readonly reserveBytes: number;
  readonly #isMounted: boolean;

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
    this.#isMounted = isMounted;
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

  removeBallast(): void {
    rmSync(this.#ballast, { force: true });
  }

  /** With everything on it. Nothing may be open there any more. */
  remove(): void {
    if (this.#isMounted) spawnSync('umount', [this.folder]);
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
