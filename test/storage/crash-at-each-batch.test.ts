/**
 * Everything that changes the block store, cut off at every single batch that it writes: no chance, each point once. After the restart
 * and the replay of what is not flushed, every table shows what the model says, nothing lies about that no manifest names, and
 * what was cut off is done again, to the same end.
 *
 * In memory each batch has every fate that LevelDB leaves open; on LevelDB itself it is torn in the middle of its record in the log.
 */

import { cp, mkdtemp, readdir, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeExpiryBody } from '../../storage/expiry-body.js';
import { allDictionaries, parseBlockKey, tableOfDictionaryKey } from '../../storage/keys.js';
import { classicLevelStore } from '../../storage/node-adapters.js';
import type { KeyValueStore } from '../../storage/ports.js';
import { ColumnRole, ColumnType, type TableSchema } from '../../storage/table-schema.js';
import { TableStore } from '../../storage/table-store.js';
import { dyingAt, type DyingKv } from '../support/dying-kv.js';
import { ForgetfulKv, type Fortune } from '../support/forgetful-kv.js';
import { SeededRandom } from '../support/seeded-random.js';
import {
  bodyOf,
  type ModelOperation,
  type ModelRow,
  printRow,
  visibleRows,
} from '../support/table-model.js';
import { flushedState, realTimers, scanAll } from '../support/table-rig.js';
import type { PlainValue } from '../support/vector-values.js';

const HOUR = 3_600_000;
const T0 = 1_700_000_000_000 - (1_700_000_000_000 % HOUR);
const PARTITIONS = 2;
/** More than 4 MiB of noise, so that blocks go out in more than one batch. */
const NOISE_BYTES = 3000;
const NOISY_ROWS = 1100;
/** Two times as many are more than one dictionary value holds. */
const MANY_SERIES = 2200;

function table(tableId: number, change: Partial<TableSchema> = {}): TableSchema {
  return {
    tableId,
    appendMode: false,
    partitionMs: HOUR,
    columns: [
      { id: tableId * 10 + 1, type: ColumnType.text, role: ColumnRole.tag, precision: 0 },
      { id: tableId * 10 + 2, type: ColumnType.timestamp, role: ColumnRole.time, precision: 3 },
      { id: tableId * 10 + 3, type: ColumnType.int64, role: ColumnRole.field, precision: 0 },
      { id: tableId * 10 + 4, type: ColumnType.blob, role: ColumnRole.field, precision: 0 },
    ],
    ...change,
  };
}

const LATEST = table(1);
const EVERYTHING = table(2, { appendMode: true });
const MERGED = table(3, { mergeFields: true });
const NEW = table(4);
const TABLES = [LATEST, EVERYTHING, MERGED, NEW];

/** One record, in its place in the history: its sequence is its place, from 1 on, and its version follows from that. */
type Step =
  | { readonly kind: 'write'; readonly schema: TableSchema; readonly operation: ModelOperation }
  | { readonly kind: 'expiry'; readonly schema: TableSchema; readonly through: bigint }
  | { readonly kind: 'drop'; readonly schema: TableSchema };

const versionOf = (sequence: number): number => sequence * 10;

function applyStep(store: TableStore, step: Step, sequence: number): void {
  const version = versionOf(sequence);
  const { tableId } = step.schema;
  if (step.kind === 'drop') {
    store.dropTable(tableId, version);
  } else if (step.kind === 'expiry') {
    store.applyExpiry(encodeExpiryBody([{ tableId, through: step.through }]));
  } else {
    store.defineTable(step.schema);
    store.applyWrite(version, bodyOfStep(step), 0);
  }
}

/** Bodies know no version; each is applied many times. */
const bodies = new Map<Step, Uint8Array>();

function bodyOfStep(step: Step & { readonly kind: 'write' }): Uint8Array {
  const known = bodies.get(step);
  if (known !== undefined) return known;
  const body = bodyOf(step.schema, { version: 0, operations: [step.operation] });
  bodies.set(step, body);
  return body;
}

const row = (host: string, time: number, value: number | null, blob: string | null): ModelRow => ({
  cells: [host, BigInt(time), value, blob] satisfies PlainValue[],
});

