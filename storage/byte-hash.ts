/**
 * The hash of all byte dictionaries: four bytes a step, multiply and rotate, a final mix. Lives in memory only; it is never
 * written anywhere, so it may change. Not meant against chosen collisions: dictionaries are bounded and compare bytes.
 */
export function hashBytes(data: Uint8Array, start: number, end: number): number {
  let hash = (end - start) ^ 0x9e3779b9;
  let at = start;
  for (const last = end - 3; at < last; at += 4) {
    const word = data[at]! | (data[at + 1]! << 8) | (data[at + 2]! << 16) | (data[at + 3]! << 24);
    hash = Math.imul(hash ^ word, 0x85ebca6b);
    hash ^= hash >>> 15;
  }
  for (; at < end; at++) hash = Math.imul(hash ^ data[at]!, 0x01000193);
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x7feb352d);
  return hash ^ (hash >>> 15);
}

/** True when `a[aStart..aStart+length)` equals `b[bStart..bStart+length)`. */
export function equalBytes(
  a: Uint8Array,
  aStart: number,
  b: Uint8Array,
  bStart: number,
  length: number,
): boolean {
  for (let index = 0; index < length; index++) {
    if (a[aStart + index] !== b[bStart + index]) return false;
  }
  return true;
}
