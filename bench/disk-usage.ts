/** Bytes that the files of a folder hold. */

import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Files that go away while they are counted count as nothing; allocated blocks count, not the ends of sparse files. */
export function diskBytes(folder: string, counts: (path: string) => boolean = () => true): number {
  let bytes = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile() || !counts(path)) continue;
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat !== undefined) bytes += Math.min(stat.size, stat.blocks * 512);
  }
  return bytes;
}
