/**
 * The tests are tested: each bug of planted-bugs.ts, planted in a copy of the project, makes its named test fail, and
 * without the bug that test passes.
 */

import { PlantedCopy } from './planted-copy.js';
import { PLANTED_BUGS } from './planted-bugs.js';

const RUN_TIMEOUT_MS = 300_000;

const copy = new PlantedCopy();
afterAll(() => copy.remove());

test(
  'the named tests pass without a bug',
  () => {
    const verdict = copy.passesWithoutBugs(PLANTED_BUGS);
    expect(verdict.failed > 0 ? verdict.output : 'none failed').toBe('none failed');
    expect(verdict.ran).toBe(new Set(PLANTED_BUGS.map((bug) => bug.testName)).size);
  },
  RUN_TIMEOUT_MS,
);

test.each(PLANTED_BUGS)(
  '$name: "$testName" fails',
  (bug) => {
    const verdict = copy.judge(bug);
    expect(verdict.ran).toBe(1);
    expect(verdict.failed).toBe(1);
  },
  RUN_TIMEOUT_MS,
);
