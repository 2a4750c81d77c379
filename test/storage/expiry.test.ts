/** Rows up to an expired time are gone for every reader at once, whatever their version and whenever they come, and stay gone. */

import fc from 'fast-check';
import { decodeExpiryBody, encodeExpiryBody, type TableExpiry } from '../../storage/expiry-body.js';
import { decodeHead, encodeHead, type ManifestHead } from '../../storage/manifest-head.js';
import { encodeRecord, isRecordFault, parseRecord, RecordKind } from '../../storage/record.js';
import type { TableSchema } from '../../storage/table-schema.js';
import type { TableStore } from '../../storage/table-store.js';
import type { ForgetfulKv } from '../support/forgetful-kv.js';
import { hexOfBytes, readHexFixture } from '../support/hex-fixture.js';
import { HOST_TABLE } from '../support/host-table.js';
import { bodyOf, printRow, type ModelOperation } from '../support/table-model.js';
import { flushAll, openMemoryStore, scanAll } from '../support/table-rig.js';

const HOUR = 3_600_000;
const schema: TableSchema = { ...HOST_TABLE, tableId: 88, partitionMs: HOUR };
const T0 = 1_700_000_000_000 - (1_700_000_000_000 % HOUR);

function apply(store: TableStore, version: number, operation: ModelOperation, to = schema): void {
  store.defineTable(to);
  store.applyWrite(version, bodyOf(to, { version, operations: [operation] }), 0);
}

function write(store: TableStore, version: number, ...times: readonly number[]): void {
  const rows = times.map((time) => ({ cells: ['h1', BigInt(time), version] }));
  apply(store, version, { kind: 'rows', rows });
}

function expire(store: TableStore, through: number): void {
  store.applyExpiry(encodeExpiryBody([{ tableId: schema.tableId, through: BigInt(through) }]));
}

const printed = (time: number, value: number): string => printRow(['h1', BigInt(time), value]);

function runKeys(kv: ForgetfulKv): Promise<string[]> {
  return keysBetween(kv, 'r', 's');
}

async function keysBetween(kv: ForgetfulKv, from: string, to: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const key of kv.keys({ gte: Buffer.from(from), lt: Buffer.from(to) })) {
    keys.push(hexOfBytes(key));
  }
  return keys;
}

