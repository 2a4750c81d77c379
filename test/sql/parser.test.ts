/** Statements to trees: each kind, its spellings, and the errors of what is not understood. */

import fc from 'fast-check';
import { SqlError } from '../../protocol/index.js';
import type { CreateTableStatement, SelectStatement, Statement } from '../../src/sql/ast.js';
import { parseExpression, parseStatement } from '../../src/sql/parser.js';
import { expressionText } from './expression-text.js';

const OPTIONS = { ansiQuotes: false, noBackslashEscapes: false };

function parse(text: string): Statement {
  return parseStatement(text, OPTIONS).statement;
}

function errorOf(text: string): string {
  try {
    parse(text);
    return 'no error';
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    return `${error.errno} ${error.message}`;
  }
}

const literal = (value: string): unknown => ({ kind: 'literal', value: { type: 'string', value } });
const integer = (value: bigint): unknown => ({
  kind: 'literal',
  value: { type: 'integer', value },
});

describe('SELECT', () => {
  function select(text: string): SelectStatement {
    const statement = parse(text);
    if (statement.kind !== 'select') throw new Error(`not a SELECT: ${statement.kind}`);
    return statement;
  }

  test('all clauses', () => {
    const { parameterCount, statement } = parseStatement(
      'SELECT DISTINCT t.*, *, a + ? AS `sum`, max(b) "m" FROM db.cpu AS t USE INDEX (x) WHERE a > 1 GROUP BY a, 2 HAVING m > ? ORDER BY a DESC, b ASC, c LIMIT ?, 10 FOR UPDATE;',
      OPTIONS,
    );
    expect(parameterCount).toBe(3);
    if (statement.kind !== 'select') throw new Error('not a SELECT');
    expect(statement).toMatchObject({
      distinct: true,
      from: { kind: 'table', name: { database: 'db', table: 'cpu' }, alias: 't' },
      limit: integer(10n),
      offset: { kind: 'parameter', index: 2 },
    });
    expect(
      statement.items.map((item) =>
        item.kind === 'star' ? (item.table?.table ?? '*') : item.alias,
      ),
    ).toEqual(['t', '*', 'sum', 'm']);
    expect(statement.orderBy.map(({ descending }) => descending)).toEqual([true, false, false]);
    expect(statement.groupBy.map(expressionText)).toEqual(['a', '2']);
    expect(statement.having === null ? null : expressionText(statement.having)).toBe('(> m ?1)');
  });

  test.each<[text: string, headings: (string | null)[]]>([
    ['SELECT 1+1, a  ,  count( * ) FROM t', ['1+1', 'a', 'count( * )']],
    ["SELECT 'abc', \"d\"\"e\", 'a' 'b'", ['abc', 'd"e', 'ab']],
    ['SELECT @@version, @x', ['@@version', '@x']],
    ['SELECT (1) + 2', ['(1) + 2']],
  ])('headings of %s', (text, headings) => {
    const { items } = select(text);
    expect(items.map((item) => (item.kind === 'expression' ? item.text : null))).toEqual(headings);
  });

  test.each<[text: string, aliases: (string | null)[]]>([
    ["SELECT 1 x, 2 AS 'y z', 3 'w', 4 AS `v`, 5", ['x', 'y z', 'w', 'v', null]],
  ])('aliases of %s', (text, aliases) => {
    const { items } = select(text);
    expect(items.map((item) => (item.kind === 'expression' ? item.alias : ''))).toEqual(aliases);
  });

  test.each([
    ['SELECT 1', null],
    ['SELECT 1 FROM DUAL', null],
    ['SELECT 1 FROM twintide.d.t', { database: 'd', table: 't' }],
    ['SELECT 1 FROM `d`.`select`', { database: 'd', table: 'select' }],
    ['(SELECT 1 FROM t)', { database: null, table: 't' }],
    ['SELECT 1 FROM t align', { database: null, table: 't' }],
    ['SELECT SQL_NO_CACHE 1 FROM t LOCK IN SHARE MODE', { database: null, table: 't' }],
    ['SELECT /*+ MAX_EXECUTION_TIME(1000) */ 1 FROM t', { database: null, table: 't' }],
  ])('FROM of %s', (text, name) => {
    expect(select(text).from?.name ?? null).toEqual(name);
  });

  test.each([
    ['LIMIT 5', 5n, null],
    ['LIMIT 5 OFFSET 6', 5n, 6n],
    ['LIMIT 6, 5', 5n, 6n],
    ['LIMIT 18446744073709551615', 18446744073709551615n, null],
  ])('%s', (text, limit, offset) => {
    expect(select(`SELECT 1 ${text}`)).toMatchObject({
      limit: integer(limit),
      offset: offset === null ? null : integer(offset),
    });
  });

  test.each([
    ['SELECT 1 UNION SELECT 2', 'UNION'],
    ['SELECT 1 FROM t EXCEPT SELECT 2', 'EXCEPT'],
    ['(SELECT 1) UNION (SELECT 2)', 'UNION'],
    ['(SELECT 1) ORDER BY 1', 'ORDER behind a query in brackets'],
    ['SELECT 1 FROM a JOIN b', 'joins'],
    ['SELECT 1 FROM a, b', 'joins'],
    ['SELECT 1 FROM a LEFT JOIN b ON 1', 'joins'],
    ['SELECT 1 FROM a x NATURAL JOIN b', 'joins'],
    ['SELECT 1 FROM (a, b)', 'joins'],
    ['SELECT 1 FROM (SELECT 1) x', 'derived tables'],
    ['WITH x AS (SELECT 1) SELECT * FROM x', 'WITH'],
    ['VALUES ROW(1)', 'VALUES'],
    ['TABLE t', 'TABLE'],
    ['SELECT 1 INTO @x', 'SELECT ... INTO'],
    ['SELECT SLEEP(0) INTO @__MySqlConnector__Sleep;', 'SELECT ... INTO'],
    ["SELECT 1 FROM t INTO OUTFILE 'x'", 'SELECT ... INTO'],
    ['SELECT a, count(*) FROM t GROUP BY a WITH ROLLUP', 'WITH ROLLUP'],
    ['SELECT sum(a) OVER w FROM t WINDOW w AS ()', 'window functions'],
    ["SELECT ts, min(v) RANGE '10s' FROM t ALIGN '5s'", 'RANGE queries'],
    ["SELECT ts FROM t ALIGN '5s'", 'RANGE queries'],
    ['SELECT a FROM t ORDER BY a NULLS LAST', 'NULLS FIRST and NULLS LAST'],
    ['SELECT SQL_CALC_FOUND_ROWS 1', 'SQL_CALC_FOUND_ROWS'],
    ['SELECT DISTINCT ON (a) a FROM t', 'DISTINCT ON'],
  ])('1235 %s', (text, feature) => {
    expect(errorOf(text)).toBe(`1235 This version of MySQL doesn't yet support '${feature}'`);
  });
});

