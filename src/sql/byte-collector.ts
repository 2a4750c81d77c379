/** Bytes that arrive in pieces, put together: a head, a statement's text, the beginning of a cell. */

const INITIAL_BYTES = 1024;

export class ByteCollector {
  /** The first `length` count. Another array after the next `append`. */
  bytes: Uint8Array = new Uint8Array(INITIAL_BYTES);
  length = 0;

  append(source: Uint8Array, start: number, end: number): void {
    const length = this.length + end - start;
    if (length > this.bytes.length) {
      const grown = new Uint8Array(Math.max(length, this.bytes.length * 2));
      grown.set(this.bytes.subarray(0, this.length));
      this.bytes = grown;
    }
    if (end - start < 32) {
      for (let from = start, to = this.length; from < end; from += 1, to += 1) {
        this.bytes[to] = source[from]!;
      }
    } else {
      this.bytes.set(source.subarray(start, end), this.length);
    }
    this.length = length;
  }

  clear(): void {
    this.length = 0;
  }
}
