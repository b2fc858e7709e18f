// Verifies a Parley server's evidence with WebCrypto alone, in browsers and in Node 18 and later:
//   import { verifyProof } from './verify.mjs';
//   const { genuine, acceptable, checks } = await verifyProof(text, { policy: { parley_policy: 1, host_data: ['…'] } });
// The same checks under the same names as `parleyctl verify` has; src/lib/snp says why each is there. Whatever is malformed or not
// understood throws, and is told as a failed check.
const { subtle } = globalThis.crypto ?? (await import('node:crypto')).webcrypto; // where Node 18 has it

// AMD's root keys: SHA-256 of the SubjectPublicKeyInfo.
const ROOTS = {
  '9f056bee44377e29308cb5ffa895bdfb62d18881fa6bed8d6f075b0204089cb9': 'Milan',
  '429a69c9422aa258ee4d8db5fcda9c6470ef15f8cd5a9cebd6cbc7d90b863831': 'Genoa',
  '4f125410563a2ab9a50356f9243f6fe0b6f73de98603f53f90339c70e9d7ad08': 'Turin',
};
const UVM_ISSUER = 'did:x509:0:sha256:I__iuL25oXEVFdTP_aBLx_eT1RPHbCQ_ECBQfYZpt9s::eku:1.3.6.1.4.1.311.76.59.1.2';
const UVM_FEED = 'ContainerPlat-AMD-UVM';
const LEEWAY = 300; // seconds that clocks may differ

// --- Outcomes ---
class Refusal extends Error {}
class Skip { constructor(why) { this.why = why; } }
const refuse = (why, told) => { throw Object.assign(new Refusal(why), told); };
// found, or true, when it is as it must be.
const need = (ok, expected, found) => (ok ? found ?? true : refuse('', { expected, found }));
const attempt = (f) => { try { return f(); } catch { return undefined; } };
const skip = (why) => new Skip(why);
const printable = (text) => Array.from(encode(text), (x) => (x > 31 && x < 127 ? String.fromCharCode(x) : '?')).join('');
const show = (v) => (v instanceof Uint8Array ? hex(v.subarray(0, 64)) : typeof v === 'string' ? printable(v) : '');

class Outcome {
  constructor() { this.checks = []; }
  add(id, state, why, expected, found) {
    const one = { id, group: id.startsWith('accept.') ? 'acceptable' : 'genuine', state, expected: show(expected), found: show(found), why };
    this.checks.push(Object.fromEntries(Object.entries(one).filter(([, v]) => v)));
  }
  skip(id, why) { this.add(id, 'skipped', why); }
  // Passes with the text or bytes that judge returns. Fails when judge throws: because of why, unless it refuses in words of its own.
  async check(id, why, judge) {
    try {
      const v = await judge();
      if (v instanceof Skip) this.skip(id, v.why);
      else this.add(id, 'passed', '', '', v);
      return v ?? true;
    } catch (e) {
      this.add(id, 'failed', (e instanceof Refusal && e.message) || why, e.expected, e.found);
      return undefined;
    }
  }
  ok(group = 'genuine') {
    const states = this.checks.filter((c) => c.group === group).map((c) => c.state);
    return states.includes('passed') && !states.includes('failed');
  }
}

// --- Bytes and text ---
const hex = (b) => Array.from(b, (x) => x.toString(16).padStart(2, '0')).join('');
const unhex = (text, n) => need(text.length === 2 * n && /^[\da-f]+$/i.test(text)) && Uint8Array.from(text.match(/../g), (x) => parseInt(x, 16));
const same = (a, b) => hex(a) === hex(b);
const equal = (expected, found) => need(same(expected, found), expected, found);
const isZero = (b) => b.every((x) => x === 0);
const reversed = (b) => Uint8Array.from(b).reverse();
const encode = (text) => new TextEncoder().encode(text);
const utf8 = (b) => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(b);
function join(...parts) {
  const all = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  parts.reduce((at, p) => { all.set(p, at); return at + p.length; }, 0);
  return all;
}
const number = (b) => b.reduce((v, x) => v * 256 + x, 0);
const hash = async (size, b) => new Uint8Array(await subtle.digest(`SHA-${size}`, b));
const iso = (s) => new Date(Math.min(s, 253402300799) * 1000).toISOString().replace('Z', '000Z');

