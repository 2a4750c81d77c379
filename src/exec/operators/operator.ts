/** An operator: pulls batches from its input and gives batches, each of at most VECTOR_ROWS_MAX rows and never empty. */

import type { Batch } from '../batch.js';
import type { ExecutionContext, TableView } from '../execution-context.js';
import type { MemoryBudget, Pacer } from '../pacer.js';

export type Operator = AsyncGenerator<Batch, void, undefined>;

/** What the operators of one query share. */
export interface Runtime {
  readonly context: ExecutionContext;
  readonly pacer: Pacer;
  readonly memory: MemoryBudget;
  /** null when no stored table is read. */
  readonly view: TableView | null;
}
