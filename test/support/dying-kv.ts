/**
 * A process that dies at one batch of its key-value store: what it does up to there has its effect, the test decides what becomes of
 * that batch, and nothing after it happens or is answered.
 */

import type { KeyValueOperation, KeyValueStore } from '../../storage/ports.js';

export interface DyingKv {
  readonly kv: KeyValueStore;
  /** Resolves at the death. */
  readonly died: Promise<void>;
}

/** `atDeath` gets batch number `dieAt`, counted from 0, in place of the store. */
export function dyingAt(
  kv: KeyValueStore,
  dieAt: number,
  atDeath: (operations: readonly KeyValueOperation[]) => Promise<void>,
): DyingKv {
  let batches = 0;
  let isDead = false;
  let announce = (_outcome: Promise<void>): void => undefined;
  const died = new Promise<void>((resolve) => {
    announce = resolve;
  });
  const never = new Promise<never>(() => undefined);
  const alive = <T>(use: () => Promise<T>): Promise<T> => (isDead ? never : use());
  return {
    died,
    kv: {
      get: (key) => alive(() => kv.get(key)),
      getMany: (keys) => alive(() => kv.getMany(keys)),
      batch: (operations, options) =>
        alive(() => {
          if (batches++ < dieAt) return kv.batch(operations, options);
          isDead = true;
          announce(atDeath(operations));
          return never;
        }),
      entries: (range) => kv.entries(range),
      keys: (range) => kv.keys(range),
      compactRange: (gte, lt) => alive(() => kv.compactRange(gte, lt)),
      close: () => Promise.resolve(),
    },
  };
}
