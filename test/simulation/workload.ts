/**
 * What clients do: rows nobody else writes, keys that everybody writes, deletes, long writes in parts, DDL; and what expires, as the node's own
 * task would say it. All by the seed.
 */

import {
  DiskFullError,
  NotAppliedError,
  OutcomeUnknownError,
  RecordTooLargeError,
  UnconfirmedError,
  type Acknowledgement,
} from '../../replication/index.js';
import { encodeExpiryBody } from '../../storage/index.js';
import type { SeededRandom } from '../support/seeded-random.js';
import type { ModelOperation, ModelRow } from '../support/table-model.js';
import { DROP_TEXT } from './recording-machine.js';
import type { Process, SimulatedNode, World } from './simulated-node.js';
import { bodyOfChanges, SCHEMAS, schemasOf, type Change } from './simulated-tables.js';
import type { SimulatedWrite } from './simulated-write.js';

const FIRST_TIME_MS = 1_767_225_600_000n;
const HOUR_MS = 3_600_000n;

/** A client's statement fails its own check right before the append. */
class RejectedByCheck extends Error {
  override readonly name = 'RejectedByCheck';
}

export class Workload {
  readonly #world: World;
  readonly #random: SeededRandom;
  #writes = 0;
  #uniqueRows = 0;
  #expiries = 0;

  constructor(world: World, random: SeededRandom) {
    this.#world = world;
    this.#random = random;
  }

  get writeCount(): number {
    return this.#writes;
  }

  /** Expiry records that a node took. */
  get expiryCount(): number {
    return this.#expiries;
  }

  /** One statement on a node that serves. */
  write(node: SimulatedNode): void {
    const random = this.#random;
    const changes = Array.from({ length: random.chance(0.15) ? 2 : 1 }, () => this.#change());
    const write = this.#begin(node, { parts: [changes] });
    const body = bodyOfChanges(changes);
    this.#world.ledger.expect(write, body);
    const isRejected = random.chance(0.03);
    const abort = new AbortController();
    const promise = node.process!.replica.write('write', body, {
      schemas: schemasOf(changes),
      signal: abort.signal,
      ...sessionOf(write),
      ...(isRejected
        ? {
            validate: () => {
              throw new RejectedByCheck('the statement fails its check');
            },
          }
        : {}),
    });
    if (random.chance(0.03)) abort.abort();
    void this.#follow(node, write, promise);
  }

  /** A client that writes a row when the one before is answered, until its node dies: nobody else may write meanwhile. */
  rowByRow(node: SimulatedNode): void {
    const { process } = node;
    void (async () => {
      for (let rows = this.#random.integer(20, 40); rows > 0; rows -= 1) {
        if (node.process !== process) return;
        await this.plainWrite(node);
      }
    })();
  }

  /** A statement that nothing but the node can refuse; resolves with its answer. */
  plainWrite(node: SimulatedNode): Promise<void> {
    const row = this.#row('plain', FIRST_TIME_MS, 4);
    const changes: Change[] = [{ table: 'log', operation: { kind: 'rows', rows: [row] } }];
    const write = this.#begin(node, { parts: [changes] });
    const body = bodyOfChanges(changes);
    this.#world.ledger.expect(write, body);
    const options = { schemas: schemasOf(changes), ...sessionOf(write) };
    return this.#follow(node, write, node.process!.replica.write('write', body, options));
  }

  ddl(node: SimulatedNode): void {
    const text = this.#random.chance(0.1) ? DROP_TEXT : 'alter';
    const write = this.#begin(node, { ddl: `${text} ${this.#writes}` });
    const body = [Buffer.from(write.ddl!, 'latin1')];
    this.#world.ledger.expect(write, body);
    const options = { schemas: [], ...sessionOf(write) };
    void this.#follow(node, write, node.process!.replica.write('ddl', body, options));
  }

  /** Up to some time of the past, or of the future of another table's rows; the nodes say it in any order. */
  expire(node: SimulatedNode): void {
    const random = this.#random;
    const table = random.pick(['log', 'state', 'patched'] as const);
    const minutes =
      table === 'log' ? random.integer(0, this.#uniqueRows) : random.integer(-1, 5) * 60;
    const through = FIRST_TIME_MS + BigInt(minutes) * 60_000n;
    const { tableId } = SCHEMAS[table];
    const isSaid = node.process!.replica.expire(encodeExpiryBody([{ tableId, through }]));
    if (isSaid) this.#expiries += 1;
    this.#world.note(
      `${node.name} ${isSaid ? 'expires' : 'may not expire'} ${table} to ${through}`,
    );
  }

  /** A write in parts, with pauses in between in which anything may happen; some are given up, some never ended. */
  multiPart(node: SimulatedNode): void {
    const random = this.#random.fork();
    const parts = Array.from({ length: random.integer(1, 5) }, () => [this.#change()]);
    const ending = random.pick(['commit', 'commit', 'commit', 'abort', 'forget'] as const);
    const write = this.#begin(node, { parts });
    const { process } = node;
    const { replica } = process!;
    const { clock, ledger } = this.#world;
    const run = async (): Promise<Acknowledgement> => {
      const open = replica.beginMultiPart({
        schemas: schemasOf(parts.flat()),
        ...sessionOf(write),
      });
      for (const part of parts) {
        const body = bodyOfChanges(part);
        ledger.expect(write, body);
        await open.part(body);
        await clock.delay(random.pick([0, 1, 30, 400]));
        // A client of a dead process says nothing more.
        if (node.process !== process) await new Promise(() => undefined);
      }
      if (ending === 'commit') return open.commit();
      if (ending === 'abort') await open.abort();
      throw new RejectedByCheck(`the client's choice: ${ending}`);
    };
    void this.#follow(node, write, run());
  }

  #begin(
    node: SimulatedNode,
    content: Partial<Pick<SimulatedWrite, 'parts' | 'ddl'>>,
  ): SimulatedWrite {
    this.#writes += 1;
    return {
      number: this.#writes,
      nodeName: node.name,
      parts: [],
      ddl: null,
      sessionBytes: this.#random.chance(0.08) ? this.#random.pick([0, 500]) : null,
      ...content,
      outcome: { type: 'open' },
    };
  }

  #follow(
    node: SimulatedNode,
    write: SimulatedWrite,
    promise: Promise<Acknowledgement>,
  ): Promise<void> {
    const { process } = node;
    return promise.then(
      (acknowledgement) => this.#acknowledged(node, process!, write, acknowledgement),
      (error: unknown) => this.#refused(node, process!, write, error),
    );
  }

  #acknowledged(
    node: SimulatedNode,
    process: Process,
    write: SimulatedWrite,
    acknowledgement: Acknowledgement,
  ): void {
    // The client's connection broke with the process: nobody heard it.
    if (node.process !== process) return;
    const { position, warning } = acknowledgement;
    const { invariants } = this.#world;
    write.outcome = {
      type: 'acknowledged',
      point: position,
      warning,
      limitBytes: Math.min(node.budgetBytes, write.sessionBytes ?? Infinity),
    };
    const excuse = warning === null ? '' : `, ${warning}`;
    this.#world.note(`${node.name} acknowledges ${write.number} at ${position.sequence}${excuse}`);
    invariants.guard(() => invariants.acknowledged(node, write, position));
  }

