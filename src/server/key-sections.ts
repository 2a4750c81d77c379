/** Keys of rows (tags and time) -> 'key deletes' sections, one for each stored part of the table that can hold such rows. */

import { RowBatch } from '../../storage/index.js';
import type { StoredColumn, Vector } from '../../storage/index.js';
import { ColumnRole } from '../../storage/index.js';
import type { TableDefinition, TablePart } from '../catalog/table-definition.js';
import type { KeyBatch } from '../plan/delete-plan.js';
import type { BufferedSection } from './write-buffer.js';

interface PartTarget {
  readonly part: TablePart;
  readonly batch: RowBatch;
  /** For each tag of the table: its column in the part's schema, or -1. */
  readonly tagColumns: readonly number[];
  readonly timeColumn: number;
}

export class KeySections {
  readonly #table: TableDefinition;
  readonly #targets: readonly PartTarget[];

  constructor(table: TableDefinition) {
    this.#table = table;
    this.#targets = table.parts.map((part) => targetOf(table, part));
  }

  /** One section a part; parts that can't hold any of the keys have none. */
  encode(keys: KeyBatch): BufferedSection[] {
    const sections: BufferedSection[] = [];
    for (const target of this.#targets) {
      fill(target, keys);
      const { batch, part } = target;
      if (batch.rowCount === 0) continue;
      const bytes = batch.encodeKeySection();
      batch.clear();
      sections.push({ bytes, table: this.#table, schema: part.schema, hasRows: false });
    }
    return sections;
  }
}

function targetOf(table: TableDefinition, part: TablePart): PartTarget {
  const { columns } = part.schema;
  const indexOf = (position: number): number => {
    const columnId = part.columnIds[position];
    return columns.findIndex((column: StoredColumn) => column.id === columnId);
  };
  return {
    part,
    batch: new RowBatch(part.schema),
    tagColumns: table.tags.map((tag) => indexOf(tag.position)),
    timeColumn: columns.findIndex((column) => column.role === ColumnRole.time),
  };
}

function fill({ batch, tagColumns, timeColumn }: PartTarget, keys: KeyBatch): void {
  for (let row = 0; row < keys.length; row += 1) {
    // A part that lacks a tag holds only rows where that tag is NULL.
    const isForeign = keys.tags.some(
      (tag, index) => tagColumns[index] === -1 && tag.nulls?.[row] !== 1,
    );
    if (isForeign) continue;
    keys.tags.forEach((tag, index) => {
      const column = tagColumns[index] ?? -1;
      if (column >= 0) setCell(batch, column, tag, row, precisionOf(batch, column));
    });
    setCell(batch, timeColumn, keys.time, row, precisionOf(batch, timeColumn));
    batch.endRow();
  }
}

function precisionOf(batch: RowBatch, column: number): number {
  return batch.schema.columns[column]?.precision ?? 0;
}

function setCell(batch: RowBatch, column: number, vector: Vector, row: number, precision: number): void {
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
    case 'time':
      setTime(batch, column, vector.base, vector.offsets[row] ?? 0, precision);
  }
}

function setTime(batch: RowBatch, column: number, base: bigint, offset: number, precision: number): void {
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
