/**
 * What the scanner remembers of earlier rows must never show: batches that were filled with predicted tags and repeated times hold the
 * rows of a scanner that remembers nothing. Only the order of their distinct tuples is the memory's.
 */

import fc from 'fast-check';
import type { SqlType } from '../../src/catalog/sql-type.js';
import { fixedTimeZone } from '../../src/exec/time-zone.js';
import { CellConverter } from '../../src/sql/cell-conversion.js';
import { InsertScanner } from '../../src/sql/insert-scanner.js';
import type { InsertTarget } from '../../src/sql/insert-target.js';
import { RecordedCell } from '../../src/sql/recorded-cell.js';
import type { RowSink } from '../../src/sql/row-sink.js';
import { CanonicalTags } from '../../src/sql/canonical-tags.js';
import { TagTexts } from '../../src/sql/tag-texts.js';
import {
  ColumnRole,
  ColumnType,
  RowBatch,
  type TableSchema,
  type TableSeries,
  TupleMemory,
} from '../../storage/index.js';
import { SeriesDictionary } from '../../storage/series-dictionary.js';
import { resolveSeries } from '../../storage/series-resolver.js';
import { ResolvedTagBlocks } from '../../storage/tag-block-cache.js';
import { RowsSectionReader, sectionShape } from '../../storage/rows-section.js';
import { TagTupleWriter } from '../../storage/tag-tuple.js';
import { freshMemory } from '../../storage/vector-memory.js';
import { encodeWriteBody, sectionsOf, type Section } from '../../storage/write-body.js';
import { hexOfBytes } from '../support/hex-fixture.js';
import { ForgetfulSink, readPieces, readSection } from './batch-support.js';
import { BIG, BIG_UNSIGNED, datetime, DOUBLE, evaluate, INT, TEXT } from './scan-support.js';
import { parseExpression } from '../../src/sql/parser.js';

/** Scripts of a few statements each. */
const RUNS = 500;
const NAME: SqlType = { kind: 'text', spelling: 'varchar', length: 6 };
const CODE: SqlType = { kind: 'text', spelling: 'char', length: 4 };
const TINY: SqlType = { kind: 'integer', bits: 8, unsigned: false };
const TAGS: readonly (readonly [SqlType, ColumnType])[] = [
  [NAME, ColumnType.text],
  [INT, ColumnType.int32],
  [CODE, ColumnType.text],
];
const FIELDS: readonly (readonly [SqlType, ColumnType])[] = [
  [INT, ColumnType.int32],
  [NAME, ColumnType.text],
  [BIG, ColumnType.int64],
  [BIG, ColumnType.int64],
  [TINY, ColumnType.int8],
  [INT, ColumnType.int32],
  [DOUBLE, ColumnType.float64],
  [BIG_UNSIGNED, ColumnType.uint64],
];
const TYPES = [...TAGS, [datetime(3), ColumnType.datetime] as const, ...FIELDS];
const COLUMNS = TYPES.map((_, index) => index);
const SCHEMA: TableSchema = {
  tableId: 7,
  appendMode: false,
  partitionMs: 86_400_000,
  columns: TYPES.map(([, type], index) => ({
    id: index + 1,
    type,
    role:
      index < TAGS.length
        ? ColumnRole.tag
        : index === TAGS.length
          ? ColumnRole.time
          : ColumnRole.field,
    precision: type === ColumnType.datetime ? 3 : 0,
  })),
};

interface Mode {
  readonly ansiQuotes: boolean;
  readonly noBackslashEscapes: boolean;
}

const PLAIN: Mode = { ansiQuotes: false, noBackslashEscapes: false };

