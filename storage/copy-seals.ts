/**
 * Segment boundaries of a copy: the origin decides them and announces each, and the copy cuts at the same record. An announcement may come
 * before its records do, and again after a reconnect; then it must say the same.
 */

import type { SealContent } from './commit-group.js';
import { CorruptionError } from './corruption-error.js';
import type { IncarnationLog } from './incarnation-log.js';
import { ReplicationDataError } from './journal-errors.js';
import type { JournalSegment } from './journal-segment.js';

/** Boundaries the origin may announce ahead of their records. */
const PENDING_SEALS_MAX = 1024;

export class CopySeals {
  readonly #onSealed: (log: IncarnationLog, segment: JournalSegment) => void;

  /** `onSealed`: the boundary is decided here, and its seal is to be written. */
  constructor(onSealed: (log: IncarnationLog, segment: JournalSegment) => void) {
    this.#onSealed = onSealed;
  }

  /** Throws CorruptionError when the digests differ, ReplicationDataError when the boundary contradicts one that is already made. */
  announced(log: IncarnationLog, seal: SealContent): void {
    if (seal.lastSequence < log.first) return;
    if (seal.lastSequence > log.received.sequence) {
      expectSeal(log, seal);
      return;
    }
    const segment = log.segmentOf(seal.lastSequence);
    if (segment.seal !== null) checkSeal(segment, segment.seal, seal);
    else this.#seal(log, segment, seal);
  }

  /** A record was appended: it may be one at which a boundary was announced. Throws as `announced` does. */
  appended(log: IncarnationLog, sequence: number): void {
    const due = log.pendingSeals[0];
    if (due?.lastSequence !== sequence) return;
    log.pendingSeals.shift();
    this.#seal(log, log.segmentOf(sequence), due);
  }

  #seal(log: IncarnationLog, segment: JournalSegment, seal: SealContent): void {
    const { number, firstSequence, lastSequence } = seal;
    if (segment.lastSequence !== lastSequence) {
      throw new ReplicationDataError(
        `A seal at record ${lastSequence} came after record ${segment.lastSequence}`,
      );
    }
    const hasBeginning = segment.firstSequence === firstSequence;
    if (hasBeginning && segment.identity.number !== 0 && segment.identity.number !== number) {
      throw new ReplicationDataError(
        `Segment ${segment.identity.number} is called ${number} by its origin`,
      );
    }
    const digest = hasBeginning ? (segment.digest?.value() ?? null) : null;
    checkDigest(segment, digest, seal.digest);
    segment.sealWith({ number, firstSequence, lastSequence, digest });
    log.nextNumber = number + 1;
    this.#onSealed(log, segment);
  }
}

function expectSeal(log: IncarnationLog, seal: SealContent): void {
  const { number, firstSequence, lastSequence, digest } = seal;
  const known = log.pendingSeals.find((other) => other.lastSequence >= lastSequence);
  if (known?.lastSequence === lastSequence) return;
  if (known !== undefined || log.pendingSeals.length >= PENDING_SEALS_MAX) {
    throw new ReplicationDataError(`The seal at record ${lastSequence} is out of order`);
  }
  log.pendingSeals.push({ number, firstSequence, lastSequence, digest });
}

/** A boundary that was made before: the origin must say the same again. */
function checkSeal(segment: JournalSegment, made: SealContent, seal: SealContent): void {
  if (made.lastSequence !== seal.lastSequence) {
    throw new ReplicationDataError(
      `A seal at record ${seal.lastSequence}, but the segment here ends at ${made.lastSequence}`,
    );
  }
  if (segment.firstSequence === seal.firstSequence) checkDigest(segment, made.digest, seal.digest);
}

function checkDigest(segment: JournalSegment, here: string | null, there: string | null): void {
  if (here === null || there === null || here === there) return;
  const where = { path: segment.path, segment: segment.identity.number };
  throw new CorruptionError(where, 'its digest is not the one that the origin announced');
}
