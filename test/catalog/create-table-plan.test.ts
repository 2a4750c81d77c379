/** CREATE TABLE: the three ways to declare keys, the defaults, and errors that name the fix. */

import { planCreateTable } from '../../src/catalog/create-table-plan.js';
import type { CreateTableOperation } from '../../src/catalog/ddl-operation.js';
import { effectiveTtlMs, readTtl } from '../../src/catalog/ttl.js';
import { parseCreate, planOf } from './create-statement.js';
import { SqlError } from '../../protocol/index.js';

interface Planned {
  readonly text: string;
  readonly timeIndex: string;
  readonly tags: readonly string[];
  readonly appendMode: boolean;
  /** Beginnings of the notes and warnings. */
  readonly notes: readonly RegExp[];
}

const PLANNED: readonly (readonly [name: string, expected: Planned])[] = [
  [
    'TIME INDEX and PRIMARY KEY as clauses',
    {
      text: 'CREATE TABLE t (host VARCHAR(20), ts TIMESTAMP NOT NULL, v DOUBLE, TIME INDEX (ts), PRIMARY KEY (host))',
      timeIndex: 'ts',
      tags: ['host'],
      appendMode: false,
      notes: [],
    },
  ],
  [
    'TIME INDEX inline, no key: every series is one',
    {
      text: 'CREATE TABLE t (ts TIMESTAMP TIME INDEX, v DOUBLE)',
      timeIndex: 'ts',
      tags: [],
      appendMode: false,
      notes: [],
    },
  ],
  [
    'the time index may stand in the key as well',
    {
      text: 'CREATE TABLE t (host VARCHAR(20), ts TIMESTAMP, TIME INDEX (ts), PRIMARY KEY (ts, host))',
      timeIndex: 'ts',
      tags: ['host'],
      appendMode: false,
      notes: [],
    },
  ],
  [
    "MySQL's way: the last time column of the key",
    {
      text: 'CREATE TABLE t (born DATETIME, host VARCHAR(20), ts DATETIME(3), PRIMARY KEY (born, host, TS))',
      timeIndex: 'ts',
      tags: ['born', 'host'],
      appendMode: false,
      notes: [/^`ts` of the PRIMARY KEY is the time index/],
    },
  ],
  [
    'neither declared: the first time column, and nothing is overwritten',
    {
      text: 'CREATE TABLE `m`(`timestamp` TIMESTAMP,`tag` TEXT,`field` DOUBLE,`other` DATETIME)',
      timeIndex: 'timestamp',
      tags: [],
      appendMode: true,
      notes: [/append_mode keeps every row/],
    },
  ],
  [
    'a key without a time column takes the first of the table, and says so',
    {
      text: 'CREATE TABLE t (id BIGINT PRIMARY KEY, at DATETIME, v DOUBLE)',
      timeIndex: 'at',
      tags: ['id'],
      appendMode: false,
      notes: [/^PRIMARY KEY \(id\) has no time column: `at` is the time index/],
    },
  ],
  [
    'append_mode asked for',
    {
      text: "CREATE TABLE t (ts TIMESTAMP TIME INDEX, v DOUBLE) WITH (append_mode='true')",
      timeIndex: 'ts',
      tags: [],
      appendMode: true,
      notes: [],
    },
  ],
  [
    'append_mode refused by name although nothing is declared',
    {
      text: "CREATE TABLE t (ts TIMESTAMP, v DOUBLE) WITH (append_mode='false')",
      timeIndex: 'ts',
      tags: [],
      appendMode: false,
      notes: [],
    },
  ],
  [
    "MySQL's table options are accepted with notes where they do nothing",
    {
      text: "CREATE TABLE t (ts TIMESTAMP TIME INDEX) ENGINE=InnoDB AUTO_INCREMENT=7 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci COMMENT='c'",
      timeIndex: 'ts',
      tags: [],
      appendMode: false,
      notes: [
        /^Using storage engine TWINTIDE/,
        /AUTO_INCREMENT has no effect/,
        /^COLLATE=utf8mb4_0900_ai_ci/,
      ],
    },
  ],
  [
    'secondary indexes are accepted with a warning',
    {
      text: 'CREATE TABLE t (ts TIMESTAMP TIME INDEX, v INT, KEY k (v), UNIQUE KEY u (v))',
      timeIndex: 'ts',
      tags: [],
      appendMode: false,
      notes: [/^Index 'k' has no effect/, /^Index 'u' has no effect/],
    },
  ],
];