const write = (
  schema: TableSchema,
  rows: readonly ModelRow[],
  kind: 'rows' | 'deletes' = 'rows',
): Step => ({ kind: 'write', schema, operation: { kind, rows } });

/** Overwrites a part of what the wave before wrote, in every partition. */
function wave(schema: TableSchema, number: number): Step {
  const rows = Array.from({ length: PARTITIONS * 20 }, (_, index) => {
    const time = T0 + (index % PARTITIONS) * HOUR + (number * 5 + index) * 1000;
    return row(`h${index % 4}`, time, number, index % 3 === 0 ? null : `wave ${number}`);
  });
  return write(schema, rows);
}

function noise(schema: TableSchema, seed: number): Step {
  const random = new SeededRandom(seed);
  const rows = Array.from({ length: NOISY_ROWS }, (_, index) =>
    row('noisy', T0 + index, index, Buffer.from(random.bytes(NOISE_BYTES)).toString('base64')),
  );
  return write(schema, rows);
}

function manySeries(schema: TableSchema, prefix: string): Step {
  return write(
    schema,
    Array.from({ length: MANY_SERIES }, (_, index) => row(`${prefix}${index}`, T0, index, null)),
  );
}

/** Two flushes: runs that overlap in all partitions of three tables, with deletes of rows and of ranges among them. */
const BEFORE: readonly Step[] = [
  wave(LATEST, 1),
  wave(EVERYTHING, 1),
  wave(MERGED, 1),
  wave(LATEST, 2),
  wave(EVERYTHING, 2),
  wave(MERGED, 2),
  write(LATEST, [row('h1', T0 + 11_000, null, null)], 'deletes'),
  {
    kind: 'write',
    schema: MERGED,
    operation: {
      kind: 'range',
      timeMin: BigInt(T0),
      timeMax: BigInt(T0 + 10_000),
      firstTag: ['h0'],
    },
  },
];
const FLUSHES_BEFORE = [3, BEFORE.length];

interface Subject {
  readonly name: string;
  /** Records after those of BEFORE. */
  readonly steps: readonly Step[];
  /** What is cut off; it may be begun again by a store that has all the records. */
  readonly work: (store: TableStore, sequence: number) => Promise<void>;
  /** Some batches are not synced: what is not needed any more is deleted. */
  readonly deletes: boolean;
  /** At least this many batches, or the case is not what its name says. */
  readonly batchesMin: number;
}

const flush = async (store: TableStore, sequence: number): Promise<void> => {
  store.freeze({ ...flushedState(sequence), highestVersion: versionOf(sequence) });
  await store.flush(() => versionOf(sequence));
};

const compactAll = async (store: TableStore, sequence: number): Promise<void> => {
  for (const { tableId } of TABLES) await store.compactTable(tableId, () => versionOf(sequence));
  // Also waits for the deletion of the runs that were joined.
  await store.close();
};

const SUBJECTS: readonly Subject[] = [
  {
    name: 'a flush of several runs',
    steps: [wave(LATEST, 3), wave(EVERYTHING, 3), wave(MERGED, 3), noise(LATEST, 3)],
    work: flush,
    deletes: false,
    batchesMin: 3,
  },
  {
    name: 'a flush of a new table of many series',
    steps: [manySeries(NEW, 'x'), manySeries(NEW, 'y')],
    work: flush,
    deletes: false,
    batchesMin: 3,
  },
  {
    name: 'a compaction of all tables',
    steps: [wave(MERGED, 3)],
    work: compactAll,
    deletes: true,
    batchesMin: 15,
  },
  {
    name: 'an expiry that leaves whole runs without rows',
    steps: [
      wave(LATEST, 3),
      { kind: 'expiry', schema: EVERYTHING, through: BigInt(T0 + HOUR) },
      { kind: 'expiry', schema: LATEST, through: BigInt(T0 + 2 * HOUR) },
    ],
    work: async (store, sequence) => {
      await flush(store, sequence);
      await compactAll(store, sequence);
    },
    deletes: true,
    batchesMin: 10,
  },
  {
    name: 'a table that is dropped',
    steps: [wave(LATEST, 3), { kind: 'drop', schema: EVERYTHING }],
    work: async (store, sequence) => {
      await flush(store, sequence);
      await store.close();
    },
    deletes: true,
    batchesMin: 5,
  },
];

