/**
 * Hashing, comparing and copying short byte strings: four bytes a step through a DataView, which is one machine load and about three
 * times as fast as single bytes for a tag tuple.
 *
 * The hash lives in memory only; it is never written anywhere, so it may change. Not meant against chosen collisions: dictionaries
 * are bounded and compare bytes.
 */

// Callers hash cell after cell of the same few buffers, so the view of the last one is kept. It holds that buffer until another comes.
let viewed: Uint8Array = new Uint8Array(0);
let view = new DataView(viewed.buffer);

/** A view of these bytes; offsets are those of the array. */
export function viewOf(bytes: Uint8Array): DataView {
  if (bytes !== viewed) {
    viewed = bytes;
    view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  return view;
}

export function hashBytes(data: DataView, start: number, end: number): number {
  let hash = (end - start) ^ 0x9e3779b9;
  let at = start;
  for (const last = end - 3; at < last; at += 4) {
    hash = Math.imul(hash ^ data.getInt32(at, true), 0x85ebca6b);
    hash ^= hash >>> 15;
  }
  for (; at < end; at++) hash = Math.imul(hash ^ data.getUint8(at), 0x01000193);
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x7feb352d);
  return hash ^ (hash >>> 15);
}

/** True when `a[aStart..aStart+length)` equals `b[bStart..bStart+length)`. */
export function equalBytes(
  a: DataView,
  aStart: number,
  b: DataView,
  bStart: number,
  length: number,
): boolean {
  let at = 0;
  for (const last = length - 3; at < last; at += 4) {
    if (a.getInt32(aStart + at, true) !== b.getInt32(bStart + at, true)) return false;
  }
  for (; at < length; at++) {
    if (a.getUint8(aStart + at) !== b.getUint8(bStart + at)) return false;
  }
  return true;
}

/** Copies `from[start..end)` to `to` at `toStart`. The two do not overlap. */
export function copyBytes(
  from: DataView,
  start: number,
  end: number,
  to: DataView,
  toStart: number,
): void {
  let at = start;
  let target = toStart;
  for (const last = end - 3; at < last; at += 4, target += 4) {
    to.setInt32(target, from.getInt32(at, true), true);
  }
  for (; at < end; at++, target++) to.setUint8(target, from.getUint8(at));
}
