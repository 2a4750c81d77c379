/**
 * Writes larger than one record: `part` records ended by `commit` or `abort`.
 *
 * Each part is admitted, appended and shipped on its own, so the budget counts it at once; nothing of the write takes effect before its commit
 * record, whose version all its rows carry. Whatever fails before the commit is appended aborts the whole: "not applied" is then true.
 */

import {
  encodeAbortBody,
  encodeCommitBody,
  encodePartPrefix,
  RecordKind,
} from '../storage/index.js';
import type { Acknowledgement } from './appended-writes.js';
import { NotAppliedError } from './errors.js';
import { NOT_APPLIED_TEXT, type WriteOptions, type WritePath } from './write-path.js';

/** A write larger than one record: parts, shipped at once, that take effect together at the commit. */
export interface MultiPartWrite {
  /** Resolves when the part is durable here. When it rejects, the whole write is aborted and was not applied. */
  part(body: readonly Uint8Array[]): Promise<void>;
  /** As `write`: answered by the gate. `validate` runs here. Requires at least one part. */
  commit(): Promise<Acknowledgement>;
  /** Gives the write up; without effect after the commit was appended or the write was aborted already. */
  abort(): Promise<void>;
}

export class JournaledMultiPartWrite implements MultiPartWrite {
  readonly #path: WritePath;
  readonly #options: WriteOptions;
  #firstPart = 0;
  #partCount = 0;
  #isEnded = false;

  constructor(path: WritePath, options: WriteOptions) {
    this.#path = path;
    this.#options = options;
  }

  async part(body: readonly Uint8Array[]): Promise<void> {
    this.#checkOpen();
    const { validate: _, ...options } = this.#options;
    const prefixed = [encodePartPrefix(this.#firstPart), ...body];
    await this.#orAbort(
      this.#path.hold(RecordKind.part, prefixed, options, {
        isAnswered: false,
        onAppended: (record) => {
          if (this.#partCount === 0) this.#firstPart = record.sequence;
          this.#partCount += 1;
        },
      }),
    );
  }

  async commit(): Promise<Acknowledgement> {
    this.#checkOpen();
    if (this.#partCount === 0) throw new RangeError('a multi-part write has at least one part');
    const body = [encodeCommitBody({ firstPart: this.#firstPart, partCount: this.#partCount })];
    const committed = this.#path.hold(RecordKind.commit, body, this.#options, {
      isAnswered: true,
      onAppended: () => {
        this.#isEnded = true;
      },
    });
    return this.#orAbort(committed);
  }

  abort(): Promise<void> {
    this.#giveUp();
    return Promise.resolve();
  }

  #giveUp(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    if (this.#partCount === 0) return;
    this.#path.appendUnheld(RecordKind.abort, [encodeAbortBody(this.#firstPart)]);
  }

  async #orAbort<Result>(step: Promise<Result>): Promise<Result> {
    try {
      return await step;
    } catch (error) {
      this.#giveUp();
      throw error;
    }
  }

  #checkOpen(): void {
    if (!this.#isEnded) return;
    throw new NotAppliedError('part-failed', NOT_APPLIED_TEXT['part-failed']);
  }
}
