/**
 * Everything a reader needs, as one immutable value: it is replaced as a whole, never changed, so that a flush becomes
 * visible in one step. Readers pin the state they were given; runs that a later state lacks are deleted when no older state is pinned.
 */

import type { Generation } from './memtable.js';
import type { StampedTombstone } from './range-tombstone.js';
import type { Run } from './run.js';
import type { TableId } from './table-schema.js';
import type { TableState } from './table-state.js';

export interface StoreState {
  /** Rises with each replacement. */
  readonly number: number;
  readonly tables: ReadonlyMap<TableId, TableState>;
  /** Oldest first. */
  readonly runs: ReadonlyMap<TableId, readonly Run[]>;
  readonly tombstones: ReadonlyMap<TableId, readonly StampedTombstone[]>;
  /** Rows at or before these times have expired: inclusive, in the time column's unit, rising only. */
  readonly expired: ReadonlyMap<TableId, bigint>;
  /** Oldest first. */
  readonly frozen: readonly Generation[];
  readonly active: Generation;
}
