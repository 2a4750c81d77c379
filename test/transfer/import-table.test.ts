/** An import that is cut off anywhere goes on without losing a row, and in append_mode without writing one twice. */

import { existsSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ImportBatch } from '../../src/transfer/import-batch.js';
import { CheckpointFile, type ImportPlace } from '../../src/transfer/import-checkpoint.js';
import { importTable, type ImportResult } from '../../src/transfer/import-table.js';

const BATCHES = 4;
const BATCH_ROWS = 3;

let folder = '';
let source = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'twintide-import-'));
  source = join(folder, 'rows.csv');
  writeFileSync(source, 'what the batches come from');
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** A table that only grows, and a wire that may break before or after a statement did its work. */
class FakeServer {
  rows: number[] = [];
  statements = 0;
  failAt: {
    readonly statement: number;
    readonly when: 'before' | 'after';
    readonly errno?: number;
  } | null = null;

  insert(sql: string): Promise<void> {
    this.statements += 1;
    const fails = this.failAt?.statement === this.statements ? this.failAt : null;
    const error = Object.assign(new Error('the wire broke'), { errno: fails?.errno });
    if (fails?.when === 'before') return Promise.reject(error);
    this.rows.push(...sql.split(' ').map(Number));
    return fails?.when === 'after' ? Promise.reject(error) : Promise.resolve();
  }
}

async function* batchesFrom(place: ImportPlace): AsyncGenerator<ImportBatch> {
  for (let batch = place.offset; batch < BATCHES; batch += 1) {
    const first = batch * BATCH_ROWS;
    const rows = Array.from({ length: BATCH_ROWS }, (_, index) => first + index);
    await Promise.resolve();
    yield {
      sql: rows.join(' '),
      isInsert: true,
      rows: BATCH_ROWS,
      whereIs: (row) => `rows.csv:${first + (row ?? 1) + 1}`,
      end: { offset: batch + 1, line: 1, count: first + BATCH_ROWS },
    };
  }
}

async function runImport(server: FakeServer, isAppendMode: boolean): Promise<ImportResult> {
  return importTable({
    execute: (sql) => server.insert(sql),
    countRows: () => Promise.resolve(server.rows.length),
    isAppendMode: () => Promise.resolve(isAppendMode),
    batchesFrom,
    checkpoint: await CheckpointFile.of(source, 'd.t'),
    onProgress: () => undefined,
  });
}

const ALL = Array.from({ length: BATCHES * BATCH_ROWS }, (_, index) => index);
const checkpointPath = (): string => `${source}.d.t.import`;

describe.each([
  ['a table in append mode', true],
  ['a table whose rows replace themselves', false],
])('%s', (_, isAppendMode) => {
  for (const when of ['before', 'after'] as const) {
    for (let statement = 1; statement <= BATCHES; statement += 1) {
      it(`the wire breaks ${when} batch ${statement} did its work`, async () => {
        const server = new FakeServer();
        server.failAt = { statement, when };
        await expect(runImport(server, isAppendMode)).rejects.toThrow(
          `rows.csv:${(statement - 1) * BATCH_ROWS + 2}: the wire broke`,
        );
        server.failAt = null;
        const result = await runImport(server, isAppendMode);
        expect(result.before + result.imported).toBe(ALL.length);
        expect([...new Set(server.rows)]).toEqual(ALL);
        if (isAppendMode) expect(server.rows).toEqual(ALL);
        expect(existsSync(checkpointPath())).toBe(false);
      });
    }
  }
});

test('rows of somebody else make it impossible to tell, and that is said', async () => {
  const server = new FakeServer();
  server.failAt = { statement: 2, when: 'after' };
  await expect(runImport(server, true)).rejects.toThrow('the wire broke');
  server.rows.push(1000);
  await expect(runImport(server, true)).rejects.toThrow(/somebody else wrote to the table since/);
});

test('"not applied" is sent again, "not confirmed by the peer" is there', async () => {
  const server = new FakeServer();
  server.failAt = { statement: 2, when: 'before', errno: 1205 };
  expect(await runImport(server, true)).toMatchObject({ imported: 12, unconfirmed: 0 });
  server.rows = [];
  server.statements = 0;
  server.failAt = { statement: 2, when: 'after', errno: 1180 };
  expect(await runImport(server, true)).toMatchObject({ imported: 12, unconfirmed: 1 });
  expect(server.rows).toEqual(ALL);
});

test('a file that changed, and a checkpoint that is none, are refused', async () => {
  const server = new FakeServer();
  server.failAt = { statement: 2, when: 'before' };
  await expect(runImport(server, false)).rejects.toThrow('the wire broke');
  const saved = readFileSync(checkpointPath(), 'utf8');
  utimesSync(source, 1, 1);
  await expect(runImport(server, false)).rejects.toThrow(/the file changed since its import/);
  writeFileSync(checkpointPath(), saved.slice(0, 20));
  await expect(runImport(server, false)).rejects.toThrow(/is no checkpoint; delete it/);
});
