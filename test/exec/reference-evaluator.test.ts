/**
 * The executor against a naive evaluator: random expressions over random rows, one row at a time, in plain JavaScript.
 *
 * The reference knows three types (integer, double, text), NULL and three-valued logic, nothing of vectors, batches,
 * dictionaries, selections or pushed-down conditions. fast-check prints the seed of a failure.
 */

import fc from 'fast-check';
import {
  BIGINT,
  DOUBLE,
  INT32,
  textBytes,
  timestampType,
  type SqlValue,
} from '../../src/exec/sql-value.js';
import { formatDouble } from '../../src/exec/number-text.js';
import type { SqlType } from '../../src/catalog/sql-type.js';
import { defineTable, MemoryTable, query } from './query-harness.js';

const STRING: SqlType = { kind: 'text', spelling: 'varchar', length: 20 };

const definition = defineTable('t', [
  { name: 'tag', type: STRING, role: 'tag' },
  { name: 'zone', type: STRING, role: 'tag' },
  { name: 'ts', type: timestampType(3), role: 'time' },
  { name: 'i', type: INT32, role: 'field' },
  { name: 'big', type: BIGINT, role: 'field' },
  { name: 'd', type: DOUBLE, role: 'field' },
  { name: 's', type: STRING, role: 'field' },
]);

interface Row {
  readonly tag: string | null;
  readonly zone: string | null;
  readonly ts: number;
  readonly i: number | null;
  readonly big: bigint | null;
  readonly d: number | null;
  readonly s: string | null;
}

const words: fc.Arbitrary<string> = fc.constantFrom('', 'a', 'b', 'ab', 'abc', 'B', 'ä', '10', '9');
const orNull = <T>(values: fc.Arbitrary<T>): fc.Arbitrary<T | null> =>
  fc.option(values, { nil: null, freq: 4 });

const rowArbitrary: fc.Arbitrary<Row> = fc.record({
  tag: orNull(fc.constantFrom('a', 'b', 'c', 'abc')),
  zone: orNull(fc.constantFrom('x', 'y')),
  // Often exactly on a whole second, where bounds decide.
  ts: fc.integer({ min: 0, max: 14_400 }).map((half) => half * 500),
  i: orNull(fc.integer({ min: -50, max: 50 })),
  big: orNull(
    fc.oneof(fc.bigInt({ min: -20n, max: 20n }), fc.bigInt({ min: -(1n << 62n), max: 1n << 62n })),
  ),
  d: orNull(fc.integer({ min: -400, max: 400 }).map((value) => value / 8)),
  s: orNull(words),
});

function tableOf(rows: readonly Row[], batchRows: number): MemoryTable {
  const text = (value: string | null): SqlValue => (value === null ? null : textBytes(value));
  const safe = (value: bigint | null): SqlValue =>
    value !== null && Number.isSafeInteger(Number(value)) ? Number(value) : value;
  return new MemoryTable(
    definition,
    rows.map((row) => [
      text(row.tag),
      text(row.zone),
      BigInt(row.ts),
      row.i,
      safe(row.big),
      row.d,
      text(row.s),
    ]),
    { batchRows },
  );
}

/** SQL text and its meaning. Booleans are 1 and 0. */
interface Term<T> {
  readonly sql: string;
  readonly of: (row: Row) => T | null;
}

type IntegerTerm = Term<bigint>;
type DoubleTerm = Term<number>;
type TextTerm = Term<string>;

const lift =
  <A, B, R>(a: Term<A>, b: Term<B>, apply: (x: A, y: B) => R | null) =>
  (row: Row): R | null => {
    const x = a.of(row);
    const y = b.of(row);
    return x === null || y === null ? null : apply(x, y);
  };

const truth = (value: boolean): bigint => (value ? 1n : 0n);

