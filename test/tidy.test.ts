/**
 * Style as a test: what a reviewer would otherwise have to say again and again. Each test names the files that break its
 * rule; an empty list is a pass.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { VERSION } from '../src/server/version.js';

const ROOT = resolve(__dirname, '..');
const PRODUCT = ['src', 'protocol', 'storage', 'replication'];
const CODE = [...PRODUCT, 'bin', 'test', 'bench'];
const PLACES = [...CODE, 'kernels', 'docs', 'examples', 'scripts'];
/** Kept by tools, not by us. */
const FOREIGN = new Set(['node_modules', 'dist', 'testdata', 'reports']);

/** Paths relative to the project, with "/". */
function filesUnder(folder: string, ending: string): string[] {
  const absolute = join(ROOT, folder);
  if (!existsSync(absolute)) return [];
  return readdirSync(absolute, { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return FOREIGN.has(entry.name) ? [] : filesUnder(path, ending);
    return path.endsWith(ending) ? [path] : [];
  });
}

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

const sources = CODE.flatMap((folder) => filesUnder(folder, '.ts'));
const texts = new Map(sources.map((path) => [path, read(path)]));

/** "path:line" of every line that matches, in files that `applies` to. */
function linesWith(pattern: RegExp, applies: (path: string) => boolean = () => true): string[] {
  return sources
    .filter((path) => applies(path))
    .flatMap((path) =>
      texts
        .get(path)!
        .split('\n')
        .flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}`] : [])),
    );
}

/** The files that a file imports by relative path, also those it starts as workers. */
function importsOf(path: string): string[] {
  const found: string[] = [];
  for (const [, specifier] of texts.get(path)!.matchAll(/['"](\.\.?\/[^'"\n]+\.js)['"]/g)) {
    const target = relative(ROOT, resolve(ROOT, dirname(path), specifier!));
    found.push(target.replaceAll('\\', '/').replace(/\.js$/, '.ts'));
  }
  return found;
}

function roomOf(path: string): string {
  return path.split('/', 1)[0]!;
}

test('there is code to look at', () => {
  expect(sources).toContain('test/tidy.test.ts');
  for (const room of PRODUCT) expect(filesUnder(room, '.ts').length).toBeGreaterThan(0);
});

describe('words that do not stay', () => {
  // Written so that this file does not find itself.
  const rules: Readonly<Record<string, RegExp>> = {
    'work left undone': /\b(TO[D]O|FIX[M]E|XX[X]|HAC[K])\b/,
    'a test that hides the others': /\b(describe|test|it)\.on[l]y\b|\bf(describe|it)\(/,
    'a test that does not run': /\b(describe|test|it)\.(sk[i]p|to[d]o)\b|\bx(describe|it|test)\(/,
    'a silenced compiler or linter': /@ts-(ignor[e]|expect-erro[r]|nochec[k])|eslint-disabl[e]/,
    'a cast through unknown': /as unknow[n] as/,
    'a breakpoint': /^\s*debugge[r]\b/,
  };
  test.each(Object.entries(rules))('%s', (_, pattern) => {
    expect(linesWith(pattern)).toEqual([]);
  });

  test('output past the log', () => {
    const mustLog = (path: string): boolean =>
      PRODUCT.includes(roomOf(path)) && !path.startsWith('src/command/');
    expect(linesWith(/\bconsol[e]\.\w+\(/, mustLog)).toEqual([]);
  });
});

describe('files', () => {
  test('begin with a comment that says what they are', () => {
    const bare = sources.filter((path) => !/^(#!.*\n)?\s*(\/\*\*|\/\/)/.test(texts.get(path)!));
    expect(bare).toEqual([]);
  });

  test('are named in kebab-case after one concept', () => {
    const vague = /^(utils?|helpers?|types?|common|misc|shared|lib)$/;
    const wrong = sources.filter((path) => {
      const name = basename(path).replace(/(\.test|\.bench)?\.ts$/, '');
      return !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name) || vague.test(name);
    });
    expect(wrong).toEqual([]);
  });

  test('of the product are imported by the product', () => {
    const entries = new Set(['src/command/twintide.ts']);
    const imported = new Set(
      sources.filter((path) => PRODUCT.includes(roomOf(path))).flatMap(importsOf),
    );
    const orphans = sources.filter(
      (path) => PRODUCT.includes(roomOf(path)) && !imported.has(path) && !entries.has(path),
    );
    expect(orphans).toEqual([]);
  });

  test('that are imported exist', () => {
    const missing = sources.flatMap((path) =>
      importsOf(path)
        .filter((target) => !texts.has(target) && !existsSync(join(ROOT, target)))
        .map((target) => `${path} -> ${target}`),
    );
    expect(missing).toEqual([]);
  });
});

describe('rooms', () => {
  /** What each room may import besides itself. */
  const ARROWS: Readonly<Record<string, readonly string[]>> = {
    storage: [],
    protocol: [],
    replication: ['storage'],
    src: ['protocol', 'replication', 'storage'],
    bin: ['src'],
  };

  test.each(Object.entries(ARROWS))('%s imports only itself and %j', (room, below) => {
    const wrong = filesUnder(room, '.ts').flatMap((path) =>
      importsOf(path)
        .filter((target) => roomOf(target) !== room)
        .filter((target) => !below.includes(roomOf(target)) || !isDoor(target))
        .map((target) => `${path} -> ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  /** A room is entered through its index.ts; src/ has no door, for only bin/ is above it. */
  function isDoor(target: string): boolean {
    return roomOf(target) === 'src' || target === `${roomOf(target)}/index.ts`;
  }

  test('each folder at the top and in src/ says in a README.md what it is', () => {
    const inSource = readdirSync(join(ROOT, 'src'), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => `src/${entry.name}`);
    const silent = [...PLACES, ...inSource].filter(
      (folder) => !existsSync(join(ROOT, folder, 'README.md')),
    );
    expect(silent).toEqual([]);
  });
});

describe('documents', () => {
  const pages = [
    ...readdirSync(ROOT).filter((name) => name.endsWith('.md')),
    ...PLACES.flatMap((folder) => filesUnder(folder, '.md')),
  ];

  test('link to pages that exist', () => {
    const broken = pages.flatMap((page) =>
      [...read(page).matchAll(/\]\((?!https?:|mailto:|#)([^)#\s]+)(#[^)\s]*)?\)/g)]
        .filter(([, target]) => !existsSync(resolve(ROOT, dirname(page), target!)))
        .map(([, target]) => `${page} -> ${target}`),
    );
    expect(broken).toEqual([]);
  });

  test('and code agree on the version', () => {
    const { version } = JSON.parse(read('package.json')) as { readonly version: string };
    expect(VERSION).toBe(version);
    expect(read('CHANGELOG.md')).toContain(`## ${version}`);
  });
});
