/** What drivers and tools send at connect, word for word, and what they need to read. */

import type { Connection } from 'mysql2/promise';
import { cellOf, cellsOf, failureOf, rowsOf, run } from '../support/typed-query.js';
import { SingleNode } from './support/single-node.js';

let node: SingleNode;
let client: Connection;

beforeAll(async () => {
  node = await SingleNode.start();
  client = await node.connect();
  await run(client, 'CREATE DATABASE demo');
  await run(client, 'USE demo');
  await run(
    client,
    'CREATE TABLE cpu (host VARCHAR(20), ts TIMESTAMP TIME INDEX, used DOUBLE, PRIMARY KEY (host))',
  );
});

afterAll(async () => {
  await node.stop();
});

const CONNECTOR_J =
  '/* mysql-connector-j-9.1.0 (Revision: cf2917ea44ae2e43a4514a33771035aa99de73cd) */SELECT  @@session.auto_increment_increment AS auto_increment_increment, @@character_set_client AS character_set_client, @@character_set_connection AS character_set_connection, @@character_set_results AS character_set_results, @@character_set_server AS character_set_server, @@collation_server AS collation_server, @@collation_connection AS collation_connection, @@init_connect AS init_connect, @@interactive_timeout AS interactive_timeout, @@license AS license, @@lower_case_table_names AS lower_case_table_names, @@max_allowed_packet AS max_allowed_packet, @@net_write_timeout AS net_write_timeout, @@performance_schema AS performance_schema, @@sql_mode AS sql_mode, @@system_time_zone AS system_time_zone, @@time_zone AS time_zone, @@transaction_isolation AS transaction_isolation, @@wait_timeout AS wait_timeout';

test('Connector/J: the one row that it makes its settings from', async () => {
  const [row] = await rowsOf(client, CONNECTOR_J);
  expect(row).toEqual({
    auto_increment_increment: 1,
    character_set_client: 'utf8mb4',
    character_set_connection: 'utf8mb4',
    character_set_results: 'utf8mb4',
    character_set_server: 'utf8mb4',
    collation_server: 'utf8mb4_bin',
    collation_connection: 'utf8mb4_bin',
    init_connect: '',
    interactive_timeout: 28_800,
    license: 'Apache-2.0',
    lower_case_table_names: 0,
    max_allowed_packet: 67_108_864,
    net_write_timeout: 60,
    performance_schema: 0,
    sql_mode: 'ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION',
    system_time_zone: 'UTC',
    time_zone: 'SYSTEM',
    transaction_isolation: 'READ-COMMITTED',
    wait_timeout: 28_800,
  });
});

