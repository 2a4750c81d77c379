/**
 * Rows that are read many at once hold what they hold when they are read one by one: wherever a row stands that is not as usual, wherever
 * chunks end, and wherever the batch is full. The other side of each comparison is a sink that offers nothing to read many rows with.
 */

import fc from 'fast-check';
import type { SqlType } from '../../src/catalog/sql-type.js';
import { resolveTimeZone, UTC, type TimeZone } from '../../src/exec/time-zone.js';
import { CellConverter } from '../../src/sql/cell-conversion.js';
import { InsertScanner } from '../../src/sql/insert-scanner.js';
import type { InsertTarget } from '../../src/sql/insert-target.js';
import { parseExpression } from '../../src/sql/parser.js';
import { RecordedCell } from '../../src/sql/recorded-cell.js';
import type { RowSink } from '../../src/sql/row-sink.js';
import { TextSlot } from '../../src/sql/text-slots.js';
import {
  ColumnRole,
  ColumnType,
  RowBatch,
  type TableSchema,
  TupleMemory,
} from '../../storage/index.js';
import { SeriesDictionary } from '../../storage/series-dictionary.js';
import { ResolvedTagBlocks } from '../../storage/tag-block-cache.js';
import { ForgetfulSink, readPieces, readSection, tuplesOf } from './batch-support.js';
import { BIG, datetime, evaluate, INT, timestamp } from './scan-support.js';

const MODE = { ansiQuotes: false, noBackslashEscapes: false };
const NAME: SqlType = { kind: 'text', spelling: 'varchar', length: 20 };
const TINY: SqlType = { kind: 'integer', bits: 8, unsigned: false };

/** In the order of the schema: tags first. */
interface Table {
  readonly schema: TableSchema;
  readonly types: readonly SqlType[];
  /** Order in VALUES. */
  readonly order: readonly number[];
}

const TAG_COUNT = 2;

function tableOf(time: SqlType, order: readonly number[], name: SqlType = NAME): Table {
  const columns: readonly (readonly [SqlType, ColumnType])[] = [
    [name, ColumnType.text],
    [INT, ColumnType.int32],
    [time, time.kind === 'timestamp' ? ColumnType.timestamp : ColumnType.datetime],
    [INT, ColumnType.int32],
    [TINY, ColumnType.int8],
    [BIG, ColumnType.int64],
  ];
  return {
    order,
    types: columns.map(([type]) => type),
    schema: {
      tableId: 7,
      appendMode: false,
      partitionMs: 86_400_000,
      columns: columns.map(([, type], index) => ({
        id: index + 1,
        type,
        role:
          index < TAG_COUNT
            ? ColumnRole.tag
            : index === TAG_COUNT
              ? ColumnRole.time
              : ColumnRole.field,
        precision: index === TAG_COUNT ? 3 : 0,
      })),
    },
  };
}

/** Time before, between and behind the integers. */
const ORDERS = [
  [0, 1, 2, 3, 4, 5],
  [0, 1, 5, 2, 3, 4],
  [1, 0, 3, 4, 5, 2],
];
const TABLE = tableOf(datetime(3), ORDERS[0]!);

function targetOf(
  { types, order }: Table,
  sink: RowSink,
  timeZone: TimeZone,
  isBatchFull: InsertTarget['isBatchFull'],
): InsertTarget {
  const context = { row: 0, timeZone };
  const cells = order.map((column) => {
    const converter = new CellConverter(
      {
        name: `c${column}`,
        type: types[column]!,
        nullable: column !== TAG_COUNT,
        schemaIndex: column,
      },
      context,
    );
    const defaultCell = new RecordedCell();
    if (column === 0) converter.text(defaultCell, Buffer.from('d'), 0, 1, true);
    else converter.integer(defaultCell, 5);
    return { converter, defaultCell };
  });
  return {
    batch: sink,
    context,
    cells,
    omitted: [],
    evaluate: (expression) => evaluate(parseExpression(expression, MODE)),
    isBatchFull,
    onBatchFull: () => undefined,
  };
}

const never = (): boolean => false;

