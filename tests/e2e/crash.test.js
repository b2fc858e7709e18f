// Imports and the disk: killed at any point, twice the same, from a file and as an upload, damaged, read-only, full.
'use strict';
const assert = require('node:assert');
const { execFileSync } = require('child_process');
const fs = require('fs');
const os = require('os');
const path = require('path');
const { describe, test } = require('node:test');
const { Box, why, killed, pick } = require('../faults/box');
const { wiredWorld } = require('../faults/wire');
const { World } = require('../world/world');
const { solo, scratch, release, upload, keyStatus, newPeer, assertFault, assertReleased, Party, sleep, ROOT } = require('./lib');

const KILLS = process.env.FAULTS === 'all' ? 200 : 30; // of each kind
const untraceable = why();

const ROWS = 3000;
const STORED = 'contoso-encrypted.jsonl';
const KEPT = '.unreadable';
const HEAD = 'name,phone,age,salary,eye_color,favorite_color,address,postal_code,city,country';

// rows records, of which no two are the same; which: makes two sets tell apart.
function makeCsv(rows, which) {
  const out = [HEAD];
  for (let i = 0; i < rows; i++) out.push(`${which} ${i},+1 555-000-${i},${18 + (i % 48)},${30000 + i},Brown,Navy,${i} Main Street,${10000 + i},Lyon,France`);
  return `${out.join('\n')}\n`;
}
function write(name, text) {
  const file = path.join(scratch('csv'), name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, text);
  return file;
}

const populate = (party, options) => party.post('/company/populate', undefined, { localAddress: newPeer(), ...options });
const listOf = async (party) => (await party.get('/company/list')).json;
const firstName = async (party) => {
  const list = await party.get('/company/list', { headers: { Accept: 'application/x-ndjson' } });
  const record = JSON.parse(list.text.split('\n')[1]);
  return (await party.post('/decrypt', { ciphertext: record.name_encrypted }, { localAddress: newPeer() })).json.plaintext;
};

async function lane(t, options) {
  const l = await (await solo(options)).start();
  t.after(() => l.stop());
  assertReleased(await release(l.party));
  return l;
}

// What is stored is one of the two data sets, whole: {which, rows}. Every record is there once, in order.
async function stored(party) {
  const list = await party.get('/company/list', { headers: { Accept: 'application/x-ndjson' } });
  assert.strictEqual(list.status, 200, list.text.slice(0, 300));
  const lines = list.text.trim().split('\n');
  assert.ok(JSON.parse(lines[0]).format, 'header');
  const end = JSON.parse(lines[lines.length - 1]);
  assert.deepStrictEqual([end.end, end.records], [true, lines.length - 2]);
  for (let i = 1; i < lines.length - 1; i += 97) assert.ok(lines[i].startsWith(`{"line_number":${i},`));
  return { which: (await firstName(party)).split(' ')[0], rows: end.records };
}

// Kills at calls spread over a step by a seed: n-th of so many, before or after it. A kill between two calls leaves what one of these does.
const killAt = (what, i, calls) => `* ${1 + pick(`${what} ${i}`, calls)} ${i % 2 ? 'kill' : 'kill-after'}\n`;