/** Statements that must be accepted, by who sends them. */
const ACCEPTED: readonly (readonly [client: string, statements: readonly string[]])[] = [
  [
    'Connector/J',
    [
      "SET SESSION time_zone='+00:00'",
      'SET NAMES utf8mb4',
      'SET character_set_results = NULL',
      'SET autocommit=1',
      "SET sql_mode='ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION'",
      'SET SESSION TRANSACTION READ WRITE',
      'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED',
      'SET sql_select_limit=DEFAULT',
      'SET net_write_timeout=600',
      'USE `demo`',
      'COMMIT',
      'ROLLBACK',
    ],
  ],
  [
    'MariaDB Connector/J',
    [
      "set sql_mode=CONCAT(@@sql_mode,',STRICT_TRANS_TABLES'),session_track_system_variables = CONCAT(@@global.session_track_system_variables,',transaction_isolation'),NAMES utf8mb4",
      "set autocommit=1, sql_mode = concat(@@sql_mode,',STRICT_TRANS_TABLES')",
      'set @@SQL_SELECT_LIMIT=DEFAULT',
    ],
  ],
  [
    'PyMySQL, mysqlclient, connector-python',
    [
      "SET NAMES 'utf8mb4' COLLATE 'utf8mb4_general_ci'",
      'SET NAMES utf8mb4 COLLATE utf8mb4_unicode_ci',
      'SET AUTOCOMMIT = 0',
      'SET AUTOCOMMIT = 1',
      'SET @@session.autocommit = OFF',
      'SET @@session.autocommit = ON',
      'SET TRANSACTION READ ONLY',
      'START TRANSACTION WITH CONSISTENT SNAPSHOT',
      'COMMIT',
    ],
  ],
  [
    'Connector/ODBC, Connector/NET, go',
    [
      'SET SQL_AUTO_IS_NULL = 0',
      'SET AUTOCOMMIT=1',
      'set @@max_execution_time=DEFAULT',
      'SET character_set_results=NULL;',
      "SET time_zone = '+00:00', NAMES utf8mb4 COLLATE utf8mb4_unicode_ci",
    ],
  ],
  [
    'the command line, mysqldump and restoring a dump',
    [
      'SET sql_safe_updates=1, sql_select_limit=DEFAULT, max_join_size=1000000',
      "/*!40100 SET @@SQL_MODE='' */",
      "/*!40103 SET TIME_ZONE='+00:00' */",
      '/*M!100100 SET @@MAX_STATEMENT_TIME=0.000000 */',
      '/*M!100100 SET WAIT_TIMEOUT=DEFAULT */',
      '/*!80000 SET SESSION information_schema_stats_expiry=0 */',
      'SET SESSION NET_READ_TIMEOUT= 86400, SESSION NET_WRITE_TIMEOUT= 86400',
      'SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ',
      'START TRANSACTION /*!40100 WITH CONSISTENT SNAPSHOT */',
      'UNLOCK TABLES',
      "set optimizer_switch='semijoin=off'",
      'set optimizer_switch=default',
      'LOCK TABLES cpu READ /*!32311 LOCAL */',
      'SET SQL_QUOTE_SHOW_CREATE=1',
      "SET SESSION character_set_results = 'binary'",
      "SET SESSION character_set_results = 'utf8mb4'",
      '/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */',
      '/*!40101 SET CHARACTER_SET_CLIENT=@OLD_CHARACTER_SET_CLIENT */',
      '/*!40014 SET @OLD_UNIQUE_CHECKS=@@UNIQUE_CHECKS, UNIQUE_CHECKS=0 */',
      '/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */',
      "/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */",
      '/*!40111 SET @OLD_SQL_NOTES=@@SQL_NOTES, SQL_NOTES=0 */',
      '/*!40000 ALTER TABLE `cpu` DISABLE KEYS */',
      '/*!40111 SET SQL_NOTES=@OLD_SQL_NOTES */',
    ],
  ],
];

describe('statements that must be accepted', () => {
  test.each(ACCEPTED)('%s', async (_name, statements) => {
    const own = await node.connect({ database: 'demo' });
    for (const statement of statements) {
      const [result] = await own.query(statement);
      expect([statement, Array.isArray(result)]).toEqual([statement, false]);
    }
  });
});

/** Queries, and what the first row must be. */
const ANSWERED: readonly (readonly [client: string, sql: string, row: readonly unknown[]])[] = [
  [
    'MariaDB Connector/J 2.7',
    'SELECT @@max_allowed_packet,@@system_time_zone,@@time_zone,@@auto_increment_increment',
    [67_108_864, 'UTC', 'SYSTEM', 1],
  ],
  ['SQLAlchemy', 'SELECT VERSION()', ['8.0.36-twintide-test']],
  ['SQLAlchemy', 'SELECT DATABASE()', ['demo']],
  ['SQLAlchemy', 'SELECT @@transaction_isolation', ['READ-COMMITTED']],
  [
    'SQLAlchemy',
    'SELECT @@sql_mode',
    ['ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION'],
  ],
  ['SQLAlchemy', 'SELECT @@lower_case_table_names', [0]],
  [
    'Connector/NET',
    'SELECT @@max_allowed_packet, @@character_set_client, @@character_set_connection, @@license, @@sql_mode, @@lower_case_table_names, @@autocommit;',
    [
      67_108_864,
      'utf8mb4',
      'utf8mb4',
      'Apache-2.0',
      'ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION',
      0,
      1,
    ],
  ],
  ['mysql', 'select @@version_comment limit 1', ['Twintide']],
  ['mysql', 'select DATABASE(), USER() limit 1', ['demo', 'root@127.0.0.1']],
  [
    'mysql',
    'select @@character_set_client, @@character_set_connection, @@character_set_server, @@character_set_database limit 1',
    ['utf8mb4', 'utf8mb4', 'utf8mb4', 'utf8mb4'],
  ],
  ['ProxySQL', 'SELECT @@global.read_only read_only', [0]],
  ['mysqldump', 'select @@collation_database', ['utf8mb4_bin']],
  ['Connector/J', 'SELECT @@session.transaction_read_only', [0]],
];

