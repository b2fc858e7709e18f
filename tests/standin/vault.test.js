// Key Vault and Managed HSM: tokens, permissions, life of a key, release of every kind of key, refusals and misbehaviours.
'use strict';
const assert = require('node:assert');
const crypto = require('crypto');
const test = require('node:test');
const { Guest } = require('./guest');
const jose = require('./jose');
const { start } = require('./main');
const { adminToken, entry, putKey, releasePolicy } = require('./provision');

const HSM = 'https://managedhsm.azure.net';
let s;
let guest;
let admin;
let bearer;
let target;
let origin;
let policy;

test.before(async () => {
  s = await start();
  guest = new Guest(s);
  admin = await adminToken(s, 'https://vault.azure.net');
  origin = s.addresses.vaults.contoso;
  const all = ['create', 'import', 'get', 'update', 'delete', 'purge'];
  for (const [name, kind] of [['contoso', 'vault'], ['contoso', 'hsm']]) {
    s.vaultNamed(name, kind).grant(admin.clientId, ...all);
    s.vaultNamed(name, kind).grant(s.addresses.clients.contoso, 'get', 'release');
  }
  bearer = await guest.accessToken(s.addresses.clients.contoso);
  policy = releasePolicy(s.addresses.maa, ['ee'.repeat(32), guest.parts.hostData]);
  target = await guest.token();
  await putKey(s, origin, admin.token, 'k', policy);
});
test.after(() => s.stop());
test.afterEach(() => s.control.clear());

const call = (method, path, body, token = admin.token, api = '7.4') => s.request({
  url: `${origin}${path}?api-version=${api}`, method, body, headers: token ? { Authorization: `Bearer ${token}` } : {},
});
const data = (tree) => Buffer.from(JSON.stringify(tree)).toString('base64url');
const exportable = (tree = policy) => ({ attributes: { exportable: true }, release_policy: { contentType: 'application/json; charset=utf-8', data: data(tree) } });
const ask = (more = {}, name = 'k') => guest.release(origin, name, { target, bearer, ...more });

for (const enc of ['CKM_RSA_AES_KEY_WRAP', 'RSA_AES_KEY_WRAP_256', 'RSA_AES_KEY_WRAP_384', undefined]) {
  test(`release with enc ${enc}: the JWS holds and the private key fits the public one`, async () => {
    const kid = (await call('GET', '/keys/k')).json.key.kid;
    const r = await (enc ? ask({ enc }) : s.request({ url: `${origin}/keys/k/release?api-version=7.3`, method: 'POST', headers: { Authorization: `Bearer ${bearer}` }, body: { target, nonce: 'n1' } }));
    assert.strictEqual(r.status, 200);
    const { payload } = guest.open(r.json.value, { host: 'contoso.vault.localhost', kid });
    assert.deepStrictEqual(payload.request, { 'api-version': enc ? '7.4' : '7.3', enc: enc || 'CKM_RSA_AES_KEY_WRAP', kid, nonce: 'n1' });
    const { key } = payload.response;
    assert.deepStrictEqual(Object.keys(key), ['attributes', 'key', 'release_policy']);
    assert.deepStrictEqual([key.key.kty, key.key.kid, key.attributes.exportable], ['RSA', kid, true]);
    assert.deepStrictEqual(JSON.parse(jose.fromB64u(key.release_policy.data)), policy);
    const hsm = JSON.parse(jose.fromB64u(key.key.key_hsm));
    assert.deepStrictEqual([hsm.schema_version, hsm.header.alg, hsm.header.kid], ['1.0', 'dir', guest.jwk.kid]);
  });
}

test('header of the JWS: x5c of three, thumbprints, RS256', async () => {
  const { header } = jose.split((await ask()).json.value);
  assert.deepStrictEqual(Object.keys(header), ['alg', 'kid', 'x5c', 'x5t#S256']);
  assert.strictEqual(header.x5c.length, 3);
  assert.strictEqual(header.kid, jose.b64u(jose.sha256(Buffer.from(header.x5c[0], 'base64'))));
});

