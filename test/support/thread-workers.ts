/** Worker threads that run the project's TypeScript, as the tests do. */

import { join } from 'node:path';
import { ThreadWorkers } from '../../storage/thread-workers.js';

const HOOK = join(import.meta.dirname, 'typescript-hook.cjs');
const WORKER = join(import.meta.dirname, '../../storage/background-worker.ts');

export function testThreads(path: string, threads = 2): ThreadWorkers {
  return new ThreadWorkers({ path, threads, program: { file: HOOK, arguments: [WORKER] } });
}
