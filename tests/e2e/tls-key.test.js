// TLS_KEY: the HTTPS port serves with a key that the vault releases to this code, and certificates from a file or a setting; or the process
// does not start, and says why.
'use strict';
const assert = require('node:assert');
const crypto = require('crypto');
const fs = require('fs');
const https = require('https');
const path = require('path');
const { after, before, describe, test } = require('node:test');
const { spawn } = require('child_process');
const x509 = require('../standin/x509');
const { adminToken, putKey, releasePolicy } = require('../standin/provision');
const { ROOT } = require('../world/party');
const { solo, newPeer } = require('./lib');

const CTL = path.join(ROOT, 'build/parleyctl');
const DAY = 86400e3;
const NAME = 'contoso-tls-key';
const pairs = {
  EC: () => crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  RSA: () => crypto.generateKeyPairSync('rsa', { modulusLength: 2048 }),
  'P-384': () => crypto.generateKeyPairSync('ec', { namedCurve: 'P-384' }),
};
const dn = (cn) => [['O', 'TLS Key Test'], ['CN', cn]];
const pem = (...ders) => ders.map((d) => x509.toPem(d)).join('');
const spki = (key) => crypto.createHash('sha256').update(key.export({ type: 'spki', format: 'der' })).digest('hex');

// Root and intermediate (RSA), which sign certificates for any key.
function authority() {
  const [root, inter] = [pairs.RSA(), pairs.RSA()];
  const make = (subject, of, issuer, by, extensions, from = -DAY, to = 30 * DAY) => x509.make({
    subject: dn(subject), issuer: dn(issuer), publicKey: of.publicKey, signKey: by.privateKey, algorithm: 'rsa-sha256', notBefore: new Date(Date.now() + from),
    notAfter: new Date(Date.now() + to), extensions,
  });
  const ca = [x509.ext.ca(), x509.ext.usage(0x86)];
  return {
    root: make('Root', root, 'Root', root, ca),
    inter: make('Issuing CA', inter, 'Root', root, ca),
    leaf: (pair, { san = ['localhost'], from, to } = {}) => make('contoso', pair, 'Issuing CA', inter,
      [x509.ext.notCa(), x509.ext.usage(0x80), x509.ext.eku('serverAuth'), ...(san ? [x509.ext.san(...san)] : [])], from, to),
  };
}

const ca = authority();
const keys = { EC: pairs.EC(), RSA: pairs.RSA(), 'P-384': pairs['P-384'](), stranger: pairs.EC() };
let l, admin, base, device;

// The party, not yet started, with TLS_KEY of that kind in its vault. certificates: PEM text. how: 'file' or 'setting', or neither.
async function prepare({ kind = 'EC', certificates, policy = l.own.policy, how = 'file', settings = {}, box = device }) {
  const jwk = keys[kind].privateKey.export({ format: 'jwk' });
  const made = await putKey(l.services, l.own.vault, admin, NAME, policy, { key: { ...jwk, kty: `${jwk.kty}-HSM` }, hsm: true });
  const text = certificates === undefined ? pem(ca.leaf(keys[kind]), ca.inter) : certificates;
  const file = path.join(l.dir, 'tls.pem');
  fs.writeFileSync(file, text);
  l.party.settings = { ...base, TLS_KEY: `skr:${NAME}`, ...(how === 'file' ? { TLS_CERT_FILE: file } : how ? { TLS_CERT: text } : {}), ...settings };
  l.party.box = box;
  return made.key.kid.split('/').pop();
}