test('imported RSA, EC P-256, P-384, P-521 and oct keys come back byte for byte', async () => {
  const hsmOrigin = s.addresses.hsms.contoso;
  const { token } = await adminToken(s, HSM);
  const hsmBearer = await guest.accessToken(s.addresses.clients.contoso, HSM);
  const made = {
    rsa: crypto.generateKeyPairSync('rsa', { modulusLength: 3072 }).privateKey, p256: crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
    p384: crypto.generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey, p521: crypto.generateKeyPairSync('ec', { namedCurve: 'P-521' }).privateKey,
  };
  for (const [name, key] of Object.entries(made)) {
    const { key: pub } = await putKey(s, hsmOrigin, token, name, policy, { key: key.export({ format: 'jwk' }), hsm: true });
    assert.match(pub.kty, /-HSM$/);
    assert.ok(!('d' in pub));
    const r = await guest.release(hsmOrigin, name, { target, bearer: hsmBearer });
    const { plain, payload } = guest.open(r.json.value, { host: 'contoso.managedhsm.localhost', kid: pub.kid });
    assert.ok(crypto.createPrivateKey({ key: plain, format: 'der', type: 'pkcs8' }).equals(key));
    assert.ok(!payload.response.key.key.kty.includes('HSM'));
  }
  const k = crypto.randomBytes(32);
  const { key: oct } = await putKey(s, hsmOrigin, token, 'oct', policy, { key: { kty: 'oct-HSM', k: k.toString('base64url'), key_ops: ['wrapKey'], key_size: 256 } });
  assert.ok(!('k' in oct));
  const r = await guest.release(hsmOrigin, 'oct', { target, bearer: hsmBearer });
  assert.ok(guest.open(r.json.value, { host: 'contoso.managedhsm.localhost', kid: oct.kid }).plain.equals(k));
});

test('401: each kind in its own shape, and only for tokens of our directory and audience', async () => {
  const none = await call('GET', '/keys/k', undefined, '');
  assert.strictEqual(none.json.error.code, 'Unauthorized');
  assert.strictEqual(none.headers['www-authenticate'], `Bearer authorization="https://login.windows.net/${s.addresses.tenant}", resource="https://vault.azure.net"`);
  const hsm = await s.request({ url: `${s.addresses.hsms.contoso}/keys/k?api-version=7.4` });
  assert.deepStrictEqual([hsm.status, hsm.body.length], [401, 0]);
  assert.match(hsm.headers['www-authenticate'], /login\.microsoftonline\.com.*resource="https:\/\/managedhsm\.azure\.net"/);
  const flipped = admin.token.slice(0, -3) + (admin.token.endsWith('AAA') ? 'BBB' : 'AAA');
  const otherAudience = await guest.accessToken(s.addresses.clients.contoso, HSM);
  for (const bad of ['x', flipped, otherAudience, 'e30.e30.e30', 'bnVsbA.bnVsbA.e30']) assert.strictEqual((await call('GET', '/keys/k', undefined, bad)).status, 401, bad);
});

test('403: an identity without the permission, in the words of each authorization model', async () => {
  const fabrikam = await guest.accessToken(s.addresses.clients.fabrikam);
  const r = await ask({ bearer: fabrikam });
  assert.deepStrictEqual([r.status, r.json.error.code, r.json.error.innererror.code], [403, 'Forbidden', 'AccessDenied']);
  assert.match(r.json.error.message, /does not have keys release permission/);
  const { key: { kid } } = (await call('GET', '/keys/k')).json;
  assert.ok(kid);
  const hsm = await guest.release(s.addresses.hsms.contoso, 'k', { target, bearer: await guest.accessToken(s.addresses.clients.fabrikam, HSM) });
  assert.strictEqual(hsm.json.error.innererror.code, 'ForbiddenByRbac');
  assert.strictEqual((await call('DELETE', '/keys/k', undefined, bearer)).status, 403);
});

