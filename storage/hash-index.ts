/**
 * Hash -> id, by open addressing in typed arrays. Whoever owns the bytes compares them; this keeps full 32-bit hashes, so a
 * candidate is nearly always the right one and growing never touches the bytes.
 *
 * A small index is one shard. Past SPLIT_AT entries it becomes SHARDS shards, chosen by the hash's top bits, which then grow one at
 * a time: rehashing a million entries at once would stall the event loop for 70 ms, a shard of it takes well under 1 ms.
 *
 * Looking up is a walk: `first(hash)` then `next()` until the caller finds its bytes or gets -1.
 */

const SPLIT_AT = 4096;
const SHARDS = 256;
const SHARD_SHIFT = 24;
const SLOTS_MIN = 16;

/** Slot pairs: hash, id + 1 (0 = empty). */
interface Shard {
  slots: Int32Array;
  count: number;
}

export class HashIndex {
  #shards: Shard[] = [newShard(SLOTS_MIN)];
  #count = 0;
  #slotBytes = SLOTS_MIN * 8;
  // The walk under way.
  #slots = this.#shards[0]!.slots;
  #hash = 0;
  #at = 0;

  get sizeBytes(): number {
    return this.#slotBytes;
  }

  /** First id filed under this hash, or -1. */
  first(hash: number): number {
    const shard =
      this.#shards.length === 1 ? this.#shards[0]! : this.#shards[hash >>> SHARD_SHIFT]!;
    const slots = shard.slots;
    this.#slots = slots;
    this.#hash = hash;
    const mask = slots.length - 2;
    let at = (hash * 2) & mask;
    for (;;) {
      const entry = slots[at + 1]!;
      if (entry === 0) return -1;
      if (slots[at] === hash) {
        this.#at = at;
        return entry - 1;
      }
      at = (at + 2) & mask;
    }
  }

  /** The next id of the walk that `first` began, or -1. */
  next(): number {
    const slots = this.#slots;
    const mask = slots.length - 2;
    let at = (this.#at + 2) & mask;
    for (;;) {
      const entry = slots[at + 1]!;
      if (entry === 0) return -1;
      if (slots[at] === this.#hash) {
        this.#at = at;
        return entry - 1;
      }
      at = (at + 2) & mask;
    }
  }

  /** Files an id that a walk did not find. */
  insert(hash: number, id: number): void {
    if (this.#shards.length === 1 && this.#count >= SPLIT_AT) this.#split();
    const shard =
      this.#shards.length === 1 ? this.#shards[0]! : this.#shards[hash >>> SHARD_SHIFT]!;
    if (shard.count * 4 >= shard.slots.length) {
      this.#slotBytes += shard.slots.byteLength;
      growShard(shard);
    }
    put(shard.slots, hash, id + 1);
    shard.count++;
    this.#count++;
  }

  /** Forgets everything and keeps the buffers of a one-shard index. */
  clear(): void {
    if (this.#shards.length > 1) {
      this.#shards = [newShard(SLOTS_MIN)];
      this.#slotBytes = SLOTS_MIN * 8;
    } else if (this.#count > 0) {
      this.#shards[0]!.slots.fill(0);
      this.#shards[0]!.count = 0;
    }
    this.#count = 0;
  }

  #split(): void {
    const old = this.#shards[0]!.slots;
    this.#shards = [];
    for (let index = 0; index < SHARDS; index++) this.#shards.push(newShard(SLOTS_MIN * 4));
    this.#slotBytes = SHARDS * SLOTS_MIN * 4 * 8;
    for (let at = 0; at < old.length; at += 2) {
      if (old[at + 1] === 0) continue;
      const shard = this.#shards[old[at]! >>> SHARD_SHIFT]!;
      if (shard.count * 4 >= shard.slots.length) {
        this.#slotBytes += shard.slots.byteLength;
        growShard(shard);
      }
      put(shard.slots, old[at]!, old[at + 1]!);
      shard.count++;
    }
  }
}

function newShard(slotCount: number): Shard {
  return { slots: new Int32Array(slotCount * 2), count: 0 };
}

/** Doubles; load stays at or below a half. */
function growShard(shard: Shard): void {
  const old = shard.slots;
  const slots = new Int32Array(old.length * 2);
  for (let at = 0; at < old.length; at += 2) {
    if (old[at + 1] !== 0) put(slots, old[at]!, old[at + 1]!);
  }
  shard.slots = slots;
}

function put(slots: Int32Array, hash: number, entry: number): void {
  const mask = slots.length - 2;
  let at = (hash * 2) & mask;
  while (slots[at + 1] !== 0) at = (at + 2) & mask;
  slots[at] = hash;
  slots[at + 1] = entry;
}
