// CBOR (RFC 8949): the part COSE_Sign1 needs. Definite lengths only, both ways.
'use strict';

class Tagged {
  constructor(tag, value) { this.tag = tag; this.value = value; }
}

function head(major, n) {
  if (n < 24) return Buffer.from([(major << 5) | n]);
  if (n < 0x100) return Buffer.from([(major << 5) | 24, n]);
  if (n < 0x10000) return Buffer.from([(major << 5) | 25, n >> 8, n & 255]);
  const b = Buffer.alloc(5);
  b[0] = (major << 5) | 26;
  b.writeUInt32BE(n, 1);
  return b;
}

function encode(v) {
  if (typeof v === 'number') return v < 0 ? head(1, -1 - v) : head(0, v);
  if (Buffer.isBuffer(v)) return Buffer.concat([head(2, v.length), v]);
  if (typeof v === 'string') return Buffer.concat([head(3, Buffer.byteLength(v)), Buffer.from(v)]);
  if (Array.isArray(v)) return Buffer.concat([head(4, v.length), ...v.map(encode)]);
  if (v instanceof Map) return Buffer.concat([head(5, v.size), ...[...v].flat().map(encode)]);
  if (v instanceof Tagged) return Buffer.concat([head(6, v.tag), encode(v.value)]);
  throw new Error('CBOR: cannot encode this');
}

// Whole buffer -> value (Map, Array, Buffer, string, number, Tagged). Nesting at most 16 deep.
function decode(buf) {
  let off = 0;
  const take = (n) => {
    if (n > buf.length - off) throw new Error('CBOR: truncated');
    off += n;
    return buf.subarray(off - n, off);
  };
  const number = (info) => {
    if (info < 24) return info;
    if (info === 24) return take(1)[0];
    if (info === 25) return take(2).readUInt16BE();
    if (info === 26) return take(4).readUInt32BE();
    if (info === 27) return Number(take(8).readBigUInt64BE());
    throw new Error('CBOR: indefinite or reserved length');
  };
  const item = (depth) => {
    if (depth > 16) throw new Error('CBOR: too deep');
    const first = take(1)[0];
    const n = number(first & 31);
    switch (first >> 5) {
      case 0: return n;
      case 1: return -1 - n;
      case 2: return take(n);
      case 3: return take(n).toString('utf8');
      case 4: { const a = []; for (let i = 0; i < n; i++) a.push(item(depth + 1)); return a; }
      case 5: {
        const m = new Map();
        for (let i = 0; i < n; i++) {
          const k = item(depth + 1);
          if (m.has(k)) throw new Error('CBOR: key twice');
          m.set(k, item(depth + 1));
        }
        return m;
      }
      case 6: return new Tagged(n, item(depth + 1));
      default: throw new Error('CBOR: simple values are not used here');
    }
  };
  const v = item(0);
  if (off !== buf.length) throw new Error('CBOR: trailing bytes');
  return v;
}

module.exports = { encode, decode, Tagged };
