/**
 * Shared buffers of memtables, used again: a flushed generation leaves its buffers to the next.
 *
 * A memtable takes and drops its whole size every second or so at full ingest. Left to the garbage collector, which does not count
 * shared memory, several of them lie about dead, and what is freed in the end is too scattered for the allocator to give it back.
 *
 * Buffers are told apart by their exact size: the tables written now are mostly the tables written a moment ago. What lies here idle is
 * bounded in bytes, and makes room where a new buffer is needed although others are idle: so that all of them together never are more than
 * was once in use. Sizes that were not given back for longest go first. A buffer comes with whatever its last user wrote.
 */

export class MemtableMemory {
  readonly #limitBytes: number;
  /** By size; the sizes that were given last come last. */
  readonly #idle = new Map<number, SharedArrayBuffer[]>();
  #idleBytes = 0;
  /** Of new buffers, for which no idle one has gone yet: less than the next that would go. */
  #owedBytes = 0;

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
    if (buffers === undefined || buffer === undefined) {
      this.#makeRoom(sizeBytes);
      return new SharedArrayBuffer(sizeBytes);
    }
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
    while (this.#idleBytes > this.#limitBytes) this.#drop(this.#oldestSize!);
  }

  #makeRoom(sizeBytes: number): void {
    this.#owedBytes += sizeBytes;
    for (;;) {
      const oldest = this.#oldestSize;
      if (oldest === undefined) this.#owedBytes = 0;
      if (oldest === undefined || oldest > this.#owedBytes) return;
      this.#owedBytes -= oldest;
      this.#drop(oldest);
    }
  }

  get #oldestSize(): number | undefined {
    return this.#idle.keys().next().value;
  }

  /** Requires: there is one of this size. */
  #drop(sizeBytes: number): void {
    const buffers = this.#idle.get(sizeBytes)!;
    buffers.pop();
    if (buffers.length === 0) this.#idle.delete(sizeBytes);
    this.#idleBytes -= sizeBytes;
  }
}

/** For rows that nobody leaves anything of. */
export const FRESH_MEMORY = new MemtableMemory(0);
