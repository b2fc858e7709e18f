// Every service misbehaves in every way its stand-in knows, and the device too: the party says clearly what is wrong, or tries again when
// that is right and succeeds; it never ends, never hangs, never gives a key away, and works as before once the service does.
'use strict';
const assert = require('node:assert');
const { describe, test } = require('node:test');
const { CONTENT, TRANSPORT, TLS } = require('../standin/modes');
const { TCB, OLD_TCB } = require('../standin/pki');
const { solo, release, attest, keyStatus, assertFault, assertReleased, sleep } = require('./lib');

const FAST_MS = 9000; // nothing that is not tried again may take longer

// --- What must come of it ---

const ok = { ok: true };
const fault = (error, more = {}) => ({ error, ...more });

// A mode, what it is told, and its outcome.
const everywhere = [
  ['slow', { ms: 700, dripBytes: 400, dripMs: 10 }, ok],
  ['chunked', {}, ok],
  ['chunked', { extension: true, trailer: true }, ok],
  ['no-length', {}, ok],
  ['interim', { times: 3 }, ok],
  ['interim', { times: 30 }, fault('protocol')],
  ['garbage', {}, fault('protocol')],
  ['huge', {}, fault('protocol', { status: 502 })],
  ['redirect', {}, fault('http_status', { status: 502, http_status: 302 })],
  ['not-http', {}, fault('protocol')],
  ['wrong-length', { delta: -10 }, fault('protocol')],
];
const overTls = [
  ['tls-untrusted', {}, fault('untrusted')],
  ['tls-wrong-host', {}, fault('untrusted')],
  ['tls-expired', {}, fault('untrusted')],
];
// Where trying again once is right.
const passing = [
  ['cut', {}], ['reset', {}], ['wrong-length', {}], ['status', { status: 500 }], ['status', { status: 503, retryAfter: 1 }], ['status', { status: 429, retryAfter: 1 }],
];
// A Retry-After beyond every deadline: the answer comes at once, and passes it on.
const statuses = (table) => Object.entries(table).map(([status, error]) => {
  const n = Number(status);
  const want = typeof error === 'string' ? { error } : error;
  const busy = want.error === 'throttled';
  return ['status', { status: n, retryAfter: 3600 }, { http_status: n, retryAfter: '3600', ...(busy ? { status: 429 } : {}), ...want }];
});

const refusedByVault = fault('denied', { step: 'key_release', http_status: 401, service: /^contoso\.vault\./ });
const verify = (error) => fault(error, { step: 'token_verification' });
const verifyRelease = (error) => fault(error, { step: 'release_verification' });
const unwrap = (error) => fault(error, { step: 'key_unwrap' });

