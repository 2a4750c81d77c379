/** A column without a value in any row: what a part or run that lacks the column reads as. */

import { columnKind } from './column-kind.js';
import type { ColumnType } from './table-schema.js';
import type { Vector } from './vector.js';

export function nullVector(type: ColumnType, length: number): Vector {
  const nulls = new Uint8Array(length).fill(1);
  switch (columnKind(type)) {
    case 'bytes': {
      const starts = new Uint32Array(length + 1);
      return { kind: 'bytes', length, starts, data: new Uint8Array(0), nulls };
    }
    case 'time':
      return { kind: 'time', length, base: 0n, offsets: new Float64Array(length), nulls };
    default:
      return { kind: 'number', length, values: new Float64Array(length), nulls };
  }
}
