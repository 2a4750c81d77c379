/** kernels/rows.ts and its memory, which all scanners use in turn: nothing but the slots is good from one call to the next. */

import { kernelModule } from '../../storage/index.js';

interface GlobalOf<Value> {
  readonly value: Value;
}

/** What kernels/rows.ts exports. */
interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly RESULTS: GlobalOf<number>;
  readonly ROWS_MAX: GlobalOf<number>;
  readonly HANDLES: GlobalOf<number>;
  readonly TIME: GlobalOf<number>;
  readonly TEXT_BYTES_MIN: GlobalOf<number>;
  readonly TIME_BYTES_MAX: GlobalOf<number>;
  readonly INTEGERS_MAX: GlobalOf<number>;
  readonly GREATEST: GlobalOf<number>;
  readonly OUTPUT: GlobalOf<number>;
  readonly OUTPUT_CELLS: GlobalOf<number>;
  readonly CHUNK: GlobalOf<number>;
  readonly CHUNK_BYTES_MAX: GlobalOf<number>;
  readonly SLOTS: GlobalOf<number>;
  readonly SLOT_COUNT: GlobalOf<number>;
  readonly SLOT_BYTES: GlobalOf<number>;
  readonly HANDLES_MAX: GlobalOf<number>;
  readonly STARTS: GlobalOf<number>;
  readonly TEXTS: GlobalOf<number>;
  readonly DIGITS_MAX: GlobalOf<number>;
  /** Returns the rows read; `results` has the offset behind them. */
  readonly readRows: (
    start: number,
    end: number,
    asked: number,
    slot: number,
    before: number,
    timeLength: number,
    after: number,
    stride: number,
    seconds: number,
    hour: number,
  ) => number;
}

const kernel = kernelModule<Exports>('rows');
const { buffer } = kernel.memory;

export const { readRows } = kernel;
export const ROWS_MAX = kernel.ROWS_MAX.value;
export const TEXT_BYTES_MIN = kernel.TEXT_BYTES_MIN.value;
export const INTEGERS_MAX = kernel.INTEGERS_MAX.value;
export const OUTPUT_CELLS = kernel.OUTPUT_CELLS.value;
export const SLOT_COUNT = kernel.SLOT_COUNT.value;
export const HANDLES_MAX = kernel.HANDLES_MAX.value;
export const INTEGER_MAX = 10 ** kernel.DIGITS_MAX.value - 1;

export const results = new Int32Array(buffer, kernel.RESULTS.value, 1);
export const handles = new Int32Array(buffer, kernel.HANDLES.value, ROWS_MAX);
export const timeText = new Uint8Array(buffer, kernel.TIME.value, kernel.TIME_BYTES_MAX.value);
export const greatest = new Uint32Array(buffer, kernel.GREATEST.value, INTEGERS_MAX);
export const output = new Float64Array(buffer, kernel.OUTPUT.value, OUTPUT_CELLS);
export const chunkText = new Uint8Array(buffer, kernel.CHUNK.value, kernel.CHUNK_BYTES_MAX.value);

/** A slot's place, its texts' lengths and beginnings by handle, and the texts. */
export interface SlotMemory {
  readonly offset: number;
  readonly lengths: Uint32Array;
  readonly starts: Uint32Array;
  readonly texts: Uint8Array;
}

export function slotMemory(index: number): SlotMemory {
  const bytes = kernel.SLOT_BYTES.value;
  const textsAt = kernel.TEXTS.value;
  const offset = kernel.SLOTS.value + index * bytes;
  return {
    offset,
    lengths: new Uint32Array(buffer, offset, HANDLES_MAX),
    starts: new Uint32Array(buffer, offset + kernel.STARTS.value, HANDLES_MAX),
    texts: new Uint8Array(buffer, offset + textsAt, bytes - textsAt),
  };
}