function scannerInto(
  table: Table,
  sink: RowSink,
  timeZone = UTC,
  isBatchFull: InsertTarget['isBatchFull'] = never,
  rowsPerTurn = 1000,
): InsertScanner {
  const target = targetOf(table, sink, timeZone, isBatchFull);
  return new InsertScanner(target, { ...MODE, line: 1, rowsPerTurn });
}

/** Rows that were read many at once, and in how many goes. */
let manyRows = 0;
let manyCalls = 0;

function watchedBatch(schema: TableSchema, tuples: TupleMemory): RowBatch {
  const batch = new RowBatch(schema, tuples);
  const endRows = batch.endRows.bind(batch);
  batch.endRows = (handles, count) => {
    manyRows += count;
    manyCalls += 1;
    endRows(handles, count);
  };
  const endSpelledRows = batch.endSpelledRows.bind(batch);
  batch.endSpelledRows = (spelled, count) => {
    manyRows += count;
    endSpelledRows(spelled, count);
  };
  return batch;
}

/**
 * What is known of the series of the rows to come: their texts are remembered; or there are very many, which are series of the table, or are new
 * to it, or some of both.
 */
const KNOWLEDGE = ['texts', 'series', 'nothing', 'some series'] as const;
type Knowledge = (typeof KNOWLEDGE)[number];

/** A memory of tuples to begin with, and what makes the series of a section known to the table. */
function memoryOf(
  { schema }: Table,
  knowledge: Knowledge,
): { tuples: TupleMemory; learn: (section: Uint8Array) => void } {
  if (knowledge === 'texts') {
    return { tuples: new TupleMemory(TAG_COUNT), learn: () => undefined };
  }
  const table = {
    series: SeriesDictionary.ofTags(schema.columns.slice(0, TAG_COUNT)),
    tagBlocks: new ResolvedTagBlocks(),
  };
  return {
    // Full at once: from then on series go by their ids.
    tuples: new TupleMemory(TAG_COUNT, { tuplesMax: 1, seriesOfTable: () => table }),
    learn: (section) => {
      if (knowledge === 'nothing') return;
      tuplesOf(schema, section).forEach((tuple, index) => {
        if (knowledge === 'series' || index % 3 > 0) table.series.idOf(tuple, 0, tuple.length);
      });
    },
  };
}

/** Tags come in the order of the identity: else they are not read many at a time where nothing is known of their texts. */
function isInOrder({ order }: Table): boolean {
  return order[0] === 0 && order[1] === 1;
}

/** Cells by column. */
function rowText({ order }: Table, cells: readonly string[]): string {
  return `(${order.map((column) => cells[column]).join(',')})`;
}

function usualCells(row: number, hosts: number): string[] {
  const host = row % hosts;
  const second = String(Math.floor(row / hosts) % 60).padStart(2, '0');
  const values = [row % 7, row % 101, row * 31].map(String);
  return [`'host_${host}'`, String(host * 3), `'2026-01-01 00:00:${second}'`, ...values];
}

/** Reads `text`, cut at `cuts`, both ways; `warm` was read before, so that so much is known of its series. Returns what became of it. */
function compare(
  table: Table,
  warm: string,
  text: string,
  cuts: readonly number[] = [],
  timeZone = UTC,
  knowledge: Knowledge = 'texts',
): string {
  const { tuples, learn } = memoryOf(table, knowledge);
  const batch = watchedBatch(table.schema, tuples);
  const sink = new ForgetfulSink(table.schema);
  for (const into of [batch, sink]) {
    expect(readPieces(scannerInto(table, into, timeZone), warm, [])).toBe('read');
  }
  learn(batch.encodeSection());
  batch.clear();
  sink.batch.clear();
  const expected = readPieces(scannerInto(table, sink, timeZone), text, []);
  expect(readPieces(scannerInto(table, batch, timeZone), text, cuts)).toBe(expected);
  expect(batch.rowCount).toBe(sink.rowCount);
  expect(batch.approximateBytes).toBe(sink.batch.approximateBytes);
  if (batch.rowCount > 0) {
    expect(readSection(table.schema, batch.encodeSection(), 'rows')).toEqual(
      readSection(table.schema, sink.batch.encodeSection(), 'rows'),
    );
  }
  return expected;
}

