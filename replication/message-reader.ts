/**
 * Reading what another machine wrote: control messages are msgpack arrays of a fixed shape, and every field is checked before use.
 * Arrays rather than maps: shorter, and no key of the sender's ever becomes a property here.
 */

import { Packr, Unpackr } from 'msgpackr';
import { LinkProtocolError } from './errors.js';

const packr = new Packr({ useRecords: false, int64AsType: 'number' });
const unpackr = new Unpackr({ useRecords: false, int64AsType: 'number' });

export type Field = number | string | boolean | null | Uint8Array | readonly Field[];

export function packFields(fields: readonly Field[]): Uint8Array {
  return packr.pack(fields);
}

export class MessageReader {
  readonly #name: string;
  readonly #fields: readonly unknown[];
  #next = 0;

  private constructor(name: string, fields: readonly unknown[]) {
    this.#name = name;
    this.#fields = fields;
  }

  /** Throws LinkProtocolError when the bytes are not an array. `name` is for messages. */
  static parse(name: string, bytes: Uint8Array): MessageReader {
    let value: unknown;
    try {
      value = unpackr.unpack(bytes);
    } catch (error) {
      throw new LinkProtocolError(`${name} is not readable: ${(error as Error).message}`);
    }
    if (!Array.isArray(value)) throw new LinkProtocolError(`${name} is not an array`);
    return new MessageReader(name, value);
  }

  /** A whole number from 0 to 2^53 - 1. */
  count(): number {
    const value = this.#take();
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
      this.#bad('a count');
    return value;
  }

  /** Any finite number. */
  number(): number {
    const value = this.#take();
    if (typeof value !== 'number' || !Number.isFinite(value)) this.#bad('a number');
    return value;
  }

  boolean(): boolean {
    const value = this.#take();
    if (typeof value !== 'boolean') this.#bad('a boolean');
    return value;
  }

  text(maxLength: number): string {
    const value = this.#take();
    if (typeof value !== 'string' || value.length > maxLength) this.#bad('a text');
    return value;
  }

  /** Lower-case hex of exactly `digits` digits. */
  hex(digits: number): string {
    const value = this.#take();
    if (typeof value !== 'string' || value.length !== digits || !/^[0-9a-f]*$/.test(value)) {
      this.#bad(`${digits} hex digits`);
    }
    return value;
  }

  bytes(length: number): Uint8Array {
    const value = this.#take();
    if (!(value instanceof Uint8Array) || value.length !== length) this.#bad(`${length} bytes`);
    return value;
  }

  /** Null, or what `read` reads. */
  optional<Value>(read: (reader: MessageReader) => Value): Value | null {
    if (this.#fields[this.#next] === null) {
      this.#next += 1;
      return null;
    }
    return read(this);
  }

  list<Value>(maxLength: number, read: (reader: MessageReader) => Value): Value[] {
    const value = this.#take();
    if (!Array.isArray(value) || value.length > maxLength) this.#bad('a list');
    return (value as unknown[]).map((item) => {
      if (!Array.isArray(item)) this.#bad('a list of lists');
      const reader = new MessageReader(this.#name, item as unknown[]);
      const entry = read(reader);
      reader.end();
      return entry;
    });
  }

  /** Nothing may be left. */
  end(): void {
    if (this.#next !== this.#fields.length)
      throw new LinkProtocolError(`${this.#name} is too long`);
  }

  #take(): unknown {
    if (this.#next >= this.#fields.length)
      throw new LinkProtocolError(`${this.#name} is too short`);
    const value = this.#fields[this.#next];
    this.#next += 1;
    return value;
  }

  #bad(expected: string): never {
    throw new LinkProtocolError(`${this.#name}: field ${this.#next} is not ${expected}`);
  }
}
