/** A statement that is parsed some tokens a turn is the statement that is parsed at once: the same tree, or the same error. */

import fc from 'fast-check';
import { SqlError } from '../../protocol/index.js';
import { parseInTurns, parseStatement } from '../../src/sql/parser.js';
import type { ParsedStatement } from '../../src/sql/parser.js';
import type { SqlTextOptions } from '../../src/sql/token.js';

const OPTIONS: SqlTextOptions = { ansiQuotes: false, noBackslashEscapes: false };

function inTurns(
  text: string,
  options: SqlTextOptions,
  tokensPerTurn: number,
): { readonly parsed: ParsedStatement; readonly turns: number } {
  const steps = parseInTurns(text, options, tokensPerTurn);
  for (let turns = 1; ; turns += 1) {
    const step = steps.next();
    if (step.done === true) return { parsed: step.value, turns };
  }
}

function outcomeOf(parse: () => ParsedStatement): unknown {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    return [error.errno, error.sqlState, error.message];
  }
}

const items = fc.constantFrom(
  ...`1|-1|2.5|1e3|99999999999999999999|0x1F|X'0a'|b'01'|'x'|'it''s'|'a\\nb'|"q"|\`n\`|NULL|TRUE|DEFAULT|?|a|t.b|@v|@@x|now()
f(1, ?)|(1 + 2) * ?|a + 1 AS c|-a|NOT a|'x' 'y'|DATE '2024-01-01'|1 /* , */|/*!80000 2 */|1 -- )\n|# ,\n 3|a IN (1, -2, 'z')
a = 1 OR b = 2 AND ?|CASE WHEN a THEN 1 WHEN b THEN (2) ELSE ? END|a BETWEEN 1 AND 2|cast(a AS CHAR)|1 1|)|(|'open|CASE END|f(`.split(
    /[|\n](?![),]|\s)/,
  ),
);
const lists = fc.array(items, { minLength: 1, maxLength: 12 }).map((parts) => parts.join(', '));
const terms = fc.tuple(lists, fc.constantFrom(' AND ', ' OR ', ' XOR ', ' && ', ' || '));

const statements = fc.oneof(
  lists.map((list) => `SELECT ${list} FROM t`),
  lists.map((list) => `SELECT * FROM t WHERE a IN (${list}) ORDER BY ${list}`),
  fc.tuple(lists, lists).map(([a, b]) => `INSERT INTO t VALUES (${a}), (${b}), (${a})`),
  terms.map(([list, joint]) => `DELETE FROM t WHERE ${list.split(', ').join(joint)}`),
  lists.map((list) => `SELECT CASE ${list.replaceAll(', ', ' WHEN 1 THEN ')} END, f(${list});`),
  lists.map((list) => `SET @a = ${list.replaceAll(', ', ', @b = ')}`),
  lists.map(
    (list) =>
      `CREATE TABLE t (ts TIMESTAMP TIME INDEX, c BIGINT DEFAULT ${list.replaceAll(', ', ', d BIGINT DEFAULT ')}, KEY (c), PRIMARY KEY (c, d),) ENGINE = x`,
  ),
);
const options = fc.record({
  ansiQuotes: fc.boolean(),
  noBackslashEscapes: fc.boolean(),
  pipesAsConcat: fc.boolean(),
});

test('any statement, whatever a turn reads', () => {
  let errors = 0;
  const runs = 4000;
  fc.assert(
    fc.property(statements, options, fc.integer({ min: 1, max: 20 }), (text, chosen, tokens) => {
      const whole = outcomeOf(() => parseStatement(text, chosen));
      if (Array.isArray(whole)) errors += 1;
      expect(outcomeOf(() => inTurns(text, chosen, tokens).parsed)).toEqual(whole);
    }),
    { numRuns: runs },
  );
  expect(errors).toBeGreaterThan(runs / 10);
  expect(errors).toBeLessThan(runs * 0.9);
});

describe('turns are as many as the text is long: cutting and parsing have each about tokens / tokens a turn of them', () => {
  const TOKENS_PER_TURN = 100;
  const many = (count: number, item: (index: number) => string, joint = ', '): string =>
    Array.from({ length: count }, (_, index) => item(index)).join(joint);

  test.each([
    ['one list', `SELECT 1 IN (${many(5000, String)})`, 10_000],
    ['lists in a list', `INSERT INTO t VALUES ${many(300, () => '(?, ?, ?, ?, ?)')}`, 3600],
    [
      'a long list in a list',
      `INSERT INTO t VALUES ${many(5, () => `(${many(400, String)})`)}`,
      4010,
    ],
    ['terms', `DELETE FROM t WHERE ${many(1000, (n) => `a = ${n}`, ' OR ')}`, 4000],
    ['lists in terms', `DELETE FROM t WHERE ${many(500, (n) => `a IN (${n}, 0)`, ' OR ')}`, 4000],
    ['branches', `SELECT CASE a ${many(1000, (n) => `WHEN ${n} THEN ${n}`, ' ')} END`, 4000],
    ['columns', `CREATE TABLE t (${many(1000, (n) => `c${n} BIGINT NULL`)})`, 4000],
    [
      'two long lists',
      `SELECT ${many(1000, String)} FROM t WHERE a IN (${many(1000, String)})`,
      4000,
    ],
  ])('%s', (_, text, tokens) => {
    const { parsed, turns } = inTurns(text, OPTIONS, TOKENS_PER_TURN);
    expect(parsed).toEqual(parseStatement(text, OPTIONS));
    const least = (2 * tokens) / TOKENS_PER_TURN;
    expect(turns).toBeGreaterThan(0.8 * least);
    expect(turns).toBeLessThan(1.2 * least);
  });

  test('of what is not kept no more than as much again is read in all', () => {
    // Each link of the chain is read anew in every turn, and the short lists in it are not worth keeping.
    const text = `SELECT ${many(900, () => 'f(a, b)', ' + ')}`;
    const { parsed, turns } = inTurns(text, OPTIONS, TOKENS_PER_TURN);
    expect(parsed).toEqual(parseStatement(text, OPTIONS));
    const cutting = (900 * 7) / TOKENS_PER_TURN;
    expect(turns - cutting).toBeLessThan(10);
  });
});
