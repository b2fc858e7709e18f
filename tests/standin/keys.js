// What a vault stores: one key version made or imported, its public form, and the bytes that are wrapped on release.
'use strict';
const crypto = require('crypto');
const { promisify } = require('util');
const { fromB64u } = require('./jose');
const policy = require('./policy');

const generate = promisify(crypto.generateKeyPair);
const CURVES = { 'P-256': 'prime256v1', 'P-384': 'secp384r1', 'P-521': 'secp521r1' };
const DEFAULT_OPS = {
  RSA: ['wrapKey', 'decrypt', 'encrypt', 'unwrapKey', 'sign', 'verify'], EC: ['sign', 'verify'], oct: ['wrapKey', 'decrypt', 'encrypt', 'unwrapKey'],
};
const POLICY_TYPE = 'application/json; charset=utf-8';

class BadParameter extends Error {}
const bad = (text) => { throw new BadParameter(text); };
const family = (kty) => kty.replace(/-HSM$/, '');

function checkKind(kty, hsm) {
  if (!['RSA', 'RSA-HSM', 'EC', 'EC-HSM', 'oct', 'oct-HSM'].includes(kty)) bad(`Key type ${kty} is not supported`);
  if (family(kty) === 'oct' && !hsm) bad('Operation is not allowed: oct keys are for Managed HSM');
}

async function generateSecret(kty, { key_size: size, crv }) {
  switch (family(kty)) {
    case 'RSA':
      if (![2048, 3072, 4096].includes(size || 2048)) bad('The specified RSA key size is not valid');
      return { key: (await generate('rsa', { modulusLength: size || 2048 })).privateKey };
    case 'EC':
      if (!CURVES[crv || 'P-256']) bad('The specified curve is not supported');
      return { key: (await generate('ec', { namedCurve: CURVES[crv || 'P-256'] })).privateKey };
    default:
      if (![128, 192, 256].includes(size || 256)) bad('The specified oct key size is not valid');
      return { oct: crypto.randomBytes((size || 256) / 8) };
  }
}

function importSecret(jwk) {
  if (family(jwk.kty) === 'oct') {
    const oct = fromB64u(jwk.k) || bad('k property of oct key is not base64url');
    if (oct.length > 64) bad('k property of oct key is too large, maximum size is 64');
    return { oct };
  }
  try {
    return { key: crypto.createPrivateKey({ key: { ...jwk, kty: family(jwk.kty), key_ops: undefined }, format: 'jwk' }) };
  } catch {
    return bad('The JSON web key is not a valid private key');
  }
}

// Accepts the base64url policy of the protocol, and the padded standard alphabet that Managed HSM is seen to take as well.
function readPolicy(given) {
  if (!given || typeof given.data !== 'string') bad('release_policy.data is missing');
  const bytes = fromB64u(given.data.replace(/\+/g, '-').replace(/\//g, '_')) || bad('release_policy.data is not base64url');
  let tree;
  try {
    tree = policy.check(JSON.parse(bytes));
  } catch (e) {
    bad(`Invalid release policy: ${e.message}`);
  }
  return { contentType: given.contentType || POLICY_TYPE, tree, immutable: given.immutable === true };
}

function checkExportable(exportable, releasePolicy, api) {
  if (exportable && !releasePolicy) bad('Exportable keys must have release policy');
  if (!exportable && releasePolicy) bad('AKV.SKR.1005: Non-exportable keys must not have release policy');
  if (exportable && /^7\.[0-2]/.test(api)) bad('AKV.SKR.1001: exportable is supported only with api-version 7.3 or newer');
}

// body: that of create (jwk false) or import (jwk true). hsm: is this a Managed HSM.
async function makeVersion(body, { hsm, imported, api }) {
  const params = imported ? body.key || bad('key is missing') : body;
  const wantHsm = imported && body.hsm && !String(params.kty).endsWith('-HSM');
  const kty = String(params.kty) + (wantHsm ? '-HSM' : '');
  checkKind(kty, hsm);
  const attributes = body.attributes || {};
  const releasePolicy = body.release_policy ? readPolicy(body.release_policy) : null;
  checkExportable(attributes.exportable === true, releasePolicy, api);
  const secret = imported ? importSecret(params) : await generateSecret(kty, params);
  const now = Math.floor(Date.now() / 1000);
  return {
    version: crypto.randomBytes(16).toString('hex'), kty, secret, keyOps: params.key_ops || DEFAULT_OPS[family(kty)], releasePolicy, tags: body.tags,
    attributes: { enabled: attributes.enabled !== false, exportable: attributes.exportable === true, created: now, updated: now, nbf: attributes.nbf, exp: attributes.exp },
  };
}

// Public members as they stand in replies; released: inside a release the kty is written without -HSM.
function publicJwk(v, kid, released = false) {
  const { n, e, crv, x, y } = v.secret.key ? crypto.createPublicKey(v.secret.key).export({ format: 'jwk' }) : {};
  return { crv, e, key_ops: v.keyOps, kid, kty: released ? family(v.kty) : v.kty, n, x, y };
}

const policyBytes = (p) => Buffer.from(JSON.stringify(p.tree));
const policyData = (p) => policyBytes(p).toString('base64url');
const plaintext = (v) => v.secret.oct || v.secret.key.export({ type: 'pkcs8', format: 'der' });

module.exports = { BadParameter, makeVersion, readPolicy, publicJwk, policyData, plaintext };