function usualText(table: Table, rows: number, hosts: number): string {
  return Array.from({ length: rows }, (_, row) => rowText(table, usualCells(row, hosts))).join(',');
}

beforeEach(() => {
  manyRows = 0;
});

test('of rows as usual nearly all are read many at once', () => {
  for (const order of ORDERS) {
    for (const hosts of [1, 3, 100]) {
      for (const knowledge of hosts === 3 ? KNOWLEDGE : (['texts'] as const)) {
        manyRows = 0;
        const table = tableOf(datetime(3), order);
        const text = usualText(table, 1000, hosts);
        expect(compare(table, text, text, [], UTC, knowledge)).toBe('read');
        if (knowledge === 'texts') expect(manyRows).toBeGreaterThan(1000);
        else if (isInOrder(table)) expect(manyRows).toBeGreaterThan(900);
      }
    }
  }
});

/** In place of one cell of a row: what stands there, by column, and what becomes of the statement. */
const READ = 'read';
it.each<[string, number, string, string | RegExp]>([
  ['other tags', 0, "'host_9'", READ],
  ['a tag without a byte', 0, "''", READ],
  ['a tag as long as they get', 0, `'${'h'.repeat(20)}'`, READ],
  ['a tag too long', 0, `'${'h'.repeat(21)}'`, /^1406 .*row 13/],
  ['a tag with two quotes', 0, "'it''s'", READ],
  ['a tag with a backslash', 0, "'a\\'b'", READ],
  ['a tag of two texts', 0, "'a' 'b'", READ],
  ['a tag in another script', 0, "'\u00e9'", READ],
  ['a tag that ends in blanks', 0, "'a  '", READ],
  ['a tag that is an integer', 0, '17', READ],
  ['an integer tag of eight digits', 1, '99999999', READ],
  ['an integer tag of nine digits', 1, '100000000', READ],
  ['an integer tag that is too great', 1, '2147483648', /^1264 .*row 13/],
  ['an integer tag below zero', 1, '-3', READ],
  ['an integer tag with a zero in front', 1, '03', READ],
  ['an integer tag in quotes', 1, "'3'", READ],
  ['a tag that is null', 1, 'null', READ],
  ['a blank before a tag', 1, ' 3', READ],
  ['tags that begin with the likely ones', 0, "'host_1x'", READ],
  ['tags in another spelling', 1, '0', READ],
  ['a tag that is NULL', 1, 'NULL', READ],
  ['a tag that is DEFAULT', 0, 'DEFAULT', READ],
  ['a time of another second', 2, "'2026-01-01 00:00:59'", READ],
  ['a time of another minute', 2, "'2026-01-01 00:59:00'", READ],
  ['a time of another hour', 2, "'2026-01-01 01:00:00'", READ],
  ['a time of another year', 2, "'2027-01-01 00:00:00'", READ],
  ['a time with a fraction', 2, "'2026-01-01 00:00:00.125'", READ],
  ['a time of a zone', 2, "'2026-01-01 00:00:00Z'", READ],
  ['a time with a T', 2, "'2026-01-01T00:00:00'", READ],
  ['a time as a count', 2, '1767225600123', READ],
  ['no minute', 2, "'2026-01-01 00:60:00'", /^1292 .*row 13/],
  ['no second', 2, "'2026-01-01 00:00:60'", /^1292 .*row 13/],
  ['no digit', 2, "'2026-01-01 00:0/:00'", /^1292 .*row 13/],
  ['no time', 2, 'NULL', /^1048 /],
  ['one digit', 5, '0', READ],
  ['eight digits', 5, '12345678', READ],
  ['nine digits', 5, '123456789', READ],
  ['zeros in front', 5, '00000012', READ],
  ['many zeros in front', 5, '0000000000000012', READ],
  ['the greatest value', 4, '127', READ],
  ['more than the greatest value', 4, '128', /^1264 .*row 13/],
  ['more than any byte', 4, '70000', /^1264 .*row 13/],
  ['a value below zero', 5, '-5', READ],
  ['a value with a plus', 5, '+5', READ],
  ['a value with a fraction', 5, '1.5', READ],
  ['a value in quotes', 5, "'15'", READ],
  ['a hexadecimal value', 5, '0x1F', READ],
  ['an expression', 5, '1+1', READ],
  ['NULL', 5, 'NULL', READ],
  ['DEFAULT', 5, 'DEFAULT', READ],
  ['a blank before', 5, ' 7', READ],
  ['a blank behind', 5, '7 ', READ],
  ['a comment', 5, '7/*,*/', READ],
  ['a line break', 5, '\n7', READ],
  ['nothing', 5, '', /^1064 /],
  ['a word', 5, 'seven', /^1235 |^1054 |^1064 /],
  ['one cell more', 5, '7,8', /^1136 .*row 13/],
  ['one cell more in front', 3, '7,8', /^1136 .*row 13/],
  ['a bracket too early', 4, '7)', /^1136 .*row 13/],
])('%s in the thirteenth of many rows', (_, column, cell, outcome) => {
  for (const order of ORDERS) {
    const table = tableOf(datetime(3), order);
    const warm = usualText(table, 10, 4);
    const rows = Array.from({ length: 60 }, (__, row) => usualCells(row, 4));
    rows[12]![column] = cell;
    const text = rows.map((cells) => rowText(table, cells)).join(',');
    // Of the other orders what each reads in its own way; any order with any knowledge is drawn below.
    const others = isInOrder(table) ? (['series'] as const) : (['texts'] as const);
    for (const knowledge of order === ORDERS[0] ? KNOWLEDGE : others) {
      manyRows = 0;
      const became = compare(table, warm, text, [], UTC, knowledge);
      if (order === ORDERS[0]) expect(became).toMatch(outcome);
      if (knowledge === 'texts' || isInOrder(table)) expect(manyRows).toBeGreaterThan(4);
    }
  }
});

