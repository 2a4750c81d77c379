/** The connection of a command that is a client of a node. */
import { createConnection, type Connection } from 'mysql2';
import { loadConfig } from '../server/config.js';
import type { ClientFlags } from './client-flags.js';

const CONNECT_TIMEOUT_MS = 10_000;

/** A session in the zone +00:00. Rejects when there is no node or no such account. */
export async function openClient(flags: ClientFlags): Promise<Connection> {
  const connection = createConnection({
    ...addressOf(flags),
    user: flags.user,
    password: flags.password ?? process.env['MYSQL_PWD'] ?? '',
    connectTimeout: CONNECT_TIMEOUT_MS,
    supportBigNumbers: true,
    bigNumberStrings: true,
    dateStrings: true,
  });
  // The error of the statement under way is what counts.
  connection.on('error', () => undefined);
  await connection.promise().query("SET time_zone = '+00:00'");
  return connection;
}

function addressOf(flags: ClientFlags): { host?: string; port?: number; socketPath?: string } {
  if (flags.socket !== undefined) return { socketPath: flags.socket };
  if (flags.config === undefined) return { host: flags.host, port: Number(flags.port) };
  const { file, workingFolder, environment } = {
    file: flags.config,
    workingFolder: process.cwd(),
    environment: process.env,
  };
  const { host, port } = loadConfig({ file, workingFolder, environment }).mysql.listen;
  // A node that listens on every address is reached on this machine's own.
  return { host: host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host, port };
}
