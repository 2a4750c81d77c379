/** Tests run straight from TypeScript. Those that need real clients installed have a script of their own: test:clients. */
const resultsFile = process.env.TEST_RESULTS_FILE;

/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/clients/'],
  // One worker a core; Jest itself would leave one core idle.
  maxWorkers: '100%',
  globalSetup: '<rootDir>/scripts/build-kernels.mjs',
  testSequencer: '<rootDir>/test/support/longest-first.cjs',
  reporters: ['default', ...(resultsFile ? ['<rootDir>/scripts/results-reporter.mjs'] : [])],
  // A machine that is busy with something else is slow, not wrong: waits have their own, clearer bounds.
  testTimeout: 120_000,
  setupFilesAfterEnv: ['<rootDir>/test/support/retry-real-processes.ts'],
  extensionsToTreatAsEsm: [],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  // Packages that are ES modules alone; jest runs CommonJS.
  transformIgnorePatterns: ['/node_modules/(?!hyparquet)'],
  transform: {
    'node_modules/hyparquet.+\\.js$': [
      '@swc/jest',
      { module: { type: 'commonjs' }, jsc: { target: 'es2022', parser: { syntax: 'ecmascript' } } },
    ],
    '^.+\\.ts$': [
      '@swc/jest',
      {
        module: { type: 'commonjs' },
        jsc: { target: 'es2022', parser: { syntax: 'typescript' }, keepClassNames: true },
        sourceMaps: 'inline',
      },
    ],
  },
};
