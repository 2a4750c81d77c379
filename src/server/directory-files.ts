/**
 * What a data directory needs of the machine before a node runs in it: few operations, each of which a power loss may cut. A test's own
 * disk takes their place.
 */
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { errorCode } from './error-reason.js';

export interface DirectoryFiles {
  /** With its parents, for this user alone; on stable storage when it resolves. */
  makeFolder(path: string): Promise<void>;
  /** Of the files and folders in it. */
  names(folder: string): Promise<string[]>;
  /** Undefined: there is no such file. */
  read(path: string): Promise<string | undefined>;
  /** The content is on stable storage when it resolves; the name only after `syncFolder`. */
  write(path: string, text: string): Promise<void>;
  /** Of a file or a folder; durable only after `syncFolder`. */
  rename(from: string, to: string): Promise<void>;
  /** A file, or a folder with all that is in it, or nothing. */
  removeAll(path: string): Promise<void>;
  /** Names made, renamed and removed in it are on stable storage when it resolves. */
  syncFolder(path: string): Promise<void>;
}

export const nodeDirectoryFiles: DirectoryFiles = {
  async makeFolder(path) {
    const firstMade = await mkdir(path, { recursive: true, mode: 0o700 });
    if (firstMade === undefined) return;
    const stop = dirname(resolve(firstMade));
    let parent = resolve(path);
    do {
      parent = dirname(parent);
      await syncFolder(parent);
    } while (parent !== stop);
  },

  names: (folder) => readdir(folder),

  async read(path) {
    try {
      return await readFile(path, 'utf8');
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return undefined;
      throw error;
    }
  },

  async write(path, text) {
    const file = await open(path, 'w', 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
  },

  rename,
  removeAll: (path) => rm(path, { recursive: true, force: true }),
  syncFolder,
};

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
