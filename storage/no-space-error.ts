/**
 * Nothing more fits on the disk, or into the quota. The one failure of a disk that passes by itself: what was not written is still in memory
 * or in a journal, and is written when there is room.
 */

const CODES: readonly unknown[] = ['ENOSPC', 'EDQUOT'];
/** LevelDB has words alone for it: those of the system. */
const WORDS = /No space left on device|Disk quota exceeded/i;

export class NoSpaceError extends Error {
  override readonly name = 'NoSpaceError';
  readonly code = 'ENOSPC';
}

export function isNoSpace(error: unknown): boolean {
  return error instanceof Error && 'code' in error && CODES.includes(error.code);
}

/** An error of LevelDB under the code that it would have elsewhere. */
export function namedNoSpace(error: unknown): unknown {
  if (!(error instanceof Error) || isNoSpace(error)) return error;
  const cause = error.cause instanceof Error ? error.cause.message : '';
  if (!WORDS.test(`${error.message} ${cause}`)) return error;
  return new NoSpaceError(error.message, { cause: error });
}
