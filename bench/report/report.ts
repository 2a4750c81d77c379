/**
 * A kept report: a folder with `results.json`, what each cell found, and the pages made of it, `README.md` and `growth.svg`. A cell that
 * is measured again takes the place of its older result, so that a report can be built in several short runs.
 */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CellResult, Goal, Panel } from '../cells/cell.js';
import { environment, environmentText, type Environment } from './environment.js';
import { lineChart } from './line-chart.js';
import { tableMarkdown } from './table-text.js';

const CHART = 'growth.svg';

interface KeptResult {
  readonly cell: string;
  readonly about: string;
  /** ISO 8601 in UTC, when the cell was done. */
  readonly at: string;
  readonly environment: Environment;
  readonly result: CellResult;
}

export function addToReport(folder: string, cell: string, about: string, result: CellResult): void {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'results.json');
  const before = existsSync(file)
    ? (JSON.parse(readFileSync(file, 'utf8')) as KeptResult[]).filter((kept) => kept.cell !== cell)
    : [];
  const at = new Date().toISOString();
  const kept = [...before, { cell, about, at, environment: environment(), result }];
  writeFileSync(file, `${JSON.stringify(kept, null, 1)}\n`);
  writePages(folder, kept);
}

function writePages(folder: string, kept: readonly KeptResult[]): void {
  const panels = joinedPanels(kept);
  if (panels.length > 0) writeFileSync(join(folder, CHART), lineChart(panels));
  writeFileSync(join(folder, 'README.md'), page(kept, panels.length > 0));
}

/** Panels of the same title become one, with the lines of all cells. */
function joinedPanels(kept: readonly KeptResult[]): readonly Panel[] {
  const joined = new Map<string, Panel>();
  for (const panel of kept.flatMap(({ result }) => result.panels ?? [])) {
    const known = joined.get(panel.title);
    joined.set(
      panel.title,
      known === undefined ? panel : { ...known, series: [...known.series, ...panel.series] },
    );
  }
  return [...joined.values()];
}

function page(kept: readonly KeptResult[], hasChart: boolean): string {
  const machines = [...new Set(kept.map((each) => environmentText(each.environment)))];
  const days = kept.map(({ at }) => at.slice(0, 10)).sort();
  const goals = kept.flatMap(({ cell, result }) => result.goals.map((goal) => ({ cell, goal })));
  const missed = goals.filter(({ goal }) => goal.isReached === false);
  const lines = [
    '# Ingest',
    '',
    `Measured ${days[0]!}${days.at(-1) === days[0] ? '' : ` to ${days.at(-1)!}`} on ${machines.join('; ')}. Servers and load generator share the machine, over loopback. Figures are medians [extremes] of repetitions; absolute figures belong to this machine and day, ratios are between subjects of one run. How it is measured: [bench/README.md](../../README.md).`,
    '',
    `${goals.filter(({ goal }) => goal.isReached === true).length} goals reached, ${missed.length} missed, ${goals.filter(({ goal }) => goal.isReached === null).length} not measured.`,
    '',
    '| cell | goal | seen | |',
    '| --- | --- | ---: | --- |',
    ...goals.map(
      ({ cell, goal }) => `| ${cell} | ${goal.text} | ${goal.seen} | ${verdict(goal)} |`,
    ),
  ];
  for (const {
    cell,
    about,
    environment: { commit },
    result,
  } of kept) {
    lines.push(
      '',
      `## ${cell}`,
      '',
      `${about}. Commit ${commit}.`,
      '',
      tableMarkdown(result.table),
    );
    if (result.notes.length > 0) lines.push('', result.notes.join(' '));
  }
  if (hasChart) lines.push('', `![A table that grows](${CHART})`);
  return `${lines.join('\n')}\n`;
}

function verdict({ isReached }: Goal): string {
  if (isReached === null) return '';
  return isReached ? 'reached' : '**missed**';
}
