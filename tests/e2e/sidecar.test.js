// The SKR sidecar's interface on the sidecar port: what applications of that program send and expect, where it can be reached from, what it
// must not be talked into, and that nothing of it is on the other ports.
'use strict';
const assert = require('node:assert');
const { after, before, test } = require('node:test');
const crypto = require('crypto');
const fs = require('fs');
const http = require('http');
const net = require('net');
const os = require('os');
const path = require('path');
const { localRoutes, tableOf } = require('../contract/contract');
const { Guest } = require('../standin/guest');
const jose = require('../standin/jose');
const pkis = require('../standin/pki');
const { adminToken, putKey } = require('../standin/provision');
const ports = require('../world/ports');
const { solo, bare, keyStatus } = require('./lib');

const MANUAL = 'https://github.com/microsoft/confidential-sidecar-containers/blob/main/examples/skr/';
const ERROR_STRING = `ERROR: Please refer to the documentation for more information on how to use this sidecar.\nACI: ${MANUAL}aci/README.md\n`
  + `KATA: ${MANUAL}aks/README.md\nTroubleshooting: ${MANUAL}TROUBLESHOOTING.md`;
const b64 = (data) => Buffer.from(data).toString('base64');
const generated = (type, options) => crypto.generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' });

// A party with the port. Its settings name a vault of the other company too: outgoing ports are those of the settings.
async function sidecar(options = {}) {
  const [port] = await ports.free(1);
  const lane = await solo({ kind: 'hsm', ...options, standin: { vaults: ['fabrikam'] }, settings: { SIDECAR_PORT: String(port), ...options.settings } });
  lane.port = port;
  lane.party.settings.PARTNER_FABRIKAM_AKV_ENDPOINT = bare(lane.services.addresses.vaults.fabrikam);
  await lane.start();
  return lane;
}

// -> {status, headers, text, json}. body: bytes as they are, or what to send as JSON.
function ask(lane, method, target, body, { headers = {}, address = '127.0.0.1', port = lane.port } = {}) {
  const text = body === undefined || typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const r = http.request({ host: address, port, method, path: target, agent: false, headers: { Host: `localhost:${port}`, ...(text === undefined ? {} : { 'Content-Length': Buffer.byteLength(text) }), ...headers } }, (res) => {
      const parts = [];
      res.on('data', (d) => parts.push(d)).on('error', reject).on('end', () => {
        const out = { status: res.statusCode, headers: res.headers, text: Buffer.concat(parts).toString() };
        try { out.json = JSON.parse(out.text); } catch { out.json = undefined; }
        resolve(out);
      });
    });
    r.on('error', reject).end(text);
  });
}

let lane, admin;
before(async () => {
  lane = await sidecar();
  admin = (await adminToken(lane.services, 'https://managedhsm.azure.net')).token;
});
after(() => lane.stop());

const maaHost = () => bare(lane.services.addresses.maa);
const request = (target, data, more) => ({ ...(target === '/attest/maa' ? { maa_endpoint: maaHost() } : {}), runtime_data: b64(data), ...more });
const wish = (more) => ({ maa_endpoint: maaHost(), akv_endpoint: lane.own.host, kid: lane.own.key, ...more });
const reportData = (data) => Buffer.concat([jose.sha256(data), Buffer.alloc(32)]);

// The whole answer of a success: exactly these members, in this order.
function good(r, ...members) {
  assert.strictEqual(r.status, 200, r.text);
  assert.strictEqual(r.headers['content-type'], 'application/json; charset=utf-8');
  assert.deepStrictEqual(Object.keys(r.json), members, r.text);
  return r.json;
}
// One JSON object with the one member that clients read. cause: text or pattern behind the fixed lines.
function bad(r, status, what, cause) {
  assert.strictEqual(r.status, status, r.text);
  assert.strictEqual(r.headers['content-type'], 'application/json; charset=utf-8');
  assert.deepStrictEqual(Object.keys(r.json), ['error'], r.text);
  const start = `${what}\n${ERROR_STRING}: `;
  assert.strictEqual(r.json.error.slice(0, start.length), start, r.text);
  if (cause instanceof RegExp) assert.match(r.json.error.slice(start.length), cause);
  else assert.strictEqual(r.json.error.slice(start.length), cause);
}
const keyIn = (r) => { const { key } = good(r, 'key'); assert.strictEqual(typeof key, 'string'); return key; };
// A key of our own making in a vault: {name, kid, jwk}.
async function imported(name, jwk, { vault = lane.own.vault, token = admin, policy = lane.own.policy, ops } = {}) {
  const r = await putKey(lane.services, vault, token, name, policy, { key: { ...jwk, kty: `${jwk.kty}-HSM`, key_ops: ops }, hsm: true });
  return { name, kid: r.key.kid, jwk };
}

