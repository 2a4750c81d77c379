/** Whether more threads want to run than there are processors, as the system tells it in one line. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ProcessorDemand } from '../../src/server/processor-demand.js';

const folder = mkdtempSync(join(tmpdir(), 'twintide-demand-'));
const file = join(folder, 'loadavg');
afterAll(() => rmSync(folder, { recursive: true }));

function isExceeded(line: string, processors: number): boolean | undefined {
  writeFileSync(file, line);
  const demand = ProcessorDemand.open(file, processors);
  try {
    return demand?.isExceeded();
  } finally {
    demand?.close();
  }
}

test.each([
  ['fewer than processors', '0.20 0.18 0.12 1/80 11206\n', 2, false],
  ['as many', '0.20 0.18 0.12 2/80 11206\n', 2, false],
  ['one more', '0.20 0.18 0.12 3/80 11206\n', 2, true],
  ['two digits', '99.99 0.18 0.12 16/1080 11206\n', 16, false],
  ['two digits and one more', '0.20 0.18 0.12 17/1080 11206\n', 16, true],
  ['three digits', '0.20 0.18 0.12 117/1080 11206\n', 116, true],
  ['a line of another form: it cannot be told', 'none\n', 2, true],
  ['an empty file', '', 2, true],
] as const)('%s', (_name, line, processors, expected) => {
  expect(isExceeded(line, processors)).toBe(expected);
});

test('each look reads anew', () => {
  writeFileSync(file, '0 0 0 1/80 1\n');
  const demand = ProcessorDemand.open(file, 2)!;
  expect(demand.isExceeded()).toBe(false);
  writeFileSync(file, '0 0 0 9/80 1\n');
  expect(demand.isExceeded()).toBe(true);
  demand.close();
  expect(demand.isExceeded()).toBe(true);
});

test('a system without the file does not tell', () => {
  expect(ProcessorDemand.open(join(folder, 'missing'))).toBeNull();
});
