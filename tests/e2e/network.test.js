// What tests/e2e/misbehaviour.test.js and blob.test.js leave of the matrix "each step over the network, each fault of a network" (tests/faults/README.md):
// nobody listens, the partner's connection in all its phases, the storage account's below HTTP, and a clock that jumps.
'use strict';
const assert = require('node:assert');
const { describe, test } = require('node:test');
const azurite = require('../world/azurite');
const ports = require('../world/ports');
const { World } = require('../world/world');
const { Box, why } = require('../faults/box');
const { Wire, wiredWorld } = require('../faults/wire');
const { Peer, provider } = require('./lib-peer');
const { federate } = require('./lib-identity');
const { solo, scratch, release, attest, upload, keyStatus, newPeer, assertFault, assertReleased, sleep } = require('./lib');

const HANG_MS = 130000;
const ok = (r, what) => { assert.strictEqual(r.status, 200, `${what}: ${r.status} ${r.text}`); return r; };

// --- Nobody listens ---

// Each service's address leads to a port where nobody listens: what is asked, and in which step it fails.
const nobody = {
  imds: { settings: (port) => ({ IMDS_ENDPOINT: `http://127.0.0.1:${port}` }), ask: release, step: 'managed_identity' },
  login: { federated: true, settings: (port) => ({ AZURE_AUTHORITY_HOST: `https://login.localhost:${port}/` }), ask: release, step: 'managed_identity' },
  maa: { settings: (port) => ({ SKR_MAA_ENDPOINT: `maa.localhost:${port}` }), ask: attest, step: 'attestation' },
  vault: { settings: (port) => ({ SKR_AKV_ENDPOINT: `contoso.vault.localhost:${port}` }), ask: release, step: 'key_release' },
  thim: { settings: (port) => ({ IMDS_ENDPOINT: `http://127.0.0.1:${port}` }), stale: true, ask: attest, step: 'platform_certificates' },
  azcache: { certs: 'azure', settings: (port) => ({ CERT_CACHE_ENDPOINT: `azcache.localhost:${port}` }), stale: true, ask: attest, step: 'platform_certificates' },
  kds: { certs: 'amd', settings: (port) => ({ CERT_CACHE_ENDPOINT: `kds.localhost:${port}` }), stale: true, ask: attest, step: 'platform_certificates' },
};

async function refused(t, s) {
  const { OLD_TCB } = require('../standin/pki');
  const l = await solo({ certs: s.certs, context: s.stale ? { tcb: OLD_TCB } : {} });
  t.after(() => l.stop());
  if (s.federated) Object.assign(l.party.settings, federate(l));
  const [port] = await ports.free(1);
  Object.assign(l.party.settings, s.settings(port));
  await l.start();
  const from = Date.now();
  assertFault(await s.ask(l.party), { status: 503, step: s.step, error: 'connect', errno: 111, service: new RegExp(`:${port}$`) });
  assert.ok(Date.now() - from >= 1000, 'tried again');
  assert.strictEqual((await l.party.get('/health')).status, 200);
}

// --- The partner's connection ---

const analyze = (party) => party.post('/partner/analyze', {}, { localAddress: newPeer(), timeout: HANG_MS });
const all = (j, what) => assert.deepStrictEqual([j.status, j.total_count, j.errors], ['success', 240, null], `${what}: ${JSON.stringify(j.errors)}`);
const partial = { settings: { woodgrove: { PARTIAL_RESULTS: 'on' } } };
// Nothing of Contoso, which is said with its reason; Fabrikam whole.
function withoutContoso(j, reason, what) {
  assert.deepStrictEqual([j.status, j.contoso_count, j.fabrikam_count, (j.errors || []).length], ['partial', 0, 120, 1], `${what}: ${JSON.stringify(j).slice(0, 300)}`);
  assert.match(j.errors[0], reason, what);
}

// Bytes of answer after which the wire fails: in the handshake, in the answer to the nonce, in the list of records.
const PLACES = { 'at once': 0, 'in the handshake': 7000, 'in the proof': 12000, 'in the list': 40000 };

