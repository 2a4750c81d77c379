/** The answer to one command: OK, ERR and result set packets, in both protocols and with or without DEPRECATE_EOF. */

import { ChunkPool } from '../../protocol/chunk-pool.js';
import { PARAMETER_DEFINITION } from '../../protocol/column-definition.js';
import { CommandResponse } from '../../protocol/command-response.js';
import { COLUMN_FLAG, COLUMN_TYPE, SqlError } from '../../protocol/index.js';
import type { CellEncoder, RowEncoder, SessionChange } from '../../protocol/index.js';
import { PacketWriter, SLICE_BYTES } from '../../protocol/packet-writer.js';
import { BIT, MODERN } from './support/client-packets.js';
import { CapturedOutput } from './support/captured-output.js';
import { hex, packet, packetsOf } from './support/packets.js';
import { column, textCells } from './support/test-session.js';

interface Setup {
  readonly capabilities?: number;
  readonly status?: number;
  readonly changes?: readonly SessionChange[];
  readonly isTaking?: boolean;
  readonly protocol?: 'text' | 'binary';
}

function fixture(setup: Setup = {}) {
  const output = new CapturedOutput(setup.isTaking ?? true);
  const writer = new PacketWriter(output, new ChunkPool());
  let changes = setup.changes ?? [];
  let nowMs = 0;
  const turns: (() => void)[] = [];
  const response = new CommandResponse(
    writer,
    {
      monotonicMs: () => nowMs,
      yieldTurn: () => new Promise((resolve) => turns.push(resolve)),
    },
    {
      capabilities: setup.capabilities ?? MODERN,
      statusFlags: () => setup.status ?? 2,
      takeChanges: () => {
        const taken = changes;
        changes = [];
        return taken;
      },
    },
    () => writer.flush(),
  );
  response.begin(setup.protocol ?? 'text', 1);
  return {
    output,
    writer,
    response,
    passTime: (ms: number) => {
      nowMs += ms;
    },
    turns,
  };
}

const OLD = MODERN & ~BIT.deprecateEof;

describe('OK', () => {
  test.each([
    ['nothing to say', {}, {}, '00 00 00 0200 0000'],
    ['rows and warnings', {}, { affectedRows: 3, warnings: 2 }, '00 03 00 0200 0200'],
    ['many rows', {}, { affectedRows: 70_000n, lastInsertId: 300 }, '00 fd701101 fc2c01 0200 0000'],
    ['more warnings than two bytes hold', {}, { warnings: 100_000 }, '00 00 00 0200 ffff'],
    ['in a transaction', { status: 3 }, {}, '00 00 00 0300 0000'],
    [
      'info',
      {},
      { info: 'Records: 1' },
      `00 00 00 0200 0000 0a ${Buffer.from('Records: 1').toString('hex')}`,
    ],
    [
      'changes are kept from clients that do not track',
      { changes: [{ kind: 'schema', name: 'db' }] },
      {},
      '00 00 00 0200 0000',
    ],
    [
      'a new schema',
      { capabilities: MODERN | BIT.sessionTrack, changes: [{ kind: 'schema', name: 'db' }] },
      {},
      '00 00 00 0240 0000 00 05 01 03 02 6462',
    ],
    [
      'a variable, with info',
      {
        capabilities: MODERN | BIT.sessionTrack,
        changes: [{ kind: 'systemVariable', name: 'autocommit', value: 'OFF' }],
      },
      { info: 'x' },
      `00 00 00 0240 0000 01 78 11 00 0f 0a ${Buffer.from('autocommit').toString('hex')} 03 ${Buffer.from('OFF').toString('hex')}`,
    ],
  ] as const)('%s', (_name, setup, result, payload) => {
    const { response, output } = fixture(setup);
    response.ok(result);
    expect(output.hex()).toBe(packet(1, hex(payload)).toString('hex'));
    expect(response.isDone).toBe(true);
  });
});