/** Order of the columns in VALUES. A DEFAULT is another value in each statement. */
function targetOf(
  sink: RowSink,
  order: readonly number[],
  mode: Mode,
  defaultText: string,
): InsertTarget {
  const context = { row: 0, timeZone: fixedTimeZone('UTC', 0) };
  const cells = order.map((column) => {
    const type = TYPES[column]![0];
    const converter = new CellConverter(
      { name: `c${column}`, type, nullable: column !== TAGS.length, schemaIndex: column },
      context,
    );
    const defaultCell = new RecordedCell();
    if (type.kind === 'text') {
      converter.text(defaultCell, Buffer.from(defaultText), 0, defaultText.length, true);
    } else {
      converter.integer(defaultCell, Number(defaultText));
    }
    return { converter, defaultCell };
  });
  return {
    batch: sink,
    context,
    cells,
    omitted: [],
    evaluate: (expression) => evaluate(parseExpression(expression, mode)),
    isBatchFull: () => false,
    onBatchFull: () => undefined,
  };
}

function scan(
  sink: RowSink,
  order: readonly number[],
  text: string,
  cuts: readonly number[],
  mode: Mode,
  defaultText: string,
): string {
  const target = targetOf(sink, order, mode, defaultText);
  return readPieces(new InsertScanner(target, { ...mode, line: 1, rowsPerTurn: 3 }), text, cuts);
}

const textValue = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom("'a'", "'b'", "'host_1'", "''", "'é'", "'a b'") },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      "'it''s'",
      "'x\\'y'",
      "'\\\\'",
      '"a"',
      '"b"',
      'NULL',
      'DEFAULT',
      "X'61'",
      '12',
      "'a,b'",
      "'q)('",
      "'a' 'b'",
      "concat('a','b')",
    ),
  },
  { weight: 1, arbitrary: fc.constantFrom("'a  '", "'toolong'", "'a\nb'") },
);
const integerValue = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 120 }).map(String) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '-5',
      'NULL',
      'DEFAULT',
      '007',
      '2147483647',
      '2147483648',
      '1.5',
      "'12'",
      '1+1',
      '0x1F',
      '12345678901',
      '99999',
      '100000',
      '9007199254740993',
      '-9007199254740993',
    ),
  },
);
const timeValue = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.integer({ min: 0, max: 3 }).map((second) => `'2026-01-01 00:00:0${second}'`),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '1767225600000',
      '1767225600001',
      "'2026-01-01T00:00:01.25Z'",
      "'2026-01-01'",
      'NULL',
      "'not a time'",
    ),
  },
);
const valueOf = (column: number): fc.Arbitrary<string> => {
  const { kind } = TYPES[column]![0];
  if (kind === 'text') return textValue;
  return kind === 'datetime' ? timeValue : integerValue;
};
const gap = fc.constantFrom('', '', '', '', '', '', ' ', '\n', '/*,*/');
const tagsOfSeries = fc.tuple(...TAGS.map((_, column) => valueOf(column)));
const orders = fc.oneof(
  { weight: 3, arbitrary: fc.constant(COLUMNS) },
  {
    weight: 1,
    arbitrary: fc
      .shuffledSubarray([0, 1, 2], { minLength: 3 })
      .map((tags) => [...tags, ...COLUMNS.slice(TAGS.length)]),
  },
  { weight: 1, arbitrary: fc.shuffledSubarray(COLUMNS, { minLength: COLUMNS.length }) },
);
const statement = fc.record({
  /** Mostly one series after another, from any start. */
  start: fc.nat(5),
  rows: fc.array(
    fc.record({
      jump: fc.oneof({ weight: 9, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: fc.nat(5) }),
      values: fc.tuple(...TYPES.map((_, column) => valueOf(column))),
      gap,
    }),
    { minLength: 1, maxLength: 20 },
  ),
  cuts: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 6 }),
  batch: fc.nat(1),
  order: fc.nat(1),
  mode: fc.oneof(
    { weight: 4, arbitrary: fc.constant({ ansiQuotes: false, noBackslashEscapes: false }) },
    {
      weight: 1,
      arbitrary: fc.record({ ansiQuotes: fc.boolean(), noBackslashEscapes: fc.boolean() }),
    },
  ),
  defaultText: fc.constantFrom('1', '2'),
  /** The rows are applied before the next statement is read. */
  isApplied: fc.oneof(
    { weight: 4, arbitrary: fc.constant(true) },
    { weight: 1, arbitrary: fc.constant(false) },
  ),
});

