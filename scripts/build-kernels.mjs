// Compiles each source of kernels/ to dist/kernels/NAME.wasm, unless what is there is newer than all of them.
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

/** Of 64 KiB, for each kernel. */
const MEMORY_PAGES = 16;

const self = fileURLToPath(import.meta.url);
const root = dirname(dirname(self));
const sources = readdirSync(join(root, 'kernels')).filter((name) => name.endsWith('.ts'));
const inputs = [...sources.map((name) => join(root, 'kernels', name)), self];
const newest = Math.max(...inputs.map((path) => statSync(path).mtimeMs));

mkdirSync(join(root, 'dist/kernels'), { recursive: true });
for (const source of sources) {
  const target = `dist/kernels/${source.replace(/\.ts$/, '.wasm')}`;
  const built = join(root, target);
  if (existsSync(built) && statSync(built).mtimeMs >= newest) continue;
  const { error, stderr } = await asc.main(
    [
      `kernels/${source}`,
      ...['--outFile', target, '--baseDir', root],
      ...['--optimizeLevel', '3', '--noAssert', '--runtime', 'stub', '--enable', 'simd'],
      ...['--initialMemory', String(MEMORY_PAGES), '--maximumMemory', String(MEMORY_PAGES)],
    ],
    {},
  );
  if (error !== null) {
    console.error(stderr.toString());
    process.exit(1);
  }
}
