/** The intervals in which acknowledgements could go beyond the budget, with what went: kept across restarts, newest last. */

import { pack, unpack } from 'msgpackr';
import { LEDGER_ROWS_MAX } from './config.js';
import type { AcknowledgementWarning, GateMode } from './gate-state.js';
import type { LedgerRow } from './status.js';

type OpenRow = { -readonly [Field in keyof LedgerRow]: LedgerRow[Field] };

export class DegradedLedger {
  readonly #rows: OpenRow[];
  #mode: GateMode = 'gated';
  #isDirty = false;

  /** `saved`: what `encode` gave before the restart. An interval that was open then was cut short by the restart. */
  constructor(saved: Uint8Array | undefined, nowMs: number) {
    this.#rows = saved === undefined ? [] : (unpack(saved) as OpenRow[]);
    for (const row of this.#rows) row.endedAtMs ??= nowMs;
  }

  get rows(): readonly LedgerRow[] {
    return this.#rows.map((row) => ({ ...row }));
  }

  /** The mode that was noted last. */
  get mode(): GateMode {
    return this.#mode;
  }

  /** True when something changed since the last `encode`. */
  get isDirty(): boolean {
    return this.#isDirty;
  }

  /** The gate's mode now; opens and closes rows. True when it changed. */
  note(mode: GateMode, wallMs: number): boolean {
    if (mode === this.#mode) return false;
    const last = this.#rows.at(-1);
    if (last !== undefined) last.endedAtMs ??= wallMs;
    if (mode !== 'gated') this.#open(mode, wallMs);
    this.#mode = mode;
    this.#isDirty = true;
    return true;
  }

  /** An acknowledgement went beyond the budget. */
  count(recordBytes: number): void {
    const row = this.#rows.at(-1);
    if (row === undefined) return;
    row.bytes += recordBytes;
    row.acknowledgements += 1;
    this.#isDirty = true;
  }

  encode(): Uint8Array {
    this.#isDirty = false;
    return pack(this.#rows);
  }

  #open(kind: AcknowledgementWarning, wallMs: number): void {
    this.#rows.push({ kind, startedAtMs: wallMs, endedAtMs: null, bytes: 0, acknowledgements: 0 });
    if (this.#rows.length > LEDGER_ROWS_MAX) this.#rows.shift();
  }
}
