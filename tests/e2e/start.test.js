// Starting and going on: what is not there yet is waited for, and /readyz and the log say for what; what the platform injects is lived with;
// and each failure is told by its true cause, in one line.
'use strict';
const assert = require('node:assert');
const { spawn } = require('child_process');
const crypto = require('crypto');
const fs = require('fs');
const http = require('http');
const net = require('net');
const path = require('path');
const { describe, test } = require('node:test');
const ports = require('../world/ports');
const { World } = require('../world/world');
const { solo, scratch, release, keyStatus, newPeer, upload, assertFault, assertReleased, ROOT, PARLEY, sleep } = require('./lib');

const FIELD = path.join(path.resolve(ROOT, process.env.PARLEY_VECTORS || '../shared/vectors'), 'field');
const noField = fs.existsSync(FIELD) ? false : 'no vectors (PARLEY_VECTORS)';
const fieldRule = (name) => JSON.parse(fs.readFileSync(path.join(FIELD, 'azure', name)));
const fieldEnv = (name) => Object.fromEntries(fs.readFileSync(path.join(FIELD, 'env', name), 'utf8').trim().split('\n').map((l) => [l.slice(0, l.indexOf('=')), l.slice(l.indexOf('=') + 1)]));

async function lane(t, options, change) {
  const l = await solo(options);
  if (change) Object.assign(l.party.settings, await change(l));
  t.after(() => l.stop());
  return l;
}
const readyz = async (party) => (await party.get('/readyz', { auth: false })).json;
const waits = async (party, name) => ((await readyz(party)).waiting || []).find((w) => w.for === name);
// Until a step has failed at least that often; -> how it then is.
async function failing(party, name, tries = 1) {
  let step;
  await party.until(`${tries} failures of ${name}`, async () => { step = await waits(party, name); return step && step.tries >= tries; });
  return step;
}
const keyComes = (party) => party.until('its key, by itself', async () => (await keyStatus(party)).released, 30000);
const linesWith = (party, what) => party.log.split('\n').filter((l) => what.test(l));

// A listener at a port, which hands on to another.
function relay(port, to) {
  const sockets = new Set();
  const server = net.createServer((a) => {
    const b = net.connect(to, '127.0.0.1');
    for (const s of [a, b]) { sockets.add(s); s.on('error', () => {}).on('close', () => { a.destroy(); b.destroy(); }); }
    a.pipe(b);
    b.pipe(a);
  });
  return new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve(() => { server.close(); for (const s of sockets) s.destroy(); })));
}