// Base64 in its one form. url: without padding (RFC 4648 section 5).
function base64(b, url) {
  const text = btoa(String.fromCharCode(...b));
  return url ? text.replace(/\+/g, '-').replace(/\//g, '_').replace(/=/g, '') : text;
}
function unbase64(text, url) {
  const b = Uint8Array.from(atob(url ? text.replace(/-/g, '+').replace(/_/g, '/') : text), (c) => c.charCodeAt(0));
  return need(base64(b, url) === text) && b;
}
const url64 = (b) => base64(b, true);

// JSON; no name may come twice in an object.
function json(input) {
  const text = typeof input === 'string' ? input : utf8(input);
  let names = -1; // the root counts as one
  const value = JSON.parse(text, function count(k, v) { names += !Array.isArray(this); return v; });
  const written = [...text.matchAll(/"(?:[^"\\]+|\\.)*"(\s*:)?/g)].filter((m) => m[1]).length;
  need(names === written);
  return value;
}
const isObject = (v) => typeof v === 'object' && v !== null && !Array.isArray(v);
const isNatural = (v) => Number.isSafeInteger(v) && v >= 0;
const word = (v, max) => need(typeof v === 'string' && !v.includes('\0') && encode(v).length <= max) && v;

// --- DER (X.690), strictly: the elements that b is made of ---
function elements(b) {
  const all = [];
  for (let rest = b; rest.length > 0;) {
    const [tag, first] = rest;
    const at = first > 127 ? first - 126 : 2;
    const n = first > 127 ? number(rest.subarray(2, at)) : first;
    need(tag && (tag & 31) !== 31 && (first < 128 || (at > 2 && at < 7 && rest[2] && n > 127)) && at + n <= rest.length);
    all.push({ tag, body: rest.subarray(at, at + n), whole: rest.subarray(0, at + n) });
    rest = rest.subarray(at + n);
  }
  return all;
}
const body = (e, tag) => need(e?.tag === tag) && e.body;
const whole = (e) => need(e?.tag === 0x30) && e.whole;
const list = (e, tag = 0x30) => elements(body(e, tag));
const only = (b, tag) => { const all = elements(b); return need(all.length === 1) && body(all[0], tag); };
const sequence = (b) => elements(only(b, 0x30));
const oid = (e) => hex(body(e, 6));
const bits = (e) => { const b = body(e, 3); return need(b[0] === 0) && b.subarray(1); };
function uint(e) {
  const b = body(e, 2);
  need(b.length && b[0] < 128 && (b.length === 1 || b[0] || b[1] > 127));
  return b.length > 1 && !b[0] ? b.subarray(1) : b;
}
function time(e) {
  const text = utf8(e.tag === 0x17 ? e.body : body(e, 0x18));
  const [, y, mo, d, rest] = /^(\d{4})(\d\d)(\d\d)(\d{6})Z$/.exec(e.tag === 0x17 ? (text < '5' ? '20' : '19') + text : text);
  const t = `${y}-${mo}-${d}T${rest.match(/../g).join(':')}.000Z`;
  return need(y > 0 && new Date(t).toISOString() === t) && Date.parse(t) / 1000;
}

// --- Keys, as JWK, which all engines read alike, and signatures ---
const [PKCS1, PSS, ECDSA] = ['RSASSA-PKCS1-v1_5', 'RSA-PSS', 'ECDSA'];
function rsaKey(n, e) {
  const odd = (b) => b[0] && b[b.length - 1] & 1;
  need(odd(n) && odd(e) && n.length <= 512 && 8 * n.length - Math.clz32(n[0]) + 24 >= 2048 && e.length <= 8 && hex(e) !== '01');
  return { kty: 'RSA', n: url64(n), e: url64(e) };
}
function publicKey(spki) {
  const [alg, bitString, ...more] = sequence(spki);
  const [kind, param, ...rest] = list(alg);
  const b = bits(bitString);
  need(!more.length && !rest.length);
  if (oid(kind) === '2a864886f70d010101') {
    const key = sequence(b);
    need(key.length === 2 && hex(param.whole) === '0500');
    return rsaKey(...key.map(uint));
  }
  const [crv, n] = (oid(kind) === '2a8648ce3d0201' && { '2a8648ce3d030107': ['P-256', 32], '2b81040022': ['P-384', 48] }[oid(param)])
    || refuse('a certificate’s key is of a type that is not supported (known: RSA, EC P-256 and P-384)');
  need( b.length === 1 + 2 * n && b[0] === 4);
  return { kty: 'EC', crv, x: url64(b.subarray(1, 1 + n)), y: url64(b.subarray(1 + n)) };
}
// An ECDSA signature is r || s; the salt of PSS is as long as the hash.
async function signed(key, [name, size], data, signature) {
  const algorithm = { name, hash: `SHA-${size}`, namedCurve: key.crv, saltLength: size / 8 };
  need((key.kty === 'EC') === (name === ECDSA));
  need(await subtle.verify(algorithm, await subtle.importKey('jwk', key, algorithm, false, ['verify']), signature, data));
}

// --- X.509 (RFC 5280) ---
// By the whole AlgorithmIdentifier: no parameter is left to interpret. PSS has SHA-384, MGF1 of it, a salt of 48 bytes, and the trailer
// written out or left to its default.
const PARAMS = 'a00f300d06096086480165030402020500a11c301a06092a864886f70d010108300d06096086480165030402020500a203020130';
const ALGORITHMS = {
  [`304606092a864886f70d01010a3039${PARAMS}a303020101`]: [PSS, 384], [`304106092a864886f70d01010a3034${PARAMS}`]: [PSS, 384],
  '300d06092a864886f70d01010b0500': [PKCS1, 256], '300d06092a864886f70d01010c0500': [PKCS1, 384], '300d06092a864886f70d01010d0500': [PKCS1, 512],
};
// What certificates and revocation lists have in common, and the parts of what is signed.
function signedParts(der) {
  const [tbs, alg, sig, ...more] = sequence(der);
  need(!more.length && bits(sig).length);
  return [{ tbs: whole(tbs), alg: hex(whole(alg)), sig: bits(sig) }, list(tbs)];
}
function extension(e) {
  const [name, ...rest] = list(e);
  const critical = rest[0]?.tag === 1 ? hex(rest.shift().body) : '00';
  need(rest.length === 1 && (critical === '00' || critical === 'ff'));
  return { name: oid(name), critical: critical === 'ff', value: body(rest[0], 4) };
}
function certificate(der) {
  const [c, t] = signedParts(der);
  const v3 = t[0]?.tag === 0xa0 && need(hex(t.shift().body) === '020102');
  const [serial, alg, issuer, validity, subject, spki, wrapped, ...more] = t;
  const [from, until, ...rest] = list(validity);
  const extensions = wrapped ? sequence(body(wrapped, v3 && 0xa3)).map(extension) : [];
  need(!more.length && !rest.length && hex(whole(alg)) === c.alg && (!wrapped || extensions.length));
  return {
    ...c, der, extensions, serial: hex(uint(serial)), issuer: hex(whole(issuer)), from: time(from), until: time(until), subject: whole(subject), spki: whole(spki), key: publicKey(spki.whole),
  };
}
// Contents of the one extension with this name.
const value = (c, name) => { const all = c.extensions.filter((x) => x.name === name); return all.length === 1 ? all[0].value : undefined; };
const [CONSTRAINTS, USAGE, PURPOSES, NAMES] = ['551d13', '551d0f', '551d25', '551d1e'];
const known = (c) => c.extensions.every((x) => !x.critical || [CONSTRAINTS, USAGE, PURPOSES].includes(x.name));
const has = (c, name) => c.extensions.some((x) => x.name === name);
const mayUse = (c, bit) => !has(c, USAGE) || attempt(() => (only(value(c, USAGE), 3)[1] & bit) > 0) === true;
const maySign = (c) => mayUse(c, 128); // digitalSignature
const isAuthority = (c) => mayUse(c, 4) && attempt(() => hex(body(sequence(value(c, CONSTRAINTS))[0], 1)) === 'ff') === true; // keyCertSign
const hasPurpose = (c, eku) => attempt(() => sequence(value(c, PURPOSES)).map(oid).includes(eku));
// What an authority may certify for: its purposes, where it has some, have this one or any.
const serves = (c, eku) => !has(c, PURPOSES) || hasPurpose(c, eku) || hasPurpose(c, '551d2500');
const allowsBelow = (c, n) => attempt(() => { const [, most] = sequence(value(c, CONSTRAINTS)); return !most || number(uint(most)) >= n; });
const commonName = (c) => {
  const names = sequence(c.subject).flatMap((set) => list(set, 0x31)).map((e) => list(e)).filter((pair) => oid(pair[0]) === '550403' && need(pair.length === 2));
  return names.length === 1 && String.fromCharCode(...names[0][1].body);
};
async function signedBy(c, by, schemes = [PSS]) {
  const algorithm = ALGORITHMS[c.alg];
  need(c.issuer === hex(by.subject) && schemes.includes(algorithm[0]));
  await signed(by.key, algorithm, c.tbs, c.sig);
}
// A complete, direct revocation list of version 2.
function revocationList(der) {
  const [l, [version, alg, issuer, from, until, ...t]] = signedParts(der);
  const revoked = t[0]?.tag === 0x30 ? list(t.shift()) : [];
  need(hex(version.whole) === '020101' && hex(whole(alg)) === l.alg && t.length < 2);
  need(t.every((e) => sequence(body(e, 0xa0)).every((x) => !extension(x).critical)));
  const serial = (e) => {
    const [n, date, more, ...rest] = list(e);
    need(!rest.length && time(date) !== undefined && (!more || whole(more)));
    return hex(uint(n));
  };
  return { ...l, issuer: hex(whole(issuer)), from: time(from), until: time(until), serials: revoked.map(serial) };
}

// --- CBOR (RFC 8949): an item of d.rest, as a number, bytes, text, array, {pairs}, {tag, item}, or null when of no use here ---
function cbor(d) {
  const b = d.rest;
  const [type, info] = [b[0] >> 5, b[0] & 31];
  const size = info < 24 ? 0 : 1 << info - 24;
  const n = size ? number(b.subarray(1, 1 + size)) : info;
  need(info < 28 && size < b.length);
  need(type === 7 ? info !== 24 || n > 31 : !size || n >= [24, 256, 65536, 2 ** 32][info - 24]); // the shortest form
  d.rest = b.subarray(1 + size);
  const items = (f) => need(n <= d.rest.length) && Array.from({ length: n }, f);
  const take = () => {
    const part = d.rest.subarray(0, n);
    d.rest = d.rest.subarray(n);
    return need(part.length === n) && part;
  };
  switch (type) {
    case 0: return need(n < 2 ** 63) && n;
    case 1: return need(n < 2 ** 63) && -1 - n;
    case 2: return take();
    case 3: return utf8(take());
    case 4: return items(() => cbor(d));
    case 5: return { pairs: items(() => [cbor(d), cbor(d)]) };
    case 6: return { tag: n, item: cbor(d) };
    default: return null;
  }
}
// A map that is read: no key may come twice.
const fields = ({ pairs }) => need(pairs.length <= 32 && new Map(pairs).size === pairs.length) && new Map(pairs);
function cborOf(b) {
  const d = { rest: b };
  const v = cbor(d);
  return need(d.rest.length === 0) && v;
}
// COSE_Sign1 (RFC 9052) with an x5chain.
function coseSign1(message) {
  const { tag, item } = cborOf(message);
  const [header, unprotected, payload, signature] = item;
  const names = new Map([[1, 'alg'], [3, 'typed'], [15, 'claims'], [33, 'chain'], [258, 'payloadHash'], ['iss', 'iss'], ['feed', 'feed']]);
  const m = {};
  need(tag === 18 && Array.isArray(item) && item.length === 4 && unprotected.pairs);
  const labels = fields(cborOf(header));
  for (const [label, v] of labels) {
    need(/^(number|string)$/.test(typeof label) && label !== 2); // 2: demands an extension to be understood
    if (names.has(label)) m[names.get(label)] = v;
  }
  const { alg, iss = '', feed = '', chain = [], claims, payloadHash = 0 } = m;
  const certs = chain instanceof Uint8Array ? [chain] : chain;
  need([alg, payloadHash].every((v) => typeof v === 'number') && [iss, feed].every((v) => typeof v === 'string') && (!m.chain || certs.length) && certs.length < 5);
  need([header, payload, signature, ...certs].every((v) => v instanceof Uint8Array));
  return {
    header, payload, signature, alg, iss, feed, certs, claims, payloadHash, typed: 'typed' in m, hashed: 'payloadHash' in m, envelope: 'claims' in m || 'payloadHash' in m,
    labels: [...labels.keys()].join(', '),
  };
}
async function coseSigned(m, key) {
  const bytes = (b) => join(b.length < 24 ? [64 + b.length] : b.length < 256 ? [88, b.length] : [89, b.length >> 8, b.length & 255], b);
  if (m.alg !== -38) refuse('the COSE algorithm is not supported (known: -38, PS384)', { found: String(m.alg) });
  if (key.kty !== 'RSA') refuse('the signer’s type of key is not supported (known: RSA)');
  await signed(key, [PSS, 384], join([0x84, 0x6a], encode('Signature1'), bytes(m.header), bytes([]), bytes(m.payload)), m.signature);
}

// --- The report (AMD SEV-SNP Firmware ABI, ATTESTATION_REPORT) ---
// Which byte of a TCB version is which level.
const MILAN = ['bootloader', 'tee', '', '', '', '', 'snp', 'microcode'];
const LAYOUT = { Milan: MILAN, Genoa: MILAN, Turin: ['fmc', 'bootloader', 'tee', 'snp', '', '', '', 'microcode'] };
const levels = (raw, product) => Object.fromEntries((LAYOUT[product] ?? []).flatMap((name, i) => (name ? [[name, raw[i]]] : [])));
// Offset and length, by their names among a token's claims. The first three must be in one.
const FIELDS = {
  reportdata: [0x50, 64], hostdata: [0xc0, 32], launchmeasurement: [0x90, 48], reportid: [0x140, 32], idkeydigest: [0xe0, 48], authorkeydigest: [0x110, 48],
  familyId: [0x10, 16], imageId: [0x20, 16],
};
// PLATFORM_INFO by bit. They describe the platform and permit nothing.
const PLATFORM = ['smt', 'tsme', 'ecc', 'rapl_disabled', 'ciphertext_hiding_dram', 'alias_check_complete', 'iommu_write_safe', 'tio'];
// Bytes that describe nothing known: offset, length, first and last version of the report.
const RESERVED = [[0x4c, 4, 2, 6], [0x188, 24, 2, 2], [0x18b, 21, 3, 6], [0x1eb, 1, 2, 6], [0x1ef, 1, 2, 6], [0x1f8, 168, 2, 4], [0x208, 152, 5, 6]];
// Of the signature: r and s have 48 of 72 bytes each.
const UNSIGNED = [[0x2d0, 24], [0x318, 24], [0x330, 368]];
const TCBS = { CURRENT_TCB: 0x38, REPORTED_TCB: 0x180, COMMITTED_TCB: 0x1e0, LAUNCH_TCB: 0x1f0 };
function productOf(family, model) {
  if (family === 0x19) return model < 16 ? 'Milan' : [1, 10].includes(model >> 4) ? 'Genoa' : 'unknown';
  return family === 0x1a && model < 32 ? 'Turin' : 'unknown';
}
// The numbers of the set bits of some bytes, the lowest first.
const setBits = (b) => Array.from({ length: 8 * b.length }, (_, i) => i).filter((i) => b[i >> 3] >> (i & 7) & 1);
// The first byte of a TCB that is set and no level.
const strayLevel = (raw, product) => (LAYOUT[product] ? raw.findIndex((x, i) => x && !LAYOUT[product][i]) : -1);
// Names what is set and no known specification defines: it describes, so it is shown and not refused.
function notKnown(part, version, product) {
  const all = [];
  const bitsOf = (field, list) => { if (list.length) all.push(`${field} bit ${list.join(', ')}`); };
  const first = ([at, n]) => { const i = part(at, n).findIndex((x) => x); if (i >= 0) all.push(`byte 0x${(at + i).toString(16)}`); };
  bitsOf('PLATFORM_INFO', setBits(part(0x40, 8)).filter((i) => i >= PLATFORM.length));
  bitsOf('key flags', setBits(part(0x48, 4)).filter((i) => i > 4));
  for (const [name, at] of Object.entries(TCBS)) if (strayLevel(part(at, 8), product) >= 0) all.push(`${name} byte ${strayLevel(part(at, 8), product)}`);
  RESERVED.filter(([, , from, to]) => version >= from && version <= to).forEach(first);
  if (product === 'Turin') first([0x1a8, 56]);
  return all.join(', ');
}
function readReport(b) {
  need(b.length === 1184);
  const part = (at, n) => b.subarray(at, at + n);
  const u32 = (at) => number(reversed(part(at, 4)));
  const [version, policy, flags] = [u32(0), u32(8), u32(0x48)];
  const r = {
    version, guestsvn: u32(4), vmpl: u32(0x30), masked: (flags & 2) > 0, vlek: (flags >> 2 & 7) === 1,
    smt: (policy & 1 << 16) > 0, migration: (policy & 1 << 18) > 0, debug: (policy & 1 << 19) > 0, tcb: part(0x180, 8), chip: part(0x1a0, 64), platform: setBits(part(0x40, 8)),
    signed: part(0, 0x2a0), signature: join(reversed(part(0x2a0, 48)), reversed(part(0x2e8, 48))), // little-endian there
  };
  for (const [name, at] of Object.entries(FIELDS)) r[name] = part(...at);
  const key = flags >> 2 & 7;
  // Unlike PLATFORM_INFO's, bits of POLICY permit: what is not known of them may permit anything.
  const stranger = setBits(part(8, 8)).find((i) => i > 25);
  const wrong = {
    [`report version ${version} is not known: versions 2 to 6 are`]: version < 2 || version > 6,
    [`VMPL ${r.vmpl} is over 3: the host asked for this report, not the guest`]: r.vmpl > 3,
    [`SIGNATURE_ALGO ${u32(0x34)} is not 1, ECDSA P-384 with SHA-384`]: u32(0x34) !== 1,
    'POLICY bit 17 is clear and must be set': !(policy & 1 << 17),
    [`POLICY bit ${stranger} is not known: it may permit anything`]: stranger !== undefined,
    [key === 7 ? 'SIGNING_KEY is 7, none: the report is not signed' : `SIGNING_KEY ${key} is not known: neither VCEK nor VLEK`]: key > 1,
    'unused bytes of the signature are set: nothing signs them': UNSIGNED.some((x) => !isZero(part(...x))),
    'AUTHOR_KEY_DIGEST is set, but bit 0 of the key flags (AUTHOR_KEY_EN) is not': !(flags & 1) && !isZero(r.authorkeydigest),
  };
  for (const [what, is] of Object.entries(wrong)) if (is) refuse(what);
  // Version 2 does not name the processor: the certificate will. Until then Milan, where its layout fits.
  const short = isZero(r.chip.subarray(8)) && !isZero(r.chip);
  const milan = !short && Object.values(TCBS).every((at) => strayLevel(part(at, 8), 'Milan') < 0);
  r.product = version > 2 ? productOf(...part(0x188, 2)) : milan ? 'Milan' : 'unknown';
  r.notKnown = notKnown(part, version, r.product);
  return r;
}

// --- AMD's certificates (AMD 57230) ---
const AMD = '2b060104019c7801';
// Patch levels in the order in which they are compared: number among the extensions, and in words.
const SPL = { fmc: [9, 'FMC'], bootloader: [1, 'boot loader'], tee: [2, 'TEE'], snp: [3, 'SNP firmware'], microcode: [8, 'microcode'] };
function readVcek(c) {
  const product = utf8(only(value(c, `${AMD}02`), 0x16)).split('-')[0];
  const level = (n) => {
    const [e, ...more] = elements(value(c, `${AMD}030${n}`));
    return need(!more.length && number(uint(e)) < 256) && number(uint(e));
  };
  // Reserved bytes have extensions too, spl_4 to spl_7; Turin has no spl_4.
  const reserved = (i) => { const n = i + (product === 'Turin' ? 1 : 2); return value(c, `${AMD}030${n}`) === undefined ? 0 : level(n); };
  need(Object.hasOwn(LAYOUT, product));
  const tcb = Uint8Array.from(LAYOUT[product], (name, i) => (name ? level(SPL[name][0]) : reserved(i)));
  const vlek = value(c, `${AMD}05`) !== undefined;
  const n = product === 'Turin' ? 8 : 64;
  const id = !vlek && value(c, `${AMD}04`);
  const hwid = id && id.length !== n ? only(id, 4) : id; // some certificates wrap it
  return need(vlek || hwid.length === n) && { product, tcb, vlek, hwid };
}
const valid = (what, x) => `${what} valid from ${iso(x.from)} to ${iso(x.until)}`;

async function judgeChain(o, ders, rules, facts) {
  const certs = await o.check('chain.form', 'not three certificates that can be read, VCEK or VLEK first', () => {
    const all = elements(ders).map((e) => certificate(e.whole));
    return need(all.length === 3) && all;
  });
  if (!certs) return undefined;
  const [leaf, ask, ark] = certs;
  const key = hex(await hash(256, ark.spki));
  const family = ROOTS[key];
  const authority = async (c) => { await signedBy(c, ark); need(isAuthority(c) && known(c)); };
  facts.configured_root = !family && key === rules.root;
  await o.check('chain.root', 'the chain does not end in a trusted root key', () => (family ? `AMD's root key for ${family}`
    : need(facts.configured_root, "a root key of AMD's (Milan, Genoa, Turin)", key) && `NOT AMD's: the configured root ${key}`));
  await o.check('chain.root_signature', 'the root is not signed by itself, or not an authority', () => authority(ark));
  await o.check('chain.intermediate', 'not signed by the root, or not an authority', () => authority(ask));
  await o.check('chain.leaf', 'not signed by the second certificate, or not of a leaf’s kind', async () => {
    await signedBy(leaf, ask);
    need(leaf.key.crv === 'P-384' && !isAuthority(leaf) && known(leaf));
  });
  await o.check('chain.dates', 'a certificate is not valid at this time', () => {
    const late = certs.findIndex((c) => !(c.from <= rules.now && rules.now <= c.until));
    return need(late < 0, late >= 0 && valid(['VCEK or VLEK', 'ASK or ASVK', 'ARK'][late], certs[late]), iso(rules.now));
  });
  let v;
  await o.check('chain.product', 'the certificates do not say what AMD’s of one product say', () => {
    v = readVcek(leaf);
    need(!family || family === v.product);
    need(commonName(ark) === `ARK-${v.product}` && commonName(ask) === `SEV-${v.vlek ? 'VLEK-' : ''}${v.product}`);
    return need(commonName(leaf) === (v.vlek ? 'SEV-VLEK' : 'SEV-VCEK')) && v.product;
  });
  return v && { leaf, ask, ark, ...v };
}

async function judgeSignature(o, r, chain) {
  const whole = await o.check('report.signature', 'not signed by this certificate’s key: changed, or of another chip or patch level', async () => {
    // MASK_CHIP_KEY is about the VCEK: a host with a VLEK signs with that all the same.
    if (r.masked && !r.vlek) refuse('the platform’s owner has masked the chip’s key: the report is not signed');
    if (!chain) refuse('there is no certificate to check it with');
    need(chain.leaf.key.crv === 'P-384');
    await signed(chain.leaf.key, [ECDSA, 384], r.signed, r.signature);
  });
  if (!chain) return;
  const { tcb, product, vlek, hwid } = chain;
  const chip = () => equal(hwid, r.chip.subarray(0, hwid.length));
  const hidden = isZero(r.chip);
  const fits = await o.check('vcek.tcb', 'the certificate is for another patch level (TCB)', () => equal(reversed(tcb), reversed(r.tcb)));
  await o.check('vcek.chip', 'the certificate is for another chip', () => {
    const why = [vlek && 'a VLEK certifies the provider’s key, not a chip', hidden && 'the report hides the chip’s identity (the chip id is masked)'].filter(Boolean);
    return why.length ? skip(why.join('; ')) : chip();
  });
  const kind = await o.check('vcek.kind', 'the certificate and the report differ', () => {
    const [certified, reported] = [levels(tcb, product), levels(r.tcb, product)];
    need(r.version < 3 || r.product === product, '', 'product');
    need(r.vlek === vlek, '', 'kind of signing key');
    for (const [name, [, words]] of Object.entries(SPL)) need(certified[name] === reported[name], '', `${words} patch level`);
    need(same(tcb, r.tcb), '', 'reserved byte of the patch levels');
    need(vlek || hidden || attempt(chip), '', 'chip');
    return vlek ? 'VLEK' : 'VCEK';
  });
  if (whole && fits && kind) r.product = product;
}

async function judgeRevocation(o, der, chain, rules, facts) {
  const l = await o.check('crl.form', 'not a complete X.509 revocation list', () => revocationList(der));
  if (!l) return;
  const until = Math.min(l.until, l.from + (rules.crlMaxAge ?? Infinity));
  const span = valid('list', { from: l.from, until });
  await o.check('crl.signature', 'not signed by the chain’s root', () => signedBy(l, chain.ark));
  await o.check('crl.dates', 'the revocation list is stale, or from the future', () => need(l.from - LEEWAY <= rules.now && rules.now <= until, span, iso(rules.now)) && span);
  await o.check('crl.revoked', 'AMD has revoked a certificate of the chain', () => need(![chain.ask, chain.ark].some((c) => l.serials.includes(c.serial))));
  facts.crl = true; // and asked for only when none of this has failed
}

// --- The utility VM's endorsement ---
function readDid(text) {
  const [, digest, dotted] = /^did:x509:0:sha256:([\w-]{43})::eku:((?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*))+)$/.exec(text);
  const [a, b, ...arcs] = dotted.split('.').map(Number);
  const base128 = (v) => (v < 128 ? [v] : [...base128(Math.floor(v / 128)).map((x) => x | 128), v % 128]);
  const eku = [40 * a + b, ...arcs].flatMap(base128);
  need(a < 3 && (a === 2 || b < 40) && [b, ...arcs].every((x) => x < 2 ** 32) && eku.length <= 40);
  return { digest: unbase64(digest, true), eku: hex(eku) };
}
const SNP = 'x-ms-sevsnpvm-';
// Decimal text or a number; since October 2025 repeated as a number: the smaller one counts.
function readSvn(payload) {
  const [given, repeated] = [payload[`${SNP}guestsvn`], payload[`${SNP}guestsvn-int`]];
  const all = [typeof given === 'string' ? need(/^\d+$/.test(given)) && Number(given) : given, repeated].filter((v) => v !== undefined);
  return need(all.length && all.every(isNatural)) && Math.min(...all);
}
// The hash envelope's CWT claims: issuer, subject, issued at (tagged as a time or not), "svn".
function readClaims(claims) {
  const all = fields(claims);
  need([1, 2, 6, 'svn'].every((name) => all.has(name)) && [...all.keys()].every((label) => /^(number|string)$/.test(typeof label)));
  const [iss, feed, at, svn] = [1, 2, 6, 'svn'].map((name) => all.get(name));
  const issued = at?.tag === 1 ? at.item : at;
  need(typeof iss === 'string' && typeof feed === 'string' && isNatural(issued) && issued <= 253402300799 && isNatural(svn) && svn < 2 ** 32);
  return { iss, feed, issued, svn };
}
// The endorsement's message of either form (snp/uvm.h), with what its signed headers say.
function readEndorsement(message) {
  const m = coseSign1(message);
  if (!m.envelope && (m.iss || m.feed)) return m;
  if (m.typed || !m.hashed || !m.claims) {
    const known = 'the labels iss and feed with a payload of JSON; the labels 15 and 258 with a payload of 48 bytes, without 3';
    refuse(`this form of endorsement is not supported (known: ${known})`, { found: m.labels });
  }
  const said = attempt(() => readClaims(m.claims))
    ?? refuse('the endorsement’s CWT claims are malformed, or lack one of issuer, subject, issued at, svn', { found: m.labels });
  if ((m.iss && m.iss !== said.iss) || (m.feed && m.feed !== said.feed)) refuse('the endorsement has members of both forms, and they differ', { found: m.labels });
  if (m.payloadHash !== -43) refuse('the hash algorithm of the payload is not supported (known: -43, SHA-384)', { found: String(m.payloadHash) });
  return { ...m, ...said };
}
async function judgeEndorsement(o, message, r, rules, facts) {
  const m = await o.check('uvm.form', 'not a COSE_Sign1 message of the known form', () => readEndorsement(message));
  const certs = m && await o.check('uvm.chain', 'not a chain of certificates, each signed by the next', async () => {
    const all = m.certs.map(certificate);
    need(all.length > 1);
    for (const [i, c] of all.entries()) {
      if (!ALGORITHMS[c.alg]) refuse('the signature algorithm of a certificate is not supported (known here: RSA PKCS#1 with SHA-256, 384, 512; RSASSA-PSS with SHA-384)');
      await signedBy(c, all[i + 1] ?? c, [PKCS1, PSS]);
      const wrong = {
        'the signer’s certificate is not for signatures (key usage)': i === 0 && !maySign(c),
        'a certificate that signs another is not an authority': i > 0 && !isAuthority(c),
        'an authority of the chain allows fewer authorities below it': i > 0 && !allowsBelow(c, i - 1),
        'name constraints are not supported in this chain': has(c, NAMES),
        'a critical extension is unknown': !known(c),
      };
      for (const [what, is] of Object.entries(wrong)) if (is) refuse(what);
    }
    return all;
  });
  if (!certs) return;
  const [issuer, feed] = [rules.uvmIssuer ?? UVM_ISSUER, rules.uvmFeed ?? UVM_FEED];
  const root = await hash(256, certs[certs.length - 1].der);
  const mine = await o.check('uvm.issuer', 'the endorsement names another issuer', () => {
    const { digest, eku } = attempt(() => readDid(m.iss)) ?? {};
    const unless = (ok, why) => { if (!ok) refuse(why, { expected: issuer, found: m.iss }); };
    unless(m.iss, 'the endorsement names no issuer');
    unless(digest, 'the issuer’s form is not supported (known: did:x509:0:sha256:HASH::eku:OID)');
    unless(m.iss !== issuer || (same(digest, root) && hasPurpose(certs[0], eku)), 'the certificate chain is not the issuer’s');
    unless(m.iss !== issuer || certs.slice(1).every((c) => serves(c, eku)), 'an authority of the chain is not for the issuer’s purpose (extended key usage)');
    return need(m.iss === issuer, issuer, m.iss);
  });
  const fed = await o.check('uvm.feed', m.feed ? 'the endorsement is for another kind of machine' : 'the endorsement names no feed', () => need(m.feed === feed, feed, m.feed));
  if (m.envelope) {
    await o.check('uvm.issued', 'a certificate of the chain was not valid when the endorsement was issued', () => (
      need(certs.every((c) => c.from <= m.issued && m.issued <= c.until), '', iso(m.issued))));
  }
  if (!await o.check('uvm.signature', 'the endorsement’s signature is wrong', () => coseSigned(m, certs[0].key))) return;
  await o.check('uvm.measurement', 'the report’s launch measurement is not the endorsed one', () => {
    const [measurement, svn] = attempt(() => {
      if (m.envelope) return need(m.payload.length === 48) && [m.payload, m.svn];
      const p = json(m.payload);
      return [unhex(p[`${SNP}launchmeasurement`], 48), readSvn(p)];
    }) ?? refuse('the endorsement’s payload is malformed');
    if (mine && fed) facts.svn = svn;
    return equal(measurement, r.launchmeasurement);
  });
}