test('attestation that is not genuine is not verified', async () => {
  const [h, p, sig] = target.split('.');
  const none = `${jose.b64u('{"alg":"none"}')}.${p}.`;
  const cut = async (mode, more) => { s.control.misbehave({ service: 'maa', mode, count: 1, ...more }); return guest.token(); };
  const targets = {
    word: 'abc', none, unsigned: `${h}.${p}.`, flipped: `${h}.${p}.${sig.slice(0, 20)}${sig[20] === 'A' ? 'B' : 'A'}${sig.slice(21)}`,
    expired: await cut('expired'), future: await cut('expired', { future: true }), wrongKey: await cut('wrong-key'), hs256: await cut('alg-hs256'), wrongKid: await cut('wrong-kid'), wrongIssuer: await cut('wrong-issuer'),
  };
  for (const [name, t] of Object.entries(targets)) {
    const r = await ask({ target: t });
    assert.strictEqual(r.status, 403, name);
    assert.deepStrictEqual(r.json, { error: { code: 'Forbidden', message: 'Target environment attestation statement cannot be verified.', innererror: { code: 'AccessDenied' } } }, name);
  }
});

test('an attested environment the policy does not name is denied', async () => {
  const others = {
    hash: new Guest(s, { hostData: '12'.repeat(32) }), debug: new Guest(s, { policy: 0xb001fn }), vmpl: new Guest(s, { vmpl: 1 }),
  };
  for (const [name, other] of Object.entries(others)) {
    const r = await other.release(origin, 'k', { target: await other.token(), bearer });
    assert.deepStrictEqual([r.status, r.json.error.message], [403, 'Target environment attestation does not meet key release policy requirements.'], name);
  }
  const unendorsed = await ask({ target: await guest.token({ cose: null }) });
  assert.match(unendorsed.json.error.message, /does not meet/);
});

test('the authority is asked for its keys, and its silence is a denial', async () => {
  s.control.misbehave({ service: 'maa', mode: 'status', status: 503, path: '/certs', internal: true });
  assert.match((await ask()).json.error.message, /cannot be verified/);
  s.control.clear();
  assert.strictEqual((await ask()).status, 200);
  const seen = s.control.log({ service: 'maa', all: true }).filter((e) => e.internal).map((e) => e.path);
  assert.ok(seen.includes('/certs') && seen.includes('/.well-known/openid-configuration'));
});

test('a token without a wrapping key releases nothing', async () => {
  const g = new Guest(s);
  g.runtime = JSON.stringify({ keys: [{ ...g.jwk, key_ops: ['sign'] }, { kty: 'EC', use: 'enc' }] });
  assert.strictEqual((await g.release(origin, 'k', { target: await g.token(), bearer })).status, 403);
  g.runtime = JSON.stringify({ keys: [{ ...g.jwk, key_ops: ['sign'] }, { ...g.jwk, key_ops: undefined, use: 'enc', kid: 'second' }] });
  const r = await g.release(origin, 'k', { target: await g.token(), bearer });
  assert.strictEqual(JSON.parse(jose.fromB64u(jose.split(r.json.value).payload.response.key.key.key_hsm)).header.kid, 'second');
});

test('400 and 404 of a release', async () => {
  assert.strictEqual((await ask({}, 'no-such-key')).json.error.code, 'KeyNotFound');
  assert.strictEqual((await ask({}, `k/${'0'.repeat(32)}`)).status, 404);
  for (const more of [{ enc: 'RSA1_5' }, { enc: 'toString' }, { target: '' }, { nonce: 5 }, { api: '7.2' }, { api: '6' }]) {
    const r = await ask(more);
    assert.deepStrictEqual([r.status, r.json.error.code], [400, 'BadParameter'], JSON.stringify(more));
  }
  const plain = await call('POST', '/keys/plain/create', { kty: 'RSA' });
  assert.strictEqual(plain.status, 200);
  assert.strictEqual((await ask({}, 'plain')).status, 400);
  await call('PATCH', '/keys/k', { attributes: { enabled: false } });
  assert.strictEqual((await ask()).json.error.innererror.code, 'KeyDisabled');
  await call('PATCH', '/keys/k', { attributes: { enabled: true } });
});

