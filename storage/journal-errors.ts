/** What a journal refuses, and why. Damage on disk is a CorruptionError. */

import type { IncarnationId } from './position.js';

/**
 * A write or sync failed: nobody knows what is on disk now, so the journal takes nothing more until the process starts again and
 * reads it. `cause` is the first failure.
 */
export class JournalFailedError extends Error {
  override readonly name = 'JournalFailedError';
  readonly code = 'TWINTIDE_JOURNAL_FAILED';
}

/** Bytes from the other node that do not continue what is here: the link is broken off, nothing was appended. */
export class ReplicationDataError extends Error {
  override readonly name = 'ReplicationDataError';
  readonly code = 'TWINTIDE_REPLICATION_DATA';
}

/** The records asked for are not in this journal any more (or never were): a bootstrap is needed. */
export class SegmentGoneError extends Error {
  override readonly name = 'SegmentGoneError';
  readonly code = 'TWINTIDE_SEGMENT_GONE';
  readonly incarnation: IncarnationId;
  readonly sequence: number;

  constructor(incarnation: IncarnationId, sequence: number) {
    super(`Record ${sequence} of incarnation ${incarnation} is no longer in the journal`);
    this.incarnation = incarnation;
    this.sequence = sequence;
  }
}

/** Written by a newer Twintide, or by one that this version no longer reads. */
export class UnsupportedFormatError extends Error {
  override readonly name = 'UnsupportedFormatError';
  readonly code = 'TWINTIDE_UNSUPPORTED_FORMAT';
  readonly formatVersion: number;

  constructor(path: string, formatVersion: number) {
    super(
      `${path} has format version ${formatVersion}, which this version of Twintide cannot read`,
    );
    this.formatVersion = formatVersion;
  }
}
