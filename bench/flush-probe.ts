import { RowBatch } from '../storage/row-batch.js';
import { encodeWriteBody } from '../storage/write-body.js';
import { TableStore } from '../storage/table-store.js';
import type { TableSchema } from '../storage/table-schema.js';
import type { KeyValueStore } from '../storage/ports.js';
const schema: TableSchema = { tableId: 5, appendMode: false, partitionMs: 86400000, columns: [
  ...Array.from({length:10},(_, i)=>({id:100+i,type:12 as const,role:1 as const,precision:0})),
  {id:200,type:15 as const,role:2 as const,precision:3},
  ...Array.from({length:10},(_, i)=>({id:300+i,type:11 as const,role:3 as const,precision:0})),
]};
const H=Number(process.argv[3]??100);
const hosts = Array.from({length:H},(_,h)=>Array.from({length:10},(_,t)=>Buffer.from(t===0?`host_${h}`:`tagvalue_${t}_${h%7}`)));
const mode = process.argv[2] ?? 'int';
const vals = new Float64Array(1<<16); for (let i=0;i<vals.length;i++) vals[i]= mode==='int'?Math.floor(Math.random()*100): mode==='dec'? Math.round(Math.random()*10000)/100 : Math.random();
let kvBytes=0;
const kv = { get: async()=>undefined, getMany: async()=>[], batch: async(ops: readonly {type:string; value?: Uint8Array}[])=>{ for (const o of ops) kvBytes+=o.value?.length??0; }, entries: async function*(){}, keys: async function*(){}, compactRange: async()=>{}, close: async()=>{} } as unknown as KeyValueStore;
const timers={after: ()=>({cancel(){}}), yieldTurn: ()=>new Promise<void>(r=>setImmediate(r))};
const store = await TableStore.open({kv, timers}, {memtableBytes: 64<<20, cacheBytes: 1<<20});
store.defineTable(schema);
const batch = new RowBatch(schema);
const N=400_000; let v=1;
for (let g=0;g<3;g++) {
for (let b=0;b<N;b+=1000) {
  batch.clear();
  for (let r=0;r<1000;r++) {
    const h = hosts[(b+r)%H]!;
    for (let t=0;t<10;t++) batch.setBytes(t,h[t]!,0,h[t]!.length);
    batch.setTime(10,1_700_000_000+g*N+Math.floor((b+r)/H)*10,0);
    for (let f=0;f<10;f++) batch.setNumber(11+f, vals[(r*10+f+b)&0xffff]!);
    batch.endRow();
  }
  store.applyWrite(v++, Buffer.concat(encodeWriteBody([batch.encodeSection()])), 0);
}
// scan memtable
{ const view=store.readView(); const c0=process.cpuUsage(); let n=0; const cols=[300,301,302,200]; for await (const x of view.scan({parts:[{tableId:5,columns:cols}],columns:cols,timeMin:null,timeMax:null,seriesMask:null,order:"any"})) n+=x.length; const c=process.cpuUsage(c0); console.log('scan any rows', n, ((c.user+c.system)/1000).toFixed(1),'ms'); view.release(); }
{ const view=store.readView(); const c0=process.cpuUsage(); let n=0; const cols=[300,301,302,200]; for await (const x of view.scan({parts:[{tableId:5,columns:cols}],columns:cols,timeMin:null,timeMax:null,seriesMask:null,order:'series-time'})) n+=x.length; const c=process.cpuUsage(c0); console.log('scan series-time rows', n, ((c.user+c.system)/1000).toFixed(1),'ms'); view.release(); }
store.freeze({vector:[],replayFrom:[],catalog:new Uint8Array(0),highestVersion:1});
kvBytes=0;
const c0=process.cpuUsage(), t0=performance.now();
let done=false; const st:number[]=[]; const p=store.flush(()=>0).finally(()=>done=true); while(!done){ const q=performance.now(); await new Promise(r=>setImmediate(r)); st.push(performance.now()-q); }
await p; const c=process.cpuUsage(c0); st.sort((a,b)=>a-b);
console.log(mode,`flush cpu ${((c.user+c.system)/1000).toFixed(0)} ms wall ${(performance.now()-t0).toFixed(0)} bytes/row ${(kvBytes/N).toFixed(1)} turns ${st.length} p50 ${st[st.length>>1]!.toFixed(2)} p99 ${st[Math.floor(st.length*0.99)]!.toFixed(2)} max ${st.at(-1)!.toFixed(2)}`);
}
