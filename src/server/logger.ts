/**
 * The log of a node, on standard error: JSON for machines or one readable line for people.
 *
 *   2026-03-01T12:00:00.000Z info  serving MySQL clients node=1 address=127.0.0.1:4002
 *
 * Writes do not wait for the reader of the log: a slow pipe must not stall the thread that journals and answers. What is
 * still buffered is written at exit.
 */
import { pino, type DestinationStream, type Logger } from 'pino';
import type { Config } from './config.js';

export type { Logger } from 'pino';

interface LogLine {
  readonly level: string;
  readonly time: string;
  readonly msg?: string;
  readonly err?: { readonly message?: string; readonly stack?: string };
  readonly [field: string]: unknown;
}

function fieldText(value: unknown): string {
  return typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
}

/** One JSON line of the log as a line for people, a stack trace below it. */
export function formatLogLine(json: string): string {
  const { level, time, msg, err, ...fields } = JSON.parse(json) as LogLine;
  const rest = Object.entries(fields).map(([name, value]) => ` ${name}=${fieldText(value)}`);
  const reason = err?.message === undefined ? '' : `: ${err.message}`;
  const stack =
    err?.stack === undefined || level === 'info' ? '' : `\n${err.stack.replace(/^/gm, '    ')}`;
  return `${time} ${level.padEnd(5)} ${msg ?? ''}${reason}${rest.join('')}${stack}\n`;
}

/** `destination` takes lines of JSON or text; standard error unless told otherwise. */
export function createLogger(config: Config['log'], destination?: DestinationStream): Logger {
  const isText = config.format === 'text' || (config.format === 'auto' && process.stderr.isTTY);
  const out = destination ?? pino.destination({ dest: 2, sync: false });
  const stream = isText ? { write: (line: string) => out.write(formatLogLine(line)) } : out;
  return pino(
    {
      level: config.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    stream,
  );
}
