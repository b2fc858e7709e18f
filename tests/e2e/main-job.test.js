// The main job over the shipped binary: four parties start, the analysis of Woodgrove equals the golden results, as one answer and as a stream.
'use strict';
const assert = require('node:assert');
const fs = require('fs');
const path = require('path');
const { describe, test } = require('node:test');
const ports = require('../world/ports');
const { World } = require('../world/world');
const { VECTORS, noVectors, scratch, newPeer, assertFault, ROOT } = require('./lib');
const { Peer, provider, legacyRecords } = require('./lib-peer');

const analyze = (party, body = {}) => party.post('/partner/analyze', body, { localAddress: newPeer() });
const csv = (rows) => ({ contoso: path.join(VECTORS, `contoso-${rows}.csv`), fabrikam: path.join(VECTORS, `fabrikam-${rows}.csv`) });
const expected = (rows) => JSON.parse(fs.readFileSync(path.join(VECTORS, `expected-${rows}.json`)));

async function worldWith(t, options) {
  const world = await World.make({ dir: scratch('world'), ...options });
  t.after(async () => {
    const ends = await world.stop();
    world.clearData();
    for (const end of ends) assert.deepStrictEqual(end, { code: 0, signal: null });
  });
  await world.start(options.start || ['contoso', 'fabrikam', 'woodgrove']);
  return world;
}

// Members of want are exactly those of got; got may have those in more besides.
function sameMembers(got, want, more) {
  for (const [name, value] of Object.entries(want)) assert.deepStrictEqual(got[name], value, name);
  assert.deepStrictEqual(Object.keys(got).filter((k) => !(k in want)).sort(), [...more].sort());
}

function checkAnswer(r, want) {
  assert.strictEqual(r.status, 200, r.text);
  assert.strictEqual(r.json.status, 'success', r.text.slice(0, 500));
  assert.strictEqual(r.json.errors, null);
  sameMembers(r.json, want, ['status', 'errors', 'note']);
}

// multiparty-app.md section 2. counts: [Contoso's, Fabrikam's].
function checkStream(stream, want, counts) {
  assert.strictEqual(stream.status, 200);
  assert.match(stream.headers['content-type'], /^text\/event-stream/);
  assert.strictEqual(stream.headers['x-accel-buffering'], 'no');
  assert.match(stream.headers['cache-control'], /no-cache|no-store/);
  const [total, { events }] = [counts[0] + counts[1], stream];
  const rest = events.filter((e) => e.type !== 'progress');
  assert.deepStrictEqual(rest.map((e) => [e.type, e.phase || e.partner || e.status]),
    [['status', 'fetch'], ['fetch', 'Contoso'], ['fetch', 'Fabrikam'], ['status', 'decrypt'], ['status', 'analyze'], ['complete', 'success']]);
  assert.deepStrictEqual(rest.slice(1, 3).map((e) => e.count), counts);
  assert.strictEqual(rest[3].total, total);
  for (const e of rest.filter((r) => r.type === 'status')) assert.ok(e.message);
  checkProgress(events, total, counts);
  const { company_staff: _, ...without } = want;
  const { type, ...complete } = rest[5];
  assert.strictEqual(type, 'complete');
  assert.strictEqual(complete.errors, null);
  assert.ok(complete.total_time > 0 && Number.isInteger(Math.round(complete.total_time * 1e6) / 1e4));
  sameMembers(complete, without, ['status', 'errors', 'total_time']);
}

// After each batch of 20 of each partner, up to 5000 records in all; beyond that at most 20 a second, and the end of each partner.
function checkProgress(events, total, counts) {
  const progress = events.filter((e) => e.type === 'progress');
  if (total <= 5000) {
    const batches = (n, from) => Array.from({ length: Math.ceil(n / 20) }, (_, i) => from + Math.min(n, 20 * (i + 1)));
    assert.deepStrictEqual(progress.map((e) => e.decrypted), [...batches(counts[0], 0), ...batches(counts[1], counts[0])]);
  }
  assert.strictEqual(progress[progress.length - 1].decrypted, total);
  let elapsed = 0;
  for (const e of progress) {
    assert.deepStrictEqual(Object.keys(e).sort(), ['current_partner', 'decrypt_rate', 'decrypted', 'elapsed', 'percent', 'remaining', 'total', 'type']);
    assert.strictEqual(e.total, total);
    assert.ok(Math.abs(e.percent - (100 * e.decrypted) / total) <= 0.05 + 1e-9, JSON.stringify(e));
    assert.strictEqual(e.current_partner, e.decrypted <= counts[0] ? 'Contoso' : 'Fabrikam');
    assert.ok(e.elapsed >= elapsed && e.remaining >= 0, JSON.stringify(e));
    for (const name of ['percent', 'elapsed', 'remaining']) assert.match(String(e[name]), /^\d+(\.\d)?$/);
    elapsed = e.elapsed;
  }
  const phase = (p) => events.findIndex((e) => e.type === 'status' && e.phase === p);
  const at = events.map((e, i) => (e.type === 'progress' ? i : -1)).filter((i) => i >= 0);
  assert.ok(at.every((i) => i > phase('decrypt') && i < phase('analyze')));
}

