/** The words of a statement, as the lexer cuts them. */

export type TokenKind =
  /** Unquoted word: a keyword or a name, the grammar decides. */
  | 'word'
  /** `x`, and "x" under ANSI_QUOTES. */
  | 'quotedName'
  | 'string'
  | 'integer'
  | 'decimal'
  /** With exponent. */
  | 'double'
  /** X'..', 0x.., B'..', 0b.. */
  | 'bytes'
  /** `?` */
  | 'parameter'
  /** `@name` */
  | 'userVariable'
  | 'symbol'
  /** Behind the last token. */
  | 'end';

export interface Token {
  readonly kind: TokenKind;
  /** Words in upper case and symbols; '' for everything else, so that one comparison never takes 'select' for SELECT. */
  readonly keyword: string;
  /** Names, words and numbers as typed, strings with their escapes resolved. */
  readonly value: string;
  /** The value of a `bytes` token. */
  readonly bytes: Uint8Array | null;
  /** Where it stands in the statement's text, in UTF-16 units. */
  readonly start: number;
  readonly end: number;
}

/** How the session's sql_mode changes the reading of text. */
export interface SqlTextOptions {
  /** "x" names a column instead of being a string. */
  readonly ansiQuotes: boolean;
  /** A backslash in a string is a backslash. */
  readonly noBackslashEscapes: boolean;
  /** `||` joins strings instead of meaning OR. */
  readonly pipesAsConcat?: boolean;
}
