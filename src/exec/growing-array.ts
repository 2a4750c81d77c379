/** Typed arrays that grow by doubling: what accumulators and hash tables keep per group. */

export function grownFloats(array: Float64Array, count: number, fill = 0): Float64Array {
  if (count <= array.length) return array;
  const grown = new Float64Array(Math.max(count, array.length * 2, 64));
  grown.set(array);
  if (fill !== 0) grown.fill(fill, array.length);
  return grown;
}

export function grownWords(array: Uint32Array, count: number): Uint32Array {
  if (count <= array.length) return array;
  const grown = new Uint32Array(Math.max(count, array.length * 2, 64));
  grown.set(array);
  return grown;
}

export function grownBytes(array: Uint8Array, count: number): Uint8Array {
  if (count <= array.length) return array;
  const grown = new Uint8Array(Math.max(count, array.length * 2, 64));
  grown.set(array);
  return grown;
}
