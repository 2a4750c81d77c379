/**
 * Which rows of one identity stay when runs are written: asked by a flush and by compaction, for every identity with more than one row or
 * with a tombstone. Pure, so that the rules of design section 7 can be read, and tested, in one place.
 *
 * Only what lies at or below the stable horizon is decided: nothing older can arrive there any more. Above it an older row may still
 * come that decides differently field by field, and digests up to a cut need both. In one record the later row wins whatever the
 * horizon: the record is atomic.
 */

export interface ReductionRules {
  readonly appendMode: boolean;
  /** Older rows of an identity stay: a field that is NULL in the newer one may still count. */
  readonly mergeFields: boolean;
  /** A row at or below this version overwrites the older ones for good. */
  readonly horizon: number;
  /**
   * Every row of the identity up to this version is among those that are looked at: in no other run and in no memtable. A tombstone at
   * or below it has nothing left to delete and goes too, and fields may be joined. Invariant: <= horizon; 0 = unknown.
   */
  readonly settledHorizon: number;
}

/** The rows of one identity in full order: version, tombstones before rows, ordinal. */
export interface IdentityRows {
  readonly count: number;
  readonly versions: Float64Array;
  /** 1 = tombstone. */
  readonly tombstones: Uint8Array;
}

/** Writes the numbers of the rows that stay to `kept`, in order, and returns how many they are. */
export function reduceIdentity(
  rows: IdentityRows,
  rules: ReductionRules,
  kept: Uint32Array,
): number {
  const { versions, tombstones } = rows;
  const { horizon, settledHorizon } = rules;
  const keepsOlder = rules.appendMode || rules.mergeFields;
  let count = 0;
  for (let row = 0; row < rows.count; row++) {
    const version = versions[row]!;
    if (keepsOlder) {
      if (tombstones[row] === 1 && version <= horizon) count = 0;
    } else if (version <= horizon) {
      count = 0;
    } else if (count > 0) {
      const before = kept[count - 1]!;
      if (versions[before] === version && tombstones[before] === tombstones[row]) count--;
    }
    kept[count++] = row;
  }
  // Whatever is at or below the horizon was cleared by the last such row, so only the first one left can be.
  const first = kept[0]!;
  if (tombstones[first] === 1 && versions[first]! <= settledHorizon) {
    kept.copyWithin(0, 1, count);
    count--;
  }
  return count;
}
