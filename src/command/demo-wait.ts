/** Waiting for something that a node does, never longer than a bound; the error says what was awaited and what was seen last. */

const POLL_MS = 20;

/** A step of the demo that did not come true: for people, without a stack. */
export class DemoError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'DemoError';
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

export interface Look<T> {
  /** Undefined: not yet. */
  readonly value: T | undefined;
  /** For the error: what there was instead. */
  readonly seen: string;
}

/** Looks again and again until there is a value. What `look` throws counts as "not yet", unless it is a DemoError. */
export async function waitFor<T>(
  what: string,
  timeoutMs: number,
  look: () => Promise<Look<T>>,
): Promise<T> {
  const endMs = performance.now() + timeoutMs;
  for (;;) {
    let seen: string;
    try {
      const looked = await look();
      if (looked.value !== undefined) return looked.value;
      seen = looked.seen;
    } catch (error) {
      if (error instanceof DemoError) throw error;
      seen = error instanceof Error ? error.message : String(error);
    }
    if (performance.now() >= endMs) {
      throw new DemoError(`waited ${timeoutMs / 1_000} s for ${what}; last seen: ${seen}`);
    }
    await pause(POLL_MS);
  }
}

/** A promise that may take no longer than this. */
export async function within<T>(what: string, timeoutMs: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new DemoError(`${what} took longer than ${timeoutMs / 1_000} s`));
    }, timeoutMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
