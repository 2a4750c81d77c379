/** A MysqlServer on a free port of loopback, with three accounts and a script of statements. */

import { createConnection } from 'mysql2/promise';
import type { Connection, ConnectionOptions } from 'mysql2/promise';
import { MysqlServer, accountVerifier } from '../../../protocol/index.js';
import type { PollingProcess, ServerHooks, ServerOptions } from '../../../protocol/index.js';
import { testEnvironment } from './test-environment.js';
import { TestSession } from './test-session.js';
import type { Script } from './test-session.js';

const ACCOUNTS: Readonly<Record<string, string>> = { ann: 'secret', guest: '' };

export interface TestServer {
  readonly server: MysqlServer;
  readonly port: number;
  readonly sessions: TestSession[];
  readonly log: string[];
  readonly environment: ReturnType<typeof testEnvironment>;
  connect(options?: ConnectionOptions): Promise<Connection>;
  close(): Promise<void>;
}

export async function startTestServer(
  script: Script,
  options: Partial<ServerOptions> & { readonly hooks?: Partial<ServerHooks> } = {},
  polling: PollingProcess | null = null,
): Promise<TestServer> {
  const { hooks, ...serverOptions } = options;
  const environment = testEnvironment();
  const sessions: TestSession[] = [];
  const log: string[] = [];
  const clients: Connection[] = [];
  const server = new MysqlServer(
    {
      environment: polling === null ? environment : { ...environment, polling },
      hooks: {
        greeting: () => ({ ready: true }),
        verifier: (user) => {
          const password = ACCOUNTS[user];
          return password === undefined ? null : accountVerifier(password);
        },
        openSession: (connection) => {
          const session = new TestSession(connection, script, log);
          sessions.push(session);
          return session;
        },
        ...hooks,
      },
    },
    { version: '8.0.36-twintide-test', sweepIntervalMs: 10, ...serverOptions },
  );
  const address = await server.listen({ kind: 'tcp', host: '127.0.0.1', port: 0 });
  const port = address.kind === 'tcp' ? address.port : 0;
  return {
    server,
    port,
    sessions,
    log,
    environment,
    connect: async (more = {}) => {
      const client = await createConnection({
        host: '127.0.0.1',
        port,
        user: 'ann',
        password: 'secret',
        ...more,
      });
      // Errors of a connection that the server ends are told by the promises of its commands.
      client.on('error', () => undefined);
      clients.push(client);
      return client;
    },
    close: async () => {
      for (const client of clients) client.destroy();
      await server.close();
    },
  };
}
