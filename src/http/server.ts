/**
 * The HTTP endpoints of a node, for load balancers, monitoring and people. All answers come from memory at once, so that a
 * slow query or a full gate never looks like a dead node.
 *
 *   GET /health                    200 as long as the process lives
 *   GET /ready[?max_lag_ms=N]      200: send traffic here; 503 with the reason: do not
 *   GET /status                    everything, as JSON
 *   GET /metrics                   the same for Prometheus
 */
import Fastify, { type FastifyInstance } from 'fastify';
import type { Address } from '../server/config-values.js';
import { errorReason } from '../server/error-reason.js';
import type { Logger } from '../server/logger.js';
import { MetricsPage } from './metrics.js';
import { statusDocument, type HttpSources, type Readiness } from './node-snapshot.js';

/** A request is a line and a few headers: whoever needs longer is let go. */
const REQUEST_TIMEOUT_MS = 10_000;
const BODY_BYTES_MAX = 1024;

export interface HttpServer {
  /** With the port that was really taken, when port 0 was asked for. */
  readonly address: Address;
  close(): Promise<void>;
}

/** Listens; rejects with Node's own error (EADDRINUSE, EACCES...) when it cannot. */
export async function startHttpServer(options: {
  readonly listen: Address;
  readonly sources: HttpSources;
  readonly log: Logger;
}): Promise<HttpServer> {
  const { listen, sources, log } = options;
  const metrics = new MetricsPage();
  const app = Fastify({
    logger: false,
    bodyLimit: BODY_BYTES_MAX,
    connectionTimeout: REQUEST_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: true,
  });
  addRoutes(app, sources, metrics, log);
  try {
    await app.listen({ host: listen.host, port: listen.port });
  } catch (error) {
    metrics.close();
    await app.close();
    throw error;
  }
  const bound = app.server.address();
  return {
    address: {
      host: listen.host,
      port: typeof bound === 'string' ? listen.port : (bound?.port ?? listen.port),
    },
    close: async () => {
      metrics.close();
      await app.close();
    },
  };
}

function addRoutes(
  app: FastifyInstance,
  sources: HttpSources,
  metrics: MetricsPage,
  log: Logger,
): void {
  let scrapes: Promise<unknown> = Promise.resolve();

  app.addHook('onSend', async (_request, reply) => {
    reply.header('cache-control', 'no-store');
  });
  app.setErrorHandler(async (error, request, reply) => {
    log.error({ err: error, path: request.url }, 'an HTTP request failed');
    return reply.code(500).send({ error: errorReason(error) });
  });
  app.setNotFoundHandler(async (_request, reply) =>
    reply.code(404).send({ error: 'there are /health, /ready, /status and /metrics' }),
  );

  app.get('/health', async () => ({ alive: true }));

  app.get<{ Querystring: Readonly<Record<string, unknown>> }>('/ready', async (request, reply) => {
    const limit = request.query['max_lag_ms'];
    if (limit !== undefined && (typeof limit !== 'string' || !/^\d{1,15}$/.test(limit))) {
      return reply.code(400).send({ error: 'max_lag_ms needs a whole number of milliseconds' });
    }
    const { ready, reason, lagMs } = within(
      sources.readiness(),
      limit === undefined ? null : Number(limit),
    );
    return reply.code(ready ? 200 : 503).send({ ready, reason, lag_ms: lagMs });
  });

  app.get('/status', async () => statusDocument(sources.snapshot()));

  app.get('/metrics', async (_request, reply) => {
    const page = scrapes.then(() => metrics.render(sources.snapshot()));
    scrapes = page.catch(() => undefined); // answered by the error handler, for this scrape only
    return reply.type(metrics.contentType).send(await page);
  });
}

/** Readiness under a limit of lag. Without a link there is no lag, and the last node standing serves. */
function within(readiness: Readiness, maxLagMs: number | null): Readiness {
  const { ready, lagMs } = readiness;
  if (!ready || maxLagMs === null || lagMs === null || lagMs <= maxLagMs) return readiness;
  return {
    ready: false,
    reason: `${Math.round(lagMs)} ms behind the peer, max_lag_ms is ${maxLagMs}`,
    lagMs,
  };
}
