// JOSE: base64url, JWT signing and checking (also the wrong ways, on demand), JWK thumbprints, key-sorted JSON.
'use strict';
const crypto = require('crypto');

const b64u = (v) => Buffer.from(v).toString('base64url');
const b64uPad = (v) => Buffer.from(v).toString('base64').replace(/\+/g, '-').replace(/\//g, '_');
const isObject = (v) => v !== null && typeof v === 'object' && !Array.isArray(v);
const sha256 = (v) => crypto.createHash('sha256').update(v).digest();

// Strict: url alphabet only, padding allowed but only where it belongs. Returns null when it is not that.
function fromB64u(text) {
  if (typeof text !== 'string') return null;
  const bare = text.replace(/={0,2}$/, '');
  if (!/^[A-Za-z0-9_-]*$/.test(bare) || bare.length % 4 === 1) return null;
  if (text.length !== bare.length && text.length % 4 !== 0) return null;
  return Buffer.from(bare, 'base64url');
}

function sorted(v) {
  if (Array.isArray(v)) return v.map(sorted);
  if (v === null || typeof v !== 'object') return v;
  return Object.fromEntries(Object.keys(v).sort().map((k) => [k, sorted(v[k])]));
}

const signRs256 = (input, key) => crypto.sign('sha256', Buffer.from(input), key);

// Compact form. sign: bytes -> signature bytes.
function compact(header, payload, sign) {
  const input = b64u(JSON.stringify(header)) + '.' + b64u(JSON.stringify(payload));
  return input + '.' + b64u(sign(input));
}

// The ways a token can be signed wrongly (the header is adapted): none, HS256 keyed with the public key, another key, a flipped bit.
function compactAs(mode, header, payload, { key, otherKey, publicPem }) {
  switch (mode) {
    case 'alg-none': return compact({ ...header, alg: 'none' }, payload, () => Buffer.alloc(0));
    case 'alg-hs256': return compact({ ...header, alg: 'HS256' }, payload, (i) => crypto.createHmac('sha256', publicPem).update(i).digest());
    case 'wrong-key': return compact(header, payload, (i) => signRs256(i, otherKey));
    case 'bad-signature': return compact(header, payload, (i) => { const s = signRs256(i, key); s[17] ^= 1; return s; });
    default: return compact(header, payload, (i) => signRs256(i, key));
  }
}

function split(token) {
  const parts = typeof token === 'string' ? token.split('.') : [];
  if (parts.length !== 3) return null;
  const [h, p, s] = parts.map(fromB64u);
  if (!h || !p || !s) return null;
  try {
    const [header, payload] = [JSON.parse(h), JSON.parse(p)];
    return isObject(header) && isObject(payload) ? { header, payload, signature: s, input: parts[0] + '.' + parts[1] } : null;
  } catch {
    return null;
  }
}

const verifyRs256 = (jwt, publicKey) => jwt.header.alg === 'RS256' && crypto.verify('sha256', Buffer.from(jwt.input), publicKey, jwt.signature);

function publicKeyOfJwk(jwk) {
  if (Array.isArray(jwk.x5c) && jwk.x5c.length) return new crypto.X509Certificate(Buffer.from(jwk.x5c[0], 'base64')).publicKey;
  return crypto.createPublicKey({ key: { kty: jwk.kty, n: jwk.n, e: jwk.e }, format: 'jwk' });
}

const thumbprint = (jwk) => b64u(sha256(`{"e":"${jwk.e}","kty":"RSA","n":"${jwk.n}"}`));

module.exports = { b64u, b64uPad, fromB64u, sha256, isObject, sorted, compactAs, split, verifyRs256, publicKeyOfJwk, thumbprint };
