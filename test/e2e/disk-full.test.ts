/**
 * A disk that fills up under a node of a pair: writes are refused with 1021, and nothing of them is anywhere; queries, the peer's writes and
 * the connection live on; when there is room again, writes resume by themselves. Filled to the last byte, the peer's writes wait too.
 */

import type { Connection } from 'mysql2/promise';
import { PairProcesses } from '../support/pair-processes.js';
import { SmallFileSystem } from '../support/small-file-system.js';
import { cellOf, failureOf, rowsOf, run } from '../support/typed-query.js';

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
  for (const table of ['kept', 'filler']) {
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

/** Inserts until the disk is full; the rows acknowledged. */
async function fill(table: string): Promise<number> {
  for (let number = 0; number < INSERTS_MAX; number += 1) {
    try {
      await run(a, insert(table, number * ROWS_PER_INSERT, ROWS_PER_INSERT));
    } catch (error) {
      expect(error).toMatchObject({ errno: 1021, sqlState: 'HY000' });
      return number * ROWS_PER_INSERT;
    }
  }
  throw new Error('the disk never became full');
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
  const filled = await fill('filler');

  // Refused as a whole, said everywhere, and everything else is as before.
  expect(await failureOf(run(a, insert('kept', 5_000, 1)))).toMatchObject({ errno: 1021 });
  expect(await failureOf(run(a, 'CREATE DATABASE refused'))).toMatchObject({ errno: 1021 });
  expect(await cellOf(a, 'SELECT COUNT(*) FROM kept')).toBe(ROWS_PER_INSERT);
  expect(await cellOf(a, 'SELECT COUNT(*) FROM filler')).toBe(filled);
  expect(await rowsOf(a, "SHOW STATUS LIKE 'disk_full'")).toMatchObject([{ Value: 'ON' }]);
  expect(await pair.a.metric('twintide_disk_full')).toBe(1);
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
  await pair.a.waitStatus('to be full again', ({ disk_full }) => {
    if (!disk_full) disk.growBallast(disk.freeBytes - disk.reserveBytes + MEBIBYTE);
    return disk_full;
  });
  expect(await failureOf(run(a, insert('kept', 5_000, 1)))).toMatchObject({ errno: 1021 });
  const late = disk.isMounted ? await writeUntilTheCopyWaits(b) : 0;
  disk.removeBallast();
  await untilRoom();
  await run(a, insert('kept', 30_000, ROWS_PER_INSERT));

  await pair.waitCaughtUp();
  await pair.a.kill('SIGKILL');
  await pair.restart(pair.a);
  a = await pair.a.connect({ database: 'full' });
  expect(await cellOf(a, 'SELECT COUNT(*) FROM kept')).toBe(4 * ROWS_PER_INSERT + late);
  expect(await rowsOf(a, 'SHOW TABLES')).toHaveLength(1);
  expect(await rowsOf(a, "SHOW DATABASES LIKE 'refused'")).toEqual([]);
  expect(await cellOf(b, 'SELECT COUNT(*) FROM kept')).toBe(4 * ROWS_PER_INSERT + late);
});
