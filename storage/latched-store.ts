/** A background thread's LevelDB: its writes stop when one of any thread has failed (write-latch.ts). */

import type { KeyValueStore } from './ports.js';
import type { WriteLatch } from './write-latch.js';

export function latchedStore(kv: KeyValueStore, latch: WriteLatch): KeyValueStore {
  return {
    get: (key) => kv.get(key),
    getMany: (keys) => kv.getMany(keys),
    batch: (operations, options) => latch.write(() => kv.batch(operations, options)),
    entries: (range) => kv.entries(range),
    keys: (range) => kv.keys(range),
    compactRange: (gte, lt) => kv.compactRange(gte, lt),
    close: () => kv.close(),
  };
}
