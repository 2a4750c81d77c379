/**
 * What the client is told of a write: the gate's answers as MySQL's errors and warnings.
 *
 *   not admitted in time     1205 / 40001   "not applied", and that is true: both JDBC drivers retry it
 *   stored, not confirmed    1180 / HY000   with the position; never of a class that is retried
 *   disk full                1021 / HY000   not applied
 *   acknowledged beyond the budget (degraded, released)   OK, and a warning
 *
 * Anything else means that the node is failing and that nobody knows the outcome; it is passed on as it is, and the
 * connection breaks.
 */

import { SqlError } from '../../protocol/index.js';
import {
  DiskFullError,
  NotAppliedError,
  RecordTooLargeError,
  UnconfirmedError,
  type Acknowledgement,
} from '../../replication/index.js';

import type { WarningList } from './warning-list.js';

/** Ours; MySQL has no number for it. */
const BEYOND_BUDGET_CODE = 1105;

/** Adds the warning of an acknowledgement that went beyond the RPO budget. */
export function noteAcknowledgement(acknowledgement: Acknowledgement, warnings: WarningList): void {
  if (acknowledgement.warning === null) return;
  warnings.add(
    'Warning',
    BEYOND_BUDGET_CODE,
    `Acknowledged beyond rpo_bytes: the node is ${acknowledgement.warning}, and the peer has not confirmed this write`,
  );
}

/** The error to tell the client; errors of other kinds come back as they are. */
export function writeError(error: unknown): unknown {
  if (error instanceof NotAppliedError) {
    // The error's own text begins with the same words.
    const reason = error.message.replace(/^not applied: /, '');
    return new SqlError('ER_GATE_NOT_APPLIED', { reason }, { cause: error });
  }
  if (error instanceof UnconfirmedError) {
    return new SqlError('ER_ERROR_DURING_COMMIT', { reason: error.message }, { cause: error });
  }
  if (error instanceof DiskFullError) {
    return new SqlError('ER_DISK_FULL', { reason: error.message }, { cause: error });
  }
  if (error instanceof RecordTooLargeError) {
    return new SqlError(
      'ER_CAPACITY_EXCEEDED',
      `${error.message}: split the statement, or write shorter values`,
      { cause: error },
    );
  }
  return error;
}