test('the table of the interface is the binary\'s', () => {
  const line = (r) => `${r.method} ${r.path}`;
  const theirs = tableOf('sidecar', 'routes');
  assert.deepStrictEqual(theirs.map(line), localRoutes.map(line));
  for (const r of theirs) assert.deepStrictEqual([r.access, r.rate, r.secret], ['local', 0, r.path === '/key/release']);
});

test('GET /status', async () => assert.strictEqual((await ask(lane, 'GET', '/status')).text, '{"message":"Status OK"}'));

test('POST /attest/raw: the caller\'s bytes are hashed as they are, whatever they are', async () => {
  for (const data of ['x', '{}', '{"purpose":"kms"}', '["keys"]', Buffer.from([0, 255, 123, 128]), '-----BEGIN PUBLIC KEY-----\nMIIB', 'keys and purpose', '{"a":{"keys":[]}}', Buffer.alloc(8192, 'y')]) {
    const { report } = good(await ask(lane, 'POST', '/attest/raw', request('/attest/raw', data)), 'report');
    assert.match(report, /^[0-9a-f]{2368}$/);
    const bytes = Buffer.from(report, 'hex');
    assert.ok(bytes.subarray(0x50, 0x90).equals(reportData(data)), String(data));
    assert.strictEqual(bytes.subarray(0xc0, 0xe0).toString('hex'), lane.hostData.contoso);
  }
});

test('requests as that program takes them: any content type, names in any case, further members, line breaks and escapes', async () => {
  const data = Buffer.alloc(48, 0xff);
  const bodies = [
    JSON.stringify({ RUNTIME_DATA: b64(data), more: [1, {}] }), `{"Runtime_Data":"${b64(data).replace(/\//g, '\\/')}"}`,
    ` ${JSON.stringify({ runtime_data: `${b64(data).slice(0, 20)}\r\n${b64(data).slice(20)}\n`, maa_endpoint: 5 })}\n`,
  ];
  for (const body of bodies) {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', undefined]) {
      const r = await ask(lane, 'POST', '/attest/raw', body, { headers: type ? { 'Content-Type': type } : {} });
      assert.ok(Buffer.from(good(r, 'report').report, 'hex').subarray(0x50, 0x90).equals(reportData(data)), body);
    }
  }
});

test('POST /attest/combined: report, certificates and endorsement that belong together', async () => {
  const r = good(await ask(lane, 'POST', '/attest/combined', request('', 'data')), 'endorsed_tcb', 'endorsements', 'evidence', 'uvm_endorsements');
  const report = Buffer.from(r.evidence, 'base64');
  assert.strictEqual(b64(report), r.evidence);
  assert.ok(report.length === 1184 && report.subarray(0x50, 0x90).equals(reportData('data')));
  assert.strictEqual(r.endorsed_tcb, pkis.TCB.toUpperCase().padStart(16, '0'));
  assert.strictEqual(BigInt(`0x${r.endorsed_tcb}`), report.readBigUInt64LE(0x180));
  const pem = Buffer.from(r.endorsements, 'base64').toString();
  assert.deepStrictEqual(pem.match(/-----BEGIN CERTIFICATE-----/g).length, 3);
  assert.strictEqual(r.uvm_endorsements, fs.readFileSync(path.join(lane.dir, 'security-context/reference-info-base64'), 'utf8').trim());
  // and a token can be had with them, as key management services do
  const guest = new Guest(lane.services);
  const data = '{"a":1}';
  const own = good(await ask(lane, 'POST', '/attest/combined', request('', data)), 'endorsed_tcb', 'endorsements', 'evidence', 'uvm_endorsements');
  guest.runtime = data;
  const token = await guest.token({ report: Buffer.from(own.evidence, 'base64'), chain: Buffer.from(own.endorsements, 'base64'), cose: [Buffer.from(own.uvm_endorsements, 'base64')] });
  assert.deepStrictEqual(jose.split(token).payload['x-ms-runtime'], { a: 1 });
});