test('what may not be created or imported', async () => {
  const bad = {
    'exportable without policy': { kty: 'RSA-HSM', attributes: { exportable: true } }, 'policy without exportable': { kty: 'RSA-HSM', ...exportable(), attributes: {} },
    'bad policy': { kty: 'RSA-HSM', ...exportable({ version: '1.0.0', anyOf: [] }) }, 'policy not JSON': { kty: 'RSA-HSM', attributes: { exportable: true }, release_policy: { data: 'AAAA' } },
    'RSA-1024': { kty: 'RSA', key_size: 1024 }, 'unknown kind': { kty: 'DSA' }, 'oct in a vault': { kty: 'oct-HSM' }, 'unknown curve': { kty: 'EC', crv: 'P-1' },
  };
  for (const [name, body] of Object.entries(bad)) {
    const r = await call('POST', '/keys/bad/create', body);
    assert.deepStrictEqual([r.status, r.json.error.code], [400, 'BadParameter'], name);
  }
  assert.match((await call('POST', '/keys/bad/create', bad['exportable without policy'])).json.error.message, /Exportable keys must have release policy/);
  assert.strictEqual((await call('PUT', '/keys/bad', { key: { kty: 'RSA', n: 'AA', e: 'AQAB' } })).status, 400);
  assert.strictEqual((await call('POST', '/keys/bad/create', { kty: 'RSA-HSM', ...exportable() }, admin.token, '7.2')).status, 400);
  assert.strictEqual((await call('GET', '/keys/bad')).status, 404);
});

test('a policy in padded standard base64 with version 1.0 is taken and written in full', async () => {
  const release_policy = { data: Buffer.from(JSON.stringify({ ...policy, version: '1.0' })).toString('base64') };
  const r = await call('POST', '/keys/padded/create', { kty: 'EC-HSM', crv: 'P-384', attributes: { exportable: true }, release_policy });
  assert.strictEqual(JSON.parse(jose.fromB64u(r.json.release_policy.data)).version, '1.0.0');
  assert.strictEqual(r.json.key.crv, 'P-384');
});

test('a new policy replaces the old one, unless it is immutable', async () => {
  const closed = exportable({ version: '1.0.0', anyOf: [entry(s.addresses.maa, '00'.repeat(32))] });
  await putKey(s, origin, admin.token, 'changing', policy);
  assert.strictEqual((await ask({}, 'changing')).status, 200);
  assert.strictEqual((await call('PATCH', '/keys/changing', { release_policy: closed.release_policy })).status, 200);
  assert.strictEqual((await ask({}, 'changing')).status, 403);
  await call('POST', '/keys/fixed/create', { kty: 'RSA-HSM', ...exportable(), release_policy: { ...exportable().release_policy, immutable: true } });
  assert.strictEqual((await call('PATCH', '/keys/fixed', { release_policy: closed.release_policy })).status, 400);
  assert.strictEqual((await call('PATCH', '/keys/fixed', { attributes: { exportable: false } })).status, 400);
});

