/**
 * Which values of a table's dictionary hold series that rows on disk still have: the others are forgotten, at a start (dictionary-loader.ts) and
 * while the node runs (series-sweep.ts).
 *
 * The manifest knows the least and the greatest series of each block, and both have a row there. As series are numbered as they come and go in
 * that order too, that settles nearly all: what is left are values between the two series of a block that lies between old
 * and new ones. There the block's own series are read, of a few blocks; where it would be many, as in sparse runs, nothing is forgotten.
 */

import { decodeBlockColumn, decodePackedBlock } from './block.js';
import { HiddenColumn } from './column-kind.js';
import { CorruptionError } from './corruption-error.js';
import { blockKey } from './keys.js';
import type { Pacer } from './pacer.js';
import type { KeyValueStore } from './ports.js';
import type { Run } from './run.js';

/** Of a dictionary value's series: none has a row, nobody looked, some have. */
export const SeriesUse = { none: 0, unknown: 1, some: 2 } as const;

/** Blocks read at most, a table. */
const BLOCKS_READ_MAX = 256;
/** Looking at the ends of a block, in the pacer's units. */
const BLOCK_UNITS = 20;

export interface SeriesUseOptions {
  /** Left out: nobody else has anything to do meanwhile. */
  readonly pacer?: Pacer;
  readonly blocksReadMax?: number;
}

/** Values between two blocks' ends that nothing is known of yet. */
class Candidates {
  readonly uses: Uint8Array;
  /** By value: the next one, itself included, that is a candidate; shortened as one goes. */
  readonly #next: Uint32Array;

  constructor(count: number) {
    this.uses = new Uint8Array(count);
    this.#next = Uint32Array.from({ length: count + 1 }, (_, value) => value);
  }

  set(value: number, use: number): void {
    this.uses[value] = use;
    this.#next[value] = value + 1;
  }

  /** The first candidate from `value` on; the number of values when there is none. */
  from(value: number): number {
    let at = value;
    while (this.#next[at] !== at) {
      this.#next[at] = this.#next[this.#next[at]!]!;
      at = this.#next[at]!;
    }
    return at;
  }
}

/**
 * @param firsts the first series of each value, ascending; a value reaches to the next one's
 * @param runs all of the table
 * @returns a SeriesUse a value
 */
export async function seriesUses(
  kv: KeyValueStore,
  firsts: readonly number[],
  runs: readonly Run[],
  { pacer, blocksReadMax = BLOCKS_READ_MAX }: SeriesUseOptions = {},
): Promise<Uint8Array> {
  const candidates = new Candidates(firsts.length);
  const valueOf = (series: number): number => lastAtMost(firsts, series);
  for (const { blocks } of runs) {
    for (let block = 0; block < blocks.count; block++) {
      candidates.set(valueOf(blocks.seriesMinOf(block)), SeriesUse.some);
      candidates.set(valueOf(blocks.seriesMaxOf(block)), SeriesUse.some);
      if (pacer?.spend(BLOCK_UNITS) === true) await pacer.turn();
    }
  }
  let reads = 0;
  for (const run of runs) {
    const { blocks } = run;
    for (let block = 0; block < blocks.count; block++) {
      if (pacer?.spend(BLOCK_UNITS) === true) await pacer.turn();
      const last = valueOf(blocks.seriesMaxOf(block));
      const first = candidates.from(valueOf(blocks.seriesMinOf(block)));
      if (first >= last) continue;
      reads += 1;
      const series = reads <= blocksReadMax ? await seriesOf(kv, run, block) : null;
      if (series === null) {
        for (let value = first; value < last; value = candidates.from(value)) {
          candidates.set(value, SeriesUse.unknown);
        }
        continue;
      }
      for (const id of series) candidates.set(valueOf(id), SeriesUse.some);
    }
  }
  return candidates.uses;
}

/** Those of a block's rows; null where it is damaged: whoever needs it will say so. */
async function seriesOf(
  kv: KeyValueStore,
  run: Run,
  block: number,
): Promise<Iterable<number> | null> {
  const rows = run.blocks.rowsOf(block);
  const isPacked = run.blocks.isPacked(block);
  const key = blockKey(run.id, isPacked ? HiddenColumn.packed : HiddenColumn.series, block);
  const value = await kv.get(key);
  try {
    const column = isPacked
      ? decodePackedBlock(key, value, rows, [HiddenColumn.series]).get(HiddenColumn.series)
      : decodeBlockColumn(key, value, rows);
    return column?.kind === 'number' ? column.values.subarray(0, rows) : null;
  } catch (error) {
    if (error instanceof CorruptionError) return null;
    throw error;
  }
}

/** Index of the last of them that is not above `value`. Requires: the first is not. */
export function lastAtMost(ascending: readonly number[], value: number): number {
  let low = 0;
  let high = ascending.length;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (ascending[middle]! <= value) low = middle;
    else high = middle;
  }
  return low;
}
