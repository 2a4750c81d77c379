/**
 * The pieces of one small packet, put together.
 *
 * A packet that lies whole in one chunk (nearly all do) is handed on as a view of it. Else pieces are copied into a buffer that
 * grows with what has arrived, never with what a header promises: a header alone must not cost megabytes.
 */

const FIRST_BYTES = 1024;

export class PayloadCollector {
  #whole: Uint8Array | null = null;
  #buffer: Uint8Array | null = null;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Adds chunk[start..end). The first piece is kept as a view until a second one comes. */
  add(chunk: Uint8Array, start: number, end: number): void {
    const size = end - start;
    if (size === 0) return;
    if (this.#length === 0) {
      this.#whole = chunk.subarray(start, end);
      this.#length = size;
      return;
    }
    const needed = this.#length + size;
    let buffer = this.#buffer;
    if (buffer === null || buffer.length < needed) {
      const larger = new Uint8Array(Math.max(FIRST_BYTES, needed * 2));
      larger.set(buffer?.subarray(0, this.#length) ?? this.#whole ?? EMPTY);
      buffer = larger;
      this.#buffer = larger;
      this.#whole = null;
    }
    buffer.set(chunk.subarray(start, end), this.#length);
    this.#length = needed;
  }

  /** The payload; the collector is empty afterwards and does not touch those bytes again. */
  take(): Uint8Array {
    const payload = this.#whole ?? this.#buffer?.subarray(0, this.#length) ?? EMPTY;
    this.clear();
    return payload;
  }

  clear(): void {
    this.#whole = null;
    this.#buffer = null;
    this.#length = 0;
  }
}

const EMPTY = new Uint8Array(0);
