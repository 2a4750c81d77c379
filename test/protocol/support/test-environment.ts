/** Real clocks and timers behind the ports of protocol/, and a log that remembers. */

import { randomFillSync } from 'node:crypto';
import type { ServerEnvironment } from '../../../protocol/index.js';

export interface LogLine {
  readonly level: 'info' | 'warn' | 'error';
  readonly fields: object;
  readonly message: string;
}

export function testEnvironment(): ServerEnvironment & { readonly lines: LogLine[] } {
  const lines: LogLine[] = [];
  const write = (level: LogLine['level']) => (fields: object, message: string) => {
    lines.push({ level, fields, message });
  };
  return {
    clock: { monotonicMs: () => performance.now() },
    timers: {
      after: (delayMs, task) => {
        const timer = setTimeout(task, delayMs);
        return { cancel: () => clearTimeout(timer) };
      },
      yieldTurn: () => new Promise((resolve) => setImmediate(resolve)),
    },
    random: { fill: (target) => void randomFillSync(target) },
    log: { info: write('info'), warn: write('warn'), error: write('error') },
    lines,
  };
}
