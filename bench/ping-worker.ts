/** Pings a server over a connection of its own, one ping after another, and says how long the slowest took since it was last asked. */

import { parentPort, workerData } from 'node:worker_threads';
import { RawClient } from './raw-client.js';
import { textPacket } from './mysql-packet.js';

const COM_PING = 0x0e;

const client = await RawClient.open(Number(workerData), null);
const ping = textPacket(COM_PING, '');
let slowestMs = 0;
let isAsked = false;

parentPort!.on('message', () => (isAsked = true));

for (;;) {
  const start = performance.now();
  await client.send(ping);
  slowestMs = Math.max(slowestMs, performance.now() - start);
  // The ping that was under way counts too.
  if (isAsked) {
    isAsked = false;
    parentPort!.postMessage(slowestMs);
    slowestMs = 0;
  }
  await new Promise((resolve) => setImmediate(resolve));
}
