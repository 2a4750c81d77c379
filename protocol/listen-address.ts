/**
 * Where a server listens, and the opening of it.
 *
 * A unix socket leaves a file behind when its process dies. Such a file is taken over only if it is a socket and nobody answers on it: a living
 * server's socket is never stolen, and no other file ever removed. The file is readable and writable by its owner alone, which is what guards an operator's listener.
 */

import { chmod, lstat, unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import type { Server } from 'node:net';

export type ListenAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

/** Resolves to the address in use: the port is filled in where 0 was asked for. Rejects with Node's own error. */
export async function openListener(server: Server, address: ListenAddress): Promise<ListenAddress> {
  if (address.kind === 'tcp') {
    await listen(server, { host: address.host, port: address.port });
    const bound = server.address();
    const port = typeof bound === 'object' && bound !== null ? bound.port : address.port;
    return { kind: 'tcp', host: address.host, port };
  }
  try {
    await listen(server, { path: address.path });
  } catch (error) {
    if (!hasCode(error, 'EADDRINUSE') || !(await isAbandoned(address.path))) throw error;
    await unlink(address.path);
    await listen(server, { path: address.path });
  }
  await chmod(address.path, 0o600);
  return address;
}

function listen(
  server: Server,
  options: { host?: string; port?: number; path?: string },
): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: Error): void => {
      server.off('listening', onListening);
      reject(error);
    };
    const onListening = (): void => {
      server.off('error', onError);
      resolve();
    };
    server.once('error', onError);
    server.once('listening', onListening);
    server.listen(options);
  });
}

/** Whether the path is a socket file on which nobody accepts. */
async function isAbandoned(path: string): Promise<boolean> {
  if (!(await lstat(path)).isSocket()) return false;
  return new Promise((resolve) => {
    const probe = connect({ path });
    probe.once('connect', () => {
      probe.destroy();
      resolve(false);
    });
    probe.once('error', (error) => resolve(hasCode(error, 'ECONNREFUSED')));
  });
}

function hasCode(error: unknown, code: string): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === code;
}
