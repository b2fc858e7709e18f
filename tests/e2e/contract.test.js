// The shipped binary against the table of tests/contract: with and without hardware, with the operator's token, with a session and open to all, with
// stand-ins that misbehave. And nothing that leaves a party holds a private key, a partner's plaintext or the operator's token.
'use strict';
const assert = require('node:assert');
const { describe, it, before, after } = require('node:test');
const crypto = require('crypto');
const fs = require('fs');
const net = require('net');
const path = require('path');
const { routes, tableOf, ERROR, FAULT, HEADERS, SENSITIVE, BODY_MAX, JSON_TYPE, differs } = require('../contract/contract');
const { Service } = require('../standin/service');
const { Party } = require('../world/party');
const { World, PARTIES, PROVIDERS } = require('../world/world');
const { newPeer, ROOT } = require('./lib');

const DIR = path.join(ROOT, `build/e2e-contract-${process.pid}`);
process.on('exit', () => fs.rmSync(DIR, { recursive: true, force: true }));

// --- everything that is sent is kept ----------------------------------------------------------------------------------
const sent = []; // {from, to, text, own: the answer is the party's own plaintext on purpose}
const keep = (from, to, text, own) => sent.push({ from, to, text: String(text), own });
const plainRequest = Party.prototype.request;
Party.prototype.request = async function request(method, target, options) {
  const r = await plainRequest.call(this, method, target, options);
  keep(this.name, `${method} ${target}`, `${JSON.stringify(r.headers)}\n${r.text}`, target === '/decrypt');
  return r;
};
const plainEvents = Party.prototype.events;
Party.prototype.events = async function events(target, on) {
  const r = await plainEvents.call(this, target, on);
  keep(this.name, target, JSON.stringify(r.events));
  return r;
};
const plainListen = Service.prototype.listen;
Service.prototype.listen = function listen() {
  const { handle } = this;
  this.handle = (ctx) => {
    if (!ctx.internal) keep('a party', `stand-in ${this.name}`, `${ctx.method} ${ctx.path}?${ctx.query}\n${JSON.stringify(ctx.headers)}\n${ctx.body}`);
    return handle.call(this, ctx);
  };
  return plainListen.call(this);
};

// Bytes as written; the whole answer.
const bytes = (p, text) => new Promise((resolve, reject) => {
  let all = '';
  const socket = net.connect({ host: '127.0.0.1', port: Number(p.settings.HTTP_PORT), localAddress: newPeer() }, () => socket.write(text));
  socket.on('data', (d) => { all += d; }).on('end', () => { keep(p.name, 'raw', all); resolve(all); }).on('error', reject);
});

// --- one request --------------------------------------------------------------------------------------------------------
const send = (p, route, body, options = {}) => p.request(route.method, route.ask || route.path, { localAddress: newPeer(), ...(body === undefined ? {} : { body }), ...options });
const about = (r, route, what = '') => `${what} ${route.method} ${route.path}: ${r.status} ${r.text.slice(0, 700)}`;

function checkHeaders(r, route) {
  for (const [name, form] of Object.entries(HEADERS)) assert.match(r.headers[name] || '', form, `${name} of ${route.path}`);
  if (SENSITIVE.test(route.path)) assert.ok(/no-store/.test(r.headers['cache-control']) && r.headers.pragma === 'no-cache', route.path);
  assert.ok(r.headers['x-frame-options'] === 'DENY' || route.path === '/', route.path);
  if (route.rate && ![401, 403, 404].includes(r.status)) assert.strictEqual(r.headers['x-ratelimit-limit'], String(route.rate), route.path);
  if (!route.rate && r.status < 400) assert.strictEqual(r.headers['x-ratelimit-limit'], undefined, route.path);
}

function checkReply(r, route, status, shape, what) {
  assert.strictEqual(r.status, status, about(r, route, what));
  checkHeaders(r, route);
  if (!shape) return;
  assert.strictEqual(r.headers['content-type'], JSON_TYPE, about(r, route, what));
  assert.ok(r.json, about(r, route, what));
  const d = differs(r.json, shape);
  assert.strictEqual(d, null, `${d}\n${about(r, route, what)}`);
}

