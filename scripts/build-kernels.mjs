// Compiles each source of kernels/ to dist/kernels/NAME.wasm, unless what is there is newer than all of them. Jest does so too before it
// runs anything, because tests run the other sources as they are.
import { existsSync, mkdirSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Of 64 KiB, for each kernel that does not say otherwise. What is never touched takes no memory. */
const MEMORY_PAGES = 16;
const MORE_MEMORY_PAGES = { rows: 136 };

const self = fileURLToPath(import.meta.url);
const root = dirname(dirname(self));

export default async function buildKernels() {
  const sources = readdirSync(join(root, 'kernels')).filter((name) => name.endsWith('.ts'));
  const inputs = [...sources.map((name) => join(root, 'kernels', name)), self];
  const newest = Math.max(...inputs.map((path) => statSync(path).mtimeMs));
  mkdirSync(join(root, 'dist/kernels'), { recursive: true });
  for (const source of sources) {
    const name = source.replace(/\.ts$/, '');
    const target = `dist/kernels/${name}.wasm`;
    const built = join(root, target);
    if (existsSync(built) && statSync(built).mtimeMs >= newest) continue;
    await compile(source, target, MORE_MEMORY_PAGES[name] ?? MEMORY_PAGES);
  }
}

async function compile(source, target, pages) {
  // A moment to load, which most runs of the tests are spared.
  const { default: asc } = await import('assemblyscript/asc');
  const { error, stderr } = await asc.main(
    [
      `kernels/${source}`,
      ...['--outFile', target, '--baseDir', root],
      ...['--optimizeLevel', '3', '--noAssert', '--runtime', 'stub', '--enable', 'simd'],
      ...['--initialMemory', String(pages), '--maximumMemory', String(pages)],
    ],
    {},
  );
  if (error !== null) throw new Error(`${source} does not compile:\n${stderr.toString()}`);
}

// A project may be entered through a link.
if (realpathSync(process.argv[1]) === self) await buildKernels();
