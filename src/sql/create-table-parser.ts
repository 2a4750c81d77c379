/**
 * CREATE TABLE, in MySQL's grammar with GreptimeDB's additions: TIME INDEX (inline or as a clause) and WITH (...).
 *
 * The tree keeps what was said, not what it means: which column becomes the time index, and whether options are known, is for
 * the catalog. What has no effect here (secondary indexes, ON UPDATE, AUTO_INCREMENT) is listed, for a warning.
 */

import type { SqlType } from '../catalog/sql-type.js';
import type { ColumnDefinitionNode, CreateTableStatement, Expression, TableOption } from './ast.js';
import { parseExpressionAt } from './expression-parser.js';
import { parseTableName } from './name-parser.js';
import { Series } from './parse-progress.js';
import { parseTableOptions, parseWithOptions } from './option-parser.js';
import { notSupported } from './statement-error.js';
import type { TokenCursor } from './token-cursor.js';
import { acceptCharset, parseType } from './type-parser.js';

/** What the elements in the brackets add up to. */
interface TableElements {
  readonly columns: ColumnDefinitionNode[];
  readonly timeIndexes: string[][];
  readonly primaryKeys: string[][];
  readonly ignored: string[];
}

/** Behind CREATE TABLE. */
export function parseCreateTable(cursor: TokenCursor): CreateTableStatement {
  const ifNotExists = cursor.accept('IF', 'NOT', 'EXISTS');
  const name = parseTableName(cursor);
  if (cursor.at('LIKE') || cursor.at('(', 'LIKE')) {
    throw notSupported('CREATE TABLE ... LIKE');
  }
  if (!cursor.at('(') || cursor.at('(', 'SELECT')) {
    throw cursor.atAny(['AS', 'SELECT', '('])
      ? notSupported('CREATE TABLE ... SELECT')
      : cursor.fault();
  }
  cursor.expect('(');
  const parts = cursor.series(Series.list, parseElement, acceptCommaBeforeMore);
  cursor.expect(')');
  const elements: TableElements = {
    columns: parts.flatMap((part) => part.columns),
    timeIndexes: parts.flatMap((part) => part.timeIndexes),
    primaryKeys: parts.flatMap((part) => part.primaryKeys),
    ignored: parts.flatMap((part) => part.ignored),
  };
  const options: TableOption[] = [];
  const mysqlOptions: TableOption[] = [];
  parseTail(cursor, elements, options, mysqlOptions);
  return {
    kind: 'createTable',
    ifNotExists,
    name,
    columns: elements.columns,
    timeIndexes: elements.timeIndexes,
    primaryKeys: elements.primaryKeys,
    ignoredIndexes: elements.ignored,
    options,
    mysqlOptions,
  };
}

function parseTail(
  cursor: TokenCursor,
  elements: TableElements,
  options: TableOption[],
  mysqlOptions: TableOption[],
): void {
  for (;;) {
    if (cursor.at('WITH')) {
      options.push(...parseWithOptions(cursor));
    } else if (cursor.accept('PARTITION', 'ON', 'COLUMNS')) {
      cursor.skipBrackets();
      cursor.skipBrackets();
      elements.ignored.push('PARTITION ON COLUMNS');
    } else if (cursor.at('PARTITION')) {
      throw notSupported('PARTITION BY');
    } else if (cursor.atAny(['AS', 'SELECT', 'IGNORE', 'REPLACE'])) {
      throw notSupported('CREATE TABLE ... SELECT');
    } else {
      const given = parseTableOptions(cursor);
      if (given.length === 0) {
        return;
      }
      mysqlOptions.push(...given);
    }
  }
}

/** A comma may stand behind the last element. */
function acceptCommaBeforeMore(cursor: TokenCursor): boolean {
  return cursor.accept(',') && !cursor.at(')');
}

function parseElement(cursor: TokenCursor): TableElements {
  const elements: TableElements = { columns: [], timeIndexes: [], primaryKeys: [], ignored: [] };
  if (cursor.accept('TIME', 'INDEX')) {
    elements.timeIndexes.push(parseKeyColumns(cursor));
    return elements;
  }
  if (cursor.accept('CONSTRAINT')) {
    const unnamed = cursor.atAny(['PRIMARY', 'UNIQUE', 'FOREIGN', 'CHECK']);
    if (!unnamed) {
      cursor.name();
    }
  }
  switch (cursor.peek().keyword) {
    case 'PRIMARY':
      cursor.expect('PRIMARY', 'KEY');
      skipIndexType(cursor);
      elements.primaryKeys.push(parseKeyColumns(cursor));
      skipIndexOptions(cursor);
      return elements;
    case 'UNIQUE':
    case 'KEY':
    case 'INDEX':
    case 'FULLTEXT':
    case 'SPATIAL':
      elements.ignored.push(parseIgnoredIndex(cursor));
      return elements;
    case 'FOREIGN':
      throw notSupported('FOREIGN KEY');
    case 'CHECK':
      throw notSupported('CHECK');
    default:
      elements.columns.push(parseColumnDefinition(cursor, elements));
      return elements;
  }
}

