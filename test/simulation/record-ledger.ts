/**
 * The truth of a run: every record that any node ever appended, with its version and the rolling hash after it, noted down at the
 * moment of the append. What a node shows is compared with what this ledger says of the positions it has applied.
 */

import {
  decodeExpiryBody,
  RecordKind,
  isGatedKind,
  type IncarnationId,
  type NodeId,
  type RecordView,
  type RollingHash,
  type TableExpiry,
} from '../../storage/index.js';
import { printRow, visibleRows, type ModelRecord } from '../support/table-model.js';
import { DROP_TEXT } from './recording-machine.js';
import { SCHEMAS, TABLE_NAMES, type TableName, type TableRows } from './simulated-tables.js';
import type { SimulatedWrite } from './simulated-write.js';

export interface LedgerEntry {
  readonly sequence: number;
  readonly version: number;
  readonly kind: RecordKind;
  readonly hash: RollingHash;
  /** Bytes that the gate counts, of the incarnation up to and including this record. */
  readonly endBytes: number;
  readonly write: SimulatedWrite | null;
  /** Of a part, commit or abort: the sequence of the write's first part. */
  readonly firstPart: number;
  /** Of an expiry record, else empty. */
  readonly expiries: readonly TableExpiry[];
}

export interface LedgerIncarnation {
  readonly id: IncarnationId;
  readonly origin: NodeId;
  /** Sequence 1 is at 0. */
  readonly entries: LedgerEntry[];
}

/** How far each incarnation counts. */
export type SequenceOf = (incarnation: LedgerIncarnation) => number;

export class RecordLedger {
  readonly #incarnations = new Map<IncarnationId, LedgerIncarnation>();
  readonly #writes = new WeakMap<Uint8Array, SimulatedWrite>();
  readonly #highest = new Map<NodeId, number>();

  get incarnations(): Iterable<LedgerIncarnation> {
    return this.#incarnations.values();
  }

  incarnation(id: IncarnationId): LedgerIncarnation | undefined {
    return this.#incarnations.get(id);
  }

  entry(incarnation: IncarnationId, sequence: number): LedgerEntry | undefined {
    return this.#incarnations.get(incarnation)?.entries[sequence - 1];
  }