describe('what is not there yet', { concurrency: 4 }, () => {
  test('the identity endpoint comes up after the container', async (t) => {
    const [port] = await ports.free(1);
    const l = await lane(t, { settings: { AUTO_INIT: 'on' } }, () => ({ IMDS_ENDPOINT: `http://127.0.0.1:${port}` }));
    await l.start();
    const step = await failing(l.party, 'own_key', 2);
    assert.deepStrictEqual([step.step, step.error], ['managed_identity', 'connect'], JSON.stringify(step));
    assert.match(step.since, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000000Z$/);
    assert.match(step.likely_cause, /nothing listens there/);
    assert.ok(step.solution && step.next_try_in_seconds <= 60);
    const r = await l.party.get('/readyz');
    assert.deepStrictEqual([r.status, r.json.status, r.json.own_key], [503, 'not_ready', false]);
    assert.ok(r.json.waiting.some((w) => w.for === 'import' && w.tries === 0), r.text);
    t.after(await relay(port, Number(new URL(l.own.imds).port)));
    await keyComes(l.party);
    await l.party.hasRecords();
    await l.party.until('nothing to wait for', async () => !('waiting' in await readyz(l.party)));
    assert.strictEqual((await l.party.get('/readyz')).status, 200);
    // One line when it failed, one when it worked: not one for each try.
    assert.strictEqual(linesWith(l.party, /own key: release FAILED/).length, 1, l.party.log);
    assert.strictEqual(linesWith(l.party, /error=connect/).length, 1, l.party.log);
    assert.match(l.party.log, /SUCCESS: key released/);
    assert.deepStrictEqual(await l.party.stop(), { code: 0, signal: null });
  });

  test('the role is assigned later', async (t) => {
    const l = await lane(t, { settings: { AUTO_INIT: 'on' } });
    l.vault.revoke(l.own.clientId);
    await l.start();
    const step = await failing(l.party, 'own_key', 2);
    assert.deepStrictEqual([step.step, step.error, step.http_status], ['key_release', 'denied', 403]);
    assert.match(step.likely_cause, /access policy/);
    assert.ok(!JSON.stringify(step).includes(l.own.clientId), "the vault's own words are not public");
    l.vault.grant(l.own.clientId, 'release');
    await keyComes(l.party);
  });

  test('the release policy is mended later; another reason is logged, the same one is not', async (t) => {
    const l = await lane(t, { settings: { AUTO_INIT: 'on' } });
    const rule = (code, message) => ({ service: 'contoso', path: '/keys', mode: 'status', status: 403, body: JSON.stringify({ error: { code: 'Forbidden', message, innererror: { code } } }) });
    l.control.misbehave(rule('AccessDenied', 'Target environment attestation does not meet key release policy requirements.'));
    await l.start();
    await failing(l.party, 'own_key', 2);
    l.control.clear();
    l.control.misbehave(rule('KeyDisabled', 'Operation release is not allowed on a disabled key.'));
    await l.party.until('the other reason', async () => /disabled/.test(((await waits(l.party, 'own_key')) || {}).likely_cause));
    await l.party.until('its line', () => /code=Forbidden\/KeyDisabled/.test(l.party.log));
    const lines = linesWith(l.party, /own key: release FAILED/);
    assert.deepStrictEqual(lines.map((x) => /code=Forbidden\/(\w+)/.exec(x)[1]), ['AccessDenied', 'KeyDisabled'], l.party.log);
    l.control.clear();
    await keyComes(l.party);
  });

  test('an operator is faster; SIGTERM is not waited for', async (t) => {
    const l = await lane(t, { settings: { AUTO_INIT: 'on' } });
    l.vault.revoke(l.own.clientId);
    await l.start();
    await failing(l.party, 'own_key');
    assertFault(await release(l.party), { status: 403, step: 'key_release', http_status: 403 });
    assert.ok(await waits(l.party, 'own_key'), 'a failure of the operator changes nothing');
    const from = Date.now();
    assert.deepStrictEqual(await l.party.stop(), { code: 0, signal: null });
    assert.ok(Date.now() - from < 3000, 'stopped at once');
    await l.start();
    await failing(l.party, 'own_key', 3); // the next try is some seconds away
    l.vault.grant(l.own.clientId, 'release');
    assertReleased(await release(l.party));
    await l.party.hasRecords();
    const asked = () => l.control.log({ service: 'contoso' }).length;
    const before = asked();
    await sleep(12000);
    assert.strictEqual(asked(), before, 'no key is asked for that is there');
    assert.strictEqual(await waits(l.party, 'own_key'), undefined);
  });

  test("partners' keys, while the own one is there", async (t) => {
    const w = await World.make({ dir: scratch('start'), grantAll: true });
    t.after(() => w.stop());
    const vault = w.services.vaultNamed('contoso', 'vault');
    const { clientId } = w.provisioned.parties.woodgrove;
    vault.revoke(clientId);
    w.woodgrove.start();
    await w.woodgrove.listening();
    const step = await failing(w.woodgrove, 'contoso_key', 2);
    assert.deepStrictEqual([step.step, step.error], ['key_release', 'denied']);
    const r = await w.woodgrove.get('/readyz');
    assert.deepStrictEqual([r.status, r.json.own_key, r.json.contoso_key, r.json.fabrikam_key], [200, true, false, true]);
    vault.grant(clientId, 'release');
    await w.woodgrove.hasPartnerKeys();
  });

  test('the data come later', async (t) => {
    const l = await lane(t, { settings: { AUTO_INIT: 'on' } }, (x) => ({ CSV_PATH: path.join(x.dir, 'later.csv') }));
    await l.start();
    const step = await failing(l.party, 'import', 2);
    assert.deepStrictEqual([step.step, step.error], ['storage', 'not_found']);
    assert.strictEqual(linesWith(l.party, /FAILED: data not imported/).length, 1);
    fs.writeFileSync(l.party.settings.CSV_PATH, 'name,age\nA,1\n');
    await l.party.until('its records', () => /data encrypted/.test(l.party.log)); // not hasRecords: it takes a failure for final
    assert.strictEqual((await l.party.get('/company/encrypted-status')).json.record_count, 1);
  });

  test("an operator's import is not replaced by the one that failed", async (t) => {
    const l = await lane(t, { settings: { AUTO_INIT: 'on' } }, (x) => ({ CSV_PATH: path.join(x.dir, 'later.csv') }));
    await l.start();
    await failing(l.party, 'import');
    assert.strictEqual((await upload(l.party, 'name,age\nA,1\nB,2\n')).json.total_records, 2);
    fs.writeFileSync(l.party.settings.CSV_PATH, 'name,age\nC,3\n');
    await l.party.until('nothing to wait for', async () => !('waiting' in await readyz(l.party)));
    assert.strictEqual((await l.party.get('/company/encrypted-status')).json.record_count, 2);
  });

  test('AUTO_INIT=off: nothing is waited for, and what to do is said', async (t) => {
    const l = await (await lane(t)).start();
    const r = await l.party.get('/readyz');
    assert.deepStrictEqual([r.status, 'waiting' in r.json], [503, false]);
    assert.match(r.json.message, /AUTO_INIT is off: POST \/skr\/release/);
  });
});