describe('queries that must be answered', () => {
  test.each(ANSWERED)('%s: %s', async (_name, sql, row) => {
    const own = await node.connect({ database: 'demo' });
    expect(await cellsOf(own, sql)).toEqual([row]);
  });

  test('select $$ must be an error, never a result set', async () => {
    expect((await failureOf(client.query('select $$'))).errno).toBeDefined();
    expect(await cellOf(client, 'SELECT 1')).toBe(1);
  });

  test('Connector/J getTables', async () => {
    const rows = await rowsOf(
      client,
      `SELECT TABLE_SCHEMA AS TABLE_CAT, NULL AS TABLE_SCHEM, TABLE_NAME, CASE WHEN TABLE_TYPE='BASE TABLE' THEN CASE WHEN TABLE_SCHEMA = 'mysql' OR TABLE_SCHEMA = 'performance_schema' THEN 'SYSTEM TABLE' ELSE 'TABLE' END WHEN TABLE_TYPE='TEMPORARY' THEN 'LOCAL_TEMPORARY' ELSE TABLE_TYPE END AS TABLE_TYPE, TABLE_COMMENT AS REMARKS, NULL AS TYPE_CAT, NULL AS TYPE_SCHEM, NULL AS TYPE_NAME, NULL AS SELF_REFERENCING_COL_NAME, NULL AS REF_GENERATION FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_SCHEMA = 'demo' AND TABLE_NAME LIKE '%' HAVING TABLE_TYPE IN ('TABLE','VIEW',null,null,null) ORDER BY TABLE_TYPE, TABLE_SCHEMA, TABLE_NAME`,
    );
    expect(rows).toEqual([
      expect.objectContaining({ TABLE_CAT: 'demo', TABLE_NAME: 'cpu', TABLE_TYPE: 'TABLE' }),
    ]);
  });

  test('Connector/J getPrimaryKeys', async () => {
    const rows = await cellsOf(
      client,
      `SELECT TABLE_SCHEMA AS TABLE_CAT, NULL AS TABLE_SCHEM, TABLE_NAME, COLUMN_NAME, SEQ_IN_INDEX AS KEY_SEQ, 'PRIMARY' AS PK_NAME FROM INFORMATION_SCHEMA.STATISTICS WHERE TABLE_SCHEMA = 'demo' AND TABLE_NAME = 'cpu' AND INDEX_NAME='PRIMARY' ORDER BY TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, SEQ_IN_INDEX`,
    );
    expect(rows).toEqual([
      ['demo', null, 'cpu', 'host', 1, 'PRIMARY'],
      ['demo', null, 'cpu', 'ts', 2, 'PRIMARY'],
    ]);
  });

  test('Grafana', async () => {
    expect(
      await cellsOf(
        client,
        "SELECT DISTINCT TABLE_SCHEMA from information_schema.TABLES where TABLE_TYPE != 'SYSTEM VIEW' ORDER BY TABLE_SCHEMA",
      ),
    ).toEqual([['demo']]);
    expect(
      await cellsOf(
        client,
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = 'demo' AND table_name = 'cpu' AND data_type IN ('timestamp','datetime','bigint','int','double','float') ORDER BY column_name",
      ),
    ).toEqual([
      ['ts', 'timestamp'],
      ['used', 'double'],
    ]);
  });

  test('labels are as written, and upper case for SELECT *', async () => {
    const [lower] = await rowsOf(
      client,
      "SELECT table_name FROM information_schema.tables WHERE table_schema = 'demo'",
    );
    expect(lower).toEqual({ table_name: 'cpu' });
    const [star] = await rowsOf(
      client,
      "SELECT * FROM information_schema.tables WHERE table_schema = 'demo'",
    );
    expect(Object.keys(star ?? {}).slice(0, 3)).toEqual([
      'TABLE_CATALOG',
      'TABLE_SCHEMA',
      'TABLE_NAME',
    ]);
  });

  test('SQLAlchemy reflects from SHOW CREATE TABLE', async () => {
    const rows = await rowsOf(client, 'SHOW CREATE TABLE `cpu`');
    expect(rows).toEqual([
      {
        Table: 'cpu',
        'Create Table':
          'CREATE TABLE `cpu` (\n  `host` varchar(20) DEFAULT NULL,\n  `ts` timestamp(3) NOT NULL,\n  `used` double DEFAULT NULL,\n  PRIMARY KEY (`host`,`ts`)\n) ENGINE=TWINTIDE DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin',
      },
    ]);
    expect((await failureOf(client.query('DESCRIBE `demo`.`nope`'))).errno).toBe(1146);
  });

  test.each([
    ['SHOW ENGINES', ['Engine', 'Support', 'Comment', 'Transactions', 'XA', 'Savepoints']],
    ['SHOW CHARSET', ['Charset', 'Description', 'Default collation', 'Maxlen']],
    [
      'SHOW COLLATION',
      ['Collation', 'Charset', 'Id', 'Default', 'Compiled', 'Sortlen', 'Pad_attribute'],
    ],
    ['SHOW PLUGINS', ['Name', 'Status', 'Type', 'Library', 'License']],
    ["SHOW VARIABLES LIKE 'lower_case_table_names'", ['Variable_name', 'Value']],
    ["SHOW /*!50002 FULL*/ TABLES FROM `demo` LIKE '%'", ['Tables_in_demo (%)', 'Table_type']],
    [
      'SHOW KEYS FROM `cpu` FROM `demo`',
      [
        'Table',
        'Non_unique',
        'Key_name',
        'Seq_in_index',
        'Column_name',
        'Collation',
        'Cardinality',
        'Sub_part',
        'Packed',
        'Null',
        'Index_type',
        'Comment',
        'Index_comment',
        'Visible',
        'Expression',
      ],
    ],
    ['SHOW GRANTS FOR CURRENT_USER()', ['Grants for root@%']],
  ])('%s has the headings %j', async (sql, headings) => {
    const [, fields] = await client.query(sql);
    expect(fields.map((field) => field.name)).toEqual(headings);
  });

  test.each([
    "SHOW FUNCTION STATUS WHERE Db = 'demo'",
    "SHOW PROCEDURE STATUS WHERE Db = 'demo'",
    "SHOW TRIGGERS LIKE 'cpu'",
    'show events',
    "SHOW VARIABLES LIKE 'ndbinfo\\_version'",
    "SELECT TRIGGER_NAME FROM INFORMATION_SCHEMA.TRIGGERS WHERE EVENT_OBJECT_SCHEMA = DATABASE() AND EVENT_OBJECT_TABLE = 'cpu'",
  ])('%s is empty', async (sql) => {
    expect(await cellsOf(client, sql)).toEqual([]);
  });

  test('COM_FIELD_LIST has no client here; DESCRIBE of one column does what it is for', async () => {
    expect(await cellsOf(client, 'DESCRIBE cpu ts')).toEqual([
      ['ts', 'timestamp(3)', 'NO', 'PRI', null, 'TIME INDEX'],
    ]);
  });
});
