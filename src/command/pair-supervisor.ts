/**
 * Two node processes and their lives.
 *
 * Each child runs in its own process group, so that Ctrl-C reaches the parent alone and the children are stopped once, in
 * order. They hang on an IPC channel: when the parent dies, however it dies, they stop by themselves.
 *
 * A node that ends on its own does not take the other with it: watching the other go on is what a pair is for. Only a node
 * that never came to serve (its port is taken, its directory foreign) ends the whole.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { ExitCode } from './exit-codes.js';
import { NODE_FLAGS } from './node-flags.js';

export interface ChildPlan {
  readonly name: string;
  /** Of Node: the script first. */
  readonly arguments: readonly string[];
}

/** What the supervisor needs of the process that it runs in. */
export interface Supervision {
  /** A line of a child's output, without its end. */
  readonly onLine: (name: string, line: string) => void;
  /** Something happened to a child. */
  readonly onNews: (text: string) => void;
  /** Called once, when all children serve. */
  readonly onServing: () => void;
  /** Calls back at each wish of the user to stop. */
  readonly listenForStop: (listener: () => void) => void;
}

interface Child {
  readonly name: string;
  readonly process: ChildProcess;
  isServing: boolean;
  /** Null while it runs. */
  exitCode: number | null;
}

/**
 * Starts the children and follows them to their end. The first wish to stop ends them cleanly, the second kills them.
 * Resolves to 0 when they ended because they were told to, otherwise to the exit code of the first that failed.
 */
export function superviseChildren(
  plans: readonly ChildPlan[],
  supervision: Supervision,
): Promise<number> {
  return new Promise((resolve) => {
    const children = plans.map((plan) => startChild(plan, supervision));
    let isStopping = false;
    let failure: number | null = null;

    const signalAll = (signal: 'SIGTERM' | 'SIGKILL'): void => {
      for (const child of children) if (child.exitCode === null) child.process.kill(signal);
    };

    const onEnd = (child: Child, exitCode: number, how: string): void => {
      if (child.exitCode !== null) return;
      child.exitCode = exitCode;
      const others = children.filter((other) => other.exitCode === null);
      if (!isStopping) {
        failure ??= exitCode === ExitCode.done ? ExitCode.failed : exitCode;
        if (!child.isServing) {
          supervision.onNews(`${child.name} did not come to serve (${how})`);
          isStopping = true;
          signalAll('SIGTERM');
        } else {
          const rest = others.map((other) => other.name).join(', ');
          supervision.onNews(
            `${child.name} ended (${how})${rest === '' ? '' : `; ${rest} goes on`}`,
          );
        }
      }
      if (others.length === 0) {
        resolve(failure ?? Math.max(...children.map((each) => each.exitCode ?? ExitCode.failed)));
      }
    };

    supervision.listenForStop(() => {
      signalAll(isStopping ? 'SIGKILL' : 'SIGTERM');
      if (!isStopping) supervision.onNews('stopping both nodes; Ctrl-C again kills them');
      isStopping = true;
    });

    for (const child of children) {
      child.process.on('message', () => {
        // The only message a node sends: it serves.
        child.isServing = true;
        if (!isStopping && children.every((each) => each.isServing)) supervision.onServing();
      });
      child.process.on('error', (error) => onEnd(child, ExitCode.failed, error.message));
      child.process.on('close', (code, signal) =>
        onEnd(child, code ?? ExitCode.failed, signal ?? `exit code ${code}`),
      );
    }
  });
}

function startChild(plan: ChildPlan, { onLine }: Supervision): Child {
  const child = spawn(process.execPath, [...NODE_FLAGS, ...plan.arguments], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    detached: true,
  });
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream, crlfDelay: Infinity }).on('line', (line) => {
      onLine(plan.name, line);
    });
  }
  return { name: plan.name, process: child, isServing: false, exitCode: null };
}
