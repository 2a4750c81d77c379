/** One write of the workload, what it was to change, and what its client was told. */

import type { AcknowledgementWarning, JournalPoint } from '../../replication/index.js';
import type { Change } from './simulated-tables.js';

export type Outcome =
  /** No answer yet, or never one: the node died. The write may be there or not. */
  | { readonly type: 'open' }
  | {
      readonly type: 'acknowledged';
      readonly point: JournalPoint;
      readonly warning: AcknowledgementWarning | null;
      /** The budget that this acknowledgement had to obey. */
      readonly limitBytes: number;
    }
  | { readonly type: 'not-applied'; readonly reason: string }
  | { readonly type: 'unconfirmed'; readonly point: JournalPoint }
  | { readonly type: 'unknown' };

export interface SimulatedWrite {
  readonly number: number;
  readonly nodeName: string;
  /** One list of changes for each record; more than one record is a multi-part write. */
  readonly parts: readonly (readonly Change[])[];
  readonly ddl: string | null;
  /** `SET SESSION rpo_bytes`, or null. */
  readonly sessionBytes: number | null;
  outcome: Outcome;
}
