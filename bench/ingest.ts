/**
 * `npm run bench -- ingest`: what Twintide takes in, and what its peers do with the same rows in the same run.
 *
 * It runs cells, one after another or those that are named; what a cell found can be kept in a report, which later runs of other cells
 * add to.
 */

import { s100Cell, s100LinesCell, s4000Cell, s4000LinesCell } from './cells/bulk-cell.js';
import { garbageCell } from './cells/garbage-cell.js';
import { growth100Cell, growth10kCell, growth1mCell } from './cells/growth-cell.js';
import { pairCell } from './cells/pair-cell.js';
import { preparedCell } from './cells/prepared-cell.js';
import { seriesCell } from './cells/series-cell.js';
import { sizesCell } from './cells/sizes-cell.js';
import { singleCell, singlePairCell } from './cells/single-cell.js';
import type { Cell, CellOptions, CellResult } from './cells/cell.js';
import { environment, environmentText } from './report/environment.js';
import { tableText } from './report/table-text.js';
import { addToReport } from './report/report.js';

export const CELLS: Readonly<Record<string, Cell>> = {
  s100: s100Cell,
  's100-lines': s100LinesCell,
  s4000: s4000Cell,
  's4000-lines': s4000LinesCell,
  pair: pairCell,
  single: singleCell,
  'single-pair': singlePairCell,
  prepared: preparedCell,
  garbage: garbageCell,
  series: seriesCell,
  sizes: sizesCell,
  'growth-100': growth100Cell,
  'growth-10k': growth10kCell,
  'growth-1m': growth1mCell,
};

export interface IngestOptions extends CellOptions {
  /** Names of CELLS; without any all but the growth cells, or with `isQuick` those that are short. */
  readonly cells: readonly string[];
  readonly withGrowth: boolean;
  /** Folder of the report to add to. */
  readonly report: string | undefined;
}

export async function ingest(options: IngestOptions): Promise<void> {
  const unknown = options.cells.filter((name) => !(name in CELLS));
  if (unknown.length > 0) {
    throw new RangeError(
      `no cell ${unknown.join(', ')}; there are: ${Object.keys(CELLS).join(', ')}`,
    );
  }
  if (options.isQuick && options.report !== undefined) {
    throw new RangeError('a quick run is not for a report');
  }
  console.log(`${environmentText(environment())}; ${options.repetitions} repetition(s)`);
  for (const [name, cell] of Object.entries(CELLS)) {
    if (!isAskedFor(name, cell, options)) continue;
    console.log(`\n${name}: ${cell.about}`);
    const result = await cell.run(options);
    print(result, options.isQuick);
    if (options.report !== undefined) addToReport(options.report, name, cell.about, result);
  }
}

function isAskedFor(name: string, cell: Cell, options: IngestOptions): boolean {
  if (options.cells.length > 0) return options.cells.includes(name);
  if (options.isQuick) return cell.isInQuick;
  return options.withGrowth || cell.isGrowth !== true;
}

function print({ table, notes, goals }: CellResult, isQuick: boolean): void {
  console.log(tableText(table));
  for (const note of notes) console.log(note);
  // A short run shows that it runs; it is no ground for a judgement.
  if (isQuick) return;
  for (const { text, seen, isReached } of goals) {
    const mark = isReached === null ? '?' : isReached ? 'reached' : 'MISSED';
    console.log(`${mark.padEnd(8)}${text}: ${seen}`);
  }
}
