/** KILL [CONNECTION | QUERY] id: what Ctrl-C in the command line, query timeouts of drivers and dashboards send. */

import { SqlError } from '../../protocol/index.js';
import type { Expression } from '../sql/ast.js';
import { constantOf, idOf } from './constant-expression.js';
import type { StatementRun } from './statement-run.js';

/** Throws 1094 for an id that no connection has. */
export function executeKill(
  run: StatementRun,
  target: 'query' | 'connection',
  id: Expression,
): void {
  const connectionId = idOf(constantOf(run, id), 'KILL');
  if (!run.state.context.kill(connectionId, target)) {
    throw new SqlError('ER_NO_SUCH_THREAD', { id: connectionId });
  }
  run.ok();
}
