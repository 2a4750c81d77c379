/**
 * Where the kernel has the texts of tags (tag-texts.ts): a slot for each of the tables, or ways to write to them, that were used last, and in it as
 * many of the texts as it has room for.
 */

import { HANDLES_MAX, SLOT_COUNT, slotMemory, type SlotMemory } from './row-kernel.js';

const NOBODY = 0;

export class TextSlot {
  /** Number of the texts that it is for. */
  owner = NOBODY;
  readonly #memory: SlotMemory;

  constructor(index: number) {
    this.#memory = slotMemory(index);
  }

  /** In the kernel's memory. */
  get offset(): number {
    return this.#memory.offset;
  }

  has(handle: number): boolean {
    return handle >= 0 && handle < HANDLES_MAX && this.#memory.lengths[handle]! > 0;
  }

  /** Instead of what is there; texts are in bytes[0..used), by handle from `starts` on, and so long. */
  load(bytes: Uint8Array, used: number, starts: Uint32Array, lengths: Uint32Array): void {
    const { texts, ...of } = this.#memory;
    const count = Math.min(HANDLES_MAX, lengths.length);
    texts.set(bytes.subarray(0, Math.min(used, texts.length)));
    of.starts.set(starts.subarray(0, count));
    of.lengths.set(lengths.subarray(0, count));
    of.lengths.fill(0, count);
    for (let handle = 0; handle < count; handle += 1) {
      if (of.starts[handle]! + of.lengths[handle]! > texts.length) of.lengths[handle] = 0;
    }
  }

  /** Another text, or another one than before: source[from..from+length), where the slot has it at `start`. */
  put(handle: number, source: Uint8Array, from: number, start: number, length: number): void {
    if (handle >= HANDLES_MAX) return;
    const { texts, starts, lengths } = this.#memory;
    const isRoomy = start + length <= texts.length;
    starts[handle] = start;
    lengths[handle] = isRoomy ? length : 0;
    if (isRoomy) texts.set(source.subarray(from, from + length), start);
  }

  clear(): void {
    this.#memory.lengths.fill(0);
  }
}

/** Least recently claimed first. */
const slots = Array.from({ length: SLOT_COUNT }, (_, index) => new TextSlot(index));
let ownersSoFar = NOBODY;

/** For whoever claims slots. */
export function newOwner(): number {
  ownersSoFar += 1;
  return ownersSoFar;
}

/** A slot that nobody has, or else, with `mayTake`, that another has not used for the longest time; what is in it is to be replaced. */
export function claimSlot(owner: number, mayTake: boolean): TextSlot | null {
  const slot = slots[0]!;
  if (slot.owner !== NOBODY && !mayTake) return null;
  slot.owner = owner;
  keepSlot(slot);
  return slot;
}

/** It was used: others are claimed before. */
export function keepSlot(slot: TextSlot): void {
  if (slots[slots.length - 1] === slot) return;
  slots.splice(slots.indexOf(slot), 1);
  slots.push(slot);
}
