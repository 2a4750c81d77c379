/**
 * Writes sorted pages as blocks of one run after another: a run that has reached its size is closed, and the next one
 * begins. What holds for the times of all of them (suspects, tombstones) is added at the end, because only then is it known.
 */

import type { RunIds, WrittenRun } from './background-job.js';
import { BlockEncoder } from './block.js';
import { type BlockInfo, hullOfBlocks } from './block-directory.js';
import type { TimeSpan } from './interval-set.js';
import type { Pacer } from './pacer.js';
import type { Page } from './page.js';
import { clipSpans, encodeRun, type RunHeader } from './run.js';
import type { SyncedBatches } from './synced-batches.js';

/** An encoded value costs about this much, in the pacer's units. */
const VALUE_UNITS = 2;

/** Blocks of one run, and their keys' and values' bytes. */
interface OpenRun {
  readonly id: number;
  readonly blocks: BlockInfo[];
  sizeBytes: number;
}

export interface RunWriterDeps {
  readonly batches: SyncedBatches;
  readonly pacer: Pacer;
}

export class RunWriter {
  readonly #header: Omit<RunHeader, 'id'>;
  readonly #runIds: RunIds;
  readonly #runBytes: number;
  readonly #deps: RunWriterDeps;
  readonly #columnIds: readonly number[];
  readonly #runs: OpenRun[] = [];
  rows = 0;

  constructor(
    header: Omit<RunHeader, 'id'>,
    limits: { readonly runIds: RunIds; readonly runBytes: number },
    deps: RunWriterDeps,
  ) {
    this.#header = header;
    this.#runIds = limits.runIds;
    this.#runBytes = limits.runBytes;
    this.#deps = deps;
    this.#columnIds = header.columns.map((column) => column.id);
  }

  /** The next rows in order; the page's columns are those of the header. */
  async write(page: Page): Promise<void> {
    const { batches, pacer } = this.#deps;
    const { appendMode } = this.#header;
    const encoder = new BlockEncoder(page, this.#columnIds, appendMode, 'compact');
    while (encoder.step()) if (pacer.spend(page.length * VALUE_UNITS)) await pacer.turn();
    const run = this.#open();
    const { operations, info } = encoder.finish(run.id, run.blocks.length);
    run.blocks.push(info);
    for (const operation of operations) {
      if (operation.type === 'put') run.sizeBytes += operation.key.length + operation.value.length;
    }
    this.rows += page.length;
    await batches.add(operations);
  }

  /** The runs' entries. Nothing can be written any more. */
  finish(suspects: readonly TimeSpan[], tombstoneSpans: readonly TimeSpan[]): WrittenRun[] {
    return this.#runs.map(({ id, blocks, sizeBytes }) => {
      const span = hullOfBlocks(blocks);
      const entry = encodeRun({
        header: { ...this.#header, id },
        blocks,
        suspects: clipSpans(suspects, span),
        tombstoneSpans: clipSpans(tombstoneSpans, span),
        sizeBytes,
      });
      return { id, entry };
    });
  }

  /** The last id takes whatever is left: ids are set aside by an estimate. */
  #open(): OpenRun {
    const last = this.#runs.at(-1);
    const { first, count } = this.#runIds;
    const isFull = last !== undefined && last.sizeBytes >= this.#runBytes;
    if (last !== undefined && (!isFull || this.#runs.length === count)) return last;
    const run = { id: first + this.#runs.length, blocks: [], sizeBytes: 0 };
    this.#runs.push(run);
    return run;
  }
}
