/** The catalog as a state machine: what is visible, how concurrent CREATEs merge, and that the order of two nodes does not matter. */

import fc from 'fast-check';
import { Packr } from 'msgpackr';
import { ColumnRole, encodeSchemaBody } from '../../storage/index.js';
import type { TableSchema } from '../../storage/index.js';
import { Catalog } from '../../src/catalog/catalog.js';
import { columnIdOf } from '../../src/catalog/column-identity.js';
import { decodeDdl } from '../../src/catalog/ddl-operation.js';
import { readTtl } from '../../src/catalog/ttl.js';
import { planOf } from './create-statement.js';

/** A version as node `node` would stamp it. */
function version(count: number, node: number): number {
  return 1_700_000_000_000 * 2048 + count * 2048 + node;
}

function createTable(catalog: Catalog, stamp: number, text: string, database = 'd'): void {
  catalog.apply(stamp, stamp % 8, catalog.createTableBody(planOf(text, database).operation));
}

const CPU =
  'CREATE TABLE cpu (host VARCHAR(20), ts TIMESTAMP TIME INDEX, used DOUBLE, PRIMARY KEY (host))';

describe('the catalog', () => {
  test('starts empty', () => {
    const catalog = new Catalog();
    expect(catalog.databases()).toEqual([]);
    expect(catalog.table('d', 'cpu')).toBeUndefined();
    expect(catalog.tables('d')).toEqual([]);
  });

  test('a created table is seen with its columns, roles and places', () => {
    const catalog = new Catalog();
    catalog.apply(version(1, 1), 1, catalog.createDatabaseBody('d'));
    createTable(
      catalog,
      version(2, 1),
      'CREATE TABLE cpu (used DOUBLE, ts TIMESTAMP TIME INDEX, host TEXT, PRIMARY KEY (host))',
    );
    const table = catalog.table('d', 'cpu');
    expect(
      table?.columns.map(({ name, role, position, schemaIndex }) => [
        name,
        role,
        position,
        schemaIndex,
      ]),
    ).toEqual([
      ['used', ColumnRole.field, 0, 2],
      ['ts', ColumnRole.time, 1, 1],
      ['host', ColumnRole.tag, 2, 0],
    ]);
    expect(table?.parts).toHaveLength(1);
    expect(table?.parts[0].tableId).toBe(version(2, 1));
    expect(table?.parts[0].schema.columns.map((column) => column.role)).toEqual([
      ColumnRole.tag,
      ColumnRole.time,
      ColumnRole.field,
    ]);
    expect(table?.tags.map((tag) => tag.name)).toEqual(['host']);
    expect(catalog.isLiveTable(version(2, 1))).toBe(true);
  });

  test('names of tables are case-sensitive', () => {
    const catalog = new Catalog();
    createTable(catalog, version(1, 1), CPU);
    expect(catalog.table('d', 'CPU')).toBeUndefined();
    expect(catalog.table('D', 'cpu')).toBeUndefined();
  });

  test('a dropped table is gone, and so is one whose CREATE comes after its DROP', () => {
    const made = new Catalog();
    createTable(made, version(1, 1), CPU);
    const drop = made.dropTablesBody([made.table('d', 'cpu')!]);
    const create = made.createTableBody(planOf(CPU).operation);
    const late = new Catalog();
    late.apply(version(2, 2), 2, drop);
    late.apply(version(1, 1), 1, create);
    made.apply(version(2, 2), 2, drop);
    expect(made.table('d', 'cpu')).toBeUndefined();
    expect(late.table('d', 'cpu')).toBeUndefined();
    expect(late.snapshot()).toEqual(made.snapshot());
  });

  test('a database is visible while it or a table of its name lives', () => {
    const a = new Catalog();
    a.apply(version(1, 1), 1, a.createDatabaseBody('d'));
    // The other node drops the database before it hears of the table.
    const drop = a.dropDatabaseBody('d');
    createTable(a, version(2, 1), CPU);
    a.apply(version(3, 2), 2, drop);
    expect(a.databases().map(({ name }) => name)).toEqual(['d']);
    expect(a.tables('d').map(({ name }) => name)).toEqual(['cpu']);
    a.apply(version(4, 1), 1, a.dropDatabaseBody('d'));
    expect(a.databases()).toEqual([]);
  });

  test('DROP DATABASE takes along every table that it knows', () => {
    const catalog = new Catalog();
    catalog.apply(version(1, 1), 1, catalog.createDatabaseBody('d'));
    createTable(catalog, version(2, 1), CPU);
    createTable(catalog, version(3, 1), CPU.replace('cpu', 'mem'));
    const body = catalog.dropDatabaseBody('d');
    expect(decodeDdl(body)).toEqual({
      op: 'dropDatabase',
      name: 'd',
      databaseIds: [version(1, 1)],
      tableIds: [version(2, 1), version(3, 1)],
    });
    catalog.apply(version(4, 1), 1, body);
    expect(catalog.databases()).toEqual([]);
    expect(catalog.isLiveTable(version(2, 1))).toBe(false);
  });

  test('the listener hears of schemas and drops, also when a snapshot is restored', () => {
    const heard: string[] = [];
    const listener = {
      tableDefined: (schema: TableSchema) => heard.push(`defined ${schema.tableId}`),
      tableDropped: (tableId: number, at: number) => heard.push(`dropped ${tableId} at ${at}`),
    };
    const catalog = new Catalog(listener);
    createTable(catalog, version(1, 1), CPU);
    const snapshot = catalog.snapshot();
    catalog.apply(version(2, 1), 1, catalog.dropTablesBody(catalog.tables('d')));
    catalog.restore(snapshot);
    expect(heard).toEqual([
      `defined ${version(1, 1)}`,
      `dropped ${version(1, 1)} at ${version(2, 1)}`,
      `defined ${version(1, 1)}`,
    ]);
  });

  test('a snapshot restores the same catalog', () => {
    const catalog = new Catalog();
    catalog.apply(version(1, 1), 1, catalog.createDatabaseBody('d'));
    createTable(catalog, version(2, 1), CPU);
    createTable(catalog, version(3, 2), CPU.replace('used DOUBLE', 'free BIGINT'));
    catalog.apply(version(4, 1), 1, catalog.dropDatabaseBody('x'));
    const restored = new Catalog();
    restored.restore(catalog.snapshot());
    expect(restored.snapshot()).toEqual(catalog.snapshot());
    expect(restored.table('d', 'cpu')).toEqual(catalog.table('d', 'cpu'));
  });

  test('an unknown operation stops the node', () => {
    expect(() => {
      new Catalog().apply(version(1, 1), 1, Uint8Array.of(0x81, 0xa2, 0x6f, 0x70, 0xa1, 0x78));
    }).toThrow(/no operation/);
  });
});