describe('CREATE TABLE: keys', () => {
  test.each(PLANNED)('%s', (_name, expected) => {
    const { operation, notes } = planOf(expected.text);
    expect(operation.timeIndex).toBe(expected.timeIndex);
    expect(operation.tags).toEqual(expected.tags);
    expect(operation.appendMode).toBe(expected.appendMode);
    expect(notes).toHaveLength(expected.notes.length);
    expected.notes.forEach((pattern, index) => {
      expect(notes[index]?.message).toMatch(pattern);
    });
  });
});

describe('CREATE TABLE: columns', () => {
  test('a time index without digits keeps sub-second rows apart; other columns have none', () => {
    const { operation } = planOf(
      'CREATE TABLE t (ts TIMESTAMP TIME INDEX, other TIMESTAMP, dt DATETIME, d2 DATETIME(2))',
    );
    expect(
      operation.columns.map(({ name, type }) => [
        name,
        'precision' in type ? type.precision : null,
      ]),
    ).toEqual([
      ['ts', 3],
      ['other', 0],
      ['dt', 0],
      ['d2', 2],
    ]);
  });

  test('a DATETIME time index without digits has six', () => {
    const { operation } = planOf('CREATE TABLE t (dt DATETIME TIME INDEX)');
    expect(operation.columns[0]?.type).toEqual({
      kind: 'datetime',
      precision: 6,
      precisionGiven: true,
    });
  });

  test('digits that were given stay', () => {
    const { operation } = planOf('CREATE TABLE t (ts TIMESTAMP(0) TIME INDEX)');
    expect(operation.columns[0]?.type).toEqual({
      kind: 'timestamp',
      precision: 0,
      precisionGiven: true,
    });
  });

  test('the time index is NOT NULL, tags and fields may be NULL', () => {
    const { operation } = planOf(
      'CREATE TABLE t (h VARCHAR(5), ts TIMESTAMP TIME INDEX, v INT NOT NULL, w INT, PRIMARY KEY (h))',
    );
    expect(operation.columns.map(({ name, nullable }) => [name, nullable])).toEqual([
      ['h', true],
      ['ts', false],
      ['v', false],
      ['w', true],
    ]);
  });

  test('defaults and comments are kept', () => {
    const { operation } = planOf(
      "CREATE TABLE t (ts TIMESTAMP DEFAULT CURRENT_TIMESTAMP TIME INDEX, v INT DEFAULT 5 COMMENT 'five')",
    );
    expect(operation.columns[0]?.default).toEqual({ kind: 'now' });
    expect(operation.columns[1]).toMatchObject({
      default: { kind: 'constant', value: 5 },
      comment: 'five',
    });
  });

  test('the partition is chosen from the data unless said', () => {
    expect(planOf('CREATE TABLE t (ts TIMESTAMP TIME INDEX)').operation.partitionMs).toBe(0);
    const asked = planOf(
      "CREATE TABLE t (ts TIMESTAMP TIME INDEX) WITH (partition='1d')",
    ).operation;
    expect(asked.partitionMs).toBe(86_400_000);
    expect(asked.options).toEqual([['partition', '1d']]);
  });
});

