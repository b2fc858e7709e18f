// Microsoft Azure Attestation for SevSnpVm (azure-protocols.md 3): checks the evidence for real, issues the token, publishes its keys.
// Not public, so our own choice: the texts of errors; that a UVM endorsement which does not hold is refused with 400, while one of
// another signer, feed or measurement gives a token without the compliance claims.
'use strict';
const crypto = require('crypto');
const evidence = require('./evidence');
const jose = require('./jose');
const uvm = require('./uvm');

const POLICY = 'version= 1.0;authorizationrules{=> permit();};issuancerules{};';
const LIFETIME = 28800;

class Refusal extends Error {}
const refuse = (text) => { throw new Refusal(text); };

// What a client may send in base64url, with or without padding.
function decoded(text, what) {
  return jose.fromB64u(text) || refuse(`${what} is not base64url`);
}

function json(bytes, what) {
  try {
    return JSON.parse(bytes);
  } catch {
    return refuse(`${what} is not JSON`);
  }
}

function object(bytes, what) {
  const v = json(bytes, what);
  return jose.isObject(v) ? v : refuse(`${what} is not a JSON object`);
}

// The request, decoded. A nonce may be a 64-bit number: kept as its digits, which JSON.parse would round.
function open(body) {
  const text = body.toString('utf8').replace(/("nonce"\s*:\s*)(\d+)(?=\s*[,}])/, '$1"$2"');
  const r = object(text, 'request');
  const report = object(decoded(r.report, 'report'), 'report');
  const endorsements = report.Endorsements ? object(decoded(report.Endorsements, 'Endorsements'), 'Endorsements') : {};
  const runtime = r.runtimeData && r.runtimeData.data;
  const init = r.initTimeData && r.initTimeData.data;
  if (r.nonce !== undefined && typeof r.nonce !== 'string') refuse('nonce is not a string');
  return {
    report: decoded(report.SnpReport, 'SnpReport'), chainPem: decoded(report.VcekCertChain, 'VcekCertChain').toString('latin1'),
    cose: (Array.isArray(endorsements.Uvm) ? endorsements.Uvm : []).map((c) => decoded(c, 'Uvm')), nonce: r.nonce,
    runtime: runtime === undefined ? null : decoded(runtime, 'runtimeData'), runtimeType: r.runtimeData && r.runtimeData.dataType,
    init: init ? decoded(init, 'initTimeData') : null, initType: r.initTimeData && r.initTimeData.dataType,
  };
}

function checkBinding(q, r) {
  const wanted = Buffer.concat([q.runtime === null ? r.reportData.subarray(0, 32) : jose.sha256(q.runtime), Buffer.alloc(32)]);
  if (!r.reportData.equals(wanted)) refuse('runtimeData does not match the report data of the report');
  if (q.init && jose.sha256(q.init).toString('hex') !== r.hostData) refuse('initTimeData does not match the host data of the report');
  if (q.runtime !== null && q.runtimeType !== 'JSON' && q.runtimeType !== 'Binary') refuse('runtimeData.dataType is not JSON or Binary');
}

// The claims of a good endorsement, {} when there is none by the trusted signer for this measurement.
function endorsementClaims(q, r, trusted) {
  for (const bytes of q.cose) {
    let e;
    try {
      e = uvm.open(bytes);
    } catch (error) {
      refuse(error.message);
    }
    const fits = e.iss === trusted.did && e.feed === trusted.feed && e.payload['x-ms-sevsnpvm-launchmeasurement'] === r.measurement;
    if (!fits) continue;
    return {
      'x-ms-compliance-status': 'azure-compliant-uvm', 'x-ms-sevsnpvm-uvm-endorsement': e.payload,
      'x-ms-sevsnpvm-uvm-endorsement-headers': { feed: e.feed, iss: e.iss },
    };
  }
  return {};
}

function reportClaims(r) {
  const p = 'x-ms-sevsnpvm-';
  return {
    [`${p}hostdata`]: r.hostData, [`${p}reportdata`]: r.reportData.toString('hex'), [`${p}launchmeasurement`]: r.measurement,
    [`${p}idkeydigest`]: r.idKeyDigest, [`${p}authorkeydigest`]: r.authorKeyDigest, [`${p}reportid`]: r.reportId,
    [`${p}familyId`]: r.familyId, [`${p}imageId`]: r.imageId, [`${p}guestsvn`]: r.guestSvn, [`${p}vmpl`]: r.vmpl,
    [`${p}is-debuggable`]: r.debuggable, [`${p}migration-allowed`]: r.migrationAllowed, [`${p}smt-allowed`]: r.smtAllowed,
    [`${p}bootloader-svn`]: r.levels.bl, [`${p}tee-svn`]: r.levels.tee, [`${p}snpfw-svn`]: r.levels.snp, [`${p}microcode-svn`]: r.levels.ucode,
  };
}

