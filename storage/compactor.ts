/**
 * Compaction as the main thread sees it: chooses runs to join, describes the job, and has the result installed. One job at a time.
 *
 * A job that runs does not hold up anything: flushes add runs meanwhile, views read the old runs until they let go of them, and rows go on
 * arriving. What the job may forget was settled before it began: nothing at or below the horizon of that moment can arrive any more, and what
 * memtables held then is counted.
 */

import type {
  BackgroundJob,
  CompactionJob,
  JobResult,
  JobTombstone,
  RunIds,
} from './background-job.js';
import { FULL_RUN_BYTES, openRuns, planCompaction } from './compaction-plan.js';
import { CorruptionError } from './corruption-error.js';
import type { TimeSpan } from './interval-set.js';
import { isNoSpace } from './no-space-error.js';
import type { Generation } from './memtable.js';
import type { Run } from './run.js';
import type { StoreState } from './store-state.js';
import type { TableId } from './table-schema.js';
import type { TableState } from './table-state.js';

/** An output run of this size is followed by another: its entry in the manifest stays small enough to be read at once. */
const RUN_BYTES = 2 * FULL_RUN_BYTES;
/** Range tombstones that one job applies; the mask of each costs a byte a series. */
const JOB_TOMBSTONES_MAX = 32;
/** Runs that a job on demand reads at once. */
const WHOLE_RUNS_MAX = 64;

export interface CompactorDeps {
  readonly state: () => StoreState;
  /** The same runs, without work. */
  readonly settled: () => StoreState;
  readonly run: (job: BackgroundJob) => Promise<JobResult>;
  readonly reserveRunIds: (count: number) => RunIds;
  /** Which opening of the block store this is. */
  readonly opening: () => number | undefined;
  /** Puts `written` in the place of `replaced`, in the manifest and for readers. `opening`: when the job began. */
  readonly install: (
    result: JobResult,
    replaced: readonly Run[],
    job: CompactionJob,
    opening: number | undefined,
  ) => Promise<void>;
  /** The job found no room: what it has written goes. */
  readonly discard: (runIds: RunIds) => void;
}

/** Runs of one table and partition. */
interface Partition {
  readonly table: TableState;
  readonly partition: number;
  readonly runs: readonly Run[];
}

export class Compactor {
  readonly #deps: CompactorDeps;
  /** Inputs of the job that runs. */
  readonly #busy = new Set<number>();
  /** Runs that could not be read: left as they are, so that a reader of them is told, and nobody else. */
  readonly #damaged = new Set<number>();
  #countedRuns: StoreState['runs'] | null = null;
  #openRunsMax = 0;
  /** Jobs come one after another. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(deps: CompactorDeps) {
    this.#deps = deps;
  }

  /** True while a job reads the run: whatever happens to its rows, they are in the job's result. */
  isBusy(run: Run): boolean {
    return this.#busy.has(run.id);
  }

  /** Damaged runs that compaction has met. */
  get damagedRuns(): number {
    return this.#damaged.size;
  }

  /** Runs of the partition that has most, those apart that are too large to be joined, or damaged: nobody could wait for these. */
  get openRunsMax(): number {
    const settled = this.#deps.settled();
    const { runs } = settled;
    // Asked at every write; the map is replaced when a run is.
    if (this.#countedRuns !== runs) {
      this.#countedRuns = runs;
      this.#openRunsMax = 0;
      for (const partition of partitionsOf(settled)) {
        this.#openRunsMax = Math.max(this.#openRunsMax, openRuns(this.#readable(partition)));
      }
    }
    return this.#openRunsMax;
  }

