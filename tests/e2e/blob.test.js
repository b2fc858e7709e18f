// The shared storage account: Azurite in the role of Azure Storage, Microsoft's client on the other side, and a man in the middle who misbehaves.
'use strict';
const assert = require('node:assert');
const { describe, it, before, after } = require('node:test');
const fs = require('fs');
const http = require('http');
const path = require('path');
const ports = require('../world/ports');
const { Azurite } = require('../world/azurite');
const { World } = require('../world/world');
const { solo, newPeer, upload, assertFault, assertReleased, release, ROOT, sleep } = require('./lib');

const BLOB = 'consolidated-records-parley.json';
const DIR = path.join(ROOT, `build/e2e-blob-${process.pid}`);
process.on('exit', () => fs.rmSync(DIR, { recursive: true, force: true }));

const download = (party, name, options) => party.get(`/storage/download/${name.split('/').map(encodeURIComponent).join('/')}`, options);
const populate = (party) => party.post('/company/populate', undefined, { localAddress: newPeer() });
const save = (party, body) => party.post('/company/save', body, { localAddress: newPeer() });
const content = async (container, name) => (await container.getBlobClient(name).downloadToBuffer()).toString();
const records = async (container, name = BLOB) => JSON.parse(await content(container, name));
const of = (list, company) => list.filter((r) => r.company === company);
const put = (container, name, text, type = 'text/plain') => container.getBlockBlobClient(name).upload(text, Buffer.byteLength(text), { blobHTTPHeaders: { blobContentType: type } });