const REFUSED: readonly (readonly [name: string, text: string, errno: number, message: RegExp])[] =
  [
    [
      'no time column',
      'CREATE TABLE t (v DOUBLE)',
      1210,
      /needs a time index; add a column such as ts TIMESTAMP\(3\)/,
    ],
    [
      'a key and no time column',
      'CREATE TABLE t (id INT PRIMARY KEY, v DOUBLE)',
      1210,
      /add a column such as ts TIMESTAMP\(3\) NOT NULL and TIME INDEX \(ts\)/,
    ],
    [
      'two time indexes',
      'CREATE TABLE t (a TIMESTAMP TIME INDEX, b TIMESTAMP TIME INDEX)',
      1210,
      /exactly one TIME INDEX, but 2/,
    ],
    [
      'a time index of two columns',
      'CREATE TABLE t (a TIMESTAMP, b TIMESTAMP, TIME INDEX (a, b))',
      1210,
      /exactly one column/,
    ],
    [
      'a time index of another type',
      'CREATE TABLE t (a INT, TIME INDEX (a))',
      1210,
      /must be TIMESTAMP or DATETIME/,
    ],
    [
      'a time index that may be NULL',
      'CREATE TABLE t (ts TIMESTAMP NULL TIME INDEX)',
      1171,
      /can't be NULL/,
    ],
    [
      'a time index that does not exist',
      'CREATE TABLE t (ts TIMESTAMP, TIME INDEX (x))',
      1072,
      /'x' doesn't exist/,
    ],
    [
      'two keys',
      'CREATE TABLE t (a INT PRIMARY KEY, b INT PRIMARY KEY, ts TIMESTAMP)',
      1068,
      /Multiple primary key/,
    ],
    [
      'a column twice in the key',
      'CREATE TABLE t (a INT, ts TIMESTAMP TIME INDEX, PRIMARY KEY (a, A))',
      1060,
      /'a'/,
    ],
    [
      'a column twice, without case',
      'CREATE TABLE t (ts TIMESTAMP TIME INDEX, V INT, v INT)',
      1060,
      /'v'/,
    ],
    [
      'a long column name',
      `CREATE TABLE t (ts TIMESTAMP TIME INDEX, ${'x'.repeat(65)} INT)`,
      1059,
      /too long/,
    ],
    [
      'a long table name',
      `CREATE TABLE ${'x'.repeat(65)} (ts TIMESTAMP TIME INDEX)`,
      1059,
      /too long/,
    ],
    [
      'a bad table name',
      'CREATE TABLE `t ` (ts TIMESTAMP TIME INDEX)',
      1103,
      /Incorrect table name 't '/,
    ],
    [
      'a bad column name',
      'CREATE TABLE t (ts TIMESTAMP TIME INDEX, `a ` INT)',
      1166,
      /Incorrect column name/,
    ],
    [
      'an unknown option',
      "CREATE TABLE t (ts TIMESTAMP TIME INDEX) WITH (apend_mode='true')",
      1210,
      /Known options: append_mode, comment, merge_mode, partition, ttl/,
    ],
    [
      'a bad value of an option',
      "CREATE TABLE t (ts TIMESTAMP TIME INDEX) WITH (append_mode='yes please')",
      1210,
      /'true' or 'false'/,
    ],
    [
      'a bad partition',
      "CREATE TABLE t (ts TIMESTAMP TIME INDEX) WITH (partition='1 month')",
      1210,
      /such as '1d' or '30d'/,
    ],
    [
      'a partition of 2^53 units',
      "CREATE TABLE t (ts TIMESTAMP(9) TIME INDEX) WITH (partition='105d')",
      1210,
      /at most '104d'/,
    ],
    [
      'a bad ttl',
      "CREATE TABLE t (ts TIMESTAMP TIME INDEX) WITH (ttl='a week')",
      1210,
      /such as '12h', '7d' or '1y'/,
    ],
    [
      'ttl=instant',
      "CREATE TABLE t (ts TIMESTAMP TIME INDEX) WITH (ttl='instant')",
      1235,
      /short ttl such as '1m'/,
    ],
    [
      'an unknown merge_mode',
      "CREATE TABLE t (ts TIMESTAMP TIME INDEX) WITH (merge_mode='first')",
      1210,
      /'last_row' or 'last_non_null', not 'first'/,
    ],
    [
      'merge_mode in append_mode',
      "CREATE TABLE t (ts TIMESTAMP TIME INDEX) WITH (append_mode='true', merge_mode='last_non_null')",
      1210,
      /leave one of them out$/,
    ],
    [
      'merge_mode where no key implies append_mode',
      "CREATE TABLE t (ts TIMESTAMP, v INT) WITH (merge_mode='last_row')",
      1210,
      /declare one, such as TIME INDEX \(ts\)/,
    ],
    [
      'a decimal column',
      'CREATE TABLE t (ts TIMESTAMP TIME INDEX, v DECIMAL(10,2))',
      1235,
      /use DOUBLE/,
    ],
    [
      'NULL as default of NOT NULL',
      'CREATE TABLE t (ts TIMESTAMP TIME INDEX, v INT NOT NULL DEFAULT NULL)',
      1067,
      /'v'/,
    ],
    [
      'too many columns',
      `CREATE TABLE t (ts TIMESTAMP TIME INDEX, ${Array.from({ length: 4096 }, (_, i) => `c${i} INT`).join(',')})`,
      1117,
      /4097 of at most 4096/,
    ],
  ];

function errnoOf(run: () => unknown): number | null {
  try {
    run();
    return null;
  } catch (error) {
    return error instanceof SqlError ? error.errno : null;
  }
}

