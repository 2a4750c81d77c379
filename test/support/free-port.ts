/**
 * Ports for servers that must come back on the same port after a kill.
 *
 * Below the range from which systems take the ports of outgoing connections: a port of that range may be some client's own
 * while the server is down, and then the server cannot have it back.
 */

import { createServer } from 'node:net';

const FIRST = 20_000;
const LAST = 31_999;
const ATTEMPTS_MAX = 200;

/** Handed out by this process; they need not be listened on yet. */
const taken = new Set<number>();

export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST + 1));
    if (taken.has(port) || !(await isFree(port))) continue;
    taken.add(port);
    return port;
  }
  throw new Error(`no free port from ${FIRST} to ${LAST} in ${ATTEMPTS_MAX} attempts`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => {
      server.close(() => resolve(true));
    });
  });
}
