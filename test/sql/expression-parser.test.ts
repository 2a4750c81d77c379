/** Expressions: precedence, literals, calls with a grammar of their own, and bounds on nesting. */

import fc from 'fast-check';
import { SqlError } from '../../protocol/index.js';
import { parseExpression } from '../../src/sql/parser.js';
import type { SqlTextOptions } from '../../src/sql/token.js';
import { expressionText } from './expression-text.js';

const OPTIONS: SqlTextOptions = { ansiQuotes: false, noBackslashEscapes: false };

function parsed(text: string, options: Partial<SqlTextOptions> = {}): string {
  return expressionText(parseExpression(text, { ...OPTIONS, ...options }));
}

function errorOf(text: string): string {
  try {
    return parsed(text);
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    return `${error.errno} ${error.message}`;
  }
}

describe("MySQL's precedence", () => {
  test.each([
    ['1 + 2 * 3', '(+ 1 (* 2 3))'],
    ['1 - 2 - 3', '(- (- 1 2) 3)'],
    ['2 * 3 ^ 4', '(* 2 (^ 3 4))'],
    ['-2 ^ 2', '(^ -2 2)'],
    ['-a ^ 2', '(^ (- a) 2)'],
    ['- - 1', '1'],
    ['a DIV b MOD c % d', '(% (% (div a b) c) d)'],
    ['1 << 2 + 3', '(<< 1 (+ 2 3))'],
    ['1 | 2 & 3 << 4', '(| 1 (& 2 (<< 3 4)))'],
    ['~a + 1', '(+ (~ a) 1)'],
    ['NOT a = b', '(not (= a b))'],
    ['! a = b', '(= (not a) b)'],
    ['NOT NOT a', '(not (not a))'],
    ['a OR b AND c', '(or a (and b c))'],
    ['a XOR b AND c', '(xor a (and b c))'],
    ['a OR b XOR c', '(or a (xor b c))'],
    ['a || b && c', '(or a (and b c))'],
    ['1 < 2 < 3', '(< (< 1 2) 3)'],
    ['a = b LIKE c', '(= a (like b c))'],
    ['a = b = c', '(= (= a b) c)'],
    ['a <=> b != c', '(<> (<=> a b) c)'],
    ['a IS NULL = b', '(= (is-null a) b)'],
    ['a = b IS NOT NULL', '(not-is-null (= a b))'],
    ['a + 1 IN (1, 2)', '(in (+ a 1) 1 2)'],
    ['NOT a IN (1)', '(not (in a 1))'],
    ['a NOT IN (1)', '(not-in a 1)'],
    ['a BETWEEN 1 AND 2 AND b', '(and (between a 1 2) b)'],
    ['a BETWEEN 1 AND 2 OR b', '(or (between a 1 2) b)'],
    ['a NOT BETWEEN 1 + 1 AND 2', '(not-between a (+ 1 1) 2)'],
    ['a COLLATE utf8mb4_bin = b', '(= (collate:utf8mb4_bin a) b)'],
    ['-a COLLATE utf8mb4_bin', '(- (collate:utf8mb4_bin a))'],
    ['-1::STRING', '(- (cast:text:text 1))'],
    ['a + b::BIGINT', '(+ a (cast:integer:64,false b))'],
    ['a DIV 300 * 300', '(* (div a 300) 300)'],
    ['BINARY a = b', '(= (cast:blob:varbinary a) b)'],
    ['a IS TRUE', '(is-true a)'],
    ['a IS NOT FALSE', '(not-is-false a)'],
    ['a IS NOT UNKNOWN', '(not-is-null a)'],
    ['(a OR b) AND c', '(and (or a b) c)'],
    ['a - INTERVAL 1 DAY + b', '(+ (- a (interval:day 1)) b)'],
    ['INTERVAL 1 DAY + a', '(+ (interval:day 1) a)'],
    ['INTERVAL a + 1 DAY_HOUR + b', '(+ (interval:day_hour (+ a 1)) b)'],
    ['a -> "$.x" = 1', '(= (json_extract() a "$.x") 1)'],
    ['a ->> "$.x"', '(json_unquote() (json_extract() a "$.x"))'],
  ])('%s', (text, expected) => {
    expect(parsed(text)).toBe(expected);
  });

  test('|| joins under PIPES_AS_CONCAT and then binds tighter than arithmetic', () => {
    expect(parsed('1 + a || b', { pipesAsConcat: true })).toBe('(+ 1 (|| a b))');
  });

  test('long AND and OR chains become shallow trees that keep the order', () => {
    const terms = Array.from({ length: 5000 }, (_, index) => `a = ${index}`);
    const tree = parseExpression(terms.join(' OR '), OPTIONS);
    let depth = 0;
    let node = tree;
    while (node.kind === 'binary' && node.operator === 'or') {
      node = node.left;
      depth += 1;
    }
    expect(depth).toBeLessThan(14);
    expect(parsed('a OR b OR c OR d OR e')).toBe('(or (or a b) (or c (or d e)))');
  });
});

