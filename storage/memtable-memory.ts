/**
 * Shared buffers of memtables, used again: a flushed generation leaves its buffers to the next.
 *
 * A memtable takes and drops its whole size every second or so at full ingest. Left to the garbage collector, which does not count
 * shared memory, several of them lie about dead, and what is freed in the end is too scattered for the allocator to give it back.
 *
 * Buffers are told apart by their exact size: the tables written now are mostly the tables written a moment ago. What lies here idle is
 * bounded in bytes; beyond that sizes that were not given back for longest go. A buffer comes with whatever its last user wrote.
 */

export class MemtableMemory {
  readonly #limitBytes: number;
  /** By size; the sizes that were given last come last. */
  readonly #idle = new Map<number, SharedArrayBuffer[]>();
  #idleBytes = 0;

  /** @param limitBytes of buffers that nobody uses; 0 = none is kept */
  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get idleBytes(): number {
    return this.#idleBytes;
  }

  /** A buffer of exactly this size, with anything in it. */
  take(sizeBytes: number): SharedArrayBuffer {
    const buffers = this.#idle.get(sizeBytes);
    const buffer = buffers?.pop();
    if (buffers === undefined || buffer === undefined) return new SharedArrayBuffer(sizeBytes);
    if (buffers.length === 0) this.#idle.delete(sizeBytes);
    this.#idleBytes -= sizeBytes;
    return buffer;
  }

  /** Requires: nobody reads the buffer or writes to it any more, in any thread. */
  give(buffer: SharedArrayBuffer): void {
    const sizeBytes = buffer.byteLength;
    if (sizeBytes > this.#limitBytes) return;
    const buffers = this.#idle.get(sizeBytes) ?? [];
    buffers.push(buffer);
    this.#idle.delete(sizeBytes);
    this.#idle.set(sizeBytes, buffers);
    this.#idleBytes += sizeBytes;
    if (this.#idleBytes > this.#limitBytes) this.#trim();
  }

  #trim(): void {
    for (const [sizeBytes, buffers] of this.#idle) {
      while (this.#idleBytes > this.#limitBytes && buffers.length > 0) {
        buffers.pop();
        this.#idleBytes -= sizeBytes;
      }
      if (buffers.length > 0) return;
      this.#idle.delete(sizeBytes);
    }
  }
}

/** For rows that nobody leaves anything of. */
export const FRESH_MEMORY = new MemtableMemory(0);