// As a stranger who trusts that root alone: {status, body, certificate}.
const visit = (target) => new Promise((resolve, reject) => {
  https.get(l.party.secure + target, { ca: pem(ca.root), agent: false, localAddress: newPeer(), family: 4 }, (res) => {
    const parts = [];
    const certificate = res.socket.getPeerCertificate(true);
    res.on('data', (d) => parts.push(d)).on('end', () => resolve({ status: res.statusCode, body: Buffer.concat(parts).toString(), certificate, cipher: res.socket.getCipher().name }));
  }).on('error', reject);
});
const ctl = (...args) => new Promise((resolve, reject) => {
  const child = spawn(CTL, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  for (const s of [child.stdout, child.stderr]) s.on('data', (d) => { out += d; });
  child.on('error', reject).on('close', (status) => resolve({ status, out }));
});

async function serves(options, cipher) {
  const kind = options.kind || 'EC';
  const version = await prepare(options);
  if (options.versioned) l.party.settings.TLS_KEY += `/${version}`;
  await l.start();
  const r = await visit('/health');
  assert.strictEqual(r.status, 200);
  assert.ok(r.certificate.issuerCertificate.raw.equals(ca.inter), 'the intermediate is shown too');
  assert.match(r.cipher, cipher);
  // The evidence speaks of this key.
  const said = JSON.parse((await visit('/attestation')).body);
  assert.strictEqual(said.tls_spki_sha256, spki(keys[kind].publicKey));
  const v = await ctl('verify', l.party.secure, '--amd-root', l.services.pki.path('ark.pem'), '--uvm-issuer', l.services.pki.uvmDid, '--host-data', l.hostData.contoso);
  assert.strictEqual(v.status, 0, v.out);
  const info = JSON.parse((await visit('/info')).body);
  assert.deepStrictEqual(info.tls_certificate, { key: 'released by the vault', evidence: false, evidence_format: null });
  // It is no company key: nothing speaks of it, nothing works with it.
  assert.strictEqual((await l.party.get('/skr/key-status')).json.released, false);
  assert.strictEqual((await l.party.post('/encrypt', { plaintext: 'x' }, { localAddress: newPeer() })).status >= 400, true);
  const { d } = keys[kind].privateKey.export({ format: 'jwk' });
  assert.ok(!l.party.log.includes(d));
  assert.deepStrictEqual(await l.party.stop(), { code: 0, signal: null });
}

// Ends by itself, non-zero, with this line and without having served anybody.
async function refuses(options, line, code = 1) {
  await prepare(options);
  l.party.start();
  const end = await l.party.ended;
  assert.deepStrictEqual([end.code, end.signal], [code, null], l.party.log);
  assert.match(l.party.log, line);
  assert.doesNotMatch(l.party.log, /serving with the released key/);
}

describe('TLS_KEY', () => {
  before(async () => {
    l = await solo();
    ({ token: admin } = await adminToken(l.services, 'https://vault.azure.net'));
    ({ settings: base, box: device } = l.party);
  });
  after(() => l.stop());

  test('EC P-256, certificates in a file', () => serves({}, /ECDSA/));
  test('EC P-256, certificates in the setting, a version of the key', () => serves({ how: 'setting', versioned: true }, /ECDSA/));
  test('RSA', () => serves({ kind: 'RSA' }, /RSA/));

  test("a denied release: the reason is the vault's", async () => {
    const other = crypto.createHash('sha256').update('somebody else').digest('hex');
    l.control.clearLog();
    await refuses({ policy: releasePolicy(l.services.addresses.maa, [other]) }, /TLS_KEY: the key was not released.*(denied|Forbidden|policy)/i);
    assert.ok(l.control.log({ service: 'contoso' }).some((e) => e.status === 403));
  });
  test('SIGTERM while the vault does not answer: nothing was served, and it ends as ever', async () => {
    await prepare({});
    const rule = l.control.misbehave({ service: 'contoso', path: '/keys/', mode: 'stall' });
    l.party.start();
    await l.party.until('the vault is asked', () => rule.hits > 0);
    assert.deepStrictEqual(await l.party.stop(), { code: 0, signal: null });
    assert.match(l.party.log, /stopping[^]*keys wiped; goodbye/);
    assert.doesNotMatch(l.party.log, /TLS_KEY|start failed/, 'the release was not waited for');
    l.control.clear();
  });
  test('no such key', () => refuses({ settings: { TLS_KEY: 'skr:another-key' } }, /TLS_KEY: the key was not released.*404/));
  test('no hardware', () => refuses({ box: null }, /TLS_KEY: the key was not released.*device/i));
  test('the certificate of another key', () => refuses({ certificates: pem(ca.leaf(keys.stranger), ca.inter) }, /the released key is not the certificate's/));
  test('the certificate of another kind of key', () => refuses({ kind: 'RSA', certificates: pem(ca.leaf(keys.EC), ca.inter) }, /the released key is not the certificate's/));
  test('an expired certificate', () => refuses({ certificates: pem(ca.leaf(keys.EC, { from: -9 * DAY, to: -DAY }), ca.inter) }, /has expired or is not yet valid/));
  test('certificates in the wrong order', () => refuses({ certificates: pem(ca.inter, ca.leaf(keys.EC)) }, /not signed by the one behind it/));
  test('a certificate for no name', () => refuses({ certificates: pem(ca.leaf(keys.EC, { san: null }), ca.inter) }, /no subjectAltName/));
  test('a curve that is not served', () => refuses({ kind: 'P-384' }, /neither EC P-256 nor RSA/));
  test('no PEM', () => refuses({ certificates: 'certificate' }, /no certificates in PEM/));
  test('no file', () => refuses({ how: '', settings: { TLS_CERT_FILE: '/nonexistent.pem' } }, /the file cannot be read/));
  test('half a setting is none', async () => {
    await refuses({ how: '' }, /TLS_KEY: requires exactly one of TLS_CERT_FILE and TLS_CERT/, 2);
    await refuses({ settings: { TLS_CERT: 'x' } }, /TLS_KEY: requires exactly one of/, 2);
    await refuses({ settings: { TLS_KEY: NAME } }, /TLS_KEY: expected skr:/, 2);
  });
});