const checkError = (r, route, status, shape = {}, what = '') => checkReply(r, route, status, { ...ERROR, ...shape }, what);
const bodyOf = async (route, w, p) => (typeof route.send === 'function' ? route.send(w, p) : route.send);

// Every route's success, on the party that it is for.
async function successes(w, options) {
  for (const route of routes) {
    const p = w.parties[route.on || 'contoso'];
    if (route.stream) {
      const r = await p.events(route.path);
      assert.strictEqual(r.status, 200);
      assert.match(r.headers['content-type'], /^text\/event-stream/);
      assert.strictEqual(differs(r.events[r.events.length - 1], route.stream), null, JSON.stringify(r.events[r.events.length - 1]));
      continue;
    }
    const r = await send(p, route, await bodyOf(route, w, p), options);
    checkReply(r, route, route.ok, route.reply);
    if (route.type) assert.strictEqual(r.headers['content-type'], route.type);
    for (const also of route.also || []) checkReply(await send(w.parties[also.on], route, undefined, options), route, also.ok, also.reply);
  }
}

async function withoutHardware(w, options) {
  for (const route of routes) {
    const r = await send(w.snooper, route, route.path === '/decrypt' ? { ciphertext: 'QUFB' } : route.path === '/analytics/partner-demographics' ? {} : await bodyOf(route, w, w.snooper), options);
    checkReply(r, route, route.bare[0], route.bare[1], 'without hardware');
  }
}

