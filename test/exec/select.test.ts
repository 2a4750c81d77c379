/** SELECT over one table: filters, groups, order, limits, names. */

import {
  DOUBLE,
  integerConstant,
  textConstant,
  type TypedValue,
} from '../../src/exec/sql-value.js';
import {
  required,
  VARCHAR_64,
  INT,
  DATETIME,
  optional,
  type VirtualTable,
} from '../../src/catalog/virtual-table.js';
import { cpuTable } from './cpu-table.js';
import { describeSelect } from '../../src/exec/execute-select.js';
import { harnessContext, parseSelect, query, type HarnessOptions } from './query-harness.js';

const rowsOf = async (
  sql: string,
  options: HarnessOptions = {},
): Promise<readonly (readonly (string | null)[])[]> =>
  (await query(sql, { tables: [cpuTable()], ...options })).rows;

const joined = async (sql: string, options: HarnessOptions = {}): Promise<string[]> =>
  (await rowsOf(sql, options)).map((row) => row.map((value) => value ?? 'NULL').join(' '));

test('* lists the columns in the order of the CREATE', async () => {
  const { names, rows } = await query('SELECT * FROM cpu LIMIT 1', { tables: [cpuTable()] });
  expect(names).toEqual(['host', 'dc', 'ts', 'busy', 'cores', 'total', 'note']);
  expect(rows).toEqual([
    ['a', 'x', '2024-03-15 00:00:00.000', '10.5', '4', '9007199254740993', 'one'],
  ]);
});

test('headings are the alias, the column as typed, or the text of the expression', async () => {
  const { names } = await query(
    "SELECT HOST, c.dc, busy*2, busy  +  1 AS more, count(*) 'n' FROM cpu c GROUP BY host, dc, busy",
    {
      tables: [cpuTable()],
    },
  );
  expect(names).toEqual(['HOST', 'dc', 'busy*2', 'more', 'n']);
});