describe('ERR', () => {
  test('number, state, text', () => {
    const { response, output } = fixture();
    response.error(new SqlError('ER_BAD_DB_ERROR', { database: 'x' }));
    const payload = Buffer.concat([hex('ff 1904'), Buffer.from("#42000Unknown database 'x'")]);
    expect(output.hex()).toBe(packet(1, payload).toString('hex'));
  });

  test('long texts are cut below 512 bytes, between characters', () => {
    const { response, output } = fixture();
    response.error(new SqlError('ER_UNKNOWN_ERROR', `${'x'.repeat(510)}é and more`));
    expect(
      output
        .bytes()
        .subarray(4 + 9)
        .toString('utf8'),
    ).toBe('x'.repeat(510));
  });
});

/** Cells of a LONG column. */
function longCells(values: readonly (number | null)[]): CellEncoder {
  return {
    isNull: (row) => values[row] === null,
    text: (row, out) => out.textInteger(values[row] ?? 0),
    binary: (row, out) => out.int32(values[row] ?? 0),
  };
}

const COLUMNS = [
  column('n', COLUMN_TYPE.long, {
    schema: 'd',
    table: 'a',
    originalTable: 't',
    originalName: 'number',
    length: 11,
    flags: COLUMN_FLAG.notNull | COLUMN_FLAG.number,
  }),
  column('s', COLUMN_TYPE.varString),
];
const BATCH: RowEncoder = {
  rowCount: 2,
  columns: [longCells([-7, null]), textCells([null, 'hé'])],
};

const COUNT = packet(1, hex('02'));
const DEFINITIONS = [
  packet(2, hex('03646566 0164 0161 0174 016e 066e756d626572 0c 3f00 0b000000 03 0180 00 0000')),
  packet(3, hex('03646566 00 00 00 0173 00 0c 2e00 ff000000 fd 0000 00 0000')),
];

describe('result sets, byte by byte', () => {
  const whole = (setup: Setup, warnings = 0): string => {
    const { response, output } = fixture(setup);
    const rows = response.resultSet(COLUMNS);
    expect(rows.rows(BATCH)).toBeUndefined();
    rows.end({ warnings });
    return output.hex();
  };

  test('text rows, DEPRECATE_EOF', () => {
    expect(whole({}, 1)).toBe(
      Buffer.concat([
        COUNT,
        ...DEFINITIONS,
        packet(4, hex('02 2d37 fb')),
        packet(5, hex('fb 03 68c3a9')),
        packet(6, hex('fe 00 00 0200 0100')),
      ]).toString('hex'),
    );
  });

  test('text rows, EOF packets', () => {
    expect(whole({ capabilities: OLD }, 1)).toBe(
      Buffer.concat([
        COUNT,
        ...DEFINITIONS,
        packet(4, hex('fe 0000 0200')),
        packet(5, hex('02 2d37 fb')),
        packet(6, hex('fb 03 68c3a9')),
        packet(7, hex('fe 0100 0200')),
      ]).toString('hex'),
    );
  });

  test('binary rows', () => {
    expect(whole({ protocol: 'binary' })).toBe(
      Buffer.concat([
        COUNT,
        ...DEFINITIONS,
        packet(4, hex('00 08 f9ffffff')),
        packet(5, hex('00 04 03 68c3a9')),
        packet(6, hex('fe 00 00 0200 0000')),
      ]).toString('hex'),
    );
  });

  test.each([1, 6, 7, 14, 15, 40])('the NULL bitmap of %d columns', (count) => {
    const { response, output } = fixture({ protocol: 'binary' });
    const rows = response.resultSet(
      Array.from({ length: count }, () => column('c', COLUMN_TYPE.tiny)),
    );
    const isNull = Array.from({ length: count }, (_, index) => index % 3 === 0);
    void rows.rows({
      rowCount: 1,
      columns: isNull.map((absent) => ({
        isNull: () => absent,
        text: (_row, out) => out.textInteger(1),
        binary: (_row, out) => out.int8(1),
      })),
    });
    const row = packetsOf(output.bytes()).at(-1)?.payload;
    rows.end();
    const rowPayload = packetsOf(output.bytes()).at(-2)?.payload ?? row ?? Buffer.alloc(0);
    const bitmapBytes = Math.floor((count + 7 + 2) / 8);
    expect(rowPayload.length).toBe(1 + bitmapBytes + isNull.filter((absent) => !absent).length);
    isNull.forEach((absent, index) => {
      const bit = index + 2;
      expect(((rowPayload[1 + (bit >> 3)] ?? 0) >> (bit & 7)) & 1).toBe(absent ? 1 : 0);
    });
  });

  test('an error after rows were sent', () => {
    const { response, output } = fixture();
    const rows = response.resultSet(COLUMNS);
    void rows.rows(BATCH);
    rows.fail(new SqlError('ER_QUERY_INTERRUPTED'));
    const last = packetsOf(output.bytes()).at(-1);
    expect(last?.sequenceId).toBe(6);
    expect(last?.payload.toString('latin1')).toBe(
      '\xff\x25\x05#70100Query execution was interrupted',
    );
  });

  test('an encoder that fails in the middle of a row leaves no half row', () => {
    const { response, output } = fixture();
    const rows = response.resultSet([COLUMNS[1]!, COLUMNS[1]!]);
    const failing: CellEncoder = {
      isNull: () => false,
      text: () => {
        throw new Error('broken encoder');
      },
      binary: () => undefined,
    };
    expect(() => rows.rows({ rowCount: 1, columns: [textCells(['written']), failing] })).toThrow(
      'broken encoder',
    );
    response.failWith(new SqlError('ER_UNKNOWN_ERROR'));
    const packets = packetsOf(output.bytes());
    expect(packets).toHaveLength(4);
    expect(packets[3]?.payload[0]).toBe(0xff);
    expect(output.bytes().includes('written')).toBe(false);
  });
});

