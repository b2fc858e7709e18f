// The attestation stand-in: a true token for true evidence, a refusal for anything else, and its misbehaviours.
'use strict';
const assert = require('node:assert');
const crypto = require('crypto');
const test = require('node:test');
const { Guest } = require('./guest');
const jose = require('./jose');
const { start } = require('./main');
const pkis = require('./pki');
const x509 = require('./x509');

let s;
let guest;
test.before(async () => { s = await start(); guest = new Guest(s); });
test.after(() => s.stop());
test.afterEach(() => s.control.clear());

async function verified(token) {
  const config = (await s.request({ url: `${s.addresses.maa}/.well-known/openid-configuration` })).json;
  const { keys } = (await s.request({ url: config.jwks_uri })).json;
  const jwt = jose.split(token);
  const jwk = keys.find((k) => k.kid === jwt.header.kid);
  return Boolean(jwk) && jose.verifyRs256(jwt, jose.publicKeyOfJwk(jwk)) && jose.verifyRs256(jwt, jose.publicKeyOfJwk({ ...jwk, x5c: undefined }));
}

test('token: header, sorted claims, lifetime, and every claim from the report', async () => {
  const before = Math.floor(Date.now() / 1000);
  const token = await guest.token();
  assert.ok(await verified(token));
  const { header, payload: c } = jose.split(token);
  assert.deepStrictEqual(Object.keys(header), ['alg', 'jku', 'kid', 'typ']);
  assert.match(header.kid, /^[A-Za-z0-9+/]{43}=$/);
  assert.strictEqual(header.jku, `${s.addresses.maa}/certs`);
  assert.deepStrictEqual(Object.keys(c), Object.keys(c).sort());
  assert.strictEqual(c.iss, s.addresses.maa);
  assert.ok(c.iat >= before && c.nbf === c.iat && c.exp - c.iat === 28800);
  assert.match(c.jti, /^[0-9a-f]{64}$/);
  const p = 'x-ms-sevsnpvm-';
  assert.deepStrictEqual({
    a: c['x-ms-attestation-type'], b: c['x-ms-compliance-status'], h: c[`${p}hostdata`], m: c[`${p}launchmeasurement`], d: c[`${p}is-debuggable`], v: c[`${p}vmpl`],
    l: [c[`${p}bootloader-svn`], c[`${p}tee-svn`], c[`${p}snpfw-svn`], c[`${p}microcode-svn`]], g: c[`${p}guestsvn`], f: c[`${p}familyId`], n: c.nonce,
    r: c['x-ms-runtime'], rd: c[`${p}reportdata`], u: c[`${p}uvm-endorsement-headers`], smt: c[`${p}smt-allowed`], mig: c[`${p}migration-allowed`], ver: c['x-ms-ver'],
  }, {
    a: 'sevsnpvm', b: 'azure-compliant-uvm', h: guest.parts.hostData, m: pkis.MEASUREMENT, d: false, v: 0, l: [4, 0, 24, 219], g: 2, f: '01' + '00'.repeat(15),
    n: '7394904505194784658', r: { keys: [guest.jwk] }, rd: jose.sha256(guest.runtime).toString('hex') + '00'.repeat(32),
    u: { feed: 'ContainerPlat-AMD-UVM', iss: s.pki.uvmDid }, smt: true, mig: false, ver: '1.0',
  });
});

test('both spellings and both versions; nonce as a 64-bit number comes back digit for digit', async () => {
  for (const path of ['/attest/SevSnpVM?api-version=2020-10-01', '/attest/SevSnpVm?api-version=2022-08-01']) {
    const body = JSON.stringify(guest.attestBody({ nonce: 1 })).replace('"nonce":1', '"nonce":18446744073709551615');
    const r = await s.request({ url: s.addresses.maa + path, method: 'POST', body, headers: { 'Content-Type': 'application/json' } });
    assert.strictEqual(jose.split(r.json.token).payload.nonce, '18446744073709551615');
  }
  assert.ok(!('nonce' in jose.split(await guest.token({ nonce: null })).payload));
});

test('without an endorsement, or with one for another measurement or signer, there is no compliance claim', async () => {
  const cases = { none: null, measurement: [s.pki.uvmEndorsement({ measurement: '00'.repeat(48) })], feed: [s.pki.uvmEndorsement({ feed: 'Other' })] };
  for (const [name, cose] of Object.entries(cases)) {
    const c = jose.split(await guest.token({ cose })).payload;
    assert.ok(!('x-ms-compliance-status' in c) && !('x-ms-sevsnpvm-uvm-endorsement' in c), name);
    assert.strictEqual(c['x-ms-sevsnpvm-hostdata'], guest.parts.hostData);
  }
});

test('debug and VMPL are told as they are', async () => {
  const c = jose.split(await new Guest(s, { policy: 0xb001fn, vmpl: 2 }).token()).payload;
  assert.deepStrictEqual([c['x-ms-sevsnpvm-is-debuggable'], c['x-ms-sevsnpvm-vmpl']], [true, 2]);
});

