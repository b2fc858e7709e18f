// Evidence of a running party: what it answers, parleyctl verify against it, replayed and relayed evidence, no hardware; AMD's certificates
// fetched and used.
'use strict';
const assert = require('node:assert');
const crypto = require('crypto');
const fs = require('fs');
const https = require('https');
const path = require('path');
const test = require('node:test');
const { spawn } = require('child_process');
const jose = require('../standin/jose');
const ports = require('../world/ports');
const { ROOT } = require('../world/party');
const { solo, assertFault, newPeer } = require('./lib');

const CTL = path.join(ROOT, 'build/parleyctl');
const GOOD = 0, UNACCEPTABLE = 3, NOT_GENUINE = 4, UNCHECKED = 5;

// The stand-ins run in this process: it must not wait without serving them.
const ctl = (...args) => new Promise((resolve, reject) => {
  const child = spawn(CTL, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const r = { out: '', err: '' };
  child.stdout.on('data', (d) => { r.out += d; });
  child.stderr.on('data', (d) => { r.err += d; });
  child.on('error', reject).on('close', (status, signal) => (signal ? reject(new Error(`killed by ${signal}`)) : resolve({ ...r, status })));
});
const failedIds = (out) => out.split('\n').filter((l) => l.startsWith('FAILED')).map((l) => l.split(/\s+/)[1]);
const b64 = (text) => Buffer.from(text, 'base64');
const nonce = () => crypto.randomBytes(32).toString('base64url');
const get = (lane, target) => lane.party.get(target, { auth: false, localAddress: newPeer() });
const trust = (lane) => ['--amd-root', lane.services.pki.path('ark.pem'), '--uvm-issuer', lane.services.pki.uvmDid];

let lane;
test.before(async () => {
  lane = await solo();
  await lane.start();
});
test.after(() => lane.stop());

test('GET /attestation: the parts belong together and answer the nonce', async () => {
  const n = nonce();
  const r = await get(lane, `/attestation?nonce=${n}`);
  assert.strictEqual(r.status, 200, r.text);
  assert.deepStrictEqual(Object.keys(r.json), ['tee_type', 'report', 'certificates', 'endorsement', 'policy', 'runtime_data', 'nonce', 'attestation_token',
    'verification_endpoint', 'tls_spki_sha256', 'instructions']);
  const report = b64(r.json.report), runtime = b64(r.json.runtime_data);
  assert.strictEqual(report.length, 1184);
  assert.ok(report.subarray(0x50, 0x90).equals(Buffer.concat([jose.sha256(runtime), Buffer.alloc(32)])));
  assert.ok(report.subarray(0xc0, 0xe0).equals(jose.sha256(b64(r.json.policy))));
  const said = JSON.parse(runtime);
  assert.deepStrictEqual([said.nonce, said.role, said.purpose, said.tls_spki_sha256], [n, 'contoso', 'parley-evidence-1', r.json.tls_spki_sha256]);
  assert.ok(!('keys' in said));
  assert.strictEqual(r.json.nonce, n);
  assert.strictEqual(r.json.attestation_token, null);
  assert.match(r.json.certificates, /^-----BEGIN CERTIFICATE-----/);
  // and a nonce of its own when none is given, another each time
  const [a, b] = [await get(lane, '/attestation'), await get(lane, '/attestation')];
  assert.match(a.json.nonce, /^[\w-]{43}$/);
  assert.notStrictEqual(a.json.nonce, b.json.nonce);
});

test('nonces of 16 to 64 bytes, once, and nothing else', async () => {
  for (const q of ['nonce=', 'nonce=AAAA', `nonce=${'A'.repeat(87)}`, `nonce=${nonce()}=`, `nonce=${nonce()}&nonce=${nonce()}`, 'nonce=%41AECAwQFBgcICQoLDA0ODw', 'token=x',
    'nonce=AAECAwQFBgcICQoLDA0OD']) {
    assert.strictEqual((await get(lane, `/attestation?${q}`)).status, 400, q);
  }
  for (const bytes of [16, 64]) {
    const n = crypto.randomBytes(bytes).toString('base64url');
    assert.strictEqual((await get(lane, `/attestation?nonce=${n}`)).json.nonce, n);
  }
  for (const body of [{}, { nonce: 5 }, { nonce: 'short' }]) assert.strictEqual((await lane.party.post('/attestation/verify', body, { auth: false, localAddress: newPeer() })).status, 400);
});

test('POST /attestation/verify brings a token about the same report', async () => {
  const n = nonce();
  const ask = () => lane.party.post('/attestation/verify', { nonce: n }, { auth: false, localAddress: newPeer() });
  const r = await ask();
  assert.strictEqual(r.status, 200, r.text);
  const claims = JSON.parse(Buffer.from(r.json.attestation_token.split('.')[1], 'base64url'));
  assert.strictEqual(claims['x-ms-sevsnpvm-reportdata'], b64(r.json.report).subarray(0x50, 0x90).toString('hex'));
  assert.strictEqual(claims['x-ms-runtime'].nonce, n);
});

test('parleyctl verifies the running party, from report to connection', async () => {
  const args = ['verify', lane.party.secure, ...trust(lane), '--host-data', lane.hostData.contoso];
  const r = await ctl(...args);
  assert.deepStrictEqual([r.status, failedIds(r.out)], [GOOD, []], r.out + r.err);
  for (const id of ['connection.nonce', 'connection.tls_key', 'uvm.signature', 'report.signature', 'accept.host_data', 'proof.policy']) {
    assert.match(r.out, new RegExp(`^passed +${id.replace('.', '\\.')}`, 'm'));
  }
  const other = await ctl('verify', lane.party.secure, ...trust(lane), '--host-data', lane.hostData.woodgrove);
  assert.deepStrictEqual([other.status, failedIds(other.out)], [UNACCEPTABLE, ['accept.host_data']], other.err);
  const stranger = await ctl('verify', lane.party.secure);
  assert.deepStrictEqual([stranger.status, failedIds(stranger.out)], [NOT_GENUINE, ['chain.root', 'uvm.issuer']]);
});

test('--via maa and both: the token of a service that is named and trusted', async () => {
  const { addresses } = lane.services;
  const base = ['verify', lane.party.secure, ...trust(lane), '--ca', addresses.ca, '--host-data', lane.hostData.contoso];
  const both = await ctl(...base, '--via', 'both', '--maa', addresses.maa);
  assert.deepStrictEqual([both.status, failedIds(both.out)], [GOOD, []], both.out + both.err);
  assert.match(both.out, /^passed +token\.signature/m);
  assert.match(both.out, /^passed +report\.signature/m);
  const maa = await ctl('verify', lane.party.secure, '--ca', addresses.ca, '--via', 'maa', '--maa', addresses.maa, '--host-data', lane.hostData.contoso);
  assert.deepStrictEqual([maa.status, failedIds(maa.out)], [GOOD, []], maa.out + maa.err);
  assert.match(maa.out, /^skipped +report\.signature +left to the attestation service/m);
  assert.match(maa.out, /^passed +accept\.uvm/m);
  for (const via of ['both', 'maa']) { // anybody may run a service: one must be named
    const unnamed = await ctl(...base, '--via', via);
    assert.strictEqual(unnamed.status, 2);
    assert.match(unnamed.err, /need --maa/);
  }
  const untrusted = await ctl('verify', lane.party.secure, ...trust(lane), '--via', 'both', '--maa', addresses.maa); // its TLS certificate is of a CA not known
  assert.strictEqual(untrusted.status, UNCHECKED, untrusted.out);
});

test('a saved proof verifies offline, and still does when the party has gone', async () => {
  const file = path.join(lane.dir, 'saved.proof');
  const { addresses } = lane.services;
  const saved = await ctl('verify', lane.party.secure, ...trust(lane), '--ca', addresses.ca, '--via', 'both', '--maa', addresses.maa, '--save', file, '-q');
  assert.strictEqual(saved.status, GOOD, saved.err);
  assert.ok(fs.statSync(file).size <= 32768);
  const r = await ctl('verify', '--proof', file, ...trust(lane), '--host-data', lane.hostData.contoso);
  assert.deepStrictEqual([r.status, failedIds(r.out)], [GOOD, []], r.out + r.err);
  assert.match(r.out, /^skipped +connection\.nonce/m);
  assert.match(r.out, /^passed +token\.report/m);
  const { nonce: asked } = JSON.parse(fs.readFileSync(file));
  assert.strictEqual((await ctl('verify', '--proof', file, ...trust(lane), '--nonce', asked)).status, GOOD);
  assert.strictEqual((await ctl('verify', '--proof', file, ...trust(lane), '--nonce', nonce())).status, NOT_GENUINE);
});

test('/.well-known/parley/proof: the proof file, kept for a while, fresh on demand', async () => {
  const r = await get(lane, '/.well-known/parley/proof');
  assert.strictEqual(r.status, 200, r.text);
  assert.ok(r.text.length <= 32768);
  assert.strictEqual(r.json.parley_proof, 1);
  assert.strictEqual((await get(lane, '/.well-known/parley/proof')).text, r.text);
  const n = nonce();
  const fresh = await get(lane, `/.well-known/parley/proof?nonce=${n}`);
  assert.strictEqual(fresh.json.nonce, n);
  const file = path.join(lane.dir, 'served.proof');
  fs.writeFileSync(file, fresh.text);
  const v = await ctl('verify', '--proof', file, ...trust(lane), '--host-data', lane.hostData.contoso, '--nonce', n);
  assert.deepStrictEqual([v.status, failedIds(v.out)], [GOOD, []], v.out + v.err);
});

// A man in the middle with a TLS key of its own. change(json): what it makes of the answer.
async function middle(t, change = (j) => j) {
  const { keyPem, certPem } = await lane.services.pki.leaf('middle.localhost');
  const [port] = await ports.free(1);
  const server = https.createServer({ key: keyPem, cert: certPem }, async (req, res) => {
    const r = await get(lane, req.url);
    const text = JSON.stringify(change(r.json));
    res.writeHead(r.status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) }).end(text);
  });
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  t.after(() => { server.closeAllConnections(); server.close(); });
  const spki = crypto.createHash('sha256').update(new crypto.X509Certificate(certPem).publicKey.export({ type: 'spki', format: 'der' })).digest('hex');
  return { url: `https://localhost:${port}`, spki };
}

