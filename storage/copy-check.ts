/**
 * Checks records from the other node before anything of them is appended: they must be whole, and they must continue exactly
 * what is here.
 *
 * All or nothing: a fault anywhere means that nothing of the piece is taken.
 */

import { ReplicationDataError } from './journal-errors.js';
import {
  ZERO_HASH,
  type IncarnationId,
  type NodeId,
  type Position,
  type RollingHash,
} from './position.js';
import { RecordKind, isRecordFault, nextHash, parseRecord, type RecordView } from './record.js';
import { decodeOpeningBody } from './record-bodies.js';

export interface CopyExpectation {
  readonly origin: NodeId;
  readonly incarnation: IncarnationId;
  /** Where the copy stands; null when the opening record is due. */
  readonly after: Position | null;
  readonly maxRecordBytes: number;
  /** The rolling hash after the last record, as the sender has it. */
  readonly expectedHash: RollingHash | undefined;
}

export interface CheckedCopies {
  /** Views into the bytes that were checked; at least one. */
  readonly views: readonly RecordView[];
  /** The rolling hash after each. */
  readonly hashes: readonly RollingHash[];
}

/** `records`: whole records back to back. Throws ReplicationDataError. */
export function checkCopies(records: Uint8Array, expected: CopyExpectation): CheckedCopies {
  const { incarnation } = expected;
  const views: RecordView[] = [];
  const hashes: RollingHash[] = [];
  let sequence = expected.after?.sequence ?? 0;
  let hash = expected.after?.hash ?? ZERO_HASH;
  for (let offset = 0; offset < records.length;) {
    sequence += 1;
    const record = parseRecord(records, offset, expected.maxRecordBytes);
    if (isRecordFault(record)) {
      throw new ReplicationDataError(`Record ${sequence} of ${incarnation}: ${record.detail}`);
    }
    if (record.sequence !== sequence) {
      throw new ReplicationDataError(
        `Record ${record.sequence} of ${incarnation} came where ${sequence} was due`,
      );
    }
    if ((record.kind === RecordKind.opening) !== (sequence === 1)) {
      throw new ReplicationDataError(
        `Record ${sequence} of ${incarnation}: an opening record is the first, and only that`,
      );
    }
    if (sequence === 1) hash = parentHashOf(record, expected);
    hash = nextHash(hash, record);
    views.push(record);
    hashes.push(hash);
    offset += record.bytes.length;
  }
  if (views.length === 0) throw new ReplicationDataError('No record came');
  if (expected.expectedHash !== undefined && hash !== expected.expectedHash) {
    throw new ReplicationDataError(
      `The history of ${incarnation} up to record ${sequence} is another one here`,
    );
  }
  return { views, hashes };
}

function parentHashOf(record: RecordView, expected: CopyExpectation): RollingHash {
  const opening = decodeOpeningBody(record.body);
  if (opening?.incarnation !== expected.incarnation || opening.origin !== expected.origin) {
    throw new ReplicationDataError(`The opening record is not that of ${expected.incarnation}`);
  }
  return opening.parent?.hash ?? ZERO_HASH;
}