describe('what has expired', () => {
  it.each(['in the memtable', 'in a frozen generation', 'in a run'] as const)(
    'is invisible at once %s, up to and including the time',
    async (place) => {
      const { store } = await openMemoryStore();
      write(store, 1000, T0, T0 + 1, T0 + 2);
      if (place === 'in a frozen generation') {
        store.freeze({ vector: [], replayFrom: [], catalog: new Uint8Array(0), highestVersion: 1 });
      }
      if (place === 'in a run') await flushAll(store);
      const before = store.readView();
      expire(store, T0 + 1);
      expect(await scanAll(store, schema)).toEqual([printed(T0 + 2, 1000)]);
      expect(await scanAll(store, schema, { order: 'series-time' })).toHaveLength(1);
      expect(await scanAll(before, schema)).toHaveLength(3);
      before.release();
    },
  );

  it('stays invisible when it arrives later, whatever its version', async () => {
    const { store } = await openMemoryStore();
    expire(store, T0 + 5);
    write(store, 9_000, T0 + 4, T0 + 5, T0 + 6);
    expect(await scanAll(store, schema)).toEqual([printed(T0 + 6, 9_000)]);
    await flushAll(store);
    expect(await scanAll(store, schema)).toEqual([printed(T0 + 6, 9_000)]);
  });

  it('is bounded by the query as well: the later of the two bounds counts', async () => {
    const { store } = await openMemoryStore();
    write(store, 1000, T0, T0 + 1, T0 + 2, T0 + 3);
    expire(store, T0 + 1);
    const from = async (time: number): Promise<number> =>
      (await scanAll(store, schema, { timeMin: BigInt(time) })).length;
    expect([await from(T0), await from(T0 + 3)]).toEqual([2, 1]);
    expect(await scanAll(store, schema, { timeMax: BigInt(T0) })).toEqual([]);
  });

  it('never comes back: an earlier time changes nothing, in any order, and the order does not matter', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: -1, max: 12 }), { minLength: 1, maxLength: 6 }),
        fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }),
        async (throughs, flushes) => {
          const { store } = await openMemoryStore();
          const times = Array.from({ length: 11 }, (_, index) => T0 + index);
          write(store, 1000, ...times);
          for (const [index, through] of throughs.entries()) {
            expire(store, T0 + through);
            if (flushes[index] === true) await flushAll(store);
          }
          const left = times.filter((time) => time > T0 + Math.max(...throughs));
          expect(await scanAll(store, schema)).toEqual(left.map((time) => printed(time, 1000)));
          expect(store.expiredThrough(schema.tableId)).toBe(BigInt(T0 + Math.max(...throughs)));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('is not counted by the estimate that answers COUNT(*), MIN and MAX', async () => {
    const { store } = await openMemoryStore();
    write(store, 1000, T0);
    await flushAll(store);
    write(store, 1008, T0 + 2 * HOUR, T0 + 2 * HOUR + 1);
    await flushAll(store, 2);
    const estimate = (): unknown => {
      const view = store.readView();
      const found = view.estimate(schema.tableId);
      view.release();
      return found;
    };
    expect(estimate()).toMatchObject({ exactRows: 3, timeMin: BigInt(T0) });
    expire(store, T0 + HOUR);
    expect(estimate()).toMatchObject({ rows: 2, exactRows: 2, timeMin: BigInt(T0 + 2 * HOUR) });
    expire(store, T0 + 2 * HOUR);
    // One of the two rows of the run has expired; only a scan knows which.
    expect(estimate()).toMatchObject({ rows: 2, exactRows: null });
  });

  it('is gone from the disk where a whole run has expired, in one batch, once no view needs it', async () => {
    const { store, kv } = await openMemoryStore();
    write(store, 1000, T0, T0 + HOUR, T0 + 2 * HOUR);
    await flushAll(store);
    expect(await runKeys(kv)).toHaveLength(3);
    const view = store.readView();
    const before = store.flushed;
    expire(store, T0 + HOUR);
    await store.close();
    expect(store.flushed).toEqual(before);
    expect(await runKeys(kv)).toHaveLength(1);
    expect(await keysBetween(kv, 'b', 'c')).toHaveLength(3);
    expect(await scanAll(view, schema)).toHaveLength(3);
    view.release();
    await store.close();
    expect(await keysBetween(kv, 'b', 'c')).toHaveLength(1);
    expect(await scanAll(store, schema)).toEqual([printed(T0 + 2 * HOUR, 1000)]);
  });

  it('is not written by a flush that finds it in memory', async () => {
    const { store, kv } = await openMemoryStore();
    write(store, 1000, T0, T0 + 1, T0 + HOUR);
    expire(store, T0);
    await flushAll(store);
    expect(store.stats()[0]).toMatchObject({ runs: 2, runRows: 2 });
    expire(store, T0 + 2 * HOUR);
    write(store, 1008, T0 + HOUR + 1, T0 + 2 * HOUR);
    await flushAll(store, 2);
    expect(store.stats()[0]).toMatchObject({ runs: 0, runRows: 0 });
    const { store: reopened } = await openMemoryStore(kv);
    expect(await scanAll(reopened, schema)).toEqual([]);
  });

  it('leaves a run that has expired in part with the next compaction of it', async () => {
    const { store } = await openMemoryStore();
    write(store, 1000, T0, T0 + 1, T0 + 2);
    await flushAll(store);
    expire(store, T0 + 1);
    expect(store.stats()[0]).toMatchObject({ runs: 1, runRows: 3 });
    await store.compactTable(schema.tableId, () => 0);
    expect(store.stats()[0]).toMatchObject({ runs: 1, runRows: 1 });
    expect(await scanAll(store, schema)).toEqual([printed(T0 + 2, 1000)]);
  });

  it('is remembered by the manifest, and forgotten with its table', async () => {
    const { store, kv } = await openMemoryStore();
    write(store, 1000, T0, T0 + 1);
    expire(store, T0);
    await flushAll(store);
    const { store: reopened } = await openMemoryStore(kv);
    expect(reopened.expiredThrough(schema.tableId)).toBe(BigInt(T0));
    expect(await scanAll(reopened, schema)).toEqual([printed(T0 + 1, 1000)]);
    reopened.dropTable(schema.tableId, 2000);
    expire(reopened, T0 + 5);
    expect(reopened.expiredThrough(schema.tableId)).toBeNull();
  });

  it('takes the range tombstones along that could only delete what has expired', async () => {
    const { store, kv } = await openMemoryStore();
    write(store, 1000, T0 + 1);
    apply(store, 2000, { kind: 'range', timeMin: null, timeMax: BigInt(T0), firstTag: null });
    expire(store, T0);
    // Nothing is at or below this horizon: only expiry can make the tombstone superfluous.
    await flushAll(store, 1, 0);
    const stored = (await kv.get(Buffer.from('h')))!;
    expect(decodeHead(stored.subarray(4)).tombstones).toEqual([]);
  });
});

describe('the record of an expiry', () => {
  const expiries: readonly TableExpiry[] = [
    { tableId: 0x1122334455, through: 1_700_000_000_000n },
    { tableId: 9, through: -1n },
  ];

  it('has these bytes', () => {
    const stored = readHexFixture('storage/testdata/v1/record-expiry.hex');
    const record = encodeRecord(RecordKind.expiry, 12, 0x1010, [encodeExpiryBody(expiries)]);
    expect(hexOfBytes(record)).toBe(hexOfBytes(stored));
    const parsed = parseRecord(stored, 0, 1 << 20);
    if (isRecordFault(parsed)) throw new Error(parsed.detail);
    expect(decodeExpiryBody(parsed.body)).toEqual(expiries);
  });

  it('gives back what went in, for every table id and time', () => {
    const expiry = fc.record({
      tableId: fc.maxSafeNat(),
      through: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    });
    fc.assert(
      fc.property(fc.array(expiry), (list) => {
        expect(decodeExpiryBody(encodeExpiryBody(list))).toEqual(list);
      }),
    );
  });
});

describe('the manifest head', () => {
  const head: ManifestHead = {
    nextRunId: 2,
    verifiedRunId: 0,
    state: null,
    droppedTables: [],
    tombstones: [],
    expired: [{ tableId: 0x1122334455, through: 1_700_000_000_000n }],
    partitions: [[0x1122334455, 86_400_000]],
  };

  it('in format 2 has these bytes', () => {
    const stored = readHexFixture('storage/testdata/v2/manifest-head.hex');
    expect(hexOfBytes(encodeHead(head))).toBe(hexOfBytes(stored));
    expect(decodeHead(stored)).toEqual(head);
  });

  it('is written in format 1 while nothing has expired, and format 1 is read', () => {
    const plain = { ...head, expired: [], partitions: [] };
    expect(encodeHead(plain)[0]).toBe(1);
    const stored = readHexFixture('storage/testdata/v1/manifest-head.hex').subarray(4);
    expect(decodeHead(stored)).toMatchObject({ expired: [], partitions: [] });
    expect(hexOfBytes(encodeHead(decodeHead(stored)))).toBe(hexOfBytes(stored));
  });
});