describe('CREATE TABLE', () => {
  function create(text: string): CreateTableStatement {
    const statement = parse(text);
    if (statement.kind !== 'createTable') throw new Error(`not CREATE TABLE: ${statement.kind}`);
    return statement;
  }

  test("MySQL's way", () => {
    const statement = create(`CREATE TABLE IF NOT EXISTS \`d\`.\`cpu\` (
      \`host\` varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL COMMENT 'the host',
      ts datetime(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6),
      id int(11) unsigned zerofill AUTO_INCREMENT,
      v double DEFAULT '1.5',
      PRIMARY KEY (\`host\`(10) DESC, ts) USING BTREE,
      UNIQUE KEY u (v),
      KEY (id),
      CONSTRAINT c UNIQUE (v)
    ) ENGINE=InnoDB, AUTO_INCREMENT 5 DEFAULT CHARSET=utf8mb4 COLLATE utf8mb4_0900_ai_ci COMMENT='x'`);
    expect(statement).toMatchObject({
      ifNotExists: true,
      name: { database: 'd', table: 'cpu' },
      primaryKeys: [['host', 'ts']],
      timeIndexes: [],
      ignoredIndexes: ['ON UPDATE of ts', 'AUTO_INCREMENT of id', 'u', 'KEY of id', 'UNIQUE of v'],
      mysqlOptions: [
        { name: 'engine', value: 'InnoDB' },
        { name: 'auto_increment', value: '5' },
        { name: 'charset', value: 'utf8mb4' },
        { name: 'collate', value: 'utf8mb4_0900_ai_ci' },
        { name: 'comment', value: 'x' },
      ],
    });
    expect(
      statement.columns.map(({ name, nullable, comment }) => [name, nullable, comment]),
    ).toEqual([
      ['host', false, 'the host'],
      ['ts', false, null],
      ['id', false, null],
      ['v', null, null],
    ]);
    expect(statement.columns[2]?.type).toEqual({ kind: 'integer', bits: 32, unsigned: true });
    expect(statement.columns[3]?.defaultValue).toEqual(literal('1.5'));
  });

  test("GreptimeDB's way", () => {
    const statement = create(`create table cpu (
      host STRING INVERTED INDEX, dc String SKIPPING INDEX WITH (type = 'BLOOM', granularity = 10240),
      ts TimestampNanosecond TIME INDEX,
      v Float64 NULL DEFAULT 1,
      TIME INDEX (ts2), PRIMARY KEY (host, dc),
    ) PARTITION ON COLUMNS (host) (host < 'm', host >= 'm') ENGINE=mito WITH (append_mode = 'true', 'ttl' = '7d', compaction.type = twcs, memtable.x = 5)`);
    expect(statement).toMatchObject({
      primaryKeys: [['host', 'dc']],
      timeIndexes: [['ts'], ['ts2']],
      ignoredIndexes: ['INVERTED INDEX of host', 'SKIPPING INDEX of dc', 'PARTITION ON COLUMNS'],
      options: [
        { name: 'append_mode', value: 'true' },
        { name: 'ttl', value: '7d' },
        { name: 'compaction.type', value: 'twcs' },
        { name: 'memtable.x', value: '5' },
      ],
      mysqlOptions: [{ name: 'engine', value: 'mito' }],
    });
    expect(statement.columns[2]).toMatchObject({ timeIndex: true, primaryKey: false });
  });

  test.each([
    ['TINYINT(1)', { kind: 'integer', bits: 8, unsigned: false }],
    ['bool', { kind: 'boolean' }],
    ['INT8', { kind: 'integer', bits: 64, unsigned: false }],
    ['Int64', { kind: 'integer', bits: 64, unsigned: false }],
    ['UInt32', { kind: 'integer', bits: 32, unsigned: true }],
    ['MEDIUMINT UNSIGNED', { kind: 'integer', bits: 24, unsigned: true }],
    ['FLOAT', { kind: 'float' }],
    ['FLOAT(7,3)', { kind: 'float' }],
    ['FLOAT(30)', { kind: 'double' }],
    ['DOUBLE PRECISION', { kind: 'double' }],
    ['REAL', { kind: 'double' }],
    ['DECIMAL', { kind: 'decimal', precision: 10, scale: 0 }],
    ['NUMERIC(12, 4)', { kind: 'decimal', precision: 12, scale: 4 }],
    ['VARCHAR(10)', { kind: 'text', spelling: 'varchar', length: 10 }],
    ['CHAR', { kind: 'text', spelling: 'char', length: 1 }],
    ['CHARACTER VARYING(5)', { kind: 'text', spelling: 'varchar', length: 5 }],
    ['NATIONAL CHAR(5)', { kind: 'text', spelling: 'char', length: 5 }],
    ['LONGTEXT', { kind: 'text', spelling: 'longtext', length: null }],
    ['VARBINARY(16)', { kind: 'blob', spelling: 'varbinary', length: 16 }],
    ['BINARY', { kind: 'blob', spelling: 'binary', length: 1 }],
    ['BYTEA', { kind: 'blob', spelling: 'blob', length: null }],
    ['DATE', { kind: 'date' }],
    ['TIME(3)', { kind: 'time', precision: 3 }],
    ['DATETIME', { kind: 'datetime', precision: 0, precisionGiven: false }],
    ['TIMESTAMP(9)', { kind: 'timestamp', precision: 9, precisionGiven: true }],
    ['TIMESTAMP_MS', { kind: 'timestamp', precision: 3, precisionGiven: true }],
    ['TimestampSecond', { kind: 'timestamp', precision: 0, precisionGiven: true }],
    ['JSON', { kind: 'json' }],
  ])('type %s', (text, type) => {
    expect(create(`CREATE TABLE t (c ${text})`).columns[0]?.type).toEqual(type);
  });

  test.each([
    ['CREATE TABLE t LIKE u', /^1235 .*CREATE TABLE \.\.\. LIKE/],
    ['CREATE TABLE t SELECT 1', /^1235 .*CREATE TABLE \.\.\. SELECT/],
    ['CREATE TABLE t (a INT) AS SELECT 1', /^1235 .*CREATE TABLE \.\.\. SELECT/],
    ['CREATE TEMPORARY TABLE t (a INT)', /^1235 .*CREATE TEMPORARY/],
    ['CREATE TABLE t (a INT, FOREIGN KEY (a) REFERENCES u (a))', /^1235 .*FOREIGN KEY/],
    ['CREATE TABLE t (a INT) PARTITION BY HASH(a)', /^1235 .*PARTITION BY/],
    ['CREATE TABLE t (a YEAR)', /^1235 .*YEAR/],
    ['CREATE TABLE t (a INT) CHARSET=klingon', /^1115 /],
    ['CREATE TABLE t (a TIMESTAMP(10))', /^1426 /],
    ['CREATE TABLE t (key INT)', /^1064 .*near 'INT\)' at line 1/],
    ['CREATE TABLE t ()', /^1064 .*near '\)' at line 1/],
    ['CREATE TABLE t (a INT', /^1064 .*near '' at line 1/],
    ['CREATE TABLE t (a WIBBLE)', /^1064 .*near 'WIBBLE\)' at line 1/],
    ['CREATE VIEW v AS SELECT 1', /^1235 .*CREATE VIEW/],
    ['CREATE WIBBLE', /^1064 .*near 'WIBBLE' at line 1/],
  ])('%s', (text, message) => {
    expect(errorOf(text)).toMatch(message);
  });
});

