// Faults at system calls (tests/faults): whatever call of a job fails, comes short, is interrupted or is late, the party does the job right or says by
// name what went wrong. It never ends by a signal, never hangs, leaves no partial data file, gives no secret away, and does the same job right
// as soon as the fault is over; after hundreds of faults it holds as many descriptors and threads as before.
//
// A sample of the calls of each kind in each step here; FAULTS=all (make faults): every fault at every call.
'use strict';
const assert = require('node:assert');
const fs = require('fs');
const os = require('os');
const path = require('path');
const { describe, test } = require('node:test');
const { World } = require('../world/world');
const { Box, why, killed, threads, resources, secretsOf, assertNoneOf, filesBelow, plan } = require('../faults/box');
const { Wire } = require('../faults/wire');
const { solo, scratch, release, attest, upload, newPeer, assertFault, assertReleased, assertNoPrivateMembers, sleep } = require('./lib');

const ALL = process.env.FAULTS === 'all';
const ONLY = process.env.FAULTS_STEP; // one step of those below
const STORED = 'contoso-encrypted.jsonl';
const KEPT = `${STORED}.unreadable`;
const VERBOSE = process.env.FAULTS_VERBOSE === '1'; // failures as they come
const HANG_MS = 60000;
const limited = { timeout: HANG_MS };
const untraceable = why();

const UPLOADED = 300;
const uploadCsv = `name,phone,age,salary,country\n${Array.from({ length: UPLOADED }, (_, i) => `Plaintext Person ${i},+99 555 ${7000 + i},${20 + (i % 40)},${1000 + i},Iceland\n`).join('')}`;
const csvSecrets = (file) => fs.readFileSync(file, 'utf8').split('\n').slice(1, 30).filter(Boolean).map((l) => l.split(',').slice(0, 2).join(','));
const whole = (r, what) => { assert.strictEqual(r.status, 200, `${what}: ${r.status} ${r.text}`); return r; };

// A list of records as it is stored: header, records in order, trailer.
function assertList(text, records) {
  const lines = text.trimEnd().split('\n');
  assert.ok(JSON.parse(lines[0]).format, 'header');
  const end = JSON.parse(lines[lines.length - 1]);
  assert.deepStrictEqual([end.end, end.records], [true, lines.length - 2], 'trailer');
  if (records) assert.strictEqual(end.records, records);
  for (let i = 1; i <= end.records; i++) assert.ok(lines[i].startsWith(`{"line_number":${i},`), `record ${i}`);
}

// --- Contoso's steps ---

const list = (p) => p.get('/company/list', { headers: { Accept: 'application/x-ndjson' }, ...limited });
const populate = (p) => p.post('/company/populate', undefined, { localAddress: newPeer(), ...limited });
const stored = (l) => path.join(l.party.settings.DATA_DIR, STORED);
const bytesOf = (file) => (fs.existsSync(file) ? fs.readFileSync(file) : null);

// An import that was disturbed: what was stored before, byte for byte, or the new set, which the program itself finds whole and the same when
// it is asked to import it again.
const importing = (before, run, records) => ({
  async before(l) {
    whole(await before(l.party), 'the other content');
    l.old = bytesOf(stored(l));
  },
  run: (l) => run(l.party),
  right(r) { assert.deepStrictEqual([whole(r, 'import').json.total_records, r.json.unchanged], [records, false]); },
  step: 'storage',
  async after(l, right, hit) {
    const left = fs.readdirSync(l.party.settings.DATA_DIR).filter((n) => n !== STORED);
    const kept = left.includes(KEPT);
    // A stored file that could not be read just then is put aside, as it was.
    if (kept) {
      assert.ok(bytesOf(`${stored(l)}.unreadable`).equals(l.old), 'what was put aside is what was stored');
      fs.rmSync(`${stored(l)}.unreadable`);
    }
    if (!/^(unlinkat|getrandom)/.test(hit || '')) assert.deepStrictEqual(left.filter((n) => n !== KEPT), [], 'left behind');
    const now = bytesOf(stored(l));
    const again = whole(await run(l.party), 'import again').json;
    assert.strictEqual(again.total_records, records);
    if (right) assert.ok(again.unchanged, 'what was answered is there');
    if (!again.unchanged) assert.ok(kept || (l.old && now && now.equals(l.old)), 'what was stored before is still there as it was');
    assert.deepStrictEqual(fs.readdirSync(l.party.settings.DATA_DIR), [STORED]);
    whole(await populate(l.party), 'what the other steps expect to find');
  },
});