const services = {
  imds: {
    rule: { service: 'imds', path: '/metadata/identity' }, step: 'managed_identity', host: /^127\.0\.0\.1:/, tries: 5, identity: true,
    cases: [
      ...everywhere, ['bad-content-type', {}, ok],
      ...statuses({ 400: 'http_status', 401: 'denied', 403: 'denied', 404: 'not_found', 410: 'http_status', 429: 'throttled', 500: 'http_status', 503: 'http_status' }),
      ['number-types', {}, ok], ['expired', { fresh: true }, ok], ['wrong-audience', { fresh: true }, ok], ['expired', { fresh: true, count: 2 }, refusedByVault],
      ['wrong-audience', { fresh: true, count: 2 }, refusedByVault],
    ],
    passing: [...passing, ['adapter-500', {}], ['status', { status: 404, retryAfter: 1 }], ['status', { status: 410, retryAfter: 1 }]],
  },
  appid: {
    rule: { service: 'appid' }, step: 'managed_identity', host: /^127\.0\.0\.1:/, tries: 5, identity: true,
    settings: (s) => ({ IDENTITY_ENDPOINT: s.appIdentity.endpoint, IDENTITY_HEADER: s.appIdentity.header, AZURE_CLIENT_ID: s.clients.contoso }),
    cases: [
      ...everywhere, ['bad-content-type', {}, ok], ...statuses({ 400: 'http_status', 401: 'denied', 403: 'denied', 404: 'not_found', 429: 'throttled', 500: 'http_status' }),
      ['expired', { fresh: true }, ok], ['wrong-audience', { fresh: true }, ok], ['wrong-audience', { fresh: true, count: 2 }, refusedByVault],
    ],
    passing,
  },
  login: {
    rule: { service: 'login' }, step: 'managed_identity', host: /^login\.localhost:/, tries: 4, identity: true, workload: true,
    cases: [
      ...everywhere, ...overTls, ['bad-content-type', {}, ok],
      ...statuses({ 400: 'denied', 401: 'denied', 403: 'http_status', 404: 'http_status', 429: 'throttled', 500: 'http_status', 503: 'http_status' }),
      ['expired', { fresh: true }, ok], ['wrong-audience', { fresh: true }, ok], ['wrong-audience', { fresh: true, count: 2 }, refusedByVault],
    ],
    passing: [...passing, ['status', { status: 408, retryAfter: 1 }]],
  },
  maa: {
    rule: { service: 'maa', path: '/attest' }, step: 'attestation', host: /^maa\.localhost:/, tries: 4, ask: attest,
    cases: [
      ...everywhere, ...overTls, ['bad-content-type', {}, fault('protocol')],
      ...statuses({ 400: { error: 'http_status', count: 2 }, 401: 'denied', 403: 'denied', 404: 'not_found', 415: 'http_status', 429: 'throttled', 500: 'http_status', 503: 'http_status' }),
      ['expired', {}, verify('untrusted')], ['expired', { future: true }, verify('untrusted')], ['wrong-key', {}, verify('crypto_check_failed')],
      ['wrong-nonce', {}, verify('mismatch')], ['no-nonce', {}, verify('mismatch')], ['wrong-issuer', {}, verify('untrusted')], ['alg-none', {}, verify('protocol')],
      ['alg-hs256', {}, verify('crypto_check_failed')], ['wrong-kid', {}, verify('untrusted')], ['bad-signature', {}, verify('crypto_check_failed')],
    ],
    passing: [...passing, ['status', { status: 408, retryAfter: 1 }], ['status', { status: 400 }]],
  },
  // The key set is fetched once and kept, so each of these starts with a fresh process.
  'maa keys': {
    rule: { service: 'maa', path: '/certs' }, step: 'token_verification', host: /^maa\.localhost:/, tries: 4, ask: attest, fresh: true,
    cases: [
      ['interim', { times: 3 }, ok], ['garbage', {}, fault('protocol')], ['huge', {}, fault('protocol', { status: 502 })], ['redirect', {}, fault('http_status', { status: 502, http_status: 302 })],
      ['garbage', { body: '{"keys":{}}' }, fault('protocol')], ['garbage', { body: '{"keys":[]}' }, fault('untrusted')],
      ...statuses({ 401: 'denied', 404: 'not_found', 429: 'throttled', 500: 'http_status' }),
    ],
    passing: [['cut', {}], ['reset', {}], ['wrong-length', {}], ['status', { status: 503, retryAfter: 1 }]],
  },
  vault: {
    rule: { service: 'contoso' }, step: 'key_release', host: /^contoso\.vault\.localhost:/, tries: 6,
    cases: [
      ...everywhere, ...overTls, ['bad-content-type', {}, fault('protocol')],
      ...statuses({ 400: 'http_status', 401: { error: 'denied', count: 2 }, 403: 'denied', 404: 'not_found', 409: 'http_status', 429: 'throttled', 500: 'http_status', 503: 'http_status' }),
      ['expired', {}, verifyRelease('untrusted')], ['wrong-host', {}, verifyRelease('untrusted')], ['untrusted-chain', {}, verifyRelease('untrusted')],
      ['wrong-key', {}, verifyRelease('crypto_check_failed')], ['alg-none', {}, verifyRelease('protocol')], ['alg-hs256', {}, verifyRelease('crypto_check_failed')],
      ['bad-signature', {}, verifyRelease('crypto_check_failed')], ['wrong-nonce', {}, verifyRelease('mismatch')], ['no-nonce', {}, verifyRelease('mismatch')],
      ['wrong-request-kid', {}, verifyRelease('mismatch')], ['bad-wrap', {}, unwrap('crypto_check_failed')], ['bad-wrap', { offset: 3 }, unwrap('crypto_check_failed')],
      ['bad-key', {}, unwrap('protocol')], ['no-enc256', {}, { ok: true, wrapping: 'CKM_RSA_AES_KEY_WRAP' }], ['extra-key-ops', {}, ok],
      ['wrong-kid', {}, verifyRelease('mismatch')], ['status', { status: 401 }, ok],
    ],
    passing: [...passing, ['status', { status: 408, retryAfter: 1 }]],
  },
  thim: {
    rule: { service: 'imds', path: '/metadata/THIM' }, step: 'platform_certificates', host: /^127\.0\.0\.1:/, tries: 3, ask: attest, certificates: true,
    cases: [
      ...everywhere, ['bad-content-type', {}, ok], ['stale-certs', {}, ok], ['wrong-chip', {}, ok], ['wrong-chip', { count: 4 }, fault('mismatch')],
      ...statuses({ 400: 'http_status', 429: 'throttled', 500: 'http_status' }), ['status', { status: 404 }, ok], ['status', { status: 404, count: 2 }, fault('not_found')],
    ],
    passing,
  },
  azcache: {
    rule: { service: 'azcache' }, step: 'platform_certificates', host: /^azcache\.localhost:/, tries: 3, ask: attest, certificates: true, certs: 'azure', silent: true,
    cases: [
      ...everywhere, ...overTls, ['bad-content-type', {}, ok], ['stale-certs', {}, ok], ['wrong-chip', { count: 2 }, fault('mismatch')],
      ...statuses({ 403: 'http_status', 429: 'throttled', 500: 'http_status' }), ['status', { status: 404 }, ok], ['status', { status: 404, count: 2 }, fault('not_found')],
    ],
    passing,
  },
  kds: {
    rule: { service: 'kds' }, step: 'platform_certificates', host: /^kds\.localhost:/, tries: 3, ask: attest, certificates: true, certs: 'amd', silent: true,
    cases: [
      ...everywhere.filter(([mode, told]) => mode !== 'garbage' && !told.delta), ...overTls, ['bad-content-type', {}, ok], ['stale-certs', {}, ok],
      ['wrong-chip', { count: 9 }, fault('mismatch')],
      // The certificate itself is DER: garbage in its place is a certificate that does not fit.
      ['garbage', {}, ok], ['garbage', { count: 9 }, fault(/^(mismatch|protocol)$/)], ['wrong-length', { delta: -10 }, ok],
      ...statuses({ 403: 'http_status', 429: 'throttled', 500: 'http_status' }), ['status', { status: 404 }, ok],
      ['garbage', { path: '^/vcek/v1/Milan/cert_chain', count: 9 }, fault(/^(mismatch|protocol)$/)], ['status', { status: 500, retryAfter: 3600, path: '^/vcek/v1/Milan/cert_chain' }, fault('http_status', { http_status: 500 })],
    ],
    passing,
  },
};