async function partnerWire(t) {
  const { world, wires, stop } = await wiredWorld(World, newPeer, { dir: scratch('wires'), ...partial });
  t.after(stop);
  await world.start(['contoso', 'fabrikam', 'woodgrove']);
  const { woodgrove } = world;
  const want = ok(await analyze(woodgrove), 'analysis').json;
  all(want, 'undisturbed');
  for (const [place, after] of Object.entries(PLACES)) {
    for (const mode of ['reset', 'cut']) {
      await t.test(`${mode} ${place}`, async () => {
        wires.contoso.misbehave({ mode, after, count: 1 });
        const r = ok(await analyze(woodgrove), mode);
        assert.strictEqual(wires.contoso.hits, 1);
        assert.deepStrictEqual(r.json, want, 'once: tried again');
        wires.contoso.misbehave({ mode, after });
        withoutContoso(ok(await analyze(woodgrove), mode).json, /^Contoso: [a-z ,]{10,}/i, `${mode} ${place} for good`);
        wires.contoso.misbehave(null);
        assert.deepStrictEqual(ok(await analyze(woodgrove), 'after').json, want);
      });
    }
    await t.test(`a bit flipped ${place}`, async () => {
      wires.contoso.misbehave({ mode: 'flip', after: after + 50 });
      withoutContoso(ok(await analyze(woodgrove), 'flip').json, /^Contoso: /, place);
      assert.ok(wires.contoso.hits > 0);
      wires.contoso.misbehave(null);
      assert.deepStrictEqual(ok(await analyze(woodgrove), 'after').json, want);
    });
  }
}

// Silence in each phase: told after three tries of 13 seconds, while the party serves everybody else.
async function partnerStalls(t, after) {
  const { world, wires, stop } = await wiredWorld(World, newPeer, { dir: scratch('stalls'), ...partial });
  t.after(stop);
  await world.start(['contoso', 'fabrikam', 'woodgrove']);
  wires.contoso.misbehave({ mode: 'stall', after });
  const waiting = analyze(world.woodgrove);
  for (let i = 0; i < 3; i++) {
    ok(await world.woodgrove.get('/health', { timeout: 5000 }), 'health');
    await sleep(1000);
  }
  withoutContoso(ok(await waiting, 'stall').json, /^Contoso: .*too long/, 'stall');
  wires.contoso.misbehave(null);
  all(ok(await analyze(world.woodgrove), 'after').json, 'after');
}

// The host of one partner drops its packets after a whole result: no form of the answer shows the other's statistics, which that result would
// be subtracted from.
async function packetsDropped(t) {
  const { world, wires, stop } = await wiredWorld(World, newPeer, { dir: scratch('dropped') });
  t.after(stop);
  await world.start(['contoso', 'fabrikam', 'woodgrove']);
  const { woodgrove } = world;
  const { PARTNER_CONTOSO_URL: contoso_url, PARTNER_FABRIKAM_URL: fabrikam_url } = woodgrove.settings;
  const older = () => woodgrove.post('/analytics/partner-demographics', { contoso_url, fabrikam_url }, { localAddress: newPeer(), timeout: HANG_MS });
  all(ok(await analyze(woodgrove), 'undisturbed').json, 'undisturbed');
  assert.strictEqual(ok(await older(), 'undisturbed').json.status, 'success');
  for (const [name, title] of [['contoso', 'Contoso'], ['fabrikam', 'Fabrikam']]) {
    await t.test(title, async () => {
      wires[name].misbehave({ mode: 'cut', after: 0 });
      const why = new RegExp(`^no statistics without the records of every partner: ${title}: [A-Za-z ]{10,}`);
      for (const r of [await analyze(woodgrove), await older()]) {
        assertFault(r, { status: 503, step: 'partner' });
        assert.match(r.json.message, why);
        assert.match(r.json.diagnosis.solution, /PARTIAL_RESULTS=on/);
        assert.ok(!/country|salar|generation|eye_|_count/.test(r.text), r.text);
      }
      const { events } = await woodgrove.events('/partner/analyze-stream');
      const last = events[events.length - 1];
      assert.deepStrictEqual(Object.keys(last), ['type', 'message', 'errors', 'likely_cause', 'solution']);
      assert.deepStrictEqual([last.type, last.errors.length], ['error', 1]);
      assert.match(last.message, why);
      assert.deepStrictEqual(events.filter((e) => e.type === 'complete' || e.type === 'progress'), []);
      wires[name].misbehave(null);
    });
  }
  all(ok(await analyze(woodgrove), 'after').json, 'after');
}

