/** Long values of a packet that are left where they lie until the packet ends. */

import { PACKET_HEADER_BYTES } from './packet-chain.js';

/** source[start..end), which belongs before byte `at` of what is written of the open packet, its header included. */
export interface LentBytes {
  readonly at: number;
  readonly source: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** source[start..end). */
export interface Piece {
  readonly source: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** The payload of a packet whose own bytes, header first, are chunk[start..end), and what was lent between them. */
export function* piecesOf(
  chunk: Uint8Array,
  start: number,
  end: number,
  lent: readonly LentBytes[],
): Generator<Piece> {
  let from = start + PACKET_HEADER_BYTES;
  for (const one of lent) {
    yield { source: chunk, start: from, end: start + one.at };
    yield one;
    from = start + one.at;
  }
  yield { source: chunk, start: from, end };
}
