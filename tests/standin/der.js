// DER: writing the values an X.509 certificate is made of, and reading any DER value strictly.
'use strict';

function tlv(tag, ...parts) {
  const body = Buffer.concat(parts.map((p) => (Buffer.isBuffer(p) ? p : Buffer.from(p))));
  const n = body.length;
  let length;
  if (n < 0x80) length = [n];
  else if (n < 0x100) length = [0x81, n];
  else if (n < 0x10000) length = [0x82, n >> 8, n & 255];
  else length = [0x83, n >> 16, (n >> 8) & 255, n & 255];
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
}

// A non-negative INTEGER from a number or from big-endian bytes: shortest form, so 0xDB takes the two bytes 00 DB.
function integer(value) {
  let b = Buffer.isBuffer(value) ? value : Buffer.from(value.toString(16).replace(/^(.(..)*)$/, '0$1'), 'hex');
  while (b.length > 1 && b[0] === 0 && b[1] < 0x80) b = b.subarray(1);
  return b[0] >= 0x80 ? tlv(0x02, [0], b) : tlv(0x02, b);
}

function oid(text) {
  const [a, b, ...rest] = text.split('.').map(Number);
  const out = [];
  for (const arc of [a * 40 + b, ...rest]) {
    const group = [arc & 127];
    for (let v = Math.floor(arc / 128); v > 0; v = Math.floor(v / 128)) group.unshift((v & 127) | 128);
    out.push(...group);
  }
  return tlv(0x06, out);
}

// UTCTime to 2049, GeneralizedTime after (RFC 5280 4.1.2.5).
function time(date) {
  const s = date.toISOString().replace(/[-:T]/g, '').slice(0, 14) + 'Z';
  return date.getUTCFullYear() < 2050 ? tlv(0x17, s.slice(2)) : tlv(0x18, s);
}

const seq = (...p) => tlv(0x30, ...p);
const set = (...p) => tlv(0x31, ...p);
const octets = (...p) => tlv(0x04, ...p);
const bits = (b) => tlv(0x03, [0], b);
const utf8 = (s) => tlv(0x0c, s);
const printable = (s) => tlv(0x13, s);
const ia5 = (s) => tlv(0x16, s);
const bool = (v) => tlv(0x01, [v ? 255 : 0]);
const nul = () => tlv(0x05);
const ctx = (n, ...p) => tlv(0xa0 | n, ...p);

// One value at off: {tag, body, raw, next}. Throws on indefinite, long or overrunning lengths.
function read(buf, off = 0) {
  if (off + 2 > buf.length) throw new Error('DER: truncated');
  const tag = buf[off];
  if ((tag & 31) === 31) throw new Error('DER: long tag');
  let n = buf[off + 1];
  let head = 2;
  if (n >= 0x80) {
    const k = n & 127;
    if (k < 1 || k > 3 || off + 2 + k > buf.length) throw new Error('DER: bad length');
    n = buf.readUIntBE(off + 2, k);
    if (n < 0x80 || (k > 1 && n < 2 ** (8 * (k - 1)))) throw new Error('DER: length not shortest');
    head += k;
  }
  const next = off + head + n;
  if (next > buf.length) throw new Error('DER: overrun');
  return { tag, body: buf.subarray(off + head, next), raw: buf.subarray(off, next), next };
}

function list(body) {
  const out = [];
  for (let off = 0; off < body.length;) {
    const v = read(body, off);
    out.push(v);
    off = v.next;
  }
  return out;
}

function whole(buf) {
  const v = read(buf);
  if (v.next !== buf.length) throw new Error('DER: trailing bytes');
  return v;
}

function oidText(body) {
  const arcs = [];
  let v = 0;
  for (const b of body) {
    v = v * 128 + (b & 127);
    if (b < 128) { arcs.push(v); v = 0; }
  }
  const first = Math.min(2, Math.floor(arcs[0] / 40));
  return [first, arcs[0] - 40 * first, ...arcs.slice(1)].join('.');
}

module.exports = { tlv, integer, oid, time, seq, set, octets, bits, utf8, printable, ia5, bool, nul, ctx, read, list, whole, oidText };