const integerLeaf: fc.Arbitrary<IntegerTerm> = fc.oneof(
  fc.constant<IntegerTerm>({ sql: 'i', of: (row) => (row.i === null ? null : BigInt(row.i)) }),
  fc.constant<IntegerTerm>({ sql: 'big', of: (row) => row.big }),
  fc.constant<IntegerTerm>({ sql: 'NULL', of: () => null }),
  fc
    .integer({ min: -9, max: 9 })
    .map((value): IntegerTerm => ({ sql: `(${value})`, of: () => BigInt(value) })),
);
const doubleLeaf: fc.Arbitrary<DoubleTerm> = fc.oneof(
  fc.constant<DoubleTerm>({ sql: 'd', of: (row) => row.d }),
  fc
    .integer({ min: -9, max: 9 })
    .map((value): DoubleTerm => ({ sql: `(${value}.5e0)`, of: () => Number(`${value}.5`) })),
);
const textLeaf: fc.Arbitrary<TextTerm> = fc.oneof(
  fc.constant<TextTerm>({ sql: 's', of: (row) => row.s }),
  fc.constant<TextTerm>({ sql: 'tag', of: (row) => row.tag }),
  fc.constant<TextTerm>({ sql: 'zone', of: (row) => row.zone }),
  words.map((value): TextTerm => ({ sql: `'${value}'`, of: () => value })),
);

const compare = (operator: string, order: number): boolean => {
  switch (operator) {
    case '=':
      return order === 0;
    case '<>':
      return order !== 0;
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    default:
      return order >= 0;
  }
};
const operators = fc.constantFrom('=', '<>', '<', '<=', '>', '>=');
const orderOf = <T>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0);
const textOrder = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

type Terms = {
  integer: IntegerTerm;
  small: IntegerTerm;
  double: DoubleTerm;
  text: TextTerm;
  condition: IntegerTerm;
};