describe('concurrent CREATEs of one name', () => {
  test('the same table twice reads as one, the lower id is canonical', () => {
    const catalog = new Catalog();
    createTable(catalog, version(2, 2), CPU);
    createTable(catalog, version(1, 1), CPU);
    const table = catalog.table('d', 'cpu')!;
    expect(table.parts.map((part) => part.tableId)).toEqual([version(1, 1), version(2, 2)]);
    expect(table.columns.map((column) => column.name)).toEqual(['host', 'ts', 'used']);
    expect(table.parts[1]?.columnIds.every((id) => id !== null)).toBe(true);
    expect(table.parts[1]?.columnIds).not.toEqual(table.parts[0].columnIds);
    expect(catalog.conflicts().map((conflict) => conflict.kind)).toEqual(['concurrent create']);
  });

  test('columns join by name and type; what one part lacks may be NULL', () => {
    const catalog = new Catalog();
    createTable(
      catalog,
      version(1, 1),
      'CREATE TABLE t (h TEXT, ts TIMESTAMP TIME INDEX, a INT NOT NULL, PRIMARY KEY (h))',
    );
    createTable(
      catalog,
      version(2, 2),
      'CREATE TABLE t (b INT NOT NULL, H TEXT, ts TIMESTAMP TIME INDEX, PRIMARY KEY (h))',
    );
    const table = catalog.table('d', 't')!;
    expect(table.columns.map(({ name, nullable }) => [name, nullable])).toEqual([
      ['h', true],
      ['ts', false],
      ['a', true],
      ['b', true],
    ]);
    expect(table.tags.map((tag) => tag.name)).toEqual(['h']);
    const [canonical, other] = table.parts;
    expect(canonical.columnIds.every((id) => id !== null)).toBe(true);
    expect(other?.columnIds.map((id) => id !== null)).toEqual([true, true, false, true]);
    expect(canonical.schema.columns.map((column) => column.id)).toEqual(
      ['h', 'ts', 'a', 'b'].map(
        (name) => table.columns.find((column) => column.name === name)?.columnId,
      ),
    );
    expect(other?.schema.columns).toHaveLength(3);
  });

  test('a clash of types leaves the name with the lower version', () => {
    const catalog = new Catalog();
    createTable(catalog, version(1, 1), 'CREATE TABLE t (ts TIMESTAMP TIME INDEX, v INT)');
    createTable(catalog, version(2, 2), 'CREATE TABLE t (ts TIMESTAMP TIME INDEX, v DOUBLE)');
    const table = catalog.table('d', 't')!;
    expect(table.columns.map(({ name, type }) => [name, type.kind])).toEqual([
      ['ts', 'timestamp'],
      ['v', 'integer'],
      ['v__2', 'double'],
    ]);
    expect(catalog.conflicts()).toContainEqual(
      expect.objectContaining({ kind: 'column clash', renamedTo: 'v__2', origin: 2 }),
    );
  });

  test('a renamed column misses every name that there is', () => {
    const catalog = new Catalog();
    createTable(
      catalog,
      version(1, 1),
      'CREATE TABLE t (ts TIMESTAMP TIME INDEX, v INT, v__2 INT)',
    );
    createTable(
      catalog,
      version(2, 2),
      'CREATE TABLE t (ts TIMESTAMP TIME INDEX, v DOUBLE, v__2_2 INT)',
    );
    const names = catalog.table('d', 't')!.columns.map((column) => column.name);
    expect(names).toEqual(['ts', 'v', 'v__2', 'v__2_3', 'v__2_2']);
    expect(new Set(names).size).toBe(names.length);
  });

  test.each([
    [
      'another time index',
      'CREATE TABLE t (at TIMESTAMP TIME INDEX, v INT)',
      /time index is ts timestamp\(3\) in one and at timestamp\(3\)/,
    ],
    [
      'another precision',
      'CREATE TABLE t (ts TIMESTAMP(6) TIME INDEX, v INT)',
      /ts timestamp\(3\) in one and ts timestamp\(6\)/,
    ],
    [
      'other tags',
      'CREATE TABLE t (ts TIMESTAMP TIME INDEX, v INT, PRIMARY KEY (v))',
      /tags are \(\) in one and \(v int32\)/,
    ],
    [
      'append mode',
      "CREATE TABLE t (ts TIMESTAMP TIME INDEX, v INT) WITH (append_mode='true')",
      /append mode/,
    ],
  ])('%s: the other table lives on under its own name', (_name, text, detail) => {
    const catalog = new Catalog();
    createTable(catalog, version(1, 1), 'CREATE TABLE t (ts TIMESTAMP TIME INDEX, v INT)');
    createTable(catalog, version(2, 2), text);
    expect(
      catalog.tables('d').map(({ name, parts }) => [name, parts.map((part) => part.tableId)]),
    ).toEqual([
      ['t', [version(1, 1)]],
      ['t__2', [version(2, 2)]],
    ]);
    expect(catalog.conflicts()).toEqual([
      expect.objectContaining({
        kind: 'table set aside',
        renamedTo: 't__2',
        detail: expect.stringMatching(detail),
      }),
    ]);
    catalog.apply(version(3, 1), 1, catalog.dropTablesBody([catalog.table('d', 't__2')!]));
    expect(catalog.tables('d').map(({ name }) => name)).toEqual(['t']);
  });

  test('a DROP names the ids that it knew: a CREATE that it had not heard of stays', () => {
    const catalog = new Catalog();
    createTable(catalog, version(1, 1), CPU);
    const drop = catalog.dropTablesBody(catalog.tables('d'));
    createTable(catalog, version(2, 2), CPU);
    catalog.apply(version(3, 1), 1, drop);
    expect(catalog.table('d', 'cpu')?.parts.map((part) => part.tableId)).toEqual([version(2, 2)]);
  });
});

