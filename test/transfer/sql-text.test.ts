/** SQL as an export writes it and an import cuts it: literals that say the value, statements whole in any pieces. */

import fc from 'fast-check';
import { sqlLiteral } from '../../src/transfer/sql-literal.js';
import { SqlSplitter, type SqlStatement } from '../../src/transfer/sql-splitter.js';
import { transferColumn } from '../../src/transfer/transfer-column.js';

function split(text: string, cuts: readonly number[] = []): SqlStatement[] {
  const splitter = new SqlSplitter('dump.sql');
  const bytes = Buffer.from(text);
  const statements: SqlStatement[] = [];
  let at = 0;
  for (const cut of cuts) {
    statements.push(...splitter.feed(bytes.subarray(at, at + cut)));
    at = Math.min(at + cut, bytes.length);
  }
  statements.push(...splitter.feed(bytes.subarray(at)), ...splitter.end());
  return statements;
}

describe('statements', () => {
  const piece = fc.oneof(
    fc.constantFrom('SELECT', ' 1 - 2 ', 'a--b', ' / ', '\n'),
    fc.constantFrom("'it''s; \\' \\\\'", '"a;""b"', '`a;``b\\`', "/* ; ' */", '-- ; "\n', '# ;\n'),
  );
  const statement = fc
    .array(piece, { minLength: 1, maxLength: 6 })
    .map((pieces) => `X${pieces.join('')}`);
  const cuts = fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 60 });

  it('end at semicolons that stand in no string, name or comment, fed in any pieces', () => {
    fc.assert(
      fc.property(fc.array(statement), cuts, (statements, pieces) => {
        const text = statements.map((each) => `${each};`).join('\n');
        expect(split(text, pieces).map((each) => each.text)).toEqual(
          statements.map((each) => each.trim()),
        );
      }),
    );
  });

  it('know their line and the byte behind them; comments alone are none', () => {
    const text = "-- a dump;\nSET a = 'é';\n\n/* ; */ # ;\n\nINSERT\n1;\n;\nlast";
    expect(split(text)).toEqual([
      { text: "-- a dump;\nSET a = 'é'", line: 1, endOffset: 24, endLine: 2 },
      { text: '/* ; */ # ;\n\nINSERT\n1', line: 4, endOffset: 48, endLine: 7 },
      { text: 'last', line: 9, endOffset: Buffer.byteLength(text), endLine: 9 },
    ]);
  });

  it.each(["SELECT 'a", 'SELECT `a', 'SELECT /* a'])('%s is not closed', (text) => {
    expect(() => split(`SET x = 1;\n${text}`)).toThrow(
      'dump.sql:1: a quote or comment is not closed',
    );
  });
});

test.each<[type: string, cell: string | Uint8Array | null, literal: string]>([
  ['int', '-5', '-5'],
  ['int', '5); DROP TABLE t', "'5); DROP TABLE t'"],
  ['int', '', "''"],
  ['double', '-1.5e-300', '-1.5e-300'],
  ['double', '-0', '-0e0'],
  ['double', 'nan', "'nan'"],
  ['float', '.5', '.5'],
  ['text', 'it\'s \\ "x"\r\n\0', "'it\\'s \\\\ \"x\"\\r\\n\\0'"],
  ['text', '5', "'5'"],
  ['timestamp(3)', '2026-01-02 03:04:05.678', "'2026-01-02 03:04:05.678'"],
  ['blob', Uint8Array.of(0, 255), "X'00ff'"],
  ['blob', Uint8Array.of(), "X''"],
  ['bigint unsigned', null, 'NULL'],
])('a %s cell %p is %s', (type, cell, literal) => {
  expect(sqlLiteral(transferColumn('c', type), cell)).toBe(literal);
});
