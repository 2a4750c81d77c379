/** What is remembered of tag tuples, by row batches and by tables, changes neither bytes nor ids. */

import fc from 'fast-check';
import { ByteReader } from '../../storage/byte-reader.js';
import { ByteWriter } from '../../storage/byte-writer.js';
import { Renumbering } from '../../storage/renumbering.js';
import { RowBatch } from '../../storage/row-batch.js';
import { RowsSectionReader, sectionShape } from '../../storage/rows-section.js';
import { SeriesDictionary } from '../../storage/series-dictionary.js';
import { resolveSeries } from '../../storage/series-resolver.js';
import { ColumnRole, ColumnType, type TableSchema } from '../../storage/table-schema.js';
import { TagTupleWriter } from '../../storage/tag-tuple.js';
import { ResolvedTagBlocks } from '../../storage/tag-block-cache.js';
import { type TableSeries, TupleMemory } from '../../storage/tuple-memory.js';
import { freshMemory } from '../../storage/vector-memory.js';
import { type Section, sectionsOf } from '../../storage/write-body.js';
import type { Vector } from '../../storage/vector.js';
import { hexOfBytes } from '../support/hex-fixture.js';
import { valuesOf } from '../support/vector-values.js';

const schema: TableSchema = {
  tableId: 9,
  appendMode: false,
  partitionMs: 86_400_000,
  columns: [
    { id: 1, type: ColumnType.text, role: ColumnRole.tag, precision: 0 },
    { id: 2, type: ColumnType.int64, role: ColumnRole.tag, precision: 0 },
    { id: 3, type: ColumnType.text, role: ColumnRole.tag, precision: 0 },
    { id: 4, type: ColumnType.timestamp, role: ColumnRole.time, precision: 3 },
    { id: 5, type: ColumnType.int32, role: ColumnRole.field, precision: 0 },
  ],
};

/** A section's rows, each its tags and its fields. */
function rowsIn(section: Uint8Array): unknown[][] {
  const body = Buffer.concat([Uint8Array.of(1, 0), section]);
  const payload = [...sectionsOf(body, 0)][0]!.reader;
  const shape = sectionShape(schema, 'rows');
  const reader = new RowsSectionReader(payload, shape, freshMemory);
  const tags = reader.tags.map((column) => valuesOf(column as Vector));
  const columns = shape.order.map(() => valuesOf(reader.nextColumn(freshMemory) as Vector));
  return Array.from({ length: reader.rowCount }, (_, row) => {
    const tuple = reader.tupleOf === null ? 0 : reader.tupleOf[row]!;
    return [...tags.map((values) => values[tuple]), ...columns.map((values) => values[row])];
  });
}

type Tags = readonly [string | null, number | null, string | null];

function setTags(batch: RowBatch, tags: Tags, order: readonly number[]): void {
  for (const column of order) {
    const value = tags[column] ?? null;
    if (value === null) batch.setNull(column);
    else if (typeof value === 'number') batch.setNumber(column, value);
    else batch.setBytes(column, Buffer.from(value), 0, Buffer.byteLength(value));
  }
}

function setFields(batch: RowBatch, row: number): void {
  batch.setTime(3, 1_700_000_000 + row, 0);
  batch.setNumber(4, row);
}

const text = fc.option(fc.constantFrom('', 'a', 'b', 'host_1', 'h'.repeat(70), 'h'.repeat(200)), {
  nil: null,
});
const tagsOfSeries = fc.tuple(
  text,
  fc.option(fc.integer({ min: -2, max: 12 }), { nil: null }),
  text,
);
const allSeries = fc.array(tagsOfSeries, { minLength: 1, maxLength: 6 });
/** Mostly one after another. */
const walk = fc.array(
  fc.oneof({ weight: 6, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: fc.nat(5) }),
  { minLength: 1, maxLength: 25 },
);
const order = fc.oneof(
  fc.constant([0, 1, 2]),
  fc.shuffledSubarray([0, 1, 2], { minLength: 3, maxLength: 3 }),
);

function seriesOfWalk(series: readonly Tags[], steps: readonly number[]): Tags[] {
  let at = 0;
  return steps.map((step) => series[(at += step) % series.length]!);
}

