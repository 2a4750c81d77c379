/**
 * Runs Jest once for each message `{ testFiles, testNamePattern, setupFiles }`, in the folder it was started in, and answers with what Jest
 * found. One process for many runs: Jest is loaded once, and what it compiled stays in memory. Jest gives each run modules of its own.
 *
 * A run that leaves timers or sockets behind ends the process, so that what a planted bug has done cannot reach the next run.
 */

import { runCLI } from 'jest';

const folder = process.cwd();
/** The channel to the parent. */
const OWN_RESOURCE = 'PipeWrap';

// What a test that failed has left undone, after its run: nobody waits for it.
process.on('uncaughtException', () => undefined);

process.on('message', async ({ testFiles, testNamePattern, setupFiles }) => {
  const { results } = await runCLI(
    {
      _: testFiles,
      $0: '',
      ci: true,
      runInBand: true,
      runTestsByPath: true,
      testNamePattern,
      setupFilesAfterEnv: setupFiles,
      cacheDirectory: `${folder}/jest-cache`,
      reporters: [],
    },
    [folder],
  );
  const left = process.getActiveResourcesInfo().filter((name) => name !== OWN_RESOURCE);
  process.send(
    {
      passed: results.numPassedTests,
      failed: results.numFailedTests,
      notRun: results.numRuntimeErrorTestSuites,
      output: results.testResults.map(({ failureMessage }) => failureMessage ?? '').join('\n'),
      left,
    },
    () => {
      if (left.length > 0) process.exit();
    },
  );
});
