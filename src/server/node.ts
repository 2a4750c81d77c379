/**
 * One node: recovery, the link to the peer, MySQL, HTTP, and their orderly end.
 *
 *   start   data directory -> LevelDB -> store (recovery) -> admin.sock, HTTP -> peer link -> MySQL port
 *   stop    readiness off -> clients finish what they run -> writes under way get their answer -> link -> store -> lock
 *
 * The code that serves is half of all there is to load: that is done while the disk is read, and what reads it is here and in
 * node-storage.ts.
 */

import type { Config } from './config.js';
import type { Logger } from './logger.js';
import { openStorage } from './node-storage.js';

export interface RunningNode {
  readonly mysqlPort: number;
  readonly httpPort: number;
  /** Resolves once clients are let in: at the latest when the peer has had its time to be found. */
  untilReady(): Promise<void>;
  /** Drains and stops; resolves when everything is closed. */
  stop(): Promise<void>;
}

/** What is to be done at the end, in the reverse order. */
export type Closers = (() => Promise<void>)[];

/** Recovers and starts a node. Rejects when an address, the data directory or the data cannot be used. */
export async function startNode(config: Config, log: Logger): Promise<RunningNode> {
  const closers: Closers = [];
  try {
    const loading = import('./node-services.js');
    const storage = await openStorage(config, log, closers);
    const { startServices } = await loading;
    const services = await startServices(config, log, storage, closers);
    let stopping: Promise<void> | null = null;
    return { ...services, stop: () => (stopping ??= closeAll(closers, log)) };
  } catch (error) {
    await closeAll(closers, log);
    throw error;
  }
}

/** In the reverse order of opening. What fails to close is logged, and the rest is closed all the same. */
async function closeAll(closers: (() => Promise<void>)[], log: Logger): Promise<void> {
  for (const close of closers.splice(0).reverse()) {
    try {
      await close();
    } catch (error) {
      log.error({ err: error }, 'could not close cleanly');
    }
  }
}
