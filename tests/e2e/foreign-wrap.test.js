// Evidence is public: whoever asks gets a token. It must not be one that makes a vault wrap a key for him.
'use strict';
const assert = require('node:assert');
const crypto = require('crypto');
const path = require('path');
const { after, before, test } = require('node:test');
const { Guest } = require('../standin/guest');
const jose = require('../standin/jose');
const { ROOT } = require('../world/party');
const { World } = require('../world/world');

let world;
before(async () => {
  world = await World.make({ dir: path.join(ROOT, `build/foreign-wrap-${process.pid}`), grantAll: true });
  await world.start(['contoso']);
});
after(async () => { await world.stop(); world.clearData(); });

// A key set exactly as our own wrapping key's is, but the caller's.
function foreignSet() {
  const { publicKey } = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
  const { n, e } = publicKey.export({ format: 'jwk' });
  return JSON.stringify({ keys: [{ e, key_ops: ['encrypt'], kid: jose.thumbprint({ n, e }), kty: 'RSA', n }] });
}

test("a caller's key set is carried as data, not as the runtime data of the evidence", async () => {
  const set = foreignSet();
  const r = await world.contoso.post('/attest/maa', { runtime_data: Buffer.from(set).toString('base64') }, { auth: false });
  assert.strictEqual(r.status, 200, r.text);
  const claims = jose.split(r.json.attestation_token).payload;
  assert.strictEqual(claims['x-ms-runtime'].keys, undefined);
  assert.strictEqual(Buffer.from(claims['x-ms-runtime'].client_data, 'base64').toString(), set);
  const raw = await world.contoso.post('/attest/raw', { runtime_data: Buffer.from(set).toString('base64') }, { auth: false });
  const report = Buffer.from(raw.json.report_hex, 'hex');
  assert.notDeepStrictEqual(report.subarray(0x50, 0x70), jose.sha256(set));
});

test('the vault finds no key in such a token to wrap for, even with permission to ask', async () => {
  const { kid, clientId, vault } = world.provisioned.parties.contoso;
  const r = await world.contoso.post('/attest/maa', { runtime_data: Buffer.from(foreignSet()).toString('base64') }, { auth: false });
  const guest = new Guest(world.services);
  const bearer = await guest.accessToken(clientId);
  const own = await guest.release(vault, 'contoso-secret-key', { target: r.json.attestation_token, bearer });
  assert.ok(own.status >= 400 && own.status < 500, `${own.status} ${own.body}`);
  assert.ok(!String(own.body).includes('"value"'), kid);
});
