/** Keys of rows (tags and time) -> 'key deletes' sections, one for each stored part of the table. */

import { ColumnRole, RowBatch } from '../../storage/index.js';
import type { StoredColumn } from '../../storage/index.js';
import type { TableDefinition, TablePart } from '../catalog/table-definition.js';
import type { KeyBatch } from '../plan/delete-plan.js';
import { writeVectorCell } from './vector-cell.js';
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

  /** One section a part. Requires: at least one key. */
  encode(keys: KeyBatch): BufferedSection[] {
    const sections: BufferedSection[] = [];
    for (const target of this.#targets) {
      fill(target, keys);
      const { batch, part } = target;
      const bytes = batch.encodeKeySection();
      batch.clear();
      const { schema } = part;
      sections.push({ bytes, table: this.#table, schema, hasRows: false, seriesCount: 0 });
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
    keys.tags.forEach((tag, index) => {
      const column = tagColumns[index] ?? -1;
      if (column >= 0) writeVectorCell(batch, column, tag, row);
    });
    writeVectorCell(batch, timeColumn, keys.time, row);
    batch.endRow();
  }
}