// The file's records and no others: what was added to them is not undone by importing the same again.
async function imported(l) {
  whole(await upload(l.party, 'name\nOther\n'), 'upload');
  assert.strictEqual(whole(await populate(l.party), 'populate').json.total_records, 120);
}

const contosoSteps = {
  release: { run: (l) => release(l.party, limited), right: assertReleased },
  attest: { run: (l) => attest(l.party, limited), right: (r) => assert.ok(whole(r, 'attest').json.attestation_token) },
  info: { run: (l) => l.party.get('/info', { localAddress: newPeer(), ...limited }), right: (r) => whole(r, 'info') },
  upload: importing(populate, (p) => upload(p, uploadCsv, limited), UPLOADED),
  populate: importing((p) => upload(p, uploadCsv, limited), populate, 120),
  list: { run: (l) => list(l.party), right: (r) => assertList(whole(r, 'list').text, 120), streams: true },
  'list as one object': {
    run: (l) => l.party.get('/company/list', { tls: false, ...limited }), streams: true,
    right: (r) => assert.strictEqual(whole(r, 'list').json.records.length, 120),
  },
  decrypt: {
    async before(l) { l.value = whole(await list(l.party), 'list').text.split('\n')[1].match(/"name_encrypted":"([^"]+)"/)[1]; },
    run: (l) => l.party.post('/decrypt', { ciphertext: l.value }, { localAddress: newPeer(), ...limited }),
    right: (r) => assert.strictEqual(whole(r, 'decrypt').json.plaintext, 'Katja Lindqvist'), plaintext: true,
  },
  'encrypted status': { run: (l) => l.party.get('/company/encrypted-status', { tls: false, ...limited }), right: (r) => assert.strictEqual(whole(r, 'status').json.record_count, 120) },
  save: {
    async before(l) {
      await imported(l);
      l.old = bytesOf(stored(l));
    },
    run: (l) => l.party.post('/company/save', { name: 'Plaintext Person', phone: '+99 555 1' }, { localAddress: newPeer(), ...limited }),
    right: (r) => assert.strictEqual(whole(r, 'save').json.record_count, 121), step: 'storage',
    async after(l, right) {
      const now = bytesOf(stored(l));
      const text = whole(await list(l.party), 'list').text;
      assertList(text);
      const records = text.trimEnd().split('\n').length - 2;
      if (right) assert.strictEqual(records, 121);
      if (records !== 121) assert.ok(now.equals(l.old));
      await imported(l);
    },
  },
  // Each looks at every file of the root file system: thousands of calls.
  ...(ALL ? {
    'access test': {
      run: (l) => l.party.post('/container/access-test', undefined, { tls: false, localAddress: newPeer(), ...limited }), sample: { most: 2 },
      right: (r) => assert.strictEqual(whole(r, 'access test').json.status, 'complete'),
    },
  } : {}),
  'container info': { run: (l) => l.party.get('/container/info', { tls: false, ...limited }), right: (r) => whole(r, 'container info') },
};

// --- Woodgrove's ---

