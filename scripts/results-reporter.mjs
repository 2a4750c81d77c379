// A Jest reporter that leaves the numbers of the run in a file, for .ci/run. Part of the run only when
// TEST_RESULTS_FILE names that file, so that `npm test` is the same command everywhere.
import { writeFileSync } from 'node:fs';

export default class ResultsReporter {
  onRunComplete(_contexts, results) {
    const { numPassedTests, numFailedTests, numRuntimeErrorTestSuites } = results;
    writeFileSync(
      process.env.TEST_RESULTS_FILE,
      JSON.stringify({ numPassedTests, numFailedTests, numRuntimeErrorTestSuites }),
    );
  }
}
