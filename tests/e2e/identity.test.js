// Where the access token comes from (three forms), where the key comes from (vault or Managed HSM), and every kind of key there is.
'use strict';
const assert = require('node:assert');
const crypto = require('crypto');
const fs = require('fs');
const path = require('path');
const { describe, test } = require('node:test');
const { solo, release, attest, upload, keyStatus, newPeer, assertFault, assertReleased } = require('./lib');
const { federate } = require('./lib-identity');

async function lane(t, options, change) {
  const l = await solo(options);
  if (change) Object.assign(l.party.settings, change(l));
  t.after(() => l.stop());
  return l.start();
}
const tokenRequests = (l, service) => l.control.log({ service }).filter((e) => !e.path.startsWith('/metadata/THIM'));

// Two releases, one token request of the right form; the identity that the vault saw is the party's.
async function twice(l, service) {
  for (let i = 0; i < 2; i++) assertReleased(await release(l.party));
  const asked = tokenRequests(l, service);
  assert.strictEqual(asked.length, 1, `${service} was asked ${asked.length} times`);
  assert.strictEqual(asked[0].status, 200);
  const seen = l.control.log({ service: 'contoso' });
  assert.deepStrictEqual(seen.map((e) => [e.status, e.facts.clientId]), [[200, l.own.clientId], [200, l.own.clientId]]);
  return asked[0];
}

const host = (l) => l.own.host;
const appId = (l) => ({ IDENTITY_ENDPOINT: l.services.addresses.appIdentity.endpoint, IDENTITY_HEADER: l.services.addresses.appIdentity.header, AZURE_CLIENT_ID: l.own.clientId });
const renamed = ({ IDENTITY_ENDPOINT, ...rest }) => ({ APP_IDENTITY_ENDPOINT: IDENTITY_ENDPOINT, ...rest });
// An IMDS at which several identities are attached.
const manyAttached = (l) => ({ IMDS_ENDPOINT: l.services.addresses.imds });

const rsa = (bits) => crypto.generateKeyPairSync('rsa', { modulusLength: bits }).privateKey.export({ format: 'jwk' });
const ec = (curve) => crypto.generateKeyPairSync('ec', { namedCurve: curve }).privateKey.export({ format: 'jwk' });
// RFC 7638.
function thumbprint(jwk) {
  const members = { RSA: ['e', 'kty', 'n'], EC: ['crv', 'kty', 'x', 'y'], oct: ['k', 'kty'] }[jwk.kty];
  return crypto.createHash('sha256').update(JSON.stringify(Object.fromEntries(members.map((m) => [m, jwk[m]])))).digest('base64url');
}

async function keyKind(t, kind, jwk, want) {
  const l = await lane(t, { kind, key: { key: { ...jwk, kty: `${jwk.kty}-HSM`, key_ops: undefined }, hsm: true } });
  const r = await release(l.party);
  assertReleased(r);
  const status = await keyStatus(l.party);
  assert.deepStrictEqual([status.released, status.key_type, status.key_bits], [true, want.type, want.bits]);
  assert.strictEqual(r.json.key_identifier, l.own.kid);
  assert.strictEqual(r.json.key.kty, want.type);
  if (want.type !== 'oct') {
    assert.strictEqual(status.key_id, thumbprint(jwk));
    for (const name of ['n', 'e', 'crv', 'x', 'y']) assert.strictEqual(r.json.key[name], jwk[name], name);
  }
  // Only an RSA key can wrap data; what cannot be done is said, and nothing breaks.
  const e = await l.party.post('/encrypt', { plaintext: 'Žluťoučký kůň' }, { localAddress: newPeer() });
  if (want.type === 'RSA') {
    assert.strictEqual(e.status, 200, e.text);
    const key = crypto.createPrivateKey({ key: jwk, format: 'jwk' });
    const plain = crypto.privateDecrypt({ key, padding: crypto.constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }, Buffer.from(e.json.ciphertext, 'base64'));
    assert.strictEqual(plain.toString(), 'Žluťoučký kůň');
    assert.strictEqual((await l.party.post('/decrypt', { ciphertext: e.json.ciphertext }, { localAddress: newPeer() })).json.plaintext, 'Žluťoučký kůň');
    assert.strictEqual((await upload(l.party, 'name,age\nA,1\n')).json.total_records, 1);
  } else {
    assert.strictEqual(e.status, 400, e.text);
    const stored = await upload(l.party, 'name,age\nA,1\n');
    assert.ok(stored.status >= 400 && stored.json.message, stored.text);
  }
  assert.strictEqual((await attest(l.party)).status, 200);
}