// Evidence -> claims (unsorted, without issuer and times). trusted: {arks, did, feed}. Throws Refusal.
function attest(q, trusted) {
  let r;
  try {
    r = evidence.verify({ report: q.report, chainPem: q.chainPem, arks: trusted.arks });
  } catch (e) {
    refuse(e.message);
  }
  checkBinding(q, r);
  const claims = { ...reportClaims(r), ...endorsementClaims(q, r, trusted), 'x-ms-ver': '1.0', 'x-ms-attestation-type': 'sevsnpvm' };
  claims['x-ms-policy-hash'] = jose.b64u(jose.sha256(jose.b64u(POLICY)));
  if (q.runtime !== null && q.runtimeType === 'JSON') claims['x-ms-runtime'] = json(q.runtime, 'runtimeData');
  if (q.init && q.initType === 'JSON') claims['x-ms-inittime'] = json(q.init, 'initTimeData');
  if (q.nonce !== undefined) claims.nonce = q.nonce;
  return claims;
}

const WRONG_SIGNING = ['alg-none', 'alg-hs256', 'wrong-key', 'bad-signature'];

class Maa {
  constructor(world) {
    const { pki } = world;
    this.cert = pki.certs('maa.pem')[0];
    this.kid = jose.sha256(this.cert).toString('base64');
    this.key = pki.key('maa-key.pem');
    this.otherKey = pki.key('maa-other-key.pem');
    this.publicKey = crypto.createPublicKey(this.key);
    this.trusted = { arks: pki.arks, did: pki.uvmDid, feed: uvm.FEED };
    this.handle = this.handle.bind(this);
  }

  token(claims, ctx) {
    const late = ctx.mode('expired');
    const now = Math.floor(Date.now() / 1000) + (late ? (late.future ? 1 : -1) * 2 * LIFETIME : 0);
    const all = { ...claims, iss: ctx.origin, iat: now, nbf: now, exp: now + LIFETIME, jti: crypto.randomBytes(32).toString('hex') };
    if (ctx.mode('wrong-issuer')) all.iss = 'https://other.localhost';
    if (ctx.mode('wrong-nonce')) all.nonce = '1';
    if (ctx.mode('no-nonce')) delete all.nonce;
    const kid = ctx.mode('wrong-kid') ? jose.sha256('another').toString('base64') : this.kid;
    const wrong = ctx.mode(...WRONG_SIGNING);
    return jose.compactAs(wrong ? wrong.mode : '', { alg: 'RS256', jku: `${ctx.origin}/certs`, kid, typ: 'JWT' }, jose.sorted(all),
      { key: this.key, otherKey: this.otherKey, publicPem: this.publicKey.export({ type: 'spki', format: 'pem' }) });
  }

  handle(ctx) {
    if (ctx.method === 'GET' && ctx.path === '/certs') return { status: 200, body: { keys: [this.jwk()] } };
    if (ctx.method === 'GET' && ctx.path === '/.well-known/openid-configuration') return { status: 200, body: openid(ctx.origin) };
    if (!/^\/attest\/sevsnpvm$/i.test(ctx.path)) return { status: 404, body: '' };
    if (ctx.method !== 'POST') return { status: 405, headers: { Allow: 'POST' }, body: '' };
    try {
      if (!['2020-10-01', '2022-08-01'].includes(ctx.query.get('api-version'))) refuse('api-version is missing or not supported');
      if (!/^application\/json\b/i.test(ctx.headers['content-type'] || '')) return { status: 415, body: errorBody(415) };
      ctx.facts.userAgent = ctx.headers['user-agent'];
      const q = open(ctx.body);
      const claims = attest(q, this.trusted);
      Object.assign(ctx.facts, { hostData: claims['x-ms-sevsnpvm-hostdata'], compliance: claims['x-ms-compliance-status'], nonce: q.nonce });
      return { status: 200, body: { token: this.token(claims, ctx) } };
    } catch (e) {
      if (!(e instanceof Refusal)) throw e;
      ctx.facts.refused = e.message;
      return { status: 400, body: { error: { code: 'InvalidParameter', message: e.message } } };
    }
  }

  jwk() {
    const { n, e } = this.publicKey.export({ format: 'jwk' });
    return { alg: 'RS256', e, kid: this.kid, kty: 'RSA', n, use: 'sig', x5c: [this.cert.toString('base64')] };
  }
}

function openid(origin) {
  return {
    issuer: origin, jwks_uri: `${origin}/certs`, response_types_supported: ['token', 'none'], id_token_signing_alg_values_supported: ['RS256'],
    revocation_endpoint: `${origin}/revoke`, claims_supported: ['iss', 'iat', 'exp', 'nbf', 'jti', 'nonce', 'x-ms-attestation-type', 'x-ms-runtime', 'x-ms-ver'],
  };
}

function errorBody(status) {
  const code = { 401: 'Unauthorized', 403: 'Forbidden', 404: 'NotFound', 429: 'TooManyRequests', 500: 'InternalError', 503: 'ServiceUnavailable' }[status];
  return { error: { code: code || 'InvalidOperation', message: `The service answered ${status}.` } };
}

module.exports = { Maa, attest, open, errorBody, Refusal };
