// The page in a real browser: the demonstration, step by step, by all four parties, on a desktop and on a phone, light and dark.
'use strict';
const assert = require('node:assert');
const fs = require('fs');
const path = require('path');
const zlib = require('zlib');
const { after, before, describe, it } = require('node:test');
const jose = require('../standin/jose');
const x509 = require('../standin/x509');
const { absent, makeWorld, launch, open, settled, openSection, signIn, shot, accessible, fits, ROOT } = require('../browser/browser');

const PARTIES = ['contoso', 'fabrikam', 'woodgrove'];
const titles = { contoso: 'Contoso Corporation', fabrikam: 'Fabrikam Fashion', woodgrove: 'Woodgrove Bank', snooper: 'Snooper' };
const csv = (party) => fs.readFileSync(path.join(ROOT, `tests/data/${party}.csv`), 'utf8').trim().split('\n').slice(1).map((l) => l.split(','));
const UI = path.join(ROOT, 'src/ui');
const VERIFIER = 'verify.mjs';

// What scripts/embed makes of a file.
function embedded(file) {
  const source = fs.readFileSync(path.join(UI, file), 'utf8');
  if (file.endsWith('.html')) return source;
  return `${source.split('\n').map((l) => l.trimStart()).filter((l) => l && !l.startsWith('//') && !/^\/\*.*\*\/$/.test(l)).join('\n')}\n`;
}