// A partner that answers badly once it has proven itself: what it says, once and for good.
async function partnerAnswers(t) {
  let list;
  const now = { answer: null, count: 0 };
  const [port] = await ports.free(1);
  const world = await World.make({ dir: scratch('answers'), minGroup: 1, settings: { woodgrove: { PARTNER_CONTOSO_URL: `https://localhost:${port}`, PARTIAL_RESULTS: 'on' } } });
  const server = await provider(port, {
    peer: new Peer(world.services, { role: 'contoso', guest: { hostData: world.hostData.contoso } }),
    list: () => {
      if (now.answer && now.count > 0) {
        now.count--;
        return now.answer;
      }
      return [200, 'application/x-ndjson', list];
    },
  });
  t.after(() => server.close());
  t.after(async () => {
    await world.stop();
    world.clearData();
  });
  await world.start(['contoso', 'fabrikam', 'woodgrove']);
  list = ok(await world.contoso.get('/company/list', { headers: { Accept: 'application/x-ndjson' } }), 'list').text;
  const type = 'application/x-ndjson';
  const half = list.slice(0, list.length >> 1);
  // [answer, does a second try help, what is said]
  const cases = {
    '429 once': [[429, 'application/json', '{}'], 1, null], '429 for good': [[429, 'application/json', '{}'], 9, /^Contoso: HTTP 429/],
    '500 once': [[500, 'application/json', '{}'], 1, null], '503 for good': [[503, 'application/json', '{}'], 9, /^Contoso: HTTP 503/],
    '403': [[403, 'application/json', '{}'], 9, /^Contoso: HTTP 403/], 'nothing once': [[200, type, ''], 1, null], 'nothing for good': [[200, type, ''], 9, /^Contoso: no records/],
    'half a list': [[200, type, half], 9, /^Contoso: /], 'a list without its end': [[200, type, list.trimEnd().split('\n').slice(0, -1).join('\n')], 9, /^Contoso: /],
    'another type': [[200, 'text/html', list], 9, /is not JSON/], 'no JSON': [[200, type, 'hello'], 9, /^Contoso: /],
  };
  for (const [what, [answer, count, reason]] of Object.entries(cases)) {
    await t.test(what, async () => {
      Object.assign(now, { answer, count });
      const r = ok(await analyze(world.woodgrove), what);
      if (reason) withoutContoso(r.json, reason, what);
      else all(r.json, what);
      Object.assign(now, { answer: null });
    });
  }
  all(ok(await analyze(world.woodgrove), 'after').json, 'after');
}

// --- The storage account, below HTTP ---

async function blobWire(t) {
  const [port] = await ports.free(1);
  const l = await solo({ settings: { STORAGE: 'local' } });
  const store = await azurite.Azurite.start({ port, pki: l.services.pki, dir: scratch('azurite'), plain: true });
  const wire = await Wire.make(() => port, newPeer);
  t.after(async () => {
    await l.stop();
    await store.stop();
    await wire.close();
  });
  const at = (to) => ({ STORAGE: 'blob', AZURE_STORAGE_CONNECTION_STRING: `BlobEndpoint=http://127.0.0.1:${to}${new URL(store.endpoint).pathname};SharedAccessSignature=${store.sas('rcwdl')}` });
  Object.assign(l.party.settings, at(wire.port));
  await l.start();
  assertReleased(await release(l.party));
  const save = () => l.party.post('/company/save', { name: 'x' }, { localAddress: newPeer(), timeout: HANG_MS });
  const blob = async () => JSON.parse(await store.container().getBlobClient('consolidated-records.json').downloadToBuffer());
  ok(await l.party.post('/company/populate', undefined, { localAddress: newPeer() }), 'populate');
  let records = 120;
  for (const [mode, after] of [['reset', 0], ['reset', 300], ['cut', 0], ['cut', 300], ['cut', 20000], ['stall', 300]]) {
    await t.test(`${mode} after ${after} bytes, once`, async () => {
      wire.misbehave({ mode, after, count: 1 });
      assert.strictEqual(ok(await save(), mode).json.record_count, ++records);
      assert.strictEqual(wire.hits, 1);
      const list = await blob();
      assert.deepStrictEqual([list.length, new Set(list.map((x) => x.batch)).size], [records, 1], 'nothing twice');
    });
  }
  await t.test('reset for good: told; what is stored here stays; the next one mends it', async () => {
    wire.misbehave({ mode: 'reset', after: 0 });
    assertFault(await save(), { step: 'storage', error: /^(connection_closed|connect)$/ });
    records++;
    wire.misbehave(null);
    assert.strictEqual(ok(await save(), 'after').json.record_count, ++records);
    assert.strictEqual((await blob()).length, records);
  });
  await t.test('nobody listens', async () => {
    const [free] = await ports.free(1);
    await l.party.stop();
    Object.assign(l.party.settings, at(free));
    await l.start();
    assertReleased(await release(l.party));
    assertFault(await save(), { status: 503, step: 'storage', error: 'connect', errno: 111 });
    assert.strictEqual(ok(await l.party.get('/company/list'), 'list').json.record_count, records + 1);
  });
}

// --- The clock ---

const DAY = 86400e3;
const JUMPS = { '+4 minutes': 240e3, '-4 minutes': -240e3, '+2 hours': 7200e3, '-2 hours': -7200e3, '+10 days': 10 * DAY, '-10 days': -10 * DAY, '+20 years': 7300 * DAY, '-20 years': -7300 * DAY };
const noClock = why() || (process.getuid() === 0 ? false : "another process's clock is moved by root only");

