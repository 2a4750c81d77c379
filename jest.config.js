/** Tests run straight from TypeScript. Those that need real clients installed have a script of their own: test:clients. */
const resultsFile = process.env.TEST_RESULTS_FILE;

/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/clients/'],
  reporters: ['default', ...(resultsFile ? ['<rootDir>/scripts/results-reporter.mjs'] : [])],
  extensionsToTreatAsEsm: [],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: {
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
