/**
 * Series that come and go: when no row on disk has one any more, a start forgets it. Its tags are new then, its id is nobody else's, and
 * nothing else changes.
 */

import fc from 'fast-check';
import { CorruptionError } from '../../storage/corruption-error.js';
import { encodeExpiryBody } from '../../storage/expiry-body.js';
import { HiddenColumn } from '../../storage/column-kind.js';
import { allRuns, blockKey, dictionaryKey, dictionaryOf } from '../../storage/keys.js';
import { runIdOf } from '../../storage/manifest.js';
import { Run } from '../../storage/run.js';
import { openValue, sealValue } from '../../storage/sealed-value.js';
import { SeriesUse, seriesUses } from '../../storage/series-use.js';
import { inspectStore } from '../../storage/store-inspection.js';
import type { TableStore } from '../../storage/table-store.js';
import type { TableSchema } from '../../storage/table-schema.js';
import type { ForgetfulKv } from '../support/forgetful-kv.js';
import { hexOfBytes, readHexFixture } from '../support/hex-fixture.js';
import { HOST_TABLE } from '../support/host-table.js';
import { bodyOf, printRow } from '../support/table-model.js';
import { flushAll, openMemoryStore, realTimers, scanAll } from '../support/table-rig.js';

const HOUR = 3_600_000;
const T0 = 1_700_000_000_000 - (1_700_000_000_000 % HOUR);
const schema: TableSchema = { ...HOST_TABLE, tableId: 89, partitionMs: HOUR };

interface Row {
  readonly host: string;
  readonly hour: number;
}

class Rig {
  kv!: ForgetfulKv;
  store!: TableStore;
  #version = 0;

  static async open(): Promise<Rig> {
    const rig = new Rig();
    ({ kv: rig.kv, store: rig.store } = await openMemoryStore());
    rig.store.defineTable(schema);
    return rig;
  }

