/** Ports of loopback that nobody listens on, so that two benchmarks on one machine do not meet. */

import { createServer, type AddressInfo, type Server } from 'node:net';

/** All are held open until the last is found: they are distinct. Another process could still take one before it is used. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = await Promise.all(Array.from({ length: count }, listen));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return ports;
}

function listen(): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve(server));
  });
}
