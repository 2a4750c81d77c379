/** The INSERT scanner: each input whole, cut at every offset, and byte by byte, with the same rows and errors. */

import { BIG, DOUBLE, INT, scanEveryWay, scanPieces, TEXT, timestamp } from './scan-support.js';
import type { TestColumn } from './scan-support.js';

const A_INT: TestColumn = { name: 'a', type: INT };
const B_TEXT: TestColumn = { name: 'b', type: TEXT };
const TWO = [A_INT, B_TEXT];

describe('rows', () => {
  test.each<[text: string, rows: string[][]]>([
    ["(1,'x')", [['1', "'x'"]]],
    [" ( 1 , 'x' ) ", [['1', "'x'"]]],
    [
      "(1,'x'),(2,'y')",
      [
        ['1', "'x'"],
        ['2', "'y'"],
      ],
    ],
    ["(1,'x');", [['1', "'x'"]]],
    ["(1,'x') ; ;", [['1', "'x'"]]],
    [
      "ROW(1,'x'), row (2,'y')",
      [
        ['1', "'x'"],
        ['2', "'y'"],
      ],
    ],
    [
      "\n(1,\t'x')\r\n,\n(2,'y')\n",
      [
        ['1', "'x'"],
        ['2', "'y'"],
      ],
    ],
    ['(NULL,null)', [['NULL', 'NULL']]],
    ['(TRUE,FALSE)', [['1', "'0'"]]],
    ['( true , False )', [['1', "'0'"]]],
    ['(-5,-0)', [['-5', "'0'"]]],
    ['(+5,007)', [['5', "'7'"]]],
    ['(1.5,1.50)', [['2', "'1.50'"]]],
    ['(-1.5,-.5)', [['-2', "'-0.5'"]]],
    ['(2.5e0,1e2)', [['2', "'100'"]]],
    ['(0x0A,0x414243)', [['10', "'ABC'"]]],
    ["(X'0a',x'414243')", [['10', "'ABC'"]]],
    ["('12',12)", [['12', "'12'"]]],
    ["(' 12 ','1')", [['12', "'1'"]]],
    ["(1,'')", [['1', "''"]]],
    ["(1,'it''s')", [['1', "'it's'"]]],
    ["(1,'''')", [['1', "'''"]]],
    ["(1,'''''')", [['1', "''''"]]],
    ['(1,"a""b\'c")', [['1', "'a\"b'c'"]]],
    ["(1,'a\\'b\\\\')", [['1', "'a'b\\'"]]],
    ["(1,'\\0\\b\\n\\r\\t\\Z\\%\\_\\x')", [['1', "'\0\b\n\r\t\x1a\\%\\_x'"]]],
    ["(1,',)(')", [['1', "',)('"]]],
    ['(1 + 2,3)', [['3', "'3'"]]],
    ['(- 2,--2)', [['-2', "'2'"]]],
    ["(1,'a' 'b')", [['1', "'ab'"]]],
    ["(1,concat('a,)', 'b'))", [['1', "'a,)b'"]]],
    ["(1,concat(concat('(', 1), ')'))", [['1', "'(1)'"]]],
    ["(1 /* , ) */,'x' -- )\n)", [['1', "'x'"]]],
    ["/* c */(1,/**/'x')# end", [['1', "'x'"]]],
    ["-- c\n(1,#\n'x') -- c", [['1', "'x'"]]],
    [
      "/***/ (1,'x') /* * / **/ , /*+ hint */ (2,'y') --",
      [
        ['1', "'x'"],
        ['2', "'y'"],
      ],
    ],
    ['(1,/* c */- 5)', [['1', "'-5'"]]],
    ['(1,-- c\n-5)', [['1', "'-5'"]]],
    ['(1,--\t c\n5)', [['1', "'5'"]]],
  ])('%s', (text, rows) => {
    expect(scanEveryWay(TWO, text)).toEqual({ rows, error: null });
  });

  test('text beyond ASCII', () => {
    const text = "(1,'Zürich 東京 🙂')";
    const bytes = Buffer.from('Zürich 東京 🙂').toString('latin1');
    expect(scanEveryWay(TWO, text)).toEqual({ rows: [['1', `'${bytes}'`]], error: null });
  });

  test('DEFAULT, empty rows and columns that are not named', () => {
    const settings = { defaults: { a: '7', c: '9' }, omitted: [{ name: 'c', type: INT }] };
    expect(scanEveryWay(TWO, "(DEFAULT,'x'),(1, default ),()", settings)).toEqual({
      rows: [
        ['7', "'x'", '9'],
        ['1', 'NULL', '9'],
        ['7', 'NULL', '9'],
      ],
      error: null,
    });
  });

  test('a double quote is a name under ANSI_QUOTES, a backslash plain under NO_BACKSLASH_ESCAPES', () => {
    expect(scanEveryWay(TWO, '(1,"x")', { ansiQuotes: true }).error).toMatch(/^1235/);
    const settings = { noBackslashEscapes: true };
    expect(scanEveryWay(TWO, "(1,'a\\')", settings).rows).toEqual([['1', "'a\\'"]]);
  });

  test('a string and an expression much longer than a chunk', () => {
    const long = 'x'.repeat(5000);
    const text = `(1,'${long}'),(1 ${'+ 1'.repeat(900)},'y')`;
    const cuts = Array.from({ length: 70 }, (_, index) => (index + 1) * 97);
    const expected = {
      rows: [
        ['1', `'${long}'`],
        ['901', "'y'"],
      ],
      error: null,
    };
    expect(scanPieces(TWO, text, [])).toEqual(expected);
    expect(scanPieces(TWO, text, cuts)).toEqual(expected);
  });
});

