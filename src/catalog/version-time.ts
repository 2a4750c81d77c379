/** When something was created, from its version: the upper bits of a version are wall-clock milliseconds. */

import { writeDateTime } from '../exec/calendar.js';
import type { TimeZone } from '../exec/time-zone.js';

/** A version is milliseconds * 2048 + counter * 8 + node id. */
const VERSIONS_PER_MS = 2048;
const decoder = new TextDecoder();

/** 'YYYY-MM-DD hh:mm:ss' in the zone. */
export function versionTimeText(version: number, zone: TimeZone): string {
  return epochMsText(Math.floor(version / VERSIONS_PER_MS), zone);
}

/** 'YYYY-MM-DD hh:mm:ss' in the zone. */
export function epochMsText(epochMs: number, zone: TimeZone): string {
  const epochSeconds = Math.floor(epochMs / 1000);
  const target = new Uint8Array(32);
  const end = writeDateTime(target, 0, epochSeconds + zone.offsetSecondsAt(epochSeconds), 0, 0);
  return decoder.decode(target.subarray(0, end));
}
