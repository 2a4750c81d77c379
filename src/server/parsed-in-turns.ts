/** A statement's text, parsed in as many turns of the event loop as it takes. */

import { SqlError } from '../../protocol/index.js';
import type { AbortNotice } from '../../protocol/index.js';
import type { Timers } from '../../storage/index.js';
import { parseInTurns, parseStatement } from '../sql/parser.js';
import type { ParsedStatement } from '../sql/parser.js';
import type { SqlTextOptions } from '../sql/token.js';

/** In characters. As many tokens, if it were all commas, are read in a few milliseconds. */
const SHORT_TEXT_MAX = 8192;

export interface ParseTurns {
  readonly timers: Pick<Timers, 'yieldTurn'>;
  readonly abort: Pick<AbortNotice, 'aborted'>;
}

/** No promise for a short text. Throws, or rejects with, what parseStatement throws, and 1317 once `abort` says so. */
export function parsedInTurns(
  text: string,
  sqlMode: SqlTextOptions,
  turns: ParseTurns,
): ParsedStatement | Promise<ParsedStatement> {
  if (text.length <= SHORT_TEXT_MAX) return parseStatement(text, sqlMode);
  return lastOf(parseInTurns(text, sqlMode), turns);
}

async function lastOf(
  steps: Iterator<undefined, ParsedStatement>,
  { timers, abort }: ParseTurns,
): Promise<ParsedStatement> {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    await timers.yieldTurn();
    if (abort.aborted) throw new SqlError('ER_QUERY_INTERRUPTED');
  }
}