describe('one answer to each command', () => {
  test('a second answer is a bug', () => {
    const { response } = fixture();
    response.ok();
    expect(() => response.ok()).toThrow('an answer that is done was used as if it were open');
    expect(() => response.resultSet(COLUMNS)).toThrow('done');
  });

  test('a batch of the wrong width is a bug', () => {
    const { response } = fixture();
    expect(() => response.resultSet(COLUMNS).rows({ rowCount: 0, columns: [] })).toThrow(
      'a batch of 0 columns in a result of 2',
    );
  });

  test('a result set without columns is a bug', () => {
    expect(() => fixture().response.resultSet([])).toThrow('at least one column');
  });
});

describe('stopping in the middle', () => {
  const wide = (rowCount: number): RowEncoder => ({
    rowCount,
    columns: [textCells(Array.from({ length: rowCount }, () => 'x'.repeat(200)))],
  });

  test('a full socket stops the batch; draining lets it go on', async () => {
    const { response, output, writer } = fixture({ isTaking: false });
    const rows = response.resultSet([COLUMNS[1]!]);
    const pending = rows.rows(wide(5000));
    expect(pending).toBeInstanceOf(Promise);
    const written = packetsOf(output.bytes()).length;
    expect(written).toBeLessThan(3000);
    for (let round = 0; round < 50 && writer.bufferedBytes > 0; round++) {
      output.take();
      await Promise.resolve();
    }
    await pending;
    rows.end();
    expect(packetsOf(output.bytes()).filter(({ payload }) => payload.length === 201)).toHaveLength(
      5000,
    );
  });

  test('after a stretch of time the event loop gets a turn', async () => {
    const { response, output, turns, passTime } = fixture();
    const rows = response.resultSet([COLUMNS[1]!]);
    const slow: CellEncoder = {
      isNull: () => false,
      text: (_row, out) => {
        passTime(0.001);
        out.textInteger(1);
      },
      binary: () => undefined,
    };
    const pending = rows.rows({ rowCount: 10_000, columns: [slow] });
    expect(pending).toBeInstanceOf(Promise);
    let turnsTaken = 0;
    while (turns.length > 0) {
      turnsTaken++;
      turns.shift()?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await pending;
    rows.end();
    expect(turnsTaken).toBeGreaterThanOrEqual(2);
    expect(packetsOf(output.bytes()).filter(({ payload }) => payload.length === 2)).toHaveLength(
      10_000,
    );
  });

  describe('a row with a value of megabytes', () => {
    const VALUE_BYTES = 8 * 1024 * 1024;
    const long: CellEncoder = {
      isNull: () => false,
      text: (row, out) => {
        const value = Buffer.alloc(row === 1 ? VALUE_BYTES : 10, 'v');
        out.lenencBytes(value, 0, value.length);
      },
      binary: () => undefined,
    };
    const ENCODER: RowEncoder = { rowCount: 3, columns: [long] };

    /** Lets one turn after the other pass; calls `then` behind each with the bytes that it wrote. */
    async function passTurns(
      { turns, output }: ReturnType<typeof fixture>,
      then: (bytes: number) => void,
    ): Promise<number> {
      let turnsTaken = 0;
      for (let seen = output.writes.length; turns.length > 0; turnsTaken++) {
        turns.shift()!();
        await new Promise((resolve) => setImmediate(resolve));
        then(output.writes.slice(seen).reduce((sum, { length }) => sum + length, 0));
        seen = output.writes.length;
      }
      return turnsTaken;
    }

    test('is written a slice a turn, and the rows after it', async () => {
      const scene = fixture();
      const rows = scene.response.resultSet([COLUMNS[1]!]);
      const pending = rows.rows(ENCODER);
      const most: number[] = [];
      const turnsTaken = await passTurns(scene, (bytes) => most.push(bytes));
      await pending;
      rows.end();
      expect(turnsTaken).toBeGreaterThanOrEqual(VALUE_BYTES / SLICE_BYTES);
      // A slice, and the chunk that was not full before.
      expect(Math.max(...most)).toBeLessThanOrEqual(SLICE_BYTES + 64 * 1024);
      const sizes = packetsOf(scene.output.bytes()).map(({ payload }) => payload.length);
      expect(sizes.slice(-4, -1)).toEqual([11, VALUE_BYTES + 4, 11]);
    });

    test('is written to its end when its command is killed meanwhile', async () => {
      const scene = fixture();
      const rows = scene.response.resultSet([COLUMNS[1]!]);
      const pending = rows.rows(ENCODER);
      const failed = expect(pending).rejects.toThrow('interrupted');
      const reason = new SqlError('ER_QUERY_INTERRUPTED');
      await passTurns(scene, () => scene.response.abort(reason));
      await failed;
      scene.response.failWith(reason);
      const packets = packetsOf(scene.output.bytes());
      expect(packets.at(-2)?.payload.length).toBe(VALUE_BYTES + 4);
      expect(packets.at(-1)?.payload[0]).toBe(0xff);
    });
  });

  test('a killed command stops at the next batch, and in the middle of a waiting one', async () => {
    const reason = new SqlError('ER_QUERY_INTERRUPTED');
    const before = fixture();
    const stream = before.response.resultSet([COLUMNS[1]!]);
    before.response.abort(reason);
    expect(() => stream.rows(wide(1))).toThrow(reason);

    const waiting = fixture({ isTaking: false });
    const pending = waiting.response.resultSet([COLUMNS[1]!]).rows(wide(5000));
    waiting.response.abort(reason);
    waiting.output.take();
    await expect(pending).rejects.toBe(reason);
  });
});

describe('the abort signal', () => {
  test('carries the reason, whenever it is looked at', () => {
    const reason = new SqlError('ER_QUERY_INTERRUPTED');
    const early = fixture().response;
    const seen: unknown[] = [];
    early.signal.addEventListener('abort', () => seen.push(early.signal.reason));
    early.abort(reason);
    early.abort(new SqlError('ER_SERVER_SHUTDOWN'));
    expect(seen).toEqual([reason]);

    const late = fixture().response;
    late.abort(reason);
    expect(late.signal.aborted).toBe(true);
    expect(() => late.signal.throwIfAborted()).toThrow(reason);
  });

  test('does not outlive its command', () => {
    const { response } = fixture();
    response.abort(new SqlError('ER_QUERY_INTERRUPTED'));
    response.failWith(new SqlError('ER_QUERY_INTERRUPTED'));
    response.begin('text', 1);
    expect(response.signal.aborted).toBe(false);
  });
});

test.each([
  ['with DEPRECATE_EOF', MODERN],
  ['without', OLD],
])('definitions of parameters are as if each were spelled out, %s', (_, capabilities) => {
  const [copied, spelled] = [fixture({ capabilities }), fixture({ capabilities })];
  copied.response.writeParameterDefinitions(300);
  spelled.response.writeDefinitions(Array.from({ length: 300 }, () => PARAMETER_DEFINITION));
  for (const { writer } of [copied, spelled]) writer.flush();
  expect(copied.output.hex()).toBe(spelled.output.hex());
});
