/**
 * Reusable output buffers, shared by all connections of a server.
 *
 * A connection holds a chunk only while it has bytes that the socket has not taken: ten thousand idle connections hold none.
 * Two sizes: small ones for OK packets and short results, large ones for rows. Anything larger is made for its packet
 * and left to the garbage collector. Chunks that would lengthen a free list past its limit are dropped, too.
 */

export const SMALL_CHUNK_BYTES = 4 * 1024;
export const LARGE_CHUNK_BYTES = 64 * 1024;

const SMALL_FREE_MAX = 512;
const LARGE_FREE_MAX = 64;

export class ChunkPool {
  readonly #small: Buffer[] = [];
  readonly #large: Buffer[] = [];

  /** A chunk of at least `sizeBytes`; its old contents are garbage. */
  take(sizeBytes: number): Buffer {
    if (sizeBytes <= SMALL_CHUNK_BYTES) {
      return this.#small.pop() ?? Buffer.allocUnsafeSlow(SMALL_CHUNK_BYTES);
    }
    if (sizeBytes <= LARGE_CHUNK_BYTES) {
      return this.#large.pop() ?? Buffer.allocUnsafeSlow(LARGE_CHUNK_BYTES);
    }
    return Buffer.allocUnsafeSlow(sizeBytes);
  }

  /** Requires: nobody reads or writes the chunk any more. */
  give(chunk: Buffer): void {
    if (chunk.length === SMALL_CHUNK_BYTES) {
      if (this.#small.length < SMALL_FREE_MAX) this.#small.push(chunk);
    } else if (chunk.length === LARGE_CHUNK_BYTES) {
      if (this.#large.length < LARGE_FREE_MAX) this.#large.push(chunk);
    }
  }

  /** Chunks lying free, for tests of the bounds. */
  freeCount(): { readonly small: number; readonly large: number } {
    return { small: this.#small.length, large: this.#large.length };
  }
}
