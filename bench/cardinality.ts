/**
 * What many series cost, on one core and without sockets: rows of the cpu shape go tag by tag into row batches of 5,000, are encoded as
 * the journal has them and applied to a table store over LevelDB, which is flushed and opened again.
 *
 *   node dist/bench/cardinality.js hosts 100        many instants of so many hosts: 1,000,000 rows
 *   node dist/bench/cardinality.js series 1000000   so many series: first seen, then seen again in the same order, then shuffled
 *
 * CPU is this process's own, all threads. A pause is the longest stretch in which the event loop did not turn.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  classicLevelStore,
  ColumnRole,
  ColumnType,
  encodeWriteBody,
  type KeyValueStore,
  RowBatch,
  systemTimers,
  TableStore,
  type TableSchema,
  TupleMemory,
} from '../storage/index.js';
import { SeededNumbers } from './cpu-workload.js';
import { residentBytesOf } from './process-cpu.js';

const BATCH_ROWS = 5000;
const ROWS = 1_000_000;
const METRICS = 10;
const TAGS = 10;
const MEMTABLE_BYTES = 64 * 2 ** 20;
const START_S = Date.UTC(2026, 0, 1) / 1000;

const schema: TableSchema = {
  tableId: 1,
  columns: [
    ...Array.from({ length: TAGS }, (_, index) => ({
      id: index + 1,
      type: ColumnType.text,
      role: ColumnRole.tag,
      precision: 0,
    })),
    { id: 100, type: ColumnType.timestamp, role: ColumnRole.time, precision: 3 },
    ...Array.from({ length: METRICS }, (_, index) => ({
      id: index + 101,
      type: ColumnType.int64,
      role: ColumnRole.field,
      precision: 0,
    })),
  ],
  appendMode: false,
  partitionMs: 86_400_000,
};

/** Tag cells of series after series: all bytes in one buffer, TAGS + 1 starts a series. */
class TagCells {
  readonly data: Buffer;
  readonly starts: Uint32Array;

  constructor(count: number) {
    const numbers = new SeededNumbers(7);
    const texts: string[] = [];
    this.starts = new Uint32Array(count * TAGS + 1);
    let at = 0;
    for (let series = 0; series < count; series++) {
      const region = ['us-east-1', 'us-west-2', 'eu-west-1', 'eu-central-1'][numbers.below(4)]!;
      const cells = [
        `host_${series}`,
        region,
        `${region}${'abc'[numbers.below(3)]!}`,
        `${numbers.below(100)}`,
        ['Ubuntu16.10', 'Ubuntu16.04LTS', 'Ubuntu15.10'][numbers.below(3)]!,
        numbers.below(2) === 0 ? 'x64' : 'x86',
        ['SF', 'NYC', 'LON', 'CHI'][numbers.below(4)]!,
        `${numbers.below(20)}`,
        `${numbers.below(2)}`,
        ['production', 'staging', 'test'][numbers.below(3)]!,
      ];
      for (const cell of cells) {
        texts.push(cell);
        at += cell.length;
        this.starts[texts.length] = at;
      }
    }
    this.data = Buffer.from(texts.join(''), 'latin1');
  }
}

/** Phases of CPU time, in microseconds. */
class Stopwatch {
  #started = process.cpuUsage();

  lap(): number {
    const used = process.cpuUsage(this.#started);
    this.#started = process.cpuUsage();
    return used.user + used.system;
  }
}

/** Turns the event loop for as long as it runs and notes the longest stretch between two turns. */
class PauseMeter {
  longestMs = 0;
  #last = performance.now();
  #isRunning = true;

