/**
 * A data directory before it is one: locked, empty, and a place beside `store/` where its contents are built.
 *
 *   restoring/   what is being built; deleted by the next attempt
 *   store/       moved into place when it is whole
 *   node.json    written last: until then no node starts here, and the next attempt begins from nothing
 */
import { join } from 'node:path';
import { nodeDirectoryFiles, type DirectoryFiles } from './directory-files.js';
import {
  DataDirectoryError,
  HARMLESS,
  IDENTITY_FILE,
  STORE_FOLDER,
  takeLock,
  unusable,
  writeIdentity,
} from './data-directory.js';

const BUILD_FOLDER = 'restoring';

export interface EmptyDirectory {
  /** Where the block store is built. */
  readonly buildFolder: string;
  /** What was built takes its place, and the directory is that node's. */
  become(nodeId: number): Promise<void>;
  close(): Promise<void>;
}

/** What a directory is taken with; a test's own in its place. */
export interface EmptyDirectoryDeps {
  readonly files: DirectoryFiles;
  /** Throws DataDirectoryError where another process holds the directory. */
  readonly lock: (path: string) => Promise<{ close(): Promise<void> }>;
}

/** Makes the directory where needed. Throws DataDirectoryError when it is in use or holds anything that a restore did not leave. */
export async function takeEmptyDirectory(
  path: string,
  { files, lock: take }: EmptyDirectoryDeps = { files: nodeDirectoryFiles, lock: takeLock },
): Promise<EmptyDirectory> {
  try {
    await files.makeFolder(path);
  } catch (error) {
    throw unusable(path, error);
  }
  const lock = await take(path);
  const buildFolder = join(path, BUILD_FOLDER);
  const storeFolder = join(path, STORE_FOLDER);
  try {
    const names = await files.names(path);
    // A node writes its identity before anything else: a store without one is of a restore that ended between its last two steps.
    const stranger = names.find(
      (name) =>
        name === IDENTITY_FILE ||
        (!HARMLESS.has(name) && name !== BUILD_FOLDER && name !== STORE_FOLDER),
    );
    if (stranger !== undefined) {
      throw new DataDirectoryError(
        'TWINTIDE_DATA_DIR_FOREIGN',
        `${path} is not empty: it holds ${stranger}; a backup is restored into an empty data directory`,
      );
    }
    await files.removeAll(buildFolder);
    await files.removeAll(storeFolder);
  } catch (error) {
    await lock.close();
    throw error instanceof DataDirectoryError ? error : unusable(path, error);
  }
  return {
    buildFolder,
    become: async (nodeId) => {
      await files.syncFolder(buildFolder);
      await files.rename(buildFolder, storeFolder);
      await files.syncFolder(path);
      await writeIdentity(files, path, nodeId);
    },
    close: () => lock.close(),
  };
}