  async write(...rows: readonly Row[]): Promise<void> {
    this.#version += 8;
    const operation = { kind: 'rows' as const, rows: rows.map(cellsOf) };
    const record = { version: this.#version, operations: [operation] };
    this.store.applyWrite(this.#version, bodyOf(schema, record), 0);
    await flushAll(this.store, this.#version);
  }

  expire(hours: number): void {
    const through = BigInt(T0 + hours * HOUR - 1);
    this.store.applyExpiry(encodeExpiryBody([{ tableId: schema.tableId, through }]));
  }

  /** What has expired is off the disk, and the node starts again. */
  async restart(): Promise<void> {
    await flushAll(this.store, (this.#version += 8));
    await this.store.close();
    ({ store: this.store } = await openMemoryStore(this.kv));
  }

  async values(): Promise<string[]> {
    const values: string[] = [];
    for await (const [key, value] of this.kv.entries(dictionaryOf(schema.tableId))) {
      values.push(`${Buffer.from(key).readUInt32BE(9)}: ${hexOfBytes(value.subarray(4))}`);
    }
    return values;
  }

  async runs(): Promise<Run[]> {
    const runs: Run[] = [];
    for await (const [key, value] of this.kv.entries(allRuns)) {
      runs.push(Run.decode(runIdOf(key), openValue(key, value)));
    }
    return runs;
  }

  get series(): number {
    return this.store.stats()[0]!.series;
  }

  async faults(): Promise<readonly string[]> {
    const deps = { kv: this.kv, timers: realTimers };
    return (await inspectStore(deps, { everyBlock: true })).faults;
  }
}

const usesOf = (...uses: readonly (keyof typeof SeriesUse)[]): Uint8Array =>
  Uint8Array.from(uses, (use) => SeriesUse[use]);

function cellsOf({ host, hour }: Row): { cells: (string | bigint | number)[] } {
  return { cells: [host, BigInt(T0 + hour * HOUR), hour] };
}

const at = (hour: number, ...hosts: readonly string[]): Row[] =>
  hosts.map((host) => ({ host, hour }));
const printed = (rows: readonly Row[]): string[] =>
  rows.map((row) => printRow(cellsOf(row).cells)).sort();
const rowsOf = async (rig: Rig): Promise<string[]> => (await scanAll(rig.store, schema)).sort();

/** A dictionary value's bytes behind its CRC: the entries of hosts with names of two letters. */
const entries = (first: number, ...hosts: readonly string[]): string =>
  [first, hosts.length].map((n) => n.toString(16).padStart(2, '0')).join('') +
  hosts.map((host) => `0303${Buffer.from(host).toString('hex')}`).join('');

describe('a start', () => {
  it('forgets what lies at the end of a dictionary, and gives its ids again', async () => {
    const rig = await Rig.open();
    await rig.write(...at(9, 'aa'));
    await rig.write(...at(0, 'bb', 'cc'));
    rig.expire(1);
    await rig.restart();
    expect(await rig.values()).toEqual([`0: ${entries(0, 'aa')}`]);
    expect(rig.series).toBe(1);
    await rig.write(...at(9, 'dd'));
    expect(await rig.values()).toEqual([`0: ${entries(0, 'aa')}`, `1: ${entries(1, 'dd')}`]);
    await rig.restart();
    expect(await rowsOf(rig)).toEqual(printed(at(9, 'aa', 'dd')));
  });

  it('leaves ids vacant that lie before others, in one value for all neighbours', async () => {
    const rig = await Rig.open();
    await rig.write(...at(0, 'aa', 'bb'));
    await rig.write(...at(1, 'cc'));
    await rig.write(...at(9, 'dd'));
    rig.expire(1);
    await rig.restart();
    expect(await rig.values()).toEqual([
      '0: 0002',
      `2: ${entries(2, 'cc')}`,
      `3: ${entries(3, 'dd')}`,
    ]);
    expect(rig.series).toBe(2);
    rig.expire(2);
    await rig.restart();
    expect(await rig.values()).toEqual(['0: 0003', `3: ${entries(3, 'dd')}`]);
    expect(rig.series).toBe(1);
    expect(await rig.faults()).toEqual([]);
    // Its tags are those of a new series.
    await rig.write(...at(9, 'aa'));
    expect(rig.series).toBe(2);
    await rig.restart();
    expect(await rig.values()).toEqual([
      '0: 0003',
      `3: ${entries(3, 'dd')}`,
      `4: ${entries(4, 'aa')}`,
    ]);
    expect(await rowsOf(rig)).toEqual(printed(at(9, 'aa', 'dd')));
  });

  it('looks into a block that lies between old series and new ones', async () => {
    const rig = await Rig.open();
    await rig.write(...at(9, 'aa'));
    await rig.write(...at(0, 'bb'));
    await rig.write(...at(9, 'cc'));
    await rig.write(...at(9, 'dd'));
    rig.expire(1);
    await rig.store.compactTable(schema.tableId, () => 0);
    expect(rig.store.stats()[0]).toMatchObject({ runs: 1, runRows: 3 });
    await rig.restart();
    expect(await rig.values()).toEqual([
      `0: ${entries(0, 'aa')}`,
      '1: 0101',
      `2: ${entries(2, 'cc')}`,
      `3: ${entries(3, 'dd')}`,
    ]);
    expect(await rowsOf(rig)).toEqual(printed(at(9, 'aa', 'cc', 'dd')));
  });

  it('forgets nothing that it would have to look for in too many blocks, or in a damaged one', async () => {
    const rig = await Rig.open();
    await rig.write(...at(9, 'aa'));
    await rig.write(...at(0, 'bb'));
    await rig.write(...at(9, 'cc'));
    rig.expire(1);
    await rig.store.compactTable(schema.tableId, () => 0);
    await rig.store.close();
    const [run] = await rig.runs();
    expect(await seriesUses(rig.kv, [0, 1, 2], [run!])).toEqual(usesOf('some', 'none', 'some'));
    expect(await seriesUses(rig.kv, [0, 1, 2], [run!], { blocksReadMax: 0 })).toEqual(
      usesOf('some', 'unknown', 'some'),
    );
    const key = blockKey(run!.id, HiddenColumn.packed, 0);
    await rig.kv.batch([{ type: 'put', key, value: Uint8Array.of(1, 2, 3, 4, 5) }], { sync: true });
    await rig.restart();
    expect(await rig.values()).toHaveLength(3);
    expect(rig.series).toBe(3);
  });

  it('begins anew where no series is left', async () => {
    const rig = await Rig.open();
    await rig.write(...at(0, 'aa'));
    await rig.write(...at(0, 'bb'));
    rig.expire(1);
    await rig.restart();
    expect([await rig.values(), rig.series]).toEqual([[], 0]);
    await rig.write(...at(9, 'bb'));
    await rig.restart();
    expect(await rig.values()).toEqual([`0: ${entries(0, 'bb')}`]);
    expect(await rowsOf(rig)).toEqual(printed(at(9, 'bb')));
  });

  it('changes nothing when it is done again, or never got that far', async () => {
    const rig = await Rig.open();
    await rig.write(...at(0, 'aa'));
    await rig.write(...at(9, 'bb'));
    rig.expire(1);
    await rig.restart();
    const values = await rig.values();
    // A crash between the load and the batch that puts the disk in order.
    const key = dictionaryKey(schema.tableId, 0);
    const old = Buffer.from(entries(0, 'aa'), 'hex');
    await rig.kv.batch([{ type: 'put', key, value: sealValue(key, old) }], { sync: true });
    await rig.restart();
    expect(await rig.values()).toEqual(values);
    await rig.restart();
    expect(await rig.values()).toEqual(values);
  });
});

describe('damage', () => {
  const damaged = async (change: (rig: Rig) => Promise<void>): Promise<void> => {
    const rig = await Rig.open();
    await rig.write(...at(0, 'aa'));
    await rig.write(...at(9, 'bb'));
    await rig.write(...at(9, 'cc'));
    await change(rig);
    await rig.restart();
  };
  const put = (rig: Rig, first: number, hex: string): Promise<void> => {
    const key = dictionaryKey(schema.tableId, first);
    const value = sealValue(key, Buffer.from(hex, 'hex'));
    return rig.kv.batch([{ type: 'put', key, value }], { sync: true });
  };
  const remove = (rig: Rig, first: number): Promise<void> =>
    rig.kv.batch([{ type: 'del', key: dictionaryKey(schema.tableId, first) }], { sync: true });

  it.each([
    ['a value is missing before others', (rig: Rig) => remove(rig, 1)],
    ['the last value is missing', (rig: Rig) => remove(rig, 2)],
    ['ids are called vacant that rows have', (rig: Rig) => put(rig, 1, '0101')],
    ['a value has no ids at all', (rig: Rig) => put(rig, 1, '0100')],
    ['vacant ids overlap others', (rig: Rig) => put(rig, 0, '0002')],
  ])('is told: %s', async (_name, change) => {
    await expect(damaged(change)).rejects.toThrow(CorruptionError);
  });
});

it('any tables of any churn are the same before and after starts', async () => {
  const step = fc.record({
    hosts: fc.uniqueArray(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 6 }),
    expires: fc.boolean(),
    compacts: fc.boolean(),
    restarts: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 14 }), async (steps) => {
      const rig = await Rig.open();
      let live: Row[] = [];
      for (const [hour, { hosts, expires, compacts, restarts }] of steps.entries()) {
        const rows = at(hour, ...hosts.map((host) => `h${host}`));
        await rig.write(...rows);
        live.push(...rows);
        if (expires) {
          rig.expire(hour - 1);
          live = live.filter((row) => row.hour >= hour - 1);
        }
        if (compacts) await rig.store.compactTable(schema.tableId, () => 0);
        if (!restarts) continue;
        await rig.restart();
        expect(rig.series).toBeGreaterThanOrEqual(new Set(live.map(({ host }) => host)).size);
        expect(await rowsOf(rig)).toEqual(printed(live));
        expect(await rig.faults()).toEqual([]);
      }
      expect(await rowsOf(rig)).toEqual(printed(live));
    }),
    { numRuns: 40 },
  );
});

it('vacant ids are stored as documented', async () => {
  const rig = await Rig.open();
  await rig.write(...at(0, 'aa', 'bb'));
  await rig.write(...at(9, 'cc'));
  rig.expire(1);
  await rig.restart();
  const value = await rig.kv.get(dictionaryKey(schema.tableId, 0));
  const fixture = readHexFixture('storage/testdata/v1/vacant-series.hex');
  expect(hexOfBytes(value!)).toBe(hexOfBytes(fixture));
});
