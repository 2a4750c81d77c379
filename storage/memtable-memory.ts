/**
 * Shared buffers of memtables, used again: a flushed generation leaves its buffers to the next.
 *
 * A memtable takes and drops its whole size every second or so at full ingest. Left to the garbage collector, which does not count
 * shared memory, several of them lie about dead, and what is freed in the end is too scattered for the allocator to give it back.
 *
 * Buffers are told apart by their exact size: the tables written now are mostly the tables written a moment ago. What lies here idle is
 * bounded in bytes, and makes room where a new buffer is needed although others are idle: so that all of them together never are more than
 * was once in use. Sizes that were not given back for longest go first. A buffer comes with whatever its last user wrote.
 *
 * The first generation of all has nobody's buffers, and the system gives a new one its pages one by one where it is first written to: that
 * costs more than what is written. So while one new buffer after the other is taken, some more are made ahead, and a thread that has nothing else
 * to do has their pages given (`warm`). That counts most at a start, which fills memory as fast as it can.
 */

/** A few of these are made ahead; what is smaller is not worth it. */
const WARM_BYTES_MIN = 256 * 1024;
const AHEAD_BYTES = 16 * 1024 * 1024;

/** Has pages given to buffers whose contents are zeros, in another thread; others may write to them meanwhile. */
export type Warm = (buffers: readonly SharedArrayBuffer[]) => void;

export class MemtableMemory {
  readonly #limitBytes: number;
  /** By size; the sizes that were given last come last. */
  readonly #idle = new Map<number, SharedArrayBuffer[]>();
  #idleBytes = 0;
  /** Of new buffers, for which no idle one has gone yet: less than the next that would go. */
  #owedBytes = 0;
  readonly #warm: Warm | null;
  /** Made ahead, all of one size, the warmest first. */
  #ahead: SharedArrayBuffer[] = [];
  #aheadBytes = 0;
  /** Of the new buffer that was taken last. */
  #newBytes = 0;

  /**
   * @param limitBytes of buffers that nobody uses; 0 = none is kept
   * @param warm left out: no buffer is made ahead
   */
  constructor(limitBytes: number, warm?: Warm) {
    this.#limitBytes = limitBytes;
    this.#warm = warm ?? null;
  }

  /** Of all that nobody uses, those made ahead included. */
  get idleBytes(): number {
    return this.#idleBytes + this.#aheadBytes;
  }

  /** A buffer of exactly this size, with anything in it. */
  take(sizeBytes: number): SharedArrayBuffer {
    const buffers = this.#idle.get(sizeBytes);
    const buffer = buffers?.pop();
    if (buffers === undefined || buffer === undefined) {
      return this.#takeNew(sizeBytes);
    }
    if (buffers.length === 0) this.#idle.delete(sizeBytes);
    this.#idleBytes -= sizeBytes;
    return buffer;
  }

  #takeNew(sizeBytes: number): SharedArrayBuffer {
    const isSame = sizeBytes === this.#newBytes;
    this.#newBytes = sizeBytes;
    if (!isSame) this.#dropAhead();
    const buffer = this.#ahead.shift();
    if (buffer !== undefined) this.#aheadBytes -= sizeBytes;
    if (isSame && sizeBytes >= WARM_BYTES_MIN) this.#makeAhead(sizeBytes);
    return buffer ?? this.#make(sizeBytes);
  }

  /** Half of what there may be at a time: while it is taken, the other half gets warm. */
  #makeAhead(sizeBytes: number): void {
    const warm = this.#warm;
    if (warm === null || this.#aheadBytes > AHEAD_BYTES / 2) return;
    const most = Math.min(AHEAD_BYTES, this.#limitBytes - this.#idleBytes);
    const made: SharedArrayBuffer[] = [];
    while (this.#aheadBytes + sizeBytes <= most) {
      made.push(this.#make(sizeBytes));
      this.#aheadBytes += sizeBytes;
    }
    if (made.length === 0) return;
    this.#ahead.push(...made);
    warm(made);
  }

  #make(sizeBytes: number): SharedArrayBuffer {
    this.#makeRoom(sizeBytes);
    return new SharedArrayBuffer(sizeBytes);
  }

  #dropAhead(): void {
    this.#ahead = [];
    this.#aheadBytes = 0;
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
    if (this.idleBytes > this.#limitBytes) this.#dropAhead();
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
