/**
 * .ci/run: its last line and exit code under every way to fail. It runs in a copy of the project that has only what it needs,
 * with an `npm` that does what the case says.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const ROOT = resolve(__dirname, '../..');

let project = '';
beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), 'twintide-ci-'));
  cpSync(join(ROOT, '.ci'), join(project, '.ci'), { recursive: true });
  cpSync(join(ROOT, 'scripts'), join(project, 'scripts'), { recursive: true });
  mkdirSync(join(project, 'test'));
});
afterEach(() => {
  rmSync(project, { recursive: true });
});

interface Case {
  /** Exit codes; 0 unless given. */
  readonly install?: number;
  readonly lint?: number;
  readonly format?: number;
  readonly types?: number;
  readonly test?: number;
  readonly bench?: number;
  /** [passed, failed, files that could not run]; null: the run ends without numbers. */
  readonly results?: readonly [number, number, number] | null;
  /** The same of the tests with clients, where there are any. */
  readonly clients?: readonly [number, number, number];
}

function run(given: Case) {
  const tools = join(project, 'tools');
  mkdirSync(tools);
  const numbers = ([passed, failed, broken]: readonly [number, number, number]): string =>
    JSON.stringify({
      numPassedTests: passed,
      numFailedTests: failed,
      numRuntimeErrorTestSuites: broken,
    });
  const { results = [5, 0, 0], clients } = given;
  const write = (text: string): string => `printf '%s' '${text}' > "$TEST_RESULTS_FILE"`;
  writeFileSync(
    join(tools, 'npm'),
    [
      '#!/bin/sh',
      'echo "npm $*"; cat; case "$*" in',
      `ci*) exit ${given.install ?? 0};;`,
      `*lint:code) exit ${given.lint ?? 0};;`,
      `*lint:format) exit ${given.format ?? 0};;`,
      `*types) exit ${given.types ?? 0};;`,
      `test) ${results === null ? ':' : write(numbers(results))}; exit ${given.test ?? 0};;`,
      `*bench*) exit ${given.bench ?? 0};;`,
      `*clients) ${clients === undefined ? ':' : write(numbers(clients))};;`,
      'esac',
    ].join('\n'),
    { mode: 0o755 },
  );
  for (const tool of ['mvn', 'mariadb', 'haproxy', 'javac']) {
    writeFileSync(join(tools, tool), '#!/bin/sh\n', { mode: 0o755 });
  }
  if (clients !== undefined) {
    mkdirSync(join(project, 'test/clients'));
    writeFileSync(join(project, 'test/clients/mariadb.test.ts'), '');
  }
  const { PATH } = process.env;
  const { status, stdout } = spawnSync('bash', [join(project, '.ci/run')], {
    cwd: tmpdir(),
    encoding: 'utf8',
    env: { PATH: `${tools}:${PATH}` },
    input: 'nobody reads this',
  });
  return { status, stdout, lastLine: stdout.trimEnd().split('\n').at(-1) };
}

test.each<[what: string, given: Case, status: number, lastLine: string]>([
  ['all is well', {}, 0, '5 passed, 0 failed'],
  ['a test fails', { test: 1, results: [4, 1, 0] }, 1, '4 passed, 1 failed'],
  ['a test file cannot run', { test: 1, results: [4, 0, 1] }, 1, '4 passed, 1 failed'],
  ['lint fails', { lint: 1 }, 1, '5 passed, 1 failed'],
  ['a file is not formatted', { format: 1 }, 1, '5 passed, 1 failed'],
  ['lint and types fail', { lint: 1, types: 2 }, 1, '5 passed, 2 failed'],
  ['the install fails', { install: 1 }, 1, '0 passed, 1 failed'],
  ['the run ends without numbers', { test: 1, results: null }, 1, '0 passed, 1 failed'],
  ['there is no test at all', { results: [0, 0, 0] }, 1, '0 passed, 1 failed'],
  ['only the exit code fails', { test: 1 }, 1, '5 passed, 1 failed'],
  ['the benchmark fails', { bench: 1 }, 1, '5 passed, 1 failed'],
  ['clients are counted too', { clients: [3, 2, 0] }, 1, '8 passed, 2 failed'],
  ['so is the benchmark beside them', { clients: [3, 0, 0], bench: 1 }, 1, '8 passed, 1 failed'],
])('%s', (_, given, status, lastLine) => {
  const outcome = run(given);
  expect(outcome.lastLine).toBe(lastLine);
  expect(outcome.stdout.endsWith(`\n${lastLine}\n`)).toBe(true);
  expect(outcome.status).toBe(status);
});

test('the command of the README is the one that runs, and nothing reads the input', () => {
  const { stdout } = run({});
  expect(stdout).toContain('\nnpm test\n');
  expect(stdout).toContain('\n== lint\nnpm run --silent lint:code\n');
  expect(stdout).not.toContain('nobody reads this');
});
