/**
 * Puts the pieces of a chunk of records together again.
 *
 * A chunk is what one read of the sender's journal gave: whole records back to back, a piece more than the largest record at most. It travels
 * in pieces, in order, with nothing of the same stream between them. So memory is one chunk, bounded by the largest record.
 */

import { PIECE_BYTES_MAX } from './config.js';
import { LinkProtocolError } from './errors.js';
import { decodePieceHeader, PIECE_HEADER_BYTES, type PieceHeader } from './session-messages.js';

export interface Chunk {
  readonly header: PieceHeader;
  /** Whole records back to back. Borrowed as the last piece was. */
  readonly records: Uint8Array;
}

export class ChunkAssembly {
  readonly #chunkBytesMax: number;
  #header: PieceHeader | null = null;
  #records: Uint8Array = new Uint8Array(0);
  #filled = 0;

  constructor(maxRecordBytes: number) {
    this.#chunkBytesMax = maxRecordBytes + PIECE_BYTES_MAX;
  }

  /** The chunk that this piece completes, or null. Throws LinkProtocolError when the piece does not belong here. */
  add(payload: Uint8Array): Chunk | null {
    const header = decodePieceHeader(payload);
    const piece = payload.subarray(PIECE_HEADER_BYTES);
    if (header.chunkBytes > this.#chunkBytesMax) {
      throw new LinkProtocolError(`a chunk of ${header.chunkBytes} bytes is too large`);
    }
    if (header.offset !== this.#filled || !this.#continues(header)) {
      throw new LinkProtocolError('a piece of records is missing or out of order');
    }
    if (header.offset + piece.length > header.chunkBytes) {
      throw new LinkProtocolError('a piece of records is longer than its chunk');
    }
    if (header.offset === 0 && piece.length === header.chunkBytes)
      return { header, records: piece };
    if (this.#header === null) {
      this.#header = header;
      this.#records = new Uint8Array(header.chunkBytes);
    }
    this.#records.set(piece, this.#filled);
    this.#filled += piece.length;
    if (this.#filled < header.chunkBytes) return null;
    const records = this.#records;
    this.#header = null;
    this.#records = new Uint8Array(0);
    this.#filled = 0;
    return { header, records };
  }

  #continues(header: PieceHeader): boolean {
    const first = this.#header;
    if (first === null) return true;
    return (
      first.incarnation === header.incarnation &&
      first.firstSequence === header.firstSequence &&
      first.chunkBytes === header.chunkBytes
    );
  }
}
