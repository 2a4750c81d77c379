/**
 * The data directory of a node: made at the first start, held by one process, and of one node for ever.
 *
 *   node.json     { "format": 1, "node_id": 1 }: written once, atomically, before anything else
 *   lock/         an empty LevelDB database, open as long as the node runs
 *   twintide.pid  who holds the lock; only for the message that says so
 *   journal/  store/  admin.sock   belong to the rest of the server
 *
 * Why a database as a lock: Node has no file locks, a pid file outlives a `kill -9`, and a number in it may belong to another
 * process by then. LevelDB holds an operating system lock, which goes away with the process, however it ends.
 *
 * Why an identity: a journal record carries the id of its origin. A directory that comes back under another id would hold
 * records of somebody else as its own.
 */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { nodeDirectoryFiles, type DirectoryFiles } from './directory-files.js';
import { errorCode, errorReason } from './error-reason.js';

/** Layout of the directory. Raised when an older version must not open it. */
const FORMAT = 1;

export const IDENTITY_FILE = 'node.json';
const PID_FILE = 'twintide.pid';
const LOCK_FOLDER = 'lock';
export const STORE_FOLDER = 'store';

/** What may stand in a directory whose first start did not get to its identity, or in a mount point. */
export const HARMLESS = new Set([LOCK_FOLDER, PID_FILE, `${IDENTITY_FILE}.new`, 'lost+found']);

export type DataDirectoryFault =
  'TWINTIDE_DATA_DIR_LOCKED' | 'TWINTIDE_DATA_DIR_FOREIGN' | 'TWINTIDE_DATA_DIR_UNUSABLE';

export class DataDirectoryError extends Error {
  override readonly name = 'DataDirectoryError';
  readonly code: DataDirectoryFault;

  constructor(code: DataDirectoryFault, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

interface Identity {
  readonly format: number;
  readonly node_id: number;
}

/** A directory that this process holds. */
export class DataDirectory {
  readonly path: string;
  /** No node has run here before. */
  readonly isNew: boolean;
  readonly #lock: ClassicLevel;

  constructor(path: string, isNew: boolean, lock: ClassicLevel) {
    this.path = path;
    this.isNew = isNew;
    this.#lock = lock;
  }

  get journalFolder(): string {
    return join(this.path, 'journal');
  }

  get storeFolder(): string {
    return join(this.path, STORE_FOLDER);
  }

  get adminSocket(): string {
    return join(this.path, 'admin.sock');
  }

  /** Lets go of the directory: the last thing a node does. */
  async close(): Promise<void> {
    await rm(join(this.path, PID_FILE), { force: true });
    await this.#lock.close();
  }
}

/**
 * Makes the directory where needed, takes its lock and checks that it belongs to `nodeId`. Throws DataDirectoryError:
 * locked (another process runs on it), foreign (another node's, or not a node's at all), unusable (the machine says no).
 */
export async function openDataDirectory(path: string, nodeId: number): Promise<DataDirectory> {
  try {
    await nodeDirectoryFiles.makeFolder(path);
  } catch (error) {
    throw unusable(path, error);
  }
  const lock = await takeLock(path);
  try {
    const isNew = await checkIdentity(nodeDirectoryFiles, path, nodeId);
    await writeFile(join(path, PID_FILE), `${process.pid}\n`);
    return new DataDirectory(path, isNew, lock);
  } catch (error) {
    await lock.close();
    throw error instanceof DataDirectoryError ? error : unusable(path, error);
  }
}

/**
 * Takes the lock of a directory that a node has run on, whichever node that was. Throws DataDirectoryError, also where there is
 * no node's directory: nothing is made.
 */
export async function openExistingDataDirectory(
  path: string,
): Promise<{ readonly directory: DataDirectory; readonly nodeId: number }> {
  let stored: string | undefined;
  try {
    stored = await nodeDirectoryFiles.read(join(path, IDENTITY_FILE));
  } catch (error) {
    throw unusable(path, error);
  }
  if (stored === undefined)
    throw foreign(`${path} is no data directory: ${IDENTITY_FILE} is not there`);
  const nodeId = parseIdentity(path, stored).node_id;
  return { directory: await openDataDirectory(path, nodeId), nodeId };
}

export function unusable(path: string, error: unknown): DataDirectoryError {
  return new DataDirectoryError(
    'TWINTIDE_DATA_DIR_UNUSABLE',
    `the data directory ${path} cannot be used: ${errorReason(error)}`,
    { cause: error },
  );
}

/** Throws DataDirectoryError where another process holds it. */
export async function takeLock(path: string): Promise<ClassicLevel> {
  const lock = new ClassicLevel(join(path, LOCK_FOLDER), { writeBufferSize: 64 * 1024 });
  try {
    await lock.open();
    return lock;
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    if (errorCode(cause) !== 'LEVEL_LOCKED') throw unusable(path, cause ?? error);
    const holder = (await nodeDirectoryFiles.read(join(path, PID_FILE)))?.trim();
    throw new DataDirectoryError(
      'TWINTIDE_DATA_DIR_LOCKED',
      `the data directory ${path} is in use by another process${holder === undefined ? '' : ` (${holder})`}`,
      { cause: error },
    );
  }
}

/** True when the directory is new, and then it is `nodeId`'s from here on. Throws DataDirectoryError. */
export async function checkIdentity(
  files: DirectoryFiles,
  path: string,
  nodeId: number,
): Promise<boolean> {
  const stored = await files.read(join(path, IDENTITY_FILE));
  if (stored === undefined) {
    const strangers = (await files.names(path)).filter((name) => !HARMLESS.has(name));
    if (strangers.length > 0) {
      throw foreign(`${path} is not empty and is no data directory: it holds ${strangers[0]}`);
    }
    await writeIdentity(files, path, nodeId);
    return true;
  }
  const identity = parseIdentity(path, stored);
  if (identity.format !== FORMAT) {
    throw foreign(
      `${path} has format ${identity.format}, and this version of Twintide reads format ${FORMAT}`,
    );
  }
  if (identity.node_id !== nodeId) {
    throw foreign(
      `${path} belongs to node ${identity.node_id}, and the configuration says node.id = ${nodeId}`,
    );
  }
  return false;
}

function foreign(message: string): DataDirectoryError {
  return new DataDirectoryError('TWINTIDE_DATA_DIR_FOREIGN', message);
}

function parseIdentity(path: string, stored: string): Identity {
  let identity: unknown;
  try {
    identity = JSON.parse(stored);
  } catch (error) {
    throw unusable(path, error);
  }
  if (
    typeof identity === 'object' &&
    identity !== null &&
    'format' in identity &&
    'node_id' in identity &&
    typeof identity.format === 'number' &&
    typeof identity.node_id === 'number'
  ) {
    return { format: identity.format, node_id: identity.node_id };
  }
  throw foreign(`${path}/${IDENTITY_FILE} names no format and node_id`);
}

/** Complete or not there, whatever happens in between. */
export async function writeIdentity(
  files: DirectoryFiles,
  path: string,
  nodeId: number,
): Promise<void> {
  const identity: Identity = { format: FORMAT, node_id: nodeId };
  const unfinished = join(path, `${IDENTITY_FILE}.new`);
  await files.write(unfinished, `${JSON.stringify(identity)}\n`);
  await files.rename(unfinished, join(path, IDENTITY_FILE));
  await files.syncFolder(path);
}
