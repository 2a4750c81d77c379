/** A million rows to a client that reads slowly: the server must wait, not buffer. */

import { createConnection } from 'mysql2';
import { COLUMN_TYPE } from '../../protocol/index.js';
import type { RowEncoder } from '../../protocol/index.js';
import { HIGH_WATER_BYTES } from '../../protocol/packet-writer.js';
import { LARGE_CHUNK_BYTES } from '../../protocol/chunk-pool.js';
import { startTestServer } from './support/test-server.js';
import type { TestServer } from './support/test-server.js';
import { column } from './support/test-session.js';

const ROWS = 1_000_000;
const BATCH_ROWS = 8192;

let server: TestServer;
let pushbacks = 0;
beforeAll(async () => {
  server = await startTestServer({
    'SELECT many': async (response) => {
      const stream = response.resultSet([
        column('n', COLUMN_TYPE.long),
        column('d', COLUMN_TYPE.double),
      ]);
      for (let first = 0; first < ROWS; first += BATCH_ROWS) {
        const batch: RowEncoder = {
          rowCount: Math.min(BATCH_ROWS, ROWS - first),
          columns: [
            {
              isNull: () => false,
              text: (row, out) => out.textInteger(first + row),
              binary: (row, out) => out.int32(first + row),
            },
            {
              isNull: (row) => (first + row) % 10 === 0,
              text: (row, out) => out.textDouble((first + row) / 8),
              binary: (row, out) => out.float64((first + row) / 8),
            },
          ],
        };
        const pending = stream.rows(batch);
        if (pending !== undefined) {
          pushbacks++;
          await pending;
        }
      }
      stream.end();
    },
  });
});
afterAll(() => server.close());

test('every row arrives, and the server never holds more than its bound', async () => {
  const client = createConnection({
    host: '127.0.0.1',
    port: server.port,
    user: 'ann',
    password: 'secret',
  });
  let count = 0;
  let sum = 0;
  let stalls = 0;
  let wrong = 0;
  const stream = client.query('SELECT many').stream({ highWaterMark: 50 });
  for await (const row of stream as AsyncIterable<{ n: number; d: number | null }>) {
    if (row.n !== count || row.d !== (count % 10 === 0 ? null : count / 8)) wrong++;
    sum += row.n;
    count++;
    if (count % 50_000 === 0) {
      stalls++;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  expect({ count, sum, stalls, wrong }).toEqual({
    count: ROWS,
    sum: (ROWS * (ROWS - 1)) / 2,
    stalls: 20,
    wrong: 0,
  });
  const [status] = server.server.connections();
  expect(status?.bytesSent).toBeGreaterThan(10_000_000);
  expect(status?.bufferedBytesPeak).toBeLessThanOrEqual(HIGH_WATER_BYTES + 2 * LARGE_CHUNK_BYTES);
  expect(pushbacks).toBeGreaterThan(10);
  client.destroy();
}, 240_000);

test('a client that goes away in the middle ends the stream', async () => {
  const client = createConnection({
    host: '127.0.0.1',
    port: server.port,
    user: 'ann',
    password: 'secret',
  });
  client.on('error', () => undefined);
  await new Promise<void>((resolve) => {
    client.query('SELECT many').on('result', () => resolve());
  });
  client.destroy();
  for (let round = 0; round < 200 && server.server.counters().connectionsOpen > 0; round++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  expect(server.server.counters().connectionsOpen).toBe(0);
  expect(server.environment.lines).toEqual([]);
});
