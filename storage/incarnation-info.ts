/** What a journal says of one of its incarnations. */

import type { IncarnationLog } from './incarnation-log.js';
import { plainPosition, type IncarnationId, type Position } from './position.js';

export interface IncarnationInfo {
  readonly id: IncarnationId;
  readonly parent: Position | null;
  /** Version of the opening record: incarnations of an origin are ordered by it. */
  readonly openingVersion: number;
  /** First sequence that can be read here. */
  readonly first: number;
  /** On stable storage here. Invariant: durable.sequence <= received.sequence. */
  readonly durable: Position;
  readonly received: Position;
  /** Own journal: opened at this start. Copy: the newest one. */
  readonly isCurrent: boolean;
  /** Record bytes held. */
  readonly bytes: number;
}

export function incarnationInfo(log: IncarnationLog, isCurrent: boolean): IncarnationInfo {
  let bytes = 0;
  for (const { index } of log.segments) bytes += index.recordBytes;
  return {
    id: log.id,
    parent: log.parent,
    openingVersion: log.openingVersion,
    first: log.first,
    durable: plainPosition(log.durable),
    received: plainPosition(log.received),
    isCurrent,
    bytes,
  };
}
