/**
 * Runs SELECT texts against tables in memory and shows rows as MySQL's text protocol would.
 *
 * `MemoryTable` is the smallest thing that keeps storage's promises to queries (ScanRequest: exact time bounds, series mask, column order), so
 * that planner and operators are tested without a store.
 */

import { valueText } from '../../src/exec/cast-text.js';
import { executeSelect } from '../../src/exec/execute-select.js';
import { valueAt, type ExecVector } from '../../src/exec/exec-vector.js';
import type { ExecutionContext, TableSource, TableView } from '../../src/exec/execution-context.js';
import {
  BIGINT,
  NULL_VALUE,
  textConstant,
  type SqlValue,
  type TypedValue,
} from '../../src/exec/sql-value.js';
import { resolveTimeZone } from '../../src/exec/time-zone.js';
import { gather } from '../../src/exec/vector-gather.js';
import { VectorBuilder } from '../../src/exec/vector-builder.js';
import type { SelectStatement } from '../../src/sql/ast.js';
import { parseStatement } from '../../src/sql/parser.js';
import type { SqlType } from '../../src/catalog/sql-type.js';
import { storedPrecisionOf, storedTypeOf } from '../../src/catalog/stored-type.js';
import type { ColumnDefinition, TableDefinition } from '../../src/catalog/table-definition.js';
import { ColumnRole, type ScanBatch, type StoredColumn, type Vector } from '../../storage/index.js';
import { SqlError } from '../../protocol/index.js';

/** 2024-03-15 10:20:30.456 UTC. */
export const NOW_MS = Date.UTC(2024, 2, 15, 10, 20, 30, 456);

export interface ColumnSpec {
  readonly name: string;
  readonly type: SqlType;
  readonly role: 'tag' | 'time' | 'field';
  readonly nullable?: boolean;
}

/** Storage keeps the lowest ids for columns of its own. */
export const FIRST_COLUMN_ID = 1001;

/** A table definition with column ids FIRST_COLUMN_ID, ... in the given order. */
export function defineTable(
  name: string,
  specs: readonly ColumnSpec[],
  appendMode = false,
): TableDefinition {
  const stored: StoredColumn[] = specs.map((spec, i) => ({
    id: FIRST_COLUMN_ID + i,
    type: storedTypeOf(spec.type)!,
    role: ColumnRole[spec.role],
    precision: storedPrecisionOf(spec.type),
  }));
  const order = [ColumnRole.tag, ColumnRole.time, ColumnRole.field];
  const sorted = [...stored].sort((a, b) => order.indexOf(a.role) - order.indexOf(b.role));
  const columns = specs.map((spec, position): ColumnDefinition => ({
    name: spec.name,
    type: spec.type,
    role: ColumnRole[spec.role],
    nullable: spec.nullable ?? spec.role !== 'time',
    default: { kind: 'none' },
    comment: '',
    position,
    schemaIndex: sorted.findIndex((column) => column.id === FIRST_COLUMN_ID + position),
    columnId: FIRST_COLUMN_ID + position,
  }));
  const partitionMs = 86_400_000;
  return {
    database: 'test',
    name,
    parts: [
      {
        tableId: 7,
        origin: 1,
        schema: { tableId: 7, columns: sorted, appendMode, partitionMs },
        columnIds: columns.map((column) => column.columnId),
      },
    ],
    columns,
    timeIndex: columns.find((column) => column.role === ColumnRole.time)!,
    tags: columns.filter((column) => column.role === ColumnRole.tag),
    appendMode,
    partitionMs,
    options: [],
    comment: '',
    mergeFields: false,
    ttl: null,
    createdVersion: 7,
  };
}

export class MemoryTable {
  readonly definition: TableDefinition;
  readonly #rows: readonly (readonly SqlValue[])[];
  readonly #batchRows: number;
  readonly #exact: boolean;
  readonly #series: number[] = [];
  readonly #seriesRows: (readonly SqlValue[])[] = [];
  readonly scans: {
    timeMin: bigint | null;
    timeMax: bigint | null;
    columns: readonly number[];
    limitRows: number | undefined;
    masks: number[] | null;
  }[] = [];
  released = 0;