// All of it, or what is missing with its partner's name and reason, and nothing of it counted.
const NUMBERS = { Contoso: 'contoso_count', Fabrikam: 'fabrikam_count' };
function assertPartial(j) {
  assert.ok(Array.isArray(j.errors) && j.errors.length, JSON.stringify(j).slice(0, 300));
  for (const e of j.errors) assert.match(e, /^(Contoso|Fabrikam): [^:]{5,}/);
  for (const [name, member] of Object.entries(NUMBERS)) assert.strictEqual(j[member], j.errors.some((e) => e.startsWith(name)) ? 0 : 120, `${name}: ${JSON.stringify(j.errors)}`);
}
const resultOf = ({ status, errors, note, total_time: _, type, company_staff: __, ...rest }) => rest;
const assertWhole = (l, j) => {
  assert.deepStrictEqual([j.errors, j.total_count], [null, 240]);
  l.result ||= resultOf(j);
  assert.deepStrictEqual(resultOf(j), l.result);
};
const analysing = (run, jsonOf) => ({
  run, streams: true,
  right(r, l) { assertWhole(l, jsonOf(whole(r, 'analysis'))); },
  partial(r) { assertPartial(jsonOf(whole(r, 'analysis'))); },
  after(l, right, hit) {
    const left = fs.readdirSync(l.party.settings.DATA_DIR);
    if (!/^unlinkat|^getrandom|^openat@dir/.test(hit || '')) assert.deepStrictEqual(left.filter((n) => n !== 'reading'), [], 'of partners nothing stays behind');
  },
});
const urls = (l) => ({ contoso_url: l.party.settings.PARTNER_CONTOSO_URL, fabrikam_url: l.party.settings.PARTNER_FABRIKAM_URL });
const woodgroveSteps = {
  release: contosoSteps.release,
  'release of a partner\'s key': { run: (l) => l.party.post('/skr/release-partner', { partner: 'contoso' }, { localAddress: newPeer(), ...limited }), right: (r) => assert.strictEqual(whole(r, 'partner').json.status, 'success') },
  analysis: analysing((l) => l.party.post('/partner/analyze', {}, { localAddress: newPeer(), ...limited }), (r) => r.json),
  'analysis as a stream': {
    ...analysing((l) => l.party.events('/partner/analyze-stream'), (r) => r.events[r.events.length - 1]),
    partial(r) {
      const last = r.events[r.events.length - 1];
      assert.ok(last, 'an event');
      if (last.type === 'complete') assertPartial(last);
      else assert.ok(last.type === 'error' && (last.message || last.errors.length), JSON.stringify(last));
    },
  },
  demographics: {
    run: (l) => l.party.post('/analytics/partner-demographics', urls(l), { localAddress: newPeer(), ...limited }),
    right: (r) => whole(r, 'demographics'), after: analysing().after,
  },
};

// --- One fault ---

// Calls that speak to our own client: when they fail he may be cut off without a word.
const ours = (call) => /@in$|^epoll|^accept4|^poll|^futex|^getrandom/.test(call);

function assertNamed(lane, step, r, call, log) {
  if (r.cut) {
    assert.ok(ours(call) || (step.streams && /step=|error/.test(log)), `cut off without a reason: ${r.cut}\n${log}\n${lane.box.calls().slice(-50).join('\n')}`);
    return;
  }
  if (step.partial && r.status === 200) {
    step.partial(r);
    return;
  }
  assert.ok(r.status >= 400 && r.json && r.json.status === 'error', `neither right nor an error: ${r.status} ${String(r.text).slice(0, 400)}`);
  if (r.json.step) assertFault(r, step.step && r.status !== 504 ? { step: step.step } : {});
  else assert.ok(r.json.message.length > 10, r.text);
}

// The party ended: only where there are no random bytes may it, and it says so.
async function ended(lane, call) {
  const end = await Promise.race([lane.party.ended, sleep(lane.dying ? 300 : 0)]);
  if (!end) return false;
  assert.deepStrictEqual(end, { code: 70, signal: null }, `ended at ${call}: ${lane.party.log.slice(-600)}`);
  assert.match(lane.party.log, /entropy: the kernel gives no random bytes; stopping\n/);
  assert.match(call, /^getrandom/);
  return true;
}

async function attempt(lane, step, x) {
  await step.before?.(lane);
  const log = lane.party.log.length;
  lane.box.arm(x.rule);
  const r = await step.run(lane).catch((e) => ({ cut: e.message }));
  if (/no answer within/.test(r.cut)) throw new Error(`hangs: ${r.cut}\n${lane.box.calls().slice(-50).join('\n')}\n${threads(lane.party)}`);
  for (let i = 0; i < 10 && !lane.box.hits().length; i++) await sleep(10);
  const met = lane.box.hits().length > 0;
  lane.box.arm('');
  // A process that ends may do so just after its answer.
  lane.dying = r.cut !== undefined || (met && ends(x));
  const said = lane.party.log.slice(log);
  const over = await ended(lane, x.call);
  let right = true;
  try {
    step.right(r, lane);
  } catch (e) {
    right = false;
    if (!over) assertNamed(lane, step, r, x.call, said);
    if (!met) throw e;
  }
  if (r.json) assertNoPrivateMembers(r.json);
  assertNoneOf(step.plaintext ? lane.keys : lane.secrets, { reply: r.text || JSON.stringify(r.events || ''), log: said });
  if (over) await lane.restart();
  await step.after?.(lane, right, x.call);
  // Over, and forgotten.
  if (!step.after || step.partial) {
    const again = await step.run(lane);
    step.right(again, lane);
    await step.after?.(lane, true, null);
  }
  return { met, right };
}

