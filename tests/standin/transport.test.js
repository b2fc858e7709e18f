// Misbehaviour at the level of HTTP and TLS, seen from a raw socket; and that every mode there is has been named for a service that does it.
'use strict';
const assert = require('node:assert');
const net = require('net');
const tls = require('tls');
const test = require('node:test');
const { start } = require('./main');
const { CONTENT, TLS, TRANSPORT } = require('./modes');

let s;
test.before(async () => { s = await start(); });
test.after(() => s.stop());
test.afterEach(() => s.control.clear());

// Sends one GET over plain HTTP or TLS and collects what comes until the connection ends: {text, error, ms}.
function raw(url, { limit = 5000, path = '/.well-known/openid-configuration', ...options } = {}) {
  const u = new URL(url);
  const started = Date.now();
  return new Promise((resolve) => {
    const parts = [];
    const done = (error) => resolve({ text: Buffer.concat(parts).toString('latin1'), error, ms: Date.now() - started, bytes: parts.reduce((n, p) => n + p.length, 0) });
    const at = { host: '127.0.0.1', port: Number(u.port) };
    const socket = u.protocol === 'https:' ? tls.connect({ ...at, servername: u.hostname, ca: s.pki.caPem, ...options }) : net.connect(at);
    socket.setTimeout(limit, () => { socket.destroy(); done('timeout'); });
    socket.on('data', (d) => parts.push(d));
    socket.on('error', (e) => done(e.code || e.message));
    socket.on('close', () => done(null));
    socket.write(`GET ${path} HTTP/1.1\r\nHost: ${u.host}\r\nConnection: close\r\n\r\n`);
  });
}
const maa = (options) => raw(s.addresses.maa, options);
const rule = (mode, more = {}) => s.control.misbehave({ service: 'maa', mode, ...more });
const split = ({ text }) => { const i = text.indexOf('\r\n\r\n'); return [text.slice(0, i), text.slice(i + 4)]; };
const stated = (head) => Number(/content-length: (\d+)/i.exec(head)[1]);