  constructor(
    definition: TableDefinition,
    rows: readonly (readonly SqlValue[])[],
    options: { batchRows?: number; exact?: boolean } = {},
  ) {
    this.definition = definition;
    this.#rows = rows;
    this.#batchRows = options.batchRows ?? 3;
    this.#exact = options.exact ?? false;
    const known = new Map<string, number>();
    for (const row of rows) {
      const tags = definition.tags.map((tag) => row[tag.position] ?? null);
      const key = tags
        .map((tag) =>
          tag instanceof Uint8Array ? `b${Buffer.from(tag).toString('hex')}` : String(tag),
        )
        .join('/');
      if (!known.has(key)) {
        known.set(key, known.size);
        this.#seriesRows.push(row);
      }
      this.#series.push(known.get(key)!);
    }
  }

  view(): TableView {
    const rows = this.#rows;
    const { definition } = this;
    const timeAt = definition.timeIndex.position;
    const columnOf = (id: number): ColumnDefinition =>
      definition.columns.find((column) => column.columnId === id)!;
    const build = (id: number, source: readonly (readonly SqlValue[])[]): Vector => {
      const { type, position, role } = columnOf(id);
      const builder = new VectorBuilder(type, source.length);
      for (const row of source) builder.append(row[position] ?? null);
      return asStored(builder.finish(), role === ColumnRole.tag, type, source, position);
    };
    const { scans } = this;
    const seriesOf = this.#series;
    const batchRows = this.#batchRows;
    return {
      release: () => {
        this.released += 1;
      },
      series: () => ({ count: this.#seriesRows.length, tag: (id) => build(id, this.#seriesRows) }),
      estimate: () => {
        const times = rows.map((row) => row[timeAt] as bigint);
        const sorted = [...times].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
        return {
          rows: rows.length,
          exactRows: this.#exact ? rows.length : null,
          timeMin: sorted[0] ?? null,
          timeMax: sorted.at(-1) ?? null,
        };
      },
      async *scan(request): AsyncGenerator<ScanBatch, undefined> {
        const mask = request.seriesMask?.(definition.parts[0].tableId) ?? null;
        scans.push({
          timeMin: request.timeMin,
          timeMax: request.timeMax,
          columns: request.columns.map((id) => columnOf(id).position),
          limitRows: request.limitRows,
          masks: mask === null ? null : [...mask],
        });
        const wanted = rows.filter((row, i) => {
          const time = row[timeAt] as bigint;
          if (request.timeMin !== null && time < request.timeMin) return false;
          if (request.timeMax !== null && time > request.timeMax) return false;
          return mask === null || mask[seriesOf[i]!] === 1;
        });
        for (let from = 0; from < wanted.length; from += batchRows) {
          await Promise.resolve();
          const part = wanted.slice(from, from + batchRows);
          yield {
            length: part.length,
            columns: request.columns.map((id) => build(id, part)),
            series: null,
          };
        }
      },
    };
  }
}

/** As storage gives it: tags of bytes as dictionaries, times with base and offsets, 64-bit integers either way. */
function asStored(
  vector: ExecVector,
  isTag: boolean,
  type: SqlType,
  source: readonly (readonly SqlValue[])[],
  position: number,
): Vector {
  if (vector.kind === 'bytes' && isTag) {
    const rows = Uint32Array.from({ length: vector.length }, (_, i) => vector.length - 1 - i);
    const reversed = gather(vector, rows, vector.length);
    if (reversed.kind !== 'bytes') throw new Error('bytes stay bytes');
    return {
      kind: 'dictionary',
      length: vector.length,
      codes: rows,
      dictionary: { ...reversed, nulls: null },
      nulls: vector.nulls,
    };
  }
  if (vector.kind === 'instant') {
    const counts = source.map((row) => row[position] as bigint | null);
    const base = counts.find((count) => count !== null) ?? 0n;
    const offsets = Float64Array.from(counts, (count) =>
      count === null ? 0 : Number(count - base),
    );
    return { kind: 'time', length: vector.length, base, offsets, nulls: vector.nulls };
  }
  if (vector.kind === 'decimal') throw new Error('decimals are not stored');
  if (type.kind === 'datetime' || type.kind === 'timestamp') return vector;
  return vector;
}

export interface HarnessOptions {
  /** Anything with a definition and a view; queries read the view of the first. */
  readonly tables?: readonly { readonly definition: TableDefinition; view(): TableView }[];
  readonly virtual?: readonly TableSource[];
  readonly timeZone?: string;
  readonly parameters?: readonly TypedValue[];
  readonly signal?: AbortSignal;
  readonly maxExecutionMs?: number;
  readonly queryMemoryBytes?: number;
  readonly variables?: ReadonlyMap<string, TypedValue>;
}

export interface HarnessContext extends ExecutionContext {
  readonly warningList: string[];
}

export function harnessContext(options: HarnessOptions = {}): HarnessContext {
  const warningList: string[] = [];
  let monotonic = 0;
  return {
    warningList,
    resolveTable: (database, table) => {
      const stored = options.tables?.find((candidate) => candidate.definition.name === table);
      if (stored !== undefined) return { kind: 'stored', table: stored.definition };
      const virtual = options.virtual?.find(
        (source) => source.kind === 'virtual' && source.name === table,
      );
      if (virtual !== undefined) return virtual;
      throw new SqlError('ER_NO_SUCH_TABLE', { database: database ?? 'test', table });
    },
    session: {
      database: 'test',
      user: 'ann@localhost',
      currentUser: 'ann@%',
      connectionId: 42,
      version: '8.0.36-Twintide',
      lastInsertId: 0,
      rowCount: -1,
      foundRows: 3,
      systemVariable: (name) => {
        if (name === 'max_allowed_packet') return { type: BIGINT, value: 67_108_864 };
        if (name === 'version_comment') return textConstant('Twintide');
        throw new SqlError('ER_UNKNOWN_SYSTEM_VARIABLE', { name });
      },
      userVariable: (name) => options.variables?.get(name) ?? NULL_VALUE,
    },
    nowMs: NOW_MS,
    clock: { wallMs: () => NOW_MS + 5000, monotonicMs: () => (monotonic += 0.01) },
    random: { fill: (target) => target.fill(0x5a) },
    timeZone: resolveTimeZone(options.timeZone ?? 'UTC'),
    systemTimeZone: 'UTC',
    parameters: options.parameters ?? [],
    warnings: { add: (level, code, message) => warningList.push(`${level} ${code} ${message}`) },
    timers: {
      after: (delayMs, task) => {
        monotonic += delayMs;
        const handle = setImmediate(task);
        return { cancel: () => clearImmediate(handle) };
      },
      yieldTurn: () => new Promise((resolve) => setImmediate(resolve)),
    },
    signal: options.signal ?? new AbortController().signal,
    maxExecutionMs: options.maxExecutionMs ?? 0,
    queryMemoryBytes: options.queryMemoryBytes ?? 1e9,
    openReadView: () => (options.tables?.[0] ?? fail('no table')).view(),
  };
}

function fail(reason: string): never {
  throw new Error(reason);
}

export function parseSelect(sql: string): SelectStatement {
  const { statement } = parseStatement(sql, { ansiQuotes: false, noBackslashEscapes: false });
  if (statement.kind !== 'select') throw new Error(`not a SELECT: ${sql}`);
  return statement;
}

export interface Answer {
  readonly names: readonly string[];
  readonly types: readonly SqlType[];
  readonly rows: readonly (readonly (string | null)[])[];
  readonly warnings: readonly string[];
}

/** Runs the query and writes every value as text. */
export async function query(sql: string, options: HarnessOptions = {}): Promise<Answer> {
  const context = harnessContext(options);
  const result = executeSelect(parseSelect(sql), context);
  const rows: (string | null)[][] = [];
  for await (const batch of result.batches) {
    for (let row = 0; row < batch.length; row++) {
      rows.push(
        result.columns.map(({ type }, i) =>
          valueText(valueAt(batch.vectors[i]!, type, row), type, context),
        ),
      );
    }
  }
  return {
    names: result.columns.map((column) => column.name),
    types: result.columns.map((column) => column.type),
    rows,
    warnings: context.warningList,
  };
}

/** The one value of a query without tables. */
export async function valueOf(
  expression: string,
  options: HarnessOptions = {},
): Promise<string | null> {
  const { rows } = await query(`SELECT ${expression}`, options);
  if (rows.length !== 1) throw new Error(`${rows.length} rows`);
  return rows[0]![0]!;
}

export async function errorOf(
  sql: string,
  options: HarnessOptions = {},
): Promise<{ errno: number; message: string }> {
  try {
    await query(sql, options);
  } catch (error) {
    if (error instanceof SqlError) return { errno: error.errno, message: error.message };
    throw error;
  }
  throw new Error(`no error from ${sql}`);
}
