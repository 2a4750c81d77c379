/**
 * Where decoders put values. Blocks decode into arrays of their own, which a cache then keeps; records decode into scratch arrays that
 * are used again for the next column, because their values are copied into a memtable at once.
 *
 * Every array has at least the asked length and may be longer; its contents are undefined, the decoder fills it.
 */
export interface VectorMemory {
  float64(length: number): Float64Array;
  int32(length: number): Int32Array;
  uint32(length: number): Uint32Array;
  uint8(length: number): Uint8Array;
}

const float64 = (length: number): Float64Array => new Float64Array(length);
const int32 = (length: number): Int32Array => new Int32Array(length);
const uint32 = (length: number): Uint32Array => new Uint32Array(length);
const uint8 = (length: number): Uint8Array => new Uint8Array(length);

export const freshMemory: VectorMemory = { float64, int32, uint32, uint8 };

/** Arrays above this many entries are not kept for reuse. */
const KEPT_ENTRIES_MAX = 1 << 18;

interface Slots<A> {
  readonly kept: A[];
  used: number;
}

/** Hands out the same arrays again after `reset()`. */
export class ScratchMemory implements VectorMemory {
  readonly #float64: Slots<Float64Array> = { kept: [], used: 0 };
  readonly #int32: Slots<Int32Array> = { kept: [], used: 0 };
  readonly #uint32: Slots<Uint32Array> = { kept: [], used: 0 };
  readonly #uint8: Slots<Uint8Array> = { kept: [], used: 0 };

  float64(length: number): Float64Array {
    return take(this.#float64, length, float64);
  }

  int32(length: number): Int32Array {
    return take(this.#int32, length, int32);
  }

  uint32(length: number): Uint32Array {
    return take(this.#uint32, length, uint32);
  }

  uint8(length: number): Uint8Array {
    return take(this.#uint8, length, uint8);
  }

  /** Everything handed out so far may be handed out again. */
  reset(): void {
    this.#float64.used = 0;
    this.#int32.used = 0;
    this.#uint32.used = 0;
    this.#uint8.used = 0;
  }
}

function take<A extends { readonly length: number }>(
  slots: Slots<A>,
  length: number,
  create: (size: number) => A,
): A {
  if (length > KEPT_ENTRIES_MAX) return create(length);
  const index = slots.used;
  slots.used = index + 1;
  const kept = slots.kept[index];
  if (kept !== undefined && kept.length >= length) return kept;
  let size = kept === undefined ? 64 : kept.length * 2;
  while (size < length) size *= 2;
  const created = create(size);
  slots.kept[index] = created;
  return created;
}