// Everything that goes with a report.
async function judgeEvidence(o, e, rules, facts) {
  await o.check('report.form', 'a report has 1184 bytes', () => {
    facts.report = readReport(e.report);
    return `version ${facts.report.version}${facts.report.notKnown && `; set and not known: ${facts.report.notKnown}`}`;
  });
  const r = facts.report;
  const chain = await judgeChain(o, e.chain, rules, facts);
  if (r) await judgeSignature(o, r, chain);
  if (!e.crl) o.skip('crl', 'no revocation list was given');
  else if (chain) await judgeRevocation(o, e.crl, chain, rules, facts);
  if (!e.endorsement) o.skip('uvm', 'no endorsement of the launch measurement was given');
  else if (r) await judgeEndorsement(o, e.endorsement, r, rules, facts);
}

// --- An attestation service's token beside the report (JWS, RFC 7515) ---
// The curve binds an ECDSA key to its hash.
const JWS = { RS256: [PKCS1, 256], RS384: [PKCS1, 384], PS256: [PSS, 256], PS384: [PSS, 384], ES256: [ECDSA, 256, 'P-256'], ES384: [ECDSA, 384, 'P-384'] };
// A key of a set, from its own members or its first certificate. undefined: of a type that is not supported.
function readJwk(k) {
  const own = k.kty === 'RSA' ? 'n' in k : 'x' in k;
  if (!['RSA', 'EC'].includes(k.kty)) return need('kty' in k) && undefined;
  if (!own) {
    const { key } = certificate(unbase64(k.x5c[0]));
    return need(key.kty === k.kty) && key;
  }
  if (k.kty === 'RSA') return rsaKey(unbase64(k.n, true), unbase64(k.e, true));
  const n = { 'P-256': 32, 'P-384': 48 }[k.crv];
  return n && need([k.x, k.y].every((v) => unbase64(v, true).length === n)) && { kty: 'EC', crv: k.crv, x: k.x, y: k.y };
}
// What is wrong with a key that has not signed the token: the last of these is told (snp/token.c).
const KEY_FAULTS = [
  'the issuer lists no key with the token’s key id', 'the issuer’s key with the token’s key id is not for signatures',
  'the key type is not supported (known: RSA, EC P-256, EC P-384)', 'the issuer’s key cannot be read', 'the token’s signature is wrong',
];
async function keyFault(k, alg, input, signature) {
  if ('use' in k && k.use !== 'sig') return 1;
  let key;
  try {
    key = readJwk(k);
  } catch {
    return 3;
  }
  if (!key) return 2;
  const [, , curve] = JWS[alg];
  return signed(key, JWS[alg], input, signature).then(() => (curve && key.crv !== curve ? 4 : -1), () => 4);
}
// All keys with the token's id are tried: a set may list an id more than once (RFC 7517 section 4.5).
async function tokenSigned(keys, header, input, signature) {
  const { alg } = header;
  if (typeof alg !== 'string' || !Object.hasOwn(JWS, alg)) {
    refuse(`the signature algorithm is not supported (known: ${Object.keys(JWS).join(', ')})`, { found: 'crit' in header ? '' : alg });
  }
  if ('crit' in header) refuse('the header has critical members (crit), which are not supported (known: none)');
  const { keys: all } = attempt(() => json(keys)) ?? refuse('the issuer’s key set cannot be read');
  if (!Array.isArray(all)) refuse('the issuer’s key set is no JSON Web Key Set: it has no list "keys"');
  if (!attempt(() => word(header.kid, 255) + '.')) refuse('the token names no key (kid)');
  let [worst, found] = [0, ''];
  for (const k of all.filter((x) => isObject(x) && x.kid === header.kid)) {
    const fault = await keyFault(k, alg, input, signature);
    if (fault < 0) return;
    if (fault === 2) found = [k.kty, k.crv].filter((v) => typeof v === 'string').join(' ');
    worst = Math.max(worst, fault);
  }
  refuse(KEY_FAULTS[worst], { found: worst === 2 ? found : '' });
}
async function judgeToken(o, token, r, rules) {
  const { issuer, keys } = rules.token ?? {};
  const parts = token.split('.');
  const read = await o.check('token.form', 'not a signed token (compact JWS)', () => {
    const [header, claims, signature, ...more] = parts.map((x) => need(x) && unbase64(x, true));
    return need(!more.length && signature.length <= 512) && [json(header), Object(json(claims)), signature];
  });
  if (!read) return undefined;
  const [header, claims, signature] = read;
  const verified = await o.check('token.signature', 'the token’s signature is wrong', async () => (
    keys ? tokenSigned(keys, Object(header), encode(`${parts[0]}.${parts[1]}`), signature) : skip('the attestation service’s keys were not given')));
  await o.check('token.issuer', 'the token is another service’s', () => (issuer ? need(claims.iss === issuer, issuer, claims.iss) : skip('no attestation service was named')));
  await o.check('token.time', 'the token has no times, has expired, or is not valid yet', () => {
    const { exp, nbf = 0 } = claims;
    need(isNatural(exp) && isNatural(nbf) && nbf - LEEWAY <= rules.now);
    if (exp + LEEWAY <= rules.now && !rules.live) return skip('the token has expired since it was kept');
    return need(exp + LEEWAY > rules.now, '', `until ${iso(exp)}`);
  });
  const type = claims['x-ms-attestation-type'];
  await o.check('token.type', 'the token is about a kind of guest that is not supported (known: sevsnpvm)', () => need(type === 'sevsnpvm' || refuse('', { found: type })));
  await o.check('token.report', 'the token’s claim is not what the report says', () => {
    const tcb = levels(r.tcb, r.product);
    const said = {
      guestsvn: r.guestsvn, vmpl: r.vmpl, 'bootloader-svn': tcb.bootloader, 'tee-svn': tcb.tee, 'snpfw-svn': tcb.snp, 'microcode-svn': tcb.microcode,
      'is-debuggable': r.debug, 'migration-allowed': r.migration, 'smt-allowed': r.smt,
    };
    [...Object.keys(FIELDS), ...Object.keys(said)].forEach((name, i) => {
      const v = claims[SNP + name];
      need(v === undefined ? i > 2 : name in said ? v === said[name] : typeof v === 'string' && v.toLowerCase() === hex(r[name]), '', SNP + name);
    });
  });
  return verified === true ? claims.iat : undefined;
}

