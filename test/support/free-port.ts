/**
 * Ports for servers that must come back on the same port after a kill.
 *
 * Below the range from which systems take the ports of outgoing connections: a port of that range may be some client's own
 * while the server is down, and then the server cannot have it back. Each of Jest's workers has a part of it to itself: what one of
 * them hands out is not yet listened on, and looks free to the others.
 */

import { createServer } from 'node:net';

const PARTS = 4;
const PART_PORTS = 3_000;
const FIRST = 20_000 + (Number(process.env['JEST_WORKER_ID'] ?? 1) % PARTS) * PART_PORTS;
const LAST = FIRST + PART_PORTS - 1;
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