/** What a store would know of the table's series, and how it comes to know them. */
class SeriesOfTable implements TableSeries {
  readonly series = SeriesDictionary.ofTags(SCHEMA.columns.slice(0, TAGS.length));
  readonly tagBlocks = new ResolvedTagBlocks();

  apply(section: Uint8Array): void {
    const body = Buffer.concat(encodeWriteBody([section]));
    const [{ reader }] = [...sectionsOf(body, 0)] as [Section];
    const shape = sectionShape(SCHEMA, 'rows');
    const { tags, tupleCount } = new RowsSectionReader(reader, shape, freshMemory);
    resolveSeries(this.series, tags, tupleCount, (tuple, start, end, known) =>
      this.series.idOf(tuple, start, end, known),
    );
  }
}

/** Both have the same rows. Returns how many tuples `batch` has for them. */
function expectSameSections(batch: RowBatch, plain: RowBatch): number {
  const { tupleCount, ...rows } = readSection(SCHEMA, batch.encodeSection(), 'rows');
  const expected = readSection(SCHEMA, plain.encodeSection(), 'rows');
  expect({ ...rows, tupleCount: expected.tupleCount }).toEqual(expected);
  const keys = readSection(SCHEMA, batch.encodeKeySection(), 'key-deletes');
  const expectedKeys = readSection(SCHEMA, plain.encodeKeySection(), 'key-deletes');
  expect(keys).toEqual({ ...expectedKeys, tupleCount });
  return tupleCount;
}

test('remembered tags and times read as if they were not remembered', () => {
  let predicted = 0;
  let predictedSeries = 0;
  fc.assert(
    fc.property(
      fc.array(tagsOfSeries, { minLength: 1, maxLength: 6 }),
      fc.tuple(orders, orders),
      fc.array(statement, { minLength: 1, maxLength: 8 }),
      fc.boolean(),
      (series, twoOrders, statements, areMany) => {
        const table = new SeriesOfTable();
        // A memory is full at once where there are many: from then on known series go by their ids.
        const options = areMany ? { tuplesMax: 1, seriesOfTable: () => table } : {};
        const tuples = new TupleMemory(TAGS.length, options);
        const batches = [new RowBatch(SCHEMA, tuples), new RowBatch(SCHEMA, tuples)];
        for (const batch of batches) {
          const setTuple = batch.setTuple.bind(batch);
          batch.setTuple = (handle) => {
            predicted += 1;
            if (handle < 0) predictedSeries += 1;
            setTuple(handle);
          };
        }
        for (const { start, rows, cuts, batch: which, order: orderIndex, ...rest } of statements) {
          const order = twoOrders[orderIndex]!;
          let at = start;
          const text = rows
            .map(({ jump, values, gap: blank }) => {
              at += jump;
              const cells = [...series[at % series.length]!, ...values.slice(TAGS.length)];
              return `(${order.map((column) => cells[column]!).join(`,${blank}`)})`;
            })
            .join(',');
          const length = Buffer.byteLength(text);
          const places = cuts.map((cut) => Math.floor(cut * length)).sort((a, b) => a - b);
          const batch = batches[which]!;
          const plain = new ForgetfulSink(SCHEMA);
          const { mode, defaultText } = rest;
          const expected = scan(plain, order, text, [], mode, defaultText);
          expect(scan(batch, order, text, places, mode, defaultText)).toBe(expected);
          expect(batch.rowCount).toBe(plain.rowCount);
          if (batch.rowCount > 0) {
            const tupleCount = expectSameSections(batch, plain.batch);
            const isEach = tupleCount === plain.batch.seriesCount;
            // A tuple that the memory has, and that has become a series since, may be there by both handles.
            expect(isEach || (areMany && tupleCount > plain.batch.seriesCount)).toBe(true);
            const tooMuch = batch.approximateBytes - plain.batch.approximateBytes;
            expect(isEach ? tooMuch === 0 : tooMuch > 0).toBe(true);
            if (rest.isApplied) table.apply(batch.encodeSection());
          }
          batch.abandonRow();
          batch.clear();
        }
      },
    ),
    { numRuns: RUNS },
  );
  // The test is worth something only if tags were predicted at all.
  expect(predicted).toBeGreaterThan((RUNS * 2) / 3);
  expect(predictedSeries).toBeGreaterThan(RUNS / 20);
});

