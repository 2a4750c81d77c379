/**
 * The tests are tested: each bug of planted-bugs.ts, planted in a copy of the project, makes its named test fail, and
 * without the bug that test passes.
 */

import { PlantedCopy, RUN_TIMEOUT_MS } from './planted-copy.js';
import { PLANTED_BUGS } from './planted-bugs.js';

/** A run that takes too long says so itself. */
const TIMEOUT_MS = RUN_TIMEOUT_MS + 30_000;

const copy = new PlantedCopy();
afterAll(() => copy.remove());

// File by file: all of them in one run take a slow machine longer than a run may take.
test.each([...new Set(PLANTED_BUGS.map(({ testFile }) => testFile))])(
  'the named tests of %s pass without a bug',
  async (testFile) => {
    const bugs = PLANTED_BUGS.filter((bug) => bug.testFile === testFile);
    const verdict = await copy.passesWithoutBugs(bugs);
    expect(verdict.failed > 0 ? verdict.output : 'none failed').toBe('none failed');
    expect(verdict.ran).toBe(new Set(bugs.map((bug) => bug.testName)).size);
  },
  TIMEOUT_MS,
);

test.each(PLANTED_BUGS)(
  '$name: "$testName" fails',
  async (bug) => {
    const verdict = await copy.judge(bug);
    expect(verdict.ran).toBe(1);
    expect(verdict.failed).toBe(1);
  },
  TIMEOUT_MS,
);