describe('Renumbering', () => {
  it('numbers ids in order of appearance, also across a wipe', () => {
    const renumbering = new Renumbering(50);
    for (let round = 0; round < 40; round++) {
      renumbering.clear();
      const ids = [700, round, 3, 700, 1000 + round];
      const seen = [...new Set(ids)];
      for (const id of ids) expect(renumbering.numberOf(id)).toBe(seen.indexOf(id));
      expect(renumbering.count).toBe(seen.length);
    }
  });

  it('numbers negative ids among them, however many and however far apart', () => {
    const renumbering = new Renumbering(9000);
    for (let round = 0; round < 12; round++) {
      renumbering.clear();
      const ids = Array.from({ length: 100 * round }, (_, index) =>
        index % 5 === 0 ? index : -1 - (index % 3 === 0 ? index * 1_000_003 : index * 256 + round),
      );
      const seen = new Map<number, number>();
      for (const id of [...ids, ...ids]) {
        if (!seen.has(id)) seen.set(id, seen.size);
        expect(renumbering.numberOf(id)).toBe(seen.get(id));
      }
      expect(renumbering.count).toBe(seen.size);
    }
  });
});

describe('Renumbering.numbersOf', () => {
  it('numbers many at once as one by one, and says which ids are new', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.nat(200), { minLength: 1, maxLength: 60 }), { maxLength: 8 }),
        (rounds) => {
          const [many, one] = [new Renumbering(150), new Renumbering(150)];
          for (const list of rounds) {
            many.clear();
            one.clear();
            const ids = Int32Array.from(list);
            const numbers = new Float64Array(ids.length + 3);
            const idOf = new Int32Array(ids.length);
            const half = ids.length >> 1;
            many.numbersOf(ids, half, numbers, 3, idOf);
            many.numbersOf(ids.subarray(half), ids.length - half, numbers, half + 3, idOf);
            expect([...numbers.subarray(3)]).toEqual(list.map((id) => one.numberOf(id)));
            expect(many.count).toBe(one.count);
            expect([...idOf.subarray(0, many.count)]).toEqual([...new Set(list)]);
          }
        },
      ),
    );
  });
});

describe('Renumbering.rank', () => {
  it('puts the ids of a round in order, and says where each number went', () => {
    const renumbering = new Renumbering();
    renumbering.numberOf(2);
    renumbering.clear();
    for (const id of [900, 4, 70, 4, 5]) renumbering.numberOf(id);
    const ids = new Int32Array(4);
    const places = new Uint32Array(4);
    renumbering.rank(1000, ids, places);
    expect([...ids]).toEqual([4, 5, 70, 900]);
    expect([...places]).toEqual([3, 0, 2, 1]);
  });
});

