/** Telling an INSERT from other statements while the bytes arrive, one by one if need be. */

import { SqlError } from '../../protocol/index.js';
import { fixedTimeZone } from '../../src/exec/time-zone.js';
import type { InsertHead } from '../../src/sql/dml-parser.js';
import { CellConverter } from '../../src/sql/cell-conversion.js';
import type { InsertTarget } from '../../src/sql/insert-target.js';
import { parseExpression } from '../../src/sql/parser.js';
import { RecordedCell } from '../../src/sql/recorded-cell.js';
import { StatementReader } from '../../src/sql/statement-reader.js';
import { evaluate, INT, RecordingSink, TEXT } from './scan-support.js';

const OPTIONS = { ansiQuotes: false, noBackslashEscapes: false };

interface Reading {
  /** The text, or the head and the rows. */
  readonly result: unknown;
  readonly heads: readonly InsertHead[];
  readonly yields: number;
  readonly fullBatches: number;
}

interface Settings {
  readonly cuts?: readonly number[];
  readonly textBytesMax?: number;
  readonly headBytesMax?: number;
  readonly rowsPerTurn?: number;
  readonly batchRows?: number;
  readonly failWhenFull?: boolean;
}

class TestTarget implements InsertTarget {
  readonly batch = new RecordingSink();
  readonly context = { row: 0, timeZone: fixedTimeZone('UTC', 0) };
  readonly omitted = [];
  readonly cells = [INT, TEXT].map((type, schemaIndex) => {
    const column = { name: 'ab'.charAt(schemaIndex), type, nullable: true, schemaIndex };
    return { converter: new CellConverter(column, this.context), defaultCell: new RecordedCell() };
  });
  fullBatches = 0;
  readonly #settings: Settings;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  evaluate(text: string): ReturnType<typeof evaluate> {
    return evaluate(parseExpression(text, OPTIONS));
  }

  isBatchFull(): boolean {
    const rows = this.#settings.batchRows ?? Infinity;
    return this.batch.rowCount >= rows * (this.fullBatches + 1);
  }

  async onBatchFull(): Promise<void> {
    await Promise.resolve();
    if (this.#settings.failWhenFull === true) throw new SqlError('ER_DISK_FULL', 'no room');
    this.fullBatches += 1;
  }
}

async function read(text: string, settings: Settings = {}): Promise<Reading> {
  const heads: InsertHead[] = [];
  const target = new TestTarget(settings);
  let yields = 0;
  const reader = new StatementReader(
    {
      knownInsert: () => null,
      resolveInsert(head) {
        heads.push(head);
        if (head.name.table === 'missing') {
          throw new SqlError('ER_NO_SUCH_TABLE', { database: 'd', table: 'missing' });
        }
        return target;
      },
      async yieldTurn() {
        await Promise.resolve();
        yields += 1;
      },
    },
    {
      ...OPTIONS,
      textBytesMax: settings.textBytesMax ?? 10_000,
      headBytesMax: settings.headBytesMax ?? 1000,
      rowsPerTurn: settings.rowsPerTurn ?? 1000,
    },
  );
  const bytes = Buffer.from(text);
  let start = 0;
  for (const end of [...(settings.cuts ?? []), bytes.length]) {
    const piece = Buffer.from(`(${bytes.toString('latin1', start, end)})`, 'latin1');
    await reader.write(piece, 1, piece.length - 1);
    piece.fill(0x27);
    start = end;
  }
  let result: unknown;
  try {
    const ended = reader.end();
    result =
      ended.kind === 'text' ? ended.text : { rows: target.batch.rows, rowCount: ended.rowCount };
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    result = `${error.errno} ${error.message}`;
  }
  return { result, heads, yields, fullBatches: target.fullBatches };
}

/** Whole, cut at every offset, byte by byte: the same each time. */
async function readEveryWay(text: string, settings: Settings = {}): Promise<Reading> {
  const whole = await read(text, settings);
  const singles = Array.from({ length: Buffer.byteLength(text) }, (_, index) => index);
  expect(await read(text, { ...settings, cuts: singles })).toMatchObject({
    result: whole.result,
    heads: whole.heads,
  });
  for (const cut of singles) {
    const { result, heads } = await read(text, { ...settings, cuts: [cut] });
    expect({ cut, result, heads }).toEqual({ cut, result: whole.result, heads: whole.heads });
  }
  return whole;
}

const ROW = { rows: [['1', "'x'"]], rowCount: 1 };