test('the tables above name every mode of every stand-in', () => {
  const kinds = { imds: ['imds', 'thim'], appid: ['appid'], login: ['login'], maa: ['maa'], vault: ['vault'], azcache: ['azcache'], kds: ['kds'] };
  for (const [kind, names] of Object.entries(kinds)) {
    const named = new Set(names.flatMap((n) => [...services[n].cases, ...services[n].passing].map(([mode]) => mode)));
    const secure = !['imds', 'appid'].includes(kind);
    for (const mode of [...TRANSPORT.filter((m) => m !== 'stall'), ...(secure ? TLS : []), ...CONTENT[kind]]) assert.ok(named.has(mode), `${kind} ${mode}`);
  }
});

// --- One service at a time ---

async function makeLane(s) {
  const lane = await solo({ certs: s.certs, context: s.certificates ? { tcb: OLD_TCB } : {} });
  lane.old = true;
  if (s.settings) Object.assign(lane.party.settings, s.settings(lane.services.addresses));
  if (s.workload) {
    const { federate } = require('./lib-identity');
    Object.assign(lane.party.settings, federate(lane));
  }
  return lane.start();
}

// Makes sure that the next request has to ask the service: a cached access token is refused once by the vault; certificates in use stop
// fitting because the device reports the other TCB; a kept key set is forgotten with the process.
async function arm(lane, s) {
  if (s.fresh) {
    await lane.restart();
    lane.tokenCached = false;
  }
  if (s.identity && lane.tokenCached) lane.control.misbehave({ service: 'contoso', mode: 'status', status: 401, count: 1 });
  if (s.certificates) {
    lane.old = !lane.old;
    lane.faults(lane.old ? `oldtcb ${OLD_TCB}\n` : '');
  }
}

