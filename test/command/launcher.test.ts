/** bin/twintide, run as a program: from any folder, built or not. */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { NODE_FLAGS } from '../../src/command/node-flags.js';

let project = '';
beforeEach(() => {
  project = realpathSync(mkdtempSync(join(tmpdir(), 'twintide-bin-')));
  cpSync(resolve(__dirname, '../../bin'), join(project, 'bin'), { recursive: true });
});
afterEach(() => {
  rmSync(project, { recursive: true });
});

/** Puts a command in the place of the compiled one that prints what it is given. */
function build(): void {
  const folder = join(project, 'dist/src/command');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(project, 'package.json'), '{ "type": "module" }');
  writeFileSync(
    join(folder, 'twintide.js'),
    `export async function runCommand(line) {
       const threads = process.env.UV_THREADPOOL_SIZE;
       console.log(JSON.stringify({ ...line, threads, flags: process.execArgv }));
     }`,
  );
}

function run(program: string, environment: Record<string, string> = {}) {
  const { PATH } = process.env;
  return spawnSync(program, ['status', '--url', 'x'], {
    cwd: tmpdir(),
    encoding: 'utf8',
    env: { PATH, ...environment },
  });
}

test('says how to build what is not built', () => {
  const { status, stderr } = run(join(project, 'bin/twintide'));
  expect(status).toBe(1);
  expect(stderr).toBe(`twintide is not built yet. Run \`npm ci && npm run build\` in ${project}\n`);
});

test('hands over the arguments, with a thread pool that is large enough and the flags of Node.js', () => {
  build();
  const { status, stdout } = run(join(project, 'bin/twintide'));
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toEqual({
    argv: ['status', '--url', 'x'],
    launcher: join(project, 'bin/twintide'),
    threads: '8',
    flags: NODE_FLAGS,
  });
});

test('runs under Node.js that is started some other way', () => {
  build();
  const launcher = join(project, 'bin/twintide');
  const { status, stdout } = spawnSync(process.execPath, [launcher, 'status'], {
    encoding: 'utf8',
  });
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ argv: ['status'], flags: [] });
});

test('leaves a thread pool that the user has chosen', () => {
  build();
  const { stdout } = run(join(project, 'bin/twintide'), { UV_THREADPOOL_SIZE: '16' });
  expect(JSON.parse(stdout)).toMatchObject({ threads: '16' });
});

test('works through a link, as npm makes one', () => {
  build();
  symlinkSync(join(project, 'bin/twintide'), join(project, 'link'));
  expect(run(join(project, 'link')).status).toBe(0);
});