test('relayed evidence is refused: the connection ends elsewhere', async (t) => {
  const { url } = await middle(t);
  const r = await ctl('verify', url, ...trust(lane), '--host-data', lane.hostData.contoso);
  assert.deepStrictEqual([r.status, failedIds(r.out)], [NOT_GENUINE, ['connection.tls_key']], r.out + r.err);
});

test('a relay that claims its own key, or edits the runtime data, is refused', async (t) => {
  let m = null;
  m = await middle(t, (j) => ({ ...j, tls_spki_sha256: m.spki }));
  const claimed = await ctl('verify', m.url, ...trust(lane));
  assert.deepStrictEqual([claimed.status, failedIds(claimed.out)], [NOT_GENUINE, ['proof.tls_key', 'connection.tls_key']]);
  let e = null;
  e = await middle(t, (j) => {
    const runtime = Buffer.from(b64(j.runtime_data).toString().replace(j.tls_spki_sha256, e.spki));
    return { ...j, tls_spki_sha256: e.spki, runtime_data: runtime.toString('base64') };
  });
  const edited = await ctl('verify', e.url, ...trust(lane));
  assert.deepStrictEqual([edited.status, failedIds(edited.out)], [NOT_GENUINE, ['proof.runtime_data']]);
});

test('replayed evidence is refused: it answers another nonce', async (t) => {
  const old = (await get(lane, `/attestation?nonce=${nonce()}`)).json;
  const { url } = await middle(t, () => old);
  const r = await ctl('verify', url, ...trust(lane));
  assert.deepStrictEqual([r.status, failedIds(r.out)], [NOT_GENUINE, ['connection.nonce', 'connection.tls_key']]);
});

