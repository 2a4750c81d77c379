/**
 * Random numbers from a seed: the same seed gives the same test run on every machine.
 *
 * xorshift128 seeded through splitmix32; good enough to pick faults, not to keep secrets.
 */

import type { Random } from '../../storage/ports.js';

export class SeededRandom implements Random {
  readonly seed: number;
  readonly #state: Uint32Array;

  constructor(seed: number) {
    this.seed = seed;
    let mixed = seed >>> 0;
    this.#state = Uint32Array.from({ length: 4 }, () => {
      mixed = (mixed + 0x9e3779b9) >>> 0;
      let value = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
      value = Math.imul(value ^ (value >>> 15), 0x735a2d97);
      return (value ^ (value >>> 15)) >>> 0;
    });
  }

  /** 0..2^32-1 */
  nextUint32(): number {
    const state = this.#state;
    let last = state[3]!;
    const first = state[0]!;
    state.copyWithin(1, 0, 3);
    last ^= last << 11;
    last ^= last >>> 8;
    state[0] = last ^ first ^ (first >>> 19);
    return state[0];
  }

  /** [0, 1) */
  nextFloat(): number {
    return this.nextUint32() / 2 ** 32;
  }

  /** Integer in [from, to], both included. */
  integer(from: number, to: number): number {
    return from + Math.floor(this.nextFloat() * (to - from + 1));
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.nextFloat() < probability;
  }

  /** Requires: at least one item. */
  pick<T>(items: readonly T[]): T {
    return items[this.integer(0, items.length - 1)] as T;
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    this.fill(bytes);
    return bytes;
  }

  fill(target: Uint8Array): void {
    for (let index = 0; index < target.length; index += 1) target[index] = this.nextUint32();
  }

  /** An independent source whose numbers do not shift when this one is used more or less. */
  fork(): SeededRandom {
    return new SeededRandom(this.nextUint32());
  }
}
