// Who must not get a key or data, and why: other parties, changed environments, no hardware, impostors between the parties, wrong settings.
'use strict';
const assert = require('node:assert');
const { execFile, spawnSync } = require('child_process');
const crypto = require('crypto');
const fs = require('fs');
const path = require('path');
const tls = require('tls');
const { describe, test } = require('node:test');
const pkis = require('../standin/pki');
const { adminToken, putKey, releasePolicy } = require('../standin/provision');
const ports = require('../world/ports');
const { World } = require('../world/world');
const { solo, scratch, newPeer, release, attest, keyStatus, assertFault, assertReleased, assertNoPrivateMembers, Party, PARLEY } = require('./lib');
const { Peer, provider, relay } = require('./lib-peer');

const from = (party, method, target, body, options) => party.request(method, target, { body, localAddress: newPeer(), ...options });

async function makeWorld(t, options) {
  const world = await World.make({ dir: scratch('denials'), ...options });
  t.after(async () => {
    const ends = await world.stop();
    world.clearData();
    for (const end of ends) assert.strictEqual(end.code, 0);
  });
  return world;
}

// --- Contoso and Fabrikam ---

async function eachOther(world, want) {
  for (const [who, whose] of [['contoso', 'Fabrikam'], ['fabrikam', 'Contoso']]) {
    const before = await keyStatus(world[who]);
    const r = await from(world[who], 'POST', '/skr/release-other');
    assert.strictEqual(r.status, 200, r.text);
    const j = r.json;
    assert.deepStrictEqual([j.status, j.our_company.toLowerCase(), j.other_company, j.http_status], ['access_denied', who, whose, 403]);
    assert.strictEqual(j.attempted_key, `${whose.toLowerCase()}-secret-key`);
    assert.strictEqual(j.attempted_akv, j.attempted_keyvault);
    assert.strictEqual(j.error, j.error_detail);
    assert.match(j.error_detail, want.message);
    assert.match(j.service_code, want.code);
    assert.match(j.explanation, want.cause);
    assertNoPrivateMembers(j);
    assert.deepStrictEqual(await keyStatus(world[who]), before, 'its own key is what it was');
    const partner = await from(world[who], 'POST', '/skr/release-partner', { partner: whose.toLowerCase() });
    assert.strictEqual(partner.status, 403);
  }
}

// --- Changed environments: the party attests, or not, but no vault gives it the key ---

const otherMeasurement = pkis.MEASUREMENT.replace(/^../, (c) => (c === '00' ? '11' : '00'));
const denied = { status: 403, step: 'key_release', error: 'denied', http_status: 403, code: /^Forbidden/, attests: true };
const environments = {
  'another HOST_DATA': [{ box: { 'host-data': 'ab'.repeat(32) } }, { ...denied, cause: /HOST_DATA/ }],
  'the debug bit in the guest policy': [{ box: { policy: 'b001f' } }, denied],
  'another measurement': [{ box: { measurement: otherMeasurement } }, denied],
  'an endorsement of another measurement': [{ context: (s) => ({ cose: s.pki.uvmEndorsement({ measurement: otherMeasurement }) }) }, denied],
  'an endorsement of another feed': [{ context: (s) => ({ cose: s.pki.uvmEndorsement({ feed: 'SomethingElse' }) }) }, denied],
  'a damaged endorsement': [{ context: (s) => { const cose = s.pki.uvmEndorsement(); cose[cose.length - 5] ^= 1; return { cose }; } },
    { status: 400, step: 'attestation', error: 'http_status', http_status: 400 }],
  'a VMPL that is not 0': [{ box: { vmpl: '1' } }, { status: 503, step: 'snp_report', error: 'snp_firmware', code: /STATUS_0x16/ }],
  'reports signed by another key': [{ box: () => ({ 'vcek-key': otherVcek() }) }, { status: 400, step: 'attestation', error: 'http_status', http_status: 400 }],
  'a chip that nobody knows': [{ box: { 'chip-id': '77'.repeat(64) } }, { step: 'platform_certificates', error: /^(mismatch|not_found)$/ }],
  'no SNP device': [{ box: null }, { status: 503, step: 'snp_report', error: 'no_snp_device' }],
};

function otherVcek() {
  const file = path.join(scratch('vcek'), 'key.pem');
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, crypto.generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).privateKey.export({ type: 'pkcs8', format: 'pem' }));
  return file;
}

