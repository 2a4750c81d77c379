/** A report is built cell by cell: what is measured again takes the place of what was there. */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atLeast, type CellResult } from '../../bench/cells/cell.js';
import { addToReport } from '../../bench/report/report.js';

const folder = mkdtempSync(join(tmpdir(), 'twintide-report-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const page = (): string => readFileSync(join(folder, 'README.md'), 'utf8');

function result(rate: number): CellResult {
  return {
    notes: ['A note.'],
    table: { columns: ['server', 'rows/s'], rows: [['Twintide', `${rate}`]] },
    goals: [atLeast('at least 100', rate, 100)],
  };
}

test('cells stand in the order in which they were measured, with their goals above', () => {
  addToReport(folder, 'first', 'the first question', result(50));
  addToReport(folder, 'second', 'the second question', result(200));
  expect(page()).toContain('1 goals reached, 1 missed, 0 not measured');
  expect(page()).toContain('| first | at least 100 | 50.0 | **missed** |');
  expect(page()).toContain('| Twintide | 200 |');
  expect(page().indexOf('## first')).toBeLessThan(page().indexOf('## second'));
});

test('a cell that is measured again replaces its older result', () => {
  addToReport(folder, 'first', 'the first question', result(150));
  expect(page()).toContain('2 goals reached, 0 missed');
  expect(page()).not.toContain('| Twintide | 50 |');
  expect(page().match(/^## first$/gm)).toHaveLength(1);
});

test('charts of several cells are drawn into one', () => {
  expect(readdirSync(folder)).not.toContain('growth.svg');
  for (const [cell, series] of [
    ['few', '100 series'],
    ['many', '1,000 series'],
  ] as const) {
    const points = [
      [1e6, 5],
      [1e7, 4],
    ] as const;
    const panels = [{ title: 'rows/s', xTitle: 'rows', series: [{ name: series, points }] }];
    addToReport(folder, cell, 'growth', { ...result(1), panels });
  }
  const svg = readFileSync(join(folder, 'growth.svg'), 'utf8');
  expect(svg.match(/>rows\/s</g)).toHaveLength(1);
  expect(svg).toContain('100 series');
  expect(svg).toContain('1,000 series');
  expect(page()).toContain('(growth.svg)');
});

test('what could not be measured is neither reached nor missed', () => {
  expect(atLeast('at least 100', null, 100)).toEqual({
    text: 'at least 100',
    seen: 'not measured',
    isReached: null,
  });
  expect(atLeast('at least 100', NaN, 100).isReached).toBeNull();
});