  /** Does the job that is most urgent and whose result fits into `roomBytes`; false = there was none. */
  compactNext(horizon: () => number, roomBytes: number): Promise<boolean> {
    return this.#inTurn(async () => {
      const chosen = this.#mostUrgent(roomBytes);
      if (chosen === null) return false;
      await this.#compact(chosen.partition, chosen.inputs, horizon());
      return true;
    });
  }

  /** Joins all runs of each partition of the table, and forgets all that may be forgotten. */
  async compactTable(tableId: TableId, horizon: () => number): Promise<void> {
    const partitions = new Set(
      (this.#deps.state().runs.get(tableId) ?? []).map((run) => run.partition),
    );
    for (const number of partitions) {
      let isDone = false;
      while (!isDone) {
        isDone = await this.#inTurn(() => this.#compactWhole(tableId, number, horizon()));
      }
    }
  }

  /** False = a first step was done: there were too many runs for one job. */
  async #compactWhole(tableId: TableId, number: number, horizon: number): Promise<boolean> {
    const found = partitionsOf(this.#deps.state()).find(
      ({ table, partition }) => table.tableId === tableId && partition === number,
    );
    if (found === undefined) return true;
    const runs = this.#readable(found);
    if (runs.length === 0 || (runs.length === 1 && !this.#hasWaste(found.table, runs[0]!))) {
      return true;
    }
    const smallest = [...runs].sort((a, b) => a.sizeBytes - b.sizeBytes);
    const inputs = smallest.slice(0, WHOLE_RUNS_MAX);
    await this.#compact(found, inputs, horizon);
    return inputs.length === runs.length;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(work);
    this.#queue = done.catch(() => undefined);
    return done;
  }

  /** Those that may be joined. */
  #readable({ runs }: Partition): readonly Run[] {
    return runs.filter((run) => !this.#damaged.has(run.id));
  }

  /** Of the partition with most runs. */
  #mostUrgent(roomBytes: number): { partition: Partition; inputs: readonly Run[] } | null {
    let chosen: { partition: Partition; inputs: readonly Run[] } | null = null;
    let most = 0;
    for (const partition of partitionsOf(this.#deps.state())) {
      const runs = this.#readable(partition);
      const count = openRuns(runs);
      if (count <= most) continue;
      const [job] = planCompaction(runs);
      if (job === undefined) continue;
      const inputs = runs.filter((run) => job.runIds.includes(run.id));
      if (inputs.reduce((sum, run) => sum + run.sizeBytes, 0) > roomBytes) continue;
      most = count;
      chosen = { partition, inputs };
    }
    return chosen;
  }

  #hasWaste(table: TableState, run: Run): boolean {
    const { tombstones, expired } = this.#deps.state();
    const through = expired.get(table.tableId);
    return (
      run.suspects.length > 0 ||
      run.blocks.hasTombstones ||
      (through !== undefined && run.blocks.timeMin <= through) ||
      (tombstones.get(table.tableId) ?? []).some(
        ({ version }) => version > run.blocks.versionMin && version > run.clearedThrough,
      )
    );
  }

  async #compact(partition: Partition, inputs: readonly Run[], horizon: number): Promise<void> {
    const job = this.#jobOf(partition, inputs, horizon);
    for (const run of inputs) this.#busy.add(run.id);
    try {
      const opening = this.#deps.opening();
      await this.#deps.install(await this.#deps.run(job), inputs, job, opening);
    } catch (error) {
      if (isNoSpace(error)) this.#deps.discard(job.runIds);
      if (!(error instanceof CorruptionError)) throw error;
      for (const run of inputs) this.#damaged.add(run.id);
      this.#countedRuns = null;
    } finally {
      for (const run of inputs) this.#busy.delete(run.id);
    }
  }

  #jobOf(
    { table, partition, runs }: Partition,
    inputs: readonly Run[],
    horizon: number,
  ): CompactionJob {
    const state = this.#deps.state();
    const { tableId, appendMode, mergeFields, timeColumn } = table;
    const { tombstones, covered } = this.#tombstonesFor(table, inputs, horizon);
    const span = hullOf(inputs);
    // Runs of a wide backfill bear another number and may hold rows of the same times (flush-partitions.ts).
    const isWhole =
      inputs.length === runs.length &&
      (state.runs.get(tableId) ?? []).every((run) => inputs.includes(run) || !overlaps(run, span));
    const inMemory = oldestInMemory([...state.frozen, state.active], tableId, span);
    const sizeBytes = inputs.reduce((sum, run) => sum + run.sizeBytes, 0);
    return {
      kind: 'compaction',
      tableId,
      partition,
      appendMode,
      mergeFields,
      timeColumn,
      columns: table.layout.columns,
      inputs: inputs.map((run) => run.id),
      isWhole,
      horizon: covered,
      settledHorizon: isWhole ? Math.min(covered, inMemory) : 0,
      tombstones,
      expiredThrough: state.expired.get(tableId) ?? null,
      runBytes: RUN_BYTES,
      runIds: this.#deps.reserveRunIds(Math.ceil(sizeBytes / RUN_BYTES) * 2 + 1),
    };
  }

  /** The tombstones that may kill rows of the inputs, and the horizon up to which they are complete. */
  #tombstonesFor(
    table: TableState,
    inputs: readonly Run[],
    horizon: number,
  ): { readonly tombstones: JobTombstone[]; readonly covered: number } {
    const known = this.#deps.state().tombstones.get(table.tableId) ?? [];
    const killing = known
      .filter(({ version, timeMin, timeMax }) =>
        inputs.some(
          (run) =>
            version <= horizon &&
            version > run.blocks.versionMin &&
            version > run.clearedThrough &&
            (timeMin === null || timeMin <= run.blocks.timeMax) &&
            (timeMax === null || timeMax >= run.blocks.timeMin),
        ),
      )
      .sort((a, b) => a.version - b.version);
    const left = killing[JOB_TOMBSTONES_MAX];
    const tombstones = killing
      .filter(({ version }) => left === undefined || version < left.version)
      .map((tombstone): JobTombstone => {
        const { version, timeMin, timeMax, tags } = tombstone;
        const mask = tags.length === 0 ? null : table.series.maskOf(tombstone);
        return { version, timeMin, timeMax, mask };
      });
    return {
      tombstones,
      covered: left === undefined ? horizon : Math.min(horizon, left.version - 1),
    };
  }
}

