/** The data directory: one process, one node, whatever a kill left behind. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDataDirectory } from '../../src/server/data-directory.js';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'twintide-data-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

test('is made for its owner only, and is new once', async () => {
  const path = join(folder, 'deep', 'node-a');
  const first = await openDataDirectory(path, 3);
  expect(first.isNew).toBe(true);
  expect(statSync(path).mode & 0o777).toBe(0o700);
  expect(JSON.parse(readFileSync(join(path, 'node.json'), 'utf8'))).toEqual({
    format: 1,
    node_id: 3,
  });
  await first.close();
  const second = await openDataDirectory(path, 3);
  expect(second.isNew).toBe(false);
  await second.close();
});

test('is refused while somebody holds it, by process number', async () => {
  const held = await openDataDirectory(folder, 1);
  await expect(openDataDirectory(folder, 1)).rejects.toMatchObject({
    code: 'TWINTIDE_DATA_DIR_LOCKED',
    message: `the data directory ${folder} is in use by another process (${process.pid})`,
  });
  await held.close();
  const again = await openDataDirectory(folder, 1);
  await again.close();
});

test('is free again after kill -9 of its holder, pid file or not', async () => {
  const lockFolder = join(folder, 'lock');
  const holder = spawn(process.execPath, [
    '-e',
    `const { ClassicLevel } = require('classic-level');
     const lock = new ClassicLevel(process.argv[1]);
     lock.open().then(() => { console.log('held'); setInterval(() => {}, 1000); });`,
    lockFolder,
  ]);
  try {
    await once(holder.stdout, 'data');
    writeFileSync(join(folder, 'twintide.pid'), `${holder.pid}\n`);
    await expect(openDataDirectory(folder, 1)).rejects.toMatchObject({
      code: 'TWINTIDE_DATA_DIR_LOCKED',
      message: `the data directory ${folder} is in use by another process (${holder.pid})`,
    });
  } finally {
    const ended = once(holder, 'exit');
    holder.kill('SIGKILL');
    await ended;
  }
  const directory = await openDataDirectory(folder, 1);
  expect(directory.isNew).toBe(true);
  await directory.close();
});

describe('is refused when it is not this node’s', () => {
  test.each<[what: string, file: string, content: string, message: RegExp]>([
    [
      'another node id',
      'node.json',
      '{"format":1,"node_id":2}',
      /belongs to node 2, and the configuration says node\.id = 1$/,
    ],
    ['a later format', 'node.json', '{"format":9,"node_id":1}', /has format 9, and this version/],
    ['no identity in it', 'node.json', '{}', /names no format and node_id$/],
    [
      'somebody’s photographs',
      'holiday.jpg',
      '',
      /is not empty and is no data directory: it holds holiday\.jpg$/,
    ],
  ])('%s', async (_, file, content, message) => {
    writeFileSync(join(folder, file), content);
    await expect(openDataDirectory(folder, 1)).rejects.toMatchObject({
      code: 'TWINTIDE_DATA_DIR_FOREIGN',
      message: expect.stringMatching(message),
    });
    // A refusal does not keep the lock.
    rmSync(join(folder, file));
    const directory = await openDataDirectory(folder, 1);
    await directory.close();
  });
});

test('a path that is a file is unusable', async () => {
  const path = join(folder, 'file');
  writeFileSync(path, '');
  await expect(openDataDirectory(path, 1)).rejects.toMatchObject({
    code: 'TWINTIDE_DATA_DIR_UNUSABLE',
  });
});