describe('RowBatch with a memory of tuples', () => {
  it('makes sections of the same rows as a new batch, named or spelled, in any order of cells', () => {
    let named = 0;
    fc.assert(
      fc.property(
        allSeries,
        fc.array(fc.tuple(walk, order, fc.boolean()), { minLength: 1, maxLength: 5 }),
        (series, batches) => {
          const tuples = new TupleMemory(3);
          const remembering = [new RowBatch(schema, tuples), new RowBatch(schema, tuples)];
          batches.forEach(([steps, cells, mayName], index) => {
            const batch = remembering[index % 2]!;
            const plain = new RowBatch(schema);
            seriesOfWalk(series, steps).forEach((tags, row) => {
              setTags(plain, tags, [0, 1, 2]);
              const spelled = new TagTupleWriter();
              for (const value of tags) {
                if (value === null) spelled.nullCell();
                else if (typeof value === 'number') spelled.numberCell(value);
                else spelled.bytesCell(Buffer.from(value), 0, value.length);
              }
              const likely = batch.likelyTuple;
              const isLikely =
                likely !== -1 &&
                Buffer.from(tuples.data)
                  .subarray(tuples.start(likely), tuples.start(likely) + tuples.bytesOf(likely))
                  .equals(spelled.bytes.subarray(0, spelled.length));
              if (mayName && isLikely) {
                batch.setTuple(likely);
                named += 1;
              } else {
                setTags(batch, tags, cells);
                if (row % 7 === 6) {
                  batch.abandonRow();
                  setTags(batch, tags, cells);
                }
              }
              for (const each of [batch, plain]) {
                setFields(each, row);
                each.endRow();
              }
              expect(batch.lastTuple).toBeGreaterThanOrEqual(0);
            });
            expect(batch.approximateBytes).toBe(plain.approximateBytes);
            const section = batch.encodeSection();
            // The tuples may be in another order, so the bytes need not be the same; encoding changes nothing.
            expect(section.length).toBeLessThanOrEqual(batch.approximateBytes);
            expect(hexOfBytes(batch.encodeSection())).toBe(hexOfBytes(section));
            expect(rowsIn(section)).toEqual(rowsIn(plain.encodeSection()));
            batch.clear();
          });
        },
      ),
      { numRuns: 500 },
    );
    expect(named).toBeGreaterThan(500);
  });

  it('ends many likely rows at once as one by one, and says how much it may grow by them', () => {
    const fill = (batch: RowBatch, hosts: number, rows: number): void => {
      for (let row = 0; row < rows; row++) {
        setTags(batch, [`host_${row % hosts}`, row % hosts, null], [0, 1, 2]);
        setFields(batch, row);
        batch.endRow();
      }
    };
    for (const [hosts, rows] of [
      [1, 3],
      [5, 12],
      [40, 90],
      [150, 300],
    ] as const) {
      const batch = new RowBatch(schema, new TupleMemory(3));
      const handles = new Int32Array(512);
      expect(batch.likelyTuples(handles, 10)).toBe(0);
      fill(batch, hosts, rows);
      batch.clear();
      const plain = new RowBatch(schema);
      let row = 0;
      while (row < 400) {
        const before = batch.approximateBytes;
        const found = batch.likelyTuples(handles, 1 + (row % 70));
        expect(found).toBeGreaterThan(0);
        const seconds = Float64Array.from({ length: found }, (_, index) => 5 + row + index);
        batch.setNumbers(4, seconds, 0, found);
        batch.setTimes(3, seconds, 0, found, 7);
        const { likelyBytes } = batch;
        batch.endRows(handles, found);
        expect(batch.approximateBytes).toBeLessThanOrEqual(before + likelyBytes);
        for (const end = row + found; row < end; row++) {
          const host = (rows + row) % hosts;
          setTags(plain, [`host_${host}`, host, null], [0, 1, 2]);
          plain.setNumber(4, 5 + row);
          plain.setTime(3, 5 + row, 7);
          plain.endRow();
        }
        expect(batch.approximateBytes).toBe(plain.approximateBytes);
        expect(batch.rowCount).toBe(plain.rowCount);
      }
      expect(rowsIn(batch.encodeSection())).toEqual(rowsIn(plain.encodeSection()));
    }
  });

  it('has the same tag columns wherever in the round of its series a batch begins', () => {
    const tuples = new TupleMemory(3);
    const batch = new RowBatch(schema, tuples);
    const tagBlocks = Array.from({ length: 6 }, (_, round) => {
      for (let row = 0; row < 50; row++) {
        const host = (round * 17 + row) % 40;
        setTags(batch, [`host_${host}`, host % 3, null], [0, 1, 2]);
        setFields(batch, row);
        batch.endRow();
      }
      const section = batch.encodeSection();
      batch.clear();
      // Behind the head of 13 bytes, and the counts of rows and tuples, a byte each.
      return section.subarray(15);
    });
    const plain = new ByteWriter();
    tuples.writeTags(
      plain,
      Int32Array.from({ length: 40 }, (_, index) => index),
      40,
    );
    for (const block of tagBlocks) {
      expect(hexOfBytes(block.subarray(0, plain.length))).toBe(hexOfBytes(plain.take()));
    }
  });

  it('counts the bytes of a tuple as new in the batch that brings it, and in no later one', () => {
    const tuples = new TupleMemory(3);
    const batch = new RowBatch(schema, tuples);
    const fill = (hosts: readonly number[]): { all: number; fresh: number } => {
      batch.clear();
      hosts.forEach((host, row) => {
        setTags(batch, [`host_${host}`, 1, null], [0, 1, 2]);
        setFields(batch, row);
        batch.endRow();
      });
      return { all: batch.approximateBytes, fresh: batch.newBytes };
    };
    const first = fill([10, 11, 12, 10]);
    expect(first.fresh).toBe(first.all);
    const again = fill([12, 10, 11, 11]);
    expect(again.all).toBe(first.all);
    const none = fill([]);
    expect(none.fresh).toBe(none.all);
    const mixed = fill([12, 10, 99, 99]);
    expect(mixed.all).toBe(first.all);
    // Three hosts of equally long names: a third of their bytes is new.
    expect(mixed.fresh - again.fresh).toBe((first.fresh - again.fresh) / 3);
  });

  it('leaves a full memory for one empty successor, all batches for the same', () => {
    const tuples = new TupleMemory(3);
    const batches = [new RowBatch(schema, tuples), new RowBatch(schema, tuples)];
    for (const [index, batch] of batches.entries()) {
      for (let row = 0; row < 40_000; row++) {
        setTags(batch, [`series-${index}-${row}`, 1, null], [0, 1, 2]);
        setFields(batch, row);
        batch.endRow();
      }
    }
    expect(tuples.isFull).toBe(true);
    expect(batches.map((batch) => batch.tuples)).toEqual([tuples, tuples]);
    for (const batch of batches) batch.clear();
    const [first, second] = batches.map((batch) => batch.tuples);
    expect(first).not.toBe(tuples);
    expect(second).toBe(first);
    expect(new RowBatch(schema, tuples).tuples).toBe(first);
    expect(first!.count).toBe(0);
    const [batch] = batches;
    expect([batch!.lastTuple, batch!.likelyTuple]).toEqual([-1, -1]);
    const plain = new RowBatch(schema);
    for (const each of [batch!, plain]) {
      setTags(each, ['series-0-7', 1, null], [0, 1, 2]);
      setFields(each, 0);
      each.endRow();
    }
    expect(hexOfBytes(batch!.encodeSection())).toBe(hexOfBytes(plain.encodeSection()));
  });
});

