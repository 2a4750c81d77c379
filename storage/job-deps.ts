/** What a background job works with, wherever it runs. */

import type { ArrayPool } from './array-pool.js';
import type { Pacer } from './pacer.js';
import type { KeyValueStore } from './ports.js';

export interface JobDeps {
  readonly kv: KeyValueStore;
  readonly pacer: Pacer;
  readonly arrays: ArrayPool;
  /** Throws JobStoppedError when nobody waits for the job any more; asked once a block. */
  readonly checkStopped: () => void;
}

/** The store closes: the job ends in the middle, and what it wrote is in no manifest. */
export class JobStoppedError extends Error {
  override readonly name = 'JobStoppedError';

  constructor() {
    super('the background work was stopped');
  }
}