/** `small` stays within 64 bits whatever is done to it; `integer` is never multiplied or added to. */
const { integer, double, text, condition } = fc.letrec<Terms>((tie) => ({
  small: fc.oneof(
    { depthSize: 'small' },
    integerLeaf.filter((term) => term.sql !== 'big'),
    fc
      .tuple(fc.constantFrom('+', '-'), tie('small'), tie('small'))
      .map(([operator, a, b]): IntegerTerm => ({
        sql: `(${a.sql} ${operator} ${b.sql})`,
        of: lift(a, b, (x, y) => (operator === '+' ? x + y : x - y)),
      })),
    tie('small').map((a): IntegerTerm => ({ sql: `(-${a.sql})`, of: (row) => negated(a.of(row)) })),
    tie('condition'),
  ),
  integer: fc.oneof(
    { depthSize: 'small' },
    integerLeaf,
    tie('small'),
    fc
      .tuple(fc.constantFrom('DIV', '%'), tie('integer'), tie('integer'))
      .map(([operator, a, b]): IntegerTerm => ({
        sql: `(${a.sql} ${operator} ${b.sql})`,
        of: lift(a, b, (x, y) => (y === 0n ? null : operator === 'DIV' ? x / y : x % y)),
      })),
    fc.tuple(tie('condition'), tie('integer'), tie('integer')).map(([c, a, b]): IntegerTerm => ({
      sql: `IF(${c.sql}, ${a.sql}, ${b.sql})`,
      of: (row) => (isTrue(c.of(row)) ? a.of(row) : b.of(row)),
    })),
    fc.tuple(tie('integer'), tie('integer')).map(([a, b]): IntegerTerm => ({
      sql: `COALESCE(${a.sql}, ${b.sql})`,
      of: (row) => a.of(row) ?? b.of(row),
    })),
    fc.tuple(tie('integer'), tie('integer')).map(([a, b]): IntegerTerm => ({
      sql: `GREATEST(${a.sql}, ${b.sql})`,
      of: lift(a, b, (x, y) => (x > y ? x : y)),
    })),
    tie('text').map((a): IntegerTerm => ({
      sql: `LENGTH(${a.sql})`,
      of: (row) => mapped(a.of(row), (value) => BigInt(Buffer.byteLength(value))),
    })),
  ),
  double: fc.oneof(
    { depthSize: 'small' },
    doubleLeaf,
    fc
      .tuple(fc.constantFrom('+', '-', '*'), tie('double'), tie('double'))
      .map(([operator, a, b]): DoubleTerm => ({
        sql: `(${a.sql} ${operator} ${b.sql})`,
        of: lift(a, b, (x, y) => (operator === '+' ? x + y : operator === '-' ? x - y : x * y)),
      })),
    fc.tuple(tie('double'), tie('double')).map(([a, b]): DoubleTerm => ({
      sql: `(${a.sql} / ${b.sql})`,
      of: lift(a, b, (x, y) => (y === 0 ? null : x / y)),
    })),
    fc.tuple(tie('condition'), tie('double'), tie('double')).map(([c, a, b]): DoubleTerm => ({
      sql: `CASE WHEN ${c.sql} THEN ${a.sql} ELSE ${b.sql} END`,
      of: (row) => (isTrue(c.of(row)) ? a.of(row) : b.of(row)),
    })),
  ),
  text: fc.oneof(
    { depthSize: 'small' },
    textLeaf,
    fc.tuple(tie('text'), tie('text')).map(([a, b]): TextTerm => ({
      sql: `CONCAT(${a.sql}, ${b.sql})`,
      of: lift(a, b, (x, y) => x + y),
    })),
    tie('text').map((a): TextTerm => ({
      sql: `UPPER(${a.sql})`,
      of: (row) => mapped(a.of(row), (x) => x.toUpperCase()),
    })),
    fc.tuple(tie('text'), tie('text')).map(([a, b]): TextTerm => ({
      sql: `IFNULL(${a.sql}, ${b.sql})`,
      of: (row) => a.of(row) ?? b.of(row),
    })),
    fc.tuple(tie('text'), tie('text')).map(([a, b]): TextTerm => ({
      sql: `NULLIF(${a.sql}, ${b.sql})`,
      of: (row) => (a.of(row) === b.of(row) ? null : a.of(row)),
    })),
  ),
  condition: fc.oneof(
    { depthSize: 'small' },
    fc.tuple(operators, tie('integer'), tie('integer')).map(([operator, a, b]): IntegerTerm => ({
      sql: `(${a.sql} ${operator} ${b.sql})`,
      of: lift(a, b, (x, y) => truth(compare(operator, orderOf(x, y)))),
    })),
    fc.tuple(operators, tie('double'), tie('double')).map(([operator, a, b]): IntegerTerm => ({
      sql: `(${a.sql} ${operator} ${b.sql})`,
      of: lift(a, b, (x, y) => truth(compare(operator, orderOf(x, y)))),
    })),
    fc.tuple(operators, tie('text'), tie('text')).map(([operator, a, b]): IntegerTerm => ({
      sql: `(${a.sql} ${operator} ${b.sql})`,
      of: lift(a, b, (x, y) => truth(compare(operator, textOrder(x, y)))),
    })),
    fc
      .tuple(tie('text'), fc.constantFrom('a', 'A', '%b%', '_', '_b', 'ab%'))
      .map(([a, pattern]): IntegerTerm => ({
        sql: `(${a.sql} LIKE '${pattern}')`,
        of: (row) => mapped(a.of(row), (value) => truth(likeReference(value, pattern))),
      })),
    fc
      .tuple(tie('text'), fc.uniqueArray(words, { minLength: 1 }), fc.boolean())
      .map(([a, list, withNull]): IntegerTerm => ({
        sql: `(${a.sql} IN (${list.map((word) => `'${word}'`).join(', ')}${withNull ? ', NULL' : ''}))`,
        of: (row) =>
          mapped(a.of(row), (value) => (list.includes(value) ? 1n : withNull ? null : 0n)),
      })),
    fc
      .tuple(tie('integer'), fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 1 }))
      .map(([a, list]): IntegerTerm => ({
        sql: `(${a.sql} NOT IN (${list.join(', ')}))`,
        of: (row) =>
          mapped(a.of(row), (value) => truth(!list.some((item) => BigInt(item) === value))),
      })),
    fc.tuple(tie('condition'), tie('condition')).map(([a, b]): IntegerTerm => ({
      sql: `(${a.sql} AND ${b.sql})`,
      of: (row) => both(a.of(row), b.of(row)),
    })),
    fc.tuple(tie('condition'), tie('condition')).map(([a, b]): IntegerTerm => ({
      sql: `(${a.sql} OR ${b.sql})`,
      of: (row) => negatedTruth(both(negatedTruth(a.of(row)), negatedTruth(b.of(row)))),
    })),
    tie('condition').map((a): IntegerTerm => ({
      sql: `(NOT ${a.sql})`,
      of: (row) => negatedTruth(a.of(row)),
    })),
    tie('text').map((a): IntegerTerm => ({
      sql: `(${a.sql} IS NULL)`,
      of: (row) => truth(a.of(row) === null),
    })),
    tie('condition').map((a): IntegerTerm => ({
      sql: `(${a.sql} IS NOT TRUE)`,
      of: (row) => truth(!isTrue(a.of(row))),
    })),
    fc.tuple(tie('integer'), tie('integer'), tie('integer')).map(([a, b, c]): IntegerTerm => ({
      sql: `(${a.sql} BETWEEN ${b.sql} AND ${c.sql})`,
      of: (row) =>
        both(lift(a, b, (x, y) => truth(x >= y))(row), lift(a, c, (x, y) => truth(x <= y))(row)),
    })),
  ),
}));