test.each<[string, string[]]>([
  ["SELECT busy FROM cpu WHERE host = 'a'", ['10.5', '20.5', '40']],
  ["SELECT busy FROM cpu WHERE host = 'a' AND busy > 15", ['20.5', '40']],
  ["SELECT busy FROM cpu WHERE host IN ('b', 'c') AND dc IS NOT NULL", ['30', 'NULL']],
  ['SELECT host FROM cpu WHERE dc IS NULL', ['c']],
  ["SELECT host FROM cpu WHERE host <> 'a'", ['b', 'b', 'c']],
  ["SELECT host, dc FROM cpu WHERE host = 'b' OR dc = 'y'", ['b x', 'b y', 'NULL y']],
  ["SELECT note FROM cpu WHERE note LIKE 't%'", ['two', 'three']],
  ["SELECT note FROM cpu WHERE note COLLATE utf8mb4_0900_ai_ci = 'TWO'", ['Two', 'two']],
  ['SELECT total FROM cpu WHERE total > 9007199254740992', ['9007199254740993']],
  ['SELECT total FROM cpu WHERE total IN (5, -3, NULL)', ['5', '-3']],
  ["SELECT total FROM cpu WHERE total = '9007199254740993'", ['9007199254740993']],
  ['SELECT busy FROM cpu WHERE busy BETWEEN 10.5 AND 30', ['10.5', '20.5', '30']],
  [
    "SELECT busy FROM cpu WHERE ts >= '2024-03-15 00:05:00' AND ts < '2024-03-15 01:01:00'",
    ['20.5', '40'],
  ],
  ["SELECT busy FROM cpu WHERE ts > '2024-03-15T01:01:00Z'", ['-1']],
  [
    'SELECT busy FROM cpu WHERE ts BETWEEN FROM_UNIXTIME(1710460800) AND FROM_UNIXTIME(1710460860)',
    ['10.5', '30', 'NULL'],
  ],
  ['SELECT busy FROM cpu WHERE ts = 1710464460000', ['50.25']],
  ["SELECT host FROM cpu WHERE ts < '2024-03-15 00:00:00.0005'", ['a', 'b']],
  ['SELECT host FROM cpu WHERE 1 = 0', []],
  ['SELECT host FROM cpu WHERE NULL', []],
  ['SELECT host FROM cpu WHERE busy', ['a', 'a', 'b', 'a', 'c', 'NULL']],
  ['SELECT host FROM cpu WHERE RAND() < 2 AND cores = 2', ['c', 'NULL']],
  // order
  ['SELECT busy FROM cpu ORDER BY busy', ['NULL', '-1', '10.5', '20.5', '30', '40', '50.25']],
  ['SELECT busy FROM cpu ORDER BY busy DESC LIMIT 2', ['50.25', '40']],
  [
    'SELECT host, busy FROM cpu ORDER BY host DESC, 2 DESC',
    ['c 50.25', 'b 30', 'b NULL', 'a 40', 'a 20.5', 'a 10.5', 'NULL -1'],
  ],
  ['SELECT host AS h FROM cpu ORDER BY -busy, h LIMIT 3', ['b', 'c', 'a']],
  ['SELECT note FROM cpu ORDER BY note', ['NULL', '', 'Two', 'four', 'one', 'three', 'two']],
  ['SELECT total FROM cpu ORDER BY total', ['NULL', '-3', '0', '1', '5', '7', '9007199254740993']],
  ['SELECT ts FROM cpu ORDER BY ts DESC LIMIT 1', ['2024-03-15 01:02:00.000']],
  ['SELECT busy FROM cpu ORDER BY cores, busy LIMIT 2 OFFSET 1', ['-1', '50.25']],
  ['SELECT busy FROM cpu LIMIT 2, 2', ['30', 'NULL']],
  ['SELECT busy FROM cpu LIMIT 0', []],
  // aggregates
  [
    'SELECT count(*), count(busy), sum(busy), avg(busy), min(busy), max(busy) FROM cpu',
    ['7 6 150.25 25.041666666666668 -1 50.25'],
  ],
  [
    'SELECT sum(cores), avg(cores), sum(total), avg(total) FROM cpu',
    ['28 4.6667 9007199254741003 1501199875790167.1667'],
  ],
  ['SELECT min(note), max(note), min(host), max(ts) FROM cpu', [' two a 2024-03-15 01:02:00.000']],
  ['SELECT count(*) FROM cpu WHERE 1 = 0', ['0']],
  ["SELECT sum(busy) FROM cpu WHERE host = 'zzz'", ['NULL']],
  ['SELECT host FROM cpu WHERE 1 = 0 GROUP BY host', []],
  ['SELECT host, count(*) FROM cpu GROUP BY host ORDER BY host', ['NULL 1', 'a 3', 'b 2', 'c 1']],
  [
    'SELECT host, dc, max(busy) m FROM cpu GROUP BY 1, 2 ORDER BY m DESC',
    ['c NULL 50.25', 'a x 40', 'b x 30', 'NULL y -1', 'b y NULL'],
  ],
  ['SELECT dc d, count(*) FROM cpu GROUP BY d HAVING count(*) > 1 ORDER BY d', ['x 4', 'y 2']],
  ['SELECT host h, sum(cores) s FROM cpu GROUP BY h HAVING s >= 8 ORDER BY s', ['a 8', 'b 16']],
  [
    'SELECT count(DISTINCT host), count(DISTINCT host, dc), sum(DISTINCT cores), count(DISTINCT cores) FROM cpu',
    ['3 3 14 3'],
  ],
  [
    'SELECT upper(host), count(*) FROM cpu GROUP BY host ORDER BY host',
    ['NULL 1', 'A 3', 'B 2', 'C 1'],
  ],
  [
    'SELECT cores + 1, count(*) FROM cpu GROUP BY cores + 1 ORDER BY 1',
    ['NULL 1', '3 2', '5 2', '9 2'],
  ],
  [
    'SELECT total, count(*) FROM cpu GROUP BY total ORDER BY total LIMIT 3',
    ['NULL 1', '-3 1', '0 1'],
  ],
  [
    'SELECT UNIX_TIMESTAMP(ts) DIV 300 * 300 AS time, sum(busy) FROM cpu GROUP BY 1 ORDER BY 1',
    ['1710460800 40.5', '1710461100 20.5', '1710461400 40', '1710464400 49.25'],
  ],
  [
    "SELECT date_bin(INTERVAL '1 hour', ts) AS t, host, count(*) FROM cpu GROUP BY t, host ORDER BY t, host",
    [
      '2024-03-15 00:00:00.000 a 3',
      '2024-03-15 00:00:00.000 b 2',
      '2024-03-15 01:00:00.000 NULL 1',
      '2024-03-15 01:00:00.000 c 1',
    ],
  ],
  [
    'SELECT host, first_value(busy), last_value(busy), any_value(dc) FROM cpu GROUP BY host ORDER BY host',
    ['NULL -1 -1 y', 'a 10.5 40 x', 'b 30 NULL x', 'c 50.25 50.25 NULL'],
  ],
  ['SELECT count(*) + 1, max(busy) - min(busy) FROM cpu', ['8 51.25']],
  ['SELECT DISTINCT host FROM cpu ORDER BY host', ['NULL', 'a', 'b', 'c']],
  [
    'SELECT DISTINCT dc, cores FROM cpu WHERE cores IS NOT NULL',
    ['x 4', 'x 8', 'y 8', 'NULL 2', 'y 2'],
  ],
  [
    'SELECT note COLLATE utf8mb4_0900_ai_ci n, count(*) FROM cpu GROUP BY n ORDER BY n',
    ['NULL 1', ' 1', 'four 1', 'one 1', 'three 1', 'Two 2'],
  ],
  [
    "SELECT DATE_FORMAT(ts, '%H:%i') m, count(*) FROM cpu GROUP BY m ORDER BY m LIMIT 2",
    ['00:00 2', '00:01 1'],
  ],
  [
    'SELECT CASE WHEN busy > 25 THEN 1 / (cores - 8) ELSE 0 END FROM cpu WHERE cores = 8',
    ['NULL', '0.0000'],
  ],
  ['SELECT stddev_pop(cores), var_samp(cores) FROM cpu', ['2.494438257849294 7.466666666666667']],
  // a tag that the WHERE pins needs no GROUP BY; one row needs no order
  ["SELECT host, count(*), dc FROM cpu WHERE host = 'a' AND dc = 'x'", ['a 3 x']],
  ["SELECT host, count(*) FROM cpu WHERE host = 'zzz'", ['NULL 0']],
  ['SELECT count(*) FROM cpu ORDER BY ts', ['7']],
])('%s', async (sql, expected) => {
  expect(await joined(sql)).toEqual(expected);
});

