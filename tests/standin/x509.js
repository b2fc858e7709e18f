// X.509: making certificates of the shapes the real services use, reading them, and checking who signed them.
'use strict';
const crypto = require('crypto');
const der = require('./der');

const NAME_OIDS = { C: '2.5.4.6', ST: '2.5.4.8', L: '2.5.4.7', O: '2.5.4.10', OU: '2.5.4.11', CN: '2.5.4.3' };
const EKU = { serverAuth: '1.3.6.1.5.5.7.3.1', clientAuth: '1.3.6.1.5.5.7.3.2' };
const PSS = '1.2.840.113549.1.1.10';
const SHA384 = '2.16.840.1.101.3.4.2.2';
const MGF1 = '1.2.840.113549.1.1.8';

// RSASSA-PSS with SHA-384, MGF1-SHA-384, salt 48. Both encodings met in AMD's certificates: trailerField written out or left to its default.
function pssAlgorithm(omitTrailer) {
  const hash = der.seq(der.oid(SHA384), der.nul());
  const params = [der.ctx(0, hash), der.ctx(1, der.seq(der.oid(MGF1), hash)), der.ctx(2, der.integer(48))];
  if (!omitTrailer) params.push(der.ctx(3, der.integer(1)));
  return der.seq(der.oid(PSS), der.seq(...params));
}

const PSS_KEY = { padding: crypto.constants.RSA_PKCS1_PSS_PADDING, saltLength: 48 };
const ALGORITHMS = {
  'pss-sha384': { id: () => pssAlgorithm(false), hash: 'sha384', key: PSS_KEY },
  'pss-sha384-short': { id: () => pssAlgorithm(true), hash: 'sha384', key: PSS_KEY },
  'rsa-sha256': { oid: '1.2.840.113549.1.1.11', id: () => der.seq(der.oid('1.2.840.113549.1.1.11'), der.nul()), hash: 'sha256', key: {} },
  'ecdsa-sha256': { oid: '1.2.840.10045.4.3.2', id: () => der.seq(der.oid('1.2.840.10045.4.3.2')), hash: 'sha256', key: {} },
  'rsa-sha1': { oid: '1.2.840.113549.1.1.5', id: () => der.seq(der.oid('1.2.840.113549.1.1.5'), der.nul()), hash: 'sha1', key: {} }, // of no known one
  'rsa-sha384': { oid: '1.2.840.113549.1.1.12', id: () => der.seq(der.oid('1.2.840.113549.1.1.12'), der.nul()), hash: 'sha384', key: {} },
};

function name(attributes) {
  return der.seq(...attributes.map(([k, v]) => der.set(der.seq(der.oid(NAME_OIDS[k]), k === 'C' ? der.printable(v) : der.utf8(v)))));
}

const extension = (oid, value, critical = false) => der.seq(der.oid(oid), ...(critical ? [der.bool(true)] : []), der.octets(value));
const keyId = (publicKey) => crypto.createHash('sha1').update(publicKey.export({ type: 'spki', format: 'der' })).digest();

// The usual extensions. usage: first byte of the KeyUsage bit string (0x80 digitalSignature, 0x20 keyEncipherment, 0x06 keyCertSign and cRLSign).
const ext = {
  ca: (pathlen) => extension('2.5.29.19', der.seq(der.bool(true), ...(pathlen === undefined ? [] : [der.integer(pathlen)])), true),
  notCa: () => extension('2.5.29.19', der.seq(), true),
  usage: (byte) => extension('2.5.29.15', der.tlv(0x03, [31 - Math.clz32(byte & -byte), byte]), true),
  eku: (...oids) => extension('2.5.29.37', der.seq(...oids.map((o) => der.oid(EKU[o] || o)))),
  san: (...hosts) => extension('2.5.29.17', der.seq(...hosts.map((h) => der.tlv(0x82, h)))),
  ski: (key) => extension('2.5.29.14', der.octets(keyId(key))),
  aki: (key) => extension('2.5.29.35', der.seq(der.tlv(0x80, keyId(key)))),
};

