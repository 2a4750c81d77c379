/** The options of commands that are clients of a node, and the connection that they make. */
import type { Command } from 'commander';
import { createConnection, type Connection } from 'mysql2';
import { loadConfig } from '../server/config.js';

const CONNECT_TIMEOUT_MS = 10_000;

export interface ClientFlags {
  readonly config?: string;
  readonly host: string;
  readonly port: string;
  readonly socket?: string;
  readonly user: string;
  readonly password?: string;
}

export function addClientFlags(command: Command): Command {
  return command
    .option('-c, --config <file>', "a node's configuration: its address is mysql.listen")
    .option('--host <host>', 'address of the node', '127.0.0.1')
    .option('--port <port>', 'MySQL port of the node', '4002')
    .option('--socket <path>', 'unix socket instead of host and port')
    .option('-u, --user <name>', 'account', 'root')
    .option('-p, --password <password>', 'its password; or in the environment as MYSQL_PWD');
}

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
