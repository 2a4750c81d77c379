/**
 * The bugs that the tests must notice, each in the most direct test there is for it. Design, section 12: "the tests are tested".
 *
 * A bug is planted where the promise is kept, not in a copy of the rule: when that code changes so that the text is found no more,
 * the bug must be planted anew.
 */

import type { PlantedBug } from './planted-copy.js';

export const PLANTED_BUGS: readonly PlantedBug[] = [
  {
    name: 'no sync: a journal write counts as durable when the system has it',
    file: 'storage/journal-writer.ts',
    find: 'disk.open(spare, { durable: true })',
    replace: 'disk.open(spare, {})',
    testFile: 'test/storage/journal-crash.test.ts',
    testName: 'own journal: every seed lives five lives',
  },
  {
    name: 'confirm before the peer’s sync: what is received is called durable',
    file: 'replication/receiver.ts',
    find: 'return { received, durable, applied:',
    replace: 'return { received, durable: received, applied:',
    testFile: 'test/replication/sender-receiver.test.ts',
    testName: 'the receiver applies what is durable, and nothing else',
  },
  {
    name: 'gate off by one record: the record behind the confirmed one passes too',
    file: 'replication/gate.ts',
    find: 'entry.sequence <= state.confirmed && state.recoveredBytes === 0',
    replace: 'entry.sequence <= state.confirmed + 1 && state.recoveredBytes === 0',
    testFile: 'test/replication/gate-exhaustive.test.ts',
    testName: 'every reachable state of a small gate keeps the rules budget 0, block',
  },
  {
    name: 'admission without reservation: two writes are admitted into the same room',
    file: 'replication/gate.ts',
    find: 'const used = this.pendingBytes + state.reservedBytes;',
    replace: 'const used = this.pendingBytes;',
    testFile: 'test/replication/gate-exhaustive.test.ts',
    testName: 'every reachable state of a small gate keeps the rules budget 2, block',
  },
  {
    name: 'hash not checked: records of another history are appended',
    file: 'storage/copy-check.ts',
    find: 'expected.expectedHash !== undefined && hash !== expected.expectedHash',
    replace: 'false',
    testFile: 'test/storage/journal.test.ts',
    testName: 'copies refuse another history, and stay as they were',
  },
  {
    name: 'record applied twice after a relink: what is here already is taken again',
    file: 'replication/receiver.ts',
    find: 'skipRecords(chunk.records, stream.received + 1 - firstSequence)',
    replace: 'skipRecords(chunk.records, 0)',
    testFile: 'test/replication/sender-receiver.test.ts',
    testName: 'the receiver skips what it has, and gives its credit back at once',
  },
  {
    name: 'record applied twice after a restart: what is flushed is replayed',
    file: 'storage/record-applier.ts',
    find: 'if (record.sequence > this.#flushedThrough(id)) {',
    replace: 'if (record.sequence > 0) {',
    testFile: 'test/storage/store.test.ts',
    testName:
      'store a multi-part write appears at its commit as a whole, and an aborted or orphaned one never',
  },
  {
    name: 'version by arrival: what comes last wins',
    file: 'storage/record-applier.ts',
    find: 'tables.applyWrite(record.version, record.body, 0);',
    replace: 'tables.applyWrite(this.#highestApplied + 1, record.body, 0);',
    testFile: 'test/storage/store.test.ts',
    testName: 'store the higher version wins, whatever arrives last',
  },
  {
    name: 'record CRC skipped: a flipped bit in the journal is served',
    file: 'storage/record.ts',
    find: 'if (stored !== computed) {',
    replace: 'if (stored !== stored) {',
    testFile: 'test/storage/record.test.ts',
    testName: 'every flipped bit is a fault, in the length field too',
  },
  {
    name: 'block CRC skipped: a flipped bit in a stored value is served',
    file: 'storage/sealed-value.ts',
    find: 'if (crc32(payload, crc32(key)) !== stored)',
    replace: 'if (stored !== stored)',
    testFile: 'test/storage/table-store.test.ts',
    testName: 'damage a value under another key is damage',
  },
  {
    name: 'manifest before blocks: the last blocks of a flush follow the manifest that names them',
    file: 'storage/flush.ts',
    find: '  await batches.flush();',
    replace: '  void deps.pacer.turn().then(() => batches.flush());',
    testFile: 'test/storage/table-store.test.ts',
    testName:
      'a flush becomes visible in one step: readers see every row once, before, while and after',
  },
  {
    name: 'tombstone lost in flush: a deleted row is back after the restart',
    file: 'storage/manifest-writer.ts',
    find: 'tombstones: [...before.tombstones.values()].flat().filter((one) => !spent.has(one)),',
    replace: 'tombstones: [],',
    testFile: 'test/storage/table-store.test.ts',
    testName:
      'deletes of a range stay while something older can still arrive, even when there is nothing yet to delete',
  },
  {
    name: 'acknowledged and not visible: a late write is not applied for whoever looks',
    file: 'storage/live-state.ts',
    find: 'if (this.#late !== null) this.settle();',
    replace: '',
    testFile: 'test/storage/late-write.test.ts',
    testName: 'a late write is seen by a read view',
  },
  {
    name: 'memory of a memtable goes to the next while a view reads it',
    file: 'storage/run-garbage.ts',
    find: 'const unread = this.#unread.filter(({ states }) => !this.#isPinned(states));',
    replace: 'const unread = this.#unread;',
    testFile: 'test/storage/table-store.test.ts',
    testName:
      'memory of flushed rows is left alone while a view reads them, active or frozen when it was opened',
  },
  {
    name: 'expiry by arrival: the record that comes last holds, not the latest time',
    file: 'storage/table-store.ts',
    find: '(known !== undefined && through <= known)',
    replace: 'false',
    testFile: 'test/storage/expiry.test.ts',
    testName:
      'what has expired never comes back: an earlier time changes nothing, in any order, and the order does not matter',
  },
  {
    name: 'expiry at the moment: a row that old which is written later is shown',
    file: 'storage/read-view.ts',
    find: 'timeMin: latest(request.timeMin, expired === null ? null : expired + 1n),',
    replace: 'timeMin: request.timeMin,',
    testFile: 'test/storage/expiry.test.ts',
    testName: 'what has expired stays invisible when it arrives later, whatever its version',
  },
  {
    name: 'expiry by own clock: what is too old is decided by a clock that nothing holds back',
    file: 'storage/version-clock.ts',
    find: 'return Math.max(0, Math.min(own, limit));',
    replace: 'return own + 0 * limit;',
    testFile: 'test/server/expiry-task.test.ts',
    testName: 'a clock that runs a year ahead of the peer’s expires nothing early',
  },
  {
    name: 'expiry forgotten by the manifest: rows are back after a restart',
    file: 'storage/manifest-head.ts',
    find: 'writer.bigInt64(through);',
    replace: 'writer.bigInt64(through - through);',
    testFile: 'test/storage/expiry.test.ts',
    testName: 'what has expired is remembered by the manifest, and forgotten with its table',
  },
  {
    name: 'fields replaced in a flush: what the newer row leaves NULL is lost',
    file: 'storage/row-reduction.ts',
    find: 'const keepsOlder = rules.appendMode || rules.mergeFields;',
    replace: 'const keepsOlder = rules.appendMode;',
    testFile: 'test/storage/merge-fields.test.ts',
    testName:
      'whatever order records arrive in, and wherever a flush falls, the rows are the same for random changes',
  },
  {
    name: 'compaction drops a tombstone too early: a memtable holds a row that it deletes',
    file: 'storage/compactor.ts',
    find: 'settledHorizon: isWhole ? Math.min(covered, inMemory) : 0,',
    replace: 'settledHorizon: isWhole ? Math.min(covered, inMemory + 1e9) : 0,',
    testFile: 'test/storage/compaction.test.ts',
    testName: 'a tombstone of a row stays while a memtable holds a row that it deletes',
  },
  {
    name: 'compaction drops a tombstone too early: another run of the partition holds a row that it deletes',
    file: 'storage/compactor.ts',
    find: 'inputs.length === runs.length &&',
    replace: 'inputs.length <= runs.length ||',
    testFile: 'test/storage/compaction.test.ts',
    testName: 'a tombstone of a row stays in a job that leaves out a run of the partition',
  },
  {
    name: 'compaction manifest before its blocks',
    file: 'storage/compact.ts',
    find: '  await batches.flush();',
    replace: '  void deps.pacer.turn().then(() => batches.flush());',
    testFile: 'test/storage/compaction.test.ts',
    testName:
      'a power loss at any batch of a compaction leaves the old runs or the new one, and no orphan',
  },
  {
    name: 'series of a flush that was cut off stay, and mix with those of the next',
    file: 'storage/manifest.ts',
    find: 'else orphans.add(tableId);',
    replace: '',
    testFile: 'test/storage/crash-at-each-batch.test.ts',
    testName:
      'a flush of a new table of many series the batch is lost with all that no sync covers: at each batch',
  },
  {
    name: 'overwritten row dropped above the stable horizon',
    file: 'storage/row-reduction.ts',
    find: '} else if (version <= horizon) {',
    replace: '} else if (version <= horizon + 1e9) {',
    testFile: 'test/storage/compaction.test.ts',
    testName: 'what is overwritten goes up to the stable horizon: 0 leaves 4',
  },
  {
    name: 'a run is deleted while a view reads it',
    file: 'storage/run-garbage.ts',
    find: 'oldestPin >= stateNumber',
    replace: 'stateNumber >= 0',
    testFile: 'test/storage/compaction.test.ts',
    testName:
      'whoever reads meanwhile goes on with the old runs, which are deleted when the last one is done',
  },
  {
    name: 'compaction forgets where rows of one identity are left',
    file: 'storage/identity-groups.ts',
    find: 'if (left < 2 && !hasTombstone) return;',
    replace: 'if (!hasTombstone) return;',
    testFile: 'test/storage/compaction.test.ts',
    testName: 'what is overwritten goes up to the stable horizon: 0 leaves 4',
  },
  {
    name: 'fields joined above the horizon: a row that arrives in between is lost',
    file: 'storage/identity-groups.ts',
    find: 'this.#versions[row]! <= this.#rules.settledHorizon',
    replace: 'this.#versions[row]! < Infinity',
    testFile: 'test/storage/merge-fields.test.ts',
    testName:
      'a compaction joins fields only at or below the horizon: above it something may still come in between',
  },
  {
    name: 'alone by number: a compaction overlooks a run that spans many partitions',
    file: 'storage/compactor.ts',
    find: 'inputs.includes(run) || !overlaps(run, span)',
    replace: 'inputs.includes(run) || overlaps(run, span) || true',
    testFile: 'test/storage/flush-partitions.test.ts',
    testName:
      'a backfill of years has a bounded number of runs, however often rows of all ages come, and is joined without losing a field',
  },
  {
    name: 'a large write forgets which of its rows may replace others when it is published',
    file: 'storage/memtable.ts',
    find: 'this.suspects.addAll(other.suspects);',
    replace: '',
    testFile: 'test/storage/staged-write.test.ts',
    testName:
      'rows of one identity, written between its slices one that is older: the higher version wins',
  },
  {
    name: 'visible before the gate: a record is applied as soon as it is durable here',
    file: 'replication/write-path.ts',
    find: '  #onDurable(sequence: number): void {\n    if (this.#failure !== null) return;\n',
    replace:
      '  #onDurable(sequence: number): void {\n    if (this.#failure !== null) return;\n    this.#visible = sequence;\n    this.#apply();\n',
    testFile: 'test/replication/replica-node.test.ts',
    testName:
      'on_peer_loss = block what was appended and not confirmed is "stored", and visible once it is confirmed',
  },
  {
    name: 'disk full: a write is refused, and appended all the same',
    file: 'replication/write-path.ts',
    find: 'if (this.#deps.store.isDiskFull) throw new DiskFullError();',
    replace:
      'if (this.#deps.store.isDiskFull) {\n      this.#append(RecordKind.write, [], null, null);\n      throw new DiskFullError();\n    }',
    testFile: 'test/replication/disk-full.test.ts',
    testName:
      'a node whose disk has only its reserve left refuses a write, and nothing of it is anywhere',
  },
  {
    name: 'disk full: a journal that waits for its next file counts the room in it',
    file: 'storage/journal.ts',
    find: 'if (spares < 0) return 0;',
    replace: 'spares = Math.max(spares, 0);',
    testFile: 'test/storage/journal-room.test.ts',
    testName: 'while it waits it has room for nothing, however much its next segment would hold',
  },
  {
    name: 'disk full: a journal that finds no room for the header of its next file is given up',
    file: 'storage/journal-writer.ts',
    find: 'await room.until(() => this.#beginFile(log, segment, spare));',
    replace: 'await this.#beginFile(log, segment, spare);',
    testFile: 'test/storage/journal-room.test.ts',
    testName: 'ENOSPC though the next file is there when its header is written',
  },
  {
    name: 'disk full: a handshake waits for the copy’s disk for as long as that takes, and holds its connection',
    file: 'replication/receiver.ts',
    find: 'if (signal.aborted) throw new DiskBehindError();',
    replace: '',
    testFile: 'test/replication/disk-full.test.ts',
    testName:
      'a disk without any room a link that breaks while a copy waits for it comes back when there is room, and not before full: b, on_peer_loss: block',
  },
  {
    name: 'disk full: what a flush has written before it found no room stays',
    file: 'storage/table-store.ts',
    find: '        this.#garbage.discard(reserved);\n',
    replace: '',
    testFile: 'test/storage/disk-full.test.ts',
    testName:
      'a flush whose batch of the manifest finds no room keeps the rows, leaves nothing behind, refuses clients and succeeds later',
  },
  {
    name: 'disk full: series whose dictionary was not written count as written',
    file: 'storage/table-store.ts',
    find: '        for (const [table, count] of persisted) table.persistedSeries = count;\n',
    replace: '',
    testFile: 'test/storage/disk-full.test.ts',
    testName:
      'a flush whose batch of the dictionary finds no room keeps the rows, leaves nothing behind, refuses clients and succeeds later',
  },
  {
    name: 'disk full: LevelDB is written to after a write of another thread has failed',
    file: 'storage/write-latch.ts',
    find: 'if (this.hasFailed) throw',
    replace: 'if (this.hasFailed && this.#name === 0) throw',
    testFile: 'test/storage/reopening-store.test.ts',
    testName:
      'with a thread that writes beside after its failure nothing is written in any thread, and what names its blocks is refused',
  },
  {
    name: 'backup without checksums: a damaged value is copied, and found when it is too late',
    file: 'storage/backup.ts',
    find: '        openValue(key, value);\n        yield [key, value];',
    replace: '        yield [key, value];',
    testFile: 'test/storage/backup.test.ts',
    testName: 'a damaged value ends the backup with its place, and the backup before stays',
  },
  {
    name: 'backup manifest before its files: what it names is not yet on stable storage',
    file: 'storage/backup-file.ts',
    find: '    await file.sync();\n    entry = end.entry;',
    replace: '    entry = end.entry;',
    testFile: 'test/storage/backup.test.ts',
    testName:
      'power lost at any operation of the disk: the backup before is whole, and the next goes on',
  },
  {
    name: 'restore: the identity is written before the store’s place is on stable storage',
    file: 'src/server/empty-directory.ts',
    find: '      await files.syncFolder(path);\n',
    replace: '',
    testFile: 'test/server/restore-node.test.ts',
    testName: 'a power loss at each operation of a restore what starts then is whole (attempts: 1)',
  },
  {
    name: 'restored beside a living peer: the lineage is not compared',
    file: 'replication/handshake.ts',
    find: 'if (local.lineage !== peer.lineage) {',
    replace: 'if (false) {',
    testFile: 'test/replication/handshake.test.ts',
    testName:
      'nodes that were restored from backups two nodes that were not restored from the same backup are refused by name: "0011223344556677", ""',
  },
  {
    name: 'tag columns are taken for those remembered without comparing their bytes',
    file: 'storage/tag-block-cache.ts',
    find: 'return Buffer.compare(bytes, source.subarray(start, start + length)) === 0;',
    replace: 'return true;',
    testFile: 'test/storage/tag-block-cache.test.ts',
    testName:
      'sections whose tag columns repeat are not taken for ones that differ in one letter of the middle host',
  },
  {
    name: 'a transaction teaches the table the ids of its own series',
    file: 'storage/memtable.ts',
    find: 'reader.resolved === null && !this.#isOverlay',
    replace: 'reader.resolved === null',
    testFile: 'test/storage/tag-block-cache.test.ts',
    testName:
      'sections whose tag columns repeat of a transaction teach the table nothing: its own series are gone with it',
  },
  {
    name: 'the dictionary of a dropped table goes before its drop is on disk',
    file: 'storage/manifest-writer.ts',
    find: 'this.#removedRuns.push(...runs);',
    replace: 'this.#removedRuns.push(...runs); this.#forgetDictionaries([tableId]);',
    testFile: 'test/storage/table-store.test.ts',
    testName:
      'dropping a table a power loss at any batch leaves its series whole, or no trace of them after the next start',
  },
  {
    name: 'max_series without claims: several writes under way pass the limit together',
    file: 'src/server/series-limit.ts',
    find: 'return this.#source.seriesCount() + this.#uncounted + this.#claimed.size;',
    replace: 'return this.#source.seriesCount();',
    testFile: 'test/server/series-limit.test.ts',
    testName: 'writes under way never pass the limit together, and none is refused for less',
  },
  {
    name: 'rolling hash read one record early: it is not worked out yet',
    file: 'storage/record-tail.ts',
    find: 'if (index >= this.#hashed) this.#hashThrough(index);',
    replace: 'if (index > this.#hashed) this.#hashThrough(index);',
    testFile: 'test/storage/record-tail.test.ts',
    testName: 'a hash is that of the chain, whoever worked it out and whenever it is asked for',
  },
  {
    name: 'rolling hash of a position moves on: it is that of the newest record there is when one asks',
    file: 'storage/record-tail.ts',
    find: 'return this.#chunk.hashOf(this.sequence - this.#chunk.firstSequence);',
    replace: 'return this.#chunk.hashOf(this.#chunk.count - 1);',
    testFile: 'test/storage/record-tail.test.ts',
    testName: 'a hash is that of the chain, whoever worked it out and whenever it is asked for',
  },
  {
    name: 'lanes of a batch are taken for those of another that lacks other ones',
    file: 'storage/row-batch.ts',
    find: 'if (isAnySplit) splitsSoFar += 1;',
    replace: 'if (isAnySplit) splitsSoFar = 1;',
    testFile: 'test/sql/usual-rows-property.test.ts',
    testName:
      'a scanner that goes from batch to batch writes no cell where only the other batch has a lane',
  },
  {
    name: 'a lane goes with the first value beyond 2^53, and its batch says nothing of it',
    file: 'storage/row-batch.ts',
    find: 'this.#lanesVersion = isAnySplit ? -splitsSoFar : this.#capacity;',
    replace: 'this.#lanesVersion = this.#capacity;',
    testFile: 'test/sql/usual-rows-property.test.ts',
    testName: 'runs of integers: while lanes grow, and while columns hold values beyond 2^53',
  },
];