// Bits by name or number, and their names in the order of the bits.
const platformBits = (v) => need(Array.isArray(v)) && v.map((x) => (Number.isInteger(x) ? need(x >= 0 && x < 64) && x : need(PLATFORM.includes(x)) && PLATFORM.indexOf(x)));
const platformNames = (all) => [...all].sort((a, b) => a - b).map((i) => PLATFORM[i] ?? `bit ${i}`).join(' ');

// --- Acceptance: a policy (snp/accept.h) over what genuine evidence says ---
function readPolicy(given) {
  const policy = isObject(given) ? given : attempt(() => json(given));
  if (!isObject(policy)) refuse('the policy is not a JSON object');
  if (isNatural(policy.parley_policy) && policy.parley_policy !== 1) refuse('this version of policy (parley_policy) is not supported; known: 1');
  const p = { host_data: [], vmpl: 0, min_uvm_svn: 100, ...policy };
  const hexes = (v, n, max) => Array.isArray(v) && v.length <= max && v.every((x) => unhex(x, n));
  const flag = (v) => v === true || v === false;
  const some = (v, ok) => isObject(v) && Object.keys(v).length > 0 && Object.entries(v).every(([name, x]) => ok(name, x));
  const platform = (v) => { const all = platformBits(v); return all.length > 0 && new Set(all).size === all.length; };
  const most = (max, min = 0) => (v) => isNatural(v) && v >= min && v <= max;
  const members = {
    parley_policy: most(1, 1), host_data: (v) => v === 'any' || hexes(v, 32, 32), measurement: (v) => hexes(v, 48, 16) && v.length > 0,
    debug_allowed: flag, migration_allowed: flag, vmpl: most(3), crl_required: flag, min_uvm_svn: (v) => v === 'any' || most(2 ** 32 - 1)(v),
    min_tcb: (v) => some(v, (product, all) => Object.hasOwn(LAYOUT, product) && some(all, (name, n) => name && LAYOUT[product].includes(name) && most(255)(n))),
    platform_required: platform, platform_forbidden: platform,
    report_data: (v) => unhex(v, v.length > 64 ? 64 : 32), role: (v) => word(v, 63) !== '', max_age_s: most(2 ** 32 - 1, 1),
  };
  for (const name of ['parley_policy', ...Object.keys(p)]) {
    if (!Object.hasOwn(members, name) || !attempt(() => members[name](p[name]))) refuse(`the policy’s ${name} is not understood`);
  }
  const named = [p.platform_required, p.platform_forbidden].flatMap((v) => platformBits(v ?? []));
  if (new Set(named).size < named.length) refuse('the policy’s platform_forbidden has a bit of platform_required');
  return p;
}
async function judgePolicy(o, p, facts) {
  const { report: r, role, age } = facts;
  const check = (id, why, demanded, judge) => o.check(`accept.${id}`, why, () => (demanded ? judge() : skip('the policy does not ask for it')));
  const among = (all, found, told) => need(all.some((x) => x.toLowerCase() === hex(found)), told?.toLowerCase(), found);
  const least = (min, found) => need(found >= min, `at least ${min}`, String(found));
  await check('host_data', 'not a container policy that is allowed', p.host_data !== 'any', () => among(p.host_data, r.hostdata, p.host_data.length === 1 ? p.host_data[0] : ''));
  await check('measurement', 'not an allowed launch measurement', p.measurement, () => among(p.measurement, r.launchmeasurement, p.measurement[p.measurement.length - 1]));
  await check('debug', 'the host may read and change the guest’s memory: debugging is allowed', !p.debug_allowed, () => need(!r.debug));
  await check('migration', 'a migration agent may have the guest’s memory', !p.migration_allowed, () => need(!r.migration));
  await check('vmpl', 'asked for from another privilege level', true, () => need(r.vmpl === p.vmpl, String(p.vmpl), String(r.vmpl)));
  const min = p.min_tcb?.[r.product];
  if (!min) await check('tcb', 'the policy names no minimum patch levels for this product', p.min_tcb, () => need(false));
  else for (const [name, n] of Object.entries(levels(r.tcb, r.product))) await check(`tcb.${name}`, 'the platform’s firmware is too old', true, () => least(min[name] ?? 0, n));
  const [must, never] = [p.platform_required, p.platform_forbidden].map((v) => v && platformBits(v));
  await check('platform', 'PLATFORM_INFO lacks a bit that is required, or has one that is forbidden', must ?? never, () => need(
    (must ?? []).every((i) => r.platform.includes(i)) && !(never ?? []).some((i) => r.platform.includes(i)),
    [must && platformNames(must), never && `without ${platformNames(never)}`].filter(Boolean).join('; '), platformNames(r.platform)));
  await check('uvm', 'the utility VM is too old, or not endorsed', p.min_uvm_svn !== 'any', () => need(facts.svn !== undefined) && least(p.min_uvm_svn, facts.svn));
  await check('crl', 'there is no revocation list', p.crl_required, () => need(facts.crl));
  await check('report_data', 'the report is bound to something else', p.report_data, () => equal(unhex(p.report_data.padEnd(128, '0'), 64), r.reportdata));
  await check('role', 'the evidence is another party’s', p.role, () => need(role === p.role, p.role, role));
  await check('freshness', 'too old, or nothing proves when it was made', p.max_age_s, () => need(age !== undefined) && need(age <= p.max_age_s, `at most ${p.max_age_s} s old`, `${age} s`));
}