const seen = (lane, s) => lane.control.log().filter((e) => [e.service, e.service.split('.')[0]].includes(s.rule.service) && (!s.rule.path || (e.path || '').startsWith(s.rule.path))).length;

// One request while the rule holds. -> {r, ms, hits, asked}
async function once(lane, s, mode, { fresh, ...told }) {
  await arm(lane, fresh ? { ...s, fresh } : s);
  lane.control.clearLog();
  const rule = lane.control.misbehave({ ...s.rule, mode, count: 1, ...told });
  // TLS rules are met before there is a request with a path.
  if (TLS.includes(mode)) delete rule.path;
  const from = Date.now();
  const r = await (s.ask || release)(lane.party);
  const out = { r, ms: Date.now() - from, hits: rule.hits, asked: seen(lane, s) };
  lane.control.clear();
  return out;
}

async function worksNow(lane, s) {
  await arm(lane, { ...s, identity: false });
  const r = await (s.ask || release)(lane.party);
  assert.strictEqual(r.status, 200, r.text);
  if (!s.ask) {
    assertReleased(r);
    lane.tokenCached = true;
  }
}

function checkOutcome({ r, hits, ms }, s, want, what) {
  assert.ok(hits > 0, `${what} was never met`);
  assert.ok(ms < FAST_MS, `${what} took ${ms} ms`);
  if (want.ok) {
    assert.strictEqual(r.status, 200, `${what}: ${r.text}`);
    if (want.wrapping) assert.strictEqual(r.json.wrapping, want.wrapping);
    return;
  }
  const { error, ...rest } = want;
  assertFault(r, { step: s.step, service: s.host, error, ...rest }, what);
  if (want.http_status >= 400 && !s.silent) assert.ok(r.json.service_code, `${what}: no service_code ${r.text}`);
  if (want.retryAfter) {
    assert.strictEqual(r.headers['retry-after'], want.retryAfter, what);
    assert.strictEqual(r.json.retry_after_seconds, Number(want.retryAfter), what);
  }
}

async function eachCase(t, name, s) {
  const lane = await makeLane(s);
  t.after(() => lane.stop());
  for (const [mode, told, want] of s.cases) {
    const what = `${name} ${mode} ${JSON.stringify(told)}`;
    await t.test(what, async () => {
      const before = await keyStatus(lane.party);
      const one = await once(lane, s, mode, { ...told, ...(want.count ? { count: want.count } : {}) });
      checkOutcome(one, s, want, what);
      const held = await keyStatus(lane.party);
      if (!want.ok && !told.fresh) assert.deepStrictEqual(held, before, what);
      if (!want.ok && told.fresh) assert.strictEqual(held.released, false, what);
      if (want.ok && !s.ask) lane.tokenCached = true;
      await worksNow(lane, s);
    });
  }
  assert.strictEqual((await lane.party.stop()).code, 0);
}

