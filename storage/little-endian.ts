/**
 * Unsigned 64-bit integers in little endian, as safe integers.
 *
 * Sequences, versions and offsets are u64 on disk and wire, but never reach 2^53 (a version is 53 bits by construction), so they
 * are plain numbers in memory. A stored value beyond that is damage: it reads as NaN, which fails every comparison.
 */

const HIGH_UNIT = 0x1_0000_0000;

export function writeUint32(target: Uint8Array, offset: number, value: number): void {
  target[offset] = value;
  target[offset + 1] = value >>> 8;
  target[offset + 2] = value >>> 16;
  target[offset + 3] = value >>> 24;
}

/** Requires: offset + 4 <= source.length. */
export function readUint32(source: Uint8Array, offset: number): number {
  return (
    ((source[offset] as number) |
      ((source[offset + 1] as number) << 8) |
      ((source[offset + 2] as number) << 16) |
      ((source[offset + 3] as number) << 24)) >>>
    0
  );
}

/** Requires: a safe integer that is not negative. */
export function writeUint64(target: Uint8Array, offset: number, value: number): void {
  writeUint32(target, offset, value >>> 0);
  writeUint32(target, offset + 4, Math.floor(value / HIGH_UNIT));
}

/** NaN when the stored value is not a safe integer. Requires: offset + 8 <= source.length. */
export function readUint64(source: Uint8Array, offset: number): number {
  const value = readUint32(source, offset + 4) * HIGH_UNIT + readUint32(source, offset);
  return Number.isSafeInteger(value) ? value : Number.NaN;
}
