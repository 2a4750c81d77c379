/**
 * `twintide start`: one node in this process, until a signal.
 *
 * The first SIGINT, SIGTERM or SIGHUP stops the node cleanly; the second ends the process at once, which a node survives as
 * it survives a crash. A node started by `twintide pair` stops also when its parent is gone.
 */
import type { Config } from '../server/config.js';
import { createLogger, type Logger } from '../server/logger.js';
import { describeFailure, ExitCode } from './exit-codes.js';

/** As a shell says it of a process that a signal ended. */
const KILLED_BY_SECOND_SIGNAL = 130;

/** What a child tells `twintide pair` once it serves. */
export interface ServingMessage {
  readonly serving: true;
}

/** Resolves at the first wish to stop, and says whose. */
function stopRequested(log: Logger): Promise<string> {
  return new Promise((resolve) => {
    let isStopping = false;
    const request = (wish: string): void => {
      if (isStopping) {
        log.warn(`${wish} again: ending at once`);
        process.exit(KILLED_BY_SECOND_SIGNAL);
      }
      isStopping = true;
      resolve(wish);
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => request(signal));
    }
    process.once('disconnect', () => {
      if (!isStopping) request('the end of the parent process');
    });
  });
}

/** Runs a node until it is told to stop; resolves to the exit code. */
export async function runNode(config: Config): Promise<number> {
  const log = createLogger(config.log).child({ node: config.node.id });
  const stop = stopRequested(log);
  const crash = (error: unknown): void => {
    // A promise or a callback that nobody answers for is a defect, and what it left half done is unknown.
    log.fatal({ err: error }, 'a defect ends this node');
    process.exit(ExitCode.failed);
  };
  process.on('uncaughtException', crash);
  process.on('unhandledRejection', crash);

  try {
    const { startNode } = await import('../server/node.js');
    const starting = startNode(config, log);
    const early = await Promise.race([starting.then(() => null), stop]);
    if (early !== null) {
      // Nothing was acknowledged yet, and recovery begins again from what is on disk, so there is nothing to wait for.
      log.info(`stopped on ${early}, before it served`);
      return ExitCode.done;
    }
    const node = await starting;
    void node.untilReady().then(() => process.send?.({ serving: true } satisfies ServingMessage));
    log.info(`stopping on ${await stop}`);
    await node.stop();
    log.info('stopped');
    return ExitCode.done;
  } catch (error) {
    const { exitCode, message } = describeFailure(error, config);
    const isOurs = exitCode === ExitCode.failed;
    log.fatal(isOurs ? { err: error } : {}, isOurs ? 'the node failed' : message);
    return exitCode;
  }
}