async function importKilled(t) {
  const files = { old: write('old.csv', makeCsv(300, 'old')), new: write('new.csv', makeCsv(ROWS, 'new')) };
  const box = new Box(scratch('faultbox'));
  const l = await lane(t, { settings: { CSV_PATH: files.old }, wrap: box.wrap });
  assert.strictEqual((await populate(l.party)).json.total_records, 300);
  const dir = l.party.settings.DATA_DIR;
  const kept = path.join(l.dir, 'kept.jsonl');
  fs.copyFileSync(path.join(dir, STORED), kept);
  l.party.settings.CSV_PATH = files.new;
  await l.restart();
  assertReleased(await release(l.party));
  box.forget();
  const whole = await populate(l.party);
  const calls = box.calls().length;
  assert.deepStrictEqual([whole.status, whole.json.records_added, whole.json.total_records, whole.json.unchanged], [200, ROWS, ROWS, false], whole.text);
  assert.deepStrictEqual(await stored(l.party), { which: 'new', rows: ROWS });

  const outcomes = { old: 0, new: 0, halfway: 0, late: 0 };
  for (let i = 0; i < KILLS; i++) {
    const rule = killAt('import', i, calls);
    await t.test(rule.trim(), async () => {
      fs.copyFileSync(kept, path.join(dir, STORED));
      box.arm(rule);
      const answer = await populate(l.party).then((r) => r.status, () => 'cut');
      // The last calls come after the answer.
      await Promise.race([l.party.ended, sleep(1000)]);
      outcomes.late += answer === 200;
      outcomes.halfway += fs.existsSync(path.join(dir, `${STORED}.tmp`));
      await killed(l.party);
      box.arm('');
      await l.start();
      assertReleased(await release(l.party));
      const found = await stored(l.party);
      outcomes[found.which]++;
      assert.deepStrictEqual(found, found.which === 'new' ? { which: 'new', rows: ROWS } : { which: 'old', rows: 300 });
      if (found.which === 'old') assert.ok(fs.readFileSync(path.join(dir, STORED)).equals(fs.readFileSync(kept)));
      if (answer === 200) assert.strictEqual(found.which, 'new', 'what was answered is there');
    });
  }
  assert.ok(outcomes.old >= KILLS / 6 && outcomes.halfway >= KILLS / 6, JSON.stringify(outcomes));
  await t.test('the next import completes and leaves nothing else behind', async () => {
    const r = await populate(l.party);
    assert.deepStrictEqual([r.status, r.json.total_records], [200, ROWS]);
    assert.deepStrictEqual(fs.readdirSync(dir), [STORED]);
  });
}

async function analysisKilled(t) {
  const box = new Box(scratch('faultbox'));
  const { world, stop } = await wiredWorld(World, newPeer, { dir: scratch('world') });
  t.after(stop);
  const woodgrove = world.makeParty('woodgrove', { wrap: box.wrap });
  world.parties.woodgrove = woodgrove;
  await world.start(['contoso', 'fabrikam']);
  await world.start(['woodgrove']);
  const analyze = () => woodgrove.post('/partner/analyze', {}, { localAddress: newPeer() });
  const lists = () => Promise.all(['contoso', 'fabrikam'].map(async (n) => (await world[n].get('/company/list', { headers: { Accept: 'application/x-ndjson' } })).text));
  await analyze();
  box.forget();
  const want = (await analyze()).json;
  // The next wrapping key may be in the making: its random bytes are no part of the analysis.
  const calls = box.calls().filter((c) => !c.startsWith('getrandom')).length;
  assert.deepStrictEqual([want.status, want.total_count, want.errors], ['success', 240, null]);
  const before = await lists();
  let [cut, halfway] = [0, 0];
  for (let i = 0; i < KILLS; i++) {
    const rule = killAt('analysis', i, calls);
    await t.test(rule.trim(), async () => {
      box.arm(rule);
      const answer = await analyze().then((r) => r, () => null);
      await Promise.race([woodgrove.ended, sleep(1000)]);
      if (answer && answer.json) assert.deepStrictEqual(answer.json, want);
      else cut++;
      await killed(woodgrove);
      const left = fs.readdirSync(woodgrove.settings.DATA_DIR);
      assert.ok(left.every((n) => /^partner-(contoso|fabrikam)\.spool(\.tmp)?$/.test(n)), left.join());
      halfway += left.length > 0;
      box.arm('');
      await world.start(['woodgrove']);
      const again = await analyze();
      assert.deepStrictEqual(again.json, want, 'the same result: nothing is counted twice');
      assert.deepStrictEqual(fs.readdirSync(woodgrove.settings.DATA_DIR), [], 'nothing of partners stays behind');
    });
  }
  assert.ok(cut >= KILLS / 3 && halfway >= KILLS / 10, `${cut} cut, ${halfway} with files left of ${KILLS}`);
  assert.deepStrictEqual(await lists(), before, "the partners' data are what they were");
}