test('cut at any byte', () => {
  const warm = usualText(TABLE, 5, 3);
  const rows = Array.from({ length: 22 }, (_, row) => usualCells(row, 3));
  rows[12]![5] = '-7';
  rows[16]![2] = "'2026-01-01 01:00:00'";
  const text = rows.map((cells) => rowText(TABLE, cells)).join(',');
  for (const knowledge of ['texts', 'series'] as const) {
    manyRows = 0;
    expect(compare(TABLE, warm, text, [], UTC, knowledge)).toBe(READ);
    const { tuples, learn } = memoryOf(TABLE, knowledge);
    const batch = watchedBatch(TABLE.schema, tuples);
    readPieces(scannerInto(TABLE, batch), warm, []);
    learn(batch.encodeSection());
    const sections = new Set<string>();
    for (let cut = 0; cut < text.length; cut++) {
      batch.clear();
      expect(readPieces(scannerInto(TABLE, batch), text, [cut])).toBe(READ);
      sections.add(Buffer.from(batch.encodeSection()).toString('hex'));
    }
    expect(sections.size).toBe(1);
    expect(manyRows).toBeGreaterThan(text.length * 6);
  }
});

test('in a zone that changes its clocks within an hour', () => {
  const zone = resolveTimeZone('Australia/Lord_Howe');
  const table = tableOf(timestamp(3), ORDERS[0]!);
  const rows = Array.from({ length: 120 }, (_, row) => {
    const minute = String(Math.floor(row / 2)).padStart(2, '0');
    return rowText(table, ["'host_1'", '3', `'2026-10-04 02:${minute}:00'`, '1', '2', '3']);
  });
  expect(compare(table, usualText(table, 5, 1), rows.join(','), [], zone)).toBe(READ);
  expect(compare(table, usualText(table, 5, 1), rows.join(','))).toBe(READ);
});

const strange = fc.constantFrom(
  "'host_2'",
  'NULL',
  'DEFAULT',
  '-1',
  '128',
  '99999999',
  '100000000',
  '1.5',
  ' 4',
  '0007',
  "'2026-01-01 00:00:09.5'",
  "'2026-01-01 00:59:59'",
  "'2025-12-31 23:59:59'",
  '1+2',
);