const negated = (value: bigint | null): bigint | null => (value === null ? null : -value);
const isTrue = (value: bigint | null): boolean => value !== null && value !== 0n;
const mapped = <A, R>(value: A | null, apply: (value: A) => R | null): R | null =>
  value === null ? null : apply(value);
const negatedTruth = (value: bigint | null): bigint | null =>
  mapped(value, (known) => truth(known === 0n));
function both(a: bigint | null, b: bigint | null): bigint | null {
  if (a === 0n || b === 0n) return 0n;
  return a === null || b === null ? null : 1n;
}
function likeReference(value: string, pattern: string): boolean {
  const source = [...pattern].map((c) =>
    c === '%' ? '.*' : c === '_' ? '.' : c.replace(/[.*+?^${}()|[\]\\]/, '\\$&'),
  );
  return new RegExp(`^${source.join('')}$`, 'su').test(value);
}

const shown = (value: bigint | number | string | null): string | null =>
  value === null ? null : typeof value === 'number' ? formatDouble(value) : String(value);

const runs = { numRuns: 200 };
const dataArbitrary = fc.tuple(
  fc.array(rowArbitrary, { maxLength: 25 }),
  fc.integer({ min: 1, max: 9 }),
);

test('select expressions', async () => {
  await fc.assert(
    fc.asyncProperty(
      dataArbitrary,
      integer,
      double,
      text,
      condition,
      async ([rows, batchRows], a, b, c, d) => {
        const sql = `SELECT ${a.sql}, ${b.sql}, ${c.sql}, ${d.sql} FROM t`;
        const expected = rows.map((row) => [a.of(row), b.of(row), c.of(row), d.of(row)].map(shown));
        expect((await query(sql, { tables: [tableOf(rows, batchRows)] })).rows).toEqual(expected);
      },
    ),
    runs,
  );
});

test('WHERE, whatever of it is pushed down', async () => {
  const times = fc.option(
    fc.tuple(fc.integer({ min: 0, max: 7200 }), fc.integer({ min: 0, max: 7200 })),
    { nil: null },
  );
  await fc.assert(
    fc.asyncProperty(
      dataArbitrary,
      condition,
      condition,
      times,
      async ([rows, batchRows], a, b, range) => {
        const bounds =
          range === null
            ? ''
            : ` AND ts >= FROM_UNIXTIME(${range[0]}) AND ts < FROM_UNIXTIME(${range[1]})`;
        const kept = rows.filter(
          (row) =>
            isTrue(both(a.of(row), b.of(row))) &&
            (range === null || (row.ts >= range[0] * 1000 && row.ts < range[1] * 1000)),
        );
        const { rows: answer } = await query(
          `SELECT i, s, tag FROM t WHERE ${a.sql} AND ${b.sql}${bounds}`,
          {
            tables: [tableOf(rows, batchRows)],
          },
        );
        expect(answer).toEqual(kept.map((row) => [row.i, row.s, row.tag].map(shown)));
      },
    ),
    runs,
  );
});

