/**
 * Lets plain Node run the project's TypeScript, as Jest does: for threads and processes that a test starts. Load it first
 * (`node -r`, or `execArgv`), or name a TypeScript file behind it.
 */

const { existsSync } = require('node:fs');
const Module = require('node:module');
const { dirname, resolve } = require('node:path');
const { transformFileSync } = require('@swc/core');

Module._extensions['.ts'] = (module, filename) => {
  const { code } = transformFileSync(filename, {
    swcrc: false,
    module: { type: 'commonjs' },
    jsc: { target: 'es2022', parser: { syntax: 'typescript' }, keepClassNames: true },
    sourceMaps: 'inline',
  });
  module._compile(code, filename);
};

// Imports name the compiled file; beside it lies the source.
const resolveFilename = Module._resolveFilename;
Module._resolveFilename = function (request, parent, ...rest) {
  if (request.startsWith('.') && request.endsWith('.js') && parent?.filename?.endsWith('.ts')) {
    const source = resolve(dirname(parent.filename), `${request.slice(0, -3)}.ts`);
    if (existsSync(source)) return source;
  }
  return resolveFilename.call(this, request, parent, ...rest);
};

if (require.main === module) require(resolve(process.argv[2]));
