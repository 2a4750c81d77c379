/** The options of commands that are clients of a node. */
import type { Command } from 'commander';

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