const SYNTAX =
  '1064 You have an error in your SQL syntax; check the manual that corresponds to your MySQL server version for the right syntax to use near ';

describe('errors name the row, or quote the text and its line', () => {
  test.each<[text: string, rows: number, error: string]>([
    ["(1,'x'),(2)", 1, "1136 Column count doesn't match value count at row 2"],
    ["(1,'x'),(2,'y','z')", 1, "1136 Column count doesn't match value count at row 2"],
    ["(1,'x'),('k','y')", 1, "1366 Incorrect integer value: 'k' for column 'a' at row 2"],
    ["(1,'x'),('','y')", 1, "1366 Incorrect integer value: '' for column 'a' at row 2"],
    ["('5a','y')", 0, "1265 Data truncated for column 'a' at row 1"],
    ["(2147483648,'y')", 0, "1264 Out of range value for column 'a' at row 1"],
    ["(99999999999999999999999,'y')", 0, "1264 Out of range value for column 'a' at row 1"],
    ['', 0, `${SYNTAX}'' at line 1`],
    ['(', 0, `${SYNTAX}'' at line 1`],
    ["(1,'x'", 0, `${SYNTAX}'' at line 1`],
    ["(1,'x'),", 1, `${SYNTAX}'' at line 1`],
    ["(1,\n'x", 0, `${SYNTAX}''x' at line 2`],
    ["(1,\n1 + 'x\n", 0, `${SYNTAX}''x\n' at line 2`],
    ["(1,'x')\n(2,'y')", 1, `${SYNTAX}'(2,'y')' at line 2`],
    ["(1,'x'),\n\n x", 1, `${SYNTAX}'x' at line 3`],
    [`(1,'x'),${'\n'.repeat(600)} x`, 1, `${SYNTAX}'x' at line 601`],
    ["(1,'x'); SELECT 1", 1, `${SYNTAX}'SELECT 1' at line 1`],
    ["(1,'x') /", 1, `${SYNTAX}'' at line 1`],
    ["(1,'x') / 2", 1, `${SYNTAX}'/ 2' at line 1`],
    ["(1,'x') -5", 1, `${SYNTAX}'-5' at line 1`],
    ["(1,'x') /* c", 1, `${SYNTAX}'' at line 1`],
    ['(,1)', 0, `${SYNTAX}',1)' at line 1`],
    ['(1,)', 0, `${SYNTAX}')' at line 1`],
    ['(1,*)', 0, `${SYNTAX}'*' at line 1`],
    ['(1,2 3)', 0, `${SYNTAX}'3' at line 1`],
    ["ROWS(1,'x')", 0, `${SYNTAX}'S(1,'x')' at line 1`],
    [
      "(1,'x') AS new ON DUPLICATE KEY UPDATE a = new.a",
      1,
      "1235 This version of MySQL doesn't yet support 'ON DUPLICATE KEY UPDATE'",
    ],
    [
      "(1,'x') ON DUPLICATE KEY UPDATE a = VALUES(a)",
      1,
      "1235 This version of MySQL doesn't yet support 'ON DUPLICATE KEY UPDATE'",
    ],
    ["(1,'x') returning a", 1, "1235 This version of MySQL doesn't yet support 'RETURNING'"],
    [
      "(1,/*!50000 'x' */)",
      0,
      "1235 This version of MySQL doesn't yet support 'version comments between rows'",
    ],
  ])('%j', (text, rows, error) => {
    const result = scanEveryWay(TWO, text);
    expect(result.error).toBe(error);
    expect(result.rows).toHaveLength(rows);
  });

  test('a fault quotes 80 characters whatever the chunks', () => {
    const text = `(1,'x') nonsense ${'é'.repeat(400)}`;
    const near = text.slice(8, 88);
    expect(scanEveryWay(TWO, text).error).toBe(`${SYNTAX}'${near}' at line 1`);
  });

  test('an expression has a longest text', () => {
    const text = `(1,concat('${'x'.repeat(70_000)}'))`;
    expect(scanPieces(TWO, text, [])).toMatchObject({ error: expect.stringMatching(/^1235 /) });
    expect(scanPieces(TWO, text, [40_000]).error).toMatch(/^1235 /);
  });

  test('NULL into NOT NULL, and no default', () => {
    const columns = [{ name: 'a', type: INT, nullable: false }];
    expect(scanEveryWay(columns, '(1),(NULL)').error).toBe("1048 Column 'a' cannot be null");
    expect(scanEveryWay(columns, '(1),(DEFAULT)').error).toBe(
      "1364 Field 'a' doesn't have a default value",
    );
    expect(scanEveryWay(columns, '()').error).toBe("1364 Field 'a' doesn't have a default value");
  });

  test('bytes that are no text stay as they are behind _binary, and are never replaced elsewhere', () => {
    const columns = [
      { name: 'a', type: { kind: 'blob', spelling: 'blob', length: null } as const },
    ];
    const raw = (before: string, after: string): Buffer =>
      Buffer.concat([Buffer.from(before), Buffer.from([0xff, 0x00, 0xc3]), Buffer.from(after)]);
    for (const word of ["_binary'", "_BINARY '", "'", "_binary\n'"]) {
      expect(scanEveryWay(columns, raw(`(${word}`, "\\'')"))).toEqual({
        rows: [["'\xff\0\xc3''"]],
        error: null,
      });
    }
    expect(scanEveryWay(columns, raw("(_utf8mb4 '", "')")).rows).toEqual([["'\xff\0\xc3'"]]);
    const invalid = "1300 Invalid utf8mb4 character string: 'FF00C32729";
    expect(scanEveryWay(columns, raw("(concat('", "'))")).error).toBe(`${invalid}'`);
    expect(scanEveryWay(TWO, "(1,_utf8mb4'x')").rows).toEqual([['1', "'x'"]]);
    expect(scanEveryWay(TWO, "(1,_utf8'x')").rows).toEqual([['1', "'x'"]]);
  });

  test('text that is no UTF-8', () => {
    const bytes = Buffer.concat([
      Buffer.from("(1,'ok"),
      Buffer.from([0xe4, 0xf6]),
      Buffer.from("')"),
    ]);
    expect(scanEveryWay(TWO, bytes).error).toBe(
      "1366 Incorrect string value: '\\xE4\\xF6' for column 'b' at row 1",
    );
  });
});

test('a row of the usual kinds', () => {
  const columns = [
    { name: 'host', type: TEXT },
    { name: 'ts', type: timestamp(3) },
    { name: 'usage', type: DOUBLE },
    { name: 'count', type: BIG },
  ];
  const text =
    "('h1','2026-01-01 00:00:00.25',58.1317132304976170, 9223372036854775807),('h1',1767225601000,1e-3,-9223372036854775808)";
  expect(scanEveryWay(columns, text)).toEqual({
    rows: [
      ["'h1'", '1767225600+250', String(58.131713230497617), '9223372036854775807'],
      ["'h1'", '1767225601+0', '0.001', '-9223372036854775808'],
    ],
    error: null,
  });
});
