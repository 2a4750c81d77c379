/** What storage does not understand but must replay in order: the catalog. */

import type { NodeId } from './position.js';

export interface StateMachine {
  apply(version: number, origin: NodeId, body: Uint8Array): void;
  /** Everything applied so far; written together with the flushed rows. */
  snapshot(): Uint8Array;
  restore(bytes: Uint8Array): void;
}
