/**
 * Which rows of a page a scan wants: inside the time bounds, outside the zones that are merged apart, of a wanted series, and not
 * killed by a range tombstone.
 *
 * A page whose bounds say that all its rows pass is taken as it is, without a look at a row.
 */

import type { TimeSpan } from './interval-set.js';
import type { Page } from './page.js';
import type { StampedTombstone } from './range-tombstone.js';
import type { SeriesDictionary } from './series-dictionary.js';
import { boundOffset } from './time-base.js';

/** All rows pass. */
export const ALL_ROWS = -1;

export interface FilterParts {
  /** Inclusive; null = open. */
  readonly timeMin: bigint | null;
  readonly timeMax: bigint | null;
  /** Sorted and disjoint; rows at these times are unwanted. */
  readonly excluded: readonly TimeSpan[];
  /** Sorted and disjoint; only rows at these times are wanted. Null = at any. */
  readonly only: readonly TimeSpan[] | null;
  /** By local series id, 1 = wanted; ids beyond are unwanted. */
  readonly mask: Uint8Array | null;
  readonly tombstones: readonly StampedTombstone[];
  /** Says which series a tombstone's tags match. */
  readonly series: Pick<SeriesDictionary, 'maskOf'>;
}

/** What is known of a page before its rows are looked at; times are offsets from its base. */
export interface PageBounds {
  readonly timeMin: number;
  readonly timeMax: number;
  readonly versionMin: number;
}

interface Killer {
  readonly version: number;
  readonly min: number;
  readonly max: number;
  readonly mask: Uint8Array | null;
}

export class RowFilter {
  readonly #parts: FilterParts;

  constructor(parts: FilterParts) {
    this.#parts = parts;
  }

  get series(): Pick<SeriesDictionary, 'maskOf'> {
    return this.#parts.series;
  }

  /** The same filter for the rows within these spans only. */
  within(spans: readonly TimeSpan[]): RowFilter {
    return new RowFilter({ ...this.#parts, only: spans });
  }

  /** The same filter without the rows of these spans. */
  without(spans: readonly TimeSpan[]): RowFilter {
    return new RowFilter({ ...this.#parts, excluded: spans });
  }

  /** False when no row of a source or block with these bounds can pass. */
  mayPass(timeMin: bigint, timeMax: bigint, seriesMin: number, seriesMax: number): boolean {
    const parts = this.#parts;
    if (parts.timeMin !== null && timeMax < parts.timeMin) return false;
    if (parts.timeMax !== null && timeMin > parts.timeMax) return false;
    for (const span of parts.excluded) {
      if (span.min <= timeMin && span.max >= timeMax) return false;
    }
    if (
      parts.only !== null &&
      !parts.only.some((span) => span.min <= timeMax && span.max >= timeMin)
    ) {
      return false;
    }
    const { mask } = parts;
    if (mask === null) return true;
    const last = Math.min(seriesMax, mask.length - 1);
    for (let series = seriesMin; series <= last; series++) if (mask[series] === 1) return true;
    return false;
  }

  /** True when every row of a block with these bounds passes, whatever its versions, if no tombstone applies. */
  allPass(timeMin: bigint, timeMax: bigint): boolean {
    const parts = this.#parts;
    return (
      parts.mask === null &&
      parts.only === null &&
      (parts.timeMin === null || timeMin >= parts.timeMin) &&
      (parts.timeMax === null || timeMax <= parts.timeMax) &&
      !parts.excluded.some((span) => span.min <= timeMax && span.max >= timeMin)
    );
  }

  /** True when every row of a block with these bounds passes, tombstones or not. */
  takesWhole(timeMin: bigint, timeMax: bigint, versionMin: number): boolean {
    return (
      this.allPass(timeMin, timeMax) &&
      this.#parts.tombstones.every(
        (tombstone) =>
          tombstone.version <= versionMin ||
          (tombstone.timeMin !== null && tombstone.timeMin > timeMax) ||
          (tombstone.timeMax !== null && tombstone.timeMax < timeMin),
      )
    );
  }

  /** Writes the numbers of the rows that pass to `out` and returns how many; or returns ALL_ROWS. */
  select(page: Page, bounds: PageBounds, out: Uint32Array): number {
    const parts = this.#parts;
    const min = parts.timeMin === null ? -Infinity : boundOffset(parts.timeMin, page.base);
    const max = parts.timeMax === null ? Infinity : boundOffset(parts.timeMax, page.base);
    if (bounds.timeMin > max || bounds.timeMax < min) return 0;
    const excluded = new OffsetSpans(parts.excluded, page.base, bounds);
    if (excluded.coversAll) return 0;
    const only = parts.only === null ? null : new OffsetSpans(parts.only, page.base, bounds);
    if (only !== null && only.isEmpty) return 0;
    const killers = this.#killersOf(page.base, bounds);
    const { mask } = parts;
    const isInside = bounds.timeMin >= min && bounds.timeMax <= max;
    const isOnlyFree = only === null || only.coversAll;
    if (isInside && isOnlyFree && excluded.isEmpty && killers.length === 0 && mask === null) {
      return ALL_ROWS;
    }
    const { times, series, versions } = page;
    let count = 0;
    for (let row = 0; row < page.length; row++) {
      const time = times[row]!;
      if (time < min || time > max) continue;
      const id = series[row]!;
      if (mask !== null && (id >= mask.length || mask[id] === 0)) continue;
      if (!excluded.isEmpty && excluded.has(time)) continue;
      if (!isOnlyFree && !only.has(time)) continue;
      if (killers.length > 0 && isKilled(killers, id, time, versions[row]!)) continue;
      out[count++] = row;
    }
    return count === page.length ? ALL_ROWS : count;
  }

  #killersOf(base: bigint, bounds: PageBounds): Killer[] {
    const { tombstones, series } = this.#parts;
    const killers: Killer[] = [];
    for (const tombstone of tombstones) {
      if (tombstone.version <= bounds.versionMin) continue;
      const min = tombstone.timeMin === null ? -Infinity : boundOffset(tombstone.timeMin, base);
      const max = tombstone.timeMax === null ? Infinity : boundOffset(tombstone.timeMax, base);
      if (min > bounds.timeMax || max < bounds.timeMin) continue;
      const mask = tombstone.tags.length === 0 ? null : series.maskOf(tombstone);
      killers.push({ version: tombstone.version, min, max, mask });
    }
    return killers;
  }
}

/** The spans that touch a page, as offsets from its base. */
class OffsetSpans {
  readonly #mins: number[] = [];
  readonly #maxs: number[] = [];
  coversAll = false;

  constructor(spans: readonly TimeSpan[], base: bigint, bounds: PageBounds) {
    for (const span of spans) {
      const min = boundOffset(span.min, base);
      const max = boundOffset(span.max, base);
      if (min > bounds.timeMax || max < bounds.timeMin) continue;
      if (min <= bounds.timeMin && max >= bounds.timeMax) this.coversAll = true;
      this.#mins.push(min);
      this.#maxs.push(max);
    }
  }

  get isEmpty(): boolean {
    return this.#mins.length === 0;
  }

  has(time: number): boolean {
    for (let index = 0; index < this.#mins.length; index++) {
      if (time >= this.#mins[index]! && time <= this.#maxs[index]!) return true;
    }
    return false;
  }
}

function isKilled(
  killers: readonly Killer[],
  series: number,
  time: number,
  version: number,
): boolean {
  for (const { version: at, min, max, mask } of killers) {
    if (version < at && time >= min && time <= max && (mask === null || mask[series] === 1)) {
      return true;
    }
  }
  return false;
}
