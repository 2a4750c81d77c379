/**
 * What clients really send: each text parses, to the statement named beside it. Captured from drivers, command-line tools
 * and dashboards; shortened only where a list repeats itself.
 */

import type { Statement } from '../../src/sql/ast.js';
import { parseStatement } from '../../src/sql/parser.js';

const OPTIONS = { ansiQuotes: false, noBackslashEscapes: false };

const STATEMENTS: readonly (readonly [kind: Statement['kind'], text: string])[] = [
  // Connector/J
  [
    'select',
    '/* mysql-connector-j-9.1.0 (Revision: cf2917ea44ae2e43a4514a33771035aa99de73df) */SELECT  @@session.auto_increment_increment AS auto_increment_increment, @@character_set_client AS character_set_client, @@character_set_connection AS character_set_connection, @@character_set_results AS character_set_results, @@character_set_server AS character_set_server, @@collation_server AS collation_server, @@collation_connection AS collation_connection, @@init_connect AS init_connect, @@interactive_timeout AS interactive_timeout, @@license AS license, @@lower_case_table_names AS lower_case_table_names, @@max_allowed_packet AS max_allowed_packet, @@net_write_timeout AS net_write_timeout, @@performance_schema AS performance_schema, @@sql_mode AS sql_mode, @@system_time_zone AS system_time_zone, @@time_zone AS time_zone, @@transaction_isolation AS transaction_isolation, @@wait_timeout AS wait_timeout',
  ],
  ['set', "SET SESSION time_zone='+00:00'"],
  ['set', 'SET NAMES utf8mb4'],
  ['set', 'SET character_set_results = NULL'],
  ['set', 'SET autocommit=1'],
  ['set', "SET sql_mode='ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES'"],
  ['select', 'SELECT @@session.transaction_read_only'],
  ['set', 'SET SESSION TRANSACTION READ ONLY'],
  ['set', 'SET SESSION TRANSACTION READ WRITE'],
  ['set', 'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED'],
  ['use', 'USE `db`'],
  ['set', 'SET sql_select_limit=DEFAULT'],
  ['set', 'SET net_write_timeout=600'],
  ['show', 'SHOW WARNINGS'],
  ['kill', 'KILL QUERY 17'],
  ['show', 'SHOW DATABASES LIKE ?'.replace('?', "'d%'")],
  ['select', 'SELECT USER()'],
  ['select', 'SELECT WORD FROM INFORMATION_SCHEMA.KEYWORDS WHERE RESERVED=1 ORDER BY WORD'],
  [
    'select',
    "SELECT TABLE_SCHEMA AS TABLE_CAT, NULL AS TABLE_SCHEM, TABLE_NAME, CASE WHEN TABLE_TYPE='BASE TABLE' THEN CASE WHEN TABLE_SCHEMA = 'mysql' OR TABLE_SCHEMA = 'performance_schema' THEN 'SYSTEM TABLE' ELSE 'TABLE' END WHEN TABLE_TYPE='TEMPORARY' THEN 'LOCAL_TEMPORARY' ELSE TABLE_TYPE END AS TABLE_TYPE, TABLE_COMMENT AS REMARKS, NULL AS TYPE_CAT FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_SCHEMA = 'demo' AND TABLE_NAME LIKE '%' HAVING TABLE_TYPE IN ('TABLE','VIEW',null,null,null) ORDER BY TABLE_TYPE, TABLE_SCHEMA, TABLE_NAME",
  ],
  [
    'select',
    "SELECT UPPER(CASE WHEN UPPER(DATA_TYPE)='DECIMAL' THEN CONCAT(DATA_TYPE, ' UNSIGNED') ELSE DATA_TYPE END) AS TYPE_NAME, IF (EXTRA LIKE '%auto_increment%','YES','NO') AS IS_AUTOINCREMENT, IF (EXTRA LIKE '%GENERATED%','YES','NO') AS IS_GENERATEDCOLUMN FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_SCHEMA = 'demo' AND TABLE_NAME = 'cpu' ORDER BY TABLE_SCHEMA, TABLE_NAME, ORDINAL_POSITION",
  ],
  [
    'select',
    "SELECT TABLE_SCHEMA AS TABLE_CAT, NULL AS TABLE_SCHEM, TABLE_NAME, COLUMN_NAME, SEQ_IN_INDEX AS KEY_SEQ, 'PRIMARY' AS PK_NAME FROM INFORMATION_SCHEMA.STATISTICS WHERE TABLE_SCHEMA = 'demo' AND TABLE_NAME = 'cpu' AND INDEX_NAME='PRIMARY' ORDER BY TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, SEQ_IN_INDEX",
  ],
  ['show', "SHOW FULL TABLES FROM `d` LIKE 'pat\\_1'"],
  ['show', "SHOW FULL COLUMNS FROM `t` FROM `d` LIKE 'pat'"],
  ['show', 'SHOW KEYS FROM `t` FROM `d`'],
  ['show', 'SHOW INDEX FROM `t` FROM `d`'],
  ['show', 'SHOW CREATE TABLE `d`.`t`'],
  ['show', "SHOW FUNCTION STATUS WHERE Db = 'd'"],
  ['show', "SHOW COLUMNS FROM `t` WHERE Extra LIKE '%on update CURRENT_TIMESTAMP%'"],
  ['show', 'SHOW COLUMNS FROM `t` FROM `d`'],
  // MariaDB Connector/J
  [
    'set',
    "set sql_mode=CONCAT(@@sql_mode,',STRICT_TRANS_TABLES'),session_track_system_variables = CONCAT(@@global.session_track_system_variables,',transaction_isolation'),NAMES utf8mb4",
  ],
  ['set', "set autocommit=1, sql_mode = concat(@@sql_mode,',STRICT_TRANS_TABLES')"],
  [
    'select',
    'SELECT @@max_allowed_packet,@@system_time_zone,@@time_zone,@@auto_increment_increment',
  ],
  ['set', 'set @@SQL_SELECT_LIMIT=DEFAULT'],
  ['createDatabase', 'CREATE DATABASE IF NOT EXISTS `db`'],
  ['show', "show status like 'wsrep_local_state'"],
  ['select', "SELECT '' TABLE_SCHEM, '' TABLE_CATALOG FROM DUAL WHERE 1=0"],
  ['select', 'SELECT SCHEMA_NAME TABLE_CAT FROM INFORMATION_SCHEMA.SCHEMATA ORDER BY SCHEMA_NAME'],
  // go-sql-driver, connector-python, SQLAlchemy, Connector/NET, Connector/ODBC
  ['begin', 'START TRANSACTION READ ONLY'],
  ['begin', 'START TRANSACTION WITH CONSISTENT SNAPSHOT'],
  ['set', 'SET TRANSACTION ISOLATION LEVEL SERIALIZABLE'],
  ['set', "SET NAMES 'utf8mb4' COLLATE 'utf8mb4_general_ci'"],
  ['set', 'SET @@session.autocommit = OFF'],
  ['rollback', 'ROLLBACK'],
  ['select', 'SELECT DATABASE()'],
  [
    'select',
    'SELECT @@max_allowed_packet, @@character_set_client, @@character_set_connection, @@license, @@sql_mode, @@lower_case_table_names, @@autocommit;',
  ],
  ['select', 'SELECT TIMEDIFF(NOW(), UTC_TIMESTAMP())'],
  ['show', 'SHOW COLLATION'],
  ['set', 'SET character_set_results=NULL'],
  ['select', 'SELECT CONNECTION_ID(), VERSION();'],
  ['set', 'SET SQL_AUTO_IS_NULL = 0'],
  ['set', 'set @@max_execution_time=DEFAULT'],
  ['show', "SHOW SESSION VARIABLES LIKE 'x'"],
  ['kill', 'KILL /*!50000 QUERY */ 12'],
  ['show', "SHOW /*!50002 FULL*/ TABLES FROM `db` LIKE '%'"],
  ['show', 'SHOW schemas'],
  ['describe', 'DESCRIBE `d`.`t`'],
  ['kill', 'KILL CONNECTION 9'],
  // mysql, mysqldump, mycli
  ['select', 'select @@version_comment limit 1'],
  ['select', 'select DATABASE(), USER() limit 1'],
  ['set', 'SET sql_safe_updates=1, sql_select_limit=1000, max_join_size=1000000'],
  ['kill', '/*!50000 KILL QUERY 5 */'],
  ['set', "/*!40100 SET @@SQL_MODE='' */"],
  ['set', "/*!40103 SET TIME_ZONE='+00:00' */"],
  ['empty', '/*M!100100 SET @@MAX_STATEMENT_TIME=0.000000 */'],
  ['empty', '/*M!100100 SET WAIT_TIMEOUT=DEFAULT */'],
  ['empty', '/*M!999999\\- enable the sandbox mode */'],
  ['empty', '/*!100100 SET @@MAX_STATEMENT_TIME=0 */'],
  ['set', 'SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ'],
  ['begin', 'START TRANSACTION /*!40100 WITH CONSISTENT SNAPSHOT */'],
  ['unlockTables', 'UNLOCK TABLES'],
  ['set', "set optimizer_switch='semijoin=off'"],
  ['set', 'set optimizer_switch=default'],
  ['show', "SHOW TABLES LIKE '%'"],
  ['lockTables', 'LOCK TABLES x READ /*!32311 LOCAL */,y WRITE'],
  [
    'select',
    "SELECT engine, table_type FROM INFORMATION_SCHEMA.TABLES WHERE table_schema = DATABASE() AND table_name = 'x'",
  ],
  ['set', 'SET SQL_QUOTE_SHOW_CREATE=1'],
  ['set', "SET SESSION character_set_results = 'binary'"],
  ['show', 'show create table `x`'],
  ['select', 'SELECT /*!40001 SQL_NO_CACHE */ `a`, `b` FROM `x`'],
  ['show', 'show events'],
  ['show', "SHOW TRIGGERS LIKE 'x'"],
  ['show', 'SHOW FIELDS FROM `v`'],
  ['show', 'SHOW CREATE DATABASE IF NOT EXISTS `x`'],
  ['set', '/*!80000 SET SESSION information_schema_stats_expiry=0 */'],
  ['set', 'SET SESSION NET_READ_TIMEOUT= 86400, SESSION NET_WRITE_TIMEOUT= 86400'],
  ['show', "SHOW VARIABLES LIKE 'gtid\\_mode'"],
  ['select', 'SELECT @@GLOBAL.GTID_EXECUTED'],
  [
    'select',
    "SELECT COLUMN_NAME,                       JSON_EXTRACT(HISTOGRAM, '$.\"number-of-buckets-specified\"')                FROM information_schema.COLUMN_STATISTICS                WHERE SCHEMA_NAME = 'd' AND TABLE_NAME = 't'",
  ],
  ['set', '/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;'],
  ['set', '/*!40101 SET NAMES utf8mb4 */;'],
  ['set', "/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;"],
  ['set', '/*!40014 SET @OLD_UNIQUE_CHECKS=@@UNIQUE_CHECKS, UNIQUE_CHECKS=0 */;'],
  ['set', '/*!40101 SET character_set_client = @saved_cs_client */;'],
  ['set', '/*!50503 SET character_set_client = utf8mb4 */;'],
  ['dropTable', 'DROP TABLE IF EXISTS `cpu`;'],
  ['lockTables', 'LOCK TABLES `cpu` WRITE;'],
  ['empty', '/*!40000 ALTER TABLE `cpu` DISABLE KEYS */;'],
  ['empty', '-- Dump completed on 2026-11-22 21:23:36\n'],
  [
    'createTable',
    "CREATE TABLE `cpu` (\n  `host` varchar(64) NOT NULL,\n  `ts` datetime(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6),\n  `usage` double DEFAULT NULL COMMENT 'in %',\n  PRIMARY KEY (`host`,`ts`),\n  KEY `by_ts` (`ts`)\n) ENGINE=InnoDB AUTO_INCREMENT=7 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci COMMENT='a table';",
  ],
  ['select', 'SELECT CONCAT("\'", user, "\'@\'",host,"\'") FROM mysql.user'],
  ['select', 'SELECT name from mysql.help_topic WHERE name like "SHOW %"'],
  ['show', 'SHOW GLOBAL STATUS;'],
  // Grafana
  [
    'select',
    "SELECT DISTINCT TABLE_SCHEMA from information_schema.TABLES where TABLE_TYPE != 'SYSTEM VIEW' ORDER BY TABLE_SCHEMA",
  ],
  [
    'select',
    "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = 'd' AND table_name = 't' AND data_type IN ('timestamp','datetime','bigint','int','double','float') ORDER BY column_name",
  ],
  [
    'select',
    'SELECT COLUMN_NAME, DATA_TYPE, NUMERIC_PRECISION, NUMERIC_SCALE FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION',
  ],
  [
    'select',
    'SELECT UNIX_TIMESTAMP(ts) DIV 300 * 300 AS "time", host AS metric, avg(usage_user) AS \'cpu\' FROM cpu WHERE ts BETWEEN FROM_UNIXTIME(1700000000) AND FROM_UNIXTIME(1700003600) GROUP BY 1,2 ORDER BY 1',
  ],
  [
    'select',
    'SELECT ts FROM cpu WHERE ts > DATE_ADD(FROM_UNIXTIME(0), INTERVAL -5 SECOND) LIMIT 100',
  ],
  // Metabase, DBeaver, DataGrip, Superset, Redash
  ['set', "SET @@session.time_zone = 'Europe/Berlin';"],
  ['show', "SHOW VARIABLES LIKE 'partial_revokes';"],
  [
    'select',
    "SELECT @@GLOBAL.time_zone AS global_tz, @@system_time_zone AS system_tz, time_format(timediff(now(), convert_tz(now(), @@GLOBAL.time_zone, '+00:00')), '%H:%i') AS 'offset';",
  ],
  ['select', 'SELECT TRUE FROM `db`.`t` WHERE 1 <> 1 LIMIT 0'],
  ['show', 'SHOW GRANTS FOR CURRENT_USER()'],
  [
    'select',
    "SELECT STR_TO_DATE(CONCAT(YEARWEEK(c),' Sunday'),'%X%V %W'), MAKEDATE(YEAR(c), 1) + INTERVAL QUARTER(c) QUARTER - INTERVAL 1 QUARTER, CAST(c AS DATETIME(6)), COUNT(DISTINCT c) FROM t",
  ],
  [
    'select',
    'SELECT DATE_ADD(DATE(c), INTERVAL (HOUR(c)*60*60 + MINUTE(c)*60) SECOND), DATE_SUB(c, INTERVAL DAYOFWEEK(c) - 1 DAY) FROM t',
  ],
  ['show', '/* ApplicationName=DBeaver 24.2.0 - Main */ SHOW ENGINES'],
  ['set', '/* ApplicationName=DataGrip 2024.1 */ SET TRANSACTION READ WRITE'],
  ['show', 'SHOW PLUGINS'],
  ['show', "SHOW FULL TABLES FROM `d` WHERE `Tables_in_d` LIKE 'x'"],
  ['show', "SHOW TABLE STATUS FROM `d` LIKE 't'"],
  ['show', 'SHOW FULL PROCESSLIST'],
  ['show', 'SHOW PRIVILEGES'],
  ['select', 'SELECT * FROM d.t LIMIT 0, 200'],
  [
    'select',
    'select schema_name as name from information_schema.schemata order by if(schema() = schema_name, 1, 2), schema_name',
  ],
  [
    'select',
    "select collation_name, character_set_name, is_default collate utf8_general_ci = 'Yes' as is_default from information_schema.collations",
  ],
  [
    'select',
    'SELECT table_schema, SUM(data_length + index_length) FROM information_schema.tables GROUP BY table_schema',
  ],
  ['select', 'SELECT version() as version'],
  ['select', 'SELECT DATABASE() AS `db_name`'],
  ['kill', 'KILL 33'],
  // GreptimeDB's own
  ['admin', "ADMIN flush_table('cpu')"],
  ['describe', 'DESC TABLE cpu'],
  ['createDatabase', "CREATE DATABASE IF NOT EXISTS metrics WITH (ttl = '7d')"],
  ['truncate', 'TRUNCATE TABLE cpu'],
  [
    'createTable',
    "CREATE TABLE IF NOT EXISTS cpu (host STRING, ts TimestampMillisecond TIME INDEX, v Float64 NULL, PRIMARY KEY (host)) ENGINE=mito WITH (append_mode = 'true', ttl = '30d')",
  ],
  [
    'insert',
    "INSERT INTO monitor(host, ts, cpu) VALUES ('127.0.0.1', 1702433141000, 0.5), ('127.0.0.2', now(), DEFAULT);",
  ],
  [
    'select',
    "SELECT date_bin(INTERVAL '5 minutes', ts), max(cpu) FROM monitor WHERE ts > '2023-12-13'::TIMESTAMP GROUP BY 1",
  ],
];

test.each(STATEMENTS)('%s: %s', (kind, text) => {
  expect(parseStatement(text, OPTIONS).statement.kind).toBe(kind);
});