// --- Proofs (snp/proof.h) ---
function readProof(input) {
  const bytes = typeof input === 'string' ? encode(input) : input;
  const text = utf8(bytes).replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '');
  if (encode(text).length > 32768) refuse('not a proof: larger than 32 KiB');
  if (text.includes('\\')) refuse('not a proof: nothing in one is escaped');
  const decode = (v) => need(v) && unbase64(v);
  const read = {
    parley_proof: (v) => need(v === 1), tee_type: (v) => need(v === 'sevsnp'), report: (v) => need(decode(v).length === 1184) && decode(v),
    certificates: (v) => need(Array.isArray(v) && v.length === 3) && join(...v.map((x) => need(elements(decode(x)).length === 1) && decode(x))),
    runtime_data: decode, nonce: (v) => word(v, 86), tls_spki_sha256: (v) => need(v === v.toLowerCase()) && unhex(v, 32),
    crl: decode, endorsement: decode, policy: decode, token: (v) => need(typeof v === 'string' && v) && v,
  };
  const p = {};
  const all = attempt(() => json(text));
  if (!isObject(all)) refuse('not a proof: not a JSON object');
  const { parley_proof: version, tee_type: type } = all;
  if (isNatural(version) && version !== 1) refuse(`this version of proof is not supported (known: 1): ${version}`);
  if (typeof type === 'string' && type !== 'sevsnp') refuse(`this tee_type is not supported (known: sevsnp): ${printable(type)}`);
  for (const [name, judge] of Object.entries(read)) {
    if (name in all || !['crl', 'endorsement', 'policy', 'token'].includes(name)) p[name] = attempt(() => judge(all[name])) ?? refuse(`not a proof: ${name}`);
  }
  return Object.keys(all).length === Object.keys(p).length ? p : refuse('not a proof: a member that is not known');
}
function readRuntime(b) {
  const m = json(b);
  if (typeof m.purpose === 'string' && /^parley-/.test(m.purpose) && !['parley-evidence-1', 'parley-peer-1'].includes(m.purpose)) {
    refuse('this version of runtime data is not supported (known: parley-evidence-1)', { found: m.purpose });
  }
  word(m.role, 63);
  word(m.key, 43);
  need(Object.keys(m).length === 5 && m.purpose === 'parley-evidence-1' && unbase64(word(m.nonce, 86), true).length >= 16);
  return { ...m, tls: unhex(m.tls_spki_sha256, 32) };
}