describe('other statements', () => {
  const noFilter = { like: null, where: null };

  test.each<[text: string, statement: unknown]>([
    [
      'CREATE DATABASE d DEFAULT CHARACTER SET = utf8mb4 COLLATE utf8mb4_bin',
      { kind: 'createDatabase', name: 'd', ifNotExists: false, options: [] },
    ],
    [
      "CREATE SCHEMA IF NOT EXISTS d WITH (ttl='1d')",
      {
        kind: 'createDatabase',
        name: 'd',
        ifNotExists: true,
        options: [{ name: 'ttl', value: '1d' }],
      },
    ],
    ['DROP SCHEMA IF EXISTS d', { kind: 'dropDatabase', name: 'd', ifExists: true }],
    [
      'DROP TABLE a, d.b CASCADE',
      {
        kind: 'dropTable',
        ifExists: false,
        names: [
          { database: null, table: 'a' },
          { database: 'd', table: 'b' },
        ],
      },
    ],
    ['TRUNCATE t', { kind: 'truncate', name: { database: null, table: 't' } }],
    ['DELETE FROM t', { kind: 'delete', name: { database: null, table: 't' }, where: null }],
    ['USE `d`;', { kind: 'use', database: 'd' }],
    ["DESC t 'c%'", { kind: 'describe', table: { database: null, table: 't' }, column: 'c%' }],
    ['EXPLAIN d.t c', { kind: 'describe', table: { database: 'd', table: 't' }, column: 'c' }],
    ['BEGIN WORK', { kind: 'begin', readOnly: null }],
    ['START TRANSACTION READ ONLY, WITH CONSISTENT SNAPSHOT', { kind: 'begin', readOnly: true }],
    ['COMMIT WORK AND NO CHAIN NO RELEASE', { kind: 'commit' }],
    ['ROLLBACK', { kind: 'rollback' }],
    ['KILL 5', { kind: 'kill', target: 'connection', id: integer(5n) }],
    ['KILL QUERY 5', { kind: 'kill', target: 'query', id: integer(5n) }],
    [
      "  ADMIN Flush_Table('t', 1) ;",
      {
        kind: 'admin',
        name: 'flush_table',
        arguments: [literal('t'), integer(1n)],
        text: "ADMIN Flush_Table('t', 1)",
      },
    ],
    [
      'ADMIN release_peer()',
      { kind: 'admin', name: 'release_peer', arguments: [], text: 'ADMIN release_peer()' },
    ],
    ['LOCK TABLES a AS x READ LOCAL, b LOW_PRIORITY WRITE', { kind: 'lockTables' }],
    ['UNLOCK TABLES', { kind: 'unlockTables' }],
    ['', { kind: 'empty' }],
    [' ; -- x', { kind: 'empty' }],
    ['ALTER TABLE t ENABLE KEYS', { kind: 'empty' }],
    [
      "ALTER TABLE d.t SET 'ttl' = '7d', x.Y = 5",
      {
        kind: 'alterTable',
        name: { database: 'd', table: 't' },
        set: [
          { name: 'ttl', value: '7d' },
          { name: 'x.y', value: '5' },
        ],
        unset: [],
      },
    ],
    [
      "ALTER TABLE t WITH (ttl = '7d')",
      {
        kind: 'alterTable',
        name: { database: null, table: 't' },
        set: [{ name: 'ttl', value: '7d' }],
        unset: [],
      },
    ],
    ["ALTER DATABASE d UNSET 'TTL'", { kind: 'alterDatabase', name: 'd', set: [], unset: ['ttl'] }],
    [
      "ALTER SCHEMA d SET ttl = '1h'",
      { kind: 'alterDatabase', name: 'd', set: [{ name: 'ttl', value: '1h' }], unset: [] },
    ],
    ['SHOW TABLES', { kind: 'show', what: 'tables', full: false, database: null, ...noFilter }],
    [
      "SHOW FULL TABLES IN d LIKE 'x%'",
      { kind: 'show', what: 'tables', full: true, database: 'd', like: 'x%', where: null },
    ],
    [
      'SHOW COLUMNS FROM a.t FROM d',
      {
        kind: 'show',
        what: 'columns',
        full: false,
        table: { database: 'd', table: 't' },
        ...noFilter,
      },
    ],
    [
      'SHOW CREATE TABLE d.t',
      { kind: 'show', what: 'createTable', table: { database: 'd', table: 't' } },
    ],
    [
      'SHOW CREATE SCHEMA d',
      { kind: 'show', what: 'createDatabase', database: 'd', ifNotExists: false },
    ],
    [
      "SHOW GLOBAL VARIABLES LIKE 'x'",
      {
        kind: 'show',
        what: 'variables',
        full: false,
        scope: 'global',
        like: 'x',
        where: null,
        limit: null,
      },
    ],
    [
      'SHOW VARIABLES time_zone',
      {
        kind: 'show',
        what: 'variables',
        full: false,
        scope: null,
        like: 'time\\_zone',
        where: null,
        limit: null,
      },
    ],
    [
      'SHOW CHARACTER SET',
      { kind: 'show', what: 'charset', full: false, scope: null, ...noFilter, limit: null },
    ],
    [
      'SHOW WARNINGS LIMIT 5',
      { kind: 'show', what: 'warnings', full: false, scope: null, ...noFilter, limit: 5 },
    ],
    [
      'SHOW SLAVE STATUS',
      { kind: 'show', what: 'replicaStatus', full: false, scope: null, ...noFilter, limit: null },
    ],
    ['SHOW RPO', { kind: 'show', what: 'rpo', full: false, scope: null, ...noFilter, limit: null }],
    [
      'SHOW EVENTS FROM d',
      { kind: 'show', what: 'events', full: false, scope: null, ...noFilter, limit: null },
    ],
  ])('%s', (text, statement) => {
    expect(parse(text)).toEqual(statement);
  });

  test('INSERT as a tree', () => {
    const { statement, parameterCount } = parseStatement(
      "INSERT LOW_PRIORITY INTO d.t (a, t.b) VALUES (?, DEFAULT), ROW(1 + 1, 'x'), ();",
      OPTIONS,
    );
    expect(parameterCount).toBe(1);
    if (statement.kind !== 'insert') throw new Error('not an INSERT');
    expect(statement).toMatchObject({
      name: { database: 'd', table: 't' },
      columns: ['a', 'b'],
      replace: false,
      ignore: false,
    });
    expect(statement.rows.map((row) => row.map(expressionText))).toEqual([
      ['?0', 'DEFAULT'],
      ['(+ 1 1)', '"x"'],
      [],
    ]);
    expect(parse('REPLACE t VALUES (1)')).toMatchObject({ replace: true, columns: null });
    expect(parse('INSERT INTO t () VALUES ()')).toMatchObject({ columns: [], rows: [[]] });
  });

  test.each([
    ['INSERT INTO t SELECT 1', 'INSERT ... SELECT'],
    ['INSERT INTO t (a) (SELECT 1)', 'INSERT ... SELECT'],
    ['INSERT INTO t (SELECT 1)', 'INSERT ... SELECT'],
    ['REPLACE INTO t SET a = 1', 'REPLACE ... SET'],
    ['INSERT IGNORE INTO t VALUES (1)', 'INSERT IGNORE'],
    ['INSERT INTO t VALUES (1) ON DUPLICATE KEY UPDATE a = 1', 'ON DUPLICATE KEY UPDATE'],
    ['INSERT INTO t VALUES (1) AS new', 'ON DUPLICATE KEY UPDATE'],
    ['DELETE FROM t LIMIT 5', 'DELETE ... LIMIT'],
    ['DELETE a FROM a', 'DELETE from several tables'],
    ['DELETE FROM a USING a', 'DELETE from several tables'],
    ['UPDATE t SET a = 1', 'UPDATE'],
    ['ALTER TABLE t ADD COLUMN c INT', 'ALTER TABLE ... ADD'],
    ['ALTER DATABASE d CHARACTER SET utf8mb4', 'ALTER DATABASE ... CHARACTER'],
    ['ALTER VIEW v', 'ALTER VIEW'],
    ['SAVEPOINT `x`', 'SAVEPOINT'],
    ['ROLLBACK TO SAVEPOINT x', 'SAVEPOINT'],
    ['RELEASE SAVEPOINT x', 'SAVEPOINT'],
    ['COMMIT AND CHAIN', 'COMMIT AND CHAIN'],
    ['ROLLBACK RELEASE', 'ROLLBACK RELEASE'],
    ['EXPLAIN SELECT 1', 'EXPLAIN of a statement'],
    ['EXPLAIN FORMAT=JSON SELECT 1', 'EXPLAIN of a statement'],
    ['DESC ANALYZE SELECT 1', 'EXPLAIN of a statement'],
    ['FLUSH TABLES', 'FLUSH TABLES'],
    ['FLUSH /*!40101 LOCAL */ TABLES', 'FLUSH LOCAL'],
    ['CALL p()', 'CALL'],
    ["LOAD DATA LOCAL INFILE 'x' INTO TABLE t", 'LOAD'],
    ["PREPARE s FROM 'x'", 'PREPARE'],
    ['GRANT ALL ON *.* TO u', 'GRANT'],
    ['SHOW MASTER STATUS', 'SHOW MASTER'],
    ['SHOW CREATE VIEW v', 'SHOW CREATE VIEW'],
    ["SHOW GRANTS FOR 'u'@'%'", 'SHOW GRANTS for another user'],
    ["SET PASSWORD = 'x'", 'SET PASSWORD'],
    ["SET ROLE 'x'", 'SET ROLE'],
    ['SET PERSIST x = 1', 'SET PERSIST'],
    ['TQL EVAL (0, 1, 1) up', 'TQL'],
    ['LOCK INSTANCE FOR BACKUP', 'LOCK INSTANCE'],
  ])('1235 %s', (text, feature) => {
    expect(errorOf(text)).toBe(`1235 This version of MySQL doesn't yet support '${feature}'`);
  });

  test.each([
    ['select $$', "'$$' at line 1"],
    ['SELEC 1', "'SELEC 1' at line 1"],
    ['SELECT 1; SELECT 2', "'SELECT 2' at line 1"],
    ['SELECT 1\nFROM\n  t t2 t3', "'t3' at line 3"],
    ['SELECT FROM t', "'FROM t' at line 1"],
    ['SELECT 1 FROM t LIMIT -1', "'-1' at line 1"],
    ['INSERT INTO t', "'' at line 1"],
    ['SHOW WIBBLE', "'WIBBLE' at line 1"],
    ['DROP WIBBLE', "'WIBBLE' at line 1"],
    ['USE', "'' at line 1"],
    ['5', "'5' at line 1"],
    [`SELECT ${'x'.repeat(200)} ${'y '.repeat(100)} z`, `'y ${'y '.repeat(39)}' at line 1`],
  ])('1064 %s', (text, near) => {
    expect(errorOf(text)).toMatch(/^1064 /);
    expect(errorOf(text)).toContain(`near ${near}`);
  });
});