test('GROUP BY two tags and a time bucket, against sums by hand', async () => {
  await fc.assert(
    fc.asyncProperty(
      dataArbitrary,
      fc.integer({ min: 1, max: 90 }),
      async ([rows, batchRows], minutes) => {
        const groups = new Map<string, Row[]>();
        for (const row of rows) {
          const bucket = Math.floor(row.ts / (minutes * 60_000)) * minutes * 60_000;
          const key = JSON.stringify([row.tag, row.zone, bucket]);
          groups.set(key, [...(groups.get(key) ?? []), row]);
        }
        const expected = [...groups].map(([key, members]) => {
          const [tag, zone, bucket] = JSON.parse(key) as [string | null, string | null, number];
          const ds = members.map((row) => row.d).filter((value) => value !== null);
          const bigs = members.map((row) => row.big).filter((value) => value !== null);
          const texts = members
            .map((row) => row.s)
            .filter((value) => value !== null)
            .sort(textOrder);
          return [
            tag,
            zone,
            new Date(bucket).toISOString().replace('T', ' ').replace('Z', ''),
            String(members.length),
            ds.length === 0 ? null : formatDouble(ds.reduce((sum, value) => sum + value, 0)),
            ds.length === 0 ? null : formatDouble(Math.max(...ds)),
            bigs.length === 0 ? null : String(bigs.reduce((sum, value) => sum + value, 0n)),
            texts[0] ?? null,
            String(new Set(texts).size),
          ];
        });
        const { rows: answer } = await query(
          `SELECT tag, zone, date_bin(INTERVAL ${minutes} MINUTE, ts) AS b, count(*), sum(d), max(d), sum(big), min(s), count(DISTINCT s)
         FROM t GROUP BY tag, zone, b`,
          { tables: [tableOf(rows, batchRows)] },
        );
        expect(answer).toEqual(expected);
      },
    ),
    runs,
  );
});

test('GROUP BY numbers: an integer, a double, 64 bits and an expression', async () => {
  await fc.assert(
    fc.asyncProperty(
      dataArbitrary,
      fc.constantFrom('i', 'd', 'big', 'i % 3', 'i / 4'),
      async ([rows, batchRows], key) => {
        const valueOf = (row: Row): string | null => {
          if (key === 'i % 3') return row.i === null ? null : String((row.i % 3) + 0);
          if (key === 'i / 4') return row.i === null ? null : (row.i / 4 + 0).toFixed(4);
          return shown(key === 'i' ? row.i : key === 'd' ? row.d : row.big);
        };
        const counts = new Map<string | null, number>();
        for (const row of rows) counts.set(valueOf(row), (counts.get(valueOf(row)) ?? 0) + 1);
        const { rows: answer } = await query(`SELECT ${key} AS k, count(*) FROM t GROUP BY k`, {
          tables: [tableOf(rows, batchRows)],
        });
        expect(answer).toEqual([...counts].map(([value, count]) => [value, String(count)]));
      },
    ),
    runs,
  );
});

test('ORDER BY with NULLs first, LIMIT and OFFSET', async () => {
  const directions = fc.tuple(fc.boolean(), fc.boolean(), fc.boolean());
  await fc.assert(
    fc.asyncProperty(
      dataArbitrary,
      directions,
      fc.nat(30),
      fc.nat(10),
      async ([rows, batchRows], down, limit, offset) => {
        const nullsFirst =
          <T>(pick: (row: Row) => T | null, order: (a: T, b: T) => number, descending: boolean) =>
          (a: Row, b: Row): number => {
            const x = pick(a);
            const y = pick(b);
            if (x === null && y === null) return 0;
            if (x === null) return descending ? 1 : -1;
            if (y === null) return descending ? -1 : 1;
            return descending ? -order(x, y) : order(x, y);
          };
        const orders = [
          nullsFirst((row) => row.s, textOrder, down[0]),
          nullsFirst((row) => row.big, orderOf, down[1]),
          nullsFirst((row) => row.d, orderOf, down[2]),
        ];
        const sorted = [...rows].sort((a, b) =>
          orders.reduce((result, order) => result || order(a, b), 0),
        );
        const word = (descending: boolean): string => (descending ? ' DESC' : '');
        const { rows: answer } = await query(
          `SELECT s, big, d, ts FROM t ORDER BY s${word(down[0])}, big${word(down[1])}, d${word(down[2])} LIMIT ${limit} OFFSET ${offset}`,
          { tables: [tableOf(rows, batchRows)] },
        );
        const expected = sorted
          .slice(offset, offset + limit)
          .map((row) => [
            row.s,
            shown(row.big),
            shown(row.d),
            new Date(row.ts).toISOString().replace('T', ' ').replace('Z', ''),
          ]);
        expect(answer).toEqual(expected);
      },
    ),
    runs,
  );
});