describe('the contract', () => {
  let w;
  before(async () => {
    w = await World.make({ dir: path.join(DIR, 'closed'), grantAll: true, blob: true, settings: { all: { DEBUG_ROUTES: 'on' } } });
    // The pages' origins hold the ports, which are known only now.
    for (const p of Object.values(w.parties)) p.settings.COMPARE_ORIGINS = PARTIES.map((n) => w.parties[n].secure).join(',');
    await w.start();
    for (const n of PROVIDERS) await w.parties[n].until('its records shared', () => /shared blob holds our records/.test(w.parties[n].log));
  });
  after(async () => {
    if (!w) return;
    await keepTheRest(w);
    const ends = await w.stop();
    assert.ok(ends.every((e) => e.code === 0), JSON.stringify(ends));
  });

  it('names every route of the binary, and no other', () => {
    const theirs = [...tableOf('party', 'routes'), ...tableOf('demo', 'routes'), ...tableOf('demo', 'debug')];
    const line = (r) => `${r.method} ${r.path} ${r.access} ${r.rate} ${r.body}`;
    assert.deepStrictEqual(routes.map(line).sort(), theirs.filter((r) => r.path !== '/ui/*').map(line).sort());
    assert.deepStrictEqual(theirs.filter((r) => SENSITIVE.test(r.path) && !r.secret), []);
    // The sidecar port's and the peer port's are held to their tables by tests/e2e/sidecar.test.js and peer.test.js.
  });

  it('with the operator\'s token every route answers with every member', () => successes(w, {}));

  it('without hardware every route says so, or does what needs none', () => withoutHardware(w, {}));

  it('operator routes want a proof: 401; so does a wrong one', async () => {
    for (const route of routes.filter((r) => r.access === 'operator')) {
      for (const options of [{ auth: false }, { auth: false, headers: { Authorization: 'Bearer wrong' } }, { auth: false, headers: { Cookie: `__Host-parley-session-${w.contoso.settings.HTTPS_PORT}=${'A'.repeat(43)}` } }]) {
        const r = await send(w.contoso, route, route.body.startsWith('json') ? {} : undefined, options);
        checkError(r, route, 401, {}, 'no proof');
        assert.match(r.headers['www-authenticate'], /^Bearer /);
      }
    }
  });

  it('a session opens the same routes from our own pages only, until it is closed', async () => {
    const { contoso: p } = w;
    const origin = p.secure;
    const login = await p.post('/login', { token: w.token }, { auth: false, localAddress: newPeer() });
    assert.strictEqual(login.status, 200, login.text);
    const line = login.headers['set-cookie'][0];
    assert.match(line, new RegExp(`^__Host-parley-session-${p.settings.HTTPS_PORT}=[A-Za-z0-9_-]{43}; Path=/; HttpOnly; SameSite=Strict; Max-Age=43200; Secure$`));
    const cookie = line.split(';')[0];
    const plain = await p.post('/login', { token: w.token }, { auth: false, tls: false, localAddress: newPeer() });
    assert.match(plain.headers['set-cookie'][0], new RegExp(`^parley-session-${p.settings.HTTP_PORT}=[A-Za-z0-9_-]{43}; Path=/; HttpOnly; SameSite=Strict; Max-Age=43200$`));
    assert.deepStrictEqual((await p.get('/session', { auth: false, headers: { Cookie: cookie } })).json, { operator: true, open: false, configured: true });
    assert.deepStrictEqual((await p.get('/session', { auth: false })).json, { operator: false, open: false, configured: true });
    for (const route of routes.filter((r) => r.access === 'operator' && !r.on && r.method === 'POST')) {
      const body = await bodyOf(route, w, p);
      checkReply(await send(p, route, body, { auth: false, headers: { Cookie: cookie, Origin: origin } }), route, route.ok, route.reply, 'session');
      for (const headers of [{}, { Origin: 'https://evil.example' }, { Origin: origin, 'Sec-Fetch-Site': 'cross-site' }, { Origin: w.fabrikam.secure }, { Origin: 'null' }]) {
        checkError(await send(p, route, body, { auth: false, headers: { Cookie: cookie, ...headers } }), route, 403, {}, `session, ${JSON.stringify(headers)}`);
      }
      // Another party's session is not ours.
      checkError(await send(w.fabrikam, route, body, { auth: false, headers: { Cookie: cookie, Origin: w.fabrikam.secure } }), route, 401, {}, 'other party');
    }
    const out = await p.post('/logout', {}, { auth: false, headers: { Cookie: cookie } });
    assert.match(out.headers['set-cookie'][0], /^__Host-parley-session-\d+=; .*Max-Age=0; Secure$/);
    // A browser keeps a cookie that is of no use any more: each use of it would count as a guess.
    const stale = await p.get('/session', { auth: false, headers: { Cookie: cookie } });
    assert.strictEqual(stale.json.operator, false);
    assert.match(stale.headers['set-cookie'][0], /^__Host-parley-session-\d+=; .*Max-Age=0/);
    checkError(await p.post('/encrypt', { plaintext: 'x' }, { auth: false, localAddress: newPeer(), headers: { Cookie: cookie, Origin: origin } }), routes.find((r) => r.path === '/encrypt'), 401);
  });

  it('what it refuses, and how', async () => {
    for (const route of routes) {
      for (const [status, body, shape, on, only] of route.refused) {
        if (only === 'open') continue;
        const r = await send(w.parties[on || route.on || 'contoso'], route, body);
        checkError(r, route, status, shape, `refused ${JSON.stringify(body)}`);
      }
    }
    checkError(await w.contoso.get('/storage/download/no/such.json'), { path: '/storage/download/*', method: 'GET' }, 404, { ...FAULT, blob_name: '=no/such.json', hint: 'string', response_text: 'string' });
    checkError(await w.contoso.get('/nothing/here'), { path: '/nothing/here', method: 'GET' }, 404);
  });

  it('methods: HEAD and OPTIONS beside GET, 405 with Allow for the others', async () => {
    for (const route of routes) {
      const target = route.ask || route.path;
      const p = w.parties[route.on || 'contoso'];
      const options = await p.request('OPTIONS', target, { auth: false });
      assert.strictEqual(options.status, 204, target);
      assert.ok(options.headers.allow.split(', ').includes(route.method) && options.headers.allow.includes('OPTIONS'), `${target}: ${options.headers.allow}`);
      for (const method of ['PUT', 'DELETE', 'PATCH', route.method === 'GET' ? 'POST' : 'GET']) {
        const r = await p.request(method, target, { localAddress: newPeer(), headers: method === 'GET' ? {} : { 'Content-Length': 0 } });
        checkError(r, { path: target, method }, 405);
        assert.strictEqual(r.headers.allow, options.headers.allow);
      }
      if (route.method === 'GET') {
        const r = await p.request('HEAD', target, { localAddress: newPeer() });
        assert.deepStrictEqual([r.status, r.text], [route.ok, ''], target);
      } else {
        assert.strictEqual((await p.request('HEAD', target, { localAddress: newPeer() })).status, 405, target);
      }
    }
  });

  it('bodies: type, form and size', async () => {
    const json = (r) => r.body.startsWith('json');
    for (const route of routes.filter((r) => r.method === 'POST')) {
      const p = w.parties[route.on || 'contoso'];
      const raw = (body, type, more = {}) => send(p, route, body, { headers: { 'Content-Type': type, ...more } });
      if (json(route)) {
        for (const [status, body] of [[400, '{'], [400, '[]'], [400, '{"a":1,"a":2}'], [400, '{"a":"\ud800"}'.replace('\ud800', '\\ud800')], [400, 'null'], [400, '{} x']]) checkError(await raw(body, 'application/json'), route, status, {}, body);
        checkError(await raw('{}', 'text/plain'), route, 415);
        checkError(await raw('{}', undefined), route, 415);
        checkError(await raw(`{"a":"${'x'.repeat(BODY_MAX)}"}`, 'application/json; charset=utf-8'), route, 413);
        if (route.body === 'json' && !route.mayBeEmpty) {
          checkError(await raw('', 'application/json'), route, 400);
          checkError(await send(p, route, undefined, { headers: { 'Transfer-Encoding': 'chunked', 'Content-Type': 'application/json' } }), route, 400);
          assert.match(await bytes(p, `POST ${route.path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${p.token}\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n`), /^HTTP\/1\.1 411 /, route.path);
        }
      }
      if (route.body === 'none') checkError(await raw('x'.repeat(BODY_MAX + 1), 'text/plain'), route, 413);
      checkError(await raw('{}', 'application/json', { 'Content-Encoding': 'gzip' }), route, 415, {}, 'gzip');
    }
  });

  it('rates: each route by itself, 429 with Retry-After', async () => {
    const gzip = { 'Content-Encoding': 'gzip', 'Content-Type': 'application/json', 'Content-Length': 2 };
    await Promise.all(routes.filter((r) => r.rate).map(async (route) => {
      const p = w.parties[route.on || 'contoso'];
      const from = newPeer();
      const once = (r) => p.request(r.method, r.path, { localAddress: from, body: '{}', headers: gzip });
      let passed = 0;
      for (let r = await once(route); r.status !== 429; r = await once(route)) {
        assert.strictEqual(r.status, 415, about(r, route));
        passed++;
        assert.ok(passed <= route.rate * 2 + 5, `${route.path}: no end after ${passed}`);
      }
      assert.ok(passed >= route.rate, `${route.path}: ${passed} of ${route.rate}`);
      const last = await once(route);
      if (last.status === 429) {
        checkError(last, route, 429);
        assert.match(last.headers['retry-after'], /^\d+$/);
        assert.strictEqual(last.headers['x-ratelimit-remaining'], '0');
      }
      // Another route of the same group, from the same address, is not used up.
      const other = routes.find((r) => r !== route && r.rate === route.rate && (r.on || 'contoso') === (route.on || 'contoso'));
      if (other) assert.strictEqual((await once(other)).status, 415, `${other.path} after ${route.path}`);
    }));
  });

  it('stand-ins that misbehave: an error with its cause, and soon', async () => {
    const rules = [{ mode: 'status', status: 400 }, { mode: 'status', status: 403 }, { mode: 'garbage' }, { mode: 'redirect' }, { mode: 'not-http' }, { mode: 'huge' }, { mode: 'tls-untrusted' }, { mode: 'tls-wrong-host' }, { mode: 'tls-expired' }];
    const { control } = w.services;
    for (const service of ['maa', 'vault']) {
      for (const rule of rules) {
        for (const route of routes.filter((r) => r.needs && r.needs.includes(service))) {
          if (service === 'vault' && rule.status === 403 && route.path === '/skr/release-other') continue; // that is its success
          control.clear();
          control.misbehave({ service, ...rule, ...(service === 'maa' && !rule.mode.startsWith('tls') ? { path: '/attest/' } : {}), ...(service === 'vault' && !rule.mode.startsWith('tls') ? { path: '^/keys/[^/]+/(.*/)?release$' } : {}) });
          const p = w.parties[route.on || 'contoso'];
          const start = Date.now();
          const r = await send(p, route, await bodyOf(route, w, p));
          const what = `${service} ${JSON.stringify(rule)}`;
          assert.ok(Date.now() - start < 20000, `${what}: ${route.path} took ${Date.now() - start} ms`);
          if (route.failing) {
            assert.strictEqual(r.status, route.failing, about(r, route, what));
            assert.deepStrictEqual([r.json.status.attestation_works, typeof r.json.status.attestation_error], [false, 'string'], what);
            continue;
          }
          assert.ok(r.status >= 400 && r.status !== 401 && r.status !== 405, about(r, route, what));
          checkReply(r, route, r.status, { ...FAULT, ...route.failed }, what);
        }
      }
    }
    control.clear();
    const again = routes.find((r) => r.path === '/skr/release');
    checkReply(await send(w.contoso, again), again, 200, again.reply, 'after all that');
  });

  it('debug routes are not there by default; operator routes are closed where nobody is operator', async () => {
    const own = w.makeParty('woodgrove', { settings: { DEBUG_ROUTES: 'off', OPERATOR_AUTH: '', HTTP_PORT: '0', HTTPS_PORT: w.woodgrove.settings.HTTPS_PORT, DATA_DIR: path.join(DIR, 'other'), AUTO_INIT: 'off' } });
    w.services.control.clear();
    await w.woodgrove.stop();
    own.start();
    await own.listening();
    for (const route of routes) {
      const r = await send(own, route, route.body.startsWith('json') ? {} : undefined);
      if (route.path.startsWith('/debug/')) checkError(r, { ...route, rate: 0 }, 404);
      else if (route.access === 'operator') checkError(r, { ...route, rate: 0 }, 403);
      else assert.notStrictEqual(r.status, 404, route.path);
    }
    assert.strictEqual((await own.stop()).code, 0);
    w.woodgrove.start();
    await w.woodgrove.listening();
    await w.woodgrove.hasPartnerKeys();
  });
});