describe('SET', () => {
  function assignments(text: string): readonly unknown[] {
    const statement = parse(text);
    if (statement.kind !== 'set') throw new Error(`not SET: ${statement.kind}`);
    return statement.assignments;
  }
  const system = (scope: string | null, name: string, value: unknown): unknown => ({
    target: 'system',
    scope,
    name,
    value,
  });

  test.each<[text: string, expected: unknown[]]>([
    ['SET autocommit = ON', [system(null, 'autocommit', literal('ON'))]],
    ['SET @@session.Autocommit := 0', [system('session', 'autocommit', integer(0n))]],
    ['SET LOCAL x = DEFAULT', [system('session', 'x', null)]],
    ['SET x = utf8mb4', [system(null, 'x', literal('utf8mb4'))]],
    [
      'SET x = binary, y = system',
      [system(null, 'x', literal('binary')), system(null, 'y', literal('system'))],
    ],
    [
      'SET GLOBAL a = 1, b = 2, SESSION c = 3, @@d = 4',
      [
        system('global', 'a', integer(1n)),
        system('global', 'b', integer(2n)),
        system('session', 'c', integer(3n)),
        system(null, 'd', integer(4n)),
      ],
    ],
    [
      'SET @a = 1, @`b c` := 2',
      [
        { target: 'user', name: 'a', value: integer(1n) },
        { target: 'user', name: 'b c', value: integer(2n) },
      ],
    ],
    [
      'SET NAMES utf8mb4 COLLATE utf8mb4_bin',
      [{ target: 'names', charset: 'utf8mb4', collation: 'utf8mb4_bin' }],
    ],
    ['SET NAMES DEFAULT', [{ target: 'names', charset: null, collation: null }]],
    ["SET CHARACTER SET 'utf8'", [{ target: 'names', charset: 'utf8', collation: null }]],
    ["SET TIMEZONE = 'UTC'", [system(null, 'time_zone', literal('UTC'))]],
    ["SET TIME ZONE 'UTC'", [system(null, 'time_zone', literal('UTC'))]],
    [
      'SET GLOBAL TRANSACTION READ WRITE, ISOLATION LEVEL READ UNCOMMITTED',
      [{ target: 'transaction', scope: 'global', isolation: 'READ-UNCOMMITTED', readOnly: false }],
    ],
  ])('%s', (text, expected) => {
    expect(assignments(text)).toEqual(expected);
  });
});