const open = (kv: KeyValueStore): Promise<TableStore> =>
  TableStore.open({ kv, timers: realTimers }, { memtableBytes: 1 << 20, cacheBytes: 0 });

type RowsByTable = ReadonlyMap<TableSchema, string[]>;

const expectations = new Map<Subject, RowsByTable>();

/** What the model says of each table once everything happened. */
function expectedRows(subject: Subject): RowsByTable {
  const known = expectations.get(subject);
  if (known !== undefined) return known;
  const steps = [...BEFORE, ...subject.steps];
  const expected = new Map(
    TABLES.map((schema) => {
      const own = steps.flatMap((step, index) =>
        step.schema === schema ? [{ step, version: versionOf(index + 1) }] : [],
      );
      const isDropped = own.some(({ step }) => step.kind === 'drop');
      const records = own.map(({ step, version }) => ({
        version,
        operations: step.kind === 'write' ? [step.operation] : [],
        ...(step.kind === 'expiry' ? { expiredThrough: step.through } : {}),
      }));
      const rows = isDropped ? [] : visibleRows(schema, records);
      return [schema, rows.map(({ cells }) => printRow(cells)).sort()];
    }),
  );
  expectations.set(subject, expected);
  return expected;
}

async function checkRows(store: TableStore, expected: RowsByTable): Promise<void> {
  for (const [schema, rows] of expected) {
    if (rows.length === 0 && store.schemaOf(schema.tableId) === undefined) continue;
    const actual = (await scanAll(store, schema)).sort();
    // Not `toEqual`: the rows are megabytes of noise.
    const isSame = actual.length === rows.length && actual.every((one, at) => one === rows[at]);
    expect({ tableId: schema.tableId, rows: actual.length, isSame }).toEqual({
      tableId: schema.tableId,
      rows: rows.length,
      isSame: true,
    });
  }
}

/** What no manifest names. */
async function orphansOf(kv: KeyValueStore): Promise<string[]> {
  const keysOf = async (from: string, to: string): Promise<Uint8Array[]> => {
    const keys: Uint8Array[] = [];
    const range = { gte: Buffer.from(from), lt: Buffer.from(to) };
    for await (const key of kv.keys(range)) keys.push(key);
    return keys;
  };
  const runs = new Set((await keysOf('r', 's')).map((key) => Buffer.from(key).readUIntBE(1, 6)));
  const tables = new Set((await keysOf('t', 'u')).map(tableOfDictionaryKey));
  const orphans: string[] = [];
  for (const key of await keysOf('b', 'c')) {
    const { runId } = parseBlockKey(key)!;
    if (!runs.has(runId)) orphans.push(`a block of run ${runId}`);
  }
  for await (const key of kv.keys(allDictionaries)) {
    const tableId = tableOfDictionaryKey(key);
    if (!tables.has(tableId)) orphans.push(`series of table ${tableId}`);
  }
  return orphans;
}

/** A store as the subject finds it on disk: BEFORE, in two flushes. */
async function prepare(kv: KeyValueStore): Promise<void> {
  const store = await open(kv);
  for (const [index, step] of BEFORE.entries()) {
    applyStep(store, step, index + 1);
    if (FLUSHES_BEFORE.includes(index + 1)) await flush(store, index + 1);
  }
  await store.close();
}

/** Everything that is not flushed, as the journals have it. With `flushAfter` a flush falls after the first of it. */
async function replay(
  store: TableStore,
  steps: readonly Step[],
  flushAfterFirst = false,
): Promise<void> {
  const flushed = store.flushed?.vector[0]?.sequence ?? 0;
  for (const [index, step] of steps.entries()) {
    if (index < flushed) continue;
    applyStep(store, step, index + 1);
    if (index === flushed && flushAfterFirst) await flush(store, index + 1);
  }
}

/** Begins the subject's work in a process that dies at a batch; false = there is no such batch, and the work was done. */
async function workUntilDeath({ kv, died }: DyingKv, subject: Subject): Promise<boolean> {
  const steps = [...BEFORE, ...subject.steps];
  const store = await open(kv);
  await replay(store, steps);
  const done = subject.work(store, steps.length).then(() => true);
  return !(await Promise.race([done, died.then(() => false)]));
}