test('the time zone of the session shows timestamps and reads texts', async () => {
  const options = { tables: [cpuTable()], timeZone: '+02:00' };
  expect(
    await joined("SELECT ts FROM cpu WHERE ts = '2024-03-15 02:00:00' AND host = 'a'", options),
  ).toEqual(['2024-03-15 02:00:00.000']);
  expect(
    await joined(
      "SELECT hour(ts), date_bin(INTERVAL 1 DAY, ts) FROM cpu WHERE host = 'c'",
      options,
    ),
  ).toEqual(['3 2024-03-15 00:00:00.000']);
});

test('parameters take the place of constants', async () => {
  const parameters = [textConstant('a'), integerConstant(2)];
  expect(await joined('SELECT busy FROM cpu WHERE host = ? LIMIT ?', { parameters })).toEqual([
    '10.5',
    '20.5',
  ]);
});

test('LIMIT takes the numbers of a parameter as drivers bind them: integers, doubles, text', async () => {
  const limited = (parameter: TypedValue): Promise<string[]> =>
    joined('SELECT busy FROM cpu ORDER BY ts LIMIT ?', { parameters: [parameter] });
  const one = await limited(integerConstant(1));
  expect(one).toHaveLength(1);
  expect(await limited({ type: DOUBLE, value: 1 })).toEqual(one);
  expect(await limited(textConstant('1'))).toEqual(one);
  const wrong: TypedValue[] = [
    integerConstant(-1),
    { type: DOUBLE, value: 1.5 },
    { type: DOUBLE, value: -1 },
    textConstant('1.0'),
    textConstant(''),
    { type: DOUBLE, value: null },
  ];
  for (const parameter of wrong) {
    await expect(limited(parameter)).rejects.toMatchObject({ errno: 1210 });
  }
  await expect(joined("SELECT busy FROM cpu LIMIT '1'")).rejects.toMatchObject({ errno: 1064 });
});