/** A secondary index; its name, or the words that declare it when it has none. */
function parseIgnoredIndex(cursor: TokenCursor): string {
  const kind = cursor.next().keyword;
  if (kind !== 'KEY' && kind !== 'INDEX') {
    cursor.acceptAny(['KEY', 'INDEX']);
  }
  const name = cursor.atName() ? cursor.name() : `${kind} of ${cursor.peek(1).value}`;
  skipIndexType(cursor);
  cursor.skipBrackets();
  skipIndexOptions(cursor);
  return name;
}

/** ( c [(n)] [ASC | DESC] , .. ) */
function parseKeyColumns(cursor: TokenCursor): string[] {
  return cursor.bracketedList(() => {
    const name = cursor.name();
    if (cursor.accept('(')) {
      cursor.unsignedInteger();
      cursor.expect(')');
    }
    cursor.acceptAny(['ASC', 'DESC']);
    return name;
  });
}

function skipIndexType(cursor: TokenCursor): void {
  if (cursor.accept('USING')) {
    cursor.word();
  }
}

function skipIndexOptions(cursor: TokenCursor): void {
  for (;;) {
    if (cursor.acceptAny(['VISIBLE', 'INVISIBLE']) !== null) {
      continue;
    }
    if (cursor.at('USING')) {
      skipIndexType(cursor);
    } else if (cursor.accept('COMMENT')) {
      cursor.string();
    } else if (cursor.accept('KEY_BLOCK_SIZE')) {
      cursor.accept('=');
      cursor.unsignedInteger();
    } else if (cursor.accept('WITH', 'PARSER')) {
      cursor.word();
    } else {
      return;
    }
  }
}

function parseColumnDefinition(cursor: TokenCursor, elements: TableElements): ColumnDefinitionNode {
  const name = cursor.name();
  const type = parseType(cursor);
  const attributes = new ColumnAttributes(name, type, elements);
  while (attributes.parseOne(cursor)) {
    /* until something is no attribute */
  }
  return attributes.node();
}

/** The attributes behind a column's type, in any order. */
class ColumnAttributes {
  readonly #name: string;
  readonly #type: SqlType;
  readonly #elements: TableElements;
  #nullable: boolean | null = null;
  #defaultValue: Expression | null = null;
  #timeIndex = false;
  #primaryKey = false;
  #comment: string | null = null;

  constructor(name: string, type: SqlType, elements: TableElements) {
    this.#name = name;
    this.#type = type;
    this.#elements = elements;
  }

  node(): ColumnDefinitionNode {
    return {
      name: this.#name,
      type: this.#type,
      nullable: this.#nullable,
      defaultValue: this.#defaultValue,
      timeIndex: this.#timeIndex,
      primaryKey: this.#primaryKey,
      comment: this.#comment,
    };
  }

  /** False, and nothing taken, when no attribute comes next. */
  parseOne(cursor: TokenCursor): boolean {
    if (cursor.at('CHARACTER') || cursor.at('CHARSET') || cursor.at('CHAR') || cursor.at('ASCII')) {
      return acceptCharset(cursor) !== null;
    }
    switch (cursor.peek().keyword) {
      case 'NULL':
        cursor.next();
        this.#nullable = true;
        return true;
      case 'NOT':
        cursor.expect('NOT', 'NULL');
        this.#nullable = false;
        return true;
      case 'DEFAULT':
        cursor.next();
        this.#defaultValue = parseExpressionAt(cursor);
        return true;
      case 'TIME':
        cursor.expect('TIME', 'INDEX');
        this.#timeIndex = true;
        this.#elements.timeIndexes.push([this.#name]);
        return true;
      case 'PRIMARY':
      case 'KEY':
        cursor.accept('PRIMARY');
        cursor.expect('KEY');
        this.#primaryKey = true;
        this.#elements.primaryKeys.push([this.#name]);
        return true;
      case 'COMMENT':
        cursor.next();
        this.#comment = cursor.string();
        return true;
      case 'COLLATE':
        cursor.next();
        cursor.nameOrString();
        return true;
      default:
        return this.#parseIgnored(cursor);
    }
  }

  #parseIgnored(cursor: TokenCursor): boolean {
    switch (cursor.peek().keyword) {
      case 'AUTO_INCREMENT':
        cursor.next();
        this.#ignore('AUTO_INCREMENT');
        this.#nullable ??= false;
        return true;
      case 'ON':
        cursor.expect('ON', 'UPDATE');
        parseExpressionAt(cursor);
        this.#ignore('ON UPDATE');
        return true;
      case 'UNIQUE':
        cursor.next();
        cursor.accept('KEY');
        this.#ignore('UNIQUE');
        return true;
      case 'INVERTED':
      case 'FULLTEXT':
      case 'SKIPPING': {
        const kind = cursor.next().keyword;
        cursor.expect('INDEX');
        if (cursor.at('WITH')) {
          parseWithOptions(cursor);
        }
        this.#ignore(`${kind} INDEX`);
        return true;
      }
      case 'COLUMN_FORMAT':
      case 'STORAGE':
        cursor.next();
        cursor.word();
        return true;
      case 'VISIBLE':
        cursor.next();
        return true;
      case 'INVISIBLE':
      case 'GENERATED':
      case 'AS':
      case 'REFERENCES':
      case 'CHECK':
      case 'CONSTRAINT':
        throw notSupported(`${cursor.peek().keyword} in a column definition`);
      default:
        return false;
    }
  }

  #ignore(what: string): void {
    this.#elements.ignored.push(`${what} of ${this.#name}`);
  }
}