// The one fault after which there is nothing left to do.
const ends = (x) => x.call === 'getrandom' && x.fault.startsWith('error') && !x.fault.endsWith(` ${os.constants.errno.EINTR}`);

async function counted(t, lane, name, step, x, sum) {
  try {
    const { met, right } = await attempt(lane, step, x);
    sum.runs++;
    sum.met += met;
    sum.right += right;
  } catch (e) {
    if (VERBOSE) process.stderr.write(`${name}: ${x.rule}${e.stack}\n`);
    await t.test(`${name}: ${x.rule.trim()}`, () => { throw new Error(`${e.stack}\n${threads(lane.party)}\nlog: ${lane.party.log.slice(-1500)}`); });
    await lane.restart();
  }
}

// All steps of a lane. part of parts: this lane's share of the injections.
async function disturb(t, lane, steps, [part, parts] = [0, 1]) {
  const sum = { runs: 0, met: 0, right: 0 };
  // Everything once, so that what is made at the first use is there.
  for (const step of Object.values(steps)) {
    await step.before?.(lane);
    step.right(await step.run(lane), lane);
    await step.after?.(lane, true, null);
  }
  const before = await settled(lane);
  const fatal = [];
  for (const [name, step] of Object.entries(steps).filter(([n]) => !ONLY || n === ONLY)) {
    await step.before?.(lane);
    lane.box.forget();
    step.right(await step.run(lane), lane);
    const calls = lane.box.calls();
    await step.after?.(lane, true, null);
    const todo = plan(name, calls, { all: ALL, few: 1, ...step.sample }).filter((x, i) => i % parts === part);
    for (const x of todo) {
      if (ends(x)) fatal.push([name, step, x]);
      else await counted(t, lane, name, step, x, sum);
    }
    assertNoneOf(lane.secrets, filesBelow(lane.party.dir));
  }
  if (lane.starts === 0) assert.deepStrictEqual(await settled(lane), before, 'descriptors and threads');
  for (const args of fatal) await counted(t, lane, ...args, sum);
  t.diagnostic(JSON.stringify(sum));
  assert.ok(sum.met > 0.9 * sum.runs, `most faults were met: ${JSON.stringify(sum)}`);
}

// When the last connection is closed: looked at until it stays.
async function settled(lane) {
  let last = null;
  for (let i = 0; i < 40; i++) {
    const now = JSON.stringify(resources(lane.party));
    if (now === last) break;
    last = now;
    await sleep(i < 2 ? 1200 : 200);
  }
  return JSON.parse(last);
}

// A lane's own members: how it starts again, and what must be seen nowhere.
function makeLane(party, box, { keys, plaintext, files, start }) {
  return {
    party, box, keys, secrets: [...keys, ...plaintext, ...files.flatMap(csvSecrets)], starts: 0,
    async restart() {
      this.starts++;
      box.arm('');
      await killed(party);
      await start();
    },
  };
}

async function contoso(t, name) {
  const box = new Box(path.join(scratch('faultbox'), name));
  const l = await solo({ wrap: box.wrap });
  t.after(() => l.stop());
  const [version] = l.vault.keys.get(l.own.key);
  const start = async () => {
    await l.start();
    assertReleased(await release(l.party));
  };
  const lane = makeLane(l.party, box, { keys: [...secretsOf(version.secret.key), l.party.token], plaintext: ['Plaintext Person'], files: [l.party.settings.CSV_PATH], start });
  await start();
  return lane;
}

// --- From the start ---