test('COM_STMT_PREPARE: columns are known before the parameters are', () => {
  const context = { ...harnessContext({ tables: [cpuTable()] }), parameters: null };
  const describe = (sql: string): unknown[] =>
    describeSelect(parseSelect(sql), context).map(({ name, type }) => [name, type.kind]);
  expect(
    describe(
      'SELECT host, busy + ?, ?, date_bin(INTERVAL ? SECOND, ts) AS b FROM cpu WHERE ts > ? AND note LIKE ? AND cores IN (?, ?) LIMIT ? OFFSET ?',
    ),
  ).toEqual([
    ['host', 'text'],
    ['busy + ?', 'double'],
    ['?', 'null'],
    ['b', 'null'],
  ]);
  expect(() => describe('SELECT nope + ? FROM cpu')).toThrow("Unknown column 'nope'");
});

describe('virtual tables', () => {
  const tables: VirtualTable = {
    kind: 'virtual',
    database: 'information_schema',
    name: 'TABLES',
    columns: [
      required('TABLE_SCHEMA', VARCHAR_64),
      required('TABLE_NAME', VARCHAR_64),
      optional('TABLE_ROWS', INT),
      optional('CREATE_TIME', DATETIME),
    ],
    rows: () => [
      ['Test', 'cpu', 7, '2024-03-15 10:20:30'],
      ['test', 'mem', 0, null],
      ['other', 'disk', null, null],
    ],
  };

  test('compare without case and keep the case that the query writes', async () => {
    const { names, rows } = await query(
      "SELECT table_name, Table_Rows FROM TABLES WHERE table_schema = 'TEST' ORDER BY table_name DESC",
      { virtual: [tables] },
    );
    expect(names).toEqual(['table_name', 'Table_Rows']);
    expect(rows).toEqual([
      ['mem', '0'],
      ['cpu', '7'],
    ]);
  });

  test('HAVING sees the alias before the column, without GROUP BY', async () => {
    const sql =
      "SELECT CASE WHEN TABLE_NAME = 'cpu' THEN 'TABLE' ELSE 'VIEW' END AS TABLE_NAME FROM TABLES HAVING TABLE_NAME IN ('TABLE', NULL)";
    expect((await query(sql, { virtual: [tables] })).rows).toEqual([['TABLE']]);
  });

  test('datetime texts are datetimes', async () => {
    const { rows } = await query('SELECT year(CREATE_TIME), CREATE_TIME FROM TABLES LIMIT 1', {
      virtual: [tables],
    });
    expect(rows).toEqual([['2024', '2024-03-15 10:20:30']]);
  });

  test('groups merge what differs in case only', async () => {
    const { rows } = await query(
      'SELECT TABLE_SCHEMA, count(*) FROM TABLES GROUP BY TABLE_SCHEMA ORDER BY 1',
      { virtual: [tables] },
    );
    expect(rows).toEqual([
      ['other', '1'],
      ['Test', '2'],
    ]);
  });
});