// One certificate as DER. subject, issuer: lists of [attribute, text]; extensions: DER values made above.
function make({ subject, issuer, publicKey, signKey, algorithm, serial, notBefore, notAfter, extensions }) {
  const alg = ALGORITHMS[algorithm];
  const tbs = der.seq(
    der.ctx(0, der.integer(2)), der.integer(serial === undefined ? crypto.randomBytes(15) : serial), alg.id(), name(issuer),
    der.seq(der.time(notBefore), der.time(notAfter)), name(subject),
    publicKey.export({ type: 'spki', format: 'der' }), der.ctx(3, der.seq(...extensions)));
  const signature = crypto.sign(alg.hash, tbs, { key: signKey, ...alg.key });
  return der.seq(tbs, alg.id(), der.bits(signature));
}

// An empty revocation list signed by issuer, as AMD's key distribution service gives for its chain.
function makeCrl({ issuer, signKey, algorithm, thisUpdate, nextUpdate }) {
  const alg = ALGORITHMS[algorithm];
  const tbs = der.seq(der.integer(1), alg.id(), name(issuer), der.time(thisUpdate), der.time(nextUpdate));
  return der.seq(tbs, alg.id(), der.bits(crypto.sign(alg.hash, tbs, { key: signKey, ...alg.key })));
}

function timeOf(v) {
  const s = v.body.toString('latin1');
  const full = v.tag === 0x17 ? (s < '5' ? '20' : '19') + s : s;
  return new Date(full.replace(/^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
}

function parse(bytes) {
  const [tbs, alg, sig] = der.list(der.whole(bytes).body);
  const f = der.list(tbs.body);
  if (f[0].tag !== 0xa0) throw new Error('X.509: not version 3');
  const [from, to] = der.list(f[4].body);
  const extensions = new Map();
  const wrapped = f.find((v, i) => i > 6 && v.tag === 0xa3);
  for (const e of wrapped ? der.list(der.whole(wrapped.body).body) : []) {
    const parts = der.list(e.body);
    const oid = der.oidText(parts[0].body);
    if (extensions.has(oid)) throw new Error('X.509: extension twice');
    extensions.set(oid, parts[parts.length - 1].body);
  }
  if (!f[2].raw.equals(alg.raw)) throw new Error('X.509: two signature algorithms');
  return {
    der: bytes, tbs: tbs.raw, serial: f[1].body, issuer: f[3].raw, subject: f[5].raw,
    notBefore: timeOf(from), notAfter: timeOf(to), extensions, algorithm: alg, signature: sig.body.subarray(1),
    publicKey: crypto.createPublicKey({ key: f[6].raw, format: 'der', type: 'spki' }),
  };
}

const same = (a, b) => a.raw.equals(b);

// Was cert signed by this key? Only the algorithms above; PSS parameters must be exactly AMD's.
function signedBy(cert, key) {
  const id = der.list(cert.algorithm.body);
  const oid = der.oidText(id[0].body);
  const known = oid === PSS
    ? [ALGORITHMS['pss-sha384'], ALGORITHMS['pss-sha384-short']].find((a) => same(cert.algorithm, a.id()))
    : Object.values(ALGORITHMS).find((a) => a.oid === oid);
  if (!known) return false;
  return crypto.verify(known.hash, cert.tbs, { key, ...known.key }, cert.signature);
}

function ekus(cert) {
  const value = cert.extensions.get('2.5.29.37');
  return value ? der.list(der.whole(value).body).map((v) => der.oidText(v.body)) : [];
}

function toPem(bytes, label = 'CERTIFICATE') {
  return `-----BEGIN ${label}-----\n${bytes.toString('base64').replace(/.{1,64}/g, '$&\n')}-----END ${label}-----\n`;
}

function fromPem(text) {
  const out = [];
  for (const m of text.matchAll(/-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]*)-----END CERTIFICATE-----/g)) out.push(Buffer.from(m[1], 'base64'));
  return out;
}

module.exports = { make, makeCrl, parse, signedBy, ekus, ext, extension, toPem, fromPem };
