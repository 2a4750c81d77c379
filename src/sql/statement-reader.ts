/**
 * The bytes of one COM_QUERY, in pieces -> a statement's text, or rows in a batch.
 *
 * Looks at no more than it must: past blanks and comments to the first word. INSERT and REPLACE are collected up to and
 * with VALUES, parsed, and their target is asked for; from there on the scanner reads the rows as they come. Anything else is
 * collected whole, up to a limit. What comes after an error is counted and forgotten, and the error is given at the end: only
 * then may the server answer.
 *
 *   sniff --INSERT, REPLACE--> head --VALUES--> rows
 *     |                          |                |
 *     +--anything else--> text <-+ (no VALUES)    +--error--> refused
 */

import { SqlError } from '../../protocol/index.js';
import { ByteCollector } from './byte-collector.js';
import { parseInsertHead } from './dml-parser.js';
import type { InsertHead } from './dml-parser.js';
import { HeadSniffer } from './head-sniffer.js';
import { InsertScanner } from './insert-scanner.js';
import type { InsertTarget } from './insert-target.js';
import { statementText } from './statement-text.js';
import { TokenCursor } from './token-cursor.js';
import type { SqlTextOptions } from './token.js';

export interface StatementReaderOptions extends SqlTextOptions {
  /** Most bytes of a statement that is collected as text. */
  readonly textBytesMax: number;
  /** Most bytes of an INSERT before its VALUES. */
  readonly headBytesMax: number;
  /** Rows after which the event loop gets a turn. */
  readonly rowsPerTurn: number;
}

/** What the reader asks of the one who runs statements. */
export interface StatementReaderHooks {
  /**
   * An INSERT whose whole head was read before and begins at chunk[start]: how many bytes it is, its target, and a scanner that
   * was restarted for it. Null = read the head. Asked once, for the first bytes of a statement.
   */
  knownInsert(chunk: Uint8Array, start: number, end: number): KnownHead | null;
  /** The target of an INSERT whose head has been read. Throws SqlError: unknown table or column, no privilege. */
  resolveInsert(head: InsertHead): InsertTarget;
  /** Resolves in a later turn of the event loop. */
  yieldTurn(): Promise<void>;
}

export interface KnownHead {
  readonly bytes: number;
  readonly head: InsertHead;
  readonly target: InsertTarget;
  readonly scanner: InsertScanner;
}

/** What the bytes came to. */
export type ReadStatement = { readonly kind: 'text'; readonly text: string } | ReadRows;

/** All rows are in the target's batches. */
export interface ReadRows {
  readonly kind: 'rows';
  readonly head: InsertHead;
  readonly target: InsertTarget;
  readonly rowCount: number;
  /** At its end, without a fault: it may be restarted. */
  readonly scanner: InsertScanner;
  /** The head as it was read, up to and with VALUES; null when it was known. Valid until the next statement begins. */
  readonly headBytes: Uint8Array | null;
}

interface ReadInsert {
  readonly head: InsertHead;
  readonly target: InsertTarget;
  readonly scanner: InsertScanner;
  readonly wasKnown: boolean;
}

export class StatementReader {
  readonly #hooks: StatementReaderHooks;
  readonly #options: StatementReaderOptions;
  readonly #sniffer: HeadSniffer;
  #state: 'start' | 'head' | 'text' | 'rows' | 'refused' = 'start';
  readonly #collected = new ByteCollector();
  #insert: ReadInsert | null = null;
  /** An SqlError. */
  #error: Error | null = null;

  constructor(hooks: StatementReaderHooks, options: StatementReaderOptions) {
    this.#hooks = hooks;
    this.#options = options;
    this.#sniffer = new HeadSniffer(options);
  }

  /** Another statement begins. Requires: no promise of `write` is pending. */
  reset(): void {
    this.#sniffer.reset();
    this.#state = 'start';
    this.#collected.clear();
    this.#insert = null;
    this.#error = null;
  }

  /**
   * Takes chunk[start..end); the chunk may be reused once the call returned. A promise is back-pressure: to be waited for before the next call.
   * Never throws SqlError: it is kept for `end`.
   */
  write(chunk: Uint8Array, start: number, end: number): void | Promise<void> {
    let at = start;
    if (this.#state === 'start') {
      this.#state = 'head';
      at = this.#guard(end, () => this.#skipKnownHead(chunk, at, end));
    }
    if (this.#state === 'head') {
      at = this.#guard(end, () => this.#readHead(chunk, at, end));
    }
    if (this.#state === 'text') {
      this.#guard(end, () => this.#collect(chunk, at, end, this.#options.textBytesMax));
      return undefined;
    }
    return this.#state === 'rows' ? this.#readRows(chunk, at, end) : undefined;
  }

