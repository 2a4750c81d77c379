/**
 * Tests over real processes, sockets and signals share two cores with whatever else the machine does. One of them that fails is run
 * again, at most twice, and every failure is printed; tests of pure code are never run again.
 */

const REAL_PROCESSES = /test\/(e2e|clients|command|protocol)\//;

if (REAL_PROCESSES.test(expect.getState().testPath ?? '')) {
  jest.retryTimes(2, { logErrorsBeforeRetry: true });
}