describe('column ids', () => {
  test('are the first 48 bits of the hash, and differ by every part of it', () => {
    const type = { kind: 'double' } as const;
    const id = columnIdOf(1, 'used', type, 0);
    // the first six bytes of sha-256 over 1 NUL used NUL double NUL 0
    expect(id).toBe(0x26b96f24de43);
    expect(columnIdOf(1, 'USED', type, 0)).toBe(id);
    const others = [
      columnIdOf(2, 'used', type, 0),
      columnIdOf(1, 'free', type, 0),
      columnIdOf(1, 'used', { kind: 'float' }, 0),
      columnIdOf(1, 'used', type, 1),
    ];
    expect(new Set([id, ...others]).size).toBe(5);
    for (const each of others) expect(each).toBeLessThan(2 ** 48);
  });
});

describe('ttl', () => {
  const sevenDays = readTtl('7d');
  const oneDay = readTtl('1d');

  function withTable(text = CPU): Catalog {
    const catalog = new Catalog();
    catalog.apply(version(1, 1), 1, catalog.createDatabaseBody('d', sevenDays));
    createTable(catalog, version(2, 1), text);
    return catalog;
  }

  test('of a table: what the newest ALTER said, whatever order they come in; else what the CREATE said', () => {
    const catalog = withTable(`${CPU} WITH (ttl='3h')`);
    const seen = (): unknown => catalog.table('d', 'cpu')!.ttl?.text ?? null;
    expect([seen(), catalog.table('d', 'cpu')!.options]).toEqual(['3h', [['ttl', '3h']]]);
    const table = catalog.table('d', 'cpu')!;
    catalog.apply(version(9, 2), 2, catalog.alterTableBody(table, { ttl: oneDay }));
    catalog.apply(version(8, 1), 1, catalog.alterTableBody(table, { ttl: sevenDays }));
    expect([seen(), catalog.table('d', 'cpu')!.options]).toEqual(['1d', [['ttl', '1d']]]);
    catalog.apply(version(10, 1), 1, catalog.alterTableBody(table, { ttl: null }));
    expect([seen(), catalog.table('d', 'cpu')!.options]).toEqual([null, []]);
  });

  test('of a database: of the newest CREATE or ALTER, and never of an older database of that name', () => {
    const catalog = withTable();
    const seen = (): unknown => catalog.database('d')?.ttl?.text ?? null;
    expect(seen()).toBe('7d');
    catalog.apply(version(3, 2), 2, catalog.alterDatabaseBody('d', { ttl: oneDay }));
    expect(seen()).toBe('1d');
    catalog.apply(version(4, 1), 1, catalog.dropDatabaseBody('d'));
    catalog.apply(version(5, 1), 1, catalog.createDatabaseBody('d'));
    expect(seen()).toBeNull();
    const restored = new Catalog();
    restored.restore(catalog.snapshot());
    expect(restored.database('d')!.ttl).toBeNull();
  });

  test('a table of two parts has one, and an ALTER reaches both', () => {
    const catalog = withTable(`${CPU} WITH (ttl='3h')`);
    createTable(catalog, version(3, 2), `${CPU} WITH (ttl='5h')`);
    expect(catalog.table('d', 'cpu')!.ttl?.text).toBe('3h');
    const body = catalog.alterTableBody(catalog.table('d', 'cpu')!, { ttl: oneDay });
    catalog.apply(version(4, 1), 1, body);
    expect(catalog.table('d', 'cpu')).toMatchObject({ ttl: { text: '1d' }, parts: [{}, {}] });
  });

  test('a CREATE of another merge_mode is set aside', () => {
    const catalog = withTable();
    createTable(catalog, version(3, 2), `${CPU} WITH (merge_mode='last_non_null')`);
    expect(catalog.tables('d').map((table) => [table.name, table.mergeFields])).toEqual([
      ['cpu', false],
      ['cpu__2', true],
    ]);
    expect(catalog.conflicts()[0]!.detail).toContain("'last_row' in one");
  });

  test('a snapshot of format 1 is read: it has neither ttl nor anything altered', () => {
    const catalog = new Catalog();
    const before = new Packr({ useRecords: false, variableMapSize: true, int64AsType: 'number' });
    catalog.restore(
      before.pack({
        format: 1,
        databases: [[version(1, 1), 1, 'd']],
        tables: [[version(2, 1), 1, planOf(CPU).operation]],
        dropped: [],
      }),
    );
    expect(catalog.database('d')).toMatchObject({ ttl: null });
    expect(catalog.table('d', 'cpu')).toMatchObject({ ttl: null, mergeFields: false });
  });
});

