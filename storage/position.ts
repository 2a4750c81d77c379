/** Positions: where a node stands in the journals of both origins. */

/** 1..7, unique in the pair. */
export type NodeId = number;

/** 64 random bits as 16 lower-case hex digits: one unbroken stretch of an origin's journal. */
export type IncarnationId = string;

/** 128 bits as 32 lower-case hex digits. */
export type RollingHash = string;

export const ZERO_HASH: RollingHash = '0'.repeat(32);

/** A point in one incarnation. Equal positions mean equal history. Sequence 0 with ZERO_HASH is "nothing yet". */
export interface Position {
  readonly incarnation: IncarnationId;
  readonly sequence: number;
  readonly hash: RollingHash;
}

/** A copy by value: one of the journal's own may hold memory. */
export function plainPosition({ incarnation, sequence, hash }: Position): Position {
  return { incarnation, sequence, hash };
}

/** One entry for every live incarnation of both origins. */
export type PositionVector = readonly (Position & { readonly origin: NodeId })[];

/** Names an incarnation of an origin, in maps. */
export function positionKey(origin: NodeId, incarnation: IncarnationId): string {
  return `${origin}/${incarnation}`;
}