describe('version comments', () => {
  test.each([
    ['SELECT /*!80036 1 + */ 2', '1 +  2'],
    ['SELECT /*!80037 1 + */ 2', '2'],
    ['SELECT /*!100100 1 + */ 2', '2'],
    ['SELECT /*! 1 + */ 2', '1 +  2'],
    ['SELECT /*M!50000 1 + */ 2', '2'],
    ['SELECT /*!99999 a /* b */ c */ 2', '2'],
    ['SELECT 1--1', '1--1'],
    ['SELECT 1 -- 1', '1'],
    ['SELECT 1 # 1', '1'],
  ])('%s', (text, heading) => {
    const statement = parse(text);
    const [item] = statement.kind === 'select' ? statement.items : [];
    const found = item?.kind === 'expression' ? item.text.replace(' */', ' ') : null;
    expect(found).toBe(heading);
  });
});

describe('any text', () => {
  const words = fc.constantFrom(
    ..."SELECT FROM WHERE ( ) , ; . * + - / = @ @@ ? :: := ' \" ` /* */ /*! -- # 1 1.5 1e5 0x a `b` 'c' INSERT INTO VALUES CASE WHEN THEN END IN BETWEEN AND OR NOT LIKE INTERVAL DAY CAST AS SET SHOW CREATE TABLE INT PRIMARY KEY DEFAULT NULL IS".split(
      ' ',
    ),
  );
  const texts = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc.array(words, { maxLength: 60 }).map((parts) => parts.join(' ')),
    fc.array(words, { maxLength: 30 }).map((parts) => parts.join('')),
  );
  const options = fc.record({
    ansiQuotes: fc.boolean(),
    noBackslashEscapes: fc.boolean(),
    pipesAsConcat: fc.boolean(),
  });

  test('is a statement or an SqlError', () => {
    let errors = 0;
    const runs = fc.check(
      fc.property(texts, options, (text, chosen) => {
        for (const read of [parseStatement, parseExpression]) {
          try {
            read(text, chosen);
          } catch (error) {
            if (!(error instanceof SqlError)) throw error;
            errors += 1;
          }
        }
      }),
      { numRuns: 3000 },
    );
    expect(runs.failed ? fc.defaultReportMessage(runs) : null).toBeNull();
    expect(errors).toBeGreaterThan(100);
  });

  test('a string literal says what it was written from', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.constantFrom("'", '"'), (value, quote) => {
        const escaped = value
          .replaceAll('\\', '\\\\')
          .replaceAll(quote, quote + quote)
          .replaceAll('\0', '\\0');
        expect(parseExpression(`${quote}${escaped}${quote}`, OPTIONS)).toEqual(literal(value));
      }),
    );
  });
});
