/** The command line client of MariaDB: what people type, and what scripts pipe through it. */

import { spawn, spawnSync } from 'node:child_process';
import { createReadStream, createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { figure } from '../support/figure.js';
import { cellsOf, run } from '../support/typed-query.js';
import {
  ALL_BYTES,
  COLUMNS,
  createEveryType,
  ERRORS,
  insertEveryType,
  ROWS,
} from './every-type.js';
import { loadMillion, MILLION, MILLION_SUM } from './million-rows.js';
import { requireTool } from './required-tool.js';
import { startSingleNode, type SingleNode } from './single-node.js';

jest.setTimeout(120_000);

let single: SingleNode;
let folder: string;

beforeAll(async () => {
  requireTool('mariadb', '--version');
  folder = mkdtempSync(join(tmpdir(), 'twintide-cli-'));
  single = await startSingleNode();
  const client = await single.node.connect();
  await run(client, 'CREATE DATABASE types');
  await client.end();
});

afterAll(async () => {
  await single?.stop();
  if (folder !== undefined) rmSync(folder, { recursive: true });
});

function programArguments(options: readonly string[]): string[] {
  return [
    '--no-defaults',
    '--host=127.0.0.1',
    `--port=${single.node.mysqlPort}`,
    '--user=root',
    '--default-character-set=utf8mb4',
    ...options,
  ];
}

/** Runs the client on what it is given to read. */
function mariadb(input: string, ...options: readonly string[]) {
  const { status, stdout, stderr } = spawnSync('mariadb', programArguments(options), {
    input,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

/** Output in batch mode: rows of cells, unescaped; the first is the heading. */
function batch(input: string, ...options: readonly string[]): (string | null)[][] {
  const { status, stdout, stderr } = mariadb(input, '--batch', ...options);
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
  return stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => line.split('\t').map(unescaped));
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', '0': '\0', '\\': '\\' };

function unescaped(cell: string): string | null {
  return cell === 'NULL'
    ? null
    : cell.replaceAll(/\\([nt0\\])/g, (_, code: string) => ESCAPES[code]!);
}

const EVERY_TYPE = COLUMNS.map(({ name }) => (name === 'bytes' ? 'HEX(bytes)' : name)).join(', ');

test('every type is written and read, to its extremes', () => {
  mariadb(`${createEveryType('every_type')};`, 'types');
  const { status, stderr } = mariadb(
    `SET time_zone = '+00:00'; ${insertEveryType('every_type')};`,
    'types',
  );
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
  const [heading, ...rows] = batch(
    `SET time_zone = '+00:00'; SELECT ${EVERY_TYPE} FROM every_type ORDER BY at;`,
    'types',
  );
  expect(heading).toEqual(COLUMNS.map(({ name }) => (name === 'bytes' ? 'HEX(bytes)' : name)));
  const bytesAt = COLUMNS.findIndex(({ name }) => name === 'bytes');
  const expected = ROWS.map(({ cells }) =>
    cells.map(({ text }, index) => {
      if (text === null) return null;
      const shown =
        index === bytesAt ? Buffer.from(text, 'latin1').toString('hex').toUpperCase() : text;
      // The client itself cannot tell the text NULL from no value, in batch mode.
      return shown === 'NULL' ? null : shown;
    }),
  );
  rows.forEach((row, index) => {
    expect({ id: ROWS[index]!.id, cells: row }).toEqual({
      id: ROWS[index]!.id,
      cells: expected[index],
    });
  });
  expect(rows.length).toBe(ROWS.length);
});

test('a BLOB arrives byte by byte', () => {
  const { stdout } = spawnSync(
    'mariadb',
    programArguments(['types', '--batch', '--skip-column-names', '--raw']),
    { input: "SELECT bytes FROM every_type WHERE id = 'greatest';" },
  );
  expect(stdout.subarray(0, 256)).toEqual(ALL_BYTES);
});

test('a TIMESTAMP is shown in the time zone of the session, a DATETIME is not', () => {
  const [, row] = batch(
    "SET time_zone = '+05:30'; SELECT ts3, dt3 FROM every_type WHERE id = 'ordinary';",
    'types',
  );
  expect(row).toEqual(['2026-05-01 18:04:56.123', '2026-05-01 12:34:56.123']);
});

test.each(ERRORS)('%s', (sql, errno, sqlState) => {
  const { status, stderr } = mariadb(`${sql};`, 'types', '--batch');
  expect(stderr).toMatch(
    new RegExp(`^(--------------[^]*--------------\n+)?ERROR ${errno} \\(${sqlState}\\)`),
  );
  expect(status).toBe(1);
});

test('\\s, use, and the tables that it shows', () => {
  const { stdout, stderr } = mariadb(
    '\\s\nuse types\nSELECT DATABASE();\nSHOW TABLES;\n',
    '--table',
  );
  expect(stderr).toBe('');
  expect(stdout).toMatch(/Server version:\s+8\.0\.\d+-twintide/);
  expect(stdout).toMatch(/Current user:\s+root@/);
  expect(stdout).toMatch(/Uptime:\s+\d+ sec|Uptime:/);
  expect(stdout).toMatch(/Server characterset:\s+utf8mb4/);
  expect(stdout).toContain('| types      |');
  expect(stdout).toContain('| Tables_in_types |');
  expect(stdout).toContain('| every_type      |');
});

test('--table draws what it is told of the widths', () => {
  const { stdout } = mariadb(
    "SELECT i32, short_text, day FROM every_type WHERE id IN ('ordinary', 'nothing') ORDER BY at;",
    'types',
    '--table',
  );
  expect(stdout).toBe(
    [
      '+------+------------+------------+',
      '| i32  | short_text | day        |',
      '+------+------------+------------+',
      '|   -1 | abc        | 2026-02-28 |',
      '| NULL | NULL       | NULL       |',
      '+------+------------+------------+',
      '',
    ].join('\n'),
  );
});

test('DESCRIBE and SHOW', () => {
  const described = batch('DESCRIBE every_type;', 'types');
  expect(described[0]).toEqual(['Field', 'Type', 'Null', 'Key', 'Default', 'Extra']);
  expect(described.slice(1).map(([field]) => field)).toEqual([
    'id',
    'at',
    ...COLUMNS.map(({ name }) => name),
  ]);
  const types = new Map(described.map(([field, type]) => [field, type]));
  expect(types.get('u64')).toBe('bigint unsigned');
  expect(types.get('short_text')).toBe('varchar(200)');
  expect(types.get('dt6')).toBe('datetime(6)');
  expect(types.get('dt0')).toBe('datetime');
  expect(types.get('flag')).toBe('tinyint(1)');
  expect(described.find(([field]) => field === 'id')?.[3]).toBe('PRI');

  const [, created] = batch('SHOW CREATE TABLE every_type;', 'types');
  expect(created?.[1]).toMatch(/^CREATE TABLE `every_type` \(\n/);
  expect(batch("SHOW VARIABLES LIKE 'max_allowed_packet';")[1]).toEqual([
    'max_allowed_packet',
    '67108864',
  ]);
  expect(batch('SHOW DATABASES;').flat()).toContain('types');
  expect(batch('SHOW FULL COLUMNS FROM every_type;', 'types')[0]).toContain('Collation');
  expect(batch('SHOW INDEX FROM every_type;', 'types')[0]).toContain('Key_name');
  expect(batch("SHOW TABLE STATUS LIKE 'every%';", 'types')[1]?.[0]).toBe('every_type');
  expect(batch('SHOW PROCESSLIST;').length).toBeGreaterThan(1);
});

test('what SHOW CREATE TABLE prints makes the same table again', () => {
  const [, created] = batch('SHOW CREATE TABLE every_type;', 'types');
  const text = created![1]!;
  mariadb('CREATE DATABASE again;');
  mariadb(`${text};`, 'again');
  const [, copied] = batch('SHOW CREATE TABLE every_type;', 'again');
  expect(copied?.[1]).toBe(text);
});

test('warnings are shown when asked for', () => {
  const { stdout } = mariadb('SELECT 1 / 0;', '--show-warnings', '--table');
  expect(stdout).toMatch(/Warning \(Code 1365\): Division by 0/);
});

test('several statements, the first error ends them, --force goes on', () => {
  const input = 'SELECT 1 AS one; SELECT * FROM nothing_here; SELECT 2 AS two;';
  const stopped = mariadb(input, 'types', '--batch');
  expect(stopped.stdout).toBe('one\n1\n');
  const forced = mariadb(input, 'types', '--batch', '--force');
  expect(forced.stdout).toBe('one\n1\ntwo\n2\n');
});

test('a result of a million rows goes to a file', async () => {
  const client = await single.node.connect({ database: 'types' });
  await loadMillion(client);
  const file = join(folder, 'million.tsv');
  const startedMs = performance.now();
  await new Promise<void>((resolve, reject) => {
    const child = spawn(
      'mariadb',
      programArguments([
        'types',
        '--quick',
        '--batch',
        '--execute',
        'SELECT n, sensor, ts, level FROM million',
      ]),
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const output = child.stdout.pipe(createWriteStream(file));
    child.on('error', reject);
    child.on('exit', (code) => {
      if (code !== 0) reject(new Error(`the client ended with ${code}`));
    });
    output.on('finish', resolve);
  });
  figure(`mariadb: a million rows in a file after ${Math.round(performance.now() - startedMs)} ms`);
  let count = 0;
  let sum = 0;
  for await (const line of createInterface({ input: createReadStream(file) })) {
    if (count > 0) sum += Number(line.slice(0, line.indexOf('\t')));
    count += 1;
  }
  expect({ count, sum }).toEqual({ count: MILLION + 1, sum: MILLION_SUM });
  expect(
    (await cellsOf(client, 'SELECT COUNT(*), SUM(n) FROM million')).map((row) => row.map(Number)),
  ).toEqual([[MILLION, MILLION_SUM]]);
});