const cases = {
  status: async () => {
    rule('status', { status: 429, retryAfter: 3 });
    const [head, body] = split(await maa());
    assert.match(head, /^HTTP\/1\.1 429 [^]*Retry-After: 3/);
    assert.ok(JSON.parse(body).error.code);
    s.control.clear();
    rule('status', { status: 403, body: 'own words' });
    assert.strictEqual(split(await maa())[1], 'own words');
  },
  slow: async () => {
    rule('slow', { ms: 300 });
    const r = await maa();
    assert.ok(r.ms >= 300 && JSON.parse(split(r)[1]).issuer);
    s.control.clear();
    rule('slow', { ms: 1, dripMs: 2, dripBytes: 20 });
    assert.ok(JSON.parse(split(await maa())[1]).issuer);
  },
  stall: async () => {
    rule('stall');
    assert.deepStrictEqual([(await maa({ limit: 400 })).error, (await maa({ limit: 400 })).text], ['timeout', '']);
    s.control.clear();
    rule('stall', { at: 'body' });
    const r = await maa({ limit: 400 });
    assert.ok(r.error === 'timeout' && split(r)[1].length < stated(split(r)[0]));
  },
  cut: async () => {
    rule('cut');
    const [head, body] = split(await maa());
    assert.ok(body.length > 0 && body.length < stated(head));
  },
  reset: async () => {
    rule('reset');
    assert.strictEqual((await maa()).error, 'ECONNRESET');
    s.control.misbehave({ service: 'imds', mode: 'reset' });
    assert.strictEqual((await raw(s.addresses.imds)).error, 'ECONNRESET');
  },
  garbage: async () => {
    rule('garbage');
    const [head, body] = split(await maa());
    assert.match(head, /^HTTP\/1\.1 200 /);
    assert.throws(() => JSON.parse(body));
  },
  'wrong-length': async () => {
    for (const delta of [10, -10]) {
      s.control.clear();
      rule('wrong-length', { delta });
      const [head, body] = split(await maa());
      assert.strictEqual(stated(head) - body.length, delta);
    }
  },
  huge: async () => {
    rule('huge', { bytes: 3 << 20 });
    assert.ok((await maa()).bytes > 3 << 20);
  },
  chunked: async () => {
    rule('chunked', { extension: true, trailer: true });
    const [head, body] = split(await maa());
    assert.match(head, /Transfer-Encoding: chunked/);
    assert.match(body, /^1;a="b"\r\n\{\r\n2;/);
    assert.match(body, /\r\n0\r\nX-Trailer: 1\r\n\r\n$/);
    const r = await s.request({ url: `${s.addresses.maa}/certs` });
    assert.strictEqual(r.json.keys.length, 1);
  },
  redirect: async () => {
    rule('redirect', { location: 'https://fabrikam.vault.localhost/' });
    assert.match(split(await maa())[0], /^HTTP\/1\.1 302 [^]*Location: https:\/\/fabrikam\.vault\.localhost\//);
  },
  'bad-content-type': async () => {
    rule('bad-content-type');
    const [head, body] = split(await maa());
    assert.match(head, /Content-Type: text\/html/);
    assert.ok(JSON.parse(body).issuer);
  },
  'not-http': async () => {
    rule('not-http');
    assert.match((await maa()).text, /^SSH-/);
  },
  'no-length': async () => {
    rule('no-length');
    const [head, body] = split(await maa());
    assert.ok(!/content-length|transfer-encoding/i.test(head) && JSON.parse(body).issuer);
  },
  interim: async () => {
    rule('interim', { times: 2 });
    assert.match((await maa()).text, /^HTTP\/1\.1 103 [^]*HTTP\/1\.1 103 [^]*HTTP\/1\.1 200 /);
  },
};
for (const mode of TRANSPORT) test(`transport: ${mode}`, cases[mode] || (() => assert.fail('this mode has no test')));

const tlsError = { 'tls-untrusted': /SELF_SIGNED|UNABLE/, 'tls-expired': 'CERT_HAS_EXPIRED', 'tls-wrong-host': 'ERR_TLS_CERT_ALTNAME_INVALID' };
for (const mode of TLS) {
  test(`TLS: ${mode}, for one connection`, async () => {
    rule(mode, { count: 1 });
    assert.match((await maa()).error || '', new RegExp(tlsError[mode]));
    assert.match((await maa()).text, /^HTTP\/1\.1 200 /);
  });
}

test('a client that speaks TLS 1.2 alone is served; one that refuses is seen in the log', async () => {
  assert.match((await maa({ maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES256-GCM-SHA384' })).text, /^HTTP\/1\.1 200 /);
  s.control.clearLog();
  await maa({ ca: s.pki.text('rogue.pem') });
  await new Promise((r) => setTimeout(r, 50));
  assert.ok(s.control.log({ service: 'maa' }).some((e) => e.tlsError));
});

test('rules: by path, method, service, count and skip; unknown ones are refused', async () => {
  const get = async (path) => (await s.request({ url: s.addresses.maa + path })).status;
  rule('status', { status: 500, path: '/certs', skip: 1, count: 2 });
  assert.deepStrictEqual([await get('/certs'), await get('/.well-known/openid-configuration'), await get('/certs'), await get('/certs'), await get('/certs')], [200, 200, 500, 500, 200]);
  s.control.clear();
  rule('status', { status: 500, method: 'POST' });
  s.control.misbehave({ service: 'kds', mode: 'status', status: 500 });
  assert.strictEqual(await get('/certs'), 200);
  s.control.misbehave({ service: '*', mode: 'status', status: 502, path: '^/ce.ts$' });
  assert.strictEqual(await get('/certs'), 502);
  for (const bad of [null, {}, { service: 'maa' }, { service: 'maa', mode: 'nothing' }]) assert.throws(() => s.control.misbehave(bad));
});

test('the same by HTTP: POST, GET, DELETE of /control and /log', async () => {
  const call = (method, path, body) => s.request({ url: s.addresses.control + path, method, body });
  assert.strictEqual((await call('POST', '/control', { service: 'maa', mode: 'status', status: 503, count: 1 })).status, 200);
  assert.strictEqual((await s.request({ url: `${s.addresses.maa}/certs` })).status, 503);
  assert.strictEqual((await call('GET', '/control')).json[0].hits, 1);
  await call('DELETE', '/log');
  await s.request({ url: `${s.addresses.maa}/certs?x=1` });
  const [e] = (await call('GET', '/log?service=maa')).json;
  assert.deepStrictEqual([e.service, e.method, e.path, e.query, e.status], ['maa', 'GET', '/certs', '?x=1', 200]);
  assert.strictEqual((await call('DELETE', '/control')).status, 200);
  assert.deepStrictEqual((await call('GET', '/control')).json, []);
  assert.strictEqual((await call('POST', '/control', { service: 'maa', mode: 'nonsense' })).status, 400);
  assert.strictEqual((await call('POST', '/nowhere', {})).status, 404);
  const { vaults } = (await call('POST', '/vault', { name: 'wingtip' })).json;
  assert.strictEqual((await s.request({ url: `${vaults.wingtip}/keys/x?api-version=7.4` })).status, 401);
  const { clientId } = (await call('POST', '/identity', { name: 'wingtip' })).json;
  assert.strictEqual((await call('POST', '/access', { vault: 'wingtip', clientId, permissions: ['get'] })).status, 200);
  const { imds } = (await call('POST', '/imds', { clientIds: [clientId] })).json;
  assert.strictEqual((await s.request({ url: `${imds}/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fvault.azure.net`, headers: { Metadata: 'true' } })).json.client_id, clientId);
  assert.strictEqual((await call('POST', '/platform', { tcb: '7308000000000003' })).json.tcb, '7308000000000003');
  assert.strictEqual((await s.request({ url: `${s.addresses.imds}/metadata/THIM/amd/certification`, headers: { Metadata: 'true' } })).json.tcbm, '7308000000000003');
});

test('a body beyond the limit is refused', async () => {
  const r = await s.request({ url: `${s.addresses.maa}/attest/SevSnpVM?api-version=2020-10-01`, method: 'POST', body: Buffer.alloc(2 << 20), headers: { 'Content-Type': 'application/json' } });
  assert.strictEqual(r.status, 413);
});

// Every content mode has a test elsewhere that asks for it by name.
test('no content mode is without a test', () => {
  const fs = require('fs');
  const text = ['maa', 'identity', 'vault'].map((f) => fs.readFileSync(`${__dirname}/${f}.test.js`, 'utf8')).join('');
  for (const mode of new Set(Object.values(CONTENT).flat())) assert.ok(new RegExp(`['" ]${mode}['":]|${mode}:`).test(text), mode);
});
