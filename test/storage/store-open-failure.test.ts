/** A start that fails half way says why and leaves nothing open: files, journals, background workers. */

import type { BackgroundWorkers, Disk, DiskFile } from '../../storage/ports.js';
import { RecordKind } from '../../storage/record.js';
import type { StateMachine } from '../../storage/state-machine.js';
import { Store } from '../../storage/store.js';
import { STORE_OPTIONS, StoreRig, writeOf } from '../support/store-rig.js';

/** Counts what is open. */
class CountingDisk {
  openFiles = 0;
  readonly disk: Disk;

  constructor(disk: Disk) {
    this.disk = {
      ...disk,
      open: async (path, options): Promise<DiskFile> => {
        const file = await disk.open(path, options);
        this.openFiles += 1;
        return {
          ...file,
          close: async () => {
            this.openFiles -= 1;
            await file.close();
          },
        };
      },
    };
  }
}

/** A store with own records and a peer, closed. */
async function written(): Promise<StoreRig> {
  const rig = new StoreRig(5);
  await rig.start();
  rig.defineTable();
  rig.append(RecordKind.write, writeOf([1, 2, 3]));
  rig.append(RecordKind.ddl, [new Uint8Array(8)]);
  await rig.clock.runUntilSettled(rig.store.openCopy(2));
  await rig.settle();
  await rig.clock.runUntilSettled(rig.store.close());
  return rig;
}

/** Path and bytes of the first segment. */
async function segmentOf({ disk }: StoreRig): Promise<{ folder: string; name: string }> {
  const folder = '/journal/1';
  const names = await disk.list(folder);
  return { folder, name: names.find((name) => name.endsWith('.segment'))! };
}

const FAULTS: Readonly<Record<string, (rig: StoreRig) => Promise<Partial<StateMachine> | void>>> = {
  'the own journal is damaged': async (rig) => {
    const { folder, name } = await segmentOf(rig);
    rig.disk.flip(`${folder}/${name}`, 20, 1);
  },
  'the copy of the peer’s journal is another’s': async (rig) => {
    const { folder, name } = await segmentOf(rig);
    rig.disk.plant(`/journal/2/${name}`, rig.disk.contentOf(`${folder}/${name}`));
  },
  'a record cannot be applied': async () => ({
    apply: () => {
      throw new Error('not such a one');
    },
  }),
  'the opening record finds no file': async (rig) => {
    rig.disk.failNext({ operation: 'rename', nth: 1, code: 'EIO' });
  },
};

test.each(Object.entries(FAULTS))('%s', async (_, harm) => {
  const rig = await written();
  const stateMachine = await harm(rig);
  const counting = new CountingDisk(rig.disk.mount());
  let closedWorkers = 0;
  const workers: BackgroundWorkers = {
    run: () => Promise.reject(new Error('nothing is flushed at a start')),
    close: async () => {
      closedWorkers += 1;
    },
  };
  const opening = Store.open(
    {
      disk: counting.disk,
      kv: rig.kv.mount(),
      clock: rig.clock,
      random: rig.random,
      timers: rig.clock,
      workers,
      stateMachine: () => ({
        apply: () => undefined,
        snapshot: () => new Uint8Array(0),
        restore: () => undefined,
        ...stateMachine,
      }),
    },
    STORE_OPTIONS,
  );
  await expect(rig.clock.runUntilSettled(opening)).rejects.toThrow();
  expect({ openFiles: counting.openFiles, closedWorkers }).toEqual({
    openFiles: 0,
    closedWorkers: 1,
  });
});
