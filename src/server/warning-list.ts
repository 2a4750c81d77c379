/**
 * What SHOW WARNINGS lists: notes, warnings and the error of the last statement.
 *
 * Kept until the next statement begins (SHOW WARNINGS itself excepted). At most WARNINGS_MAX are kept, all are counted: a
 * bad bulk INSERT could leave one for each of a million rows.
 */

import type { SqlError } from '../../protocol/index.js';
import type { StatementNote } from '../catalog/statement-note.js';
import type { WarningSink } from '../exec/execution-context.js';

export interface SessionWarning {
  readonly level: 'Note' | 'Warning' | 'Error';
  readonly code: number;
  readonly message: string;
}

/** MySQL's max_error_count. */
export const WARNINGS_MAX = 1024;
/** The OK packet has 16 bits for it. */
const COUNT_MAX = 65_535;

export class WarningList implements WarningSink {
  readonly #kept: SessionWarning[] = [];
  #count = 0;
  #errorCount = 0;

  add(level: 'Note' | 'Warning' | 'Error', code: number, message: string): void {
    this.#count += 1;
    if (level === 'Error') this.#errorCount += 1;
    if (this.#kept.length < WARNINGS_MAX) this.#kept.push({ level, code, message });
  }

  addNotes(notes: readonly StatementNote[]): void {
    for (const { level, code, message } of notes) this.add(level, code, message);
  }

  addError(error: SqlError): void {
    this.add('Error', error.errno, error.message);
  }

  /** As OK and EOF packets carry it. */
  get count(): number {
    return Math.min(this.#count, COUNT_MAX);
  }

  get errorCount(): number {
    return this.#errorCount;
  }

  get list(): readonly SessionWarning[] {
    return this.#kept;
  }
}
