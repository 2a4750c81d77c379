/** What a journal is opened with. */

import type { Clock, Disk, Random, Timers } from './ports.js';
import type { NodeId } from './position.js';

export interface JournalOptions {
  readonly folder: string;
  readonly origin: NodeId;
  /** Size of a segment file. At least what one record of maxRecordBytes needs. */
  readonly segmentBytes: number;
  /** Longest record taken, header included. */
  readonly maxRecordBytes: number;
  /** Memory for the newest records once they are durable; default 32 MiB. */
  readonly tailBytes?: number;
  /** Preallocated files kept ready; default 1. */
  readonly spareSegments?: number;
}

export interface JournalDeps {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly timers: Timers;
  /** A segment file was made: the disk has less room. */
  readonly onAllocated?: () => void;
}
