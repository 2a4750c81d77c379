/** Two nodes with their whole persistence: rows written on both, through crashes, are the same rows in both tables. */

import { REPLICATION_DEFAULTS, ReplicaNode } from '../../replication/index.js';
import {
  encodeWriteBody,
  RowBatch,
  Store,
  type StateMachine,
  type TableSchema,
} from '../../storage/index.js';
import { ForgetfulDisk } from '../support/forgetful-disk.js';
import { ForgetfulKv } from '../support/forgetful-kv.js';
import { MemoryNetwork } from '../support/memory-transport.js';
import { SeededRandom } from '../support/seeded-random.js';
import { VirtualClock } from '../support/virtual-clock.js';

const SCHEMA: TableSchema = {
  tableId: 8,
  columns: [
    { id: 11, type: 12, role: 1, precision: 0 },
    { id: 12, type: 15, role: 2, precision: 3 },
    { id: 13, type: 11, role: 3, precision: 0 },
  ],
  appendMode: true,
  partitionMs: 86_400_000,
};
const NO_CATALOG: StateMachine = {
  apply: () => undefined,
  snapshot: () => new Uint8Array(0),
  restore: () => undefined,
};

class WholeNode {
  readonly #world: { clock: VirtualClock; network: MemoryNetwork; random: SeededRandom };
  readonly #id: number;
  readonly #disk = new ForgetfulDisk();
  readonly #kv = new ForgetfulKv();
  store: Store | null = null;
  node: ReplicaNode | null = null;

  constructor(
    world: { clock: VirtualClock; network: MemoryNetwork; random: SeededRandom },
    id: number,
  ) {
    this.#world = world;
    this.#id = id;
  }

  async start(): Promise<void> {
    const { clock, network, random } = this.#world;
    const opening = Store.open(
      {
        disk: this.#disk.mount(),
        kv: this.#kv,
        clock,
        random,
        timers: clock,
        stateMachine: () => NO_CATALOG,
      },
      {
        nodeId: this.#id,
        journalFolder: 'journal',
        segmentBytes: 128 * 1024,
        maxRecordBytes: 32 * 1024,
        memtableBytes: 256 * 1024,
        cacheBytes: 1024 * 1024,
        maxClockSkewMs: 500,
        retainBytes: 1024 * 1024,
      },
    );
    this.store = (await clock.runUntilSettled(opening)).store;
    const names = ['', 'a', 'b'];
    this.node = await clock.runUntilSettled(
      ReplicaNode.open(
        {
          store: this.store,
          transport: network.transport(names[this.#id]!, names[3 - this.#id]!),
          clock,
          timers: clock,
          random,
          log: { info: () => undefined, warn: () => undefined, error: () => undefined },
          onFailure: (error) => {
            throw error;
          },
        },
        {
          ...REPLICATION_DEFAULTS,
          nodeId: this.#id,
          peer: { secret: 's', clusterId: null },
          maxRecordBytes: 32 * 1024,
        },
      ),
    );
    await clock.runUntilSettled(this.node.start());
  }

  /** Ends in order; the disk keeps only what was synced. */
  async restart(): Promise<void> {
    const { clock, random } = this.#world;
    await clock.runUntilSettled(this.node!.stop({ drainMs: 1_000 }));
    await clock.runUntilSettled(this.store!.close());
    this.#disk.crash(random);
    await this.start();
  }

  async write(from: number, rows: number): Promise<void> {
    const batch = new RowBatch(SCHEMA);
    for (let row = from; row < from + rows; row += 1) {
      const host = Buffer.from(`host-${this.#id}`);
      batch.setBytes(0, host, 0, host.length);
      batch.setTime(1, 1_700_000_000 + row, 0);
      batch.setNumber(2, row);
      batch.endRow();
    }
    const body = encodeWriteBody([batch.encodeSection()]);
    const writing = this.node!.write('write', body, { schemas: [SCHEMA] });
    await this.#world.clock.runUntilSettled(writing);
  }

  /** Values of all rows, sorted. */
  async values(): Promise<number[]> {
    const view = this.store!.tables.readView();
    const request = {
      parts: [{ tableId: 8, columns: [13] }],
      columns: [13],
      timeMin: null,
      timeMax: null,
      seriesMask: null,
      order: 'any' as const,
    };
    const values: number[] = [];
    const scanning = (async () => {
      for await (const batch of view.scan(request)) {
        const column = batch.columns[0]!;
        if (column.kind !== 'number') throw new Error('a number column');
        for (let row = 0; row < batch.length; row += 1) values.push(column.values[row]!);
      }
    })();
    await this.#world.clock.runUntilSettled(scanning);
    view.release();
    return values.sort((x, y) => x - y);
  }
}

test('rows written on both nodes, over restarts of both, are in both tables once', async () => {
  const clock = new VirtualClock();
  const random = new SeededRandom(5);
  const world = { clock, random, network: new MemoryNetwork(clock, random.fork()) };
  const a = new WholeNode(world, 1);
  const b = new WholeNode(world, 2);
  await a.start();
  await b.start();
  await clock.advance(3_000);
  const expected: number[] = [];
  for (let round = 0; round < 12; round += 1) {
    const writer = round % 2 === 0 ? a : b;
    await writer.write(round * 1_000, 500);
    for (let row = 0; row < 500; row += 1) expected.push(round * 1_000 + row);
    if (round === 4) await b.restart();
    if (round === 7) await a.restart();
    await clock.advance(2_000);
  }
  await clock.advance(20_000);
  expect(a.node!.status()).toMatchObject({ state: 'linked', pendingBytes: 0 });
  expect(b.node!.status()).toMatchObject({ state: 'linked', pendingBytes: 0 });
  expect(await a.values()).toEqual(expected);
  expect(await b.values()).toEqual(expected);
  expect(a.store!.horizon()).toBeGreaterThan(0);
});
