/** MySQL Connector/J: every type, both ways of preparing, metadata, batches, transactions, streams and errors. */

import { figure } from '../support/figure.js';
import type { NodeProcess } from '../support/pair-processes.js';
import { run } from '../support/typed-query.js';
import { COLUMNS, createEveryType, ERRORS, insertEveryType, ROWS } from './every-type.js';
import { JdbcShell, runJava } from './connector-j/jdbc-shell.js';
import { loadMillion, MILLION, MILLION_SUM } from './million-rows.js';
import { requireConnectorJ } from './required-tool.js';
import { startSingleNode, type SingleNode } from './single-node.js';

jest.setTimeout(120_000);

let single: SingleNode;
const shells: JdbcShell[] = [];

beforeAll(async () => {
  requireConnectorJ();
  single = await startSingleNode();
  const client = await single.node.connect();
  await run(client, 'CREATE DATABASE types');
  await client.changeUser({ database: 'types' });
  await run(
    client,
    'CREATE TABLE batched (at TIMESTAMP(3) NOT NULL, n INT, word TEXT, TIME INDEX (at))',
  );
  await loadMillion(client);
  await client.end();
});

afterAll(async () => {
  for (const shell of shells) await shell.close();
  await single?.stop();
});

function urlOf(node: NodeProcess, options: string): string {
  return `jdbc:mysql://127.0.0.1:${node.mysqlPort}/types?connectTimeout=10000&socketTimeout=60000&connectionTimeZone=UTC&forceConnectionTimeZoneToSession=true&${options}`;
}

async function openShell(options = ''): Promise<JdbcShell> {
  const shell = await JdbcShell.connect(urlOf(single.node, options));
  shells.push(shell);
  return shell;
}

/** What TypesProbe says, by kind. */
interface Probed {
  readonly cells: ReadonlyMap<string, string>;
  readonly columns: ReadonlyMap<string, readonly string[]>;
  readonly facts: ReadonlyMap<string, string>;
}

async function probe(table: string, options: string): Promise<Probed> {
  const client = await single.node.connect({ database: 'types' });
  await run(client, createEveryType(table));
  await client.end();
  const input = [
    COLUMNS.map(({ name }) => name).join('\t'),
    COLUMNS.map(({ type }) => type).join('\t'),
    ...ROWS.map(({ cells }) =>
      cells
        .map(({ text }, index) => {
          if (text === null) return '-';
          const encoding = COLUMNS[index]!.type === 'BLOB' ? 'latin1' : 'utf8';
          return Buffer.from(text, encoding).toString('hex');
        })
        .join('\t'),
    ),
  ].join('\n');
  const cells = new Map<string, string>();
  const columns = new Map<string, string[]>();
  const facts = new Map<string, string>();
  for (const [kind, ...words] of runJava(
    'TypesProbe',
    [urlOf(single.node, options), table],
    input,
  )) {
    if (kind === 'cell') cells.set(words.slice(0, 3).join(' '), words[3]!);
    else if (kind === 'column') columns.set(words[0]!, words.slice(1));
    else facts.set(words[0]!, words[1]!);
  }
  return { cells, columns, facts };
}

/** A cell as TypesProbe prints it, as text again. */
function decoded(cell: string | undefined, type: string): string | number | null {
  if (cell === undefined) return 'nothing was printed';
  if (cell === '-') return null;
  const bytes = Buffer.from(cell, 'hex');
  if (type === 'FLOAT') return Math.fround(Number(bytes.toString()));
  if (type === 'DOUBLE') return Number(bytes.toString());
  return type === 'BLOB' ? bytes.toString('latin1') : bytes.toString('utf8');
}

function expected(text: string | null, type: string): string | number | null {
  if (text === null) return null;
  if (type === 'FLOAT') return Math.fround(Number(text));
  return type === 'DOUBLE' ? Number(text) : text;
}