test('POST /attest/maa: a token of the service that the caller names, over the caller\'s data', async (t) => {
  const { token } = good(await ask(lane, 'POST', '/attest/maa', request('/attest/maa', '{"user-data":"x"}')), 'token');
  const claims = jose.split(token).payload;
  assert.deepStrictEqual(claims['x-ms-runtime'], { 'user-data': 'x' });
  assert.strictEqual(claims['x-ms-sevsnpvm-reportdata'], reportData('{"user-data":"x"}').toString('hex'));
  assert.strictEqual(claims.iss, lane.services.addresses.maa);
  // The service of the settings plays no part.
  const other = await sidecar({ settings: { SKR_MAA_ENDPOINT: 'elsewhere.localhost' } });
  t.after(() => other.stop());
  other.party.settings.SKR_MAA_ENDPOINT = `elsewhere.localhost:${maaHostOf(other).split(':')[1]}`; // outgoing ports are those of the settings
  await other.restart();
  good(await ask(other, 'POST', '/attest/maa', { maa_endpoint: maaHostOf(other), runtime_data: b64('{}') }), 'token');
});
const maaHostOf = (l) => bare(l.services.addresses.maa);

test('POST /key/release: the whole key, as a JWK in a string, and it is not kept', async () => {
  const ops = ['sign', 'decrypt'];
  const rsa = await imported('sidecar-rsa', generated('rsa', { modulusLength: 3072 }), { ops });
  const jwk = JSON.parse(keyIn(await ask(lane, 'POST', '/key/release', wish({ kid: rsa.name }))));
  assert.deepStrictEqual(Object.keys(jwk), ['d', 'dp', 'dq', 'e', 'key_ops', 'kty', 'n', 'p', 'q', 'qi']);
  assert.deepStrictEqual(jwk.key_ops, ops);
  for (const m of ['d', 'dp', 'dq', 'e', 'n', 'p', 'q', 'qi']) assert.strictEqual(jwk[m], rsa.jwk[m], m);
  const secret = crypto.publicEncrypt({ key: crypto.createPublicKey({ key: rsa.jwk, format: 'jwk' }), oaepHash: 'sha256' }, Buffer.from('for the caller'));
  assert.strictEqual(crypto.privateDecrypt({ key: crypto.createPrivateKey({ key: jwk, format: 'jwk' }), oaepHash: 'sha256' }, secret).toString(), 'for the caller');
  // one version of it, and the same key again
  assert.strictEqual(JSON.parse(keyIn(await ask(lane, 'POST', '/key/release', wish({ kid: rsa.kid.split('/keys/')[1] })))).d, rsa.jwk.d);
  for (const [name, curve] of [['p256', 'P-256'], ['p384', 'P-384'], ['p521', 'P-521']]) {
    const ec = await imported(`sidecar-${name}`, generated('ec', { namedCurve: curve }));
    const got = JSON.parse(keyIn(await ask(lane, 'POST', '/key/release', wish({ kid: ec.name }))));
    assert.deepStrictEqual(Object.keys(got).filter((m) => m !== 'key_ops'), ['crv', 'd', 'kty', 'x', 'y']);
    for (const m of ['crv', 'd', 'x', 'y']) assert.strictEqual(got[m], ec.jwk[m], `${curve} ${m}`);
  }
  const k = crypto.randomBytes(32).toString('base64url');
  const oct = await imported('sidecar-oct', { kty: 'oct', k });
  const got = JSON.parse(keyIn(await ask(lane, 'POST', '/key/release', wish({ kid: oct.name }))));
  assert.deepStrictEqual([got.k, got.kty], [k, 'oct']);
  assert.strictEqual((await keyStatus(lane.party)).released, false);
  for (const secretPart of [k, rsa.jwk.d, rsa.jwk.p]) assert.ok(!lane.party.log.includes(secretPart));
});

