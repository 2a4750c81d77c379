/**
 * A disk that fills up under a node of a pair: writes are refused with 1021, and nothing of them is anywhere; queries, the peer's writes and
 * the connection live on; when there is room again, writes resume by themselves. Filled to the last byte, the peer's writes wait too.
 */

import type { Connection } from 'mysql2/promise';
import { waitUntil } from '../support/bounded-wait.js';
import { PairProcesses } from '../support/pair-processes.js';
import { SmallFileSystem } from '../support/small-file-system.js';
import { cellOf, rowsOf, run, type ServerError } from '../support/typed-query.js';

jest.setTimeout(120_000);

const MEBIBYTE = 2 ** 20;
/** What LevelDB may take while it joins its files is in it. */
const RESERVE_BYTES = 112 * MEBIBYTE;
const ROWS_PER_INSERT = 1_000;
/** More than fits, however little of it is written twice. */
const INSERTS_MAX = 1_000;
/** Several journal files, and less than the budget. */
const LATE_INSERTS_MAX = 200;

let disk: SmallFileSystem;
let pair: PairProcesses;
let a: Connection;
/** Rows written to see whether the disk is full, and those for which there was room. */
let probes: number;
let probesTaken: number;

beforeEach(async () => {
  disk = SmallFileSystem.make(224 * MEBIBYTE, RESERVE_BYTES);
  disk.growBallast(64 * MEBIBYTE);
  pair = await PairProcesses.start({
    settings: {
      replication: { segment_bytes: '4MiB', max_record_bytes: '1MiB', retain_bytes: 0 },
      storage: { memtable_bytes: '8MiB' },
    },
    a: {
      node: { id: 1, data_dir: `${disk.folder}/data` },
      storage: { disk_reserve: disk.reserveBytes },
    },
  });
  a = await pair.a.connect();
  await run(a, 'CREATE DATABASE full');
  await run(a, 'USE full');
  probes = 0;
  probesTaken = 0;
  for (const table of ['kept', 'filler', 'probe']) {
    await run(
      a,
      `CREATE TABLE ${table} (n INT, ts TIMESTAMP(3) NOT NULL, noise TEXT, PRIMARY KEY (n), TIME INDEX (ts))`,
    );
  }
});

afterEach(async () => {
  await pair?.stop();
  disk?.remove();
});

/** Rows that no codec makes smaller, numbered from `first`. */
function insert(table: string, first: number, count: number): string {
  const rows = Array.from({ length: count }, (_, at) => {
    const noise = Array.from({ length: 20 }, () => Math.random().toString(36).slice(2)).join('');
    return `(${(first + at) % 100}, ${1_700_000_000_000 + first + at}, '${noise}')`;
  });
  return `INSERT INTO ${table} VALUES ${rows.join(',')}`;
}

/** Inserts until the disk is full, on from row `first`; the number of the row that was refused. */
async function fill(table: string, first = 0): Promise<number> {
  for (let row = first; row < INSERTS_MAX * ROWS_PER_INSERT; row += ROWS_PER_INSERT) {
    try {
      await run(a, insert(table, row, ROWS_PER_INSERT));
    } catch (error) {
      expect(error).toMatchObject({ errno: 1021, sqlState: 'HY000' });
      return row;
    }
  }
  throw new Error('the disk never became full');
}

/**
 * Makes the disk full, and sees that the node refuses writes and says so everywhere. What it does in the background may give some room back
 * just then: it is made full again until all say the same.
 */
async function expectFull(makeFull: () => Promise<void>): Promise<void> {
  const errnoOf = (sql: string): Promise<number> =>
    run(a, sql).then(
      () => 0,
      (error: unknown) => (error as ServerError).errno ?? -1,
    );
  await waitUntil('a disk that is full by every word', async () => {
    await makeFull();
    const row = await errnoOf(insert('probe', probes, 1));
    probes += 1;
    if (row === 0) probesTaken += 1;
    const database = await errnoOf('CREATE DATABASE refused');
    if (database === 0) await run(a, 'DROP DATABASE refused');
    const [shown] = await rowsOf(a, "SHOW STATUS LIKE 'disk_full'");
    const seen = [row, database, shown!['Value'], await pair.a.metric('twintide_disk_full')];
    return [seen.join() === '1021,1021,ON,1', seen];
  });
}

async function untilRoom(): Promise<void> {
  await pair.a.waitStatus('to have room again', ({ disk_full }) => !disk_full);
}

/** Rows that the other node has taken when the last byte of the disk is gone and the copy of its journal needs a further file. */
async function writeUntilTheCopyWaits(b: Connection): Promise<number> {
  disk.fillUp();
  for (let inserts = 0; inserts < LATE_INSERTS_MAX; inserts += 1) {
    const { disk_journal_waits } = await pair.a.status();
    if (disk_journal_waits) {
      expect(await pair.a.metric('twintide_disk_journal_waits')).toBe(1);
      return inserts * ROWS_PER_INSERT;
    }
    await run(b, insert('kept', 100_000 + inserts * ROWS_PER_INSERT, ROWS_PER_INSERT));
  }
  throw new Error('the copy of the journal never waited for room');
}

test('writes are refused, the rest goes on, and space brings them back', async () => {
  await run(a, insert('kept', 0, ROWS_PER_INSERT));
  let filled = 0;
  await expectFull(async () => {
    filled = await fill('filler', filled);
  });

  // Said everywhere, and everything else is as before.
  expect(await cellOf(a, 'SELECT COUNT(*) FROM kept')).toBe(ROWS_PER_INSERT);
  expect(await cellOf(a, 'SELECT COUNT(*) FROM filler')).toBe(filled);
  expect((await pair.a.get('/ready')).status).toBe(200);

  // What the peer writes finds its room in the reserve.
  const b = await pair.b.connect({ database: 'full' });
  await run(b, insert('kept', 10_000, ROWS_PER_INSERT));
  await pair.waitCaughtUp();
  expect(await cellOf(a, 'SELECT COUNT(*) FROM kept')).toBe(2 * ROWS_PER_INSERT);

  // What the database itself can give back.
  await run(a, 'DROP TABLE filler');
  await untilRoom();
  await run(a, insert('kept', 20_000, ROWS_PER_INSERT));

  // And once more, with somebody else's file.
  await expectFull(async () => {
    await pair.a.waitStatus('to be full again', ({ disk_full }) => {
      if (!disk_full) disk.growBallast(disk.freeBytes - disk.reserveBytes + MEBIBYTE);
      return disk_full;
    });
  });
  const late = disk.isMounted ? await writeUntilTheCopyWaits(b) : 0;
  disk.removeBallast();
  await untilRoom();
  await run(a, insert('kept', 30_000, ROWS_PER_INSERT));

  await pair.waitCaughtUp();
  await pair.a.kill('SIGKILL');
  await pair.restart(pair.a);
  a = await pair.a.connect({ database: 'full' });
  expect(await cellOf(a, 'SELECT COUNT(*) FROM kept')).toBe(4 * ROWS_PER_INSERT + late);
  // Of what was refused there is nothing.
  expect(await cellOf(a, 'SELECT COUNT(*) FROM probe')).toBe(probesTaken);
  expect(await rowsOf(a, 'SHOW TABLES')).toHaveLength(2);
  expect(await rowsOf(a, "SHOW DATABASES LIKE 'refused'")).toEqual([]);
  expect(await cellOf(b, 'SELECT COUNT(*) FROM kept')).toBe(4 * ROWS_PER_INSERT + late);
});
