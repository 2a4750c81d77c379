/**
 * The large arrays of background jobs, used again by the next job: a flush needs some 50 bytes a row beside the memtable, and what
 * it takes anew each time the system has to clear and the garbage collector to find.
 *
 * What lies here idle is bounded in bytes; who has no more jobs for a while calls `clear`.
 */

/** So much more than was asked for an array may take. */
const SPARE_FACTOR = 2;
/** Sizes are multiples of it, so that a job of about as many rows finds what the last one left. */
const GRANULE_BYTES = 256 * 1024;

export class ArrayPool {
  readonly #limitBytes: number;
  /** Those given back last come last. */
  #idle: ArrayBuffer[] = [];
  #idleBytes = 0;

  /** @param limitBytes of arrays that nobody uses; 0 = none is kept */
  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get idleBytes(): number {
    return this.#idleBytes;
  }

  /** For one job, or a part of it. */
  lease(): ArrayLease {
    return new ArrayLease(this);
  }

  /** Leaves all that is idle to the garbage collector. */
  clear(): void {
    this.#idle = [];
    this.#idleBytes = 0;
  }

  /** At least that long, with anything in it. For leases. */
  take(sizeBytes: number): ArrayBuffer {
    for (let index = this.#idle.length - 1; index >= 0; index--) {
      const buffer = this.#idle[index]!;
      if (buffer.byteLength < sizeBytes) continue;
      if (buffer.byteLength > sizeBytes * SPARE_FACTOR) continue;
      this.#idle.splice(index, 1);
      this.#idleBytes -= buffer.byteLength;
      return buffer;
    }
    return new ArrayBuffer(Math.ceil(sizeBytes / GRANULE_BYTES) * GRANULE_BYTES);
  }

  /** For leases. */
  give(buffer: ArrayBuffer): void {
    if (buffer.byteLength > this.#limitBytes) return;
    this.#idle.push(buffer);
    this.#idleBytes += buffer.byteLength;
    let dropped = 0;
    while (this.#idleBytes > this.#limitBytes) {
      this.#idleBytes -= this.#idle[dropped]!.byteLength;
      dropped += 1;
    }
    this.#idle.splice(0, dropped);
  }
}

/** Arrays of one user, who gives them all back at once. Arrays come with anything in them. */
export class ArrayLease {
  readonly #pool: ArrayPool;
  readonly #taken: ArrayBuffer[] = [];

  constructor(pool: ArrayPool) {
    this.#pool = pool;
  }

  float64(length: number): Float64Array {
    return new Float64Array(this.#take(length * Float64Array.BYTES_PER_ELEMENT), 0, length);
  }

  uint32(length: number): Uint32Array {
    return new Uint32Array(this.#take(length * Uint32Array.BYTES_PER_ELEMENT), 0, length);
  }

  /** Requires: nobody uses its arrays any more. */
  release(): void {
    for (const buffer of this.#taken) this.#pool.give(buffer);
    this.#taken.length = 0;
  }

  #take(sizeBytes: number): ArrayBuffer {
    // What is small is made sooner than found.
    if (sizeBytes < GRANULE_BYTES / 4) return new ArrayBuffer(sizeBytes);
    const buffer = this.#pool.take(sizeBytes);
    this.#taken.push(buffer);
    return buffer;
  }
}
