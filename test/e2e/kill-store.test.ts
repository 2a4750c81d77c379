/**
 * kill -9 in the middle of flushes and compactions, many times: a process that does nothing but hold a store (killed-store.mjs) is
 * written to as fast as it takes it and killed at a random moment; this process opens what is left and compares it with the model. What
 * shows is the writes up to some one of them, whole and once, and none that was acknowledged is missing.
 *
 * kill-in-flush.test.ts does it to whole nodes, seldom. `npm run torture -- --seeds N` runs more seeds of both.
 */

import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  ColumnRole,
  ColumnType,
  Store,
  classicLevelStore,
  encodeSchemaBody,
  inspectStore,
  nodeDisk,
  systemClock,
  systemRandom,
  systemTimers,
  type StateMachine,
  type StoreOptions,
  type TableSchema,
} from '../../storage/index.js';
import { pause, waitFor } from '../support/bounded-wait.js';
import { SeededRandom } from '../support/seeded-random.js';
import {
  bodyOf,
  printRow,
  visibleRows,
  type ModelOperation,
  type ModelRecord,
  type ModelRow,
} from '../support/table-model.js';
import { realTimers, scanAll } from '../support/table-rig.js';

const FIRST = Number(process.env['TORTURE_FIRST'] ?? 1);
const SEEDS = Number(process.env['TORTURE_SEEDS'] ?? 100);
const SEEDS_A_TEST = 10;
/** Most of a seed is waiting: for processes to start and for the disk. */
const SEEDS_AT_ONCE = 4;
const LIFE_MS_MAX = 250;
/** The kill comes while everything is joined. */
const COMPACTION_MS_MAX = 40;

const PROGRAM = join(import.meta.dirname, 'killed-store.mjs');
const HOUR = 3_600_000;
const T0 = 1_700_000_000_000 - (1_700_000_000_000 % HOUR);
/** Few, so that most rows replace others; in three partitions. */
const SLOTS = 600;
const SLOT_MS = (3 * HOUR) / SLOTS;
const ROWS_OF_A_WRITE = 40;
/** Keep flushes and compactions coming. */
const OPTIONS: Omit<StoreOptions, 'journalFolder'> = {
  nodeId: 1,
  segmentBytes: 256 * 1024,
  maxRecordBytes: 64 * 1024,
  memtableBytes: 32 * 1024,
  memtableAgeMs: 20,
  cacheBytes: 1 << 20,
  maxClockSkewMs: 500,
  retainBytes: 0,
};
/** Written and not yet acknowledged, at most. */
const WINDOW = 48;

function table(tableId: number, appendMode: boolean): TableSchema {
  return {
    tableId,
    appendMode,
    partitionMs: HOUR,
    columns: [
      { id: tableId * 10 + 1, type: ColumnType.text, role: ColumnRole.tag, precision: 0 },
      { id: tableId * 10 + 2, type: ColumnType.timestamp, role: ColumnRole.time, precision: 3 },
      { id: tableId * 10 + 3, type: ColumnType.int64, role: ColumnRole.field, precision: 0 },
    ],
  };
}

const LATEST = table(1, false);
/** A row for each write, with its number: which are there, and how often. */
const LOG = table(2, true);

/** One write: what it does to LATEST, and its row of LOG. */
interface Write {
  readonly latest: ModelRecord;
  readonly log: ModelRecord;
}

function writeOf(random: SeededRandom, number: number): Write {
  const row = (slot: number): ModelRow => ({
    cells: [`host${slot % 7}`, BigInt(T0 + slot * SLOT_MS), number],
  });
  const slots = new Set<number>();
  while (slots.size < ROWS_OF_A_WRITE) slots.add(random.integer(0, SLOTS - 1));
  const from = random.integer(0, SLOTS - 1);
  const isRange = random.chance(0.1);
  const operation: ModelOperation = isRange
    ? {
        kind: 'range',
        timeMin: BigInt(T0 + from * SLOT_MS),
        timeMax: BigInt(T0 + (from + random.integer(0, 30)) * SLOT_MS),
        firstTag: null,
      }
    : { kind: random.chance(0.1) ? 'deletes' : 'rows', rows: [...slots].map(row) };
  const entry: ModelRow = { cells: ['log', BigInt(T0 + random.integer(0, 3 * HOUR - 1)), number] };
  return {
    latest: { version: number, operations: [operation] },
    log: { version: number, operations: [{ kind: 'rows', rows: [entry] }] },
  };
}

/** Both tables in one record: it shows whole or not at all. */
function bodyOfWrite({ latest, log }: Write): Uint8Array {
  const sections = [bodyOf(LATEST, latest), bodyOf(LOG, log)].map((body) => body.subarray(2));
  return Buffer.concat([Uint8Array.of(2, 0), ...sections]);
}

function frame(kind: 0 | 1 | 2, body: Uint8Array): Uint8Array {
  const header = Buffer.alloc(5);
  header.writeUInt32LE(body.length, 0);
  header[4] = kind;
  return Buffer.concat([header, body]);
}

class KilledStore {
  readonly #folder: string;
  readonly #random: SeededRandom;
  /** As they were sent; what did not survive is cut off after each death. */
  #writes: Write[] = [];

  constructor(folder: string, random: SeededRandom) {
    this.#folder = folder;
    this.#random = random;
  }