describe('the contract with OPERATOR_AUTH=none', () => {
  let w;
  before(async () => {
    w = await World.make({ dir: path.join(DIR, 'open'), grantAll: true, blob: true, open: true, settings: { all: { DEBUG_ROUTES: 'on' } } });
    for (const p of Object.values(w.parties)) { p.settings.COMPARE_ORIGINS = PARTIES.map((n) => w.parties[n].secure).join(','); p.token = undefined; }
    await w.start();
  });
  after(async () => {
    if (!w) return;
    await keepTheRest(w);
    await w.stop();
  });

  it('every route answers everybody with every member', () => successes(w, { auth: false }));
  it('without hardware too', () => withoutHardware(w, { auth: false }));
  it('everybody is operator', async () => {
    assert.deepStrictEqual((await w.contoso.get('/session')).json, { operator: true, open: true, configured: true });
    const r = await w.contoso.post('/login', { token: 'whatever' });
    assert.deepStrictEqual([r.status, r.json.operator, r.json.open, r.headers['set-cookie']], [200, true, true, undefined]);
  });
});

// What is in the storage account, in the data directories and in the logs.
async function keepTheRest(w) {
  const container = w.azurite.container();
  for await (const b of container.listBlobsFlat()) keep('a party', 'the storage account', await container.getBlobClient(b.name).downloadToBuffer());
  for (const p of Object.values(w.parties)) {
    keep(p.name, 'log', p.log);
    for (const f of fs.readdirSync(p.settings.DATA_DIR)) if (fs.statSync(path.join(p.settings.DATA_DIR, f)).isFile()) keep(p.name, `file ${f}`, fs.readFileSync(path.join(p.settings.DATA_DIR, f), 'latin1'));
  }
}