describe('CanonicalTags', () => {
  const tags = [TEXT, INT, TEXT].map((type, column) => ({ column, type, nullable: true }));
  const layout = { tags, ansiQuotes: false, noBackslashEscapes: false };
  const viewOf = (bytes: Uint8Array): DataView =>
    new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

  /** Offset behind the tags in `text`, whose tuple has these cells; -1 = they are not seen to be the same. */
  function match(cells: readonly (string | null)[], text: string): number {
    const tuple = new TagTupleWriter();
    tuple.rawCell(Buffer.from('some other tuple'), 0, 16);
    const start = tuple.length;
    for (const cell of cells) {
      if (cell === null) tuple.nullCell();
      else tuple.bytesCell(Buffer.from(cell), 0, cell.length);
    }
    const chunk = Buffer.from(`(${text}`);
    const canonical = CanonicalTags.of(layout)!;
    return canonical.match(viewOf(tuple.bytes), start, viewOf(chunk), 1, chunk.length) - 1;
  }

  const long = 'h'.repeat(126);
  it.each<[string, readonly (string | null)[], string, boolean]>([
    ['as usual', ['host_1', '12', 'a'], "'host_1',12,'a',1,2)", true],
    ['no text', ['', '0', ''], "'',0,'',1,2)", true],
    ['NULL', [null, null, null], 'NULL,NULL,NULL,1,2)', true],
    ['NULL in other letters', [null, '1', 'a'], "null,1,'a',1,2)", false],
    ['NULL as text', ['NULL', '1', 'a'], "NULL,1,'a',1,2)", false],
    ['another text', ['host_1', '12', 'a'], "'host_2',12,'a',1,2)", false],
    ['a longer text', ['host_1', '12', 'a'], "'host_12',12,'a',1,2)", false],
    ['a shorter text', ['host_12', '12', 'a'], "'host_1',12,'a',1,2)", false],
    ['a longer number', ['host_1', '12', 'a'], "'host_1',123,'a',1,2)", false],
    ['a number in quotes', ['host_1', '12', 'a'], "'host_1','12','a',1,2)", false],
    ['a text without quotes', ['7', '12', 'a'], "7,12,'a',1,2)", false],
    ['a number below zero', ['host_1', '-12', 'a'], "'host_1',-12,'a',1,2)", false],
    ['blanks', ['host_1', '12', 'a'], "'host_1', 12,'a',1,2)", false],
    ['the longest cell', [long, '12', 'a'], `'${long}',12,'a',1,2)`, true],
    ['a cell too long', [`${long}h`, '12', 'a'], `'${long}h',12,'a',1,2)`, false],
    ['nothing behind it', ['host_1', '12', 'a'], "'host_1',12,'a')", false],
  ])('%s', (_, cells, text, isSame) => {
    const behind = text.lastIndexOf(',1,2)') + 1;
    expect(match(cells, text)).toBe(isSame ? behind : -2);
  });

  it('end with what is there of the text', () => {
    const text = "'host_1',12,'a',1234567";
    const behind = text.indexOf('1234567');
    for (let length = 0; length < behind; length++) {
      expect(match(['host_1', '12', 'a'], text.slice(0, length))).toBe(-2);
    }
    expect(match(['host_1', '12', 'a'], text)).toBe(behind);
  });

  it('are for texts and integers, in the order of the identity', () => {
    const of = (column: number, type: SqlType): CanonicalTags | null =>
      CanonicalTags.of({ ...layout, tags: [{ column, type, nullable: true }] });
    expect(of(0, TEXT)).not.toBeNull();
    expect(of(1, TEXT)).toBeNull();
    expect(of(0, DOUBLE)).toBeNull();
    expect(of(0, datetime(3))).toBeNull();
  });
});