test('any rows among them, cut anywhere', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...ORDERS),
      fc.constantFrom<SqlType>(datetime(3), timestamp(3)),
      fc.constantFrom('UTC', '+05:30', 'Europe/Berlin'),
      fc.integer({ min: 1, max: 12 }),
      fc.array(fc.tuple(fc.nat(149), fc.nat(5), strange), { maxLength: 6 }),
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 5 }),
      fc.constantFrom(...KNOWLEDGE),
      (order, time, zone, hosts, changes, cuts, knowledge) => {
        const table = tableOf(time, order);
        const rows = Array.from({ length: 150 }, (_, row) => usualCells(row, hosts));
        for (const [row, column, cell] of changes) rows[row]![column] = cell;
        const text = rows.map((cells) => rowText(table, cells)).join(',');
        const places = cuts.map((cut) => Math.floor(cut * text.length)).sort((a, b) => a - b);
        const warm = usualText(table, 20, hosts);
        compare(table, warm, text, places, resolveTimeZone(zone), knowledge);
      },
    ),
    { numRuns: 200 },
  );
  expect(manyRows).toBeGreaterThan(150 * 20);
});

test('a batch is full behind the same row, and a turn ends there', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 120 }),
      fc.integer({ min: 500, max: 12_000 }),
      fc.integer({ min: 1, max: 400 }),
      fc.constantFrom<Knowledge>('texts', 'series'),
      (hosts, rowsMax, bytesMax, rowsPerTurn, knowledge) => {
        const text = Buffer.from(usualText(TABLE, 400, hosts));
        const { tuples, learn } = memoryOf(TABLE, knowledge);
        const many = watchedBatch(TABLE.schema, tuples);
        readPieces(scannerInto(TABLE, many), usualText(TABLE, 50, hosts), []);
        learn(many.encodeSection());
        many.clear();
        /** Rows in the batch and offset in the text whenever the scanner stops. */
        const stops = [many, new ForgetfulSink(TABLE.schema)].map((sink) => {
          const batch = sink instanceof RowBatch ? sink : sink.batch;
          const isFull = (moreRows = 0, moreBytes = 0): boolean =>
            batch.rowCount + moreRows >= rowsMax || batch.approximateBytes + moreBytes >= bytesMax;
          const scanner = scannerInto(TABLE, sink, UTC, isFull, rowsPerTurn);
          const stopped: string[] = [];
          for (let at = 0; at < text.length;) {
            at += scanner.write(text, at, text.length);
            stopped.push(`${at} ${batch.rowCount} ${scanner.isBatchFull}`);
            if (scanner.isBatchFull) batch.clear();
          }
          scanner.end();
          expect(scanner.rowCount).toBe(400);
          return stopped;
        });
        expect(stops[0]).toEqual(stops[1]);
      },
    ),
    { numRuns: 60 },
  );
  expect(manyRows).toBeGreaterThan(60 * 20);
});