test.each([
  "INSERT INTO t (a, b) VALUES (1,'x')",
  "insert into t(a,b)values(1,'x')",
  "INSERT t VALUE (1,'x');",
  "REPLACE INTO t VALUES (1,'x')",
  "/* ApplicationName=x */ INSERT INTO t VALUES (1,'x')",
  "-- values\n# values (\n INSERT /* values */ INTO t VALUES\n(1,'x')",
  "INSERT INTO `values` (`a)`, `b``(`) VALUES (1,'x')",
  "INSERT INTO value (values_, value) VALUES (1,'x')",
  "INSERT INTO d.value VALUES (1,'x')",
  "INSERT /*!50000 INTO */ t VALUES (1,'x')",
  "INSERT INTO größe VALUES (1,'x')",
])('rows of %j', async (text) => {
  const { result, heads } = await readEveryWay(text);
  expect(result).toEqual(ROW);
  expect(heads).toHaveLength(1);
});

test('the head says what was named', async () => {
  const { heads } = await readEveryWay("REPLACE INTO d.t (a, b) VALUES (1,'x')");
  expect(heads).toEqual([
    { name: { database: 'd', table: 't' }, columns: ['a', 'b'], replace: true, ignore: false },
  ]);
});

test.each([
  'SELECT 1',
  '  (SELECT 1)',
  '',
  '-- nothing',
  "/*!40101 INSERT INTO t VALUES (1,'x') */",
  'INSERTS',
  'insert',
  'INSERT INTO t SELECT 1',
  'INSERT INTO t SET a = 1',
  'INSERT INTO t VALUES',
  'INSERT t (a VALUES (1)',
  'COMMIT',
  "SELECT 'INSERT INTO t VALUES (1)'",
  'ärger',
  '@x',
  '5',
])('text of %j', async (text) => {
  const { result, heads } = await readEveryWay(text);
  expect(result).toBe(text);
  expect(heads).toEqual([]);
});

test.each<[text: string, error: RegExp]>([
  ["INSERT INTO missing VALUES (1,'x'), (2", /^1146 Table 'd.missing' doesn't exist$/],
  ["INSERT INTO t VALUES (1,'x'), ('k','y'), (", /^1366 .* at row 2$/],
  ["INSERT\nINTO t VALUES\n(1,'x') 5", /^1064 .*near '5' at line 3$/],
  ['INSERT IGNORE INTO t VALUES (1)', /^1235 .*INSERT IGNORE/],
  ['INSERT INTO t SET a = 1 VALUES (1)', /^1235 .*INSERT \.\.\. SET/],
  ['INSERT INTO 5 VALUES (1)', /^1064 .*near '5 VALUES' at line 1$/],
])('error of %j', async (text, error) => {
  expect((await readEveryWay(text)).result).toMatch(error);
});

test('bytes behind an error are swallowed, however many', async () => {
  const text = `INSERT INTO missing VALUES ${"(1,'x'),".repeat(1000)}`;
  const cuts = Array.from({ length: 80 }, (_, index) => (index + 1) * 100);
  expect((await read(text, { cuts })).result).toMatch(/^1146 /);
});

test('text that is no UTF-8 is refused, not replaced', async () => {
  const result = await read('SELECT 1');
  expect(result.result).toBe('SELECT 1');
  const reader = new StatementReader(
    {
      knownInsert: () => null,
      resolveInsert: () => new TestTarget({}),
      yieldTurn: () => Promise.resolve(),
    },
    { ...OPTIONS, textBytesMax: 100, headBytesMax: 100, rowsPerTurn: 100 },
  );
  const bytes = Buffer.from("SELECT 'a\xe4'", 'latin1');
  await reader.write(bytes, 0, bytes.length);
  expect(() => reader.end()).toThrow("Invalid utf8mb4 character string: 'E427'");
});

test('text and head have a longest size', async () => {
  const settings = { textBytesMax: 50, headBytesMax: 30 };
  const long = `SELECT ${'1,'.repeat(50)}1`;
  expect((await readEveryWay(long, settings)).result).toMatch(/^1153 .*at most 50 bytes/);
  const head = `INSERT INTO t (${'a,'.repeat(50)}a) VALUES (1)`;
  expect((await readEveryWay(head, settings)).result).toMatch(/^1153 .*at most 30 bytes/);
});

test('many rows give the loop its turns, full batches are handed on', async () => {
  const rows = Array.from({ length: 2500 }, (_, row) => `(${row},'v${row}')`);
  const text = `INSERT INTO t VALUES ${rows.join(',')}`;
  const { result, yields, fullBatches } = await read(text, { rowsPerTurn: 100, batchRows: 450 });
  expect(result).toMatchObject({ rowCount: 2500 });
  expect(fullBatches).toBe(5);
  expect(yields).toBeGreaterThanOrEqual(20);
  const refused = await read(text, { batchRows: 450, failWhenFull: true });
  expect(refused.result).toBe('1021 no room');
});