// Every private number of a key object in the forms in which it could be written.
function privateForms(vaults) {
  const forms = new Map();
  const visit = (o, name, depth) => {
    if (!o || typeof o !== 'object' || depth > 8) return;
    if (o instanceof crypto.KeyObject) {
      if (o.type !== 'private') return;
      const jwk = o.export({ format: 'jwk' });
      for (const m of ['d', 'p', 'q', 'dp', 'dq', 'qi']) {
        const bytes = Buffer.from(jwk[m], 'base64url');
        for (const f of [jwk[m], bytes.toString('base64').replace(/=+$/, ''), bytes.toString('hex'), bytes.toString('latin1')]) forms.set(f, `${name} ${m}`);
      }
      return;
    }
    for (const v of o instanceof Map ? o.values() : Object.values(o)) visit(v, name, depth + 1);
  };
  for (const [label, vault] of vaults) visit(vault.keys, label, 0);
  return forms;
}

// Columns whose values never leave, and those that do only as labels and counts in Woodgrove's results.
function plaintexts(name) {
  const [head, ...rows] = fs.readFileSync(path.join(ROOT, `tests/data/${name}.csv`), 'utf8').trim().split('\n').map((l) => l.split(','));
  const columns = ['name', 'phone', 'address'].map((c) => head.indexOf(c));
  return [...new Set(rows.flatMap((r) => columns.map((c) => r[c])).filter((v) => v && v.length >= 7))];
}

