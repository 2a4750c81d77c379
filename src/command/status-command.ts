/**
 * `twintide status`: both nodes side by side, as they say it themselves on /status.
 *
 * The nodes are named by --url or by --config (its http.listen), each any number of times. With neither, the two places of a
 * pair on this machine are asked, and of these only those that answer are shown.
 */
import { loadConfig } from '../server/config.js';
import { formatAddress } from '../server/config-values.js';
import { errorReason } from '../server/error-reason.js';
import type { StatusDocument } from '../http/node-snapshot.js';
import { ExitCode } from './exit-codes.js';
import { statusTable, type NodeAnswer } from './status-table.js';

const ANSWER_TIMEOUT_MS = 3_000;
const PAIR_URLS = ['http://127.0.0.1:4000', 'http://127.0.0.1:4001'];

export interface StatusOptions {
  readonly urls: readonly string[];
  readonly configs: readonly string[];
}

/** Prints the table; the exit code is 0 when every node that was asked for answers and is ready. */
export async function runStatus(options: StatusOptions): Promise<number> {
  const asked = [...options.urls, ...options.configs.map(urlOfConfig)];
  const answers = await Promise.all((asked.length > 0 ? asked : PAIR_URLS).map(ask));
  const shown = asked.length > 0 ? answers : answers.filter((answer) => answer.status !== null);
  if (shown.length === 0) {
    console.error(`no node answers at ${PAIR_URLS.join(' or ')}; name one with --url or --config`);
    return ExitCode.failed;
  }
  console.log(statusTable(shown, process.stdout));
  return shown.every((answer) => answer.status?.ready === true) ? ExitCode.done : ExitCode.failed;
}

function urlOfConfig(file: string): string {
  const { http } = loadConfig({
    file,
    workingFolder: process.cwd(),
    environment: process.env,
  });
  // A node that listens on every address is asked on this machine's own.
  const everywhere = http.listen.host === '0.0.0.0' || http.listen.host === '::';
  const host = everywhere ? '127.0.0.1' : http.listen.host;
  return `http://${formatAddress({ host, port: http.listen.port })}`;
}

async function ask(url: string): Promise<NodeAnswer> {
  try {
    const response = await fetch(new URL('/status', url), {
      signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
    });
    if (!response.ok) return { url, status: null, reason: `HTTP ${response.status}` };
    return { url, status: (await response.json()) as StatusDocument, reason: '' };
  } catch (error) {
    const cause = error instanceof Error ? (error.cause ?? error) : error;
    return { url, status: null, reason: errorReason(cause) };
  }
}