describe.each([
  ['prepared by the client', 'by_client', 'useServerPrepStmts=false'],
  ['prepared by the server', 'by_server', 'useServerPrepStmts=true&cachePrepStmts=true'],
  ['batches rewritten', 'rewritten', 'rewriteBatchedStatements=true'],
  ['compressed', 'compressed', 'useCompression=true&useServerPrepStmts=true'],
])('%s', (_, table, options) => {
  let probed: Probed;
  beforeAll(async () => {
    probed = await probe(table, options);
  });

  test('every type is written and read, to its extremes', () => {
    for (const how of ['statement', 'prepared']) {
      ROWS.forEach(({ id, cells }, row) => {
        cells.forEach(({ text }, index) => {
          const { name, type } = COLUMNS[index]!;
          const cell = decoded(probed.cells.get(`${how} ${row} ${name}`), type);
          expect({ how, id, name, cell }).toEqual({ how, id, name, cell: expected(text, type) });
        });
      });
    }
  });

  test('results and tables are described as MySQL does', () => {
    const typeOf = (name: string): readonly string[] => probed.columns.get(name)!.slice(0, 2);
    expect(typeOf('i8')).toEqual(['TINYINT', 'java.lang.Integer']);
    expect(typeOf('u32')).toEqual(['INT UNSIGNED', 'java.lang.Long']);
    expect(typeOf('i64')).toEqual(['BIGINT', 'java.lang.Long']);
    expect(typeOf('u64')).toEqual(['BIGINT UNSIGNED', 'java.math.BigInteger']);
    expect(typeOf('f32')).toEqual(['FLOAT', 'java.lang.Float']);
    expect(typeOf('f64')).toEqual(['DOUBLE', 'java.lang.Double']);
    expect(typeOf('short_text')).toEqual(['VARCHAR', 'java.lang.String']);
    expect(typeOf('long_text')).toEqual(['TEXT', 'java.lang.String']);
    expect(typeOf('bytes')).toEqual(['BLOB', '[B']);
    expect(typeOf('dt6')).toEqual(['DATETIME', 'java.time.LocalDateTime']);
    expect(typeOf('ts3')).toEqual(['TIMESTAMP', 'java.sql.Timestamp']);
    expect(typeOf('day')).toEqual(['DATE', 'java.sql.Date']);
    // BOOLEAN is TINYINT(1), which the driver shows as BIT unless told otherwise.
    expect(typeOf('flag')).toEqual(['BIT', 'java.lang.Boolean']);
    expect(probed.columns.get('short_text')![2]).toBe('200');
    expect(probed.columns.get('i8')![5]).toBe('true');
    expect(probed.columns.get('u8')![5]).toBe('false');
    const { facts } = probed;
    expect(facts.get('table of a column')).toBe(table);
    expect(facts.get('product')).toBe('MySQL 8');
    expect(facts.get('table')).toBe(table);
    expect(facts.get('columns')).toBe(['id', 'at', ...COLUMNS.map(({ name }) => name)].join(','));
    // In the order of names, as JDBC wants it.
    expect(facts.get('keys')).toBe('at,id');
  });

  test('transactions, read-only connections, validation', () => {
    const { facts } = probed;
    expect(facts.get('after rollback and commit')).toBe('done');
    // Connection.TRANSACTION_READ_COMMITTED
    expect(facts.get('isolation')).toBe('2');
    expect(facts.get('read only')).toBe('refused');
    expect(facts.get('valid')).toBe('true');
  });

  test('a batch of 3,000 rows', () => {
    const { facts } = probed;
    expect(facts.get('batch')).toBe('3000');
    expect(facts.get('batch failures')).toBe('0');
    expect(facts.get('batch sum')).toBe('3000 4498500');
    const statements = Number(facts.get('batch statements'));
    if (table === 'rewritten') expect(statements).toBeLessThan(100);
    else expect(statements).toBe(3_000);
  });

  test('a million rows, one by one', () => {
    expect(probed.facts.get('streamed')).toBe(`${MILLION} ${MILLION_SUM}`);
    figure(`Connector/J, ${table}: a million rows in ${probed.facts.get('streamed in ms')} ms`);
  });
});

test('errors are exceptions of the right class', async () => {
  const shell = await openShell();
  const client = await single.node.connect({ database: 'types' });
  await run(client, createEveryType('every_type'));
  await run(client, "SET time_zone = '+00:00'");
  await run(client, insertEveryType('every_type'));
  await client.end();
  for (const [sql, errno, sqlState] of ERRORS) {
    // The driver knows better than the server what HY000 means, and calls every error of class 22 a truncation.
    const answer = await shell.run(sql);
    expect({ sql, ...answer }).toMatchObject({ sql, ok: false, errno });
    if (!/^(HY000|22)/.test(sqlState))
      expect({ sql, sqlState: answer.sqlState }).toMatchObject({ sql, sqlState });
  }
  const syntax = await shell.run('SELEC 1');
  expect(syntax.classes).toContain('java.sql.SQLSyntaxErrorException');
  const missing = await shell.run("INSERT INTO every_type (id, at) VALUES ('x', NULL)");
  expect(missing.classes).toContain('java.sql.SQLIntegrityConstraintViolationException');
  const truncated = await shell.run("INSERT INTO every_type (id, at) VALUES ('x', 'not a time')");
  expect(truncated.classes).toContain('com.mysql.cj.jdbc.exceptions.MysqlDataTruncation');
  expect(await shell.run('\\isValid')).toEqual({ ok: true, valid: true });
});

test('a query timeout of the driver ends the statement, and the connection goes on', async () => {
  const shell = await openShell();
  await shell.run('\\timeout');
  // The driver opens a connection of its own and kills the query.
  const answer = await shell.run('SELECT SLEEP(30)');
  expect(answer.classes).toContain('java.sql.SQLTimeoutException');
  expect(await shell.run('SELECT 1')).toMatchObject({ ok: true, rows: [['1']] });
});

test('transactions through the shell', async () => {
  const shell = await openShell();
  await shell.run('\\autocommit off');
  await shell.run("INSERT INTO every_type (id, at) VALUES ('tx', 1)");
  await shell.run('\\rollback');
  expect(await shell.run("SELECT COUNT(*) FROM every_type WHERE id = 'tx'")).toMatchObject({
    rows: [['0']],
  });
  await shell.run("INSERT INTO every_type (id, at) VALUES ('tx', 1)");
  await shell.run('\\commit');
  await shell.run('\\autocommit on');
  expect(await shell.run("SELECT COUNT(*) FROM every_type WHERE id = 'tx'")).toMatchObject({
    rows: [['1']],
  });
});
