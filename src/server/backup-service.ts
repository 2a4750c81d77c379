/**
 * ADMIN backup('/folder'): the node's own hand in a backup, since the block store is open to no other process. One at a time.
 *
 * Before the snapshot everything that was applied is flushed, so that a backup holds every row that was acknowledged before it began.
 */
import {
  BackupError,
  writeBackup,
  type BackupProgress,
  type BackupResult,
  type Clock,
  type Disk,
  type Random,
  type SnapshotStore,
  type Store,
  type Timers,
} from '../../storage/index.js';
import { errorReason } from './error-reason.js';
import type { StatusValue } from '../catalog/status-variables.js';

/** Local fact: the name of this data directory's history, made by its first backup. */
const HISTORY_FACT = 'backup-history';
const HISTORY_BYTES = 8;

export interface BackupServiceDeps {
  readonly store: Store;
  readonly kv: SnapshotStore;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly timers: Timers;
}

const NO_PROGRESS: BackupProgress = { filesDone: 0, filesAll: 0, bytesCopied: 0 };

export class BackupService {
  readonly #deps: BackupServiceDeps;
  #state: 'idle' | 'flushing' | 'copying' = 'idle';
  #progress = NO_PROGRESS;
  #lastError = '';
  #last: BackupResult | null = null;
  #isStopping = false;
  #running: Promise<unknown> = Promise.resolve();

  constructor(deps: BackupServiceDeps) {
    this.#deps = deps;
  }

  /** Throws BackupError, CorruptionError, and errors of the disk that the folder is on. */
  async run(folder: string, signal: AbortSignal): Promise<BackupResult> {
    if (this.#isStopping) throw new BackupError('the node stops');
    if (this.#state !== 'idle') throw new BackupError('a backup of this node is under way');
    this.#state = 'flushing';
    this.#progress = NO_PROGRESS;
    const running = this.#backUp(folder, signal);
    this.#running = running.catch(() => undefined);
    try {
      this.#last = await running;
      this.#lastError = '';
      return this.#last;
    } catch (error) {
      this.#lastError = errorReason(error);
      throw error;
    } finally {
      this.#state = 'idle';
    }
  }

  /** Ends a backup that is under way; what it finished is not copied again by the next. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#running;
  }

  /** For SHOW STATUS, as `backup_` names. */
  status(): Readonly<Record<string, StatusValue>> {
    return {
      backup_state: this.#state,
      backup_files_done: this.#progress.filesDone,
      backup_files_total: this.#progress.filesAll,
      backup_bytes_copied: this.#progress.bytesCopied,
      backup_last_id: this.#last?.manifest.id ?? '',
      backup_last_files: this.#last?.manifest.files.length ?? 0,
      backup_last_files_copied: this.#last?.filesCopied ?? 0,
      backup_last_bytes_copied: this.#last?.bytesCopied ?? 0,
      backup_last_error: this.#lastError,
    };
  }

  async #backUp(folder: string, signal: AbortSignal): Promise<BackupResult> {
    const { store, kv, disk, clock, random, timers } = this.#deps;
    const history = await this.#history();
    await store.flush({ evenIfEmpty: true });
    const snapshot = kv.snapshot();
    try {
      this.#state = 'copying';
      return await writeBackup(
        { snapshot, disk, clock, random, timers },
        {
          folder,
          nodeId: store.nodeId,
          history,
          onProgress: (progress) => {
            this.#progress = progress;
          },
          isCancelled: () => signal.aborted || this.#isStopping,
        },
      );
    } finally {
      await snapshot.close();
    }
  }

  async #history(): Promise<string> {
    const { store, random } = this.#deps;
    const known = await store.loadLocal(HISTORY_FACT);
    if (known !== undefined) return Buffer.from(known).toString('hex');
    const fresh = new Uint8Array(HISTORY_BYTES);
    random.fill(fresh);
    await store.saveLocal(HISTORY_FACT, fresh, { sync: true });
    return Buffer.from(fresh).toString('hex');
  }
}
