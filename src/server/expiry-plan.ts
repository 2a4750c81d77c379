/**
 * Which rows expire now: for each stored table with a ttl, the time up to which its rows have become too old.
 *
 * What is planned here becomes one journaled record that holds on both nodes. So it need not be said often: a table's expired time
 * moves in steps of a hundredth of its ttl, at least a second and at most an hour, and only while the table has rows that old.
 */

import type { TableExpiry, TableId } from '../../storage/index.js';
import type { Catalog } from '../catalog/catalog.js';
import type { TableDefinition } from '../catalog/table-definition.js';
import { effectiveTtlMs } from '../catalog/ttl.js';

const STEPS_PER_TTL = 100;
const STEP_MS_MIN = 1000;
const STEP_MS_MAX = 3_600_000;

/** What is stored of a table; times in the unit of its time column. */
export interface StoredTimes {
  expiredThrough(tableId: TableId): bigint | null;
  /** A bound: no row of the table is older. Null = it has none. */
  oldestTime(tableId: TableId): bigint | null;
}

/** @param nowMs wall clock, ms since 1970: of the node, held back where it runs ahead of the peer's */
export function dueExpiries(
  catalog: Catalog,
  stored: StoredTimes,
  nowMs: number,
  defaultTtlMs: number | null,
): TableExpiry[] {
  const due: TableExpiry[] = [];
  for (const database of catalog.databases()) {
    for (const table of catalog.tables(database.name)) {
      const ttlMs = effectiveTtlMs(table.ttl, database.ttl, defaultTtlMs);
      if (ttlMs === null) continue;
      const stepMs = Math.min(Math.max(ttlMs / STEPS_PER_TTL, STEP_MS_MIN), STEP_MS_MAX);
      const through = unitsOf(Math.floor(nowMs - ttlMs), precisionOf(table));
      const least = through - unitsOf(Math.floor(stepMs), precisionOf(table));
      for (const { tableId } of table.parts) {
        const oldest = stored.oldestTime(tableId);
        if (oldest === null || oldest > through) continue;
        const known = stored.expiredThrough(tableId);
        if (known === null || known <= least) due.push({ tableId, through });
      }
    }
  }
  return due;
}

function precisionOf({ timeIndex: { type } }: TableDefinition): number {
  return type.kind === 'timestamp' || type.kind === 'datetime' ? type.precision : 0;
}

/** Whole units of 10^-precision seconds in so many milliseconds, rounded down. */
function unitsOf(ms: number, precision: number): bigint {
  if (precision < 3) return BigInt(Math.floor(ms / 10 ** (3 - precision)));
  return BigInt(ms) * 10n ** BigInt(precision - 3);
}