// The party's own clock jumps; everybody else's stays. Near ones are within what clocks may differ by. After far ones a token or certificate
// is not valid now, by name; nothing that needs no other party's time changes; and back again, all is well.
async function clockJumps(t) {
  const box = new Box(scratch('faultbox'), { clock: true });
  const l = await solo({ wrap: box.wrap });
  t.after(() => l.stop());
  await l.start();
  const { party } = l;
  const restless = async (what) => {
    const held = await keyStatus(party);
    assert.strictEqual(held.released, true, what);
    const r = ok(await upload(party, `name,age\nPerson ${what},1\n`), what);
    assert.strictEqual(r.json.total_records, 1);
    const { records } = ok(await party.get('/company/list'), what).json;
    const d = ok(await party.post('/decrypt', { ciphertext: records[0].name_encrypted }, { localAddress: newPeer() }), what);
    assert.strictEqual(d.json.plaintext, `Person ${what}`);
  };
  assertReleased(await release(party));
  for (const [what, ms] of Object.entries(JUMPS)) {
    for (const [name, ask, right] of [['attest', attest, (r) => ok(r, what)], ['release', release, assertReleased]]) {
      await t.test(`${what}, ${name}`, async () => {
        box.arm(`clock ${ms}\n`);
        const r = await ask(party);
        if (Math.abs(ms) < 300e3) right(r);
        else if (r.status !== 200) assertFault(r, { status: 502, error: 'untrusted' }, what);
        else assert.ok(ms === 7200e3, `${what}: a token of another time was taken`);
        await restless(what);
        box.arm('clock 0\n');
        right(await ask(party));
      });
    }
  }
  // While a service makes us wait: what is measured is time that passes, not the time of day.
  for (const ms of [2 * DAY, -2 * DAY]) {
    await t.test(`${ms / DAY} days while a retry waits`, async () => {
      l.control.misbehave({ service: 'maa', path: '/attest', mode: 'status', status: 429, retryAfter: 2, count: 1 });
      const waiting = attest(party);
      await sleep(1000);
      box.arm(`clock ${ms}\n`);
      await sleep(500);
      box.arm('clock 0\n');
      ok(await waiting, 'not by the time of day');
      l.control.clear();
    });
  }
  await t.test('started with a clock of another year: said, and mended when the clock is', async () => {
    await party.stop();
    box.arm(`clock ${-7300 * DAY}\n`);
    await l.start();
    assertFault(await release(party), { step: 'attestation', error: 'untrusted' });
    box.arm('clock 0\n');
    assertReleased(await release(party));
  });
  assert.deepStrictEqual(await party.stop(), { code: 0, signal: null });
}

// Within 30 s every partner's records are in the result again.
async function recovers(party, what) {
  for (const end = Date.now() + 30000; ;) {
    const { json } = ok(await analyze(party), what);
    if (json.status === 'success' || Date.now() > end) return all(json, what);
    await sleep(500);
  }
}

// Woodgrove's clock, and its partners' evidence. Woodgrove checks each second whether its certificate suits its clock, so after a far jump
// the certificate may be new. The partners refuse a certificate from the future (403) until Woodgrove replaces it.
async function clockOfWoodgrove(t) {
  const box = new Box(scratch('faultbox'), { clock: true });
  const { world, stop } = await wiredWorld(World, newPeer, { dir: scratch('clock'), ...partial });
  t.after(stop);
  world.parties.woodgrove = world.makeParty('woodgrove', { wrap: box.wrap });
  await world.start(['contoso', 'fabrikam', 'woodgrove']);
  const { woodgrove } = world.parties;
  for (const [what, ms] of Object.entries(JUMPS)) {
    await t.test(`${what}, analysis`, async () => {
      const far = Math.abs(ms) >= 300e3;
      box.arm(`clock ${ms}\n`);
      if (far) await sleep(2500);
      const r = ok(await analyze(woodgrove), what);
      if (!far) all(r.json, what);
      else if (r.json.errors) for (const e of r.json.errors) assert.match(e, /^(Contoso|Fabrikam): .*(not valid|trusted|expired|time|HTTP 403)/, what);
      else assert.ok(Math.abs(ms) === 7200e3, what);
      box.arm('clock 0\n');
      await recovers(woodgrove, `${what} and back`);
    });
  }
}

describe('network', { concurrency: 5 }, () => {
  for (const [name, s] of Object.entries(nobody)) test(`${name}: nobody listens`, (t) => refused(t, s));
  test("the partner's connection fails", partnerWire);
  for (const [place, after] of Object.entries(PLACES).filter(([p]) => p !== 'in the handshake')) test(`the partner falls silent ${place}`, (t) => partnerStalls(t, after));
  test("a partner's packets are dropped: no statistics of the other alone", packetsDropped);
  test('the partner answers badly', partnerAnswers);
  test("the storage account's connection fails", { skip: azurite.available() ? false : 'Azurite is not installed' }, blobWire);
  test('the clock jumps', { skip: noClock }, clockJumps);
  test("Woodgrove's clock jumps", { skip: noClock }, clockOfWoodgrove);
});