describe('literals', () => {
  test.each([
    ["'it''s'", '"it\'s"'],
    ["'a\\'b\\n\\%\\_\\q'", '"a\'b\\n\\\\%\\\\_q"'],
    ["'a' 'b' \"c\"", '"abc"'],
    ["N'x'", '"x"'],
    ["_utf8mb4'x'", '"x"'],
    ["_binary'x'", 'x78'],
    ["_utf8mb4 X'c3a9'", '"é"'],
    ["X'0aFF'", 'x0aff'],
    ['0x0a1', 'x00a1'],
    ["b'101'", 'x05'],
    ['0b1', 'x01'],
    ['007', '7'],
    ['18446744073709551615', '18446744073709551615'],
    ['18446744073709551616', '18446744073709551616d'],
    ['-9223372036854775808', '-9223372036854775808'],
    ['1.50', '1.50d'],
    ['-.5', '-.5d'],
    ['1.', '1.d'],
    ['1e3', '1000e'],
    ['-1.5E-3', '-0.0015e'],
    ['TRUE', 'TRUE'],
    ['null', 'NULL'],
    ["DATE '2024-01-01'", 'date"2024-01-01"'],
    ["TIMESTAMP'2024-01-01 00:00:00'", 'timestamp"2024-01-01 00:00:00"'],
    ["{ts '2024-01-01 00:00:00'}", 'timestamp"2024-01-01 00:00:00"'],
    ["TIME '10:00:00.25'", '(cast:time:2 "10:00:00.25")'],
    ["INTERVAL '1 hour'", '(interval:hour 1)'],
    ["INTERVAL '1h30m'", '(interval:microsecond 5400000000)'],
    ["'2 years 3 mon'::INTERVAL", '(interval:month 27)'],
    ["'-5 ms'::INTERVAL", '(interval:microsecond -5000)'],
  ])('%s', (text, expected) => {
    expect(parsed(text)).toBe(expected);
  });

  test('quotes and backslashes follow sql_mode', () => {
    expect(parsed('"a"')).toBe('"a"');
    expect(parsed('"a"', { ansiQuotes: true })).toBe('a');
    expect(parsed("'a\\'", { noBackslashEscapes: true })).toBe('"a\\\\"');
  });
});

describe('names, variables, parameters', () => {
  test.each([
    ['a', 'a'],
    ['`a b`.`c``d`', 'a b.c`d'],
    ['d.t.c', 'd.t.c'],
    ['twintide.d.t.c', 'd.t.c'],
    ['t.select', 't.select'],
    ['t.1st', 't.1st'],
    ['1st', '1st'],
    ['größe', 'größe'],
    [
      'value + status + date + time + timestamp',
      '(+ (+ (+ (+ value status) date) time) timestamp)',
    ],
    ['@@x', '@@x'],
    ['@@SESSION.Sql_Mode', '@@session.sql_mode'],
    ['@@local.x', '@@session.x'],
    ['@@global.x', '@@global.x'],
    ['@a.b$', '@a.b$'],
    ["@'a b' + @`c`", '(+ @a b @c)'],
    ['? + ? * ?', '(+ ?0 (* ?1 ?2))'],
  ])('%s', (text, expected) => {
    expect(parsed(text)).toBe(expected);
  });
});