  /** The text is over. Throws the SqlError that the statement met, if it met one. */
  end(): ReadStatement {
    if (this.#error !== null) {
      throw this.#error;
    }
    const insert = this.#insert;
    if (insert === null) {
      return { kind: 'text', text: this.#text() };
    }
    insert.scanner.end();
    const { head, target, scanner, wasKnown } = insert;
    const headBytes = wasKnown ? null : this.#collected.bytes.subarray(0, this.#collected.length);
    return { kind: 'rows', head, target, rowCount: scanner.rowCount, scanner, headBytes };
  }

  /** Runs `read`; an SqlError ends the statement, and the rest of its bytes counts as read. */
  #guard(end: number, read: () => number): number {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof SqlError)) {
        throw error;
      }
      this.#refuse(error);
      return end;
    }
  }

  #refuse(error: Error): void {
    this.#error = error;
    this.#state = 'refused';
    this.#collected.clear();
  }

  #skipKnownHead(chunk: Uint8Array, start: number, end: number): number {
    const known = this.#hooks.knownInsert(chunk, start, end);
    if (known === null) return start;
    const { bytes, head, target, scanner } = known;
    this.#insert = { head, target, scanner, wasKnown: true };
    this.#state = 'rows';
    return start + bytes;
  }

  #readHead(chunk: Uint8Array, start: number, end: number): number {
    const read = this.#sniffer.advance(chunk, start, end);
    const isInsert = this.#sniffer.verdict !== 'other';
    const limit = isInsert ? this.#options.headBytesMax : this.#options.textBytesMax;
    this.#collect(chunk, start, read, limit);
    if (this.#sniffer.verdict === 'other') {
      this.#state = 'text';
    } else if (this.#sniffer.verdict === 'values') {
      this.#beginRows();
    }
    return read;
  }

  #collect(chunk: Uint8Array, start: number, end: number, bytesMax: number): number {
    if (this.#collected.length + end - start > bytesMax) {
      throw new SqlError(
        'ER_NET_PACKET_TOO_LARGE',
        `A statement of this kind may have at most ${bytesMax} bytes`,
      );
    }
    this.#collected.append(chunk, start, end);
    return end;
  }

  #text(): string {
    return statementText(this.#collected.bytes.subarray(0, this.#collected.length));
  }

  #beginRows(): void {
    const text = this.#text();
    const cursor = new TokenCursor(text, this.#options);
    const head = parseInsertHead(cursor);
    const target = this.#hooks.resolveInsert(head);
    const scanner = new InsertScanner(target, {
      ...this.#options,
      line: text.split('\n').length,
    });
    this.#insert = { head, target, scanner, wasKnown: false };
    this.#state = 'rows';
  }

  /** Synchronous as long as nobody has to be waited for. */
  #readRows(chunk: Uint8Array, start: number, end: number): void | Promise<void> {
    const insert = this.#insert;
    if (insert === null) {
      throw new Error('rows are read behind a head');
    }
    const { scanner } = insert;
    const at = this.#guard(end, () => start + scanner.write(chunk, start, end));
    const isDone = at === end && !scanner.isBatchFull;
    if (this.#state === 'refused' || isDone) {
      return undefined;
    }
    return this.#readOn(new Uint8Array(chunk.subarray(at, end)));
  }

  async #readOn(chunk: Uint8Array): Promise<void> {
    const insert = this.#insert;
    if (insert === null) {
      throw new Error('rows are read behind a head');
    }
    const { scanner, target } = insert;
    const end = chunk.length;
    let at = 0;
    for (;;) {
      if (scanner.isBatchFull) {
        try {
          await target.onBatchFull();
        } catch (error) {
          if (!(error instanceof SqlError)) {
            throw error;
          }
          this.#refuse(error);
          return;
        }
        if (at === end) {
          return;
        }
      }
      await this.#hooks.yieldTurn();
      const from = at;
      at = this.#guard(end, () => from + scanner.write(chunk, from, end));
      if (this.#error !== null || (at === end && !scanner.isBatchFull)) {
        return;
      }
    }
  }
}
