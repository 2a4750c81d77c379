import { RowBatch } from '../storage/row-batch.js';
import { encodeWriteBody, rangeTombstoneSection, encodeSchemaBody, schemaIdOf } from '../storage/write-body.js';
import type { TableSchema } from '../storage/table-schema.js';
const schema: TableSchema = { tableId: 0x1122334455, appendMode: false, partitionMs: 86400000, columns: [
  {id:0xa1a2a3a4a5a6,type:12,role:1,precision:0},
  {id:0xb1,type:15,role:2,precision:3},
  {id:0xc1,type:11,role:3,precision:0},
  {id:0xc2,type:12,role:3,precision:0},
  {id:0xc3,type:5,role:3,precision:0},
]};
const hex=(b:Uint8Array)=>Buffer.from(b).toString('hex');
console.log('schema', hex(encodeSchemaBody(schema)), schemaIdOf(schema));
const batch=new RowBatch(schema);
const row=(h:string|null,s:number,ms:number,v:number|null,t:string|null,hi:number,lo:number)=>{ if(h===null) batch.setNull(0); else batch.setBytes(0,Buffer.from(h),0,h.length); batch.setTime(1,s,ms); if(v===null) batch.setNull(2); else batch.setNumber(2,v); if(t===null) batch.setNull(3); else batch.setBytes(3,Buffer.from(t),0,t.length); batch.setInteger64(4,hi,lo); batch.endRow(); };
row('h1',1700000000,0,20.5,'ok',0,7);
row('h2',1700000000,500,null,'',0,8);
row('h1',1700000010,0,21.25,null,0x40000000,0);
const s1=batch.encodeSection(), s2=batch.encodeKeySection();
console.log('rows', hex(s1)); console.log('keys', hex(s2));
const s3=rangeTombstoneSection({tableId:schema.tableId,timeMin:1700000000000n,timeMax:null,tags:[{columnId:0xa1a2a3a4a5a6,values:[Buffer.from('h1'),null]}]});
console.log('range',hex(s3));
console.log('body', hex(Buffer.concat(encodeWriteBody([s1,s2,s3]))));
