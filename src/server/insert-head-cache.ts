/**
 * The INSERTs that a session sends again and again, told by the bytes before their rows.
 *
 * A client that writes row by row sends the same head a thousand times a second. To read it, to find the table and to work out the columns costs
 * more than the row itself; to compare it with the head of a statement before costs next to nothing. What a head means depends on
 * the catalog, the selected database, the SQL mode and the time zone: when one of them changes, all is forgotten.
 */

import type { InsertHead } from '../sql/dml-parser.js';
import type { InsertScanner } from '../sql/insert-scanner.js';
import { isWordByte } from '../sql/head-sniffer.js';
import type { InsertShape } from './insert-shape.js';
import type { SessionState } from './session-state.js';

export interface KnownInsert {
  /** Up to and with VALUES. */
  readonly bytes: Uint8Array;
  readonly head: InsertHead;
  readonly shape: InsertShape;
  /** Of the statement before; to be restarted. */
  readonly scanner: InsertScanner;
}

/** An application writes to a handful of tables; each entry holds the scanner of its columns. */
const ENTRIES_MAX = 8;
const HEAD_BYTES_MAX = 4096;

export class InsertHeadCache {
  readonly #state: SessionState;
  /** Least recently used first. */
  readonly #entries: KnownInsert[] = [];
  #generation = -1;
  #database: string | null = null;
  #sqlMode: object | null = null;
  #zone: object | null = null;

  constructor(state: SessionState) {
    this.#state = state;
  }

  /** The INSERT whose head chunk[start..end) begins with; null when it is not known, or not all of it is there. */
  find(chunk: Uint8Array, start: number, end: number): KnownInsert | null {
    if (this.#entries.length === 0) return null;
    if (!this.#isCurrent()) {
      this.clear();
      return null;
    }
    for (let index = this.#entries.length - 1; index >= 0; index -= 1) {
      const entry = this.#entries[index]!;
      if (!beginsWith(chunk, start, end, entry.bytes)) continue;
      if (index < this.#entries.length - 1) {
        this.#entries.splice(index, 1);
        this.#entries.push(entry);
      }
      return entry;
    }
    return null;
  }

  /** Requires: the statement was read to its end without a fault, and nobody else restarts its scanner. */
  remember(entry: KnownInsert): void {
    if (entry.bytes.length > HEAD_BYTES_MAX) return;
    if (!this.#isCurrent()) this.clear();
    if (this.#entries.length === ENTRIES_MAX) this.#entries.shift();
    this.#entries.push(entry);
  }

  clear(): void {
    const { context, database, variables, zone } = this.#state;
    this.#entries.length = 0;
    this.#generation = context.catalog.generation;
    this.#database = database;
    this.#sqlMode = variables.sqlMode;
    this.#zone = zone;
  }

  #isCurrent(): boolean {
    const { context, database, variables, zone } = this.#state;
    return (
      this.#generation === context.catalog.generation &&
      this.#database === database &&
      this.#sqlMode === variables.settings.sqlMode &&
      this.#zone === zone
    );
  }
}

/** The head, and behind it a byte that ends the word VALUES. */
function beginsWith(chunk: Uint8Array, start: number, end: number, head: Uint8Array): boolean {
  const { length } = head;
  if (end - start <= length) return false;
  // From the end: heads of one application differ in the table's name or the columns, not in INSERT INTO.
  for (let index = length - 1; index >= 0; index -= 1) {
    if (chunk[start + index] !== head[index]) return false;
  }
  return !isWordByte(chunk[start + length]!);
}
