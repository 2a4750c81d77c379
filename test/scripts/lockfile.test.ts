/**
 * `npm ci` refuses a lockfile that does not name every package of the tree, those for other platforms included; and the first
 * thing that a fresh clone does is `npm ci`.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

interface LockedPackage {
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly resolved?: string;
}

const path = resolve(__dirname, '../../package-lock.json');
const { packages } = JSON.parse(readFileSync(path, 'utf8')) as {
  readonly packages: Readonly<Record<string, LockedPackage>>;
};

/** Node's own way: beside the package, then in each folder above it. */
function isLocked(from: string, name: string): boolean {
  for (let folder = from; ;) {
    if (`${folder === '' ? '' : `${folder}/`}node_modules/${name}` in packages) return true;
    if (folder === '') return false;
    const at = folder.lastIndexOf('/node_modules/');
    folder = at < 0 ? '' : folder.slice(0, at);
  }
}

test('every dependency of every package is locked, the optional ones too', () => {
  const missing = Object.entries(packages).flatMap(([from, locked]) =>
    Object.keys({ ...locked.dependencies, ...locked.optionalDependencies })
      .filter((name) => !isLocked(from, name))
      .map((name) => `${from} -> ${name}`),
  );
  expect(missing).toEqual([]);
});

test('no package is tied to the registry of one machine', () => {
  const tied = Object.entries(packages).filter(([, { resolved }]) => resolved !== undefined);
  expect(tied).toEqual([]);
});
