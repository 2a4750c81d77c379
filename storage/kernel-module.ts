/**
 * Loops compiled to WebAssembly, by name: the sources are in kernels/, `npm run build` compiles them.
 */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Of the standard: the compiler's library has it with the whole browser only. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
};

/** Beside the compiled program, or, for what runs straight from the sources, in what was built last. */
const FOLDERS = ['../kernels', '../dist/kernels'];

/** What the kernel exports, of a fresh instance with memory of its own. Throws when the project was not built. */
export function kernelModule<Exports>(name: string): Exports {
  const paths = FOLDERS.map((folder) => join(import.meta.dirname, folder, `${name}.wasm`));
  const path = paths.find((candidate) => existsSync(candidate)) ?? paths[0]!;
  const module = new WebAssembly.Module(readFileSync(path));
  return new WebAssembly.Instance(module).exports as Exports;
}
