/** Whether threads have to wait for a processor, as the system tells it in the first lines of two files. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ProcessorDemand } from '../../src/server/processor-demand.js';

const folder = mkdtempSync(join(tmpdir(), 'twintide-demand-'));
const loadavg = join(folder, 'loadavg');
const stat = join(folder, 'stat');
const FREE = '0.20 0.18 0.12 1/80 11206\n';

let demand: ProcessorDemand;

function open(processors: number): void {
  demand = ProcessorDemand.open({ loadavg, stat, processors })!;
}

/** Ticks of user, nice, system, idle, iowait, irq, softirq, steal, guest and guest_nice, as the first line has them. */
function tellStolen(ticks: number): void {
  writeFileSync(
    stat,
    `cpu  1044 0 3046 90180 12 0 7 ${ticks} 5 0\ncpu0 522 0 1523 45090 6 0 3 0 0 0\n`,
  );
}

beforeEach(() => {
  writeFileSync(loadavg, FREE);
  tellStolen(0);
});
afterEach(() => demand.close());
afterAll(() => rmSync(folder, { recursive: true }));

describe('threads that want to run, and processors', () => {
  test.each([
    ['fewer', '0.20 0.18 0.12 1/80 11206\n', 2, false],
    ['as many', '0.20 0.18 0.12 2/80 11206\n', 2, false],
    ['one more', '0.20 0.18 0.12 3/80 11206\n', 2, true],
    ['two digits', '99.99 0.18 0.12 16/1080 11206\n', 16, false],
    ['two digits and one more', '0.20 0.18 0.12 17/1080 11206\n', 16, true],
    ['a line of another form: it cannot be told', 'none\n', 2, true],
    ['an empty file', '', 2, true],
  ] as const)('%s', (_name, line, processors, expected) => {
    writeFileSync(loadavg, line);
    open(processors);
    expect(demand.isExceeded(0)).toBe(expected);
  });

  test('each look reads anew', () => {
    open(2);
    expect(demand.isExceeded(0)).toBe(false);
    writeFileSync(loadavg, '0 0 0 9/80 1\n');
    expect(demand.isExceeded(1)).toBe(true);
  });
});

describe('processors that a host keeps for others', () => {
  test.each([
    ['nothing', 2, 500, 0, false],
    ['4 % of two', 2, 500, 4, false],
    ['5 % of two', 2, 500, 5, true],
    ['as much, of sixteen', 16, 500, 5, false],
    ['more than 4 %, but of a time too short to tell', 2, 190, 50, false],
    ['more than 4 %, but of a time long ago', 2, 3_600_000, 50_000, false],
  ] as const)('%s', (_name, processors, sinceMs, ticks, expected) => {
    tellStolen(1_000);
    open(processors);
    expect(demand.isExceeded(10)).toBe(false);
    tellStolen(1_000 + ticks);
    expect(demand.isExceeded(10 + sinceMs)).toBe(expected);
  });

  test('what was found holds until the next time is over', () => {
    open(2);
    const found = [0, 0, 20, 20, 20, 20].map((ticks, look) => {
      tellStolen(ticks);
      return demand.isExceeded(100 * look);
    });
    expect(found).toEqual([false, false, true, true, false, false]);
  });

  test('a kernel without the figure', () => {
    writeFileSync(stat, 'cpu  1044 0 3046 90180\n');
    open(2);
    expect([0, 500, 1_000].map((nowMs) => demand.isExceeded(nowMs))).toEqual([false, false, false]);
  });
});

test('a system without the files does not tell', () => {
  open(2);
  const missing = join(folder, 'missing');
  expect(ProcessorDemand.open({ loadavg: missing, stat, processors: 2 })).toBeNull();
  expect(ProcessorDemand.open({ loadavg, stat: missing, processors: 2 })).toBeNull();
});
