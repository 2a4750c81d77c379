/** The text of anything that was thrown, for a message to people. */
export function errorReason(error: unknown): string {
  const isObject = typeof error === 'object' && error !== null;
  return isObject && 'message' in error && typeof error.message === 'string'
    ? error.message
    : String(error);
}

/** The stable code of an error ("EADDRINUSE", "LEVEL_LOCKED"), or null. */
export function errorCode(error: unknown): string | null {
  const isObject = typeof error === 'object' && error !== null;
  return isObject && 'code' in error && typeof error.code === 'string' ? error.code : null;
}
