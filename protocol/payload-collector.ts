/**
 * The pieces of one small packet, put together: copied, because the chunks they come in belong to the socket.
 *
 * The buffer grows with what has arrived, never with what a header promises: a header alone must not cost megabytes.
 */

const FIRST_BYTES = 256;
/** A buffer is kept from one packet to the next up to this size: many connections are idle. */
const KEPT_BYTES_MAX = 4096;

export class PayloadCollector {
  #buffer: Uint8Array = EMPTY;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Adds chunk[start..end). */
  add(chunk: Uint8Array, start: number, end: number): void {
    const needed = this.#length + end - start;
    if (needed > this.#buffer.length) {
      const larger = new Uint8Array(
        Math.max(FIRST_BYTES, this.#length === 0 ? needed : needed * 2),
      );
      larger.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = larger;
    }
    this.#buffer.set(
      start === 0 && end === chunk.length ? chunk : chunk.subarray(start, end),
      this.#length,
    );
    this.#length = needed;
  }

  /** The payload, good until the next `add`; the collector is empty afterwards. */
  view(): Uint8Array {
    const payload = this.#buffer.subarray(0, this.#length);
    this.clear();
    return payload;
  }

  /** The payload; the collector is empty afterwards and does not touch those bytes again. */
  take(): Uint8Array {
    const payload = this.#buffer.subarray(0, this.#length);
    this.#buffer = EMPTY;
    this.clear();
    return payload;
  }

  clear(): void {
    if (this.#buffer.length > KEPT_BYTES_MAX) this.#buffer = EMPTY;
    this.#length = 0;
  }
}

const EMPTY = new Uint8Array(0);
