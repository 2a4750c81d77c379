/** What range tombstones and expiry make superfluous, tombstones included; asked once a flush. */

import type { Generation } from './memtable.js';
import type { StampedTombstone } from './range-tombstone.js';
import type { Run } from './run.js';
import type { StoreState } from './store-state.js';

/** Runs that a tombstone at or below the horizon has killed as a whole: expiry and TRUNCATE give their space back so. */
export function deadRuns(state: StoreState, horizon: number): Run[] {
  const dead = new Set(expiredRuns(state));
  for (const [tableId, tombstones] of state.tombstones) {
    for (const run of state.runs.get(tableId) ?? []) {
      const isDead = tombstones.some(
        ({ version, tags, timeMin, timeMax }) =>
          version <= horizon &&
          version > run.blocks.versionMax &&
          tags.length === 0 &&
          (timeMin === null || timeMin <= run.blocks.timeMin) &&
          (timeMax === null || timeMax >= run.blocks.timeMax),
      );
      if (isDead) dead.add(run);
    }
  }
  return [...dead];
}

/**
 * Runs all of whose rows have expired. No horizon here: expiry hides rows of any version, so nothing that still arrives could make a
 * row of them count again.
 */
export function expiredRuns(state: StoreState): Run[] {
  const dead: Run[] = [];
  for (const [tableId, through] of state.expired) {
    for (const run of state.runs.get(tableId) ?? [])
      if (run.blocks.timeMax <= through) dead.push(run);
  }
  return dead;
}

/**
 * Tombstones that can kill nothing any more: nothing older can arrive (they are at or below the horizon), and none of `runs` and
 * `memtables`, which are all there will be, holds an older row of the table. Or all they could kill has expired.
 */
export function spentTombstones(
  state: StoreState,
  runs: readonly Run[],
  memtables: readonly Generation[],
  horizon: number,
): Set<StampedTombstone> {
  const spent = new Set<StampedTombstone>();
  for (const [tableId, tombstones] of state.tombstones) {
    let oldestInMemory = Infinity;
    for (const generation of memtables) {
      for (const chunk of generation.tables.get(tableId)?.chunks ?? []) {
        oldestInMemory = Math.min(oldestInMemory, chunk.versionMin);
      }
    }
    const own = runs.filter((run) => run.tableId === tableId);
    const expired = state.expired.get(tableId);
    for (const tombstone of tombstones) {
      const { version, timeMax } = tombstone;
      const isExpired = expired !== undefined && timeMax !== null && timeMax <= expired;
      const isKilling =
        version > horizon ||
        version > oldestInMemory ||
        own.some((run) => version > run.blocks.versionMin && version > run.clearedThrough);
      if (isExpired || !isKilling) spent.add(tombstone);
    }
  }
  return spent;
}