test('cut at any offset, the second time the tags are known', () => {
  const text =
    "('a',1,'x','2026-01-01 00:00:01',1,'t',2,3,4,56789,1.5,10),('b\\'',2,NULL,'2026-01-01 00:00:01',3,'',4,123456, 7,100,2,8)";
  const mode = { ansiQuotes: false, noBackslashEscapes: false };
  const order = COLUMNS;
  const batch = new RowBatch(SCHEMA);
  expect(scan(batch, order, text, [], mode, '1')).toBe('read');
  const expected = hexOfBytes(batch.encodeSection());
  for (let cut = 0; cut <= text.length; cut++) {
    batch.clear();
    expect(scan(batch, order, text, [cut], mode, '1')).toBe('read');
    expect({ cut, bytes: hexOfBytes(batch.encodeSection()) }).toEqual({ cut, bytes: expected });
  }
});

test('runs of integers: while lanes grow, and while columns hold values beyond 2^53', () => {
  const mode = { ansiQuotes: false, noBackslashEscapes: false };
  const rowOf = (row: number, wide: string): string =>
    `('a',1,'x','2026-01-01 00:00:01',${row},'t',${row % 7},${wide},${row % 100},5,1.5,${row * 11})`;
  const batch = new RowBatch(SCHEMA);
  // Wide values come and go: a column has its lane back in the next batch.
  for (const wideRow of [NaN, 0, 70, NaN, 129, NaN]) {
    const text = Array.from({ length: 130 }, (_, row) =>
      rowOf(row, row === wideRow ? '-9223372036854775808' : String(row * 3)),
    ).join(',');
    const plain = new ForgetfulSink(SCHEMA);
    batch.clear();
    expect(scan(batch, COLUMNS, text, [], mode, '1')).toBe('read');
    expect(scan(plain, COLUMNS, text, [], mode, '1')).toBe('read');
    expect(hexOfBytes(batch.encodeSection())).toBe(hexOfBytes(plain.batch.encodeSection()));
  }
});

describe('TagTexts', () => {
  const layout = {
    tags: [{ column: 0, type: TEXT, nullable: true }],
    ansiQuotes: false,
    noBackslashEscapes: false,
  };
  const match = (texts: TagTexts, handle: number, chunk: Uint8Array, start = 0): number =>
    texts.match(
      handle,
      new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength),
      start,
      chunk.length,
    );

  it('match nothing but the text that was learned, of any length', () => {
    const texts = TagTexts.of({}, layout);
    for (let length = 8; length < 40; length++) {
      const chunk = Buffer.from(Array.from({ length: length + 9 }, (_, index) => 65 + index));
      texts.learn(length, chunk, 3, 3 + length);
      expect(match(texts, length, chunk, 3)).toBe(3 + length);
      for (let at = 3; at < 3 + length; at++) {
        const other = Buffer.from(chunk);
        other[at] = 0x20;
        expect({ at, match: match(texts, length, other, 3) }).toEqual({ at, match: -1 });
      }
      expect(match(texts, length, chunk.subarray(0, length + 2), 3)).toBe(-1);
    }
  });

  it('are another set for another layout, and the same again for the same', () => {
    const tuples = {};
    const texts = TagTexts.of(tuples, layout);
    texts.learn(70, Buffer.from("('abcdef',"), 1, 10);
    expect(match(texts, 70, Buffer.from("'abcdef',1"))).toBe(9);
    expect(match(texts, 69, Buffer.from("'abcdef',1"))).toBe(-1);
    expect(match(texts, 7000, Buffer.from("'abcdef',1"))).toBe(-1);
    const others = [
      { ...layout, ansiQuotes: true },
      { ...layout, noBackslashEscapes: true },
      { ...layout, tags: [{ column: 0, type: NAME, nullable: true }] },
    ];
    for (const other of others) expect(TagTexts.of(tuples, other)).not.toBe(texts);
    expect(TagTexts.of(tuples, { ...layout })).toBe(texts);
    expect(TagTexts.of({}, layout)).not.toBe(texts);
  });

  it('forget when they would take too much, and go on', () => {
    const texts = TagTexts.of({}, layout);
    const long = Buffer.alloc(1 << 20, 0x61);
    for (let handle = 0; handle < 20; handle++) {
      texts.learn(handle, long, 0, long.length);
      expect(match(texts, handle, long)).toBe(long.length);
    }
    expect(match(texts, 0, long)).toBe(-1);
    for (const length of [9 << 20, 7]) {
      texts.learn(99, Buffer.alloc(length, 0x61), 0, length);
      expect(match(texts, 99, Buffer.alloc(length, 0x61))).toBe(-1);
    }
    expect(match(texts, 19, long)).toBe(long.length);
  });
});

