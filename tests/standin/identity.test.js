// Tokens by IMDS, by the App Service endpoint and by federation; platform certificates by THIM, the certificate cache and KDS.
'use strict';
const assert = require('node:assert');
const fs = require('fs');
const os = require('os');
const path = require('path');
const test = require('node:test');
const jose = require('./jose');
const { start } = require('./main');
const pkis = require('./pki');
const x509 = require('./x509');

let s;
test.before(async () => { s = await start(); });
test.after(() => s.stop());
test.afterEach(() => s.control.clear());

const VAULT = 'https://vault.azure.net';
const imds = (query, { headers = { Metadata: 'true' }, base = s.addresses.imds } = {}) => s.request({ url: `${base}/metadata/identity/oauth2/token?${query}`, headers });
const good = (clientId, resource = VAULT) => `api-version=2018-02-01&resource=${encodeURIComponent(resource)}${clientId ? `&client_id=${clientId}` : ''}`;

test('IMDS gives a token whose numbers are strings', async () => {
  const clientId = s.addresses.clients.contoso;
  const r = await imds(good(clientId));
  assert.strictEqual(r.status, 200);
  for (const k of ['expires_in', 'expires_on', 'not_before']) assert.match(r.json[k], /^\d+$/);
  assert.deepStrictEqual([r.json.token_type, r.json.resource, r.json.client_id, r.json.refresh_token], ['Bearer', VAULT, clientId, '']);
  const { payload } = jose.split(r.json.access_token);
  assert.deepStrictEqual([payload.aud, payload.appid, String(payload.exp)], [VAULT, clientId, r.json.expires_on]);
  assert.strictEqual(s.directory.check(`Bearer ${r.json.access_token}`, VAULT), clientId);
  assert.strictEqual(s.directory.check(`Bearer ${r.json.access_token}`, 'https://managedhsm.azure.net'), null);
});

test('IMDS refuses what the real one refuses', async () => {
  const cases = [
    [good(s.addresses.clients.contoso), {}, 'bad_request_102'], [good(s.addresses.clients.contoso), { Metadata: 'True' }, 'bad_request_102'],
    [good(), undefined, 'invalid_request'], [good('no-such'), undefined, 'invalid_request'], [good(s.addresses.clients.contoso, 'https://nothing.example'), undefined, 'invalid_resource'],
    ['api-version=2018-02-01', undefined, 'invalid_request'], [`resource=${VAULT}`, undefined, 'bad_request_104'],
    [good(s.addresses.clients.contoso), { Metadata: 'true', 'X-Forwarded-For': '1.2.3.4' }, 'bad_request_103'],
  ];
  for (const [query, headers, code] of cases) {
    const r = await imds(query, headers ? { headers } : {});
    assert.strictEqual(r.status, 400, query);
    assert.strictEqual(r.json.error, code, query);
  }
});

test('an IMDS with one identity needs no client id and knows no other', async () => {
  const base = await s.addImds([s.addresses.clients.fabrikam]);
  assert.strictEqual((await imds(good(), { base })).json.client_id, s.addresses.clients.fabrikam);
  assert.strictEqual((await imds(good(s.addresses.clients.contoso), { base })).status, 400);
});

test('IMDS misbehaviours', async () => {
  const query = good(s.addresses.clients.contoso);
  s.control.misbehave({ service: 'imds', mode: 'adapter-500', count: 1 });
  const failed = await imds(query);
  assert.deepStrictEqual([failed.status, failed.body.toString()], [500, 'Received invalid token. Please try again.']);
  s.control.misbehave({ service: 'imds', mode: 'expired', count: 1 });
  assert.strictEqual(s.directory.check(`Bearer ${(await imds(query)).json.access_token}`, VAULT), null);
  s.control.misbehave({ service: 'imds', mode: 'wrong-audience', count: 1 });
  assert.strictEqual(s.directory.check(`Bearer ${(await imds(query)).json.access_token}`, VAULT), null);
  s.control.misbehave({ service: 'imds', mode: 'number-types', count: 1 });
  assert.strictEqual(typeof (await imds(query)).json.expires_on, 'number');
  s.control.misbehave({ service: 'imds', mode: 'status', status: 410, count: 1 });
  assert.deepStrictEqual([(await imds(query)).status, (await imds(query)).status], [410, 200]);
});

test('App Service endpoint', async () => {
  const { endpoint, header } = s.addresses.appIdentity;
  const get = (query, headers) => s.request({ url: `${endpoint}?${query}`, headers });
  const query = `resource=${VAULT}&api-version=2019-08-01&client_id=${s.addresses.clients.contoso}`;
  const r = await get(query, { 'X-IDENTITY-HEADER': header });
  assert.deepStrictEqual(Object.keys(r.json), ['access_token', 'expires_on', 'resource', 'token_type', 'client_id']);
  assert.strictEqual(typeof r.json.expires_on, 'string');
  assert.strictEqual((await get(query, {})).status, 401);
  assert.strictEqual((await get(query, { 'X-IDENTITY-HEADER': 'x' })).status, 401);
  assert.strictEqual((await get(query.replace('2019-08-01', '2017-09-01'), { 'X-IDENTITY-HEADER': header })).status, 400);
});

