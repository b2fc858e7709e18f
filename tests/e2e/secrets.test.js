// After a request of a route that carries a secret, nothing of it is left in the server's memory: the column `secret` of the tables of routes
// (src/lib/http/site.h), held to what a debugger would find.
'use strict';
const assert = require('node:assert');
const { after, before, test } = require('node:test');
const crypto = require('crypto');
const fs = require('fs');
const http = require('http');
const { tableOf } = require('../contract/contract');
const { adminToken, putKey } = require('../standin/provision');
const ports = require('../world/ports');
const { PARLEY } = require('../world/party');
const { solo, bare, release, newPeer, sleep } = require('./lib');
const { scan } = require('./raw');

const GONE_MS = 30000; // a connection lingers for a second, and the search takes seconds on a busy machine

let lane, port, pid, admin;
before(async () => {
  [port] = await ports.free(1);
  lane = await solo({ kind: 'hsm', settings: { SIDECAR_PORT: String(port) } });
  await lane.start();
  const r = await release(lane.party);
  assert.strictEqual(r.status, 200, r.text);
  admin = (await adminToken(lane.services, 'https://managedhsm.azure.net')).token;
  pid = server();
});
after(() => lane.stop());

// The process that runs the program: snpbox's child.
function server() {
  const children = fs.readFileSync(`/proc/${lane.party.child.pid}/task/${lane.party.child.pid}/children`, 'latin1').trim().split(' ');
  const found = children.filter((p) => { try { return fs.realpathSync(`/proc/${p}/exe`) === fs.realpathSync(PARLEY); } catch { return false; } });
  assert.strictEqual(found.length, 1, `children of snpbox: ${children}`);
  return Number(found[0]);
}

let n = 0;
const canary = (what) => `canary-${what}-${++n}-${crypto.randomBytes(12).toString('hex')}`;
const post = (target, body, options) => lane.party.post(target, body, { localAddress: newPeer(), ...options });

function local(target, body) {
  const text = JSON.stringify(body);
  return new Promise((resolve, reject) => {
    http.request({ host: '127.0.0.1', port, method: 'POST', path: target, agent: false, headers: { Host: `localhost:${port}`, 'Content-Length': Buffer.byteLength(text) } }, (res) => {
      const parts = [];
      res.on('data', (d) => parts.push(d)).on('error', reject).on('end', () => resolve({ status: res.statusCode, text: Buffer.concat(parts).toString() }));
    }).on('error', reject).end(text);
  });
}

async function gone(secrets) {
  const end = Date.now() + GONE_MS;
  let found;
  while ((found = scan(pid, secrets)).length && Date.now() < end) await sleep(100);
  assert.deepStrictEqual(found, []);
}

