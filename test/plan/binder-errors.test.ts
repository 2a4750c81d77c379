/** What the binder refuses, with MySQL's number and wording. */

import { cpuTable } from '../exec/cpu-table.js';
import { errorOf } from '../exec/query-harness.js';

test.each<[sql: string, errno: number, text: string]>([
  ['SELECT hots FROM cpu', 1054, "Unknown column 'hots' in 'field list'; did you mean 'host'?"],
  ['SELECT xyzzyx FROM cpu', 1054, "Unknown column 'xyzzyx' in 'field list'"],
  ['SELECT host FROM cpu WHERE nope = 1', 1054, "Unknown column 'nope' in 'where clause'"],
  ['SELECT host FROM cpu ORDER BY nothing', 1054, "Unknown column 'nothing' in 'order clause'"],
  ['SELECT host FROM cpu ORDER BY 5', 1054, "Unknown column '5' in 'order clause'"],
  ['SELECT host FROM cpu GROUP BY nothing', 1054, "Unknown column 'nothing' in 'group statement'"],
  ['SELECT host FROM cpu GROUP BY 3', 1054, "Unknown column '3' in 'group statement'"],
  ['SELECT host FROM cpu HAVING nothing', 1054, "Unknown column 'nothing' in 'having clause'"],
  ['SELECT m.host FROM cpu', 1054, "Unknown column 'm.host' in 'field list'"],
  ['SELECT cpu.host FROM cpu c', 1054, "Unknown column 'cpu.host' in 'field list'"],
  ['SELECT host AS h FROM cpu WHERE h = 1', 1054, "Unknown column 'h' in 'where clause'"],
  ['SELECT host', 1054, "Unknown column 'host' in 'field list'"],
  ['SELECT *', 1096, 'No tables used'],
  ['SELECT x.* FROM cpu', 1051, "Unknown table 'x'"],
  ['SELECT * FROM nope', 1146, "Table 'test.nope' doesn't exist"],
  ['SELECT nofunction(1)', 1305, 'FUNCTION test.nofunction does not exist'],
  ['SELECT concta(1)', 1305, "FUNCTION test.concta does not exist; did you mean 'concat'?"],
  ['SELECT abs()', 1582, "Incorrect parameter count in the call to native function 'abs'"],
  [
    'SELECT count() FROM cpu',
    1582,
    "Incorrect parameter count in the call to native function 'count'",
  ],
  ['SELECT host FROM cpu WHERE count(*) > 1', 1111, 'Invalid use of group function'],
  ['SELECT max(min(cores)) FROM cpu', 1111, 'Invalid use of group function'],
  ['SELECT max(cores) m FROM cpu GROUP BY m', 1056, "Can't group on 'm'"],
  ['SELECT max(cores) FROM cpu GROUP BY 1', 1056, "Can't group on 'max(cores)'"],
  [
    'SELECT host, dc FROM cpu GROUP BY host',
    1055,
    "Expression #2 of SELECT list is not in GROUP BY clause and contains nonaggregated column 'test.cpu.dc'",
  ],
  [
    'SELECT host, count(*) FROM cpu',
    1140,
    "In aggregated query without GROUP BY, expression #1 of SELECT list contains nonaggregated column 'test.cpu.host'",
  ],
  [
    'SELECT DISTINCT host FROM cpu ORDER BY dc',
    1221,
    'ORDER BY must name items of the select list when it is DISTINCT',
  ],
  ['SELECT @@nosuch', 1193, "Unknown system variable 'nosuch'"],
  ["SELECT 'a' COLLATE nosuch_ci", 1273, "Unknown collation: 'nosuch_ci'"],
  [
    'SELECT 9223372036854775807 + 1',
    1690,
    "BIGINT value is out of range in '(9223372036854775807 + 1)'",
  ],
  [
    'SELECT total * 10000 FROM cpu',
    1690,
    "BIGINT value is out of range in '(`test`.`cpu`.`total` * 10000)'",
  ],
  ['SELECT CAST(1 AS UNSIGNED) - 2', 1690, 'BIGINT UNSIGNED value is out of range'],
  ['SELECT EXP(1000)', 1690, "DOUBLE value is out of range in 'exp(1000)'"],
  ["SELECT DATE '2023-02-29'", 1525, "Incorrect DATE value: '2023-02-29'"],
  ["SELECT 'a' REGEXP '('", 1139, "Got error '"],
  ["SELECT 'a' REGEXP '(a+)+'", 1139, 'a repeat inside a repeat'],
  ['SELECT date_bin(INTERVAL 0 SECOND, ts) FROM cpu', 1210, 'the interval must be positive'],
  ["SELECT date_trunc('eon', ts) FROM cpu", 1210, "unknown unit 'eon'"],
  ['SELECT INTERVAL 1 DAY', 1210, 'Incorrect arguments to INTERVAL'],
  ['SELECT sleep(-1)', 1210, 'Incorrect arguments to sleep'],
])('%s', async (sql, errno, text) => {
  const error = await errorOf(sql, { tables: [cpuTable()] });
  expect(error.errno).toBe(errno);
  expect(error.message).toContain(text);
});
