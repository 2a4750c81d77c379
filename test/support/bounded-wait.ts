/**
 * Waiting for something that another process does: never longer than a bound, and with an error that says what was awaited and
 * what was seen last, since "timed out" alone tells nobody anything.
 */

const POLL_MS = 20;

/** As long as the slowest machine may need; a test that fails waits for it once. */
export const PATIENCE_MS = 60_000;

export interface Seen<T> {
  /** Undefined: not yet. */
  readonly value?: T | undefined;
  /** For the error: what there was instead. */
  readonly seen: unknown;
}

export class WaitError extends Error {
  constructor(what: string, timeoutMs: number, seen: unknown) {
    const shown = typeof seen === 'string' ? seen : JSON.stringify(seen);
    super(`waited ${timeoutMs} ms for ${what}; last seen: ${shown}`);
    this.name = 'WaitError';
  }
}

/** What is awaited can no longer come: the wait ends at once. */
export class HopelessError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'HopelessError';
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

/**
 * Looks again and again until there is a value. An error of `look` counts as "not yet", and is what was seen.
 * @param what for the error: "node A to be ready"
 */
export async function waitFor<T>(
  what: string,
  look: () => Promise<Seen<T>> | Seen<T>,
  timeoutMs = PATIENCE_MS,
): Promise<T> {
  const endMs = performance.now() + timeoutMs;
  for (;;) {
    let seen: unknown;
    try {
      const looked = await look();
      if (looked.value !== undefined) return looked.value;
      seen = looked.seen;
    } catch (error) {
      if (error instanceof HopelessError) throw error;
      seen = String(error);
    }
    if (performance.now() >= endMs) throw new WaitError(what, timeoutMs, seen);
    await pause(POLL_MS);
  }
}

/** The same for a plain condition. */
export async function waitUntil(
  what: string,
  look: () => Promise<readonly [holds: boolean, seen: unknown]>,
  timeoutMs = PATIENCE_MS,
): Promise<void> {
  await waitFor(
    what,
    async () => {
      const [holds, seen] = await look();
      return { value: holds ? true : undefined, seen };
    },
    timeoutMs,
  );
}