  constructor() {
    const turn = (): void => {
      const now = performance.now();
      this.longestMs = Math.max(this.longestMs, now - this.#last);
      this.#last = now;
      if (this.#isRunning) setImmediate(turn);
    };
    setImmediate(turn);
  }

  stop(): number {
    this.#isRunning = false;
    return this.longestMs;
  }
}

class Subject {
  readonly #folder = mkdtempSync(join(tmpdir(), 'twintide-cardinality-'));
  #kv: KeyValueStore | null = null;
  #tables: TableStore | null = null;
  #version = 8;

  get tables(): TableStore {
    return this.#tables!;
  }

  async open(): Promise<void> {
    this.#kv = await classicLevelStore(this.#folder);
    this.#tables = await TableStore.open(
      { kv: this.#kv, timers: systemTimers({ keepsProcessAlive: true }) },
      { memtableBytes: MEMTABLE_BYTES, cacheBytes: 8 * 2 ** 20 },
    );
    this.#tables.defineTable(schema);
  }

  apply(section: Uint8Array): number {
    const parts = encodeWriteBody([section]);
    const body = Buffer.concat(parts);
    this.#version += 8;
    this.tables.applyWrite(this.#version, body, 0);
    return body.length;
  }

  async flush(): Promise<void> {
    if (this.tables.memtableBytes() === 0) return;
    this.tables.freeze({
      vector: [],
      replayFrom: [],
      catalog: new Uint8Array(0),
      highestVersion: this.#version,
    });
    await this.tables.flush(() => this.#version);
  }

  async close(): Promise<void> {
    await this.#tables?.close();
    await this.#kv?.close();
  }

  async remove(): Promise<void> {
    await this.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

interface Phases {
  rows: number;
  batch: number;
  encode: number;
  apply: number;
  flush: number;
  bytes: number;
  longestApplyMs: number;
}

class Ingest {
  readonly #subject: Subject;
  readonly #cells: TagCells;
  readonly #batch = new RowBatch(schema, new TupleMemory(TAGS));
  readonly #values = new SeededNumbers(3);

  constructor(subject: Subject, cells: TagCells) {
    this.#subject = subject;
    this.#cells = cells;
  }

  /** Row after row of the series `order` yields; `instantOf` is its time in intervals of 10 s. */
  async run(
    rows: number,
    seriesOf: (row: number) => number,
    instantOf: (row: number) => number,
  ): Promise<Phases> {
    const phases = { rows, batch: 0, encode: 0, apply: 0, flush: 0, bytes: 0, longestApplyMs: 0 };
    const watch = new Stopwatch();
    for (let row = 0; row < rows;) {
      const end = Math.min(rows, row + BATCH_ROWS);
      for (; row < end; row++) this.#addRow(seriesOf(row), instantOf(row));
      phases.batch += watch.lap();
      const section = this.#batch.encodeSection();
      this.#batch.clear();
      phases.encode += watch.lap();
      const before = performance.now();
      phases.bytes += this.#subject.apply(section);
      phases.longestApplyMs = Math.max(phases.longestApplyMs, performance.now() - before);
      phases.apply += watch.lap();
      if (this.#subject.tables.memtableBytes() >= MEMTABLE_BYTES) await this.#subject.flush();
      phases.flush += watch.lap();
    }
    return phases;
  }

  #addRow(series: number, instant: number): void {
    const { data, starts } = this.#cells;
    const batch = this.#batch;
    const first = series * TAGS;
    for (let tag = 0; tag < TAGS; tag++) {
      batch.setBytes(tag, data, starts[first + tag]!, starts[first + tag + 1]!);
    }
    batch.setTime(TAGS, START_S + instant * 10, 0);
    for (let metric = 0; metric < METRICS; metric++) {
      batch.setNumber(TAGS + 1 + metric, this.#values.below(101));
    }
    batch.endRow();
  }
}

function report(name: string, phases: Phases): void {
  const { rows } = phases;
  const micros = (value: number): string => (value / rows).toFixed(3);
  const total = phases.batch + phases.encode + phases.apply + phases.flush;
  console.log(
    `${name.padEnd(22)} ${micros(total)} us CPU a row (${Math.round(rows / (total / 1e6) / 1000)}k rows/s): batch ${micros(phases.batch)}, encode ${micros(phases.encode)}, apply ${micros(phases.apply)}, flush ${micros(phases.flush)}; ${(phases.bytes / rows).toFixed(1)} journal bytes a row; longest apply ${phases.longestApplyMs.toFixed(1)} ms`,
  );
}

function settledResidentBytes(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  return residentBytesOf(process.pid);
}

async function hosts(count: number): Promise<void> {
  const subject = new Subject();
  await subject.open();
  const ingest = new Ingest(subject, new TagCells(count));
  for (const round of [0, 1]) {
    const phases = await ingest.run(
      ROWS,
      (row) => row % count,
      (row) => Math.floor((round * ROWS + row) / count),
    );
    report(`${count} hosts, round ${round + 1}`, phases);
  }
  await subject.remove();
}

async function series(count: number): Promise<void> {
  const cells = new TagCells(count);
  const subject = new Subject();
  await subject.open();
  const before = settledResidentBytes();
  const ingest = new Ingest(subject, cells);
  const inOrder = (row: number): number => row;
  report(`${count} new series`, await ingest.run(count, inOrder, () => 0));
  const meter = new PauseMeter();
  await subject.flush();
  console.log(`  flush: longest pause ${meter.stop().toFixed(1)} ms`);
  const after = settledResidentBytes();
  console.log(
    `  resident memory: ${((after - before) / count).toFixed(0)} bytes a series, counted ${(subject.tables.stats()[0]!.seriesBytes / count).toFixed(0)}`,
  );
  report('known, same order', await ingest.run(count, inOrder, () => 1));
  report('known, same order', await ingest.run(count, inOrder, () => 2));
  const order = shuffled(count);
  report(
    'known, shuffled',
    await ingest.run(
      count,
      (row) => order[row]!,
      () => 3,
    ),
  );
  report(
    'known, shuffled again',
    await ingest.run(
      count,
      (row) => order[row]!,
      () => 4,
    ),
  );
  await subject.flush();
  const settled = settledResidentBytes();
  console.log(
    `  resident memory: ${((settled - before) / count).toFixed(0)} bytes a series after all rounds`,
  );
  await subject.close();
  const pauses = new PauseMeter();
  const started = performance.now();
  await subject.open();
  const opened = (performance.now() - started) / 1000;
  console.log(`  start: ${opened.toFixed(2)} s, longest pause ${pauses.stop().toFixed(1)} ms`);
  await subject.remove();
}

function shuffled(count: number): Uint32Array {
  const numbers = new SeededNumbers(11);
  const order = new Uint32Array(count);
  for (let index = 0; index < count; index++) {
    const other = numbers.below(index + 1);
    order[index] = order[other]!;
    order[other] = index;
  }
  return order;
}

const [subjectName = 'hosts', countText = '100'] = process.argv.slice(2);
const subjects: Record<string, (count: number) => Promise<void>> = { hosts, series };
const chosen = subjects[subjectName];
if (chosen === undefined) throw new Error(`choose one of ${Object.keys(subjects).join(', ')}`);
await chosen(Number(countText));