async function eachPassing(t, name, s) {
  const lane = await makeLane(s);
  t.after(() => lane.stop());
  for (const [mode, told] of s.passing) {
    const what = `${name} ${mode} ${JSON.stringify(told)} once`;
    await t.test(what, async () => {
      const { r, hits, ms, asked } = await once(lane, s, mode, told);
      assert.strictEqual(r.status, 200, `${what}: ${r.text}`);
      assert.ok(hits === 1 && asked >= 2, `${what}: met ${hits} times, asked ${asked} times`);
      if (told.retryAfter) assert.ok(ms >= told.retryAfter * 1000, `${what}: did not wait (${ms} ms)`);
      if (!s.ask) lane.tokenCached = true;
    });
  }
  await t.test(`${name} 429 for good: tried ${s.tries} times, each as late as asked, then told`, async () => {
    const { r, ms, asked } = await once(lane, s, 'status', { status: 429, retryAfter: 1, count: 100 });
    assertFault(r, { status: 429, step: s.step, error: 'throttled', http_status: 429, service: s.host }, name);
    assert.strictEqual(r.headers['retry-after'], '1');
    assert.strictEqual(asked, s.tries);
    assert.ok(ms >= (s.tries - 1) * 1000 && ms < s.tries * 1600 + 2000, `${ms} ms`);
    await worksNow(lane, s);
  });
  assert.strictEqual((await lane.party.stop()).code, 0);
}

// A service that takes the connection and says nothing: one try ends in time, the next succeeds.
async function stalls(t, name, s, at, limit) {
  const lane = await makeLane(s);
  t.after(() => lane.stop());
  const { r, hits, ms } = await once(lane, s, 'stall', { at });
  assert.strictEqual(hits, 1);
  assert.strictEqual(r.status, 200, r.text);
  assert.ok(ms >= limit - 100 && ms < limit + 8000, `${ms} ms`);
}

// Silent for good: every try ends in time, the last is the answer, and meanwhile the party serves everybody else.
async function silent(t, s, limit) {
  const lane = await makeLane(s);
  t.after(() => lane.stop());
  const waiting = once(lane, s, 'stall', { count: 100 });
  for (let i = 0; i < 5; i++) {
    const from = Date.now();
    assert.strictEqual((await lane.party.get('/health')).status, 200);
    assert.ok(Date.now() - from < 2000);
    await sleep(1000);
  }
  const { r, ms, asked } = await waiting;
  assertFault(r, { status: 504, step: s.step, error: 'timeout', service: s.host });
  assert.strictEqual(asked, s.tries);
  assert.ok(ms < s.tries * limit + 20000, `${ms} ms`);
  await worksNow(lane, s);
}

describe('misbehaviour', { concurrency: true }, () => {
  for (const [name, s] of Object.entries(services)) {
    test(`${name}: every mode`, (t) => eachCase(t, name, s));
    test(`${name}: what passes`, (t) => eachPassing(t, name, s));
  }
  // Before the answer, or in the middle of its body.
  const silences = {
    imds: ['head', 10000], appid: ['body', 10000], login: ['body', 10000], maa: ['head', 30000], 'maa keys': ['body', 30000], vault: ['body', 30000], thim: ['head', 10000],
    azcache: ['body', 10000], kds: ['head', 10000],
  };
  for (const [name, [at, limit]] of Object.entries(silences)) test(`${name}: stall`, (t) => stalls(t, name, services[name], at, limit));
  test('thim: silent for good', (t) => silent(t, services.thim, 10000));
});
