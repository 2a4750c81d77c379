/** Cells of vectors that a scan gave: back into a row batch, and as the identity of a row. */

import type { RowBatch, Vector } from '../../storage/index.js';

/** Writes row `row` of the vector as the next cell of the batch's column. */
export function writeVectorCell(
  batch: RowBatch,
  column: number,
  vector: Vector,
  row: number,
): void {
  if (vector.nulls?.[row] === 1) {
    batch.setNull(column);
    return;
  }
  switch (vector.kind) {
    case 'number':
      batch.setNumber(column, vector.values[row] ?? 0);
      return;
    case 'integer64':
      batch.setInteger64(column, vector.high[row] ?? 0, vector.low[row] ?? 0);
      return;
    case 'bytes':
      batch.setBytes(column, vector.data, vector.starts[row] ?? 0, vector.starts[row + 1] ?? 0);
      return;
    case 'dictionary': {
      const { starts, data } = vector.dictionary;
      const code = vector.codes[row] ?? 0;
      batch.setBytes(column, data, starts[code] ?? 0, starts[code + 1] ?? 0);
      return;
    }
    case 'time': {
      const precision = batch.schema.columns[column]?.precision ?? 0;
      writeTime(batch, column, vector.base, vector.offsets[row] ?? 0, precision);
    }
  }
}

/** Equal for rows of equal tags and time. @param tags in PRIMARY KEY order */
export function rowIdentity(tags: readonly Vector[], time: Vector, row: number): string {
  return [...tags, time].map((vector) => cellIdentity(vector, row)).join('\0');
}

function cellIdentity(vector: Vector, row: number): string {
  if (vector.nulls?.[row] === 1) return 'n';
  switch (vector.kind) {
    case 'number':
      return `v${vector.values[row] ?? 0}`;
    case 'integer64':
      return `v${vector.high[row] ?? 0}:${vector.low[row] ?? 0}`;
    case 'time':
      return `v${vector.base + BigInt(vector.offsets[row] ?? 0)}`;
    case 'bytes':
      return bytesIdentity(vector.data, vector.starts[row] ?? 0, vector.starts[row + 1] ?? 0);
    case 'dictionary': {
      const { starts, data } = vector.dictionary;
      const code = vector.codes[row] ?? 0;
      return bytesIdentity(data, starts[code] ?? 0, starts[code + 1] ?? 0);
    }
  }
}

function bytesIdentity(data: Uint8Array, start: number, end: number): string {
  const bytes = Buffer.from(data.buffer, data.byteOffset + start, end - start);
  // With its length: whatever bytes it has, nothing else reads the same.
  return `v${bytes.length}:${bytes.toString('latin1')}`;
}

function writeTime(
  batch: RowBatch,
  column: number,
  base: bigint,
  offset: number,
  precision: number,
): void {
  const units = 10 ** precision;
  if (base === 0n) {
    const seconds = Math.floor(offset / units);
    batch.setTime(column, seconds, offset - seconds * units);
    return;
  }
  const count = base + BigInt(offset);
  const wideUnits = BigInt(units);
  const fraction = ((count % wideUnits) + wideUnits) % wideUnits;
  batch.setTime(column, Number((count - fraction) / wideUnits), Number(fraction));
}
