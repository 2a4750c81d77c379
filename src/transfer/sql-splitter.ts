/**
 * A stream of SQL cut at its semicolons: those that stand in no string, no quoted name and no comment. It understands no statement, so
 * that the server is the only one that does.
 */
import { TransferError } from './transfer-error.js';

const STATEMENT_BYTES_MAX = 64 * 1024 * 1024;

const SEMICOLON = 0x3b;
const BACKSLASH = 0x5c;
const BACKTICK = 0x60;
const SINGLE = 0x27;
const DOUBLE = 0x22;
const HASH = 0x23;
const DASH = 0x2d;
const SLASH = 0x2f;
const STAR = 0x2a;
const LF = 0x0a;
const SPACES = /^\s*$/;

export interface SqlStatement {
  readonly text: string;
  /** Line of its first character, 1-based. */
  readonly line: number;
  /** Of the first byte behind its semicolon. */
  readonly endOffset: number;
  readonly endLine: number;
}

type State =
  'plain' | 'lineComment' | 'blockComment' | typeof SINGLE | typeof DOUBLE | typeof BACKTICK;

export class SqlSplitter {
  readonly #name: string;
  #rest: Buffer = Buffer.alloc(0);
  /** Where scanning goes on in `#rest`. */
  #scanned = 0;
  #state: State = 'plain';
  /** Of the first byte of `#rest`. */
  #offset = 0;
  #line = 1;

  /** `name`: of the file, for errors. */
  constructor(name: string) {
    this.#name = name;
  }

  *feed(chunk: Uint8Array): Generator<SqlStatement> {
    const bytes = Buffer.concat([this.#rest, chunk]);
    let start = 0;
    for (let end = this.#next(bytes, false); end >= 0; end = this.#next(bytes, false)) {
      const statement = this.#statement(bytes, start, end);
      start = end;
      if (statement !== null) yield statement;
    }
    this.#rest = bytes.subarray(start);
    this.#offset += start;
    this.#scanned -= start;
    if (this.#rest.length > STATEMENT_BYTES_MAX) {
      throw new TransferError(`${this.#name}:${this.#line}: the statement does not end`);
    }
  }

  /** A last statement without a semicolon. */
  *end(): Generator<SqlStatement> {
    this.#next(this.#rest, true);
    if (this.#state !== 'plain' && this.#state !== 'lineComment') {
      throw new TransferError(`${this.#name}:${this.#line}: a quote or comment is not closed`);
    }
    const statement = this.#statement(this.#rest, 0, this.#rest.length);
    if (statement !== null) yield statement;
  }

  /** Index behind the next semicolon that ends a statement; -1 when it is not here. */
  #next(bytes: Buffer, isEnd: boolean): number {
    let at = this.#scanned;
    for (; at < bytes.length; at++) {
      const byte = bytes[at]!;
      if (this.#state === 'plain') {
        if (byte === SEMICOLON) {
          this.#scanned = at + 1;
          return at + 1;
        }
        if (byte === SINGLE || byte === DOUBLE || byte === BACKTICK) this.#state = byte;
        else if (byte === HASH) this.#state = 'lineComment';
        else if (byte === DASH || byte === SLASH) {
          // What follows decides, and may be in the next chunk.
          if (at + 2 >= bytes.length && !isEnd) break;
          if (byte === SLASH && bytes[at + 1] === STAR) {
            this.#state = 'blockComment';
            at += 1;
          } else if (byte === DASH && bytes[at + 1] === DASH && (bytes[at + 2] ?? LF) <= 0x20) {
            this.#state = 'lineComment';
          }
        }
      } else if (this.#state === 'lineComment') {
        if (byte === LF) this.#state = 'plain';
      } else if (this.#state === 'blockComment') {
        if (byte === STAR && at + 1 >= bytes.length && !isEnd) break;
        if (byte === STAR && bytes[at + 1] === SLASH) {
          this.#state = 'plain';
          at += 1;
        }
      } else if (byte === BACKSLASH && this.#state !== BACKTICK) {
        if (at + 1 >= bytes.length && !isEnd) break;
        at += 1;
      } else if (byte === this.#state) {
        // A doubled quote ends the string and begins it again.
        this.#state = 'plain';
      }
    }
    this.#scanned = Math.min(at, bytes.length);
    return -1;
  }

  #statement(bytes: Buffer, from: number, to: number): SqlStatement | null {
    let line = this.#line;
    for (let at = from; at < to; at++) if (bytes[at] === LF) this.#line += 1;
    const text = bytes.toString('utf8', from, bytes[to - 1] === SEMICOLON ? to - 1 : to);
    if (SPACES.test(text) || isCommentOnly(text)) return null;
    for (const character of text) {
      if (character === '\n') line += 1;
      else if (character !== ' ' && character !== '\r' && character !== '\t') break;
    }
    return {
      text: text.trim(),
      line,
      endOffset: this.#offset + to,
      endLine: this.#line,
    };
  }
}

function isCommentOnly(text: string): boolean {
  return SPACES.test(text.replace(/\/\*[^]*?\*\/|(?:--(?=\s|$)|#).*/gm, ''));
}
