/**
 * The pieces of one packet, put together: copied, because the chunks they come in belong to the socket.
 *
 * What is held grows with what has arrived, never with what a header promises: a header alone must not cost megabytes. And what has arrived is
 * not copied again as it grows, but for a little: beyond COPY_BYTES_MAX a buffer is made for all that the packet will bring, whose memory
 * the system gives as it is filled; and what no buffer was made for, a chain of packets or a value sent in many, is a list of them, joined
 * a step at a time where it is needed as a whole.
 */

const FIRST_BYTES = 256;
/** A buffer is kept from one packet to the next up to this size: many connections are idle. */
export const KEPT_BYTES_MAX = 4096;
/** No step copies more of what is here already. */
export const COPY_BYTES_MAX = 256 * 1024;

export class PayloadCollector {
  #buffer: Uint8Array = EMPTY;
  /** In `#buffer`. */
  #length = 0;
  /** What came before `#buffer`. */
  #parts: Uint8Array[] = [];

  /** Whether it must be joined before it can be taken or viewed. */
  get isInParts(): boolean {
    return this.#parts.length > 0;
  }

  /** Adds chunk[start..end). `comingBytes` were announced to follow. */
  add(chunk: Uint8Array, start: number, end: number, comingBytes = 0): void {
    const needed = this.#length + end - start;
    if (needed > this.#buffer.length) this.#grow(needed, end - start, comingBytes);
    this.#buffer.set(
      start === 0 && end === chunk.length ? chunk : chunk.subarray(start, end),
      this.#length,
    );
    this.#length += end - start;
  }

  /** Adds bytes that are nobody else's from now on: long ones are not copied. */
  addOwned(bytes: Uint8Array): void {
    if (bytes.length <= COPY_BYTES_MAX) {
      this.add(bytes, 0, bytes.length);
      return;
    }
    if (this.#length > 0) this.#parts.push(this.#buffer.subarray(0, this.#length));
    this.#buffer = bytes;
    this.#length = bytes.length;
  }

  /** The payload, good until the next `add`; the collector is empty afterwards. Requires: not in parts. */
  view(): Uint8Array {
    const payload = this.#buffer.subarray(0, this.#length);
    this.clear();
    return payload;
  }

  /** The payload; the collector is empty afterwards and does not touch those bytes again. Requires: not in parts. */
  take(): Uint8Array {
    const payload = this.#buffer.subarray(0, this.#length);
    this.#buffer = EMPTY;
    this.clear();
    return payload;
  }

  /** Makes one buffer of the parts; yields where a turn of the event loop should end. */
  *join(): Generator<undefined, void> {
    const parts = [...this.#parts, this.#buffer.subarray(0, this.#length)];
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    const whole = unfilled(length);
    this.#parts = [];
    let at = 0;
    // Each part is let go of when it is copied.
    for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
      for (let from = 0; from < part.length; from += COPY_BYTES_MAX) {
        const piece = part.subarray(from, from + COPY_BYTES_MAX);
        whole.set(piece, at);
        at += piece.length;
        yield;
      }
    }
    this.#buffer = whole;
    this.#length = length;
  }

  clear(): void {
    if (this.#buffer.length > KEPT_BYTES_MAX) this.#buffer = EMPTY;
    this.#length = 0;
    this.#parts = [];
  }

  /** Room for `added` bytes behind the `#length` that are here, `needed` together. */
  #grow(needed: number, added: number, comingBytes: number): void {
    if (this.#length > COPY_BYTES_MAX) {
      this.#parts.push(this.#buffer.subarray(0, this.#length));
      this.#buffer = EMPTY;
      this.#length = 0;
      this.#grow(added, added, comingBytes);
      return;
    }
    const larger =
      needed > COPY_BYTES_MAX
        ? unfilled(Math.max(needed + comingBytes, 2 * COPY_BYTES_MAX))
        : new Uint8Array(smallCapacity(needed, this.#length === 0));
    larger.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = larger;
  }
}

/** Doubled as it grows, but never to more than may be copied: the next buffer is for all that comes. */
function smallCapacity(needed: number, isFirst: boolean): number {
  return Math.min(COPY_BYTES_MAX, Math.max(FIRST_BYTES, isFirst ? needed : needed * 2));
}

/** Not even zeroed: its memory is touched as it is filled. A pool's would be kept alive by its neighbours. */
function unfilled(length: number): Uint8Array {
  return new Uint8Array(Buffer.allocUnsafeSlow(length).buffer);
}

const EMPTY = new Uint8Array(0);
