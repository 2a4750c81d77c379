/** What a restore may build its data directory in, and that nothing starts there before it is whole. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDataDirectory, openExistingDataDirectory } from '../../src/server/data-directory.js';
import { takeEmptyDirectory } from '../../src/server/empty-directory.js';

let folder = '';
let path = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'twintide-empty-'));
  path = join(folder, 'node-a');
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** What a restore builds. */
function build(buildFolder: string): void {
  mkdirSync(buildFolder);
  writeFileSync(join(buildFolder, 'CURRENT'), 'a store');
}

test('what was built becomes the store of a node, once it is whole', async () => {
  const directory = await takeEmptyDirectory(path);
  build(directory.buildFolder);
  await expect(openDataDirectory(path, 2)).rejects.toMatchObject({
    code: 'TWINTIDE_DATA_DIR_LOCKED',
  });
  await directory.become(2);
  await directory.close();
  const { directory: opened, nodeId } = await openExistingDataDirectory(path);
  expect(nodeId).toBe(2);
  expect(opened.isNew).toBe(false);
  expect(readdirSync(opened.storeFolder)).toEqual(['CURRENT']);
  await opened.close();
});

test.each([
  ['while it was built', 'restoring'],
  ['between its last two steps', 'store'],
])('one that was cut off %s starts no node, and the next begins from nothing', async (_, left) => {
  const directory = await takeEmptyDirectory(path);
  build(join(path, left));
  await directory.close();
  await expect(openDataDirectory(path, 1)).rejects.toMatchObject({
    code: 'TWINTIDE_DATA_DIR_FOREIGN',
  });
  const again = await takeEmptyDirectory(path);
  expect(existsSync(join(path, left))).toBe(false);
  await again.close();
});

test('a directory that is a node’s, or somebody else’s, is left as it is', async () => {
  const node = await openDataDirectory(path, 1);
  await expect(takeEmptyDirectory(path)).rejects.toMatchObject({
    code: 'TWINTIDE_DATA_DIR_LOCKED',
  });
  await node.close();
  await expect(takeEmptyDirectory(path)).rejects.toMatchObject({
    code: 'TWINTIDE_DATA_DIR_FOREIGN',
    message: expect.stringContaining('is not empty: it holds node.json'),
  });
  writeFileSync(join(folder, 'holiday.jpg'), '');
  await expect(takeEmptyDirectory(folder)).rejects.toMatchObject({
    message: expect.stringContaining('it holds holiday.jpg'),
  });
  expect(existsSync(join(folder, 'holiday.jpg'))).toBe(true);
});

test('a directory that is no node’s is not inspected, and nothing is made', async () => {
  await expect(openExistingDataDirectory(path)).rejects.toMatchObject({
    code: 'TWINTIDE_DATA_DIR_FOREIGN',
  });
  expect(existsSync(path)).toBe(false);
});
