/** How a write is cut into records: what they hold, and which of them are under way at a time. */

import { NotAppliedError, type WriteOptions } from '../../replication/index.js';
import type { TableDefinition } from '../../src/catalog/table-definition.js';
import type { Writer } from '../../src/server/server-context.js';
import { WriteBuffer, type BufferedSection } from '../../src/server/write-buffer.js';
import { run } from '../support/typed-query.js';
import { SingleNode } from './support/single-node.js';

const MEBIBYTE = 1024 * 1024;

let node: SingleNode;
let table: TableDefinition;

beforeAll(async () => {
  node = await SingleNode.start();
  const client = await node.connect();
  await run(client, 'CREATE DATABASE d');
  await run(client, 'CREATE TABLE d.t (ts TIMESTAMP TIME INDEX)');
  table = node.context.catalog.table('d', 't')!;
});

afterAll(() => node.stop());

function section(bytes: number, hasRows = true): BufferedSection {
  const { schema } = table.parts[0];
  return { bytes: new Uint8Array(bytes), table, schema, hasRows, seriesCount: hasRows ? 1 : 0 };
}

/** A writer whose parts are durable when the test says so. */
class Scene {
  readonly events: string[] = [];
  readonly options: WriteOptions[] = [];
  readonly #pending: { readonly resolve: () => void; readonly reject: (error: Error) => void }[] =
    [];

  buffer(keep: boolean, maxRecordBytes = 8 * MEBIBYTE): WriteBuffer {
    const sizeOf = (body: readonly Uint8Array[]): string => {
      const bytes = body.reduce((sum, { length }) => sum + length, 0);
      return `${Math.floor((bytes / MEBIBYTE) * 100) / 100}`;
    };
    const acknowledged = {
      position: { incarnation: '00112233aabbccdd', sequence: 1 },
      version: 8,
      warning: null,
    };
    const writer: Writer = {
      write: (_kind, body, options) => {
        this.options.push(options);
        this.events.push(`write ${sizeOf(body as readonly Uint8Array[])}`);
        return Promise.resolve(acknowledged);
      },
      admitsNow: () => true,
      beginMultiPart: (options) => {
        this.options.push(options);
        return {
          part: (body) => {
            this.events.push(`part ${sizeOf(body)}`);
            return new Promise<void>((resolve, reject) => this.#pending.push({ resolve, reject }));
          },
          commit: () => {
            this.events.push('commit');
            return Promise.resolve(acknowledged);
          },
          abort: () => {
            this.events.push('abort');
            return Promise.resolve();
          },
        };
      },
    };
    const limits = { ...node.context.limits, maxRecordBytes, memtableBytes: 256 * MEBIBYTE };
    const context = { ...node.context, limits, writer };
    return new WriteBuffer({ context, keep, signal: () => null, rpoBytes: null });
  }

  /** The part on its way is durable, or is refused. Resolves when what follows from it has happened. */
  async answer(error: Error | null = null): Promise<void> {
    const { resolve, reject } = this.#pending.shift()!;
    if (error === null) resolve();
    else reject(error);
    await new Promise((done) => setImmediate(done));
  }

  async answerAll<T>(whole: Promise<T>): Promise<T> {
    await new Promise((done) => setImmediate(done));
    while (this.#pending.length > 0) await this.answer();
    return whole;
  }
}

const TENTH = MEBIBYTE / 10;

describe('a transaction', () => {
  test.each<[string, number[], string[]]>([
    ['up to a mebibyte is one record', Array.from({ length: 9 }, () => TENTH), ['write 0.9']],
    [
      'above it is parts of at most that',
      Array.from({ length: 25 }, () => TENTH),
      ['part 0.9', 'part 0.9', 'part 0.7', 'commit'],
    ],
    ['of one section is one record, however large', [3 * MEBIBYTE], ['write 3']],
    [
      'keeps a large section whole, in a part of its own',
      [TENTH, 2 * MEBIBYTE, TENTH],
      ['part 0.1', 'part 2', 'part 0.1', 'commit'],
    ],
  ])('%s', async (_name, sizes, events) => {
    const scene = new Scene();
    const buffer = scene.buffer(true);
    for (const size of sizes) await buffer.add(section(Math.ceil(size)));
    await scene.answerAll(buffer.commit());
    expect(scene.events).toEqual(events);
  });

  test('is cut at max_record_bytes where that is less', async () => {
    const scene = new Scene();
    const buffer = scene.buffer(true, MEBIBYTE / 2);
    for (let count = 0; count < 6; count += 1) await buffer.add(section(Math.ceil(TENTH)));
    await scene.answerAll(buffer.commit());
    expect(scene.events).toEqual(['part 0.4', 'part 0.2', 'commit']);
  });

  test.each([
    ['that only deletes may use the disk’s reserve, in parts as in one record', false],
    ['that adds rows may not', true],
  ])('%s', async (_name, hasRows) => {
    const scene = new Scene();
    for (const count of [1, 15]) {
      const buffer = scene.buffer(true);
      for (let at = 0; at < count; at += 1) await buffer.add(section(Math.ceil(TENTH), hasRows));
      await scene.answerAll(buffer.commit());
    }
    expect(scene.events).toEqual(['write 0.1', 'part 0.9', 'part 0.6', 'commit']);
    expect(scene.options.map(({ freesSpace }) => freesSpace)).toEqual([!hasRows, !hasRows]);
  });
});

describe('an autocommit statement', () => {
  const HALF = Math.ceil(MEBIBYTE * 0.6);

  test('goes on while a part is on its way, and waits before it sends a second', async () => {
    const scene = new Scene();
    const buffer = scene.buffer(false);
    expect(buffer.add(section(HALF))).toBeUndefined();
    expect(buffer.add(section(HALF))).toBeUndefined();
    expect(scene.events).toEqual(['part 0.6']);
    let isAdded = false;
    const adding = Promise.resolve(buffer.add(section(HALF))).then(() => (isAdded = true));
    await new Promise((done) => setImmediate(done));
    expect([scene.events, isAdded]).toEqual([['part 0.6'], false]);
    await scene.answer();
    await adding;
    expect(scene.events).toEqual(['part 0.6', 'part 0.6']);
    const committing = buffer.commit();
    await new Promise((done) => setImmediate(done));
    expect(scene.events).toHaveLength(2);
    await scene.answerAll(committing);
    expect(scene.events.slice(2)).toEqual(['part 0.6', 'commit']);
  });

  test.each([
    ['section', false],
    ['step, its commit', true],
  ])('that is refused in a part fails at the next %s, and is aborted', async (_name, commits) => {
    const scene = new Scene();
    const buffer = scene.buffer(false);
    for (let count = 0; count < 2; count += 1) await buffer.add(section(HALF));
    await scene.answer(new NotAppliedError('budget-full', 'not applied: the budget is full'));
    const last = commits ? buffer.commit() : Promise.resolve(buffer.add(section(HALF)));
    await expect(last).rejects.toMatchObject({ errno: 1205, sqlState: '40001' });
    await buffer.abort();
    expect(new Set(scene.events)).toEqual(new Set(['part 0.6', 'abort']));
  });

  test('that is given up waits for the part on its way: its abort comes behind it', async () => {
    const scene = new Scene();
    const buffer = scene.buffer(false);
    for (let count = 0; count < 2; count += 1) await buffer.add(section(HALF));
    const giving = buffer.abort();
    await new Promise((done) => setImmediate(done));
    expect(scene.events).toEqual(['part 0.6']);
    await scene.answerAll(giving);
    expect(scene.events).toEqual(['part 0.6', 'abort']);
  });
});