  /** Highest version in any record. */
  get highestVersion(): number {
    return Math.max(0, ...this.#highest.values());
  }

  /** A body that is about to be written: its last part tells later which write a record belongs to. */
  expect(write: SimulatedWrite, body: readonly Uint8Array[]): void {
    this.#writes.set(body.at(-1)!, write);
  }

  /** The opening record. */
  begin(origin: NodeId, id: IncarnationId, version: number, hash: RollingHash): void {
    const entry = { sequence: 1, version, kind: RecordKind.opening, hash, endBytes: 0 };
    this.#incarnations.set(id, {
      id,
      origin,
      entries: [{ ...entry, write: null, firstPart: 0, expiries: [] }],
    });
    this.#checkVersion(origin, version);
  }

  /** An own record was appended, with these parts as its body. */
  append(
    id: IncarnationId,
    record: RecordView,
    body: readonly Uint8Array[],
    hash: RollingHash,
  ): void {
    const { entries, origin } = this.#incarnations.get(id)!;
    if (record.sequence !== entries.length + 1) {
      throw new Error(`record ${record.sequence} of ${id} was appended after ${entries.length}`);
    }
    this.#checkVersion(origin, record.version);
    const counted = isGatedKind(record.kind) ? record.bytes.length : 0;
    const firstPart = firstPartOf(record);
    const isNamed = record.kind === RecordKind.commit || record.kind === RecordKind.abort;
    const write = isNamed
      ? entries[firstPart - 1]!.write
      : (this.#writes.get(body.at(-1)!) ?? null);
    entries.push({
      sequence: record.sequence,
      version: record.version,
      kind: record.kind,
      hash,
      endBytes: entries.at(-1)!.endBytes + counted,
      write,
      firstPart,
      expiries: record.kind === RecordKind.expiry ? decodeExpiryBody(record.body) : [],
    });
  }

  /** Bytes that the gate counts in (after, through] of an incarnation. */
  countedBytes(id: IncarnationId, after: number, through: number): number {
    if (through <= after) return 0;
    const end = this.entry(id, through)?.endBytes ?? 0;
    return end - (after === 0 ? 0 : this.entry(id, after)!.endBytes);
  }

  /** What the reader of a node must see that has applied each incarnation so far. */
  rowsAt(sequenceOf: SequenceOf): TableRows {
    const records: Record<TableName, ModelRecord[]> = {
      log: [],
      state: [],
      patched: [],
      doomed: [],
    };
    let isDropped = false;
    for (const { version, expiries } of this.#all(sequenceOf)) {
      for (const { tableId, through } of expiries) {
        const table = TABLE_NAMES.find((name) => SCHEMAS[name].tableId === tableId)!;
        records[table].push({ version, operations: [], expiredThrough: through });
      }
    }
    for (const { entry, changes } of this.#effects(sequenceOf)) {
      if (entry.write!.ddl?.startsWith(DROP_TEXT) === true) isDropped = true;
      for (const table of TABLE_NAMES) {
        const operations = changes
          .filter((change) => change.table === table)
          .map((change) => change.operation);
        if (operations.length > 0) records[table].push({ version: entry.version, operations });
      }
    }
    if (isDropped) records.doomed = [];
    const print = (table: TableName): readonly string[] =>
      visibleRows(SCHEMAS[table], records[table])
        .map((row) => printRow(row.cells))
        .sort();
    return {
      log: print('log'),
      state: print('state'),
      patched: print('patched'),
      doomed: print('doomed'),
    };
  }

  /** DDL in those records, as `printDdl` prints it. */
  ddlAt(sequenceOf: SequenceOf): string[] {
    const printed: string[] = [];
    for (const incarnation of this.#incarnations.values()) {
      for (const { kind, version, write } of this.#through(incarnation, sequenceOf)) {
        if (kind === RecordKind.ddl) printed.push(`${version}/${incarnation.origin}/${write!.ddl}`);
      }
    }
    return printed.sort();
  }

  /** The record by which a write took effect, or undefined when there is none. */
  effectOf(write: SimulatedWrite): { id: IncarnationId; entry: LedgerEntry } | undefined {
    for (const { id, entries } of this.#incarnations.values()) {
      const entry = entries.find((each) => each.write === write && isEffect(each.kind));
      if (entry !== undefined) return { id, entry };
    }
    return undefined;
  }

  *#through(incarnation: LedgerIncarnation, sequenceOf: SequenceOf): Generator<LedgerEntry> {
    const through = sequenceOf(incarnation);
    for (const entry of incarnation.entries) {
      if (entry.sequence > through) return;
      yield entry;
    }
  }

  *#all(sequenceOf: SequenceOf): Generator<LedgerEntry> {
    for (const incarnation of this.#incarnations.values()) {
      yield* this.#through(incarnation, sequenceOf);
    }
  }

  *#effects(
    sequenceOf: SequenceOf,
  ): Generator<{ entry: LedgerEntry; changes: SimulatedWrite['parts'][number] }> {
    for (const incarnation of this.#incarnations.values()) {
      for (const entry of this.#through(incarnation, sequenceOf)) {
        if (!isEffect(entry.kind) || entry.write === null) continue;
        // A commit stands for the parts before it: all of them were appended, or there would be no commit.
        yield { entry, changes: entry.write.parts.flat() };
      }
    }
  }

  #checkVersion(origin: NodeId, version: number): void {
    const highest = this.#highest.get(origin) ?? 0;
    if (version <= highest) {
      throw new Error(`node ${origin} stamped ${version} after ${highest}`);
    }
    this.#highest.set(origin, version);
  }
}

function isEffect(kind: RecordKind): boolean {
  return kind === RecordKind.write || kind === RecordKind.commit || kind === RecordKind.ddl;
}

function firstPartOf(record: RecordView): number {
  const { kind, body, sequence } = record;
  if (kind !== RecordKind.part && kind !== RecordKind.commit && kind !== RecordKind.abort) return 0;
  const named = new DataView(body.buffer, body.byteOffset).getBigUint64(0, true);
  return named === 0n ? sequence : Number(named);
}