  /** One life, from the start of the process to its death. Resolves to the number of writes that were acknowledged in all. */
  async live(): Promise<number> {
    const random = this.#random;
    const before = this.#writes.length;
    const child = spawn(process.execPath, [PROGRAM, this.#folder, JSON.stringify(OPTIONS)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const ended = new Promise((resolve) => child.once('close', resolve));
    // It dies with frames in its pipe.
    child.stdin.on('error', () => undefined);
    let answers = 0;
    child.stdout.on('data', (bytes: Buffer) => {
      answers += bytes.length;
      if (answers > 0) this.#fill(child, before + answers - 1);
    });
    for (const schema of [LATEST, LOG]) child.stdin.write(frame(0, encodeSchemaBody(schema)));
    await waitFor('the store to open', () => ({
      value: answers > 0 ? true : undefined,
      seen: child.exitCode,
    }));
    await pause(random.integer(0, LIFE_MS_MAX));
    if (random.chance(0.5)) {
      child.stdin.write(frame(2, new Uint8Array(0)));
      await pause(random.integer(0, COMPACTION_MS_MAX));
    }
    expect(child.exitCode).toBeNull();
    child.kill('SIGKILL');
    await ended;
    return before + Math.max(0, answers - 1);
  }

  #fill(child: ChildProcess, acknowledged: number): void {
    while (this.#writes.length < acknowledged + WINDOW) {
      const write = writeOf(this.#random, this.#writes.length + 1);
      this.#writes.push(write);
      child.stdin!.write(frame(1, bodyOfWrite(write)));
    }
  }

  /** Opens what is left, compares, and flushes and joins it when `isLast`, to compare again. Resolves to the number of runs found. */
  async check(acknowledged: number, isLast: boolean): Promise<number> {
    const storeFolder = join(this.#folder, 'store');
    const kv = await classicLevelStore(storeFolder);
    const { store } = await Store.open(
      {
        disk: nodeDisk,
        kv,
        clock: systemClock,
        random: systemRandom,
        timers: systemTimers({ keepsProcessAlive: true }),
        stateMachine: () => NO_CATALOG,
      },
      { ...OPTIONS, journalFolder: join(this.#folder, 'journal') },
    );
    store.setHorizonHeld(false);
    try {
      const found = store.tables.stats().reduce((sum, { runs }) => sum + runs, 0);
      const numbers = (await scanAll(store.tables, LOG)).map((row) => Number(row.split(' | ')[2]));
      numbers.sort((a, b) => a - b);
      expect(numbers).toEqual(numbers.map((_, index) => index + 1));
      expect(numbers.length).toBeGreaterThanOrEqual(acknowledged);
      expect(numbers.length).toBeLessThanOrEqual(this.#writes.length);
      this.#writes = this.#writes.slice(0, numbers.length);
      await this.#compare(store);
      if (isLast) {
        await store.flush();
        await store.compactTables([LATEST.tableId, LOG.tableId]);
        await this.#compare(store);
        const inspection = await inspectStore({ kv, timers: realTimers }, { everyBlock: true });
        expect(inspection.faults).toEqual([]);
      }
      return found;
    } finally {
      await store.close();
      await kv.close();
    }
  }

  async #compare(store: Store): Promise<void> {
    for (const [schema, records] of [
      [LATEST, this.#writes.map(({ latest }) => latest)],
      [LOG, this.#writes.map(({ log }) => log)],
    ] as const) {
      const expected = visibleRows(schema, records).map(({ cells }) => printRow(cells));
      expect((await scanAll(store.tables, schema)).sort()).toEqual(expected.sort());
    }
  }
}

const NO_CATALOG: StateMachine = {
  apply: () => undefined,
  snapshot: () => new Uint8Array(0),
  restore: () => undefined,
};

/** One life, or now and then several on top of each other. Resolves to the number of runs that were found behind the deaths. */
async function runSeed(seed: number): Promise<number> {
  const random = new SeededRandom(seed);
  const lives = random.chance(0.25) ? 3 : 1;
  const folder = await mkdtemp(join(tmpdir(), 'twintide-killed-'));
  let runs = 0;
  try {
    const killed = new KilledStore(folder, random);
    for (let life = 1; life <= lives; life++) {
      runs += await killed.check(await killed.live(), life === lives);
    }
  } catch (error) {
    throw new Error(`seed ${seed}: ${String(error)}`, { cause: error });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return runs;
}

jest.setTimeout(120_000);

const seeds = Array.from({ length: SEEDS }, (_, index) => FIRST + index);
const groups = Array.from({ length: Math.ceil(SEEDS / SEEDS_A_TEST) }, (_, index) =>
  seeds.slice(index * SEEDS_A_TEST, (index + 1) * SEEDS_A_TEST),
);

test.each(groups.map((group) => [group[0]!, group.at(-1)!, group] as const))(
  'what was acknowledged survives kill -9 of a store at any moment, seeds %d to %d',
  async (_first, _last, group) => {
    const left = [...group];
    let runs = 0;
    const lanes = Array.from({ length: SEEDS_AT_ONCE }, async () => {
      for (let seed = left.shift(); seed !== undefined; seed = left.shift()) {
        runs += await runSeed(seed);
      }
    });
    await Promise.all(lanes);
    expect(runs).toBeGreaterThan(group.length);
  },
);