async function inEnvironment(t, options, want) {
  const lane = await (await solo(options)).start();
  t.after(() => lane.stop());
  const r = await release(lane.party);
  assertFault(r, { ...want });
  if (want.cause) assert.match(r.json.diagnosis.likely_cause, want.cause);
  const attested = await attest(lane.party);
  if (want.attests) assert.strictEqual(attested.status, 200, attested.text);
  else assertFault(attested, { step: want.step, error: want.error });
  await hasNothing(lane.party);
}

// No key, and nothing that would need one.
async function hasNothing(party) {
  assert.deepStrictEqual((await keyStatus(party)).released, false);
  const ready = await party.get('/readyz');
  assert.deepStrictEqual([ready.status, ready.json.own_key], [503, false]);
  assert.strictEqual((await party.get('/health')).status, 200);
  assert.strictEqual((await from(party, 'POST', '/encrypt', { plaintext: 'x' })).status, 400);
  assert.strictEqual((await from(party, 'POST', '/decrypt', { ciphertext: 'AAAA' })).status, 400);
  assert.strictEqual((await from(party, 'POST', '/company/populate')).status, 400);
  assert.strictEqual((await party.get('/company/info')).json.key_released, false);
  assert.strictEqual((await party.get('/company/list')).json.record_count, 0);
}

// --- Woodgrove and impostors ---

// Another Woodgrove in this world, with settings changed; it releases all keys by itself. Only what it does with partners differs.
async function variant(t, world, settings) {
  const [http, https] = await ports.free(2);
  const dir = scratch('variant');
  const changes = { HTTP_PORT: String(http), HTTPS_PORT: String(https), DATA_DIR: path.join(dir, 'data'), PARTIAL_RESULTS: 'on', ...settings };
  const all = { ...world.woodgrove.settings, ...changes };
  for (const name of Object.keys(all)) if (all[name] === null) delete all[name];
  const party = new Party({ name: 'woodgrove', dir, settings: all, box: world.woodgrove.box, token: world.token });
  t.after(() => party.stop());
  party.start();
  await party.listening();
  await Promise.all([party.hasPartnerKeys(), party.showsEvidence()]);
  return party;
}

// The analysis has nothing of Contoso, says why, and has all of Fabrikam (or none, where the reason is the same).
async function withoutContoso(party, why, what, fabrikams = 120) {
  const r = await from(party, 'POST', '/partner/analyze', {});
  assert.strictEqual(r.status, 200, `${what}: ${r.text}`);
  assert.deepStrictEqual([r.json.status, r.json.contoso_count, r.json.fabrikam_count], ['partial', 0, fabrikams], `${what}: ${r.text.slice(0, 300)}`);
  assert.strictEqual(r.json.errors.length, fabrikams ? 1 : 2, `${what}: ${JSON.stringify(r.json.errors)}`);
  assert.match(r.json.errors[0], /^Contoso: /);
  assert.match(r.json.errors[0], why, what);
}
async function withContoso(party, what) {
  const r = await from(party, 'POST', '/partner/analyze', {});
  assert.deepStrictEqual([r.status, r.json.contoso_count, r.json.fabrikam_count, r.json.errors], [200, 120, 120, null], `${what}: ${r.text.slice(0, 300)}`);
}