test('federation: the assertion must be what the file says now', async () => {
  const file = path.join(os.tmpdir(), `parley-federated-${process.pid}`);
  fs.writeFileSync(file, 'first.assertion.x');
  const clientId = s.addresses.clients.woodgrove;
  s.directory.federate(clientId, file);
  const post = (change = {}, tenant = s.addresses.tenant) => s.request({
    url: `${s.addresses.login}/${tenant}/oauth2/v2.0/token`, method: 'POST', headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({
      grant_type: 'client_credentials', client_id: clientId, scope: `${VAULT}/.default`, client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: 'first.assertion.x', ...change,
    }).toString(),
  });
  const r = await post();
  assert.strictEqual(r.status, 200);
  assert.strictEqual(r.json.expires_in, 86399);
  assert.strictEqual(s.directory.check(`Bearer ${r.json.access_token}`, VAULT), clientId);
  fs.writeFileSync(file, 'second.assertion.x');
  const stale = await post();
  assert.deepStrictEqual([stale.status, stale.json.error, stale.json.error_codes], [401, 'invalid_client', [700213]]);
  assert.strictEqual((await post({ client_assertion: 'second.assertion.x' })).status, 200);
  assert.strictEqual((await post({ client_id: s.addresses.clients.contoso, client_assertion: 'undefined' })).status, 401);
  assert.strictEqual((await post({ grant_type: 'password' })).json.error, 'unsupported_grant_type');
  assert.strictEqual((await post({ scope: 'https://nothing.example/.default' })).json.error, 'invalid_scope');
  assert.strictEqual((await post({}, 'another-tenant')).status, 400);
  fs.rmSync(file);
});

const thim = (query = '', headers = { Metadata: 'true' }) => s.request({ url: `${s.addresses.imds}/metadata/THIM/amd/certification${query}`, headers });
const ucode = (pem) => x509.parse(x509.fromPem(pem)[0]).extensions.get('1.3.6.1.4.1.3704.1.3.8').readUInt8(3);

test('THIM: chain of this machine, or of the TCB asked for', async () => {
  const r = (await thim()).json;
  assert.deepStrictEqual(Object.keys(r), ['vcekCert', 'tcbm', 'certificateChain', 'cacheControl']);
  assert.deepStrictEqual([r.tcbm, ucode(r.vcekCert), x509.fromPem(r.certificateChain).length, r.cacheControl], [pkis.TCB, 0xdb, 2, '86400']);
  assert.ok(r.vcekCert.endsWith('\n') && r.certificateChain.endsWith('\n'));
  assert.strictEqual((await thim(`?tcbVersion=${pkis.OLD_TCB}`)).json.tcbm, pkis.OLD_TCB);
  assert.strictEqual((await thim('', {})).status, 400);
  assert.strictEqual((await thim('?tcbVersion=zz')).status, 400);
});

test('THIM gone stale answers for an older TCB until asked for the right one', async () => {
  s.control.misbehave({ service: 'imds', mode: 'stale-certs' });
  assert.strictEqual((await thim()).json.tcbm, pkis.OLD_TCB);
  assert.strictEqual((await thim(`?tcbVersion=${pkis.TCB}`)).json.tcbm, pkis.TCB);
  s.control.clear();
  s.control.misbehave({ service: 'imds', mode: 'stale-certs', count: 1 });
  assert.deepStrictEqual([(await thim()).json.tcbm, (await thim()).json.tcbm], [pkis.OLD_TCB, pkis.TCB]);
});

test('certificate cache: PEM chain by chip and TCB, 404 with no body otherwise', async () => {
  const get = (chip, tcb, tail = '?api-version=2020-10-15-preview&clientId=ConfidentialACI') => s.request({ url: `${s.addresses.azcache}/SevSnpVM/certificates/${chip}/${tcb}${tail}` });
  const r = await get(pkis.CHIP_ID, 'db18000000000004');
  assert.deepStrictEqual([r.status, x509.fromPem(r.body.toString()).length, ucode(r.body.toString())], [200, 3, 0xdb]);
  assert.strictEqual(ucode((await get(pkis.CHIP_ID, 'd118000000000004')).body.toString()), 0xd1);
  for (const [chip, tcb, tail] of [['ab'.repeat(64), 'db18000000000004'], [pkis.CHIP_ID, 'DB18000000000004'], [pkis.CHIP_ID, '0b18000000000004'], [pkis.CHIP_ID, 'db18000000000004', '']]) {
    const missing = await get(chip, tcb, tail);
    assert.deepStrictEqual([missing.status, missing.body.length], [404, 0]);
  }
  s.control.misbehave({ service: 'azcache', mode: 'wrong-chip', count: 1 });
  const hwid = x509.parse(x509.fromPem((await get(pkis.CHIP_ID, 'db18000000000004')).body.toString())[0]).extensions.get('1.3.6.1.4.1.3704.1.4');
  assert.notStrictEqual(hwid.toString('hex'), pkis.CHIP_ID);
});

test('KDS: chain, revocation list and VCEK by decimal levels', async () => {
  const get = (tail) => s.request({ url: `${s.addresses.kds}/vcek/v1/Milan/${tail}` });
  assert.strictEqual(x509.fromPem((await get('cert_chain')).body.toString()).length, 2);
  assert.strictEqual((await get('crl')).body[0], 0x30);
  const r = await get(`${pkis.CHIP_ID.toUpperCase()}?ucodeSPL=219&snpSPL=24&teeSPL=0&blSPL=4`);
  assert.strictEqual(ucode(x509.toPem(r.body)), 0xdb);
  assert.strictEqual((await get(`${pkis.CHIP_ID}?ucodeSPL=219`)).status, 400);
  assert.strictEqual((await get(`${pkis.CHIP_ID}?ucodeSPL=999&snpSPL=24&teeSPL=0&blSPL=4`)).status, 400);
  assert.strictEqual((await get(`${'ab'.repeat(64)}?ucodeSPL=219&snpSPL=24&teeSPL=0&blSPL=4`)).status, 404);
});