describe('identity', { concurrency: 3 }, () => {
  test('IMDS, one identity attached: asked once, then kept', async (t) => {
    const l = await lane(t);
    const e = await twice(l, 'imds');
    const query = new URLSearchParams(e.query);
    assert.deepStrictEqual([e.path, query.get('api-version'), query.get('resource'), query.get('client_id')], ['/metadata/identity/oauth2/token', '2018-02-01', 'https://vault.azure.net', null]);
  });
  test('IMDS, several identities: refused without a client id, told apart with it', async (t) => {
    const l = await lane(t, {}, manyAttached);
    assertFault(await release(l.party), { status: 400, step: 'managed_identity', error: 'http_status', http_status: 400, code: /^invalid_request$/ });
    assert.strictEqual(l.control.log({ service: 'contoso' }).length, 0);
    l.control.clearLog();
    l.party.settings.AZURE_CLIENT_ID = l.own.clientId;
    await l.restart();
    const e = await twice(l, 'imds');
    assert.strictEqual(new URLSearchParams(e.query).get('client_id'), l.own.clientId);
  });
  test('IMDS, an identity that is not attached', async (t) => {
    const l = await lane(t, {}, () => ({ AZURE_CLIENT_ID: '11111111-2222-4333-8444-555555555555' }));
    const r = await release(l.party);
    assertFault(r, { step: 'managed_identity', error: 'denied', http_status: 400 });
    assert.match(r.json.diagnosis.solution, /AZURE_CLIENT_ID/);
  });
  test('IDENTITY_ENDPOINT and its header', async (t) => {
    const l = await lane(t, {}, appId);
    const e = await twice(l, 'appid');
    const query = new URLSearchParams(e.query);
    assert.deepStrictEqual([e.path, query.get('api-version'), query.get('resource'), query.get('client_id')], ['/msi/token', '2019-08-01', 'https://vault.azure.net', l.own.clientId]);
    assert.strictEqual(tokenRequests(l, 'imds').length, 0, 'IMDS is not asked as well');
  });
  test('APP_IDENTITY_ENDPOINT is the same', async (t) => { await twice(await lane(t, {}, (l) => renamed(appId(l))), 'appid'); });
  test('a wrong header is refused, and never shown', async (t) => {
    const secret = 'not-the-header-0123456789';
    const l = await lane(t, {}, (x) => ({ ...appId(x), IDENTITY_HEADER: secret }));
    const r = await release(l.party);
    assertFault(r, { status: 403, step: 'managed_identity', error: 'denied', http_status: 401 });
    assert.match(r.json.message, /X-IDENTITY-HEADER is missing or wrong/, 'in the words of the service');
    assert.ok(!r.text.includes(secret) && !l.party.log.includes(secret));
  });
  test('AKS workload identity; the token file is read anew each time', async (t) => {
    const l = await lane(t, {}, (x) => federate(x));
    await twice(l, 'login');
    assert.strictEqual(tokenRequests(l, 'imds').length, 0, 'IMDS is not asked as well');
    // The kubelet has replaced the file; the vault no longer takes the old access token.
    fs.writeFileSync(l.party.settings.AZURE_FEDERATED_TOKEN_FILE, 'kubelet.token.two');
    l.control.misbehave({ service: 'contoso', mode: 'status', status: 401, count: 1 });
    assertReleased(await release(l.party));
    assert.deepStrictEqual(tokenRequests(l, 'login').map((e) => e.status), [200, 200]);
  });
  test('AKS workload identity: what goes wrong is told', async (t) => {
    const l = await lane(t, {}, (x) => federate(x));
    const file = l.party.settings.AZURE_FEDERATED_TOKEN_FILE;
    const good = fs.readFileSync(file);
    const other = path.join(l.dir, 'other-token');
    fs.writeFileSync(other, 'kubelet.token.of.another.pod');
    l.party.settings.AZURE_FEDERATED_TOKEN_FILE = other;
    await l.restart();
    const r = await release(l.party);
    assertFault(r, { status: 403, step: 'managed_identity', error: 'denied', http_status: 401 });
    assert.match(r.json.diagnosis.likely_cause, /federated credential/);
    assert.ok(!r.text.includes('kubelet.token'));
    fs.rmSync(other);
    assertFault(await release(l.party), { step: 'managed_identity', error: 'not_found' });
    fs.writeFileSync(other, good);
    l.services.directory.federate(l.own.clientId, other);
    assertReleased(await release(l.party));
  });
  test('a token that is nearly over is asked for again', async (t) => {
    const l = await lane(t);
    // The answer says that it is good for 299 s: used once, not kept.
    l.control.misbehave({ service: 'imds', path: '/metadata/identity', mode: 'garbage', count: 1, body: JSON.stringify(await shortLived(l)) });
    assertReleased(await release(l.party));
    assertReleased(await release(l.party));
    assertReleased(await release(l.party));
    assert.strictEqual(tokenRequests(l, 'imds').filter((e) => !e.internal).length, 2);
  });

  test('Managed HSM: its own audience, without being told', async (t) => {
    const l = await lane(t, { kind: 'hsm', settings: { SKR_MAA_ENDPOINT: undefined } }, (x) => ({ SKR_MAA_ENDPOINT: x.services.addresses.maa.slice(8) }));
    assertReleased(await release(l.party));
    assert.match(host(l), /managedhsm/);
    assert.strictEqual(new URLSearchParams(tokenRequests(l, 'imds')[0].query).get('resource'), 'https://managedhsm.azure.net');
  });
  test('AKV_AUDIENCE replaces it', async (t) => {
    const l = await lane(t, {}, () => ({ AKV_AUDIENCE: 'https://managedhsm.azure.net' }));
    assertFault(await release(l.party), { status: 403, step: 'key_release', error: 'denied', http_status: 401 });
    l.party.settings.AKV_AUDIENCE = 'https://vault.azure.net';
    await l.restart();
    assertReleased(await release(l.party));
  });
  for (const mode of ['no-enc256', 'wrong-nonce', 'untrusted-chain', 'wrong-host']) {
    test(`Managed HSM: ${mode}`, async (t) => {
      const l = await lane(t, { kind: 'hsm' });
      l.control.misbehave({ service: 'hsm', mode, count: 1 });
      const r = await release(l.party);
      if (mode === 'no-enc256') assert.deepStrictEqual([r.status, r.json.wrapping], [200, 'CKM_RSA_AES_KEY_WRAP'], r.text);
      else assertFault(r, { step: 'release_verification', error: mode === 'wrong-nonce' ? 'mismatch' : 'untrusted' });
      assertReleased(await release(l.party));
    });
  }

  const kinds = {
    'RSA-2048': [rsa(2048), { type: 'RSA', bits: 2048 }], 'RSA-3072': [rsa(3072), { type: 'RSA', bits: 3072 }], 'RSA-4096': [rsa(4096), { type: 'RSA', bits: 4096 }],
    'EC P-256': [ec('prime256v1'), { type: 'EC', bits: 256 }], 'EC P-384': [ec('secp384r1'), { type: 'EC', bits: 384 }], 'EC P-521': [ec('secp521r1'), { type: 'EC', bits: 521 }],
  };
  for (const [name, [jwk, want]] of Object.entries(kinds)) test(`${name} key of a vault`, (t) => keyKind(t, 'vault', jwk, want));
  test('EC key of a Managed HSM', (t) => keyKind(t, 'hsm', ec('prime256v1'), { type: 'EC', bits: 256 }));
  for (const bits of [128, 256]) {
    test(`oct-${bits} key of a Managed HSM`, (t) => keyKind(t, 'hsm', { kty: 'oct', k: crypto.randomBytes(bits / 8).toString('base64url') }, { type: 'oct', bits }));
  }

  test('a version of the key in SKR_KEY_NAME', async (t) => {
    const l = await lane(t);
    const { adminToken } = require('../standin/provision');
    const { token } = await adminToken(l.services, 'https://vault.azure.net');
    const first = l.own.kid.split('/').pop();
    const release_policy = { contentType: 'application/json; charset=utf-8', data: Buffer.from(JSON.stringify(l.own.policy)).toString('base64url') };
    const made = await l.services.request({ url: `${l.own.vault}/keys/${l.own.key}/create?api-version=7.4`, method: 'POST', headers: { Authorization: `Bearer ${token}`, 'User-Agent': 'parley-standin-admin' },
      body: { kty: 'RSA-HSM', attributes: { exportable: true }, release_policy } });
    const second = made.json.key.kid.split('/').pop();
    assert.notStrictEqual(first, second);
    const ids = {};
    for (const [what, name] of [['newest', l.own.key], ['first', `${l.own.key}/${first}`], ['second', `${l.own.key}/${second}`]]) {
      l.party.settings.SKR_KEY_NAME = name;
      await l.restart();
      const r = await release(l.party);
      assertReleased(r);
      ids[what] = r.json.key_identifier.split('/').pop();
    }
    assert.deepStrictEqual(ids, { newest: second, first, second });
    l.party.settings.SKR_KEY_NAME = `${l.own.key}/${'0'.repeat(32)}`;
    await l.restart();
    assertFault(await release(l.party), { step: 'key_release', error: 'not_found', http_status: 404, code: /KeyNotFound/ });
  });
});

// A genuine token answer with a short life.
async function shortLived(l) {
  const url = `${l.own.imds}/metadata/identity/oauth2/token?api-version=2018-02-01&resource=${encodeURIComponent('https://vault.azure.net')}`;
  const r = await l.services.request({ url, headers: { Metadata: 'true', 'User-Agent': 'parley-standin-test' } });
  return { ...r.json, expires_in: '299', expires_on: String(Math.floor(Date.now() / 1000) + 299) };
}