test('a vault that the caller names, and an access token of the caller\'s', async () => {
  const { services } = lane;
  const vault = services.addresses.vaults.fabrikam, host = bare(vault);
  const { token } = await adminToken(services, 'https://vault.azure.net');
  const stranger = services.addIdentity('stranger');
  services.vaultNamed('fabrikam').grant(services.addresses.clients.admin, 'create', 'import', 'get', 'delete', 'purge');
  const ours = await imported('for-us', generated('rsa', { modulusLength: 2048 }), { vault, token });
  const closed = JSON.parse(JSON.stringify(lane.own.policy).replaceAll(lane.hostData.contoso, lane.hostData.woodgrove));
  const theirs = await imported('for-woodgrove', generated('rsa', { modulusLength: 2048 }), { vault, token, policy: closed });
  // Our identity may not ask there; the caller's may.
  bad(await ask(lane, 'POST', '/key/release', wish({ akv_endpoint: host, kid: ours.name })), 403, 'secure key release failed', /does not have keys release permission.*http response status equal to 403 from fabrikam\.vault/);
  services.vaultNamed('fabrikam').grant(stranger, 'get', 'release');
  const accessToken = await new Guest(services).accessToken(stranger);
  lane.control.clearLog();
  const r = await ask(lane, 'POST', '/key/release', wish({ akv_endpoint: host, kid: ours.name, access_token: accessToken }));
  assert.strictEqual(JSON.parse(keyIn(r)).d, ours.jwk.d);
  assert.deepStrictEqual(lane.control.log({ service: 'fabrikam' }).map((e) => [e.status, e.facts.clientId]), [[200, stranger]]);
  // The vault's policy decides still.
  bad(await ask(lane, 'POST', '/key/release', wish({ akv_endpoint: host, kid: theirs.name, access_token: accessToken })), 403, 'secure key release failed', /release policy.*http response status equal to 403/);
});

test('what is missing or malformed: 400, with the texts of that program', async () => {
  const said = (name) => `Key: '${name}' Error:Field validation for '${name.split('.')[1]}' failed on the 'required' tag`;
  for (const route of localRoutes.filter((r) => r.method === 'POST')) {
    const post = (body, options) => ask(lane, 'POST', route.path, body, options);
    for (const body of [undefined, '', '  \n']) bad(await post(body), 400, 'invalid request format', 'EOF');
    for (const body of ['{', '[]', 'null', '"x"', '{"runtime_data":"eA=="} x']) bad(await post(body), 400, 'invalid request format', /JSON object/);
    for (const body of [{}, { runtime_data: '', maa_endpoint: null, kid: '' }]) bad(await post(body), 400, 'invalid request format', route.takes.map(said).join('\n'));
    bad(await post(route.takes.length === 1 ? { runtime_data: 5 } : { maa_endpoint: ['x'], runtime_data: 'eA==', akv_endpoint: 'a', kid: 'b' }), 400, 'invalid request format', /not a string/);
    const big = await post(`{"runtime_data":"${'A'.repeat(20000)}"}`);
    assert.strictEqual(big.status, 413);
    assert.deepStrictEqual(Object.keys(big.json), ['error']);
    if (!route.takes.some((n) => n.endsWith('RuntimeData'))) continue;
    for (const data of ['A', 'AAA', '====', '_w==', 'AA AA', 'Ag==A', '%%%%']) bad(await post({ maa_endpoint: 'x', runtime_data: data }), 400, 'decoding base64-encoded runtime data of request failed', /^illegal base64 data/);
    bad(await post({ maa_endpoint: 'x', runtime_data: b64(Buffer.alloc(8193)) }), 400, 'decoding base64-encoded runtime data of request failed', /8192/);
  }
});

