import { ForgetfulKv } from '../test/support/forgetful-kv.js';
import { TableStore } from '../storage/table-store.js';
import { RowBatch } from '../storage/row-batch.js';
import { encodeWriteBody, rangeTombstoneSection } from '../storage/write-body.js';
import type { TableSchema } from '../storage/table-schema.js';
const schema: TableSchema = { tableId: 0x1122334455, appendMode: false, partitionMs: 86400000, columns: [
  {id:0xa1a2a3a4a5a6,type:12,role:1,precision:0},
  {id:0xb1,type:15,role:2,precision:3},
  {id:0xc1,type:11,role:3,precision:0},
]};
const kv=new ForgetfulKv();
const s=await TableStore.open({kv,timers:{after:()=>({cancel(){}}),yieldTurn:()=>new Promise(r=>setImmediate(r))}},{memtableBytes:1e6,cacheBytes:1e6});
s.defineTable(schema);
const b=new RowBatch(schema);
for (const [h,ms,v] of [['h1',0,20.5],['h2',0,null],['h1',500,21.25]] as const) { b.setBytes(0,Buffer.from(h),0,2); b.setTime(1,1700000000,ms); if (v===null) b.setNull(2); else b.setNumber(2,v); b.endRow(); }
s.applyWrite(0x1000, Buffer.concat(encodeWriteBody([b.encodeSection()])),0);
s.applyWrite(0x1008, Buffer.concat(encodeWriteBody([rangeTombstoneSection({tableId:schema.tableId,timeMin:null,timeMax:5n,tags:[]})])),0);
const pos=(seq:number)=>({origin:1,incarnation:'a1b2c3d4e5f60718',sequence:seq,hash:'00112233445566778899aabbccddeeff'});
s.freeze({vector:[pos(9)],replayFrom:[pos(7)],catalog:Buffer.from('cat'),highestVersion:0x1008});
await s.flush(()=>0);
for await (const [k,v] of kv.entries({gte:Uint8Array.of(0),lt:Uint8Array.of(255)})) console.log(Buffer.from(k).toString('hex'), Buffer.from(v).toString('hex'));