// ---- order does not matter

interface Step {
  readonly kind:
    | 'createDatabase'
    | 'alterDatabase'
    | 'dropDatabase'
    | 'createTable'
    | 'alterTable'
    | 'dropTable';
  readonly database: string;
  readonly table: string;
  readonly shape: number;
}

const SHAPES = [
  '(h TEXT, ts TIMESTAMP TIME INDEX, v INT, PRIMARY KEY (h))',
  '(h TEXT, ts TIMESTAMP TIME INDEX, v DOUBLE, PRIMARY KEY (h))',
  '(h TEXT, dc TEXT, ts TIMESTAMP TIME INDEX, w INT, PRIMARY KEY (h, dc))',
  '(ts TIMESTAMP(6) TIME INDEX, v INT)',
  "(h TEXT, ts TIMESTAMP TIME INDEX, v INT, PRIMARY KEY (h)) WITH (append_mode='true')",
  "(h TEXT, ts TIMESTAMP TIME INDEX, v INT, PRIMARY KEY (h)) WITH (merge_mode='last_non_null', ttl='9d')",
];
const TTLS = ['1d', '7d', 'forever', null] as const;

interface Recorded {
  readonly version: number;
  readonly origin: number;
  readonly body: Uint8Array;
}

const stepArbitrary: fc.Arbitrary<Step & { readonly origin: 1 | 2; readonly hears: number }> =
  fc.record({
    kind: fc.constantFrom(
      'createDatabase',
      'alterDatabase',
      'dropDatabase',
      'createTable',
      'createTable',
      'alterTable',
      'dropTable',
    ),
    database: fc.constantFrom('d', 'e'),
    table: fc.constantFrom('t', 't__2', 'u'),
    shape: fc.nat({ max: SHAPES.length - 1 }),
    origin: fc.constantFrom(1, 2),
    /** How many of the peer's records the origin applies before it acts. */
    hears: fc.nat({ max: 3 }),
  });

