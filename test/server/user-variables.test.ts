/** What a session keeps of the values that SET @name = ... gives it. */

import { GlobalVariables } from '../../src/catalog/global-variables.js';
import { LONG_BLOB } from '../../src/exec/sql-value.js';
import type { ServerContext } from '../../src/server/server-context.js';
import { SessionState } from '../../src/server/session-state.js';

const connection = {
  id: 1,
  user: 'root',
  host: 'localhost',
  port: 0,
  isOperator: true,
  capabilities: 0,
  characterSet: 45,
  attributes: new Map(),
};
const PACKET_BYTES = 1_000_000;
const packet = new Uint8Array(PACKET_BYTES).fill(7);

test.each([
  ['a few bytes of a large packet', packet.subarray(10, 14), 4],
  ['bytes of their own, which are not copied', packet, PACKET_BYTES],
] as const)('%s: no more is kept than they are', (_name, bytes, keptBytes) => {
  const context = { globals: new GlobalVariables() } as ServerContext;
  const state = new SessionState(context, connection);
  state.setUserVariable('x', { type: LONG_BLOB, value: bytes });
  const kept = state.userVariable('X')!.value as Uint8Array;
  expect(kept).toEqual(bytes);
  expect(kept.buffer.byteLength).toBe(keptBytes);
});