test('what is no evidence, and what is no server', async (t) => {
  const { url } = await middle(t, (j) => ({ ...j, report: 'AAAA' }));
  assert.strictEqual((await ctl('verify', url)).status, NOT_GENUINE);
  const { url: junk } = await middle(t, () => ({ tee_type: 'sevsnp' }));
  assert.strictEqual((await ctl('verify', junk)).status, NOT_GENUINE);
  const [closed] = await ports.free(1);
  assert.strictEqual((await ctl('verify', `https://localhost:${closed}`)).status, UNCHECKED);
  for (const bad of ['http://localhost', `${url}/path`, 'localhost', 'https://']) assert.strictEqual((await ctl('verify', bad)).status, 2, bad);
});

test('without hardware: a clear 503, and nothing to verify', async (t) => {
  const bare = await solo({ box: null });
  t.after(() => bare.stop());
  await bare.start();
  for (const target of ['/attestation', '/.well-known/parley/proof']) assertFault(await get(bare, target), { status: 503, error: 'no_snp_device' }, target);
  assertFault(await bare.party.post('/attestation/verify', { nonce: nonce() }, { auth: false }), { status: 503, error: 'no_snp_device' });
  const r = await ctl('verify', bare.party.secure);
  assert.strictEqual(r.status, UNCHECKED);
  assert.match(r.err, /HTTP 503/);
});

test('fetch-certs: AMD\'s chain and list for a report, which then verifies', async () => {
  const { addresses } = lane.services;
  const file = (name) => path.join(lane.dir, name);
  fs.writeFileSync(file('report'), b64((await get(lane, '/attestation')).json.report));
  const fetched = await ctl('fetch-certs', '--report', file('report'), '--kds', addresses.kds, '--ca', addresses.ca, '--out', file('chain.pem'), '--crl', file('amd.crl'));
  assert.strictEqual(fetched.status, GOOD, fetched.err);
  const r = await ctl('verify', '--report', file('report'), '--certs', file('chain.pem'), '--crl', file('amd.crl'), ...trust(lane));
  assert.deepStrictEqual([r.status, failedIds(r.out)], [GOOD, []], r.out + r.err);
  assert.match(r.out, /^passed +crl\.revoked/m);
  const live = await ctl('verify', lane.party.secure, '--crl', file('amd.crl'), ...trust(lane));
  assert.match(live.out, /^passed +crl\.revoked/m);
  const shown = await ctl('fetch-certs', '--report', file('report'), '--kds', addresses.kds, '--ca', addresses.ca);
  assert.strictEqual(shown.out, fs.readFileSync(file('chain.pem'), 'utf8'));
  assert.strictEqual((await ctl('fetch-certs', '--report', file('report'), '--kds', addresses.kds)).status, UNCHECKED); // that CA is not known
  assert.strictEqual((await ctl('fetch-certs', '--report', file('report'), '--kds', addresses.kds, '--ca', addresses.ca, '--product', 'Turin')).status, 2);
});