/** Runs the steps on two nodes that hear of each other late; returns each origin's records in order. */
function record(
  steps: readonly (Step & { readonly origin: 1 | 2; readonly hears: number })[],
): Recorded[][] {
  const nodes = [new Catalog(), new Catalog()];
  const logs: Recorded[][] = [[], []];
  const heard = [0, 0];
  steps.forEach((step, index) => {
    const self = step.origin - 1;
    const peer = 1 - self;
    const catalog = nodes[self]!;
    for (let count = 0; count < step.hears && heard[self]! < logs[peer]!.length; count += 1) {
      const each = logs[peer]![heard[self]!]!;
      heard[self]! += 1;
      catalog.apply(each.version, each.origin, each.body);
    }
    const body = bodyOf(catalog, step);
    if (body === null) return;
    const stamp = version(index, step.origin);
    logs[self]!.push({ version: stamp, origin: step.origin, body });
    catalog.apply(stamp, step.origin, body);
  });
  return logs;
}

/** What the node would append; null where it would refuse the statement. */
function bodyOf(catalog: Catalog, step: Step): Uint8Array | null {
  const isKnown = catalog.database(step.database) !== undefined;
  const table = catalog.table(step.database, step.table);
  const text = TTLS[step.shape % TTLS.length] ?? null;
  const ttl = text === null ? null : readTtl(text);
  switch (step.kind) {
    case 'createDatabase':
      return isKnown ? null : catalog.createDatabaseBody(step.database, ttl);
    case 'alterDatabase':
      return isKnown ? catalog.alterDatabaseBody(step.database, { ttl }) : null;
    case 'alterTable':
      return table === undefined ? null : catalog.alterTableBody(table, { ttl });
    case 'dropDatabase':
      return isKnown ? catalog.dropDatabaseBody(step.database) : null;
    case 'createTable': {
      if (table !== undefined) return null;
      const text = `CREATE TABLE ${step.table} ${SHAPES[step.shape]}`;
      return catalog.createTableBody(planOf(text, step.database).operation);
    }
    case 'dropTable':
      return table === undefined ? null : catalog.dropTablesBody([table]);
  }
}