async function outcome(given, judge) {
  if (!subtle) throw new Error('This browser gives pages WebCrypto only over HTTPS, or from this machine.');
  const rules = { ...given, now: given.now ?? Math.floor(Date.now() / 1000), policy: given.policy === undefined ? undefined : readPolicy(given.policy) };
  const o = new Outcome();
  const facts = { configured_root: false };
  await judge(o, rules, facts);
  const genuine = o.ok();
  const r = facts.report;
  if (genuine && rules.policy) await judgePolicy(o, rules.policy, facts);
  return {
    genuine, acceptable: genuine && rules.policy ? o.ok('acceptable') : null, configured_root: facts.configured_root, product: r?.product, host_data: r && hex(r.hostdata), checks: o.checks,
  };
}

// Both give {genuine, acceptable (null: not judged), configured_root (certified by it, not by AMD), product, host_data, checks:
// [{id, group: 'genuine' or 'acceptable', state: 'passed', 'failed' or 'skipped', expected, found, why}]}. rules, all optional: now (Unix
// seconds), root (hex SHA-256 of a further root's SubjectPublicKeyInfo), uvmIssuer, uvmFeed, crlMaxAge (seconds), policy (object or its
// text), token ({issuer, keys: its key set's text}), nonce (that was asked for), live (asked for just now), tlsKey (hex hash of the key
// that the connection ends in). A policy that is not understood throws.