describe('calls and what looks like them', () => {
  test.each([
    ['NOW()', '(now())'],
    ['CURRENT_TIMESTAMP', '(current_timestamp())'],
    ['current_timestamp(6)', '(current_timestamp() 6)'],
    ['count(*)', '(count() *)'],
    ['COUNT(DISTINCT a, b)', '(count() distinct a b)'],
    ['sum(ALL a)', '(sum() a)'],
    ['if(a, b, c)', '(if() a b c)'],
    ['LEFT(a, 1)', '(left() a 1)'],
    ['replace(a, b, c)', '(replace() a b c)'],
    ['MOD(a, b)', '(mod() a b)'],
    ['database()', '(database())'],
    ['EXTRACT(YEAR_MONTH FROM a)', '(extract() "year_month" a)'],
    ['TIMESTAMPDIFF(SQL_TSI_DAY, a, b)', '(timestampdiff() "day" a b)'],
    ['DATE_ADD(a, INTERVAL 5 MINUTE)', '(date_add() a (interval:minute 5))'],
    ['INTERVAL(5, 1, 10)', '(interval() 5 1 10)'],
    ['INTERVAL (5) DAY', '(interval:day 5)'],
    ['SUBSTRING(a FROM 2 FOR 3)', '(substring() a 2 3)'],
    ['substr(a, 2)', '(substring() a 2)'],
    ["POSITION('x' IN a)", '(locate() "x" a)'],
    ['TRIM(a)', '(trim() a)'],
    ["TRIM(LEADING 'x' FROM a)", '(trim() a "x" "leading")'],
    ["TRIM('x' FROM a)", '(trim() a "x" "both")'],
    ['TRIM(TRAILING FROM a)', '(rtrim() a)'],
    ['CAST(a AS UNSIGNED INTEGER)', '(cast:integer:64,true a)'],
    ['CAST(a AS CHAR(10))', '(cast:text:varchar,10 a)'],
    ['CAST(a AS DECIMAL(10,2))', '(cast:decimal:10,2 a)'],
    ['CAST(a AS DATETIME(6))', '(cast:datetime:6,true a)'],
    ['CONVERT(a, SIGNED)', '(cast:integer:64,false a)'],
    ['CONVERT(a USING utf8mb4)', '(cast:text:varchar a)'],
    ['a::TimestampNanosecond', '(cast:timestamp:9,true a)'],
    ['CASE a WHEN 1 THEN 2 ELSE 3 END', '(case-of a 1 2 3)'],
    ['CASE WHEN a THEN b WHEN c THEN d END', '(case a b c d)'],
    ["a LIKE 'x|%' ESCAPE '|'", '(like-escape-| a "x|%")'],
    ["a NOT REGEXP 'x'", '(not-regexp a "x")'],
    ["a RLIKE 'x'", '(regexp a "x")'],
    ['default', 'DEFAULT'],
  ])('%s', (text, expected) => {
    expect(parsed(text)).toBe(expected);
  });
});