// The worlds made here.
const worlds = [];
const plainMake = World.make;
World.make = async (o) => { const w = await plainMake.call(World, o); worlds.push(w); return w; };

describe('of all that was sent', () => {
  before(() => {
    assert.strictEqual(worlds.length, 2);
    assert.ok(sent.length > 1000, `${sent.length} messages`);
  });

  it('nothing holds a private number of a key in the vaults', () => {
    const forms = new Map(worlds.flatMap((w) => [...privateForms(w.services.vaults)]));
    assert.ok(forms.size >= 2 * 3 * 6 * 3, `${forms.size} forms of private numbers found in the vaults`);
    for (const s of sent) {
      for (const [form, what] of forms) assert.ok(!s.text.includes(form), `${what} in ${s.from} -> ${s.to}`);
      assert.doesNotMatch(s.text, /"(d|p|q|dp|dq|qi)"\s*:\s*"/, `${s.from} -> ${s.to}`);
    }
  });

  it("nothing holds a person's name, number or address, but what its owner decrypted for himself", () => {
    const words = PROVIDERS.flatMap((name) => plaintexts(name));
    assert.ok(words.length > 300);
    assert.ok(sent.some((s) => s.own && words.some((word) => s.text.includes(word))), 'the search finds what is there');
    for (const s of sent.filter((x) => !x.own)) for (const word of words) assert.ok(!s.text.includes(word), `"${word}" in ${s.from} -> ${s.to}`);
  });

  it("nothing holds the operator's token; a session's identifier is in the answer that gives it only", () => {
    const ids = sent.filter((s) => s.to === 'POST /login').flatMap((s) => [...s.text.matchAll(/parley-session-\d+=([A-Za-z0-9_-]{43});/g)].map((m) => m[1]));
    assert.ok(ids.length >= 2);
    for (const s of sent) {
      for (const w of worlds) assert.ok(!s.text.includes(w.token), `the operator's token in ${s.from} -> ${s.to}`);
      if (s.to !== 'POST /login') for (const id of ids) assert.ok(!s.text.includes(id), `a session in ${s.from} -> ${s.to}`);
    }
  });
});