describe('four parties and one storage account', () => {
  let w;
  let container;
  before(async () => {
    w = await World.make({ dir: path.join(DIR, 'world'), grantAll: true, blob: true });
    await w.start();
    container = w.azurite.container();
    for (const p of [w.contoso, w.fabrikam]) await p.until('its records shared', () => /shared blob holds our records/.test(p.log));
  });
  after(async () => {
    const ends = await w.stop();
    assert.ok(ends.every((e) => e.code === 0), JSON.stringify(ends));
  });

  it('is reached with a SAS, the shared key and a managed identity, over TLS', async () => {
    for (const [name, method] of [['contoso', 'sas_token'], ['fabrikam', 'shared_key'], ['woodgrove', 'managed_identity'], ['snooper', 'sas_token']]) {
      const c = await w.parties[name].get('/storage/config', { auth: false });
      assert.strictEqual(c.json.auth_method, method);
      assert.strictEqual(c.json.authenticated, true);
      const d = await download(w.parties[name], BLOB, { auth: false });
      assert.strictEqual(d.status, 200, `${name}: ${d.text.slice(0, 400)}`);
      assert.strictEqual(JSON.parse(d.json.content).length, 240);
      assert.deepStrictEqual([d.json.is_text, d.json.content_type, d.json.size, d.json.blob_name], [true, 'application/json', Buffer.byteLength(d.json.content), BLOB]);
    }
  });

  it("holds both companies' records in the original's shape, without a word of plaintext", async () => {
    const text = await content(container, BLOB);
    const list = JSON.parse(text);
    assert.deepStrictEqual([of(list, 'contoso').length, of(list, 'fabrikam').length, list.length], [120, 120, 240]);
    for (const r of list) {
      assert.match(r.timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
      assert.match(r.name_encrypted, /^[A-Za-z0-9+/]+=*$/);
    }
    const words = new Set(text.replace(/"(timestamp|company|line_number|batch)":("[^"]*"|\d+)/g, '').split(/[^A-Za-z0-9+/=]+/));
    for (const name of ['contoso', 'fabrikam']) {
      for (const line of fs.readFileSync(path.join(ROOT, `tests/data/${name}.csv`), 'utf8').trim().split('\n').slice(1)) {
        // Short values stand in base64 by chance: of those only ones that stand alone count.
        for (const value of line.split(',').filter((v) => v.length >= 8)) assert.ok(!text.includes(value), `${name}: ${value}`);
        for (const value of line.split(',')) assert.ok(!words.has(value), `${name}: ${value}`);
      }
    }
    const names = (await (await fetchAll(container)).map((b) => b.name));
    assert.deepStrictEqual(names, [BLOB]);
  });

  it('its owner decrypts a value found there; the other company cannot', async () => {
    const [first] = of(await records(container), 'contoso');
    const own = await w.contoso.post('/decrypt', { ciphertext: first.name_encrypted }, { localAddress: newPeer() });
    assert.strictEqual(own.status, 200, own.text);
    const csv = fs.readFileSync(path.join(ROOT, 'tests/data/contoso.csv'), 'utf8').split('\n')[1];
    assert.strictEqual(own.json.plaintext, csv.split(',')[0]);
    assert.notStrictEqual((await w.fabrikam.post('/decrypt', { ciphertext: first.name_encrypted }, { localAddress: newPeer() })).status, 200);
  });

  it('importing again writes nothing', async () => {
    const { etag } = await container.getBlobClient(BLOB).getProperties();
    const r = await populate(w.contoso);
    assert.deepStrictEqual([r.status, r.json.unchanged, r.json.storage_type, r.json.destination], [200, true, 'blob', BLOB]);
    assert.strictEqual((await container.getBlobClient(BLOB).getProperties()).etag, etag);
  });

  it("the Snooper's SAS reads and lists, and writes nothing", async () => {
    const theirs = w.azurite.container(w.snooper.settings.AZURE_STORAGE_SAS);
    assert.strictEqual((await records(theirs)).length, 240);
    await assert.rejects(put(theirs, 'x', 'y'), (e) => e.statusCode === 403);
    await assert.rejects(theirs.getBlobClient(BLOB).delete(), (e) => e.statusCode === 403);
  });

  it("Microsoft's client writes what parties read: odd names, empty, binary, text over several ranges", async () => {
    const long = `${'é€😀a'.repeat(90000)}\n"quoted" \\ <b> & \u0001 end`;
    const blobs = { 'notes/ä b+c.(1)?#.txt': 'text', empty: '', 'long.txt': long, 'a/b/c/..d': '{"x":1}' };
    const binary = Buffer.from(Array.from({ length: 300001 }, (_, i) => (i * 7919) & 255));
    for (const [name, text] of Object.entries(blobs)) await put(container, name, text);
    await container.getBlockBlobClient('binary').upload(binary, binary.length);
    for (const p of [w.contoso, w.fabrikam, w.woodgrove, w.snooper]) {
      for (const [name, text] of Object.entries(blobs)) {
        const d = await download(p, name);
        assert.strictEqual(d.status, 200, `${p.name} ${name}: ${d.text.slice(0, 300)}`);
        assert.strictEqual(d.json.content, text, name);
        assert.strictEqual(d.json.is_text, true);
        assert.strictEqual(d.json.size, Buffer.byteLength(text));
      }
      const d = await download(p, 'binary');
      assert.deepStrictEqual([d.json.is_text, d.json.size], [false, binary.length]);
      assert.ok(Buffer.from(d.json.content, 'base64').equals(binary));
    }
    for (const name of [...Object.keys(blobs), 'binary']) await container.deleteBlob(name);
  });

  it('lists all pages of the container', async () => {
    const names = Array.from({ length: 75 }, (_, i) => `many/${String(i).padStart(3, '0')} &<>'".txt`);
    for (const name of names) await put(container, name, name);
    for (const p of [w.contoso, w.woodgrove]) {
      const r = await p.get('/storage/list', { auth: false });
      assert.strictEqual(r.status, 200, r.text.slice(0, 300));
      assert.strictEqual(r.json.blob_count, 76);
      assert.deepStrictEqual(r.json.blobs.map((b) => b.name).sort(), [BLOB, ...names].sort());
      for (const b of r.json.blobs) {
        assert.strictEqual(typeof b.size, 'string');
        assert.ok(b.url.startsWith(`${w.azurite.endpoint}/privateappdata/`) && !/[?#"<> ]/.test(b.url), b.url);
        assert.ok(b.last_modified.endsWith('GMT') && b.content_type);
      }
    }
    for (const name of names) await container.deleteBlob(name);
  });

  it('companies that write at the same time lose nothing, nor does a third program', async () => {
    const third = [];
    let stop = false;
    // An ETag-respecting client of another kind: appends records of its own, in the layout of the original (indented).
    const other = (async () => {
      while (!stop) {
        const blob = container.getBlockBlobClient(BLOB);
        const { etag } = await blob.getProperties();
        const list = JSON.parse((await blob.downloadToBuffer(0, undefined, { conditions: { ifMatch: etag } }).catch(() => '[]')).toString());
        const mine = { timestamp: '2026-01-01T00:00:00.000001Z', company: 'contoso', name_encrypted: `third ${third.length}`, odd: [{}, 'ä'] };
        const text = JSON.stringify([...list, mine], null, 2);
        try {
          if (list.length) {
            await blob.upload(text, Buffer.byteLength(text), { conditions: { ifMatch: etag } });
            third.push(mine);
          }
        } catch (e) { if (e.statusCode !== 412) throw e; }
        await sleep(60);
      }
    })();
    const rounds = 5;
    const saves = (party) => (async () => {
      for (let i = 0; i < rounds; i++) {
        const r = await save(party, { name: `${party.name} person ${i}`, phone: `+1 ${i}` });
        assert.strictEqual(r.status, 200, r.text);
        assert.strictEqual(r.json.record_count, 121 + i);
        assert.deepStrictEqual([r.json.blob_name, r.json.storage_type, r.json.company], [BLOB, 'blob', party.name]);
      }
    })();
    await Promise.all([saves(w.contoso), saves(w.fabrikam)]);
    stop = true;
    await other;
    const list = await records(container);
    assert.ok(third.length > 0);
    assert.deepStrictEqual(list.filter((r) => r.odd), third);
    for (const p of [w.contoso, w.fabrikam]) {
      const own = of(list, p.name).filter((r) => !r.odd);
      assert.strictEqual(own.length, 120 + rounds, p.name);
      assert.strictEqual(new Set(own.map((r) => r.batch)).size, 1);
      const last = own[own.length - 1];
      const d = await p.post('/decrypt', { ciphertext: last.name_encrypted }, { localAddress: newPeer() });
      assert.strictEqual(d.json.plaintext, `${p.name} person ${rounds - 1}`);
    }
    assert.match(w.contoso.log + w.fabrikam.log, /another writer was first/);
  });

  it('a saved record is kept by an import of the same file, and counted by the partner analysis', async () => {
    assert.deepStrictEqual([(await populate(w.contoso)).json.unchanged, (await w.contoso.get('/company/list')).json.record_count], [true, 125]);
    const r = await w.woodgrove.post('/partner/analyze', {}, { localAddress: newPeer() });
    assert.deepStrictEqual([r.json.status, r.json.errors, r.json.contoso_count, r.json.fabrikam_count], ['success', null, 125, 125]);
  });

  it("does not touch a blob that holds something else; records are stored locally all the same", async () => {
    const was = await content(container, BLOB);
    for (const text of ['{"records":[{"company":"contoso"}', '[1,2]', 'hello', '[{"a":1},]']) {
      await put(container, BLOB, text, 'application/json');
      const r = await save(w.contoso, { name: 'x' });
      assertFault(r, { step: 'storage', error: 'damaged' });
      assert.strictEqual(await content(container, BLOB), text);
    }
    await put(container, BLOB, was, 'application/json');
    assert.strictEqual((await w.contoso.get('/company/list')).json.record_count, 129);
    assert.strictEqual((await populate(w.contoso)).status, 200);
    assert.strictEqual(of(await records(container), 'contoso').filter((r) => !r.odd).length, 129);
  });

  it('an empty blob, an empty list and no blob at all are beginnings', async () => {
    for (const text of ['', '[]', ' [ ]\n', null]) {
      if (text === null) await container.deleteBlob(BLOB);
      else await put(container, BLOB, text, 'application/json');
      assert.strictEqual((await populate(w.fabrikam)).status, 200);
      assert.strictEqual((await records(container)).length, 125);
    }
  });
});

// A path exactly as written: URL libraries take dot segments out.
const exact = (party, target) => new Promise((resolve, reject) => {
  http.request({ host: '127.0.0.1', port: Number(party.settings.HTTP_PORT), path: target, agent: false }, (res) => {
    let text = '';
    res.on('data', (d) => { text += d; }).on('end', () => resolve({ status: res.statusCode, text }));
  }).on('error', reject).end();
});

async function fetchAll(container) {
  const all = [];
  for await (const b of container.listBlobsFlat()) all.push(b);
  return all;
}

// --- misbehaviour ---------------------------------------------------------------------------------------------------
// Forwards to Azurite; a rule meets requests by method and part of the target, count times. status, code, headers, body: the answer instead; lose: the
// request is done and its answer lost; cut: half of the answer's first piece, then nothing; skip: so many requests first; strip: header of the answer left out; ignoreRange; meanwhile: called before the request is forwarded.
class Middle {
  static async start(target) {
    const m = new Middle();
    m.rules = [];
    m.log = [];
    m.target = new URL(target);
    m.server = http.createServer((req, res) => m.take(req, res).catch(() => res.destroy()));
    const [port] = await ports.free(1);
    await new Promise((resolve) => { m.server.listen(port, '127.0.0.1', resolve); });
    m.endpoint = `http://127.0.0.1:${port}${m.target.pathname}`;
    return m;
  }

  stop() {
    this.server.closeAllConnections();
    return new Promise((resolve) => { this.server.close(resolve); });
  }

  rule(r) { this.rules.push({ count: 1, method: /./, part: '', hits: 0, ...r }); return this.rules[this.rules.length - 1]; }

  async take(req, res) {
    const parts = [];
    for await (const d of req) parts.push(d);
    this.log.push(`${req.method} ${req.url}`);
    const rule = this.rules.find((r) => r.count > 0 && r.method.test(req.method) && req.url.includes(r.part) && (r.skip || 0) < 1);
    for (const r of this.rules) if (r.skip > 0 && r.method.test(req.method) && req.url.includes(r.part)) r.skip--;
    if (rule) { rule.count--; rule.hits++; }
    if (rule && rule.status) {
      const body = rule.body ?? `<?xml version="1.0" encoding="utf-8"?><Error><Code>${rule.code || 'X'}</Code><Message>${rule.message || 'said the service'}\nRequestId:1</Message></Error>`;
      res.writeHead(rule.status, { 'x-ms-error-code': rule.code || 'X', 'Content-Type': 'application/xml', ...rule.headers });
      return res.end(body);
    }
    if (rule && rule.meanwhile) await rule.meanwhile();
    const headers = { ...req.headers };
    if (rule && rule.ignoreRange) delete headers['x-ms-range'];
    const up = http.request({ host: this.target.hostname, port: this.target.port, method: req.method, path: req.url, headers }, (back) => {
      if (rule && rule.lose) { back.resume(); return void back.on('end', () => res.destroy()); }
      const out = { ...back.headers };
      for (const n of [rule && rule.strip, ...Object.keys((rule && rule.headers) || {}).map((h) => h.toLowerCase())]) delete out[n];
      res.writeHead(back.statusCode, { ...out, ...(rule && rule.headers) });
      if (rule && rule.cut) { back.once('data', (d) => res.write(d.subarray(0, d.length >> 1), () => res.destroy())); return undefined; }
      return void back.pipe(res);
    });
    up.on('error', () => res.destroy());
    return void up.end(Buffer.concat(parts));
  }
}

describe('a storage account that misbehaves', () => {
  let s;
  let a;
  let m;
  let p;
  let container;
  const name = 'consolidated-records.json';
  before(async () => {
    const [port] = await ports.free(1);
    s = await solo({ settings: { STORAGE: 'local' } });
    a = await Azurite.start({ port, pki: s.services.pki, dir: path.join(DIR, 'azurite'), plain: true });
    m = await Middle.start(a.endpoint);
    Object.assign(s.party.settings, { STORAGE: 'blob', AZURE_STORAGE_CONNECTION_STRING: `BlobEndpoint=${m.endpoint};SharedAccessSignature=${a.sas('rcwdl')}` });
    await s.start();
    p = s.party;
    container = a.container();
    assertReleased(await release(p));
    assert.strictEqual((await populate(p)).status, 200);
  });
  after(async () => { await m.stop(); await s.stop(); await a.stop(); });

  // Each save makes a new batch, so each has to be written.
  let saved = 120;
  const saveOk = async () => {
    const r = await save(p, { name: `n${++saved}` });
    assert.strictEqual(r.status, 200, r.text);
    const list = await records(container, name);
    assert.strictEqual(list.length, saved);
    assert.strictEqual(new Set(list.map((x) => x.batch)).size, 1);
  };

  it('is tried again when busy, failing or cut off', async () => {
    for (const rule of [{ status: 503, code: 'ServerBusy' }, { status: 429, code: 'TooManyRequests', headers: { 'Retry-After': '1' } }, { status: 500, code: 'InternalError' }]) {
      const r = m.rule({ part: name, count: 2, ...rule });
      await saveOk();
      assert.strictEqual(r.hits, 2);
    }
    const cut = m.rule({ method: /GET/, part: name, cut: true });
    await saveOk();
    assert.strictEqual(cut.hits, 1);
  });

  it('an answer lost after the write was done: nothing is written twice', async () => {
    const r = m.rule({ method: /PUT/, part: name, lose: true });
    await saveOk();
    assert.strictEqual(r.hits, 1);
    assert.match(p.log, /another writer was first/);
  });

  it('another writer in between, at every step: all over again', async () => {
    const touch = async () => { const t = await content(container, name); await put(container, name, t, 'application/json'); };
    const gets = m.rule({ method: /GET/, part: name, count: 2, meanwhile: touch });
    const puts = m.rule({ method: /PUT/, part: name, count: 2, meanwhile: touch });
    await saveOk();
    assert.deepStrictEqual([gets.hits, puts.hits], [2, 2]);
    // Made by somebody else between looking and writing: 409.
    await container.deleteBlob(name);
    const made = m.rule({ method: /PUT/, part: name, meanwhile: () => put(container, name, '[]', 'application/json') });
    await saveOk();
    assert.strictEqual(made.hits, 1);
  });

  it('each refusal is told apart and passed on', async () => {
    const cases = [
      [{ status: 403, code: 'AuthenticationFailed' }, 403, 'denied', /signature/], [{ status: 403, code: 'AuthorizationPermissionMismatch' }, 403, 'denied', /may not/],
      [{ status: 401, code: 'InvalidAuthenticationInfo' }, 403, 'denied', /token/], [{ status: 404, code: 'ContainerNotFound' }, 404, 'not_found', /container/],
      [{ status: 409, code: 'ContainerBeingDeleted' }, 409, 'http', /state/], [{ status: 400, code: 'InvalidHeaderValue' }, 400, 'http', /./],
    ];
    for (const [rule, status, error, cause] of cases) {
      for (const ask of [() => save(p, { name: `n${++saved}` }), () => p.get('/storage/list'), () => download(p, name)]) {
        m.rule(rule);
        const r = await ask();
        assertFault(r, { status, step: 'storage', http_status: rule.status, code: new RegExp(rule.code) }, rule.code);
        assert.match(r.json.diagnosis.likely_cause, cause);
        assert.match(r.json.response_text, /said the service/);
        assert.ok(r.json.error.includes(error) || error === 'http', r.text);
      }
    }
    m.rules = [];
    await saveOk();
    assertFault(await download(p, 'no/such'), { status: 404, step: 'storage', code: /BlobNotFound/ });
  });

  it('busy for good: 503 and 429 with Retry-After', async () => {
    for (const status of [503, 429]) {
      const r = m.rule({ status, code: 'ServerBusy', headers: { 'Retry-After': '1' }, count: 9 });
      const got = await p.get('/storage/list');
      assertFault(got, { status, error: 'throttled', http_status: status });
      assert.strictEqual(got.headers['retry-after'], '1');
      assert.ok(r.hits > 1 && r.hits < 9, `${r.hits} tries`);
      r.count = 0;
    }
  });

  it('wrong ranges, missing versions and unreadable answers are refused', async () => {
    const text = 'x'.repeat(600000);
    await put(container, 'big', text);
    for (const rule of [{ headers: { 'Content-Range': 'bytes 1-262144/600000' } }, { headers: { 'Content-Range': 'bytes 0-9/600000' } }, { headers: { 'Content-Range': 'x' } }, { strip: 'etag' }]) {
      m.rule({ part: '/big', ...rule });
      assertFault(await download(p, 'big'), { status: 502, error: /protocol/ }, JSON.stringify(rule));
    }
    // Later pieces: the answer has begun, so it is cut, never completed.
    for (const rule of [{ ignoreRange: true }, { meanwhile: () => put(container, 'big', `y${text}`) }, { status: 403, code: 'AuthenticationFailed' }, { cut: true, count: 9 }]) {
      const r = m.rule({ part: '/big', skip: 1, ...rule });
      const end = await download(p, 'big').then((x) => x, (e) => e);
      assert.ok(r.hits > 0 && end instanceof Error, `${JSON.stringify(rule)}: ${r.hits} ${String(end.text).slice(0, 100)}`);
      m.rules = [];
      await put(container, 'big', text);
    }
    for (const body of ['', 'hello', '<html/>', '<EnumerationResults><Blobs><Blob/></Blobs></EnumerationResults>', `<EnumerationResults>${'<a>'.repeat(40)}`, `<EnumerationResults>${' '.repeat(400000)}</EnumerationResults>`]) {
      m.rule({ part: 'comp=list', status: 200, body });
      const r = await p.get('/storage/list');
      assert.ok([413, 502].includes(r.status), `${body.slice(0, 60)}: ${r.status}`);
      assertFault(r, { step: 'storage' });
    }
    await container.deleteBlob('big');
  });

  it('names with % or a tab are listed, and read under that name', async () => {
    const names = ['100%25.json', '50% off', '%41', 'a%2541', 'tab\there', '%C3%A9/\u00e9 %', '%'];
    for (const n of names) await put(container, n, `it is ${n}`);
    try {
      const list = await p.get('/storage/list');
      assert.strictEqual(list.status, 200, list.text);
      for (const n of names) {
        const item = list.json.blobs.find((b) => b.name === n);
        assert.ok(item, `${n}: ${list.text}`);
        assert.ok(item.url.endsWith(`/${n.split('/').map(encodeURIComponent).join('/')}`), item.url);
        const d = await download(p, n);
        assert.deepStrictEqual([d.status, d.json.blob_name, d.json.content], [200, n, `it is ${n}`], n);
      }
      assert.strictEqual((await download(p, 'A')).status, 404, 'nothing is decoded twice');
    } finally {
      for (const n of names) await container.deleteBlob(n);
    }
  });

  it('names that leave the container never get there', async () => {
    const bad = ['..', '../x', '%2e%2e/x', '%2E%2E%2Fx', 'a/../../x', 'a/./b', '.', './a', 'a//b', '/a', 'a/', 'a%5cb', 'a\\b', '%252e%252e/x', '%252e', 'a%252fb', 'a%00b', 'a%0ab', 'a%7fb', '%ff', '%c3',
      'n'.repeat(1025), encodeURIComponent('é'.repeat(513))];
    const before = m.log.length;
    for (const b of bad) {
      const r = await exact(p, `/storage/download/${b}`);
      assert.ok([400, 414].includes(r.status), `${b}: ${r.status} ${r.text}`);
      assert.strictEqual(JSON.parse(r.text).status, 'error');
    }
    assert.deepStrictEqual(m.log.slice(before), []);
    for (const none of ['/storage/download', '/storage/download/']) assert.strictEqual((await p.get(none)).status, 404);
  });

  it('large data go up in blocks; a commit that threw ours away is repeated', async () => {
    const lines = Array.from({ length: 14000 }, (_, i) => `Person ${i},+1 555 ${i},${20 + (i % 60)},${30000 + i},Brown,Blue,Street ${i},1${i},City ${i % 50},Country ${i % 20}`);
    const csv = `name,phone,age,salary,eye_color,favorite_color,address,postal_code,city,country\n${lines.join('\n')}\n`;
    const lost = m.rule({ method: /PUT/, part: 'comp=blocklist', status: 400, code: 'InvalidBlockList' });
    const r = await upload(p, csv);
    assert.strictEqual(r.status, 200, r.text);
    assert.deepStrictEqual([r.json.records_added, lost.hits], [14000, 1]);
    const list = await records(container, name);
    assert.deepStrictEqual([list.length, new Set(list.map((x) => x.batch)).size], [14000, 1]);
    const blocks = (await container.getBlockBlobClient(name).getBlockList('committed')).committedBlocks;
    assert.ok(blocks.length > 1 && blocks.every((b) => b.size <= 4 << 20), JSON.stringify(blocks.map((b) => b.size)));
    const d = await p.post('/decrypt', { ciphertext: list[13999].name_encrypted });
    assert.strictEqual(d.json.plaintext, 'Person 13999');
    const got = await download(p, name);
    assert.strictEqual(JSON.parse(got.json.content).length, 14000);
  });

  it('tells of a SAS that expires, and of one that has', async () => {
    for (const [days, soon, over] of [[30, false, false], [3, true, false], [-1, true, true]]) {
      const sas = a.sas('rl', new Date(Date.now() + days * 86400e3));
      s.party.settings.AZURE_STORAGE_CONNECTION_STRING = `BlobEndpoint=${m.endpoint};SharedAccessSignature=${sas}`;
      await s.restart();
      const c = await p.get('/storage/config');
      assert.deepStrictEqual([c.json.sas_expiry.is_expiring_soon, c.json.sas_expiry.is_expired], [soon, over]);
      assert.ok(!c.text.includes('sig='), 'the SAS is a secret');
      const l = await p.get('/storage/list');
      if (over) assertFault(l, { status: 403, error: 'denied' });
      else assert.strictEqual(l.status, 200);
      assert.ok(!l.text.includes('sig='));
    }
    assert.ok(!p.log.includes('sig='), 'the SAS is not in the log');
  });

  it('nothing listens, or nothing is configured', async () => {
    await m.stop();
    assertFault(await p.get('/storage/list'), { status: 503, step: 'storage', error: 'connect' });
    for (const n of ['STORAGE', 'AZURE_STORAGE_CONNECTION_STRING']) delete s.party.settings[n];
    await s.restart();
    const c = await p.get('/storage/config');
    assert.deepStrictEqual([c.status, c.json.storage_account, c.json.authenticated, c.json.auth_method, c.json.sas_expiry], [200, null, false, 'none', null]);
    assertFault(await p.get('/storage/list'), { status: 503, error: 'configuration' });
    assertFault(await download(p, 'x'), { status: 503, error: 'configuration' });
  });
});
