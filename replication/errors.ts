/**
 * What can go wrong with a write or a link, as coded errors. The server turns the first two into MySQL's 1205 and 1180; the
 * difference between them is a promise: "not applied" rows never appear anywhere, "unconfirmed" rows are stored and never lost by this node.
 */

import type { IncarnationId } from '../storage/index.js';

export type NotAppliedReason =
  /** The RPO budget stayed full for `rpo_wait_timeout`. */
  | 'budget-full'
  /** More statements wait for the budget than `waitersMax`. */
  | 'queue-full'
  /** The caller's AbortSignal fired before the append. */
  | 'aborted'
  /** The node is stopping. */
  | 'stopping'
  /** A new data directory must not stamp before it has learned its peer's versions. */
  | 'new-node'
  /** A part of the same multi-part write was not applied, so the whole is not. */
  | 'part-failed';

/** Nothing was appended, here or anywhere: MySQL 1205, SQLSTATE 40001. Safe to try again. */
export class NotAppliedError extends Error {
  readonly code = 'NOT_APPLIED';
  readonly reason: NotAppliedReason;

  constructor(reason: NotAppliedReason, message: string) {
    super(message);
    this.name = 'NotAppliedError';
    this.reason = reason;
  }
}

/** A record of an own incarnation. */
export interface JournalPoint {
  readonly incarnation: IncarnationId;
  readonly sequence: number;
}

/** Stored on this node, and the peer did not confirm it in time: MySQL 1180, SQLSTATE HY000. Not to be tried again blindly. */
export class UnconfirmedError extends Error {
  readonly code = 'UNCONFIRMED';
  readonly position: JournalPoint;

  constructor(position: JournalPoint) {
    super(
      `stored on this node, not confirmed by the peer (position ${position.incarnation}:${position.sequence})`,
    );
    this.name = 'UnconfirmedError';
    this.position = position;
  }
}

/** The node stopped or failed between hand-over and answer. Answer nothing: break the connection. */
export class OutcomeUnknownError extends Error {
  readonly code = 'OUTCOME_UNKNOWN';

  constructor(cause: unknown) {
    super('the node stopped before the outcome of the write was known', { cause });
    this.name = 'OutcomeUnknownError';
  }
}

/** The disk has no room for the record: MySQL 1021, SQLSTATE HY000. Nothing was appended. */
export class DiskFullError extends Error {
  readonly code = 'DISK_FULL';

  constructor() {
    super('not applied: the disk is full');
    this.name = 'DiskFullError';
  }
}

/** A record that no journal takes: split the statement. Nothing was appended. */
export class RecordTooLargeError extends Error {
  readonly code = 'RECORD_TOO_LARGE';
  readonly sizeBytes: number;
  readonly maxBytes: number;

  constructor(sizeBytes: number, maxBytes: number) {
    super(`a record of ${sizeBytes} bytes is above max_record_bytes (${maxBytes})`);
    this.name = 'RecordTooLargeError';
    this.sizeBytes = sizeBytes;
    this.maxBytes = maxBytes;
  }
}

/** The peer sent what the protocol does not allow; the link is dropped and made anew. */
export class LinkProtocolError extends Error {
  readonly code = 'LINK_PROTOCOL';

  constructor(message: string) {
    super(message);
    this.name = 'LinkProtocolError';
  }
}

/** A handshake ended before this node could say where it stands: what came over the last link is not on its disk yet. */
export class DiskBehindError extends Error {
  readonly code = 'DISK_BEHIND';

  constructor() {
    super('not linked: what the peer sent before is not yet on the disk of this node');
    this.name = 'DiskBehindError';
  }
}

/** Why two nodes may not be linked. Names are part of the protocol and of what users see. */
export type RefusalName =
  | 'protocol-version'
  | 'other-cluster'
  | 'wrong-secret'
  | 'same-node-id'
  | 'other-peer'
  | 'not-your-turn'
  | 'max-record-bytes'
  | 'cloned-node'
  | 'restored-node'
  | 'wiped-node'
  | 'too-far-behind'
  | 'diverged';

/** Names of refusals that only a bootstrap from the other node heals. */
export const NEEDS_BOOTSTRAP: ReadonlySet<RefusalName> = new Set<RefusalName>([
  'restored-node',
  'wiped-node',
  'too-far-behind',
]);

export class RefusedError extends Error {
  readonly code = 'REFUSED';
  readonly refusal: RefusalName;
  /** True when it was the peer that said so. */
  readonly isByPeer: boolean;

  constructor(refusal: RefusalName, message: string, isByPeer: boolean) {
    super(message);
    this.name = 'RefusedError';
    this.refusal = refusal;
    this.isByPeer = isByPeer;
  }
}