// One start with a rule in force from its first call to the end of its first release: it serves, or it ends with a status and a reason.
async function fromStart(lane, x) {
  const { party, box } = lane;
  box.arm(x ? x.rule : '');
  party.start();
  await Promise.race([party.listening().catch((e) => e), party.ended]);
  const end = await Promise.race([party.ended, sleep(0)]);
  let right = !end;
  if (!end) {
    const r = await release(party, limited).catch((e) => ({ cut: e.message }));
    try {
      assertReleased(r);
    } catch {
      right = false;
      if (!ends(x)) assertNamed(lane, contosoSteps.release, r, x.call, party.log);
    }
  }
  const out = { calls: box.calls(), met: box.hits().length > 0, right };
  box.arm('');
  assertNoneOf(lane.secrets, { log: party.log });
  if (end || ends(x || { call: '' })) {
    const { code, signal } = await party.ended;
    assert.ok(signal === null && [1, 2, 70].includes(code), `${code} ${signal}`);
    assert.match(party.log, / error .*\n|^parley: /, 'says why');
    return out;
  }
  assertReleased(await release(party, limited));
  assert.deepStrictEqual(await party.stop(), { code: 0, signal: null });
  return out;
}

describe('faults at system calls', { concurrency: true, skip: untraceable }, () => {
  const PARTS = ALL ? 2 : 1;
  for (let part = 0; part < PARTS; part++) {
    test(`Contoso at work, part ${part + 1}`, async (t) => {
      const lane = await contoso(t, `contoso-${part}`);
      await disturb(t, lane, contosoSteps, [part, PARTS]);
      assert.deepStrictEqual(await lane.party.stop(), { code: 0, signal: null });
    });
  }

  test('Contoso from its start', async (t) => {
    const lane = await contoso(t, 'contoso-start');
    await lane.party.stop();
    const sum = { runs: 0, met: 0, right: 0 };
    const { calls } = await fromStart(lane, null);
    for (const x of plan('start', calls, { all: ALL, few: 1, most: 20 })) {
      try {
        const { met, right } = await fromStart(lane, x);
        sum.runs++;
        sum.met += met;
        sum.right += right;
      } catch (e) {
        if (VERBOSE) process.stderr.write(`start: ${x.rule}${e.stack}\n`);
        await t.test(`start: ${x.rule.trim()}`, () => { throw new Error(`${e.stack}\n${threads(lane.party)}\nlog: ${lane.party.log.slice(-1500)}`); });
        await killed(lane.party);
      }
    }
    t.diagnostic(JSON.stringify(sum));
    assert.ok(sum.met > 0.9 * sum.runs && sum.right > 0.5 * sum.runs, JSON.stringify(sum));
  });

  test('Woodgrove at work', async (t) => {
    const wires = {};
    let world;
    for (const name of ['contoso', 'fabrikam']) wires[name] = await Wire.make(() => world.ports[name].peer, newPeer);
    world = await World.make({
      dir: scratch('world'), minGroup: 1,
      settings: { woodgrove: Object.fromEntries(Object.entries(wires).map(([name, w]) => [`PARTNER_${name.toUpperCase()}_URL`, `https://localhost:${w.port}`])) },
    });
    t.after(async () => {
      await world.stop();
      for (const w of Object.values(wires)) await w.close();
      world.clearData();
    });
    const box = new Box(path.join(scratch('faultbox'), 'woodgrove'));
    world.parties.woodgrove = world.makeParty('woodgrove', { wrap: box.wrap });
    await world.start(['contoso', 'fabrikam', 'woodgrove']);
    const keys = ['contoso', 'fabrikam', 'woodgrove'].flatMap((n) => secretsOf(world.services.vaultNamed(n).keys.get(`${n}-secret-key`)[0].secret.key));
    const lane = makeLane(world.parties.woodgrove, box, {
      keys: [...keys, world.token], plaintext: [], files: ['contoso', 'fabrikam'].map((n) => world.settings[n].CSV_PATH), start: () => world.start(['woodgrove']),
    });
    await disturb(t, lane, woodgroveSteps);
    assert.deepStrictEqual(await lane.party.stop(), { code: 0, signal: null });
  });
});