const lines = (text) => text.trim().split('\n');
const ndjson = (ls) => `${ls.join('\n')}\n`;
// What may be wrong with records although the provider is who it says.
const records = {
  'cut in the middle of a record': (text) => text.slice(0, text.length >> 1),
  'without trailer': (text) => ndjson(lines(text).slice(0, -1)),
  'without header': (text) => ndjson(lines(text).slice(1)),
  'a record dropped': (text) => ndjson(lines(text).filter((_, i) => i !== 7)),
  'a record repeated': (text) => ndjson(lines(text).flatMap((l, i) => (i === 7 ? [l, l] : [l]))),
  'two records swapped': (text) => ndjson(lines(text).map((l, i, all) => (i === 7 ? all[8] : i === 8 ? all[7] : l))),
  'two values of a record swapped': (text) => ndjson(lines(text).map((l, i) => (i === 7 ? swapMembers(l, 'age_encrypted', 'salary_encrypted') : l))),
  'a value of another record': (text) => ndjson(lines(text).map((l, i, all) => (i === 7 ? withMember(l, 'salary_encrypted', JSON.parse(all[8]).salary_encrypted) : l))),
  'a bit of a value that nobody decrypts': (text) => ndjson(lines(text).map((l, i) => (i === 7 ? withMember(l, 'name_encrypted', flipped(JSON.parse(l).name_encrypted)) : l))),
  'a bit of the wrapped key': (text) => ndjson(lines(text).map((l, i) => (i === 0 ? withMember(l, 'wrapped_dek', flipped(JSON.parse(l).wrapped_dek)) : l))),
  'a field renamed in the header': (text) => ndjson(lines(text).map((l, i) => (i === 0 ? l.replace('"salary"', '"Salary"') : l))),
  'a record added behind the trailer': (text) => ndjson([...lines(text), lines(text)[3]]),
  'another count in the trailer': (text) => ndjson(lines(text).map((l, i, all) => (i === all.length - 1 ? l.replace('"records":120', '"records":119') : l))),
  'the data of another company': (text, other) => other,
  'HTML': () => '<html>sorry</html>',
};
const withMember = (line, name, value) => JSON.stringify({ ...JSON.parse(line), [name]: value });
const swapMembers = (line, a, b) => { const o = JSON.parse(line); return JSON.stringify({ ...o, [a]: o[b], [b]: o[a] }); };
const flipped = (b64) => { const b = Buffer.from(b64, 'base64'); b[b.length >> 1] ^= 1; return b.toString('base64'); };

async function impostors(t) {
  const world = await makeWorld(t, {});
  await world.start(['contoso', 'fabrikam', 'woodgrove']);
  const { services, hostData } = world;
  const list = async (name) => (await world[name].get('/company/list', { headers: { Accept: 'application/x-ndjson' } })).text;
  const [real, others] = [await list('contoso'), await list('fabrikam')];
  assert.strictEqual(lines(real).length, 122);
  const now = { peer: new Peer(services, { role: 'contoso', guest: { hostData: hostData.contoso } }), text: real, list: () => [200, 'application/x-ndjson', now.text] };
  const fake = await provider(0, now);
  t.after(() => fake.close());
  const woodgrove = await variant(t, world, { PARTNER_CONTOSO_URL: fake.url });

  await t.test('who shows everything as it must be is believed', () => withContoso(woodgrove, 'genuine'));
  for (const [name, make] of Object.entries(records)) {
    await t.test(`records: ${name}`, async () => {
      now.text = make(real, others);
      assert.notStrictEqual(now.text, real);
      await withoutContoso(woodgrove, /./, name);
    });
  }
  now.text = real;
  await t.test('and after all this the right ones are believed', () => withContoso(woodgrove, 'again'));
  assert.strictEqual((await woodgrove.stop()).code, 0);

  await t.test('a relay of bytes changes nothing: TLS ends at the party', async (own) => {
    const wire = await relay(world.ports.contoso.peer);
    own.after(() => wire.close());
    const party = await variant(t, world, { PARTNER_CONTOSO_URL: wire.url });
    await withContoso(party, 'relay');
    await party.stop();
  });
  const settings = {
    'another HOST_DATA of Contoso in the settings': [{ PARTNER_CONTOSO_HOST_DATA: 'ef'.repeat(32) }, /not the one expected: accept\.host_data/],
    "Fabrikam's address in Contoso's place": [{ PARTNER_CONTOSO_URL: `https://localhost:${world.ports.fabrikam.peer}` }, /not the one expected: accept\.host_data/],
    "Fabrikam's address and HOST_DATA in Contoso's place": [{ PARTNER_CONTOSO_URL: `https://localhost:${world.ports.fabrikam.peer}`, PARTNER_CONTOSO_HOST_DATA: hostData.fabrikam }, /not the one expected: accept\.role/],
    "the address of Contoso's page": [{ PARTNER_CONTOSO_URL: world.contoso.secure }, /HTTP 404/],
    'no HOST_DATA': [{ PARTNER_CONTOSO_HOST_DATA: null }, /no expected host data/],
    'no other root than AMD\'s': [{ EXTRA_AMD_ROOT: null }, /not genuine: chain\.root/, 0],
    'another root': [{ EXTRA_AMD_ROOT: '12'.repeat(32) }, /not genuine: chain\.root/, 0],
    'no endorsement but Microsoft\'s': [{ EXTRA_UVM_ISSUER: null }, /not genuine: uvm\./, 0],
    'no evidence of its own to show': [{ TLS_CERT_EVIDENCE: 'off' }, /HTTP 403/, 0],
    'no address': [{ PARTNER_CONTOSO_URL: null }, /no URL/],
    'an address where nobody listens': [{ PARTNER_CONTOSO_URL: 'https://localhost:1' }, /connecting failed/],
    'an address of another kind of server': [{ PARTNER_CONTOSO_URL: services.addresses.maa }, /./],
  };
  for (const [name, [change, why, fabrikams]] of Object.entries(settings)) {
    await t.test(`settings: ${name}`, async () => {
      const party = await variant(t, world, change);
      await withoutContoso(party, why, name, fabrikams);
      await party.stop();
    });
  }
}

