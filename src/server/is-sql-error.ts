/** Whether something that was thrown is the user's to know: it becomes the answer. Anything else is a fault of ours. */

import { SqlError } from '../../protocol/index.js';

export function isSqlError(error: unknown): error is SqlError {
  return error instanceof SqlError;
}