test('versions, deletion and purging', async () => {
  const first = (await putKey(s, origin, admin.token, 'life', policy)).key;
  const second = (await call('POST', '/keys/life/create', { kty: 'RSA-HSM', ...exportable() })).json.key;
  const [v1, v2] = [first, second].map((k) => k.kid.split('/').pop());
  assert.notStrictEqual(v1, v2);
  assert.strictEqual((await call('GET', '/keys/life')).json.key.kid, second.kid);
  assert.strictEqual((await call('GET', `/keys/life/${v1}`)).json.key.n, first.n);
  guest.open((await ask({}, `life/${v1}`)).json.value, { host: 'contoso.vault.localhost', kid: first.kid });
  assert.match((await call('DELETE', '/keys/life')).json.recoveryId, /\/deletedkeys\/life$/);
  assert.strictEqual((await call('GET', '/keys/life')).status, 404);
  assert.strictEqual((await call('POST', '/keys/life/create', { kty: 'RSA' })).status, 409);
  assert.strictEqual((await call('DELETE', '/deletedkeys/life')).status, 204);
  assert.strictEqual((await call('POST', '/keys/life/create', { kty: 'RSA' })).status, 200);
});

test('api versions: 7.3, 7.4, newer and dated ones', async () => {
  for (const api of ['7.3', '7.3-preview', '7.4', '7.5', '7.6-preview.1', '2025-07-01']) assert.strictEqual((await ask({ api })).status, 200, api);
});

const reason = { // what the careful client of the tests finds wrong
  'wrong-key': /signature/, 'bad-signature': /signature/, 'alg-none': /algorithm/, 'alg-hs256': /algorithm/, 'wrong-kid': /thumbprint/, 'wrong-host': /host/,
  'untrusted-chain': /chain/, expired: /time/, 'wrong-request-kid': /kid/, 'wrong-nonce': /nonce/, 'no-nonce': /nonce/, 'bad-wrap': /./, 'bad-key': /./,
};
for (const [mode, expected] of Object.entries(reason)) {
  test(`misbehaviour ${mode} is seen by a careful client`, async () => {
    const { kid } = (await call('GET', '/keys/k')).json.key;
    s.control.misbehave({ service: 'contoso', mode, count: 1 });
    const r = await ask();
    assert.strictEqual(r.status, 200);
    assert.throws(() => guest.open(r.json.value, { host: 'contoso.vault.localhost', kid }), expected);
    guest.open((await ask()).json.value, { host: 'contoso.vault.localhost', kid });
  });
}

test('misbehaviours bad-wrap in the RSA part, no-enc256, extra-key-ops', async () => {
  const { kid } = (await call('GET', '/keys/k')).json.key;
  s.control.misbehave({ service: 'vault', mode: 'bad-wrap', offset: 3, count: 1 });
  const bent = (await ask()).json.value;
  assert.throws(() => guest.open(bent, { host: 'contoso.vault.localhost', kid }));
  s.control.misbehave({ service: 'contoso.vault', mode: 'no-enc256' });
  const refused = await ask();
  assert.deepStrictEqual([refused.status, refused.json.error.code], [400, 'BadParameter']);
  assert.strictEqual((await ask({ enc: 'CKM_RSA_AES_KEY_WRAP' })).status, 200);
  s.control.misbehave({ service: 'contoso.vault', mode: 'extra-key-ops' });
  const { payload } = jose.split((await ask({ enc: 'RSA_AES_KEY_WRAP_384' })).json.value);
  assert.ok(payload.response.key.key.key_ops.includes('export'));
});

test('the log tells what was asked and why it was refused, and holds no secret', async () => {
  s.control.clearLog();
  await ask();
  await new Guest(s, { hostData: '12'.repeat(32) }).release(origin, 'k', { target, bearer: 'x' });
  const [good, bad] = s.control.log({ service: 'contoso' });
  assert.deepStrictEqual([good.status, good.facts.policy, good.facts.hostData, good.facts.enc], [200, 'met', guest.parts.hostData, 'RSA_AES_KEY_WRAP_256']);
  assert.strictEqual(bad.status, 401);
  const text = JSON.stringify(s.control.log({ all: true }));
  assert.ok(!text.includes(target) && !text.includes(bearer) && !text.includes('eyJ'));
});