describe('CREATE TABLE: errors name what is wrong and what to do', () => {
  test.each(REFUSED)('%s', (_name, text, errno, message) => {
    const run = (): unknown => planOf(text);
    expect(run).toThrow(SqlError);
    expect(run).toThrow(message);
    expect(errnoOf(run)).toBe(errno);
  });

  test('104 days of nanoseconds still fit a partition', () => {
    const { operation } = planOf(
      "CREATE TABLE t (ts TIMESTAMP(9) TIME INDEX) WITH (partition='104d')",
    );
    expect(operation.partitionMs * 1e6).toBeLessThan(2 ** 53);
  });

  test.each(['forever', '', 'NULL', '0s'])("ttl '%s' keeps rows for ever", (ttl) => {
    const plan = planOf(`CREATE TABLE t (ts TIMESTAMP TIME INDEX) WITH (ttl='${ttl}')`);
    expect(plan.notes).toEqual([]);
    expect(plan.operation.ttl).toEqual({ ms: 0, text: 'forever' });
  });
});

describe('CREATE TABLE: how rows are kept', () => {
  const created = (options: string): CreateTableOperation =>
    planOf(`CREATE TABLE t (ts TIMESTAMP TIME INDEX, v INT) ${options}`).operation;
  const HOUR = 3_600_000;

  test("merge_mode: 'last_row' is the default, 'last_non_null' merges fields", () => {
    expect(created('').mergeFields).toBeUndefined();
    expect(created("WITH (merge_mode='last_row')")).toEqual(created(''));
    expect(created("WITH (merge_mode='LAST_NON_NULL')")).toMatchObject({
      mergeFields: true,
      options: [['merge_mode', 'last_non_null']],
    });
  });

  test.each([
    ['', 0],
    ["WITH (partition='auto')", 0],
    ["WITH (partition='2d')", 48 * HOUR],
    // A quarter of the ttl at most, an hour at least.
    ["WITH (ttl='1y')", 30 * 24 * HOUR],
    ["WITH (ttl='7d')", 24 * HOUR],
    ["WITH (ttl='1d')", 6 * HOUR],
    ["WITH (ttl='5m')", HOUR],
    ["WITH (ttl='forever')", 0],
    ["WITH (ttl='7d', partition='3h')", 3 * HOUR],
  ])('the width of a partition, 0 = from the data: %s', (options, partitionMs) => {
    expect(created(options).partitionMs).toBe(partitionMs);
  });

  test('what the database or the configuration says holds where the statement says nothing', () => {
    const text = 'CREATE TABLE t (ts TIMESTAMP TIME INDEX)';
    const planned = (partitionMs: number, ttlMs: number | null): number =>
      planCreateTable(parseCreate(text), 'd', () => ({ kind: 'now' }), { partitionMs, ttlMs })
        .operation.partitionMs;
    expect(planned(0, 28 * 24 * HOUR)).toBe(7 * 24 * HOUR);
    expect(planned(5 * HOUR, 28 * 24 * HOUR)).toBe(5 * HOUR);
  });
});

describe('ttl', () => {
  test.each([
    ['7d', 7 * 86_400_000],
    ['1h 30m', 5_400_000],
    ['1hour30min', 5_400_000],
    ['2 weeks', 14 * 86_400_000],
    ['1M', 2_629_800_000],
    ['3 months', 7_889_400_000],
    ['1y', 31_557_600_000],
    ['90s', 90_000],
    ['1500ms', 1_500],
  ])('%s is %d ms', (text, ms) => {
    expect(readTtl(` ${text} `)).toEqual({ ms, text });
  });

  test.each(['7', 'd', '7 d x', '1.5h', '-1d', '999ms', '1001y', '7d;'])('not %s', (text) => {
    expect(() => readTtl(text)).toThrow(SqlError);
  });

  test.each([
    // table, database, configuration -> what holds
    [{ ms: 5, text: '' }, { ms: 6, text: '' }, 7, 5],
    [null, { ms: 6, text: '' }, 7, 6],
    [null, null, 7, 7],
    [null, null, null, null],
    [{ ms: 0, text: 'forever' }, { ms: 6, text: '' }, 7, null],
    [null, { ms: 0, text: 'forever' }, 7, null],
  ])('of %j, %j and %j holds %j', (table, database, byDefault, ms) => {
    expect(effectiveTtlMs(table, database, byDefault)).toBe(ms);
  });
});
