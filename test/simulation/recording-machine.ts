/**
 * A catalog reduced to the list of DDL records that were applied, so that one applied twice, or lost between a snapshot and the
 * journal, shows. One kind of record means something: it drops a table.
 */

import type { NodeId, StateMachine } from '../../storage/index.js';

export interface RecordedDdl {
  readonly version: number;
  readonly origin: NodeId;
  readonly text: string;
}

export const DROP_TEXT = 'drop doomed';

export class RecordingMachine implements StateMachine {
  readonly #drop: (version: number) => void;
  #applied: readonly RecordedDdl[] = [];

  constructor(drop: (version: number) => void) {
    this.#drop = drop;
  }

  /** In order of application. */
  get applied(): readonly RecordedDdl[] {
    return this.#applied;
  }

  apply(version: number, origin: NodeId, body: Uint8Array): void {
    const text = Buffer.from(body).toString('latin1');
    this.#applied = [...this.#applied, { version, origin, text }];
    if (text.startsWith(DROP_TEXT)) this.#drop(version);
  }

  snapshot(): Uint8Array {
    return Buffer.from(JSON.stringify(this.#applied), 'latin1');
  }

  restore(bytes: Uint8Array): void {
    this.#applied = JSON.parse(Buffer.from(bytes).toString('latin1')) as readonly RecordedDdl[];
  }
}

/** As text, in order of version: comparable between nodes and with the model. */
export function printDdl(applied: readonly RecordedDdl[]): string[] {
  return applied.map(({ version, origin, text }) => `${version}/${origin}/${text}`).sort();
}
