/**
 * Waiting for room on the disk.
 *
 * A record that a journal has taken can't be refused any more, so what its file needs is tried again until the disk gives it: each
 * second, and at once when something was given back. Only a lack of space is waited for; every other failure is final.
 *
 * One journal has one wait: its writer takes one step after another.
 */

import { isNoSpace, NoSpaceError } from './no-space-error.js';
import type { Disk, Timers } from './ports.js';

const RETRY_MS = 1_000;

export interface RoomWaitDeps {
  readonly disk: Disk;
  readonly timers: Timers;
  readonly folder: string;
}

export class RoomWait {
  readonly #deps: RoomWaitDeps;
  #isPatient = true;
  #isWaiting = false;
  #endPause: (() => void) | null = null;
  #onChange: (isWaiting: boolean) => void = () => undefined;

  constructor(deps: RoomWaitDeps) {
    this.#deps = deps;
  }

  /** An attempt has found no room, and none since has found it. */
  get isWaiting(): boolean {
    return this.#isWaiting;
  }

  /** Called when `isWaiting` has changed. */
  onChange(listener: (isWaiting: boolean) => void): void {
    this.#onChange = listener;
  }

  /** False from now on: what finds no room fails, as everything else does that fails; a wait under way tries once more. */
  setPatient(isPatient: boolean): void {
    this.#isPatient = isPatient;
    this.wake();
  }

  /** What `attempt` resolves to, once there is room for it. Rejects as `attempt` does where that is final. */
  async until<T>(attempt: () => Promise<T>): Promise<T> {
    try {
      for (;;) {
        try {
          return await attempt();
        } catch (error) {
          if (!isNoSpace(error) || !this.#isPatient) throw error;
        }
        this.#setWaiting(true);
        await this.#pause();
      }
    } finally {
      this.#setWaiting(false);
    }
  }

  /** There may be room: tries now. */
  wake(): void {
    this.#endPause?.();
  }

  /**
   * Rejects with NoSpaceError when the disk says that it has less than `bytes`: what cannot fit is not begun, or it would take the last
   * bytes from what gives some back. Not every file system tells; then the attempt does.
   */
  async check(bytes: number): Promise<void> {
    const { disk, folder } = this.#deps;
    const freeBytes = await disk.freeBytes(folder).catch(() => Infinity);
    if (freeBytes < bytes) throw new NoSpaceError(`${folder} has no room for ${bytes} bytes`);
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#deps.timers.after(RETRY_MS, () => this.#endPause?.());
      this.#endPause = () => {
        this.#endPause = null;
        timer.cancel();
        resolve();
      };
    });
  }

  #setWaiting(isWaiting: boolean): void {
    if (isWaiting === this.#isWaiting) return;
    this.#isWaiting = isWaiting;
    this.#onChange(isWaiting);
  }
}