describe('RowBatch over a table of many series', () => {
  const tags = schema.columns.slice(0, 3);

  /** Applies a section as a store does; returns each of its tuples' series. */
  function apply(section: Uint8Array, series: SeriesDictionary): Uint32Array {
    const body = Buffer.concat([Uint8Array.of(1, 0), section]);
    const [{ reader }] = [...sectionsOf(body, 0)] as [Section];
    const rows = new RowsSectionReader(reader, sectionShape(schema, 'rows'), freshMemory);
    return resolveSeries(series, rows.tags, rows.tupleCount, (tuple, start, end, known) =>
      series.idOf(tuple, start, end, known),
    ).slice(0, rows.tupleCount);
  }

  it('makes sections of the same rows as a new batch, whether it knows the series or not', () => {
    let named = 0;
    fc.assert(
      fc.property(
        allSeries,
        fc.array(fc.tuple(walk, order, fc.boolean(), fc.boolean()), {
          minLength: 2,
          maxLength: 8,
        }),
        (series, batches) => {
          let table: TableSeries | null = newTable();
          const tuples = new TupleMemory(3, { tuplesMax: 1, seriesOfTable: () => table });
          const remembering = [new RowBatch(schema, tuples), new RowBatch(schema, tuples)];
          batches.forEach(([steps, cells, isApplied, isAnother], index) => {
            // What was known of another table's series is of no use, and does no harm.
            if (isAnother && index === 4) table = newTable();
            if (isAnother && index === 6) table = null;
            const batch = remembering[index % 2]!;
            const plain = new RowBatch(schema);
            seriesOfWalk(series, steps).forEach((rowTags, row) => {
              setTags(plain, rowTags, [0, 1, 2]);
              setTags(batch, rowTags, cells);
              for (const each of [batch, plain]) {
                setFields(each, row);
                each.endRow();
              }
              if (batch.lastTuple < -1) named += 1;
            });
            expect(batch.seriesCount).toBe(plain.seriesCount);
            expect(batch.approximateBytes).toBe(plain.approximateBytes);
            const section = batch.encodeSection();
            expect(section.length).toBeLessThanOrEqual(batch.approximateBytes);
            expect(rowsIn(section)).toEqual(rowsIn(plain.encodeSection()));
            if (isApplied && table !== null) apply(section, table.series);
            batch.clear();
          });
        },
      ),
      { numRuns: 300 },
    );
    expect(named).toBeGreaterThan(300);
  });

  it('announces the series of its tuples to whoever applies them', () => {
    const table = newTable();
    const tuples = new TupleMemory(3, { tuplesMax: 1, seriesOfTable: () => table });
    const batch = new RowBatch(schema, tuples);
    const section = (from: number, to: number): Uint8Array => {
      batch.clear();
      for (let host = from; host < to; host++) {
        setTags(batch, [`host_${host}`, host % 3, null], [0, 1, 2]);
        setFields(batch, host);
        batch.endRow();
      }
      return batch.encodeSection();
    };
    const resolvedOf = (bytes: Uint8Array): Uint32Array | null => {
      const body = Buffer.concat([Uint8Array.of(1, 0), bytes]);
      const [{ reader }] = [...sectionsOf(body, 0)] as [Section];
      const shape = sectionShape(schema, 'rows');
      return new RowsSectionReader(reader, shape, freshMemory, table.tagBlocks).resolved;
    };
    apply(section(0, 60), table.series);
    const known = section(20, 50);
    expect(resolvedOf(known)).toEqual(apply(known, table.series));
    // A tuple that is no series yet: the section is taken apart.
    expect(resolvedOf(section(40, 61))).toBeNull();
  });

  it('asks for what is known of the table anew for each batch', () => {
    let table: TableSeries | null = newTable();
    const tuples = new TupleMemory(3, { tuplesMax: 1, seriesOfTable: () => table });
    const batch = new RowBatch(schema, tuples);
    const endRow = (host: string): number => {
      setTags(batch, [host, 1, null], [0, 1, 2]);
      setFields(batch, batch.rowCount);
      batch.endRow();
      return batch.lastTuple;
    };
    endRow('a');
    endRow('b');
    apply(batch.encodeSection(), table.series);
    batch.clear();
    expect([endRow('a'), endRow('b')]).toEqual([-2, -3]);
    expect(endRow('c')).toBeGreaterThanOrEqual(0);
    batch.clear();
    table = null;
    expect(batch.likelyTuple).toBe(-1);
    expect(endRow('a')).toBeGreaterThanOrEqual(0);
  });

  function newTable(): TableSeries {
    return { series: SeriesDictionary.ofTags(tags), tagBlocks: new ResolvedTagBlocks() };
  }
});

