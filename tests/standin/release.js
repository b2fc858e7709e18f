// Secure key release: is the attestation token genuine, does the policy hold, and the signed answer with the wrapped key
// (azure-protocols.md 4.3-4.5, 4.8).
'use strict';
const crypto = require('crypto');
const client = require('./client');
const jose = require('./jose');
const keys = require('./keys');
const policy = require('./policy');
const { INTERNAL_AGENT } = require('./service');
const wrapping = require('./wrap');

const SKEW = 300;
const RUNTIME_PLACES = [(c) => c['x-ms-runtime'], (c) => (c['x-ms-isolation-tee'] || {})['x-ms-runtime']];

// {denied: message} for the two refusals a vault knows.
const UNVERIFIED = 'Target environment attestation statement cannot be verified.';
const UNMET = 'Target environment attestation does not meet key release policy requirements.';

// The keys an authority publishes, found as a vault finds them: openid-configuration, then jwks_uri on the same host.
async function authorityKeys(authority, ca) {
  const get = async (url) => {
    const r = await client.request({ url, ca, headers: { 'User-Agent': `${INTERNAL_AGENT}-vault` }, timeout: 5000 });
    if (r.status !== 200 || !r.json) throw new Error(`${url} answered ${r.status}`);
    return r.json;
  };
  const base = policy.noSlash(authority);
  const config = await get(`${base}/.well-known/openid-configuration`);
  if (new URL(config.jwks_uri).host !== new URL(base).host) throw new Error('jwks_uri is on another host');
  return (await get(config.jwks_uri)).keys;
}

// Claims of the token when it is genuine and in time, else null; why is noted in facts.
async function verifiedClaims(token, entries, ca, facts) {
  const jwt = jose.split(token);
  try {
    const jwk = (await authorityKeys(entries[0].authority, ca)).find((k) => k.kid === jwt.header.kid);
    if (!jwk) throw new Error('no key of that kid');
    if (!jose.verifyRs256(jwt, jose.publicKeyOfJwk(jwk))) throw new Error('signature does not verify');
    const now = Date.now() / 1000;
    if (!(jwt.payload.exp > now - SKEW)) throw new Error('token has expired');
    if (!(jwt.payload.nbf <= now + SKEW)) throw new Error('token is not valid yet');
    return jwt.payload;
  } catch (e) {
    facts.attestation = e.message;
    return null;
  }
}

// The first RSA key of the runtime data that is for encryption.
function wrappingJwk(claims) {
  for (const place of RUNTIME_PLACES) {
    const runtime = place(claims);
    if (!runtime || !Array.isArray(runtime.keys)) continue;
    const found = runtime.keys.find((k) => k && k.kty === 'RSA' && (k.use === 'enc' || k.key_use === 'enc' || (k.key_ops || []).includes('encrypt')));
    if (found) return found;
  }
  return null;
}

// -> {denied} or {jwk: wrapping key}.
async function decide(token, releasePolicy, ca, facts) {
  const jwt = jose.split(token);
  const entries = jwt && jwt.payload ? policy.entriesFor(releasePolicy, jwt.payload.iss) : [];
  if (!entries.length) {
    facts.attestation = jwt ? 'issuer is no authority of the policy' : 'not a JWT';
    return { denied: UNVERIFIED };
  }
  facts.hostData = jwt.payload['x-ms-sevsnpvm-hostdata'];
  const claims = await verifiedClaims(token, entries, ca, facts);
  if (!claims) return { denied: UNVERIFIED };
  facts.attestation = 'verified';
  facts.policy = entries.some((e) => policy.holds(e.allOf ? { allOf: e.allOf } : { anyOf: e.anyOf }, claims)) ? 'met' : 'not met';
  if (facts.policy !== 'met') return { denied: UNMET };
  const jwk = wrappingJwk(claims);
  if (!jwk) facts.attestation = 'no wrapping key in the token';
  return jwk ? { jwk } : { denied: UNVERIFIED };
}

const flipBit = (bytes, at) => { bytes[at < 0 ? bytes.length + at : at] ^= 1; return bytes; };

// The key_hsm member: the secret wrapped for the key of the token.
function keyHsm(version, enc, jwk, ctx) {
  const publicKey = crypto.createPublicKey({ key: { kty: 'RSA', n: jwk.n, e: jwk.e }, format: 'jwk' });
  const plain = ctx.mode('bad-key') ? crypto.randomBytes(100) : keys.plaintext(version);
  const ciphertext = wrapping.wrap(enc, publicKey, plain);
  const wrong = ctx.mode('bad-wrap');
  if (wrong) flipBit(ciphertext, wrong.offset === undefined ? -1 : wrong.offset);
  const header = { alg: 'dir', enc, kid: jwk.kid };
  return jose.b64u(JSON.stringify({ ciphertext: jose.b64u(ciphertext), header, schema_version: '1.0' }));
}

function payloadOf(version, { kid, api, enc, nonce, jwk, recovery }, ctx) {
  const wrongKid = ctx.mode('wrong-request-kid');
  const wrongNonce = ctx.mode('wrong-nonce');
  const noNonce = ctx.mode('no-nonce');
  const more = ctx.mode('extra-key-ops');
  const { attributes: a, releasePolicy } = version;
  const { key_ops: ops, ...members } = keys.publicJwk(version, kid, true);
  const key = { ...members, key_hsm: keyHsm(version, enc, jwk, ctx), key_ops: more ? [...ops, 'export'] : ops };
  return {
    request: {
      'api-version': api, enc, kid: wrongKid ? kid.replace(/\/keys\/[^/]+/, '/keys/another-key') : kid,
      nonce: noNonce ? undefined : wrongNonce ? 'another nonce' : nonce,
    },
    response: {
      key: {
        attributes: { created: a.created, enabled: a.enabled, exportable: a.exportable, ...recovery, updated: a.updated },
        key: jose.sorted(key), release_policy: { contentType: releasePolicy.contentType, data: keys.policyData(releasePolicy) },
      },
    },
  };
}

const LEAVES = { 'wrong-host': ['wrong.localhost', ''], 'untrusted-chain': [null, 'rogue'], expired: [null, 'expired'] };
const WRONG_SIGNING = ['alg-none', 'alg-hs256', 'wrong-key', 'bad-signature'];

// The JWS over payload, signed with the key of the vault's own TLS certificate.
async function signed(payload, { pki, host }, ctx) {
  const swap = ctx.mode(...Object.keys(LEAVES));
  const [name, kind] = swap ? LEAVES[swap.mode] : [null, ''];
  const leaf = await pki.leaf(name || host, kind);
  const t = jose.b64u(jose.sha256(leaf.chain[0]));
  const header = { alg: 'RS256', kid: t, x5c: leaf.chain.map((c) => c.toString('base64')), 'x5t#S256': t };
  if (ctx.mode('wrong-kid')) header.kid = header['x5t#S256'] = jose.b64u(jose.sha256('another'));
  const wrong = ctx.mode(...WRONG_SIGNING);
  const publicPem = crypto.createPublicKey(leaf.key).export({ type: 'spki', format: 'pem' });
  return jose.compactAs(wrong ? wrong.mode : '', header, payload, { key: leaf.key, otherKey: pki.key('maa-other-key.pem'), publicPem });
}

module.exports = { decide, payloadOf, signed };
