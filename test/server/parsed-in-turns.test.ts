/** Long texts are parsed in turns of the event loop, which a KILL or a client that leaves cuts short. */

import { parsedInTurns, type ParseTurns } from '../../src/server/parsed-in-turns.js';
import { SqlError } from '../../protocol/index.js';
import { parseStatement } from '../../src/sql/parser.js';

const sqlMode = { ansiQuotes: false, noBackslashEscapes: false };
const LONG = `SELECT 1 IN (${Array.from({ length: 20_000 }, (_, index) => String(index)).join()})`;

/** An event loop that counts its turns, and an abort that comes in turn `abortedIn`. */
function turnsOf(abortedIn = Infinity): ParseTurns & { readonly count: () => number } {
  let count = 0;
  const yieldTurn = (): Promise<void> => {
    count += 1;
    return Promise.resolve();
  };
  const abort = {
    get aborted(): boolean {
      return count >= abortedIn;
    },
  };
  return { timers: { yieldTurn }, abort, count: () => count };
}

test('a short text is parsed at once', () => {
  expect(parsedInTurns('SELECT 1', sqlMode, turnsOf())).toEqual(
    parseStatement('SELECT 1', sqlMode),
  );
});

test('a long one in turns', async () => {
  const turns = turnsOf();
  expect(await parsedInTurns(LONG, sqlMode, turns)).toEqual(parseStatement(LONG, sqlMode));
  expect(turns.count()).toBeGreaterThanOrEqual(38);
});

test.each([
  ['no SQL', `${LONG} )`, 1064],
  ['cut in a string', `${LONG} 'x`, 1064],
])('%s at its end is the same error', async (_, text, errno) => {
  const found = await Promise.resolve(parsedInTurns(text, sqlMode, turnsOf())).catch(
    (error: unknown) => error,
  );
  const expected = await Promise.resolve(text)
    .then((whole) => parseStatement(whole, sqlMode))
    .catch((error: unknown) => error);
  expect(found).toMatchObject({ errno });
  expect(found).toEqual(expected);
});

test.each([1, 5, 30])('killed in turn %i it ends there with 1317', async (abortedIn) => {
  const turns = turnsOf(abortedIn);
  const error = await Promise.resolve(parsedInTurns(LONG, sqlMode, turns)).catch(
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(SqlError);
  expect(error).toMatchObject({ errno: 1317, sqlState: '70100' });
  expect(turns.count()).toBe(abortedIn);
});