test('a scanner that goes from batch to batch writes no cell where only the other batch has a lane', () => {
  const rowOf = (value: (column: number) => string): string => `(${COLUMNS.map(value).join(',')})`;
  const usual = (column: number): string => (TYPES[column]![0].kind === 'text' ? "'a'" : '1');
  const wide = COLUMNS.filter((column) => TYPES[column]![0] === BIG);
  const batches = wide.map(() => new RowBatch(SCHEMA));
  const scanner = new InsertScanner(targetOf(batches[0]!, COLUMNS, PLAIN, '1'), {
    ...PLAIN,
    line: 1,
    rowsPerTurn: 3,
  });
  const plain = batches.map(() => new ForgetfulSink(SCHEMA));
  // Each batch has lost the lane of another column.
  const texts = wide.map((without) =>
    rowOf((column) => (column === without ? '-9223372036854775808' : usual(column))),
  );
  for (const text of [...texts, ...texts, rowOf(usual), rowOf(usual)]) {
    const batch = batches.shift()!;
    const sink = plain.shift()!;
    batches.push(batch);
    plain.push(sink);
    scanner.restart(targetOf(batch, COLUMNS, PLAIN, '1'));
    expect(readPieces(scanner, text, [])).toBe('read');
    expect(scan(sink, COLUMNS, text, [], PLAIN, '1')).toBe('read');
  }
  for (const [place, batch] of batches.entries()) {
    expect(hexOfBytes(batch.encodeSection())).toBe(hexOfBytes(plain[place]!.batch.encodeSection()));
  }
});

test('a scanner that goes from batch to batch reads as one that is made for each', () => {
  const cells = (values: readonly string[]): string => `(${values.join(',')})`;
  const usual = COLUMNS.map((column) => (TYPES[column]![0].kind === 'text' ? "'a'" : '1'));
  const many = Array.from({ length: 150 }, () => cells(usual)).join(',');
  fc.assert(
    fc.property(fc.array(statement, { minLength: 1, maxLength: 12 }), (statements) => {
      const tuples = new TupleMemory(TAGS.length);
      const batches = [0, 1, 2].map(() => new RowBatch(SCHEMA, tuples));
      // One has room for more rows than the others: its cells lie elsewhere.
      scan(batches[0]!, COLUMNS, many, [], PLAIN, '1');
      batches[0]!.clear();
      const scanner = new InsertScanner(targetOf(batches[1]!, COLUMNS, PLAIN, '1'), {
        ...PLAIN,
        line: 1,
        rowsPerTurn: 3,
      });
      for (const { rows, start } of statements) {
        const batch = batches[start % 3]!;
        const text = rows.map(({ values }) => cells(values)).join(',');
        scanner.restart(targetOf(batch, COLUMNS, PLAIN, '1'));
        const plain = new ForgetfulSink(SCHEMA);
        const outcome = scan(plain, COLUMNS, text, [], PLAIN, '1');
        if (outcome !== 'read') continue;
        expect(readPieces(scanner, text, [])).toBe(outcome);
        expect(readSection(SCHEMA, batch.encodeSection(), 'rows')).toEqual(
          readSection(SCHEMA, plain.batch.encodeSection(), 'rows'),
        );
        batch.clear();
      }
    }),
    { numRuns: 200 },
  );
});
