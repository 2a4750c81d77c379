import { RowBatch } from '../storage/row-batch.js';
import { encodeWriteBody } from '../storage/write-body.js';
import { TableStore } from '../storage/table-store.js';
import type { TableSchema } from '../storage/table-schema.js';
const schema: TableSchema = { tableId: 5, appendMode: false, partitionMs: 86400000, columns: [
  ...Array.from({length:10},(_, i)=>({id:100+i,type:12 as const,role:1 as const,precision:0})),
  {id:200,type:15 as const,role:2 as const,precision:3},
  ...Array.from({length:10},(_, i)=>({id:300+i,type:11 as const,role:3 as const,precision:0})),
]};
const hosts = Array.from({length:100},(_,h)=>Array.from({length:10},(_,t)=>Buffer.from(t===0?`host_${h}`:`tagvalue_${t}_${h%7}`)));
const N = 100_000;
const mode = process.argv[2] ?? 'int';
const vals = new Float64Array(1<<16); for (let i=0;i<vals.length;i++) vals[i]= mode==='int'?Math.floor(Math.random()*100): mode==='dec'? Math.round(Math.random()*10000)/100 : Math.random();
const kv = { get: async()=>undefined, getMany: async()=>[], batch: async()=>{}, entries: async function*(){}, keys: async function*(){}, compactRange: async()=>{}, close: async()=>{} };
const store = await TableStore.open({kv: kv as never, timers: {after: ()=>({cancel(){}}), yieldTurn: ()=>new Promise(r=>setImmediate(r))}}, {memtableBytes: 64<<20, cacheBytes: 1<<20});
store.defineTable(schema);
const batch = new RowBatch(schema);
let v = 1, t0 = 1_700_000_000;
for (let round=0; round<8; round++) {
  let build=0, enc=0, app=0, bytes=0;
  for (let b=0;b<N;b+=1000) {
    let s = (process.cpuUsage().user/1000);
    batch.clear();
    for (let r=0;r<1000;r++) {
      const h = hosts[(b+r)%100]!;
      for (let t=0;t<10;t++) batch.setBytes(t,h[t]!,0,h[t]!.length);
      batch.setTime(10,t0+Math.floor((b+r)/100)*10,0);
      for (let f=0;f<10;f++) batch.setNumber(11+f, vals[(r*10+f+b)&0xffff]!);
      batch.endRow();
    }
    build += (process.cpuUsage().user/1000)-s; s=(process.cpuUsage().user/1000);
    const parts = encodeWriteBody([batch.encodeSection()]);
    const body = Buffer.concat(parts); bytes+=body.length;
    enc += (process.cpuUsage().user/1000)-s; s=(process.cpuUsage().user/1000);
    store.applyWrite(v++, body, 0);
    app += (process.cpuUsage().user/1000)-s;
  }
  t0 += N;
  console.log(mode, `build ${(build*1000/N).toFixed(3)} us/row, encode ${(enc*1000/N).toFixed(3)}, apply ${(app*1000/N).toFixed(3)}, bytes/row ${(bytes/N).toFixed(1)}, memtable ${(store.memtableBytes()/1e6).toFixed(1)} MB`);
}
