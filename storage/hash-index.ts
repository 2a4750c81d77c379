/**
 * Hash -> id, by open addressing in typed arrays. Whoever owns the bytes compares them; this keeps full 32-bit hashes, so a
 * candidate is nearly always the right one and growing never touches the bytes.
 *
 * A small index is one shard. Past SPLIT_AT entries it becomes SHARDS shards, chosen by the hash's top bits, which then grow one at
 * a time: rehashing a million entries at once would stall the event loop for 70 ms, a shard of it takes a few dozen microseconds.
 * Hashes fill the shards evenly, so all would be full at about the same time. Therefore each has a load of its own at which it grows,
 * from 3/8 to 1/2, and a doubling of the whole index is spread over a third of its entries.
 *
 * Looking up is a walk over `slotsOf(hash)`, which the caller takes until it finds its bytes or an empty slot: a few dozen
 * nanoseconds are all it costs, so it is written out where it is needed.
 */

const SPLIT_AT = 4096;
const SHARDS = 256;
const SHARD_SHIFT = 24;
const SLOTS_MIN = 16;
const LOAD_MIN = 3 / 8;
const LOAD_MAX = 1 / 2;

/** Slot pairs: hash, id + 1 (0 = empty). */
interface Shard {
  slots: Int32Array;
  count: number;
  /** Entries at which it grows. */
  growAt: number;
  /** Load at which it grows. */
  readonly loadMax: number;
}

export class HashIndex {
  #shards: Shard[] = [newShard(SLOTS_MIN, LOAD_MAX)];
  #count = 0;
  #slotBytes = SLOTS_MIN * 8;

  /** Room for so many entries from the start, if they are many. */
  constructor(entries = 0) {
    if (entries > SPLIT_AT) this.#beginShards(entries);
  }

  get sizeBytes(): number {
    return this.#slotBytes;
  }

  /**
   * Where ids filed under this hash are: slot pairs of hash and id + 1 (0 = empty), a power of two of them. The walk begins at
   * `firstSlot(hash, slots)`, goes on with `nextSlot`, and ends at an empty pair. Good until the next insert.
   */
  slotsOf(hash: number): Int32Array {
    return this.#shards.length === 1
      ? this.#shards[0]!.slots
      : this.#shards[hash >>> SHARD_SHIFT]!.slots;
  }

  /** Files an id that a walk did not find. */
  insert(hash: number, id: number): void {
    if (this.#shards.length === 1 && this.#count >= SPLIT_AT) this.#split();
    const shard =
      this.#shards.length === 1 ? this.#shards[0]! : this.#shards[hash >>> SHARD_SHIFT]!;
    this.#add(shard, hash, id + 1);
    this.#count++;
  }

  /** Forgets everything and keeps the buffers of a one-shard index. */
  clear(): void {
    if (this.#shards.length > 1) {
      this.#shards = [newShard(SLOTS_MIN, LOAD_MAX)];
      this.#slotBytes = SLOTS_MIN * 8;
    } else if (this.#count > 0) {
      this.#shards[0]!.slots.fill(0);
      this.#shards[0]!.count = 0;
    }
    this.#count = 0;
  }

  #split(): void {
    const old = this.#shards[0]!.slots;
    this.#beginShards(SPLIT_AT);
    for (let at = 0; at < old.length; at += 2) {
      if (old[at + 1] === 0) continue;
      this.#add(this.#shards[old[at]! >>> SHARD_SHIFT]!, old[at]!, old[at + 1]!);
    }
  }

  #beginShards(entries: number): void {
    let slotCount = SLOTS_MIN * 4;
    while (slotCount * SHARDS * LOAD_MIN < entries) slotCount *= 2;
    this.#shards = [];
    for (let index = 0; index < SHARDS; index++) {
      const loadMax = LOAD_MIN + ((LOAD_MAX - LOAD_MIN) * index) / SHARDS;
      this.#shards.push(newShard(slotCount, loadMax));
    }
    this.#slotBytes = SHARDS * slotCount * 8;
  }

  #add(shard: Shard, hash: number, entry: number): void {
    if (shard.count >= shard.growAt) {
      this.#slotBytes += shard.slots.byteLength;
      growShard(shard);
    }
    put(shard.slots, hash, entry);
    shard.count++;
  }
}

/** Place of the first slot pair to look at. */
export function firstSlot(hash: number, slots: Int32Array): number {
  return (hash << 1) & (slots.length - 2);
}

/** The pair after the one at `at`. */
export function nextSlot(at: number, slots: Int32Array): number {
  return (at + 2) & (slots.length - 2);
}

function newShard(slotCount: number, loadMax: number): Shard {
  const slots = new Int32Array(slotCount * 2);
  return { slots, count: 0, growAt: Math.floor(slotCount * loadMax), loadMax };
}

function growShard(shard: Shard): void {
  const old = shard.slots;
  const slots = new Int32Array(old.length * 2);
  shard.growAt = Math.floor(old.length * shard.loadMax);
  for (let at = 0; at < old.length; at += 2) {
    if (old[at + 1] !== 0) put(slots, old[at]!, old[at + 1]!);
  }
  shard.slots = slots;
}

function put(slots: Int32Array, hash: number, entry: number): void {
  let at = firstSlot(hash, slots);
  while (slots[at + 1] !== 0) at = nextSlot(at, slots);
  slots[at] = hash;
  slots[at + 1] = entry;
}