// evidence: {report, chain (three certificates in DER, one behind the other), crl, endorsement}: Uint8Arrays, the last two optional.
export const verifyReport = (evidence, rules = {}) => outcome(rules, (o, all, facts) => judgeEvidence(o, evidence, all, facts));

// proof: its text, or the bytes of it.
export const verifyProof = (proof, given = {}) => outcome(given, async (o, rules, facts) => {
  let p;
  try {
    p = readProof(proof);
  } catch (e) {
    await o.check('proof.form', 'not a proof', () => { throw e; });
    return;
  }
  await judgeEvidence(o, { ...p, chain: p.certificates }, rules, facts);
  const r = facts.report;
  if (!r) return;
  const digest = join(await hash(256, p.runtime_data), new Uint8Array(32));
  await o.check('proof.runtime_data', 'REPORT_DATA is not the hash of the runtime data: made for something else', () => equal(digest, r.reportdata));
  const rt = await o.check('proof.purpose', 'the runtime data are not those of a party’s evidence', () => readRuntime(p.runtime_data)) ?? { tls: new Uint8Array(32) };
  if (rt.nonce) {
    await o.check('proof.tls_key', 'the TLS key is not the one in the runtime data', () => equal(rt.tls, p.tls_spki_sha256));
    await o.check('proof.nonce', 'the nonce is not the one in the runtime data', () => need(rt.nonce === p.nonce, rt.nonce, p.nonce));
  }
  await o.check('proof.policy', 'HOST_DATA is not the hash of the container policy shown', async () => (
    p.policy ? equal(await hash(256, p.policy), r.hostdata) : skip('the container policy’s text is not in the proof')));
  await o.check('connection.nonce', 'not made for this request: replayed', () => (
    rules.nonce ? need(rt.nonce === rules.nonce, rules.nonce, rt.nonce) : skip('no nonce was asked for: this shows what was true when the proof was made')));
  await o.check('connection.tls_key', 'the connection does not end in what the report is about: relayed', () => (
    rules.tlsKey ? equal(rt.tls, unhex(rules.tlsKey, 32)) : skip('the key of the connection is not known: whoever shows this proof need not be who it is about')));
  facts.role = rt.role;
  if (o.ok() && rules.nonce && rules.live) facts.age = 0;
  if (!p.token) {
    o.skip('token', 'there is no attestation service’s token');
    return;
  }
  const issued = await judgeToken(o, p.token, r, rules);
  if (issued && o.ok() && rules.token.issuer) facts.age ??= rules.now - issued;
});