/** Mixes two logs as `choices` say, with some records applied twice. */
function mix(logs: readonly Recorded[][], choices: readonly number[]): Catalog {
  const catalog = new Catalog();
  const next = [0, 0];
  let turn = 0;
  while (next[0]! < logs[0]!.length || next[1]! < logs[1]!.length) {
    const choice = choices[turn % choices.length] ?? 0;
    turn += 1;
    const side = next[choice % 2]! < logs[choice % 2]!.length ? choice % 2 : 1 - (choice % 2);
    const each = logs[side]![next[side]!]!;
    catalog.apply(each.version, each.origin, each.body);
    // As if a segment were read again from an earlier record.
    if (choice > 4) catalog.apply(each.version, each.origin, each.body);
    else next[side]! += 1;
    if (choice > 4) next[side]! += 1;
  }
  return catalog;
}

function visible(catalog: Catalog): unknown {
  return catalog.databases().map((database) => [
    database,
    catalog.tables(database.name).map((table) => ({
      ...table,
      schemas: table.parts.map((part) =>
        Buffer.from(encodeSchemaBody(part.schema)).toString('hex'),
      ),
    })),
  ]);
}

describe('merging', () => {
  const choices = fc.array(fc.nat({ max: 7 }), { minLength: 1, maxLength: 40 });

  test('any mix of two nodes that keeps each order gives the same catalog', () => {
    fc.assert(
      fc.property(
        fc.array(stepArbitrary, { maxLength: 25 }),
        choices,
        choices,
        (steps, first, second) => {
          const logs = record(steps);
          const a = mix(logs, first);
          const b = mix(logs, second);
          expect(a.snapshot()).toEqual(b.snapshot());
          expect(visible(a)).toEqual(visible(b));
          expect(a.conflicts()).toEqual(b.conflicts());
        },
      ),
      { numRuns: 300 },
    );
  });

  test('applying everything again changes nothing', () => {
    fc.assert(
      fc.property(fc.array(stepArbitrary, { maxLength: 25 }), choices, (steps, order) => {
        const logs = record(steps);
        const catalog = mix(logs, order);
        const before = catalog.snapshot();
        for (const each of logs.flat()) catalog.apply(each.version, each.origin, each.body);
        expect(catalog.snapshot()).toEqual(before);
      }),
      { numRuns: 100 },
    );
  });

  test('a snapshot anywhere in between makes no difference', () => {
    fc.assert(
      fc.property(fc.array(stepArbitrary, { maxLength: 25 }), fc.nat(), (steps, cut) => {
        const records = record(steps)
          .flat()
          .sort((a, b) => a.version - b.version);
        const at = records.length === 0 ? 0 : cut % (records.length + 1);
        const whole = new Catalog();
        for (const each of records) whole.apply(each.version, each.origin, each.body);
        const before = new Catalog();
        for (const each of records.slice(0, at)) before.apply(each.version, each.origin, each.body);
        const after = new Catalog();
        after.restore(before.snapshot());
        for (const each of records.slice(at)) after.apply(each.version, each.origin, each.body);
        expect(after.snapshot()).toEqual(whole.snapshot());
        expect(visible(after)).toEqual(visible(whole));
      }),
      { numRuns: 100 },
    );
  });

  test('names in a database are never given twice, and every live table has one', () => {
    fc.assert(
      fc.property(fc.array(stepArbitrary, { maxLength: 25 }), choices, (steps, order) => {
        const catalog = mix(record(steps), order);
        for (const { name } of catalog.databases()) {
          const tables = catalog.tables(name);
          const ids = tables.flatMap((table) => table.parts.map((part) => part.tableId));
          expect(new Set(ids).size).toBe(ids.length);
          for (const table of tables) {
            const columns = table.columns.map((column) => column.name.toLowerCase());
            expect(new Set(columns).size).toBe(columns.length);
          }
        }
      }),
      { numRuns: 100 },
    );
  });
});
