/** The bytes of a long value that have come: memory that grows with them, and what of it is kept for the next one. */

const INITIAL_BYTES = 1024;
/** More is not kept. */
const KEPT_BYTES_MAX = 1024 * 1024;

export abstract class LongBytes {
  bytes = new Uint8Array(INITIAL_BYTES);
  /** Those of `bytes` that are the value's. */
  length = 0;

  /** Forgets the first ones: they are taken. */
  drop(count: number): void {
    this.bytes.copyWithin(0, count, this.length);
    this.length -= count;
  }

  /** Makes room for so many in all. */
  protected reserve(bytes: number): void {
    if (bytes <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(bytes, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }

  /** Forgets all of them. */
  protected release(): void {
    this.length = 0;
    if (this.bytes.length > KEPT_BYTES_MAX) this.bytes = new Uint8Array(INITIAL_BYTES);
  }
}