describe('refusals', () => {
  test.each([
    ['(SELECT 1)', 'subqueries'],
    ['a IN (SELECT 1)', 'subqueries'],
    ['a = ANY (SELECT 1)', 'subqueries'],
    ['EXISTS (SELECT 1)', 'subqueries'],
    ['f((SELECT 1))', 'subqueries'],
    ['(1, 2) = (1, 2)', 'row constructors'],
    ['sum(a) OVER ()', 'window functions'],
    ['row_number() OVER (ORDER BY a)', 'window functions'],
    ['sum(a) FILTER (WHERE b)', 'FILTER (WHERE ...)'],
    ["group_concat(a SEPARATOR ',')", 'SEPARATOR inside GROUP_CONCAT()'],
    ['@a := 1', 'assigning user variables outside SET'],
    ['VALUES(a)', 'VALUES(column)'],
    ['MATCH (a) AGAINST (b)', 'MATCH ... AGAINST'],
    ["a ILIKE 'x'", 'ILIKE; write LIKE ... COLLATE utf8mb4_0900_ai_ci'],
    ["'1 month 1 day'::INTERVAL", "intervals that mix months with days or time: '1 month 1 day'"],
  ])('1235 %s', (text, feature) => {
    expect(errorOf(text)).toBe(`1235 This version of MySQL doesn't yet support '${feature}'`);
  });

  test.each([
    ['1 +', "''"],
    ['select', "'select'"],
    ['a b', "'b'"],
    ['f(', "''"],
    ['f(1,)', "')'"],
    ["'abc", "''abc'"],
    ['`abc', "'`abc'"],
    ['/* abc', "'/* abc'"],
    ['/*! 1', "''"],
    ['$$', "'$$'"],
    ['1 \\ 2', "'\\ 2'"],
    ['a IS 5', "'5'"],
    ['CASE WHEN 1 END', "'END'"],
    ['rank', "'rank'"],
    ['sum(*)', "'*)'"],
    ['t.', "''"],
    ['``', "'``'"],
    ["X'0'", "'X'0''"],
  ])('1064 %s', (text, near) => {
    expect(errorOf(text)).toBe(
      `1064 You have an error in your SQL syntax; check the manual that corresponds to your MySQL server version for the right syntax to use near ${near} at line 1`,
    );
  });

  test.each([
    ['1e999', /^1367 Illegal double '1e999'/],
    ["'x'::INTERVAL", /^1525 Incorrect INTERVAL value: 'x'/],
    ["_koi8r'x'", /^1115 Unknown character set: 'koi8r'/],
    ["a LIKE 'x' ESCAPE 'ab'", /^1210 Incorrect arguments to ESCAPE/],
    ['d.f(1)', /^1305 FUNCTION d.f does not exist/],
    ['other.d.t.c', /^1049 /],
    ['CAST(a AS DATETIME(10))', /^1426 /],
    ['CAST(a AS DECIMAL(66))', /^1426 /],
    ['CAST(a AS DECIMAL(5,6))', /^1427 /],
    ['CONVERT(a USING klingon)', /^1115 /],
  ])('%s', (text, message) => {
    expect(errorOf(text)).toMatch(message);
  });

  test.each([
    ['brackets', `${'('.repeat(100_000)}1${')'.repeat(100_000)}`],
    ['calls', `${'f('.repeat(100_000)}1${')'.repeat(100_000)}`],
    ['minus signs', `${'- '.repeat(100_000)}1`],
    ['NOT', `${'NOT '.repeat(100_000)}1`],
    ['!', `${'!'.repeat(100_000)}1`],
    ['BETWEEN', `${'1 BETWEEN 1 AND '.repeat(10_000)}1`],
    ['CASE', `${'CASE WHEN '.repeat(10_000)}1`],
    ['+', `1${'+1'.repeat(10_000)}`],
    ['::', `1${'::text'.repeat(10_000)}`],
    ['=', `1${'=1'.repeat(10_000)}`],
    ['XOR', `1${' XOR 1'.repeat(10_000)}`],
    ['COLLATE', `a${' COLLATE utf8mb4_bin'.repeat(10_000)}`],
    ['INTERVAL', `${'INTERVAL '.repeat(10_000)}1`],
  ])('too deep: %s', (_name, text) => {
    expect(errorOf(text)).toMatch(
      /^1064 The expression is nested deeper than \d+ levels at line 1/,
    );
  });

  test('nesting within the bound is read', () => {
    expect(parsed(`${'('.repeat(150)}1${')'.repeat(150)}`)).toBe('1');
  });
});

describe('an item of a list is read as it is alone', () => {
  const atoms = fc.constantFrom(
    ..."1 -1 - 2.5 1e3 99999999999999999999 123456789012345 1234567890123456 0x1F X'0a' 'x' 'it''s' 'a\\\\n' \"q\" `n`".split(
      ' ',
    ),
    ...'a t.b NULL TRUE NOT BINARY CASE INTERVAL DEFAULT EXISTS ROW CURRENT_DATE @v @@x f(1) (1) ( ) ?'.split(
      ' ',
    ),
    ..."+ * = AND OR IN IS LIKE COLLATE :: -> || /*c*/ #c\n /*!80000 1*/ DATE '2024-01-01'".split(
      ' ',
    ),
  );
  const items = fc
    .array(atoms, { minLength: 1, maxLength: 4 })
    .map((parts) => parts.join(' '))
    // Parameters are numbered through the text: one is enough to see it.
    .filter((item) => item.indexOf('?') === item.lastIndexOf('?'));

  test('whatever it is made of, before a comma and before a bracket', () => {
    fc.assert(
      fc.property(items, (item) => {
        const alone = parsedOrNull(item);
        fc.pre(alone !== null);
        const second = alone.replaceAll('?0', '?1');
        expect(parsedOrNull(`a IN (${item}, ${item})`)).toBe(`(in a ${alone} ${second})`);
      }),
      { numRuns: 3000 },
    );
  });

  /** null for an error. */
  function parsedOrNull(text: string): string | null {
    try {
      return parsed(text);
    } catch (error) {
      if (!(error instanceof SqlError)) throw error;
      return null;
    }
  }
});
