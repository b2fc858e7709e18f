// Proof that the stand-ins speak the real protocols: Microsoft's npm clients get tokens and create, import, read, release and delete keys.
'use strict';
const assert = require('node:assert');
const { execFile } = require('child_process');
const crypto = require('crypto');
const fs = require('fs');
const os = require('os');
const path = require('path');
const test = require('node:test');
const { Guest } = require('./guest');
const { start } = require('./main');
const { releasePolicy } = require('./provision');

const here = ['@azure/identity', '@azure/keyvault-keys'].every((m) => {
  try { return Boolean(require.resolve(m)); } catch { return false; }
});
const skip = here ? false : 'tests/node_modules is not installed';

let s;
let clientId;
test.before(async () => {
  s = await start();
  clientId = s.addresses.clients.contoso;
  s.vaultNamed('contoso').grant(clientId, 'create', 'import', 'get', 'release', 'delete', 'purge');
});
test.after(() => s.stop());

// Only what is given here: no identity of the machine the tests run on gets in.
function client(kind, env) {
  const whole = { PATH: process.env.PATH, NODE_PATH: process.env.NODE_PATH, NODE_EXTRA_CA_CERTS: s.addresses.ca, AZURE_CLIENT_ID: clientId, ...env };
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [path.join(__dirname, 'azure-clients.js'), kind], { env: whole, timeout: 60000, maxBuffer: 1 << 22 },
      (e, out, err) => (e ? reject(new Error(err || e.message)) : resolve(JSON.parse(out))));
  });
}
const imds = () => ({ AZURE_POD_IDENTITY_AUTHORITY_HOST: s.addresses.imds });
const good = (r) => {
  assert.strictEqual(s.directory.check(`Bearer ${r.token}`, 'https://vault.azure.net'), clientId);
  assert.ok(r.expiresOnTimestamp > Date.now() + 3600e3);
};

test('ManagedIdentityCredential by IMDS', { skip }, async () => {
  good(await client('managed', imds()));
  const seen = s.control.log({ service: 'imds' }).find((e) => e.path.startsWith('/metadata/identity/oauth2/token') && e.status === 200);
  assert.strictEqual(seen.facts.clientId, clientId);
});

test('ManagedIdentityCredential by IDENTITY_ENDPOINT', { skip }, async () => {
  const { endpoint, header } = s.addresses.appIdentity;
  good(await client('managed', { IDENTITY_ENDPOINT: endpoint, IDENTITY_HEADER: header }));
  assert.ok(s.control.log({ service: 'appid' }).some((e) => e.status === 200));
});

test('WorkloadIdentityCredential by federated token file', { skip }, async () => {
  const file = path.join(os.tmpdir(), `parley-azure-clients-${process.pid}`);
  fs.writeFileSync(file, 'kubelet.token.x');
  s.directory.federate(clientId, file);
  good(await client('workload', { AZURE_TENANT_ID: s.addresses.tenant, AZURE_FEDERATED_TOKEN_FILE: file, AZURE_AUTHORITY_HOST: s.addresses.login }));
  fs.rmSync(file);
});

test('KeyClient creates, imports, gets, releases, deletes; what is released is the key, wrapped for the attested one', { skip }, async () => {
  const guest = new Guest(s);
  const policy = JSON.stringify(releasePolicy(s.addresses.maa, [guest.parts.hostData]));
  const own = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  const r = await client('managed', {
    ...imds(), VAULT: s.addresses.vaults.contoso, TARGET: await guest.token(), POLICY: policy, IMPORT_JWK: JSON.stringify(own.export({ format: 'jwk' })),
  });
  const v = r.vault;
  assert.deepStrictEqual([v.type, v.exportable, v.policy, v.versions[0]], ['RSA-HSM', true, policy, v.versions[1]]);
  const host = 'contoso.vault.localhost';
  for (const [enc, value] of Object.entries(v.released)) {
    const { plain, payload } = guest.open(value, { host, kid: v.id, nonce: 'from-client' });
    assert.strictEqual(payload.request.enc, enc);
    assert.strictEqual(crypto.createPrivateKey({ key: plain, format: 'der', type: 'pkcs8' }).export({ format: 'jwk' }).n, v.n);
  }
  const { plain } = guest.open(v.importedRelease, { host, kid: v.importedId, nonce: 'from-client' });
  assert.ok(crypto.createPrivateKey({ key: plain, format: 'der', type: 'pkcs8' }).equals(own));
  assert.deepStrictEqual([v.refusals.denied.status, v.refusals.missing.status, v.refusals.unprotected.status], [403, 404, 400]);
  assert.deepStrictEqual([v.refusals.denied.code, v.refusals.missing.code, v.refusals.unprotected.code], ['Forbidden', 'KeyNotFound', 'BadParameter']);
  assert.match(v.refusals.denied.message, /cannot be verified/);
  assert.match(v.recoveryId, /\/deletedkeys\/by-client$/);
});