describe('resolveSeries', () => {
  it('gives each tuple the id that looking it up gives', () => {
    fc.assert(
      fc.property(
        allSeries,
        fc.array(fc.tuple(walk, fc.boolean()), { minLength: 1, maxLength: 8 }),
        (series, sections) => {
          const tags = schema.columns.slice(0, 3);
          const predicted = SeriesDictionary.ofTags(tags);
          const looked = SeriesDictionary.ofTags(tags);
          for (const [steps, isFork] of sections) {
            const batch = new RowBatch(schema);
            const rows = seriesOfWalk(series, steps);
            rows.forEach((rowTags, row) => {
              setTags(batch, rowTags, [0, 1, 2]);
              setFields(batch, row);
              batch.endRow();
            });
            const body = Buffer.concat([Uint8Array.of(1, 0), batch.encodeSection()]);
            const [section] = [...sectionsOf(body, 0)];
            const payload = section!.reader;
            const reader = new RowsSectionReader(
              new ByteReader(body, payload.offset, payload.end),
              sectionShape(schema, 'rows'),
              freshMemory,
            );
            // A fork, as a transaction has it, knows the same series and adds its own.
            const into = isFork ? predicted.fork() : predicted;
            const expectedInto = isFork ? looked.fork() : looked;
            const ids = resolveSeries(
              predicted,
              reader.tags,
              reader.tupleCount,
              (tuple, start, end) => into.idOf(tuple, start, end),
            ).slice(0, reader.tupleCount);
            const distinct = new Map<string, number>();
            for (const rowTags of rows) {
              const key = JSON.stringify(rowTags);
              if (distinct.has(key)) continue;
              const writer = new TagTupleWriter();
              for (const value of rowTags) {
                if (value === null) writer.nullCell();
                else if (typeof value === 'number') writer.numberCell(value);
                else writer.bytesCell(Buffer.from(value), 0, value.length);
              }
              distinct.set(key, expectedInto.idOf(writer.bytes, 0, writer.length));
            }
            expect([...ids]).toEqual([...distinct.values()]);
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});