test('what services and the device refuse: the one status of that program, and in its text what it was', async () => {
  const release = (more) => ask(lane, 'POST', '/key/release', wish(more));
  const failed = 'secure key release failed';
  for (const more of [{ kid: '../secrets/x' }, { kid: 'a b' }, { kid: 'a/b/c' }, { kid: 'x?y' }, { akv_endpoint: `https://${lane.own.host}` }, { akv_endpoint: 'a/b' }, { maa_endpoint: 'a b' }, { access_token: 'x\r\nHost: y' }]) {
    bad(await release(more), 403, failed, /out of form/);
  }
  bad(await release({ kid: 'no-such-key' }), 403, failed, /http response status equal to 404/);
  bad(await ask(lane, 'POST', '/attest/maa', request('/attest/maa', '{}', { maa_endpoint: 'https://x' })), 403, 'attestation failed', /host or host:port/);
  bad(await ask(lane, 'POST', '/attest/maa', request('/attest/maa', 'no JSON')), 403, 'attestation failed', /http response status equal to 400/);
  lane.control.misbehave({ service: 'maa', mode: 'status', status: 429, retryAfter: 3600, path: '/attest/' });
  bad(await ask(lane, 'POST', '/attest/maa', request('/attest/maa', '{}')), 403, 'attestation failed', /throttling.*http response status equal to 429/);
  bad(await release(), 403, failed, /throttling.*http response status equal to 429/);
  lane.control.clear();
  lane.control.misbehave({ service: 'contoso', mode: 'bad-signature' });
  bad(await release(), 403, failed, /signature is wrong/);
  lane.control.clear();
  // A port that no setting names: refused by the kernel where it can, else by nobody being there.
  const [closed] = await ports.free(1);
  const landlock = Number(/landlock_abi=(\d+)/.exec(lane.party.log)[1]);
  bad(await release({ akv_endpoint: `localhost:${closed}` }), 403, failed, landlock >= 4 ? /confined to the ports of its settings and to 443; remedy: use such a port/ : /nothing listens there/);
});

test('without hardware nothing is made up', async (t) => {
  const none = await sidecar({ box: null });
  t.after(() => none.stop());
  assert.strictEqual((await ask(none, 'GET', '/status')).status, 200);
  for (const { path: target, failed } of localRoutes.filter((r) => r.failed)) {
    bad(await ask(none, 'POST', target, { maa_endpoint: maaHostOf(none), akv_endpoint: none.own.host, kid: none.own.key, runtime_data: 'e30=' }), failed[0], failed[1], /device/i);
  }
});