// --- node verify.mjs PROOF: options and exit status are those of `parleyctl verify --proof` ---
const HELP = `usage: node verify.mjs PROOF [--host-data HEX]... [--policy FILE] [--nonce TEXT] [--at UNIX-SECONDS|DATE] [--json]
       [--root HEX (SHA-256 of a further root's SubjectPublicKeyInfo)] [--uvm-issuer DID] [--uvm-feed NAME]
exit status: 0 genuine (and acceptable, when that was asked), 2 wrong use, 3 not acceptable, 4 not genuine, 5 could not be judged`;

function readArguments(args, parseArgs) {
  const text = { type: 'string', multiple: true };
  const options = { policy: text, nonce: text, at: text, root: text, 'uvm-issuer': text, 'uvm-feed': text, 'host-data': text, json: { type: 'boolean' } };
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
  const { 'host-data': hostData, json: asJson, ...rest } = values;
  const v = Object.fromEntries(Object.entries(rest).map(([name, all]) => [name, need(all.length === 1 && all[0]) && all[0]]));
  const now = v.at === undefined ? undefined : /^\d+$/.test(v.at) ? Number(v.at) : Date.parse(v.at) / 1000;
  need(positionals.length === 1 && !Number.isNaN(now));
  if (v.root) unhex(v.root, 32);
  return { ...v, file: positionals[0], now, hostData, asJson };
}

const oneLine = (c) => `${(c.state === 'failed' ? 'FAILED' : c.state).padEnd(8)} ${[c.id + (c.why ? `: ${c.why}` : ''), c.expected && `expected ${c.expected}`, c.found && `found ${c.found}`].filter(Boolean).join('; ')}`;

// -> [exit status, what is said]
async function command(args, read, parseArgs) {
  const a = attempt(() => readArguments(args, parseArgs));
  if (!a) return [2, HELP];
  const policy = a.policy || a.hostData ? { parley_policy: 1, ...(a.policy ? json(read(a.policy)) : {}) } : undefined;
  if (a.hostData) policy.host_data = [...(Array.isArray(policy.host_data) ? policy.host_data : []), ...a.hostData];
  const r = await verifyProof(new Uint8Array(read(a.file)), { policy, now: a.now, nonce: a.nonce, root: a.root?.toLowerCase(), uvmIssuer: a['uvm-issuer'], uvmFeed: a['uvm-feed'] });
  const status = !r.genuine ? 4 : r.acceptable === false ? 3 : 0;
  const genuine = !r.genuine ? 'NO' : r.configured_root ? "yes, by the root that was given, NOT by AMD's" : 'yes';
  return [status, a.asJson ? JSON.stringify(r) : [...r.checks.map(oneLine), `genuine: ${genuine}`, `acceptable: ${r.acceptable === null ? 'not judged' : r.acceptable ? 'yes' : 'NO'}`].join('\n')];
}

if (globalThis.process?.argv?.[1]) {
  const [fs, url, util] = await Promise.all(['fs', 'url', 'util'].map((m) => import(`node:${m}`)));
  if (attempt(() => url.pathToFileURL(fs.realpathSync(process.argv[1])).href) === import.meta.url) {
    const [status, said] = await command(process.argv.slice(2), fs.readFileSync, util.parseArgs).catch((e) => [5, `verify.mjs: ${e.message}`]);
    console[status === 2 || status === 5 ? 'error' : 'log'](said);
    process.exitCode = status;
  }
}
