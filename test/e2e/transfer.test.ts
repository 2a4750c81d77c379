/** `twintide export` and `import` against a real node: every type through every format, interruptions, and lines that are wrong. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Connection } from 'mysql2/promise';
import { createEveryType, insertEveryType } from '../clients/every-type.js';
import { startSingleNode, type SingleNode } from '../clients/single-node.js';
import { waitUntil } from '../support/bounded-wait.js';
import { runCommand, startCommand, type CommandResult } from '../support/run-command.js';
import { cellOf, cellsOf, run } from '../support/typed-query.js';

jest.setTimeout(240_000);

let single: SingleNode;
let client: Connection;
beforeAll(async () => {
  single = await startSingleNode();
  client = await single.node.connect({
    dateStrings: true,
    supportBigNumbers: true,
    bigNumberStrings: true,
  });
  await run(client, "SET time_zone = '+00:00'");
  await run(client, 'CREATE DATABASE plant');
  await run(client, 'CREATE DATABASE other');
  await run(client, 'USE plant');
});
afterAll(() => single?.stop());

const inFolder = (name: string): string => join(single.node.folder, name);
const at = (): string[] => ['--config', single.node.configFile];
function transfer(
  verb: 'export' | 'import',
  table: string,
  ...rest: string[]
): Promise<CommandResult> {
  return runCommand([verb, ...at(), '--table', table, ...rest]);
}

describe('every type', () => {
  beforeAll(async () => {
    await run(client, createEveryType('every'));
    await run(client, insertEveryType('every'));
    await run(
      client,
      'CREATE TABLE nano (at TIMESTAMP(9) TIME INDEX, dt DATETIME(9), f FLOAT, d DOUBLE, PRIMARY KEY (f))',
    );
    await run(
      client,
      `INSERT INTO nano VALUES ('2026-01-02 03:04:05.123456789', '1999-12-31 23:59:59.999999999', 0.1, -0.0),
       ('1969-12-31 23:59:59.000000001', NULL, 16777216, 5e-324)`,
    );
  });

  it.each(['csv', 'sql', 'parquet'])('comes back exactly through %s', async (format) => {
    for (const table of ['every', 'nano']) {
      const path = inFolder(`${table}.${format}`);
      const exported = await transfer('export', `plant.${table}`, '--format', format, path);
      expect(exported).toMatchObject({ code: 0, out: '' });
      expect(exported.err).toMatch(/plant\.(every: 4|nano: 2) rows/);
      await run(client, `DROP TABLE IF EXISTS other.${table}`);
      if (format !== 'sql') {
        const [create] = await cellsOf(client, `SHOW CREATE TABLE ${table}`);
        await run(client, 'USE other');
        await run(client, String(create![1]));
        await run(client, 'USE plant');
      }
      expect(await transfer('import', `other.${table}`, '--format', format, path)).toMatchObject({
        code: 0,
      });
      // The text of 9 digits is in no protocol, so the cells are compared where they are.
      const whole = async (database: string): Promise<unknown[][]> =>
        cellsOf(client, `SELECT * FROM ${database}.${table} ORDER BY 1, 2`);
      expect(await whole('other')).toEqual(await whole('plant'));
      const again = inFolder(`again.${format}`);
      await transfer('export', `other.${table}`, '--format', format, again);
      expect(readFileSync(again).equals(readFileSync(path))).toBe(true);
    }
    const nanos = await cellsOf(
      client,
      'SELECT CAST(at AS CHAR), CAST(dt AS CHAR), CAST(f AS DOUBLE), d FROM other.nano ORDER BY at',
    );
    expect(nanos).toEqual([
      ['1969-12-31 23:59:59.000000001', null, 16777216, 5e-324],
      ['2026-01-02 03:04:05.123456789', '1999-12-31 23:59:59.999999999', Math.fround(0.1), -0],
    ]);
  });
});

describe('many rows', () => {
  const ROWS = 60_000;
  beforeAll(async () => {
    await run(
      client,
      'CREATE TABLE heat (ts TIMESTAMP(3) TIME INDEX, oven STRING PRIMARY KEY, degrees DOUBLE)',
    );
    for (let first = 0; first < ROWS; first += 10_000) {
      const rows = Array.from({ length: 10_000 }, (_, index) => {
        const row = first + index;
        return `(${1_700_000_000_000 + row}, 'oven${row % 7}', ${row / 8})`;
      });
      await run(client, `INSERT INTO heat VALUES ${rows.join(',')}`);
    }
    await run(
      client,
      "CREATE TABLE other.log (ts TIMESTAMP(3) TIME INDEX, oven STRING, degrees DOUBLE) WITH ('append_mode'='true')",
    );
  });

  it('a condition and a range of time choose rows; - is standard output and input', async () => {
    const range = ['--from', '2023-11-14 22:13:20.010', '--to', '2023-11-14 22:13:20.020'];
    const { out, code } = await transfer(
      'export',
      'plant.heat',
      ...range,
      '--where',
      'degrees <> 2',
      '-',
    );
    expect(code).toBe(0);
    const lines = out.trimEnd().split('\r\n');
    expect(lines[0]).toBe('ts,oven,degrees');
    expect(lines.slice(1).sort()).toEqual(
      [10, 11, 12, 13, 14, 15, 17, 18, 19].map(
        (row) => `2023-11-14 22:13:20.0${row},oven${row % 7},${row / 8}`,
      ),
    );
    await run(
      client,
      'CREATE TABLE IF NOT EXISTS other.few (ts TIMESTAMP(3) TIME INDEX, oven STRING PRIMARY KEY, degrees DOUBLE)',
    );
    const args = ['import', ...at(), '--table', 'other.few', '-'];
    expect(await runCommand(args, out)).toMatchObject({ code: 0 });
    expect(Number(await cellOf(client, 'SELECT COUNT(*) FROM other.few'))).toBe(9);
  });

  it('an import killed with -9 goes on, and an append_mode table has each row once', async () => {
    const path = inFolder('heat.csv');
    await transfer('export', 'plant.heat', path);
    const checkpoint = `${path}.other.log.import`;
    const args = ['import', ...at(), '--table', 'other.log', path];
    let kills = 0;
    for (let reached = 0; kills < 3 && reached < ROWS - 15_000; kills += 1) {
      const { child, ended } = startCommand(args);
      const before = reached;
      await waitUntil('the import to move', async () => {
        reached = Number(await cellOf(client, 'SELECT COUNT(*) FROM other.log'));
        return [reached > before, reached];
      });
      child.kill('SIGKILL');
      await ended;
    }
    expect(kills).toBeGreaterThan(0);
    expect(existsSync(checkpoint)).toBe(true);
    const last = await runCommand(args);
    expect(last).toMatchObject({ code: 0 });
    expect(existsSync(checkpoint)).toBe(false);
    const sums = 'SELECT COUNT(*), SUM(degrees), COUNT(DISTINCT ts) FROM';
    expect(await cellsOf(client, `${sums} other.log`)).toEqual(
      await cellsOf(client, `${sums} plant.heat`),
    );
  });

  it.each<[what: string, format: string, content: string, message: RegExp]>([
    [
      'a value that is no number',
      'csv',
      `ts,oven,degrees\n${'2026-01-01,a,1\n'.repeat(20)}2026-01-01,a,hot\n`,
      /bad\.csv:22: Data truncated for column 'degrees' at row 21/,
    ],
    [
      'a line that is short',
      'csv',
      'ts,oven,degrees\n2026-01-01,a\n',
      /bad\.csv:2: the line has 2 fields, the header 3/,
    ],
    [
      'a column that is not there',
      'csv',
      'ts,stove\n',
      /bad\.csv:1: plant\.heat has no column "stove"; it has ts, oven, degrees/,
    ],
    ['an empty file', 'csv', '', /bad\.csv:1: there is no header/],
    [
      'a statement that is not for an import',
      'sql',
      'SET @a = 1;\nDROP TABLE heat;\n',
      /bad\.sql:2: an import takes SET, CREATE TABLE, INSERT/,
    ],
    [
      'a dump of another table',
      'sql',
      '\n\nINSERT INTO `cold` VALUES (1);\n',
      /bad\.sql:3: the statement writes to `cold`, not to plant\.heat/,
    ],
  ])('%s is an error with its file and line', async (_, format, content, message) => {
    const path = inFolder(`bad.${format}`);
    writeFileSync(path, content);
    const result = await transfer('import', 'plant.heat', '--format', format, path);
    expect(result.code).toBe(1);
    expect(result.err).toMatch(message);
  });

  it('a table that is not there, and a name that is none, are said', async () => {
    const missing = await transfer('export', 'plant.nothing', '-');
    expect(missing).toMatchObject({ code: 1, err: 'twintide: there is no table plant.nothing\n' });
    const wrong = await transfer('export', 'heat', inFolder('x.csv'));
    expect(wrong.err).toContain('--table is database.table');
    expect(existsSync(inFolder('x.csv'))).toBe(false);
  });
});