// The process says in one line what is wrong with its settings, and ends with 2.
async function refusesSettings(settings, why) {
  const env = { SKR_KEY_NAME: 'woodgrove-key', HTTP_PORT: '0', HTTPS_PORT: '0', LISTEN: 'loopback', ...settings };
  const [code, out, err] = await new Promise((resolve) => { execFile(PARLEY, [], { env, timeout: 10000 }, (e, o, x) => resolve([e && e.code, o, x])); });
  assert.deepStrictEqual([code, out], [2, ''], err);
  assert.strictEqual(err.trim().split('\n').length, 1, err);
  assert.match(err, why);
}

describe('denials', { concurrency: 3 }, () => {
  test('every identity may ask: the release policies alone keep Contoso and Fabrikam apart', async (t) => {
    const world = await makeWorld(t, { grantAll: true });
    await world.start();
    await eachOther(world, { message: /does not meet key release policy requirements/, code: /^Forbidden/, cause: /HOST_DATA/ });
    for (const partner of ['contoso', 'fabrikam']) {
      const r = await from(world.woodgrove, 'POST', '/skr/release-partner', { partner });
      assert.deepStrictEqual([r.status, r.json.key_released, r.json.can_decrypt], [200, true, true], r.text);
      assertNoPrivateMembers(r.json);
    }
    assert.strictEqual((await from(world.woodgrove, 'POST', '/skr/release-other')).status, 400);

    await t.test('the Snooper: the same program and settings without the hardware get nothing', async () => {
      const noDevice = { status: 503, step: 'snp_report', error: 'no_snp_device' };
      for (const [target, body] of [['/skr/release'], ['/skr/release-other'], ['/attest/maa', { runtime_data: 'AAAA' }], ['/attest/raw', {}]]) {
        assertFault(await from(world.snooper, 'POST', target, body), noDevice, target);
      }
      const info = (await from(world.snooper, 'GET', '/info')).json;
      assert.deepStrictEqual([info.status.attestation_works, info.status.platform_status, info.status.sidecar_available], [false, 'sidecar_unavailable', false]);
      assert.strictEqual((await world.snooper.get('/skr/config')).json.is_confidential, false);
      await hasNothing(world.snooper);
      const asked = world.services.control.log({ service: 'contoso' }).concat(world.services.control.log({ service: 'fabrikam' }));
      assert.ok(asked.every((e) => e.status === 200 || e.status === 403));
    });

    await t.test('a release policy that admits the other company is an alarm, and no denial', async () => {
      const { contoso, services, provisioned } = world;
      const { vault, key } = provisioned.parties.fabrikam;
      const { token } = await adminToken(services, 'https://vault.azure.net');
      await putKey(services, vault, token, key, releasePolicy(provisioned.authority, [world.hostData.contoso]));
      const before = await keyStatus(contoso);
      const r = await from(contoso, 'POST', '/skr/release-other');
      assert.deepStrictEqual([r.status, r.json.status, r.json.other_company, r.json.other_key_name], [200, 'unexpected_success', 'Fabrikam', key], r.text);
      assert.match(r.json.security_warning, /wrong: correct them now/);
      assertNoPrivateMembers(r.json);
      assert.deepStrictEqual(await keyStatus(contoso), before, 'its own key is what it was');
      assert.match(contoso.log, /error \S+ release: ALARM: another party's vault released its key to this one/);
      assert.strictEqual((await from(world.fabrikam, 'POST', '/skr/release-other')).json.status, 'access_denied');
    });
  });

  test('without permission on the vault the identity is refused first', async (t) => {
    const world = await makeWorld(t, {});
    await world.start(['contoso', 'fabrikam']);
    await eachOther(world, { message: /does not have keys release permission/, code: /AccessDenied/, cause: /refused|may not/ });
    for (const name of ['contoso', 'fabrikam']) world.services.vaultNamed(name).authorization = 'rbac';
    await eachOther(world, { message: /not authorized to perform action/, code: /ForbiddenByRbac/, cause: /identity may not release/ });
  });

  for (const [name, [options, want]] of Object.entries(environments)) test(`no key with ${name}`, (t) => inEnvironment(t, options, want));

  test('no key when the services are not of the trusted root', async (t) => {
    const lane = await solo();
    t.after(() => lane.stop());
    lane.party.settings.EXTRA_TRUST_ANCHOR = lane.services.pki.path('rogue.pem');
    await lane.start();
    assertFault(await release(lane.party), { status: 502, step: 'attestation', error: 'untrusted' });
    await hasNothing(lane.party);
    delete lane.party.settings.EXTRA_TRUST_ANCHOR;
    await lane.restart();
    assertFault(await release(lane.party), { status: 502, step: 'attestation', error: 'untrusted' });
    lane.party.settings.EXTRA_TRUST_ANCHOR = lane.services.addresses.ca;
    await lane.restart();
    assertReleased(await release(lane.party));
  });

  test('no request chooses vault, key or authority', async (t) => {
    const lane = await (await solo()).start();
    t.after(() => lane.stop());
    const s = lane.party.settings;
    for (const body of [{ akv_endpoint: 'evil.vault.azure.net' }, { maa_endpoint: 'evil.attest.azure.net' }, { kid: 'fabrikam-secret-key' }]) {
      assert.strictEqual((await from(lane.party, 'POST', '/skr/release', body)).status, 400, JSON.stringify(body));
    }
    assert.strictEqual((await from(lane.party, 'POST', '/attest/maa', { runtime_data: 'AAAA', maa_endpoint: 'evil.attest.azure.net' })).status, 400);
    assert.strictEqual((await keyStatus(lane.party)).released, false);
    assert.strictEqual((await from(lane.party, 'POST', '/skr/release', undefined, { auth: false })).status, 401);
    assert.strictEqual((await from(lane.party, 'POST', '/skr/release', undefined, { auth: false, headers: { Authorization: 'Bearer wrong' } })).status, 401);
    assertReleased(await from(lane.party, 'POST', '/skr/release', { akv_endpoint: s.SKR_AKV_ENDPOINT, maa_endpoint: s.SKR_MAA_ENDPOINT, kid: s.SKR_KEY_NAME }));
  });

  test('impostors between Woodgrove and Contoso', impostors);

  const wrong = {
    'a partner over plain HTTP': [{ PARTNER_CONTOSO_URL: 'http://contoso.example' }, /^parley: PARTNER_CONTOSO_URL: .*https/],
    'a partner over plain HTTP on this machine': [{ PARTNER_CONTOSO_URL: 'http://localhost:8080' }, /^parley: PARTNER_CONTOSO_URL: /],
    'HOST_DATA that is no hash': [{ PARTNER_CONTOSO_HOST_DATA: 'abc' }, /^parley: PARTNER_CONTOSO_HOST_DATA: .*64 hex/],
    'an attestation endpoint with a scheme': [{ SKR_MAA_ENDPOINT: 'https://maa.example' }, /^parley: SKR_MAA_ENDPOINT: /],
    'a misspelt name': [{ PARTNER_CONTOSO_HOSTDATA: 'ab'.repeat(32) }, /^parley: PARTNER_CONTOSO_HOSTDATA: /],
    'an operator secret in the clear': [{ OPERATOR_AUTH: 'my-password' }, /^parley: OPERATOR_AUTH: (?!.*my-password)/],
    'a plain metadata service elsewhere': [{ IMDS_ENDPOINT: 'http://example.com' }, /^parley: IMDS_ENDPOINT: /],
    'a vault without key': [{ SKR_KEY_NAME: '', SKR_AKV_ENDPOINT: 'x.vault.azure.net' }, /^parley: SKR_KEY_NAME: /],
    'a group size of none': [{ MIN_GROUP_SIZE: '0' }, /^parley: MIN_GROUP_SIZE: /],
  };
  for (const [name, [settings, why]] of Object.entries(wrong)) test(`settings refused: ${name}`, () => refusesSettings(settings, why));
  test('the program takes no arguments', () => {
    assert.strictEqual(spawnSync(PARLEY, ['--insecure'], { env: {} }).status, 2);
    assert.strictEqual(spawnSync(PARLEY, ['--version'], { env: {} }).status, 0);
  });
});
