// Imports and the disk: killed at any point, twice the same, from a file and as an upload, damaged, read-only, full.
'use strict';
const assert = require('node:assert');
const { execFileSync } = require('child_process');
const fs = require('fs');
const os = require('os');
const path = require('path');
const { describe, test } = require('node:test');
const { solo, scratch, release, upload, keyStatus, newPeer, assertFault, assertReleased, Party, sleep, ROOT } = require('./lib');

const ROWS = 50000;
const STORED = 'contoso-encrypted.jsonl';
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

// The party's own process: snpbox is only around it.
function pidOf(party) {
  const children = fs.readFileSync(`/proc/${party.child.pid}/task/${party.child.pid}/children`, 'utf8').trim().split(' ');
  assert.strictEqual(children.length, 1);
  return Number(children[0]);
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

async function killed(t) {
  const files = { old: write('old.csv', makeCsv(1000, 'old')), new: write('new.csv', makeCsv(ROWS, 'new')) };
  const l = await lane(t, { settings: { CSV_PATH: files.old } });
  assert.strictEqual((await populate(l.party)).json.total_records, 1000);
  const dir = l.party.settings.DATA_DIR;
  const kept = path.join(l.dir, 'kept.jsonl');
  fs.copyFileSync(path.join(dir, STORED), kept);
  l.party.settings.CSV_PATH = files.new;
  await l.restart();
  assertReleased(await release(l.party));

  // How long it takes when nobody interferes, so that the kills are spread over the whole.
  const from = Date.now();
  const whole = await populate(l.party);
  const takes = Date.now() - from;
  assert.deepStrictEqual([whole.status, whole.json.records_added, whole.json.total_records, whole.json.unchanged], [200, ROWS, ROWS, false], whole.text);
  assert.deepStrictEqual(await stored(l.party), { which: 'new', rows: ROWS });

  const outcomes = { old: 0, new: 0, halfway: 0 };
  const points = [0, 0.02, 0.1, 0.25, 0.4, 0.55, 0.7, 0.8, 0.88, 0.93, 0.97, 1.0, 1.03, 1.1];
  for (const share of points) {
    await t.test(`kill -9 after ${Math.round(share * takes)} of ${takes} ms`, async () => {
      fs.copyFileSync(kept, path.join(dir, STORED));
      const done = populate(l.party).then((r) => r.status, () => 'cut');
      await sleep(share * takes);
      if (fs.existsSync(path.join(dir, `${STORED}.tmp`))) outcomes.halfway++;
      process.kill(pidOf(l.party), 'SIGKILL');
      await l.party.ended;
      const answer = await done;
      await l.start();
      assertReleased(await release(l.party));
      const found = await stored(l.party);
      outcomes[found.which]++;
      assert.deepStrictEqual(found, found.which === 'new' ? { which: 'new', rows: ROWS } : { which: 'old', rows: 1000 });
      if (answer === 200) assert.strictEqual(found.which, 'new', 'what was answered is there');
    });
  }
  assert.ok(outcomes.old >= 3, `${JSON.stringify(outcomes)}: some kills came before the end`);
  assert.ok(outcomes.halfway >= 3, `${JSON.stringify(outcomes)}: some kills left a half-written file`);
  await t.test('the next import completes and leaves nothing else behind', async () => {
    const r = await populate(l.party);
    assert.deepStrictEqual([r.status, r.json.total_records], [200, ROWS]);
    assert.deepStrictEqual(fs.readdirSync(dir), [STORED]);
  });
}

describe('crash', { concurrency: 2 }, () => {
  test('kill -9 during a large import: old or new data, whole', killed);

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
    await t.test('one bit anywhere is found before the data are taken for what they were', async () => {
      for (const at of [10, 300, 2000, good.length >> 1, good.length - 100]) {
        const b = Buffer.from(fs.readFileSync(file));
        b[at] ^= 1;
        fs.writeFileSync(file, b);
        const again = await populate(l.party);
        assert.deepStrictEqual([again.status, again.json.unchanged, again.json.total_records], [200, false, 120], `at ${at}: ${again.text}`);
      }
    });
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
    const r = await populate(l.party);
    assert.deepStrictEqual([r.json.unchanged, r.json.total_records], [false, 120]);
    assert.strictEqual(await firstName(l.party), 'Katja Lindqvist');
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
    const l = await solo();
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
