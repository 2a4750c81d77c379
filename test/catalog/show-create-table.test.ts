/** SHOW CREATE TABLE to the space, and that its text creates the same table. */

import { Catalog } from '../../src/catalog/catalog.js';
import { defaultText } from '../../src/catalog/default-text.js';
import { showCreateDatabase, showCreateTable } from '../../src/catalog/show-create-table.js';
import { readTtl } from '../../src/catalog/ttl.js';
import type { TableDefinition } from '../../src/catalog/table-definition.js';
import { resolveTimeZone, UTC } from '../../src/exec/time-zone.js';
import { planOf } from './create-statement.js';

function tableOf(text: string): TableDefinition {
  const catalog = new Catalog();
  catalog.apply(1, 1, catalog.createTableBody(planOf(text).operation));
  const [table] = catalog.tables('d');
  if (table === undefined) throw new Error('the table was not created');
  return table;
}

const SHOWN: readonly (readonly [name: string, created: string, shown: string])[] = [
  [
    'tags, time index and fields',
    "CREATE TABLE cpu (host VARCHAR(64), ts TIMESTAMP NOT NULL, used DOUBLE COMMENT 'it''s', n BIGINT UNSIGNED NOT NULL DEFAULT 0, note TEXT, TIME INDEX (ts), PRIMARY KEY (host)) COMMENT='c'",
    [
      'CREATE TABLE `cpu` (',
      '  `host` varchar(64) DEFAULT NULL,',
      '  `ts` timestamp(3) NOT NULL,',
      "  `used` double DEFAULT NULL COMMENT 'it''s',",
      "  `n` bigint unsigned NOT NULL DEFAULT '0',",
      '  `note` text,',
      '  PRIMARY KEY (`host`,`ts`)',
      ") ENGINE=TWINTIDE DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='c'",
    ].join('\n'),
  ],
  [
    'a time index of whole seconds, and a ttl',
    "CREATE TABLE s (ts TIMESTAMP(0) TIME INDEX, v INT) WITH (ttl='7d', merge_mode='last_non_null')",
    [
      'CREATE TABLE `s` (',
      '  `ts` timestamp(0) NOT NULL,',
      '  `v` int DEFAULT NULL,',
      '  PRIMARY KEY (`ts`)',
      ") ENGINE=TWINTIDE DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin WITH (merge_mode='last_non_null', ttl='7d')",
    ].join('\n'),
  ],
  [
    'nothing declared',
    'CREATE TABLE m (`timestamp` TIMESTAMP, b TINYINT, x FLOAT, d DATE, other TIMESTAMP)',
    [
      'CREATE TABLE `m` (',
      '  `timestamp` timestamp(3) NOT NULL,',
      '  `b` tinyint DEFAULT NULL,',
      '  `x` float DEFAULT NULL,',
      '  `d` date DEFAULT NULL,',
      '  `other` timestamp NULL DEFAULT NULL',
      ") ENGINE=TWINTIDE DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin WITH (append_mode='true')",
    ].join('\n'),
  ],
  [
    'append mode with a time index that is not the first time column',
    "CREATE TABLE m (a DATETIME, ts TIMESTAMP TIME INDEX) WITH (append_mode='true', partition='1D')",
    [
      'CREATE TABLE `m` (',
      '  `a` datetime DEFAULT NULL,',
      '  `ts` timestamp(3) NOT NULL,',
      '  TIME INDEX (`ts`)',
      ") ENGINE=TWINTIDE DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin WITH (append_mode='true', partition='1d')",
    ].join('\n'),
  ],
  [
    'now() as default, quoted names',
    "CREATE TABLE `a``b` (`t s` DATETIME(6) DEFAULT CURRENT_TIMESTAMP TIME INDEX, v VARCHAR(3) DEFAULT 'x\\\\y')",
    [
      'CREATE TABLE `a``b` (',
      '  `t s` datetime(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),',
      "  `v` varchar(3) DEFAULT 'x\\\\y',",
      '  PRIMARY KEY (`t s`)',
      ') ENGINE=TWINTIDE DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin',
    ].join('\n'),
  ],
];

describe('SHOW CREATE TABLE', () => {
  test.each(SHOWN)('%s', (_name, created, shown) => {
    expect(showCreateTable(tableOf(created), UTC)).toBe(shown);
  });

  test.each(SHOWN)('what is shown creates the same table: %s', (_name, created) => {
    const first = tableOf(created);
    const second = tableOf(showCreateTable(first, UTC));
    expect(second).toEqual(first);
  });

  test('SHOW CREATE DATABASE', () => {
    expect(showCreateDatabase({ name: 'd', ttl: null }, true)).toBe(
      'CREATE DATABASE /*!32312 IF NOT EXISTS*/ `d` /*!40100 DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */',
    );
    expect(showCreateDatabase({ name: 'd', ttl: readTtl('90 days') }, false)).toBe(
      "CREATE DATABASE `d` /*!40100 DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */ WITH (ttl='90 days')",
    );
  });
});

describe('defaults as text', () => {
  test('a TIMESTAMP default is an instant, shown in the zone of who looks', () => {
    const table = tableOf(
      'CREATE TABLE t (ts TIMESTAMP TIME INDEX, at TIMESTAMP(3), wall DATETIME(1), d DATE)',
    );
    const column = (name: string): (typeof table.columns)[number] => {
      const found = table.columns.find((each) => each.name === name);
      if (found === undefined) throw new Error(`no column ${name}`);
      return found;
    };
    const at = { ...column('at'), default: { kind: 'constant', value: 1_000n } } as const;
    const wall = { ...column('wall'), default: { kind: 'constant', value: -1n } } as const;
    const day = { ...column('d'), default: { kind: 'constant', value: 19_000 } } as const;
    expect(defaultText(at, UTC)).toBe('1970-01-01 00:00:01.000');
    expect(defaultText(at, resolveTimeZone('+02:00'))).toBe('1970-01-01 02:00:01.000');
    expect(defaultText(wall, resolveTimeZone('+02:00'))).toBe('1969-12-31 23:59:59.9');
    expect(defaultText(day, UTC)).toBe('2022-01-08');
    expect(defaultText(column('ts'), UTC)).toBeNull();
  });
});