describe('true causes', { concurrency: 4 }, () => {
  const vaultSays = (status, code, inner, message) => ({ service: 'contoso', path: '/keys', mode: 'status', status, body: JSON.stringify({ error: { code, message, ...(inner ? { innererror: { code: inner } } : {}) } }) });
  // cause, remedy
  const denials = {
    'the release policy': [vaultSays(403, 'Forbidden', 'AccessDenied', 'Target environment attestation does not meet key release policy requirements.'), /release policy/, /release policy/],
    'public access is off': [vaultSays(403, 'Forbidden', 'ForbiddenByConnection', 'Public network access is disabled.'), /public network access is off/, /private endpoint/],
    'the firewall': [vaultSays(403, 'Forbidden', 'ForbiddenByFirewall', 'Client address is not authorized.'), /firewall/, /networking settings/],
    'no role': [vaultSays(403, 'Forbidden', 'ForbiddenByRbac', 'Caller is not authorized to perform action on resource.'), /no role/, /Crypto Service Release User/],
    'no access policy': [vaultSays(403, 'Forbidden', 'ForbiddenByPolicy', 'The user does not have keys release permission.'), /access policy/, /permission Release/],
    'a disabled key': [vaultSays(403, 'Forbidden', 'KeyDisabled', 'Operation release is not allowed on a disabled key.'), /disabled/, /enable it/],
    'an expired key': [vaultSays(403, 'Forbidden', 'KeyExpired', 'Operation release is not allowed on an expired key.'), /expiration date/, /expiration date/],
    'a code that nobody knows': [vaultSays(403, 'Forbidden', 'ForbiddenByMoon', 'Not at full moon.'), /does not know, see its message/, /look up the code/],
    'a deleted key': [vaultSays(409, 'Conflict', 'ObjectIsDeletedButRecoverable', 'x'), /deleted/, /recover/],
  };
  test('each refusal of the vault; the release policy is blamed for its own alone', async (t) => {
    const l = await (await lane(t)).start();
    for (const [name, [rule, cause, remedy]] of Object.entries(denials)) {
      l.control.misbehave({ ...rule, count: 1 });
      const r = await release(l.party);
      assertFault(r, { step: 'key_release', http_status: rule.status }, name);
      assert.match(r.json.diagnosis.likely_cause, cause, name);
      assert.match(r.json.diagnosis.solution, remedy, name);
      if (name !== 'the release policy') assert.doesNotMatch(r.text, /release policy/i, name);
    }
  });
  for (const [file, cause] of [['k01-connection.json', /public network access/], ['k01-disabled.json', /disabled/], ['k01-policy.json', /release policy/]]) {
    test(`field: ${file}`, { skip: noField }, async (t) => {
      const l = await (await lane(t)).start();
      l.control.misbehave(fieldRule(file));
      const r = await release(l.party);
      assertFault(r, { status: 403, step: 'key_release', error: 'denied', http_status: 403 });
      assert.match(r.json.diagnosis.likely_cause, cause);
      assert.strictEqual(/release policy/i.test(JSON.stringify(r.json.diagnosis)), file === 'k01-policy.json', r.text);
      assert.ok(!/[\r\n]|\?\?/.test(r.json.message), r.json.message);
    });
  }

  const page = `<!DOCTYPE html>\n<html><head><title>403 Forbidden</title><style>${'p{}'.repeat(3000)}</style></head>\r\n<body>\r\n<h1>Blocked by\tproxy</h1>${'<p>x</p>'.repeat(9000)}`;
  const texts = {
    'plain text': ['Forbidden', /^the service refused with status 403: Forbidden$/],
    'several lines': ['one\r\n\r\n  two\n\tthree\n', /: one two three$/],
    'a page': [page, /: 403 Forbidden Blocked by proxy x x [x ]*x ?\.\.\.$/],
    nothing: ['', /: \(empty answer\)$/],
    bytes: [Buffer.from(Array.from({ length: 256 }, (_, i) => i)).toString('latin1'), /: .{1,400}$/],
    escapes: ['\u001b[2Jgone\u0007', /: \?\[2Jgone\?$/],
    'another JSON': ['{"fault": {"faultstring": "Policy"}}', /: \{"fault": \{"faultstring": "Policy"\}\}$/],
    'half a JSON': ['{"error": {"code": "Forb', /: \{"error": \{"code": "Forb$/],
  };
  const from = {
    vault: [{ service: 'contoso', path: '/keys' }, release, 'key_release'],
    maa: [{ service: 'maa', path: '/attest' }, (p) => p.post('/attest/maa', { runtime_data: 'AAAA' }, { localAddress: newPeer() }), 'attestation'],
    imds: [{ service: 'imds', path: '/metadata/identity' }, release, 'managed_identity'],
    thim: [{ service: 'imds', path: '/metadata/THIM' }, (p) => p.post('/attest/maa', { runtime_data: 'AAAA' }, { localAddress: newPeer() }), 'platform_certificates'],
  };
  for (const [service, [rule, ask, step]] of Object.entries(from)) {
    test(`${service}: an error that is no JSON is shown in one clean line`, async (t) => {
      const l = await (await lane(t, { context: null })).start();
      for (const [name, [body, want]] of Object.entries(texts)) {
        l.control.misbehave({ ...rule, mode: 'status', status: 403, body, headers: { 'Content-Type': 'text/plain' } });
        const r = await ask(l.party);
        assertFault(r, { step, http_status: 403 }, name);
        assert.match(r.json.message, want, name);
        assert.match(r.json.message, /^[\x20-\x7e]{1,511}$/, name);
        assert.doesNotMatch(r.text, /no message/);
        l.control.clear();
      }
    });
  }
  for (const [file, status, want] of [['k05-plain-403.json', 403, /status 403: Forbidden$/], ['k05-proxy-error.json', 500, /status 500: A socket operation was attempted to an unreachable network 169\.254\.169\.254:80$/]]) {
    test(`field: ${file}`, { skip: noField }, async (t) => {
      const l = await (await lane(t)).start();
      l.control.misbehave({ ...fieldRule(file), retryAfter: 3600 });
      const r = await release(l.party);
      assertFault(r, { step: 'managed_identity', http_status: status });
      assert.match(r.json.message, want);
    });
  }
});

describe('what the platform injects', { concurrency: 3 }, () => {
  // The party with such an environment, until it listens or ends. -> {code, log}
  async function startWith(t, env, more = {}) {
    const dir = scratch('env');
    fs.mkdirSync(dir, { recursive: true });
    const child = spawn(PARLEY, [], { env: { ...env, DATA_DIR: dir, HTTP_PORT: '0', HTTPS_PORT: 'off', LISTEN: 'loopback', AUTO_INIT: 'off', ...more }, stdio: ['ignore', 'pipe', 'pipe'] });
    let log = '';
    for (const s of [child.stdout, child.stderr]) s.on('data', (d) => { log += d; });
    const ended = new Promise((resolve) => child.on('close', (code) => resolve(code)));
    t.after(() => child.kill('SIGKILL'));
    for (let i = 0; i < 200 && child.exitCode === null && !/system calls confined/.test(log); i++) await sleep(50);
    if (child.exitCode === null) child.kill('SIGTERM');
    return { code: await ended, log };
  }
  const base = { SKR_KEY_NAME: 'contoso-secret-key', SKR_AKV_ENDPOINT: 'contoso.vault.azure.net' };

  test('two identity endpoints: IDENTITY_ENDPOINT is taken, and it is said', async (t) => {
    const two = { IDENTITY_ENDPOINT: 'http://169.254.128.1:2377/metadata/identity/oauth2/token?api-version=1.0', APP_IDENTITY_ENDPOINT: 'http://localhost:2377/metadata/identity/oauth2/token?api-version=1.0', IDENTITY_HEADER: 'a.secret.b' };
    for (const env of [{ ...base, ...two }, { ...base, ...Object.fromEntries(Object.entries(two).reverse()) }]) {
      const { code, log } = await startWith(t, env);
      assert.strictEqual(code, 0, log);
      assert.match(log, /IDENTITY_ENDPOINT is used; APP_IDENTITY_ENDPOINT, which differs, is not/);
      assert.match(log, /access tokens come from IDENTITY_ENDPOINT=http:\/\/169\.254\.128\.1:2377\/metadata\/identity\/oauth2\/token\n/);
      assert.ok(!log.includes('a.secret.b'));
    }
  });
  test('field: e01-two-endpoints.env', { skip: noField }, async (t) => {
    const { code, log } = await startWith(t, fieldEnv('e01-two-endpoints.env'));
    assert.strictEqual(code, 0, log);
    assert.match(log, /access tokens come from IDENTITY_ENDPOINT=/);
  });
  test("services' variables, also of services called like a setting; one of ours misspelt still ends the start", async (t) => {
    const foreign = {
      KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_PORT_443_TCP: 'tcp://10.0.0.1:443', PARLEY_SERVICE_HOST: '10.0.0.2', PARLEY_PORT: 'tcp://10.0.0.2:443', PEER_SERVICE_HOST: '10.0.0.3', PEER_SERVICE_PORT: '8443',
      PEER_SERVICE_PORT_PEER: '8443', PEER_PORT: 'tcp://10.0.0.3:8443', PEER_PORT_8443_TCP: 'tcp://10.0.0.3:8443', PEER_PORT_8443_TCP_PROTO: 'tcp', PEER_PORT_8443_TCP_PORT: '8443', PEER_PORT_8443_TCP_ADDR: '10.0.0.3',
      PARTNER_CONTOSO_SERVICE_HOST: '10.0.0.4', PARTNER_CONTOSO_PORT: 'tcp://10.0.0.4:443', SKR_PORT_8080_TCP_ADDR: '10.0.0.5', IDENTITY_SERVER_THUMBPRINT: 'AB', IDENTITY_API_VERSION: '2019-07-01-preview',
      Fabric_NodeName: 'x', MSI_ENDPOINT: 'http://x', MSI_SECRET: 'y', HOSTNAME: 'SandboxHost-1',
    };
    const { code, log } = await startWith(t, { ...base, ...foreign });
    assert.strictEqual(code, 0, log);
    assert.match(log, /PEER_PORT: a service variable of Kubernetes, not the setting: not used/);
    for (const wrong of [{ PEER_PROT: '8443' }, { PARTNER_CONTOSO_SERVICE: 'x' }, { SKR_PORT: '8080' }, { PEER_PORT: 'http://10.0.0.1' }]) {
      const r = await startWith(t, { ...base, ...wrong });
      assert.strictEqual(r.code, 2, r.log);
      assert.match(r.log, new RegExp(`^parley: ${Object.keys(wrong)[0]}: `));
    }
  });
  test('an identity endpoint that carries no token: said, not used', async (t) => {
    const { code, log } = await startWith(t, { ...base, IDENTITY_ENDPOINT: 'http://10.0.0.4:2377/token', IDENTITY_HEADER: 'h' });
    assert.strictEqual(code, 0, log);
    assert.match(log, /IDENTITY_ENDPOINT: expected an https URL .*got "http:\/\/10\.0\.0\.4:2377\/token": not used/);
    assert.match(log, /access tokens come from IMDS_ENDPOINT=http:\/\/169\.254\.169\.254\n/);
  });

  const queries = {
    'a version and an id': ['?api-version=1.0&principalId=0000', { 'api-version': ['1.0'], principalId: ['0000'] }],
    'no query': ['', { 'api-version': ['2019-08-01'] }],
    'an empty one': ['?', { 'api-version': ['2019-08-01'] }],
    'no version': ['?principalId=0000', { 'api-version': ['2019-08-01'], principalId: ['0000'] }],
    'two versions': ['?api-version=1.0&x=1&api-version=2.0&API-VERSION=3', { 'api-version': ['1.0'], x: ['1'], 'API-VERSION': [] }],
    "a resource of its own": ['?resource=https%3A%2F%2Fgraph.example&api-version=1.0&&', { 'api-version': ['1.0'] }],
    'a client id, and ours': ['?client_id=theirs&api-version=1.0', { 'api-version': ['1.0'], client_id: ['ours'] }, { AZURE_CLIENT_ID: 'ours' }],
    'a client id alone': ['?client_id=theirs', { 'api-version': ['2019-08-01'], client_id: ['theirs'] }],
  };
  test("the endpoint's query is kept, and one api-version is sent", async (t) => {
    const seen = [];
    const server = http.createServer((req, res) => { seen.push(req); res.writeHead(403, { 'Content-Type': 'text/plain' }).end('no'); });
    await new Promise((r) => server.listen(0, '127.0.0.1', r));
    t.after(() => server.close());
    const at = `http://127.0.0.1:${server.address().port}/metadata/identity/oauth2/token`;
    const l = await lane(t, {}, () => ({ IDENTITY_HEADER: 'h' }));
    for (const [name, [query, want, more]] of Object.entries(queries)) {
      delete l.party.settings.AZURE_CLIENT_ID;
      Object.assign(l.party.settings, { IDENTITY_ENDPOINT: at + query }, more);
      await l.start();
      assertFault(await release(l.party), { step: 'managed_identity', http_status: 403 }, name);
      await l.party.stop();
      const url = new URL(seen.pop().url, 'http://x');
      assert.strictEqual(url.pathname, '/metadata/identity/oauth2/token');
      for (const [k, v] of Object.entries({ resource: ['https://vault.azure.net'], ...want })) assert.deepStrictEqual(url.searchParams.getAll(k), v, `${name}: ${url.search}`);
    }
  });
});

test('/decrypt of bytes that are no text', async (t) => {
  const l = await (await lane(t)).start();
  const { key } = (await release(l.party)).json;
  const publicKey = crypto.createPublicKey({ key: { kty: key.kty, n: key.n, e: key.e }, format: 'jwk' });
  const seal = (data) => crypto.publicEncrypt({ key: publicKey, padding: crypto.constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }, data).toString('base64');
  const ask = (data) => l.party.post('/decrypt', { ciphertext: seal(data) }, { localAddress: newPeer() });
  for (const data of [Buffer.from([0xff, 0xfe, 0, 1]), Buffer.from('gr\xfcn', 'latin1'), Buffer.from([0xc3]), Buffer.from([0xed, 0xa0, 0x80]), crypto.randomBytes(190)]) {
    const r = await ask(data);
    assert.strictEqual(r.status, 200, r.text);
    assert.deepStrictEqual([r.json.plaintext, r.json.plaintext_base64, r.json.plaintext_length], [null, data.toString('base64'), data.length], r.text);
  }
  for (const text of ['grün', 'a\u0000b\u001f"\\', '€']) {
    const r = await ask(Buffer.from(text));
    assert.deepStrictEqual([r.status, r.json.plaintext, r.json.plaintext_length, 'plaintext_base64' in r.json], [200, text, [...text].length, false], r.text);
  }
});
