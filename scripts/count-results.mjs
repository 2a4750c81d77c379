// Prints "passed failed" for one run of Jest: `node scripts/count-results.mjs RESULTS_FILE EXIT_CODE`.
// A test file that could not even run has no failed tests, and counts as one; so does a run that ended without a result.
import { existsSync, readFileSync } from 'node:fs';

const [file, exitCode] = process.argv.slice(2);
let passed = 0;
let failed = 0;
if (existsSync(file)) {
  const results = JSON.parse(readFileSync(file, 'utf8'));
  passed = results.numPassedTests;
  failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
  if (passed + failed === 0) failed = 1;
}
if (failed === 0 && Number(exitCode) !== 0) failed = 1;
console.log(`${passed} ${failed}`);