/** The next start: what is there, what the model says, and the work once more. */
async function checkRestart(kv: KeyValueStore, subject: Subject): Promise<void> {
  const steps = [...BEFORE, ...subject.steps];
  const expected = expectedRows(subject);
  const store = await open(kv);
  expect(await orphansOf(kv)).toEqual([]);
  await replay(store, steps, true);
  await checkRows(store, expected);
  await store.close();

  const again = await open(kv);
  await replay(again, steps);
  await checkRows(again, expected);
  await subject.work(again, steps.length);
  await checkRows(again, expected);
  await again.close();
  const last = await open(kv);
  expect(await orphansOf(kv)).toEqual([]);
  await replay(last, steps);
  await checkRows(last, expected);
}

const WORST: Fortune = { integer: (from) => from, chance: () => false };
const BEST: Fortune = { integer: (_, to) => to, chance: () => true };

/** What becomes of the batch at which the power is lost, and of those before it that no sync covers. */
const FATES: readonly {
  readonly name: string;
  readonly isKept: boolean;
  readonly others: Fortune;
}[] = [
  { name: 'is lost with all that no sync covers', isKept: false, others: WORST },
  { name: 'is lost, and all before it is there', isKept: false, others: BEST },
  { name: 'is there, and nobody was told', isKept: true, others: BEST },
  { name: 'is there, and what no sync covers before it is lost', isKept: true, others: WORST },
];

describe.each(SUBJECTS)('$name', (subject) => {
  const prepared = new ForgetfulKv({ forgetsRotatedLogs: true });
  beforeAll(() => prepare(prepared));

  const fates = FATES.filter(({ others }) => subject.deletes || others === WORST);
  test.each(fates)('the batch $name: at each batch', async ({ isKept, others }) => {
    let batches = 0;
    for (let isDone = false; !isDone; batches++) {
      const disk = prepared.copy();
      const dying = dyingAt(disk.mount(), batches, async (operations) => {
        if (isKept) await disk.batch(operations, { sync: true });
      });
      isDone = !(await workUntilDeath(dying, subject));
      disk.crash(others);
      await checkRestart(disk, subject).catch((error: unknown) => {
        throw new Error(`power lost at batch ${batches}`, { cause: error });
      });
    }
    expect(batches - 1).toBeGreaterThanOrEqual(subject.batchesMin);
  });
});

describe('torn in the log of LevelDB', () => {
  let folder = '';
  const prepared = (): string => join(folder, 'prepared');
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'twintide-torn-'));
    const kv = await classicLevelStore(prepared());
    await prepare(kv);
    await kv.close();
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** The newest log, which the next batch goes to, and its size. */
  async function logOf(path: string): Promise<{ readonly path: string; readonly size: number }> {
    const logs = (await readdir(path)).filter((name) => name.endsWith('.log')).sort();
    const newest = join(path, logs.at(-1)!);
    return { path: newest, size: (await stat(newest)).size };
  }

  test.each(SUBJECTS)('each batch of $name', async (subject) => {
    let batches = 0;
    for (let isDone = false; !isDone; batches++) {
      const path = join(folder, 'life');
      await cp(prepared(), path, { recursive: true });
      const kv = await classicLevelStore(path);
      let cut: { readonly path: string; readonly size: number } | null = null;
      const dying = dyingAt(kv, batches, async (operations) => {
        const before = await logOf(path);
        await kv.batch(operations, { sync: true });
        const after = await logOf(path);
        const start = after.path === before.path ? before.size : 0;
        expect(after.size).toBeGreaterThan(start + 1);
        cut = { path: after.path, size: Math.floor((start + after.size) / 2) };
      });
      isDone = !(await workUntilDeath(dying, subject));
      await kv.close();
      if (cut !== null)
        await truncate((cut as { path: string }).path, (cut as { size: number }).size);
      const restarted = await classicLevelStore(path);
      await checkRestart(restarted, subject).catch((error: unknown) => {
        throw new Error(`batch ${batches} torn`, { cause: error });
      });
      await restarted.close();
      await rm(path, { recursive: true });
    }
    expect(batches - 1).toBeGreaterThanOrEqual(subject.batchesMin);
  });
});
