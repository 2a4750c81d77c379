/**
 * What the wire must remember of the prepared statements of one connection: the bound types and the long data sent ahead.
 *
 * The statements themselves live in the session. Their number is bounded over the whole server (max_prepared_stmt_count), the long data of
 * each statement by max_allowed_packet. COM_STMT_SEND_LONG_DATA has no reply, so its faults are kept and told by the next execute.
 */

import { ParameterReader } from './parameter-reader.js';
import { PayloadCollector } from './payload-collector.js';
import { SqlError } from './sql-error.js';

/** Counts the prepared statements of all connections of a server. */
export class StatementBudget {
  readonly max: number;
  #count = 0;

  constructor(max: number) {
    this.max = max;
  }

  get count(): number {
    return this.#count;
  }

  /** Throws SqlError 1461 when the server has its fill. */
  take(): void {
    if (this.#count >= this.max) {
      throw new SqlError('ER_MAX_PREPARED_STMT_COUNT_REACHED', { max: this.max });
    }
    this.#count++;
  }

  give(count: number): void {
    this.#count -= count;
  }
}

export class PreparedStatement {
  readonly id: number;
  readonly parameters: ParameterReader;
  readonly #longData = new Map<number, PayloadCollector>();
  #longDataBytes = 0;
  /** Told by the next execute. */
  #fault: SqlError | null = null;

  constructor(id: number, parameterCount: number) {
    this.id = id;
    this.parameters = new ParameterReader(parameterCount);
  }

  /** Appends to a parameter's value. Long `bytes` are kept as they are: they must be nobody else's. */
  addLongData(parameter: number, bytes: Uint8Array, bytesMax: number): void {
    if (parameter >= this.parameters.count) {
      this.#fault ??= new SqlError('ER_WRONG_ARGUMENTS', { what: 'mysqld_stmt_send_long_data' });
      return;
    }
    this.#longDataBytes += bytes.length;
    if (this.#longDataBytes > bytesMax) {
      this.#longData.clear();
      this.#fault ??= new SqlError(
        'ER_UNKNOWN_ERROR',
        "Parameter of prepared statement which is set through mysql_send_long_data() is longer than 'max_allowed_packet' bytes",
      );
      return;
    }
    let collector = this.#longData.get(parameter);
    if (collector === undefined) {
      collector = new PayloadCollector();
      this.#longData.set(parameter, collector);
    }
    collector.addOwned(bytes);
  }

  /** Whether `joinLongData` is to be called before `takeLongData`. */
  get isLongDataInParts(): boolean {
    for (const collector of this.#longData.values()) if (collector.isInParts) return true;
    return false;
  }

  /** Yields where a turn of the event loop should end. */
  *joinLongData(): Generator<undefined, void> {
    for (const collector of this.#longData.values()) {
      if (collector.isInParts) yield* collector.join();
    }
  }

  /** The values sent ahead, by parameter; forgotten here, as they are good for one execute. */
  takeLongData(): ReadonlyMap<number, Uint8Array> {
    if (this.#longData.size === 0) return NO_LONG_DATA;
    const values = new Map<number, Uint8Array>();
    for (const [parameter, collector] of this.#longData) values.set(parameter, collector.take());
    this.clearLongData();
    return values;
  }

  /** The fault of an earlier long data packet, forgotten once told. */
  takeFault(): SqlError | null {
    const fault = this.#fault;
    this.#fault = null;
    return fault;
  }

  clearLongData(): void {
    this.#longData.clear();
    this.#longDataBytes = 0;
    this.#fault = null;
  }
}

export class PreparedStatements {
  readonly #budget: StatementBudget;
  readonly #byId = new Map<number, PreparedStatement>();

  constructor(budget: StatementBudget) {
    this.#budget = budget;
  }

  /** Throws SqlError 1461 when there are too many; ask before the session prepares. */
  reserve(): void {
    this.#budget.take();
  }

  /** Gives a reservation back: the session could not prepare. */
  unreserve(): void {
    this.#budget.give(1);
  }

  /** Requires: reserved. */
  add(id: number, parameterCount: number): void {
    if (this.#byId.has(id)) throw new Error(`the session used statement id ${id} twice`);
    this.#byId.set(id, new PreparedStatement(id, parameterCount));
  }

  find(id: number): PreparedStatement | undefined {
    return this.#byId.get(id);
  }

  /** Throws SqlError 1243; `command` is MySQL's name of the caller. */
  get(id: number, command: string): PreparedStatement {
    const statement = this.#byId.get(id);
    if (statement === undefined) throw new SqlError('ER_UNKNOWN_STMT_HANDLER', { id, command });
    return statement;
  }

  remove(id: number): boolean {
    const removed = this.#byId.delete(id);
    if (removed) this.#budget.give(1);
    return removed;
  }

  clear(): void {
    this.#budget.give(this.#byId.size);
    this.#byId.clear();
  }
}

const NO_LONG_DATA: ReadonlyMap<number, Uint8Array> = new Map();