// -> the secrets that this request carried, there or back. Each route once as it should be, and on its ways out with an error.
const cases = {
  'POST /login': [
    async (tls) => {
      const r = await post('/login', { token: lane.party.token }, { auth: false, tls });
      assert.strictEqual(r.status, 200, r.text);
      return [lane.party.token, /=([A-Za-z0-9_-]{43});/.exec(r.headers['set-cookie'][0])[1]];
    },
    async (tls) => {
      const token = canary('wrong-token');
      assert.strictEqual((await post('/login', { token }, { auth: false, tls })).status, 401);
      return [token];
    },
  ],
  'POST /encrypt': [
    async (tls) => {
      const plaintext = canary('encrypt');
      assert.strictEqual((await post('/encrypt', { plaintext }, { tls })).status, 200);
      return [plaintext];
    },
    async (tls) => {
      const mark = canary('too-long');
      assert.strictEqual((await post('/encrypt', { plaintext: mark.repeat(100) }, { tls })).status, 400);
      return [mark];
    },
  ],
  'POST /decrypt': [
    async (tls) => {
      const plaintext = canary('decrypt');
      const { ciphertext } = (await post('/encrypt', { plaintext }, { tls })).json;
      const r = await post('/decrypt', { ciphertext }, { tls });
      assert.strictEqual(r.json.plaintext, plaintext, r.text);
      return [plaintext];
    },
  ],
  'POST /company/save': [
    async (tls) => {
      const [name, phone] = [canary('name'), canary('phone')];
      assert.strictEqual((await post('/company/save', { name, phone }, { tls })).status, 200);
      return [name, phone];
    },
    async (tls) => {
      const [name, phone] = [canary('name'), canary('phone')];
      assert.strictEqual((await post('/company/save', { name, phone: phone.repeat(200) }, { tls })).status, 400);
      return [name, phone];
    },
  ],
  'POST /company/populate': [
    async (tls) => {
      const [name, city] = [canary('csv-name'), canary('csv-city')];
      const r = await post('/company/populate', `name,city\n${name},${city}\n`, { tls, headers: { 'Content-Type': 'text/csv' } });
      assert.strictEqual(r.status, 200, r.text);
      return [name, city];
    },
    async (tls) => {
      const name = canary('csv-bad');
      assert.strictEqual((await post('/company/populate', `name,city\n${name}\n"${name}`, { tls, headers: { 'Content-Type': 'text/csv' } })).status, 400);
      return [name];
    },
  ],
  'POST /key/release': [
    async () => {
      const jwk = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });
      const key = canary('key').replace(/_/g, '-');
      await putKey(lane.services, lane.own.vault, admin, key, lane.own.policy, { key: { ...jwk, kty: 'RSA-HSM' }, hsm: true });
      const r = await local('/key/release', { maa_endpoint: bare(lane.services.addresses.maa), akv_endpoint: lane.own.host, kid: key });
      assert.strictEqual(r.status, 200, r.text);
      assert.strictEqual(JSON.parse(JSON.parse(r.text).key).d, jwk.d);
      return ['d', 'p', 'q', 'dp', 'dq', 'qi'].flatMap((m) => [jwk[m].slice(8, 72), Buffer.from(jwk[m], 'base64url').subarray(4, 36)]);
    },
    async () => {
      const token = canary('access-token');
      const r = await local('/key/release', { maa_endpoint: bare(lane.services.addresses.maa), akv_endpoint: lane.own.host, kid: 'no-such-key', access_token: token });
      assert.strictEqual(r.status, 403, r.text);
      return [token];
    },
  ],
};

test('every route that takes a secret, or gives one, is tried here', () => {
  const marked = [['party', 'routes'], ['demo', 'routes'], ['demo', 'debug'], ['sidecar', 'routes']].flatMap(([f, t]) => tableOf(f, t)).filter((r) => r.secret);
  // What /skr/ answers is public; these answers are not stored because their paths are sensitive.
  assert.deepStrictEqual(Object.keys(cases).sort(), marked.map((r) => `${r.method} ${r.path}`).filter((r) => !r.includes(' /skr/')).sort());
});

for (const [route, ways] of Object.entries(cases)) {
  test(`${route}: nothing that was secret is left`, async (t) => {
    try { scan(pid, ['x']); } catch (e) {
      if (e.code !== 'EACCES' && e.code !== 'EPERM') throw e;
      t.skip('reading another process needs CAP_SYS_PTRACE');
      return;
    }
    for (const way of ways) for (const tls of [true, false]) await gone(await way(tls));
  });
}

// The search itself: what is in memory is found. A request whose body has not ended is held in its connection.
test('a secret that is there is found', async (t) => {
  const mark = canary('held');
  const r = http.request({ host: '127.0.0.1', port, method: 'POST', path: '/key/release', agent: false, headers: { Host: `localhost:${port}`, 'Content-Length': 1000 } });
  r.on('error', () => {}).write(mark);
  t.after(() => r.destroy());
  const end = Date.now() + GONE_MS;
  let found;
  while ((found = scan(pid, [mark])).length === 0 && Date.now() < end) await sleep(50);
  assert.ok(found.length > 0);
});