test('runtime data that could pass for our own evidence or wrapping key are refused', async () => {
  const spki = 'a'.repeat(64);
  const { n, e } = generated('rsa', { modulusLength: 2048 });
  const set = { keys: [{ e, key_ops: ['encrypt'], kid: jose.thumbprint({ n, e }), kty: 'RSA', n }] };
  const texts = [
    { key: '', nonce: 'AAECAwQFBgcICQoLDA0ODw', purpose: 'parley-evidence-1', role: 'contoso', tls_spki_sha256: spki }, { client_data: 'AAAA', purpose: 'parley-attest', role: 'contoso', tls_spki_sha256: spki },
    { purpose: 'parley-peer-1' }, { purpose: 'parley-anything' }, { Purpose: 'parley-attest' }, set, { keys: [] }, { Keys: set.keys }, { a: 1, keys: null },
  ].map((o) => JSON.stringify(o));
  const forms = [
    ...texts, texts[0].replace('purpose', '\\u0070urpose'), texts[0].replace('parley', 'p\\u0061rley'), JSON.stringify(set).replace('keys', 'k\\u0065ys'), `\n ${texts[1]} `, `{"purpose":"x",${texts[0].slice(1)}`,
    `/* a */${texts[5]}`, `\ufeff${texts[5]}`, texts[5].replace(/}$/, ',}'), texts[5].replace('"keys"', 'keys'), texts[5].replace(/"/g, "'"), `${texts[0]}\n//`, Buffer.from(texts[5], 'utf16le'),
    Buffer.from(`\ufeff${texts[0]}`, 'utf16le'), Buffer.from(texts[0], 'utf16le').swap16(), `{"x":"${'[1],'.repeat(500)}",${texts[5].slice(1)}`, `{"deep":${'['.repeat(60)}${']'.repeat(60)},"keys":[]}`,
    Buffer.concat([Buffer.from('{"x":"'), Buffer.from([0xff]), Buffer.from(`",${texts[5].slice(1)}`)]),
  ];
  for (const target of ['/attest/raw', '/attest/combined', '/attest/maa']) {
    for (const data of forms) bad(await ask(lane, 'POST', target, request(target, data)), 400, 'invalid request format', /this program's own/);
  }
});

test('pages of a browser cannot use it: no Origin, no Sec-Fetch-Site, a loopback Host', async () => {
  const foreign = [{ Origin: 'http://localhost' }, { Origin: 'null' }, { 'Sec-Fetch-Site': 'none' }, { 'Sec-Fetch-Site': 'same-origin' }, { Host: 'evil.example' }, { Host: `evil.example:${lane.port}` }, { Host: '127.0.0.1.evil.example' },
    { Host: 'localhost.evil.example' }, { Host: '169.254.169.254' }];
  for (const headers of foreign) {
    for (const { method, path: target } of localRoutes) {
      const r = await ask(lane, method, target, method === 'POST' ? wish({ runtime_data: 'eA==' }) : undefined, { headers });
      assert.strictEqual(r.status, 403, `${JSON.stringify(headers)}: ${r.text}`);
      assert.deepStrictEqual(Object.keys(r.json), ['error']);
      assert.match(r.json.error, /web page/);
    }
  }
  for (const Host of ['localhost', 'LOCALHOST:1', '127.0.0.1', `127.0.0.1:${lane.port}`, '[::1]']) assert.strictEqual((await ask(lane, 'GET', '/status', undefined, { headers: { Host } })).status, 200, Host);
});

test('on this port and address only', async (t) => {
  const open = await sidecar({ settings: { LISTEN: 'all' } });
  t.after(() => open.stop());
  const reaches = (address, port) => new Promise((resolve) => {
    const s = net.connect({ host: address, port }, () => { s.destroy(); resolve(true); }).on('error', () => resolve(false));
  });
  const outside = Object.values(os.networkInterfaces()).flat().filter((a) => !a.internal && a.family === 'IPv4').map((a) => a.address);
  for (const address of ['127.0.0.2', ...outside]) {
    assert.strictEqual(await reaches(address, Number(open.party.settings.HTTP_PORT)), true, address);
    assert.strictEqual(await reaches(address, open.port), false, address);
  }
  // Its routes are nowhere else, and no others are here.
  for (const tls of [true, false]) {
    for (const [method, target] of [['GET', '/status'], ['POST', '/attest/combined'], ['POST', '/key/release']]) {
      assert.strictEqual((await lane.party.request(method, target, { tls, body: method === 'POST' ? wish() : undefined })).status, 404, target);
    }
    const raw = await lane.party.post('/attest/raw', { runtime_data: b64('x') }, { tls });
    assert.deepStrictEqual(Object.keys(raw.json), ['status', 'attestation_report', 'report_hex', 'runtime_data']);
    assert.ok(!Buffer.from(raw.json.report_hex, 'hex').subarray(0x50, 0x90).equals(reportData('x')));
  }
  for (const [method, target] of [['GET', '/health'], ['POST', '/skr/release'], ['GET', '/'], ['GET', '/info'], ['POST', '/login'], ['POST', '/status'], ['GET', '/key/release'], ['OPTIONS', '/key/release'], ['PUT', '/attest/raw']]) {
    const r = await ask(lane, method, target, method === 'GET' ? undefined : '{}', { headers: { Authorization: `Bearer ${lane.party.token}` } });
    assert.deepStrictEqual([r.status, r.text, r.headers['content-type']], [404, '404 page not found', 'text/plain'], `${method} ${target}`);
  }
});

test('off unless it is asked for', async (t) => {
  const off = await solo();
  t.after(() => off.stop());
  await off.start();
  assert.doesNotMatch(off.party.log, /container group/);
  assert.match(lane.party.log, new RegExp(`listening for this container group port=${lane.port}`));
});