describe('crash', { concurrency: 2 }, () => {
  test('kill -9 anywhere in an import: old or new data, whole', { skip: untraceable }, importKilled);
  test('kill -9 anywhere in an analysis: the next one gives the same result', { skip: untraceable }, analysisKilled);

  test('the same content twice changes nothing; another content replaces, never adds', async (t) => {
    const l = await lane(t);
    const file = path.join(l.party.settings.DATA_DIR, STORED);
    assert.strictEqual((await listOf(l.party)).record_count, 0);
    const first = await populate(l.party);
    assert.deepStrictEqual([first.status, first.json.records_added, first.json.total_records, first.json.unchanged], [200, 120, 120, false]);
    const before = fs.readFileSync(file);
    const second = await populate(l.party);
    assert.deepStrictEqual([second.status, second.json.records_added, second.json.total_records, second.json.unchanged], [200, 0, 120, true]);
    assert.ok(fs.readFileSync(file).equals(before));
    const up = await upload(l.party, fs.readFileSync(l.party.settings.CSV_PATH));
    assert.deepStrictEqual([up.json.records_added, up.json.total_records, up.json.unchanged], [0, 120, true], 'the same content as an upload');
    await l.restart();
    assertReleased(await release(l.party));
    assert.strictEqual((await populate(l.party)).json.unchanged, true, 'also after a restart');
    const other = await upload(l.party, makeCsv(7, 'other'));
    assert.deepStrictEqual([other.json.records_added, other.json.total_records, other.json.unchanged], [7, 7, false]);
    assert.strictEqual(await firstName(l.party), 'other 0');
    assert.deepStrictEqual([fs.statSync(file).mode & 0o777, fs.readdirSync(path.dirname(file))], [0o600, [STORED]]);
  });

  test('uploads: chunked, quoted, unknown columns; refused when they are not CSV, with what was stored untouched', async (t) => {
    const l = await lane(t);
    const good = 'name,age,salary,shoe size,country\r\n"Smith, Jane",40,50000,38,France\r\n"O\'Connor ""Al""\r\nsecond line",50,60000,,"Côte d\'Ivoire"\r\n';
    const r = await l.party.request('POST', '/company/populate', { localAddress: newPeer(), body: good, headers: { 'Content-Type': 'text/csv; charset=utf-8' } });
    assert.deepStrictEqual([r.status, r.json.total_records, r.json.source_file], [200, 2, 'upload'], r.text);
    assert.strictEqual(await firstName(l.party), 'Smith, Jane');
    const { records } = await listOf(l.party);
    const plain = async (v) => (await l.party.post('/decrypt', { ciphertext: v }, { localAddress: newPeer() })).json.plaintext;
    assert.deepStrictEqual([await plain(records[1].name_encrypted), await plain(records[1].country_encrypted), await plain(records[0]['shoe size_encrypted'])],
      ['O\'Connor "Al"\r\nsecond line', "Côte d'Ivoire", '38']);
    const chunked = await l.party.request('POST', '/company/populate', {
      localAddress: newPeer(), body: makeCsv(300, 'chunked'), headers: { 'Content-Type': 'text/csv', 'Transfer-Encoding': 'chunked', 'Content-Length': undefined },
    });
    assert.deepStrictEqual([chunked.status, chunked.json && chunked.json.total_records], [200, 300], chunked.text);

    const file = path.join(l.party.settings.DATA_DIR, STORED);
    const before = fs.readFileSync(file);
    const bad = {
      'nothing': '', 'a header only': 'name,age\n', 'an open quote': 'name,age\n"A,1\n', 'a row too short': 'name,age\nA,1\nB\n', 'a row too long': 'name,age\nA,1,2\n',
      'a column twice': 'name,name\nA,B\n', 'an empty column name': 'name,\nA,B\n', 'bytes that are no text': Buffer.from('name,age\n\xff\xfe,1\n', 'latin1'),
      'NUL': 'name,age\nA\0B,1\n', 'a value beyond all bounds': `name,age\n${'x'.repeat(5000)},1\n`, 'too many columns': `${Array.from({ length: 65 }, (_, i) => `c${i}`).join(',')}\n`,
      'a quote inside a value': 'name,age\nA"B,1\n', 'an error in the last of many rows': `${makeCsv(3000, 'x')}only one\n`,
    };
    for (const [name, text] of Object.entries(bad)) {
      await t.test(`refused: ${name}`, async () => {
        const x = await upload(l.party, text);
        assertFault(x, { step: 'storage' }, name);
        assert.ok(x.status === 400 || x.status === 413, `${name}: ${x.status}`);
        assert.ok(fs.readFileSync(file).equals(before), `${name} changed what is stored`);
      });
    }
    assert.deepStrictEqual(fs.readdirSync(path.dirname(file)), [STORED]);
    const noToken = await upload(l.party, makeCsv(5, 'x'), { auth: false });
    assert.strictEqual(noToken.status, 401);
  });

  test('an upload that is cut leaves what was stored', async (t) => {
    const l = await lane(t);
    await populate(l.party);
    const http = require('http');
    const cut = new Promise((resolve) => {
      const req = http.request(`${l.party.plain}/company/populate`, {
        method: 'POST', localAddress: newPeer(), family: 4, headers: { Authorization: `Bearer ${l.party.token}`, 'Content-Type': 'text/csv', 'Content-Length': 10 << 20 },
      });
      req.on('error', resolve).on('response', resolve);
      req.write(makeCsv(20000, 'cut'));
      setTimeout(() => { req.destroy(); resolve(); }, 500);
    });
    await cut;
    await l.party.until('the import to be over', async () => (await populate(l.party)).status === 200, 20000);
    assert.strictEqual((await listOf(l.party)).record_count, 120);
    assert.deepStrictEqual(fs.readdirSync(l.party.settings.DATA_DIR), [STORED]);
  });

  test('a damaged file is found and said; importing again repairs it', async (t) => {
    const l = await lane(t);
    await populate(l.party);
    const file = path.join(l.party.settings.DATA_DIR, STORED);
    const good = fs.readFileSync(file, 'utf8');
    const lines = good.trim().split('\n');
    const damages = {
      cut: good.slice(0, good.length - 40), 'without its trailer': `${lines.slice(0, -1).join('\n')}\n`, 'without its last line break': good.trim(),
      'with another trailer': good.replace(/"records":120/, '"records":121'), 'with noise behind it': `${good}noise\n`,
    };
    for (const [name, text] of Object.entries(damages)) {
      await t.test(`a file ${name}`, async () => {
        fs.writeFileSync(file, text);
        const r = await l.party.get('/company/list').catch((e) => ({ cut: e.message }));
        if (name === 'with another trailer') assert.ok(r.cut || r.status === 200 || r.status >= 500, 'its seal is checked where it is read with the key');
        else assertFault(r, { step: 'storage', error: 'damaged' }, name);
        const again = await populate(l.party);
        assert.deepStrictEqual([again.status, again.json.unchanged, again.json.total_records], [200, false, 120], `${name}: ${again.text}`);
        assert.strictEqual((await listOf(l.party)).record_count, 120);
      });
    }
  });

  test('damage at every place: found, said, and what is damaged is kept', async (t) => {
    const l = await lane(t);
    await populate(l.party);
    const file = path.join(l.party.settings.DATA_DIR, STORED);
    const good = fs.readFileSync(file);
    const lines = good.toString().match(/.*\n/g);
    const put = (at, bytes) => Buffer.concat([good.subarray(0, at), Buffer.from(bytes), good.subarray(at + bytes.length)]);
    const order = (...list) => Buffer.from([...lines.slice(0, 2), ...list.map((i) => lines[i]), ...lines.slice(5)].join(''));
    const spread = (n) => Array.from({ length: n }, (_, i) => Math.floor((i * (good.length - 1)) / (n - 1)));
    const damages = {
      'nothing left': Buffer.alloc(0), 'a line less': order(2, 4), 'a line twice': order(2, 3, 3, 4), 'two lines in each other\'s place': order(2, 4, 3),
      'a page of zeros': put(8192, Buffer.alloc(4096)), 'a page of another place': put(8192, good.subarray(16384, 20480)),
      'another key\'s name': put(good.indexOf('"key_id":"') + 10, [good[good.indexOf('"key_id":"') + 10] ^ 1]),
      'only the trailer': Buffer.from(lines[lines.length - 1]), 'only the header': Buffer.from(lines[0]), 'twice the whole': Buffer.concat([good, good]),
    };
    for (const at of spread(process.env.FAULTS === 'all' ? 1500 : 40)) damages[`bit ${at % 7} of byte ${at}`] = put(at, [good[at] ^ (1 << at % 7)]);
    for (const at of spread(process.env.FAULTS === 'all' ? 500 : 20).slice(1)) damages[`cut to ${at} bytes`] = good.subarray(0, at);
    for (const [what, bytes] of Object.entries(damages)) {
      fs.writeFileSync(file, bytes);
      const saved = await l.party.post('/company/save', { name: 'another' }, { localAddress: newPeer() });
      assertFault(saved, { step: 'storage' }, what);
      assert.ok(fs.readFileSync(file).equals(bytes), `${what}: not touched`);
      const from = l.party.log.length;
      const again = await populate(l.party);
      assert.deepStrictEqual([again.status, again.json.unchanged, again.json.total_records], [200, false, 120], `${what}: ${again.text}`);
      assert.match(again.json.message, /could not be read; it is kept/, what);
      await l.party.until('the log', () => /warn .*what is stored cannot be read; it is kept .* step=storage error=\w+/.test(l.party.log.slice(from)));
      assert.ok(fs.readFileSync(file + KEPT).equals(bytes), `${what}: kept as it was`);
      fs.rmSync(file + KEPT);
    }
    assert.deepStrictEqual((await stored(l.party)).rows, 120);
  });

  test('another key: what was stored cannot be read, says so, and is replaced', async (t) => {
    const l = await lane(t);
    await populate(l.party);
    const [value] = (await listOf(l.party)).records.map((r) => r.name_encrypted);
    const { adminToken, putKey } = require('../standin/provision');
    const { token } = await adminToken(l.services, 'https://vault.azure.net');
    await putKey(l.services, l.own.vault, token, l.own.key, l.own.policy);
    await l.restart();
    assertReleased(await release(l.party));
    const old = await l.party.post('/decrypt', { ciphertext: value }, { localAddress: newPeer() });
    assert.deepStrictEqual([old.status, old.json.status, old.json.plaintext], [500, 'error', undefined], old.text);
    assert.match(old.json.message, /encrypted for another key/);
    const file = path.join(l.party.settings.DATA_DIR, STORED);
    const before = fs.readFileSync(file);
    const r = await populate(l.party);
    assert.deepStrictEqual([r.json.unchanged, r.json.total_records], [false, 120]);
    assert.strictEqual(await firstName(l.party), 'Katja Lindqvist');
    assert.ok(fs.readFileSync(file + KEPT).equals(before), 'who has the old key can still read it');
  });

  test('no CSV where it should be, or one that is a directory', async (t) => {
    const l = await lane(t, { settings: { CSV_PATH: '/nonexistent/contoso.csv' } });
    assertFault(await populate(l.party), { status: 404, step: 'storage', error: 'not_found' });
    l.party.settings.CSV_PATH = ROOT;
    await l.restart();
    assertReleased(await release(l.party));
    assertFault(await populate(l.party), { step: 'storage' });
    assert.strictEqual((await listOf(l.party)).record_count, 0);
  });

  // root may write anywhere, so a party is told apart by its user.
  const user = process.getuid() === 0 ? 'nobody' : null;
  const setpriv = ['/usr/bin/setpriv', '/bin/setpriv'].find((f) => fs.existsSync(f));
  test('a data directory that cannot be written', { skip: user && !setpriv ? 'no setpriv' : false }, async (t) => {
    const l = await solo({ open: true });
    t.after(() => l.stop());
    const dir = l.party.settings.DATA_DIR;
    fs.mkdirSync(dir, { recursive: true });
    fs.chmodSync(dir, 0o555);
    const wrap = user ? [setpriv, '--reuid=65534', '--regid=65534', '--clear-groups'] : [];
    const refused = new Party({ name: 'contoso', dir: l.dir, settings: { ...l.party.settings, EXTRA_TRUST_ANCHOR: '' }, box: null, wrap }).start();
    const end = await refused.ended;
    await sleep(100);
    assert.ok(end.code === 1 || end.code === 2, `${JSON.stringify(end)} ${refused.log}`);
    assert.match(refused.log, /data directory|DATA_DIR/);
    fs.chmodSync(dir, 0o700);
  });

  // A few hundred KiB of room, in a file system of its own.
  let mounted = null;
  if (process.getuid() === 0) {
    const at = fs.mkdtempSync(path.join(os.tmpdir(), 'parley-full-'));
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=300k,mode=0700', 'parley-test', at], { stdio: 'ignore' });
      mounted = at;
      process.on('exit', () => { execFileSync('umount', ['-l', at]); fs.rmdirSync(at); });
    } catch { fs.rmdirSync(at); /* not allowed here */ }
  }
  test('a file larger than may be written: as a full disk, and no signal', async (t) => {
    const l = await lane(t, { wrap: ['/bin/sh', '-c', 'ulimit -f 512; exec "$@"', 'sh'] });
    const small = await upload(l.party, makeCsv(50, 'small'));
    assert.deepStrictEqual([small.status, small.json.total_records], [200, 50], small.text);
    const file = path.join(l.party.settings.DATA_DIR, STORED);
    const before = fs.readFileSync(file);
    assertFault(await upload(l.party, makeCsv(5000, 'large')), { status: 507, step: 'storage', error: 'capacity' });
    assert.ok(fs.readFileSync(file).equals(before));
    assert.deepStrictEqual(fs.readdirSync(path.dirname(file)), [STORED]);
    assert.strictEqual((await keyStatus(l.party)).released, true);
  });

  test('a full disk: said, nothing half-written stays, what was stored is untouched', { skip: mounted ? false : 'no small file system can be mounted here' }, async (t) => {
    const l = await lane(t, { settings: { DATA_DIR: mounted } });
    const small = await upload(l.party, makeCsv(50, 'small'));
    assert.deepStrictEqual([small.status, small.json.total_records], [200, 50], small.text);
    const before = fs.readFileSync(path.join(mounted, STORED));
    for (let i = 0; i < 2; i++) {
      const r = await upload(l.party, makeCsv(2000, 'large'));
      assertFault(r, { status: 507, step: 'storage', error: 'capacity' });
      assert.ok(fs.readFileSync(path.join(mounted, STORED)).equals(before));
      assert.deepStrictEqual(fs.readdirSync(mounted), [STORED]);
    }
    assert.strictEqual((await listOf(l.party)).record_count, 50);
    assert.strictEqual((await upload(l.party, makeCsv(60, 'other'))).json.total_records, 60);
    assert.strictEqual((await keyStatus(l.party)).released, true);
  });
});