describe('main job', { concurrency: 2 }, () => {
  for (const rows of [50, 250, 2500]) {
    test(`golden results of ${rows} + ${rows} records, twice the same`, { skip: noVectors }, async (t) => {
      const world = await worldWith(t, { csv: csv(rows), minGroup: 1 });
      const want = expected(rows);
      for (let i = 0; i < 2; i++) {
        checkAnswer(await analyze(world.woodgrove), want);
        checkStream(await world.woodgrove.events('/partner/analyze-stream'), want, [rows, rows]);
      }
      assert.deepStrictEqual(fs.readdirSync(world.woodgrove.settings.DATA_DIR), [], 'nothing of partners stays behind');
      // No plaintext of a row is anywhere but in the answer's statistics: not in what providers list, not in any log.
      const [, name, phone] = fs.readFileSync(csv(rows).contoso, 'utf8').match(/\n([^,\n]+),([^,\n]+)/);
      const list = await world.contoso.get('/company/list');
      assert.strictEqual(list.json.record_count, rows);
      for (const text of [list.text, ...['contoso', 'fabrikam', 'woodgrove'].map((n) => world[n].log)]) assert.ok(!text.includes(name) && !text.includes(phone));
    });
  }

  test('the original page and its clients: who may analyse, bodies, methods', async (t) => {
    // Four people of Contoso live where nobody else does.
    const file = `${scratch('few')}.csv`;
    fs.mkdirSync(path.dirname(file), { recursive: true });
    const lines = fs.readFileSync(path.join(ROOT, 'tests/data/contoso.csv'), 'utf8').split('\n');
    fs.writeFileSync(file, lines.map((l, i) => (i > 0 && i <= 4 ? l.replace(/[^,]*$/, 'Iceland') : l)).join('\n'));
    const world = await worldWith(t, { csv: { contoso: file } });
    const { woodgrove, contoso } = world;
    const notOurs = await analyze(contoso);
    assert.strictEqual(notOurs.status, 403);
    const stream = await contoso.events('/partner/analyze-stream');
    assert.deepStrictEqual([stream.status, stream.events.length, stream.events[0].type], [200, 1, 'error']);
    // No request chooses where records come from; repeating the settings is allowed.
    const own = { contoso_url: woodgrove.settings.PARTNER_CONTOSO_URL, fabrikam_url: woodgrove.settings.PARTNER_FABRIKAM_URL };
    assert.strictEqual((await analyze(woodgrove, own)).status, 200);
    assert.strictEqual((await analyze(woodgrove, { ...own, contoso_url: 'https://elsewhere.localhost' })).status, 400);
    assert.strictEqual((await woodgrove.post('/partner/analyze', undefined, { localAddress: newPeer() })).status, 200);
    assert.strictEqual((await woodgrove.post('/partner/analyze', {}, { localAddress: newPeer(), auth: false })).status, 401);
    assert.strictEqual((await woodgrove.request('GET', '/partner/analyze', { localAddress: newPeer() })).status, 405);

    await t.test('small groups are suppressed at the default of 5', async () => {
      const r = await analyze(woodgrove);
      const older = await woodgrove.post('/analytics/partner-demographics', own, { localAddress: newPeer() });
      for (const text of [r.text, older.text]) assert.ok(!text.includes('Iceland'), text);
      const shown = r.json.salary_by_country;
      assert.ok(shown.length > 3);
      for (const c of shown) assert.deepStrictEqual([c.count >= 5, c.avg_salary > 0, c.min_salary, c.max_salary], [true, true, null, null]);
      // Another country goes with it, or the total would tell; both forms show the same.
      const hidden = 240 - r.json.top_10_countries.reduce((n, c) => n + c.count, 0);
      assert.ok(hidden >= 9, `${hidden} people are hidden`);
      assert.strictEqual(r.json.withheld.countries, 240 - shown.reduce((n, c) => n + c.count, 0));
      const combined = older.json.combined_analytics;
      assert.deepStrictEqual(Object.entries(combined.top_countries), r.json.top_10_countries.map((c) => [c.country, c.count]));
      assert.deepStrictEqual(combined.withheld, r.json.withheld);
      assert.deepStrictEqual([combined.salary_comparison.contoso.min, combined.salary_comparison.contoso.max], [null, null]);
      for (const avg of Object.values(r.json.avg_salaries)) assert.ok(avg > 0);
    });

    await t.test('one analysis at a time: 409, and an error event', async () => {
      let other;
      let second;
      const first = await woodgrove.events('/partner/analyze-stream', (e) => {
        if (other || e.type !== 'status' || e.phase !== 'fetch') return; // at the first partner: the second's records come still
        other = analyze(woodgrove);
        second = woodgrove.events('/partner/analyze-stream');
      });
      assert.strictEqual(first.events[first.events.length - 1].type, 'complete');
      const r = await other;
      assert.strictEqual(r.status, 409, r.text);
      assert.deepStrictEqual((await second).events.map((e) => e.type), ['error']);
      assert.strictEqual((await analyze(woodgrove)).status, 200);
    });

    const restarted = async (settings) => {
      await world.parties.woodgrove.stop();
      world.parties.woodgrove = world.makeParty('woodgrove', { settings });
      await world.start(['woodgrove']);
      return world.parties.woodgrove;
    };
    await t.test('a partner that is away: nothing is shown of the other', async () => {
      await world.fabrikam.stop();
      assertFault(await analyze(woodgrove), { status: 503, step: 'partner', error: 'connect' });
    });

    await t.test('PARTIAL_RESULTS=on: it is an error of its own, the other is counted, and every form says that the result is partial', async () => {
      const lenient = await restarted({ PARTIAL_RESULTS: 'on' });
      const r = await analyze(lenient);
      assert.deepStrictEqual([r.status, r.json.status, r.json.contoso_count, r.json.fabrikam_count, r.json.errors.length], [200, 'partial', 120, 0, 1]);
      assert.match(r.json.errors[0], /^Fabrikam: /);
      const last = (await lenient.events('/partner/analyze-stream')).events.pop();
      assert.deepStrictEqual([last.type, last.status, last.contoso_count, last.fabrikam_count, last.errors.length], ['complete', 'partial', 120, 0, 1]);
      const older = await lenient.post('/analytics/partner-demographics', own, { localAddress: newPeer() });
      assert.deepStrictEqual([older.status, older.json.status, older.json.partners.contoso.status, older.json.partners.fabrikam.status], [200, 'partial', 'success', 'error']);
    });

    await t.test('no partner at all: an error event with both reasons, and a partial answer', async () => {
      await world.contoso.stop();
      const last = (await world.parties.woodgrove.events('/partner/analyze-stream')).events.pop();
      assert.deepStrictEqual([last.type, last.errors.length], ['error', 2]);
      const r = await analyze(world.parties.woodgrove);
      assert.deepStrictEqual([r.status, r.json.status, r.json.total_count, r.json.errors.length], [200, 'partial', 0, 2]);
    });

    await t.test('they come back with their data', async () => {
      await world.start(['contoso', 'fabrikam']);
      const r = await analyze(await restarted({}));
      assert.deepStrictEqual([r.json.status, r.json.total_count], ['success', 240]);
    });
  });

  test('records of the original form, from providers made of the test\'s own code', { skip: noVectors }, async (t) => {
    const lists = {};
    const list = (company) => () => [200, 'application/json', JSON.stringify({ status: 'success', company, record_count: lists[company].length, records: lists[company] })];
    const at = Object.fromEntries((await ports.free(2)).map((port, i) => [['contoso', 'fabrikam'][i], port]));
    const url = (company) => `https://localhost:${at[company]}`;
    const world = await worldWith(t, { minGroup: 1, start: [], settings: { woodgrove: { PARTNER_CONTOSO_URL: url('contoso'), PARTNER_FABRIKAM_URL: url('fabrikam'), PARTIAL_RESULTS: 'on' } } });
    const servers = {};
    for (const company of ['contoso', 'fabrikam']) {
      servers[company] = await provider(at[company], { peer: new Peer(world.services, { role: company, guest: { hostData: world.hostData[company] } }), list: list(company) });
      t.after(() => servers[company].close());
      const [version] = world.services.vaultNamed(company).keys.get(`${company}-secret-key`);
      const jwk = require('crypto').createPublicKey(version.secret.key).export({ format: 'jwk' });
      lists[company] = legacyRecords(csv(50)[company], company, jwk);
    }
    await world.start(['woodgrove']);
    checkAnswer(await analyze(world.woodgrove), expected(50));
    checkStream(await world.woodgrove.events('/partner/analyze-stream'), expected(50), [50, 50]);
    const once = ['POST /peer/hello', 'POST /peer/proof', 'GET /company/list'];
    assert.deepStrictEqual(servers.contoso.asked, [...once, ...once], 'nothing else is asked of it');

    await t.test('values that are null or cannot be decrypted are missing, the record counts', async () => {
      const [first, second] = lists.contoso;
      first.salary_encrypted = null;
      second.country_encrypted = second.country_encrypted.replace(/^..../, 'AAAA');
      const r = await analyze(world.woodgrove);
      assert.deepStrictEqual([r.json.contoso_count, r.json.total_count, r.json.errors], [50, 100, null]);
      assert.strictEqual(r.json.salary_by_country.reduce((n, c) => n + c.count, 0), 98);
      assert.deepStrictEqual(r.json.not_read, ['salary', 'country'].map((column) => ({ company: 'Contoso', column, count: 1, reasons: { empty: 1 } })));
    });
    await t.test('a record of another company, or a list that is none, is an error of that partner', async () => {
      lists.contoso[3].company = 'fabrikam';
      const r = await analyze(world.woodgrove);
      assert.deepStrictEqual([r.json.status, r.json.contoso_count, r.json.fabrikam_count, r.json.errors.length], ['partial', 0, 50, 1]);
      assert.match(r.json.errors[0], /^Contoso: /);
    });
  });
});