test('one very long tag keeps nobody else from being read many at once', () => {
  const text: SqlType = { kind: 'text', spelling: 'text', length: null };
  const table = tableOf(datetime(3), ORDERS[0]!, text);
  const hosts = 50;
  const rounds = 8;
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: hosts - 1 }),
      fc.integer({ min: 20_000, max: 65_000 }),
      fc.integer({ min: 300_000, max: 1_048_576 }),
      (longHost, length, bytesMax) => {
        const rows = Array.from({ length: hosts * rounds }, (_, row) => {
          const cells = usualCells(row, hosts);
          if (row % hosts === longHost) cells[0] = `'${'x'.repeat(length)}'`;
          return rowText(table, cells);
        });
        manyRows = 0;
        manyCalls = 0;
        const stops = [
          watchedBatch(table.schema, new TupleMemory(TAG_COUNT)),
          new ForgetfulSink(table.schema),
        ].map((sink) => {
          const batch = sink instanceof RowBatch ? sink : sink.batch;
          const isFull = (_moreRows = 0, moreBytes = 0): boolean =>
            batch.approximateBytes + moreBytes >= bytesMax;
          // Series are known, how they are written, and that the kernel's texts are worth to be ours.
          readPieces(scannerInto(table, sink), rows.slice(0, 3 * hosts).join(','), []);
          batch.clear();
          const scanner = scannerInto(table, sink, UTC, isFull);
          const buffer = Buffer.from(rows.join(','));
          const stopped: string[] = [];
          for (let at = 0; at < buffer.length;) {
            at += scanner.write(buffer, at, buffer.length);
            stopped.push(`${at} ${batch.rowCount} ${scanner.isBatchFull}`);
            if (scanner.isBatchFull) batch.clear();
          }
          scanner.end();
          return stopped;
        });
        expect(stops[0]).toEqual(stops[1]);
        expect(manyRows).toBeGreaterThan((hosts * rounds) / 2);
        expect(manyRows / manyCalls).toBeGreaterThan(20);
      },
    ),
    { numRuns: 6 },
  );
});

test('writers of many tables take turns, and spell tags in other ways from time to time', () => {
  const writers = Array.from({ length: 12 }, () => {
    const tuples = new TupleMemory(TAG_COUNT);
    return { batch: watchedBatch(TABLE.schema, tuples), sink: new ForgetfulSink(TABLE.schema) };
  });
  for (let round = 0; round < 6; round++) {
    for (const [index, { batch, sink }] of writers.entries()) {
      const rows = Array.from({ length: 60 }, (_, row) => {
        const cells = usualCells(row, 5);
        cells[0] = `'${index}_${row % 5}'`;
        // As long as the other spelling, or longer.
        if (round > 2 && row === index + 20) cells[1] = `0${cells[1]!}`;
        return rowText(TABLE, cells);
      });
      for (const into of [batch, sink]) {
        expect(readPieces(scannerInto(TABLE, into), rows.join(','), [])).toBe(READ);
      }
      expect(readSection(TABLE.schema, batch.encodeSection(), 'rows')).toEqual(
        readSection(TABLE.schema, sink.batch.encodeSection(), 'rows'),
      );
      batch.clear();
      sink.batch.clear();
    }
  }
  expect(manyRows).toBeGreaterThan(12 * 5 * 30);
});

test('tables that take turns, more than the kernel has slots for, do not copy their texts time and again', () => {
  const hosts = 100;
  const rowsOfStatement = 20;
  const writers = Array.from({ length: 20 }, () => watchedBatch(TABLE.schema, new TupleMemory(2)));
  const row = (index: number): string => rowText(TABLE, usualCells(index, hosts));
  const text = Array.from({ length: 12 * hosts }, (_, index) => row(index));
  let tagBytes = 0;
  const load = jest.spyOn(TextSlot.prototype, 'load');
  for (let from = 0; from < text.length; from += rowsOfStatement) {
    const rows = text.slice(from, from + rowsOfStatement);
    for (const batch of writers) {
      expect(readPieces(scannerInto(TABLE, batch), rows.join(','), [])).toBe(READ);
      for (const written of rows) tagBytes += written.indexOf("'2026");
    }
  }
  const copiedBytes = load.mock.calls.reduce((sum, [, used]) => sum + used, 0);
  load.mockRestore();
  expect(copiedBytes).toBeGreaterThan(0);
  expect(copiedBytes).toBeLessThan(tagBytes);
  expect(manyRows).toBeGreaterThan((writers.length * text.length) / 8);
});

test('more series than the kernel has room for', () => {
  const rows = Array.from({ length: 20_000 }, (_, row) => {
    const [, , time, ...values] = usualCells(row, 10_000);
    return rowText(TABLE, [
      `'h${String(row % 10_000).padStart(18, '_')}'`,
      '1234567890',
      time!,
      ...values,
    ]);
  });
  expect(compare(TABLE, rows.slice(0, 10_000).join(','), rows.join(','))).toBe(READ);
  expect(manyRows).toBeGreaterThan(5000);
});
