/** Bytes that the files of a folder hold. */

import { readdirSync, statSync, type Dirent } from 'node:fs';
import { join } from 'node:path';

/**
 * Files and folders that go away while they are counted (a server merges) count as nothing. Allocated blocks count, not the ends of sparse
 * files.
 */
export function diskBytes(folder: string, counts: (path: string) => boolean = () => true): number {
  let bytes = 0;
  for (const entry of entriesOf(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) bytes += diskBytes(path, counts);
    else if (entry.isFile() && counts(path)) {
      const stat = statSync(path, { throwIfNoEntry: false });
      if (stat !== undefined) bytes += Math.min(stat.size, stat.blocks * 512);
    }
  }
  return bytes;
}

function entriesOf(folder: string): readonly Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