  #refused(node: SimulatedNode, process: Process, write: SimulatedWrite, error: unknown): void {
    if (node.process !== process) return;
    const { invariants } = this.#world;
    if (error instanceof NotAppliedError) {
      write.outcome = { type: 'not-applied', reason: error.reason };
    } else if (isRefusal(error)) {
      write.outcome = { type: 'not-applied', reason: error.message };
    } else if (error instanceof UnconfirmedError) {
      write.outcome = { type: 'unconfirmed', point: error.position };
    } else if (error instanceof OutcomeUnknownError) {
      write.outcome = { type: 'unknown' };
    } else {
      invariants.violated(`write ${write.number} of ${node.name} was answered strangely`, error);
    }
    const { outcome } = write;
    const why = outcome.type === 'not-applied' ? `, ${outcome.reason}` : '';
    this.#world.note(`${node.name} answers ${write.number}: ${outcome.type}${why}`);
    invariants.guard(() => invariants.answered(node, write));
  }

  // ---- contents ----

  #change(): Change {
    const random = this.#random;
    const dice = random.nextFloat();
    if (dice < 0.4) return { table: 'log', operation: this.#uniqueRowsOperation() };
    const shared = random.pick(['state', 'patched'] as const);
    if (dice < 0.7) return { table: shared, operation: this.#sharedRows('rows') };
    if (dice < 0.78) return { table: shared, operation: this.#sharedRows('deletes') };
    if (dice < 0.86) return { table: random.pick([shared, 'log']), operation: this.#range() };
    if (dice < 0.94) return { table: 'doomed', operation: this.#sharedRows('rows') };
    return { table: 'log', operation: this.#sharedRows(random.pick(['rows', 'deletes'])) };
  }

  #uniqueRowsOperation(): ModelOperation {
    const rows = Array.from({ length: this.#rowCount() }, (): ModelRow => {
      this.#uniqueRows += 1;
      const time = FIRST_TIME_MS + BigInt(this.#uniqueRows) * 60_000n;
      return this.#row(`u${this.#uniqueRows % 7}`, time);
    });
    return { kind: 'rows', rows };
  }

  #sharedRows(kind: 'rows' | 'deletes'): ModelOperation {
    const random = this.#random;
    const rows = Array.from({ length: this.#rowCount() }, () =>
      this.#row(`k${random.integer(0, 3)}`, FIRST_TIME_MS + BigInt(random.integer(0, 9)) * HOUR_MS),
    );
    return { kind, rows };
  }

  #range(): ModelOperation {
    const random = this.#random;
    const from = FIRST_TIME_MS + BigInt(random.integer(0, 600)) * 60_000n;
    const isOpen = random.chance(0.1);
    return {
      kind: 'range',
      timeMin: from,
      timeMax: isOpen ? null : from + BigInt(random.integer(0, 120)) * 60_000n,
      firstTag: random.chance(0.5)
        ? null
        : [`k${random.integer(0, 3)}`, `u${random.integer(0, 6)}`],
    };
  }

  #rowCount(): number {
    return this.#random.chance(0.8) ? this.#random.integer(1, 3) : this.#random.integer(4, 30);
  }

  #row(tag: string, time: bigint, textBytes = this.#world.parameters.textBytes): ModelRow {
    const random = this.#random;
    const number = random.chance(0.3) ? null : random.integer(-1000, 1000);
    const filler = 'x'.repeat(Math.floor(random.nextFloat() * textBytes));
    const text = random.chance(0.3) ? null : `${this.#writes}${filler}`;
    return { cells: [tag, time, number, text] };
  }
}

function sessionOf(write: SimulatedWrite): { session?: { rpoBytes: number } } {
  return write.sessionBytes === null ? {} : { session: { rpoBytes: write.sessionBytes } };
}

/** Errors that promise: nothing was appended, or what was appended is aborted. */
function isRefusal(error: unknown): error is Error {
  return (
    error instanceof RejectedByCheck ||
    error instanceof DiskFullError ||
    error instanceof RecordTooLargeError
  );
}