describe('the page', { skip: absent, timeout: 900000 }, () => {
  let world;
  let browser;

  before(async () => {
    world = await makeWorld();
    await world.start();
    browser = await launch();
  });
  after(async () => {
    if (browser) await browser.close();
    if (world) {
      await world.stop();
      world.clearData();
    }
  });

  // What is green, as text.
  const green = async (page) => (await page.locator('.ok:not(#log-list *)').allInnerTexts()).join('|');
  const text = (page, selector) => page.locator(selector).innerText();
  const has = (page, selector, pattern) => page.waitForFunction(([s, p]) => { const e = document.querySelector(s); return e && new RegExp(p, 'i').test(e.innerText); }, [selector, pattern]);
  async function visit(name, size, { signedIn = true } = {}) {
    const v = await open(browser, `${world[name].page}/`, size);
    await settled(v.page);
    if (signedIn) await signIn(v.page, world.token);
    return v;
  }
  async function done(v, where) {
    await fits(v.page, where);
    v.watch.check(where);
    await v.close();
  }

  // --- What is sent ---
  it('sends every file compressed or not, with a tag, and 304 for what is known', async () => {
    const all = { '/': 'index.html', '/compare': 'compare.html' };
    for (const f of fs.readdirSync(UI)) if (!f.endsWith('.html')) all[`/ui/${f}`] = f;
    for (const [url, file] of Object.entries(all)) {
      const want = embedded(file);
      const raw = await world.contoso.get(url, { auth: false });
      assert.deepStrictEqual([raw.status, raw.text, raw.headers['content-encoding']], [200, want, undefined], url);
      const etag = raw.headers.etag;
      assert.match(etag, /^W\/"[0-9a-f]{16}"$/);
      assert.strictEqual(raw.headers.vary, 'Accept-Encoding');
      const packed = await fetchBytes(world.contoso, url, { 'Accept-Encoding': 'br;q=1.0, gzip;q=0.8, *;q=0.1' });
      assert.deepStrictEqual([packed.headers['content-encoding'], packed.headers.etag], ['gzip', etag], url);
      assert.strictEqual(zlib.gunzipSync(packed.body).toString(), want, url);
      assert.ok(packed.body.length < want.length * 0.6, `${url} is hardly compressed`);
      const refused = await fetchBytes(world.contoso, url, { 'Accept-Encoding': 'gzip;q=0, identity' });
      assert.strictEqual(refused.headers['content-encoding'], undefined, url);
      const known = await world.contoso.get(url, { auth: false, headers: { 'If-None-Match': `"x", ${etag}` } });
      assert.deepStrictEqual([known.status, known.text, known.headers.etag], [304, '', etag], url);
      const other = await world.contoso.get(url, { auth: false, headers: { 'If-None-Match': '"0123456789abcdef"' } });
      assert.strictEqual(other.status, 200);
      const head = await world.contoso.request('HEAD', url, { auth: false });
      assert.deepStrictEqual([head.status, head.text, Number(head.headers['content-length'])], [200, '', Buffer.byteLength(want)], url);
    }
  });

  it('is small, and needs neither inline code nor anything from elsewhere', () => {
    const files = fs.readdirSync(UI);
    const size = (list) => list.reduce((n, f) => n + fs.statSync(path.join(UI, f)).size, 0);
    const page = size(files.filter((f) => f !== VERIFIER));
    assert.ok(page <= 128 * 1024, `${page} bytes`);
    assert.ok(size([VERIFIER]) <= 52 * 1024, 'the verifier, which is fetched when somebody wants it');
    for (const f of files) {
      const source = fs.readFileSync(path.join(UI, f), 'utf8');
      assert.doesNotMatch(source, /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|createContextualFragment|srcdoc/, f);
      if (f.endsWith('.html')) assert.doesNotMatch(source, /<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)/i, f);
      const elsewhere = source.replace(/http:\/\/www\.w3\.org\/2000\/svg/g, '').match(/(?:src|href|url|import|from)\b[^\n]{0,12}https?:\/\/[^\s'"`)]+/g);
      assert.strictEqual(elsewhere, null, f);
    }
  });

  it('forbids framing except between the configured origins, and all inline code', async () => {
    const origins = [...PARTIES, 'snooper'].map((n) => world[n].page).join(' ');
    const page = (await world.contoso.get('/', { auth: false })).headers;
    const compare = (await world.contoso.get('/compare', { auth: false })).headers;
    const other = (await world.contoso.get('/ui/app.js', { auth: false })).headers;
    const api = (await world.contoso.get('/health', { auth: false })).headers;
    for (const h of [page, compare, other, api]) {
      assert.match(h['content-security-policy'], /^default-src 'self'; /);
      assert.doesNotMatch(h['content-security-policy'], /unsafe|\*|script-src|style-src/);
      assert.strictEqual(h['x-content-type-options'], 'nosniff');
    }
    assert.ok(page['content-security-policy'].endsWith(`frame-ancestors ${origins}`));
    assert.ok(page['content-security-policy'].includes(`connect-src 'self' ${origins};`), 'their proofs may be asked for');
    assert.strictEqual(page['x-frame-options'], undefined);
    assert.ok(compare['content-security-policy'].includes(`frame-src ${origins};`));
    for (const h of [compare, other, api]) {
      assert.match(h['content-security-policy'], /connect-src 'self'; /);
      assert.strictEqual(h['access-control-allow-origin'], undefined);
      assert.match(h['content-security-policy'], /frame-ancestors 'none'$/);
      assert.strictEqual(h['x-frame-options'], 'DENY');
    }
  });

  // --- The demonstration ---
  for (const size of ['desktop', 'phone']) {
    it(`${size}: 1. all parties side by side`, async () => {
      const v = await open(browser, `${world.contoso.page}/compare`, size === 'desktop' ? { width: 1600, height: 900 } : size);
      v.watch.allow(401, 503);
      const { page } = v;
      for (const name of Object.keys(titles)) await page.getByRole('region', { name: titles[name], exact: true }).waitFor();
      // What panes say of themselves is their word: nothing is green.
      await page.waitForFunction(() => document.querySelectorAll('.pane b').length === 4 && document.querySelectorAll('.dot.bad').length === 2);
      assert.strictEqual(await page.locator('.ok').count(), 0);
      for (const name of PARTIES) {
        const head = page.getByRole('region', { name: titles[name] }).locator('header');
        await head.getByText('says: AMD SEV-SNP').waitFor();
        assert.ok((await head.innerText()).includes(world[name].page.replace('https://', '')), 'the origin stays in sight');
      }
      assert.match(await page.getByRole('region', { name: 'Snooper' }).locator('header').innerText(), /ACCESS DENIED/);
      assert.strictEqual(await page.locator('input').count(), 0, 'this page asks for no token');
      for (const frame of page.frames().slice(1)) await signIn(frame, world.token);
      await shot(page, `${size}-1-compare-signed-in`);
      // The sessions work: what only the operator may see is there.
      const contoso = page.frames().slice(1).find((f) => f.url().startsWith(world.contoso.page));
      await contoso.evaluate(() => { document.getElementById('protect').open = true; });
      await contoso.waitForFunction(() => /1–10 of /.test(document.getElementById('records').innerText));
      if (size === 'desktop') {
        const dividers = page.getByRole('separator');
        assert.strictEqual(await dividers.count(), 3);
        const first = dividers.nth(0);
        const at = async () => Number(await first.getAttribute('aria-valuenow'));
        assert.strictEqual(await at(), 25);
        await first.focus();
        await page.keyboard.press('ArrowRight');
        assert.strictEqual(await at(), 27);
        await page.keyboard.press('Home');
        assert.strictEqual(await at(), 13, 'a pane keeps 200 px');
        const box = await first.boundingBox();
        await page.mouse.move(box.x + 4, box.y + 300);
        await page.mouse.down();
        await page.mouse.move(box.x + 204, box.y + 300, { steps: 5 });
        await page.mouse.up();
        assert.ok(await at() >= 24 && await at() <= 26, `dragged to ${await at()}`);
      } else {
        assert.strictEqual(await page.getByRole('separator').count(), 0);
        const tops = await page.locator('.pane').evaluateAll((list) => list.map((p) => p.getBoundingClientRect().left));
        assert.deepStrictEqual(tops, [0, 0, 0, 0]);
      }
      await accessible(page, 'compare');
      await shot(page, `${size}-1-compare`);
      await done(v, 'compare');
    });

    for (const name of PARTIES) {
      it(`${size}: 2-3. ${name} attests`, async () => {
        const v = await visit(name, size, { signedIn: false });
        const { page } = v;
        assert.deepStrictEqual([await text(page, '#title'), await page.title()], [titles[name], titles[name]]);
        assert.match(await text(page, '#state'), /Claims AMD SEV-SNP/);
        assert.strictEqual(await green(page), '', 'nothing is green before anything was checked');
        assert.match(await text(page, '#timer'), /^\d\d:\d\d$/);
        await shot(page, `${size}-2-${name}-start`);
        await openSection(page, 'attest');
        await page.click('#get-token');
        await has(page, '#attest-out', 'Attestation succeeded');
        assert.match(await text(page, '#features-state'), /6 of 6 claimed/);
        const out = await text(page, '#attest-out');
        assert.ok(out.includes(world.hostData[name]), 'host data');
        assert.match(out, /sevsnpvm[\s\S]*azure-compliant-uvm[\s\S]*Fresh[\s\S]*Bound/);
        await page.click('text=Detailed Explanation of Each Claim');
        const claims = await text(page, '#attest-out');
        assert.match(claims, /Host data[\s\S]*nobody trusts[\s\S]*the untrusted host at launch/);
        assert.match(claims, /x-ms-sevsnpvm-is-debuggable[\s\S]*the host cannot debug/);
        for (const c of ['exp', 'iss', 'nbf', 'x-ms-runtime', 'x-ms-policy-hash', 'x-ms-sevsnpvm-vmpl', 'x-ms-sevsnpvm-uvm-endorsement']) assert.ok(claims.includes(c), c);
        await page.locator('.claims.c4').scrollIntoViewIfNeeded();
        await shot(page, `${size}-2-${name}-claims`);
        await page.click('#get-report');
        await has(page, '#attest-out', 'Report received[\\s\\S]*not verified here');
        assert.strictEqual(await green(page), '', 'a token and a report that nobody has verified');
        assert.ok((await text(page, '#attest-out')).includes(world.hostData[name]));
        await accessible(page, `${name}, attestation`);
        await done(v, `${name} attests`);
      });
    }

    it(`${size}: a party and its partners prove themselves to the browser`, async () => {
      const v = await visit('contoso', size, { signedIn: false });
      v.watch.allow(503); // the Snooper has no proof
      const { page } = v;
      await openSection(page, 'verify');
      await page.waitForSelector('#do-verify:enabled'); // its code has been loaded
      assert.match(await text(page, '#verify'), /Nothing, as long as this page and its code come from the server under test[\s\S]*parleyctl verify/);
      // A stranger to the test's root is not convinced.
      await page.focus('#do-verify');
      await page.keyboard.press('Enter');
      await has(page, '#verify-out', 'NOT genuine[\\s\\S]*2 failed');
      assert.match(await text(page, '#state'), /NOT genuine, \d\d:\d\d:\d\d UTC/);
      assert.strictEqual(await page.locator('#features-list .bad').count(), 6);
      assert.match(await text(page, '#verify-out .features'), /chain\.root: the chain does not end in a trusted root key/);
      await trust(page);
      await page.click('#do-verify');
      await has(page, '#verify-out', 'Genuine by the root that you gave, NOT by AMD[\\s\\S]*no HOST_DATA given[\\s\\S]*0 failed');
      assert.strictEqual(await page.locator('#verify-out .features .bad').count(), 0);
      // Green is what was checked, with its time: not what needs the HOST_DATA.
      assert.match(await page.locator('#state.ok').innerText(), /Verified by your root, \d\d:\d\d:\d\d UTC/);
      assert.strictEqual(await page.locator('#features-list .ok').count(), 3);
      assert.match(await text(page, '#features-list'), /verified by this browser, \d\d:\d\d:\d\d UTC, by the root that you gave[\s\S]*no HOST_DATA was given/);
      await page.fill('#verify-host-data', `${world.hostData.contoso.toUpperCase()}, ${world.hostData.fabrikam}`);
      await page.click('#do-partners');
      await has(page, '#verify-state', '2 of 4 verified');
      assert.strictEqual(await page.locator('#verify-out .result').count(), 4);
      const out = await text(page, '#verify-out');
      assert.strictEqual(out.match(/the container policy that you expect/g).length, 2);
      assert.match(out, /accept\.host_data: not a container policy that is allowed/); // Woodgrove's
      assert.match(out, new RegExp(`${world.snooper.page}[\\s\\S]*What to do:`));
      await shot(page, `${size}-verify`);
      await accessible(page, 'verification');
      await done(v, 'verification');
    });

    it(`${size}: 4. the Snooper gets neither token nor report nor key, and is told why`, async () => {
      const v = await visit('snooper', size);
      v.watch.allow(503);
      const { page } = v;
      assert.strictEqual(await text(page, '#title'), 'Snooper');
      assert.match(await text(page, '#state'), /No confidential hardware/);
      assert.match(await text(page, '#banner'), /NOT running on confidential hardware[\s\S]*What to do/);
      await openSection(page, 'attest');
      for (const button of ['#get-token', '#get-report']) {
        await page.click(button);
        await has(page, '#attest-out', button === '#get-token' ? 'Attestation failed' : 'No report');
        assert.match(await text(page, '#attest-out'), /Likely cause:[\s\S]*What to do:[\s\S]*step: /);
      }
      assert.match(await text(page, '#features-state'), /0 of 6 proven/);
      await openSection(page, 'release');
      await page.click('#do-release');
      await has(page, '#release-out', 'The key was not released');
      assert.match(await text(page, '#release-out'), /Likely cause:[\s\S]*What to do:/);
      assert.strictEqual(await page.locator('#plain').isDisabled(), true);
      await shot(page, `${size}-4-snooper`);
      await accessible(page, 'snooper');
      await done(v, 'snooper');
    });

    it(`${size}: 5. the container cannot be entered`, async () => {
      const v = await visit('contoso', size, { signedIn: false });
      const { page } = v;
      await openSection(page, 'access');
      await page.click('#do-access');
      await has(page, '#access-out', 'Summary');
      assert.strictEqual(await page.locator('#access-out .panel').count(), 4);
      assert.match(await text(page, '#access-out'), /SSH[\s\S]*Exec[\s\S]*Shell[\s\S]*Privilege/);
      await openSection(page, 'info');
      await has(page, '#info-out', 'Checksums');
      assert.match(await text(page, '#info-out'), /SHA-256 [0-9a-f]{64}/i);
      await shot(page, `${size}-5-access`);
      await accessible(page, 'access and information');
      await done(v, 'access');
    });

    it(`${size}: 6-7. Contoso's key is released to it, Fabrikam's is not`, async () => {
      const v = await visit('contoso', size);
      const { page } = v;
      await openSection(page, 'release');
      await page.click('#do-release');
      await has(page, '#release-out', 'Key released');
      await page.click('text=Released key: public members');
      const key = JSON.parse(await text(page, '#release-out pre'));
      assert.deepStrictEqual(Object.keys(key).filter((k) => ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k'].includes(k)), []);
      assert.strictEqual(key.kty, 'RSA');
      assert.match(await text(page, '#release-out'), /x-ms-sevsnpvm-hostdata[\s\S]*held in TEE memory|held in TEE memory[\s\S]*x-ms-sevsnpvm-hostdata/);
      await openSection(page, 'denial');
      assert.match(await text(page, '#denial-cards'), /contoso-secret-key[\s\S]*fabrikam-secret-key/);
      await page.click('#do-denial');
      await has(page, '#denial-out', 'Access Correctly Denied');
      assert.match(await text(page, '#denial-out'), /HTTP 403/);
      await shot(page, `${size}-7-denial`);
      await accessible(page, 'release and denial');
      await done(v, 'release and denial');
    });

    it(`${size}: 8. records are listed as ciphertext and open for their owner alone`, async () => {
      const v = await visit('fabrikam', size);
      v.watch.allow(429); // the page waits and goes on by itself
      const { page } = v;
      const rows = csv('fabrikam');
      await openSection(page, 'protect');
      await has(page, '#records', '1–10 of ');
      const listed = await text(page, '#records');
      for (const row of rows.slice(0, 10)) assert.ok(!listed.includes(row[0]) && !listed.includes(row[1]), 'no plaintext');
      assert.strictEqual(await page.locator('#records tr.own').count(), 10);
      await page.click('#toggle');
      await page.waitForFunction(() => document.querySelectorAll('#records td.plain').length === 20, null, { timeout: 120000 });
      const opened = await text(page, '#records');
      for (const row of rows.slice(0, 10)) assert.ok(opened.includes(row[0]) && opened.includes(row[1]), row[0]);
      await shot(page, `${size}-8-protect`);
      await page.click('#toggle');
      assert.strictEqual(await page.locator('#records td.plain').count(), 0);
      if (size === 'desktop') {
        await page.fill('#save-name', 'Zoë <b>Quill</b>');
        await page.fill('#save-phone', '+49 170 000');
        await page.click('#save-form button');
        await has(page, '#protect-out', 'Saved');
        await page.click('#toggle');
        await has(page, '#records', 'Zoë <b>Quill</b>');
        assert.strictEqual(await page.locator('#records b').count(), 0);
        await page.setInputFiles('#csv', { name: 'own.csv', mimeType: 'text/csv', buffer: fs.readFileSync(path.join(ROOT, 'tests/data/fabrikam.csv')) });
        await has(page, '#protect-out', 'stored');
      }
      await openSection(page, 'encrypt');
      await page.fill('#plain', 'A secret of Fabrikam');
      await page.waitForFunction(() => document.getElementById('cipher').value.length > 300, null, { timeout: 120000 });
      assert.match(await text(page, '#cipher-count'), /256 bytes, RSA-OAEP-SHA256/);
      await page.click('#decrypt-back');
      await has(page, '#decrypted', 'A secret of Fabrikam');
      await page.fill('#plain', 'x'.repeat(191));
      await has(page, '#encrypt-out', 'longer');
      v.watch.allow(400);
      await accessible(page, 'protect');
      await done({ ...v, watch: { check: () => assert.deepStrictEqual(v.watch.complaints.filter((c) => !/status of 400/.test(c)), []) } }, 'protect');
    });

    it(`${size}: 9. the Snooper sees the shared storage change, and ciphertext only`, async () => {
      const v = await visit('snooper', size, { signedIn: false });
      v.watch.allow(503);
      const { page } = v;
      await page.waitForFunction(() => document.getElementById('storage').open); // by itself
      await has(page, '#spied', 'No access to keys');
      const seen = async () => Number((await text(page, '#spied-count')).replace(/\D/g, ''));
      const before = await seen();
      assert.ok(before >= csv('contoso').length + csv('fabrikam').length, `${before} records`);
      const shown = await text(page, '#attacker');
      for (const row of [...csv('contoso'), ...csv('fabrikam')]) assert.ok(!shown.includes(row[0]) && !shown.includes(row[1]), 'no plaintext');
      assert.match(shown, /Auto-refreshing every 5 seconds/);
      const saved = await world.contoso.post('/company/save', { name: 'Nobody Sees', phone: '+1 000' });
      assert.strictEqual(saved.status, 200, saved.text);
      await page.waitForFunction((n) => Number(document.getElementById('spied-count').textContent.replace(/\D/g, '')) > n, before, { timeout: 20000 });
      assert.match(await text(page, '#storage-config'), /devstoreaccount1[\s\S]*privateappdata[\s\S]*days left/);
      await page.click('#do-blobs');
      await has(page, '#blobs', 'consolidated-records-parley\\.json');
      await page.click('#blobs button');
      await has(page, '#viewer', '_encrypted');
      assert.doesNotMatch(await text(page, '#viewer'), /Nobody Sees/);
      await page.locator('#attacker').scrollIntoViewIfNeeded();
      await shot(page, `${size}-9-attacker`);
      await accessible(page, 'storage');
      await done(v, 'storage');
    });

    it(`${size}: 10-11. Woodgrove analyses, and the result is shown as pictures`, async () => {
      const v = await visit('woodgrove', size);
      const { page } = v;
      await openSection(page, 'analysis');
      await page.click('#do-analysis');
      await page.waitForSelector('#results');
      assert.match(await text(page, '#key-contoso'), /released/);
      assert.match(await text(page, '#key-fabrikam'), /released/);
      assert.strictEqual(await page.getAttribute('#progress-bar', 'aria-valuenow'), '100');
      assert.match(await text(page, '#progress-count'), /^(\d+) \/ \1 records$/);
      await page.click('text=Result as JSON');
      const r = JSON.parse(await page.locator('#results > .fold > pre').innerText());
      const shown = await text(page, '#results');
      const staff = csv('contoso').length + csv('fabrikam').length;
      assert.ok(r.total_count >= staff);
      for (const n of [r.avg_salaries.Contoso, r.avg_salaries.Fabrikam, r.avg_salaries.Combined]) assert.ok(shown.includes(`$${n.toLocaleString('en-US')}`), String(n));
      for (const c of r.top_10_countries) assert.ok(shown.includes(c.country), c.country);
      assert.strictEqual(await page.locator('.bars-row').count(), r.generations.length);
      assert.strictEqual(await page.locator('.spot').count(), r.salary_by_country.length);
      assert.strictEqual(await page.locator('.podium li').count(), 3);
      await page.click('text=The same figures as a table');
      const download = page.waitForEvent('download');
      await page.click('text=Save result');
      assert.deepStrictEqual(JSON.parse(fs.readFileSync(await (await download).path(), 'utf8')), r);
      await page.locator('.stats').first().scrollIntoViewIfNeeded();
      await shot(page, `${size}-10-result`);
      await page.locator('.map').scrollIntoViewIfNeeded();
      await shot(page, `${size}-10-map`);
      await accessible(page, 'analysis');
      await openSection(page, 'log');
      assert.match(await text(page, '#log-list'), /contoso’s key released[\s\S]*fabrikam’s key released[\s\S]*analysis of [\d,]+ records complete/);
      const saved = page.waitForEvent('download');
      await page.click('#save-log');
      assert.match(fs.readFileSync(await (await saved).path(), 'utf8'), /Woodgrove Bank[\s\S]*analysis of/);
      await page.click('#clear-log');
      assert.strictEqual(await page.locator('#log-list li').count(), 0);
      await done(v, 'analysis');
    });
  }

  // --- Verification ---
  const asked = () => ({ root: jose.sha256(x509.parse(world.services.pki.arkDer).publicKey.export({ type: 'spki', format: 'der' })).toString('hex'), uvmIssuer: world.services.pki.uvmDid });
  async function trust(page) {
    await page.evaluate(() => { document.querySelector('#verify .fold').open = true; });
    await page.fill('#verify-root', asked().root);
    await page.fill('#verify-endorser', asked().uvmIssuer);
  }
  const proofOf = async (party, nonce) => (await party.get(`/.well-known/parley/proof${nonce ? `?nonce=${nonce}` : ''}`, { auth: false })).text;
  // One byte of what a member holds in base64.
  function tampered(proof, member, at) {
    const p = JSON.parse(proof);
    const list = Array.isArray(p[member]) ? p[member] : p;
    const name = Array.isArray(p[member]) ? 0 : member;
    const bytes = Buffer.from(list[name], 'base64');
    bytes[at] ^= 1;
    list[name] = bytes.toString('base64');
    return JSON.stringify(p);
  }

  it('a saved proof is verified, a changed one refused, a proof saved is the one that was shown', async () => {
    const v = await visit('woodgrove', 'desktop', { signedIn: false });
    const { page } = v;
    await openSection(page, 'verify');
    await trust(page);
    await page.waitForFunction(() => !document.getElementById('do-partners').hidden); // its code is there
    const proof = await proofOf(world.fabrikam);
    const give = (name, content) => page.setInputFiles('#proof-file', { name, mimeType: 'application/json', buffer: Buffer.from(content) });
    await page.fill('#verify-host-data', world.hostData.fabrikam);
    await give('fabrikam.json', proof);
    await has(page, '#verify-state', 'saved proof verified');
    assert.match(await text(page, '#verify-out'), /fabrikam\.json[\s\S]*Acceptable[\s\S]*connection\.nonce: no nonce was asked for/);
    const download = page.waitForEvent('download');
    await page.click('text=Save this proof');
    assert.strictEqual(fs.readFileSync(await (await download).path(), 'utf8'), proof);
    for (const [content, words] of [[tampered(proof, 'report', 0xc0), 'report.signature'], [tampered(proof, 'endorsement', 4000), 'uvm'], ['{}', 'proof.form'], ['<img src=x onerror=alert(1)>', 'proof.form'], [JSON.stringify({ ...JSON.parse(proof), nonce: '<b>x</b>' }), 'proof.nonce']]) {
      await give('other', content);
      await has(page, '#verify-state', 'saved proof refused');
      assert.match(await text(page, '#verify-out'), /NOT genuine/);
      assert.ok((await page.locator('#verify-out li.bad').allInnerTexts()).some((t) => t.startsWith(words)), words);
    }
    assert.ok((await text(page, '#verify-out')).includes('found <b>x</b>'));
    await page.fill('#verify-host-data', 'not hexadecimal');
    await give('fabrikam.json', proof);
    await has(page, '#verify-out', 'host_data is not understood');
    await done(v, 'saved proofs');
  });

  it('the browser judges as Node does', async () => {
    const nonce = 'A'.repeat(43);
    const proof = await proofOf(world.contoso, nonce);
    const rules = { ...asked(), now: Math.floor(Date.now() / 1000), nonce, policy: { parley_policy: 1, host_data: [world.hostData.contoso] } };
    const cert = (at) => [tampered(proof, 'certificates', at), rules];
    const cases = [[proof, rules], [proof, { ...rules, root: undefined, uvmIssuer: undefined }], [proof, { ...rules, nonce: 'B'.repeat(43) }], [proof, { ...rules, policy: { parley_policy: 1, host_data: ['00'.repeat(32)] } }], [proof, { ...rules, now: 0 }],
      [tampered(proof, 'report', 0x2a0), rules], [tampered(proof, 'report', 4), rules], cert(20), cert(300), cert(1000), [tampered(proof, 'endorsement', 100), rules], [tampered(proof, 'runtime_data', 9), rules], [`${proof} x`, rules]];
    const { verifyProof } = await import(path.join(UI, VERIFIER));
    const v = await visit('contoso', 'desktop', { signedIn: false });
    const seen = await v.page.evaluate(async ([list, file]) => {
      const m = await import(file);
      const all = [];
      for (const [p, r] of list) all.push(JSON.stringify(await m.verifyProof(p, r)));
      return all;
    }, [cases, `/ui/${VERIFIER}`]);
    for (const [i, [p, r]] of cases.entries()) {
      const here = await verifyProof(p, r);
      assert.strictEqual(seen[i], JSON.stringify(here), `case ${i}`);
      assert.strictEqual(here.genuine, i === 0 || i === 3, `case ${i}`);
    }
    await done(v, 'verdicts');
  });

  it('a link fills in what the stand-ins need, in sight, and pressing the button once verifies', async () => {
    for (const size of ['desktop', 'phone']) {
      const v = await open(browser, world.verifyLink('contoso', world.contoso.page), size);
      const { page } = v;
      await settled(page);
      await page.waitForSelector('#do-verify:enabled');
      assert.deepStrictEqual([await page.inputValue('#verify-root'), await page.inputValue('#verify-endorser'), await page.inputValue('#verify-host-data')],
        [asked().root, asked().uvmIssuer, world.hostData.contoso]);
      assert.ok(await page.locator('#verify-root').isVisible() && await page.locator('#verify-endorser').isVisible());
      assert.match(await text(page, '#verify-link'), /Filled in by the link[\s\S]*Compare/);
      assert.strictEqual(await page.locator('#verify-out *').count(), 0, 'nothing is verified unasked');
      await shot(page, `${size}-verify-link`);
      await page.click('#do-verify');
      await page.waitForSelector('#verify-state .badge.ok');
      assert.match(await text(page, '#verify-state'), /1 of 1 verified, not by AMD’s root, \d\d:\d\d:\d\d UTC/);
      assert.match(await text(page, '#verify-out'), /Genuine by the root that you gave, NOT by AMD[\s\S]*Acceptable/);
      assert.match(await page.locator('#features-state .badge.ok').innerText(), /6 of 6 verified, \d\d:\d\d:\d\d UTC/);
      assert.match(await page.locator('#state.ok').innerText(), /Verified by your root/);
      await page.evaluate(() => scrollTo(0, 0));
      await shot(page, `${size}-verified`);
      // Another container's HOST_DATA: genuine, and refused.
      await page.evaluate((hash) => { location.hash = hash; }, world.verifyLink('fabrikam', '').slice(1));
      await page.waitForFunction((d) => document.getElementById('verify-host-data').value === d, world.hostData.fabrikam);
      await page.click('#do-verify');
      await has(page, '#verify-out', 'NOT acceptable');
      assert.match(await page.locator('#state.bad').innerText(), /NOT acceptable/);
      assert.strictEqual(await page.locator('#verify-state .badge.bad').count(), 1);
      await accessible(page, 'filled in by a link');
      await done(v, 'link');
    }
  });

  it('giving up the sign-in, and failures that say nothing, turn nothing red', async () => {
    for (const size of ['desktop', 'phone']) {
      const v = await visit('contoso', size, { signedIn: false });
      v.watch.allow(401, 429, 503);
      const { page } = v;
      const red = () => page.locator('.bad').count();
      for (const [section, button, out] of [['release', '#do-release', '#release-out'], ['denial', '#do-denial', '#denial-out'], ['protect', '#do-import', '#protect-out'], ['protect', '#do-list', '#protect-out']]) {
        await openSection(page, section);
        await page.click(button);
        await page.waitForSelector('#sign-in[open]');
        await page.click('#sign-in-cancel');
        await has(page, out, 'Nothing was done[\\s\\S]*sign-in');
      }
      assert.strictEqual(await red(), 0);
      assert.match(await text(page, '#release-state'), /key released/);
      await page.locator('#release').scrollIntoViewIfNeeded();
      await shot(page, `${size}-cancelled`);
      // A refusal while the key is there: told, but not as if the key were gone.
      await signIn(page, world.token);
      await page.route('**/skr/release', (route) => route.fulfill({ status: 429, contentType: 'application/json', headers: { 'Retry-After': '5' }, body: '{"status":"error","message":"Too many requests."}' }));
      await page.click('#do-release');
      await has(page, '#release-out', 'the key that was released before stays in use');
      assert.match(await text(page, '#release-state'), /key released/);
      assert.strictEqual(await page.locator('#release-state .bad').count(), 0);
      // No answer about attestation is no answer against it.
      await page.route('**/attest/maa', (route) => route.fulfill({ status: 429, contentType: 'application/json', body: '{"status":"error","message":"Too many requests."}' }));
      await openSection(page, 'attest');
      await page.click('#get-token');
      await has(page, '#attest-state', 'no answer');
      assert.strictEqual(await page.locator('#features .bad, #attest-state .bad').count(), 0);
      await done(v, 'nothing red');
    }
    const v = await visit('woodgrove', 'desktop', { signedIn: false });
    const { page } = v;
    await openSection(page, 'analysis');
    const before = await text(page, '#partner-cards');
    await page.click('#do-analysis');
    await page.waitForSelector('#sign-in[open]');
    await page.keyboard.press('Escape');
    await has(page, '#analysis-out', 'Nothing was done');
    assert.strictEqual(await text(page, '#partner-cards'), before);
    assert.strictEqual(await page.locator('.bad').count(), 0);
    await done(v, 'analysis given up');
  });

  // --- What happens seldom ---
  it('a wrong token is told, Escape gives up, signing out ends the session', async () => {
    const v = await visit('contoso', 'desktop', { signedIn: false });
    v.watch.allow(401);
    const { page } = v;
    await openSection(page, 'release');
    await page.focus('#do-release');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#sign-in[open]');
    await accessible(page, 'sign-in');
    await page.fill('#token', 'not the token');
    await page.keyboard.press('Enter');
    await has(page, '#sign-in-error', 'not the operator');
    await page.keyboard.press('Escape');
    await has(page, '#release-out', 'needs the operator');
    await signIn(page, world.token);
    await page.reload();
    await settled(page);
    await has(page, '#who-text', 'Sign out');
    const stored = await page.evaluate(() => [document.cookie, Object.keys(localStorage).length, Object.keys(sessionStorage).length]);
    assert.deepStrictEqual(stored, ['', 0, 0], 'nothing that a script could read');
    await page.click('#who');
    await has(page, '#who-text', 'Sign in');
    await done(v, 'sessions');
  });

  it('every section opens by keyboard alone, and focus is seen', async () => {
    const v = await visit('contoso', 'desktop', { signedIn: false });
    const { page } = v;
    await page.keyboard.press('Tab');
    assert.strictEqual(await page.evaluate(() => document.activeElement.className), 'skip');
    for (let i = 0; i < 60; i++) {
      const now = await page.evaluate(() => { const e = document.activeElement; return { summary: e.tagName === 'SUMMARY' && e.parentNode.id, outline: getComputedStyle(e).outlineStyle }; });
      assert.notStrictEqual(now.outline, 'none');
      if (now.summary === 'log') break;
      if (now.summary && now.summary !== 'features') {
        await page.keyboard.press('Enter');
        assert.ok(await page.evaluate((x) => document.getElementById(x).open, now.summary), now.summary);
        await page.keyboard.press('Enter');
      }
      await page.keyboard.press('Tab');
      if (i === 59) assert.fail('the log was not reached');
    }
    await done(v, 'keyboard');
  });

  it('a hostile server’s text stays text', async () => {
    const evil = '<img src=x onerror=alert(1)><script>alert(2)</script>';
    const v = await open(browser, 'about:blank', 'desktop');
    v.watch.allow(503);
    const { page } = v;
    const answer = (body, status = 200) => (route) => route.fulfill({ status, contentType: 'application/json', body: JSON.stringify(body) });
    await page.route('**/skr/config', answer({ company_name: evil, key_name: evil, akv_endpoint: evil, maa_endpoint: evil, is_confidential: true, is_woodgrove: false, configured: true, other_company: { name: evil, key_name: evil, akv_endpoint: evil } }));
    await page.route('**/attest/maa', answer({ status: 'error', message: evil, failure_reason: evil, step: evil, diagnosis: { likely_cause: evil, solution: evil, command: evil } }, 503));
    await page.route('**/container/access-test', answer({ summary: evil, policy_reference: `javascript:${evil}`, tests: [{ name: evil, method: evil, result: evil, detail: evil, policy_rule: evil }] }));
    await page.route('**/company/list', answer({ company: evil, record_count: 1, records: [{ line_number: evil, timestamp: evil, company: evil, name_encrypted: evil, phone_encrypted: evil }] }));
    await page.goto(`${world.contoso.page}/`);
    await settled(page);
    await signIn(page, world.token);
    await openSection(page, 'attest');
    await page.click('#get-token');
    await has(page, '#attest-out', 'Attestation failed');
    await openSection(page, 'access');
    await page.click('#do-access');
    await has(page, '#access-out', 'Summary');
    await openSection(page, 'protect');
    await has(page, '#records', '1–1 of 1');
    assert.strictEqual(await page.locator('img, main script, a[href^="javascript"]').count(), 0);
    assert.ok((await text(page, '#attest-out')).includes(evil));
    await done(v, 'hostile text');
  });

  it('a broken stream is taken up again, and small or unknown groups are named', async () => {
    const v = await visit('woodgrove', 'desktop');
    const { page } = v;
    const sse = (...list) => ({ status: 200, contentType: 'text/event-stream', body: list.map((e) => `data: ${JSON.stringify(e)}\n\n`).join('') });
    const start = [{ type: 'status', phase: 'fetch', message: 'Fetching' }, { type: 'progress', decrypted: 20, total: 500, percent: 4, elapsed: 0.5, remaining: 12, current_partner: 'Contoso' }];
    const few = { avg_salary: null, min_salary: null, max_salary: null, suppressed: true };
    const complete = {
      type: 'complete', status: 'partial', contoso_count: 12, fabrikam_count: 0, total_count: 12, total_time: 0.4, errors: ['Fabrikam: HTTP 503'],
      top_10_countries: [{ country: 'Atlantis', count: 9, top_cities: [] }], generations: [{ generation: 'Gen Z', count: 12 }], generations_by_company: { Contoso: [{ generation: 'Gen Z', count: 12, percent: 100 }], Fabrikam: [] },
      avg_salaries: { Contoso: 50000, Fabrikam: 0, Combined: null }, eye_colors: { most_common: { color: 'N/A', count: 0 }, least_common: { color: 'N/A', count: 0 }, all: [] }, top_3_favorite_colors: [],
      salary_by_country: [{ country: 'Atlantis', avg_salary: 50000, count: 9, min_salary: null, max_salary: null }, { country: 'Sweden', count: 3, ...few }],
      withheld: { min_group_size: 5, countries: 7, generations: 0, eye_colors: 9, favorite_colors: 0, salaries: true },
      not_read: [{ company: 'Contoso', column: 'salary', count: 6, reasons: { zero: 6 } }, { company: 'Contoso', column: 'age', count: null }],
    };
    let calls = 0;
    await page.route('**/partner/analyze-stream', (route) => route.fulfill(calls++ === 0 ? sse(...start) : sse(...start, complete)));
    await openSection(page, 'analysis');
    await page.click('#do-analysis');
    await has(page, '#progress-text', 'Connection lost, trying again in 1 s');
    await page.waitForSelector('#results');
    assert.strictEqual(calls, 2);
    const shown = await text(page, '#results');
    assert.match(shown, /Not everything could be used[\s\S]*This result is partial[\s\S]*Fabrikam: HTTP 503/);
    assert.match(shown, /Contoso, salary: 6 values \(6 zero\)[\s\S]*Contoso, age: some values, too few to say how many/);
    assert.match(shown, /fewer than 5 people are not shown[\s\S]*People in countries that are not shown: 7\n[\s\S]*eye colors that are not shown: 9\n[\s\S]*Salaries of both companies together/);
    assert.match(shown, /Least common: not shown\./);
    assert.match(shown, /Not on the map: Atlantis \(\$50k\)/);
    assert.match(await page.locator('.spot.small').innerHTML(), /Sweden: 3 people, too few to show/);
    await page.unroute('**/partner/analyze-stream');
    await page.route('**/partner/analyze-stream', (route) => route.fulfill(sse({ type: 'error', message: 'no records to analyze from any partner', errors: ['Contoso: connection refused'], likely_cause: 'a partner is down', solution: 'start it' })));
    await page.click('#do-analysis');
    await has(page, '#analysis-out', 'No records to analyze[\\s\\S]*Contoso: connection refused[\\s\\S]*a partner is down[\\s\\S]*start it');
    await done(v, 'broken stream');
  });

  it('is usable at 1920 px', async () => {
    const v = await visit('contoso', { width: 1920, height: 1080 }, { signedIn: false });
    assert.ok(await v.page.locator('.toc').isVisible());
    await shot(v.page, 'wide-contoso');
    await done(v, '1920 px');
  });
});

function fetchBytes(party, url, headers) {
  return new Promise((resolve, reject) => {
    require('https').get(party.secure + url, { headers, rejectUnauthorized: false, agent: false }, (res) => {
      const parts = [];
      res.on('data', (d) => parts.push(d)).on('error', reject).on('end', () => resolve({ headers: res.headers, body: Buffer.concat(parts) }));
    }).on('error', reject);
  });
}
