/** What to type to reach a pair that is up. */
import { join } from 'node:path';
import type { Config } from '../server/config.js';
import { formatAddress, formatSize } from '../server/config-values.js';

/** Lines for the terminal: the addresses of both nodes, and how common clients reach them. */
export function connectHints(a: Config, b: Config, files: readonly [a: string, b: string]): string {
  const [first, second] = [a.mysql.listen, b.mysql.listen];
  const user = a.auth.accounts[0]?.name ?? 'root';
  const budget =
    a.replication.rpoBytes === 0
      ? 'rpo_bytes = 0: a write is on both disks before it is acknowledged'
      : `rpo_bytes = ${formatSize(a.replication.rpoBytes)}: at most this much acknowledged data can be lost with a node`;
  const jdbc = [
    'failOverReadOnly=false',
    'secondsBeforeRetrySource=0',
    'queriesBeforeRetrySource=0',
    'connectTimeout=2000',
    'socketTimeout=30000',
    'tcpKeepAlive=true',
  ].join('&');
  return [
    'Both nodes serve. Each takes writes and answers queries; a write to one shows on the other.',
    '',
    `            MySQL              status and metrics`,
    `  node-a    ${formatAddress(first).padEnd(17)}  http://${formatAddress(a.http.listen)}/status`,
    `  node-b    ${formatAddress(second).padEnd(17)}  http://${formatAddress(b.http.listen)}/status`,
    '',
    `  ${budget}`,
    '',
    'Connect:',
    `  mariadb -h ${first.host} -P ${first.port} -u ${user}        (or: mysql -h ${first.host} -P ${first.port} -u ${user})`,
    `  await mysql.createConnection({ host: '${first.host}', port: ${first.port}, user: '${user}' })        (mysql2)`,
    `  jdbc:mysql://${formatAddress(first)},${formatAddress(second)}/?${jdbc}`,
    '',
    'Try a failover: kill node-a, go on with node-b, and bring it back:',
    `  kill -9 $(cat ${join(a.node.dataDir, 'twintide.pid')})`,
    `  bin/twintide start --config ${files[0]}`,
    `  bin/twintide status -c ${files[0]} -c ${files[1]}`,
    'Ctrl-C stops both.',
  ].join('\n');
}