function partitionsOf({ tables, runs }: StoreState): Partition[] {
  const partitions: Partition[] = [];
  for (const [tableId, own] of runs) {
    const table = tables.get(tableId);
    if (table === undefined) continue;
    const byNumber = new Map<number, Run[]>();
    for (const run of own) {
      const known = byNumber.get(run.partition);
      if (known === undefined) byNumber.set(run.partition, [run]);
      else known.push(run);
    }
    for (const [partition, found] of byNumber) partitions.push({ table, partition, runs: found });
  }
  return partitions;
}

function hullOf(runs: readonly Run[]): TimeSpan {
  let { timeMin: min, timeMax: max } = runs[0]!.blocks;
  for (const { blocks } of runs) {
    if (blocks.timeMin < min) min = blocks.timeMin;
    if (blocks.timeMax > max) max = blocks.timeMax;
  }
  return { min, max };
}

function overlaps({ blocks }: Run, { min, max }: TimeSpan): boolean {
  return blocks.timeMin <= max && blocks.timeMax >= min;
}

/** The lowest version that a memtable holds at times within the span; Infinity when none does. */
function oldestInMemory(
  generations: readonly Generation[],
  tableId: TableId,
  { min, max }: TimeSpan,
): number {
  let oldest = Infinity;
  for (const generation of generations) {
    for (const chunk of generation.tables.get(tableId)?.chunks ?? []) {
      const isThere =
        chunk.rows > 0 &&
        chunk.base + BigInt(chunk.timeMin) <= max &&
        chunk.base + BigInt(chunk.timeMax) >= min;
      if (isThere) oldest = Math.min(oldest, chunk.versionMin);
    }
  }
  return oldest;
}