test('init-time data must hash to HOST_DATA', async () => {
  const data = '{"b":1,"a":2}';
  const g = new Guest(s, { hostData: pkis.hostData(data) });
  const initTimeData = { data: jose.b64u(data), dataType: 'JSON' };
  assert.deepStrictEqual(jose.split(await g.token({ initTimeData })).payload['x-ms-inittime'], { a: 2, b: 1 });
  assert.strictEqual((await guest.attest({ initTimeData })).status, 400);
});

test('what is not genuine is refused with 400 InvalidParameter', async () => {
  const flipped = (b, i) => { const c = Buffer.from(b); c[i] ^= 1; return c; };
  const report = guest.report();
  const other = crypto.generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).privateKey;
  const rogueCa = x509.toPem(s.pki.certs('rogue.pem')[0]);
  const cases = {
    'flipped report': { report: flipped(report, 0x60) }, 'short report': { report: report.subarray(0, 100) }, 'another signer': { report: new Guest(s, { key: other }).report(guest.runtime) },
    'chain for an older TCB': { chain: s.pki.chainFor(pkis.CHIP_ID, pkis.OLD_TCB) }, 'chain of another chip': { chain: s.pki.chainFor('ab'.repeat(64), pkis.TCB) },
    'chain to another root': { chain: s.pki.vcekFor(pkis.CHIP_ID, pkis.TCB) + s.pki.text('ask.pem') + rogueCa }, 'no chain': { chain: ' ' },
    'another runtime': { runtimeData: { data: jose.b64u('{}'), dataType: 'JSON' } }, 'bad endorsement': { cose: [flipped(s.pki.uvmEndorsement(), 900)] },
    'runtime type': { runtimeData: { data: jose.b64u(guest.runtime), dataType: 'XML' } }, 'not base64url': { runtimeData: { data: '+++/', dataType: 'JSON' } },
    'nonce is an object': { nonce: {} }, 'report data tail not zero': { report: new Guest(s, { edit: (b) => b.writeUInt8(1, 0x8f) }).report(guest.runtime) },
  };
  for (const [name, change] of Object.entries(cases)) {
    const r = await guest.attest(change);
    assert.strictEqual(r.status, 400, name);
    assert.strictEqual(r.json.error.code, 'InvalidParameter', name);
    assert.ok(r.json.error.message, name);
  }
  for (const body of ['', '{', 'null', '[]', '{}', '{"report":"e30"}', '{"report":"bnVsbA"}']) {
    const r = await s.request({ url: `${s.addresses.maa}/attest/SevSnpVM?api-version=2020-10-01`, method: 'POST', body, headers: { 'Content-Type': 'application/json' } });
    assert.strictEqual(r.status, 400, body);
  }
});

test('runtime data that is not JSON needs dataType Binary', async () => {
  guest.runtime = 'not json';
  const data = jose.b64u(guest.runtime);
  assert.strictEqual((await guest.attest({ runtimeData: { data, dataType: 'JSON' } })).status, 400);
  assert.ok(!('x-ms-runtime' in jose.split(await guest.token({ runtimeData: { data, dataType: 'Binary' } })).payload));
  guest = new Guest(s);
});

test('wrong path, method and version', async () => {
  assert.strictEqual((await guest.attest({}, { path: '/attest/SgxEnclave?api-version=2020-10-01' })).status, 404);
  assert.strictEqual((await guest.attest({}, { path: '/attest/SevSnpVM' })).status, 400);
  assert.strictEqual((await s.request({ url: `${s.addresses.maa}/attest/SevSnpVM` })).status, 405);
});

const misbehaved = {
  expired: (j) => j.payload.exp < Date.now() / 1000 - 3600, 'wrong-nonce': (j) => j.payload.nonce === '1', 'no-nonce': (j) => !('nonce' in j.payload),
  'wrong-issuer': (j) => j.payload.iss === 'https://other.localhost', 'alg-none': (j) => j.header.alg === 'none' && !j.signature.length,
  'alg-hs256': (j) => j.header.alg === 'HS256' && j.signature.length === 32, 'wrong-kid': (j, ok) => !ok, 'wrong-key': (j, ok) => !ok && j.signature.length === 256,
  'bad-signature': (j, ok) => !ok,
};
for (const [mode, holds] of Object.entries(misbehaved)) {
  test(`misbehaviour ${mode}, once`, async () => {
    s.control.misbehave({ service: 'maa', mode, count: 1 });
    const token = await guest.token();
    assert.ok(holds(jose.split(token), await verified(token)));
    const good = await guest.token();
    assert.ok(await verified(good));
    assert.ok(!holds(jose.split(good), true));
  });
}

test('misbehaviour expired with future: not valid yet', async () => {
  s.control.misbehave({ service: 'maa', mode: 'expired', future: true });
  assert.ok(jose.split(await guest.token()).payload.nbf > Date.now() / 1000 + 3600);
});
