// The parties side by side, one of them hostile: an origin of COMPARE_ORIGINS that listens to all and asks for everything, as a pane and as the
// page around another party. No secret of one party reaches another's origin.
'use strict';
const assert = require('node:assert');
const fs = require('node:fs');
const http = require('node:http');
const os = require('node:os');
const path = require('node:path');
const { after, before, describe, it } = require('node:test');
const { absent, launch, open, settled, signIn, SHOTS } = require('../browser/browser');
const { Server, closeAll } = require('./raw');
const { free } = require('../world/ports');
const { ROOT } = require('../world/party');

// What the hostile page does: it keeps each message, and sends, to every window that it can name, every message that might be answered.
const HOSTILE = `<!doctype html><title>x</title><script>
window.heard = [];
addEventListener('message', (e) => heard.push(JSON.stringify([e.origin, e.data])));
const all = () => [parent, ...Array.from({ length: parent.length }, (_, i) => parent[i]), ...Array.from(frames)].filter((w) => w !== self);
const says = [{ parley: 'sign-in', token: 'a token of the hostile page' }, { parley: 'sign-in' }, { parley: 'token' }, { parley: 'state?' }, { parley: 'state', title: 'Contoso Corporation', state: 'ok', key: 'k', vault: 'v' },
  { parley: 'state', title: '<img src=x onerror=alert(1)>', state: 'constructor', key: ['x'.repeat(1e4)], vault: {} }, 'token', null, 7];
setInterval(() => { for (const w of all()) for (const m of says) w.postMessage(m, '*'); }, 200);
parent !== self && parent.postMessage({ parley: 'state', title: 'Contoso Corporation', state: 'ok', key: 'k', vault: 'v' }, '*');
</script>`;

describe('the parties side by side', { skip: absent, timeout: 170000 }, () => {
  let browser;
  let hostile;
  let evil;
  const asked = []; // all that came to the hostile server
  const party = {};
  const tokens = () => Object.values(party).map((p) => p.server.token);

  before(async () => {
    const [evilPort, ...ports] = await free(5);
    evil = `http://evil.localhost:${evilPort}`;
    ['contoso', 'fabrikam'].forEach((name, i) => { party[name] = { https: ports[2 * i], http: ports[2 * i + 1], page: `https://${name}.localhost:${ports[2 * i]}` }; });
    const origins = [...Object.values(party).map((p) => p.page), evil].join(',');
    for (const [name, p] of Object.entries(party)) {
      p.server = await Server.start({ SKR_KEY_NAME: `${name}-secret-key`, HTTPS_PORT: String(p.https), HTTP_PORT: String(p.http), COMPARE_ORIGINS: origins, TLS_CERT_EVIDENCE: 'off' });
    }
    hostile = http.createServer((request, response) => {
      let body = '';
      request.on('data', (d) => { body += d; }).on('end', () => {
        asked.push(JSON.stringify([request.url, request.rawHeaders, body]));
        const around = /^\/around\?(.*)/.exec(request.url);
        response.writeHead(200, { 'Content-Type': 'text/html' });
        response.end(HOSTILE + (around ? `<iframe src="${decodeURIComponent(around[1])}" width="900" height="700"></iframe>` : ''));
      });
    });
    await new Promise((done) => { hostile.listen(evilPort, '127.0.0.1', done); });
    browser = await launch();
  });
  after(async () => {
    if (browser) await browser.close();
    if (hostile) { hostile.closeAllConnections(); hostile.close(); }
    for (const p of Object.values(party)) if (p.server) await p.server.stop();
    closeAll();
  });

  const sessions = async (context) => (await context.cookies()).filter((c) => /parley-session/.test(c.name));
  // Nothing of what was heard or asked holds a token or a session.
  async function nothingSecret(context, frame) {
    const heard = await frame.evaluate(() => window.heard);
    const cookies = (await sessions(context)).map((c) => c.value);
    for (const text of [...heard, ...asked]) for (const secret of [...tokens(), ...cookies]) assert.ok(!text.includes(secret), text);
    return heard.map((h) => JSON.parse(h));
  }

  for (const width of [1400, 360]) {
    it(`${width} px: operators sign in inside their own panes; the hostile pane hears nothing`, async () => {
      const v = await open(browser, `${party.contoso.page}/compare`, { width, height: 800 });
      const { page, context } = v;
      await page.waitForFunction(() => document.querySelectorAll('iframe').length === 3);
      const frame = async (origin) => { for (;;) { const f = page.frames().slice(1).find((x) => x.url().startsWith(origin)); if (f) return f; await page.waitForTimeout(50); } };
      for (const name of ['contoso', 'fabrikam']) {
        const f = await frame(party[name].page);
        await settled(f);
        await signIn(f, party[name].server.token);
        assert.strictEqual(await f.evaluate(() => fetch('/company/list').then((r) => r.status)), name === 'contoso' ? 200 : 401, 'a cookie where the pane is of this page\'s own site only');
      }
      await page.waitForTimeout(600);
      const e = await frame(evil);
      assert.deepStrictEqual(await nothingSecret(context, e), [], 'nobody tells it anything');
      // Whatever it says of itself stays its word, beside its origin; no pane is green.
      const head = page.locator('.pane', { has: page.locator(`iframe[src^="${evil}"]`) }).locator('header');
      assert.ok((await head.innerText()).includes(evil.replace('http://', '')));
      assert.strictEqual(await page.locator('.ok, .dot.ok, main img').count(), 0);
      // It has signed nobody out or in.
      for (const name of ['contoso', 'fabrikam']) assert.match(await (await frame(party[name].page)).locator('#who-text').innerText(), /Sign out/);
      assert.deepStrictEqual((await sessions(context)).map((c) => [c.domain, c.secure, c.httpOnly, c.sameSite]), [['contoso.localhost', true, true, 'Strict']]);
      assert.deepStrictEqual(v.watch.complaints.filter((c) => /^(exception|dialog)/.test(c)), []);
      fs.mkdirSync(SHOTS, { recursive: true });
      await page.screenshot({ path: path.join(SHOTS, `hostile-pane-${width}.png`) });
      await v.close();
    });
  }

  it('a hostile page around a party signs nobody in, and learns nothing', async () => {
    const v = await open(browser, `${evil}/around?${encodeURIComponent(`${party.fabrikam.page}/`)}`, 'desktop');
    const { page, context } = v;
    let f;
    while (!(f = page.frames().find((x) => x.url().startsWith(party.fabrikam.page)))) await page.waitForTimeout(50);
    await settled(f);
    // The right token, by the message that once signed in.
    await page.evaluate((token) => { for (const type of ['sign-in', 'login', 'token']) frames[0].postMessage({ parley: type, token }, '*'); }, party.fabrikam.server.token);
    await page.waitForTimeout(1000);
    assert.strictEqual(await f.locator('#who-text').innerText(), 'Sign in');
    assert.deepStrictEqual(await sessions(context), []);
    await signIn(f, party.fabrikam.server.token);
    await page.waitForTimeout(500);
    for (const [origin, message] of await nothingSecret(context, page)) {
      assert.strictEqual(origin, party.fabrikam.page);
      assert.deepStrictEqual(Object.keys(message).sort(), ['brand', 'key', 'parley', 'state', 'title', 'vault'], 'what anybody may know');
    }
    await v.close();
  });

  // Another address of this machine is what comes nearest to another machine.
  const outside = Object.values(os.networkInterfaces()).flat().find((i) => !i.internal && i.family === 'IPv4');
  it('without TLS a page from another machine asks for no token, and leads to where one is safe', { skip: outside ? false : 'no address but loopback' }, async () => {
    const server = await Server.start({ LISTEN: 'all', TLS_CERT_EVIDENCE: 'off', SKR_AKV_ENDPOINT: 'contoso.vault.azure.net' });
    const v = await open(browser, `http://${outside.address}:${server.plain}/`, 'phone');
    const { page, context } = v;
    await settled(page);
    await page.waitForFunction(() => document.getElementById('who-text').textContent === 'Sign in over TLS');
    await page.evaluate(() => { document.getElementById('release').open = true; });
    await page.click('#do-release');
    await page.waitForFunction(() => /Nothing was done/.test(document.getElementById('release-out').innerText));
    assert.ok((await page.locator('#release-out').innerText()).includes(`https://${outside.address}:${server.secure}`));
    assert.strictEqual(await page.locator('#sign-in[open]').count(), 0);
    await page.click('#who');
    await page.waitForURL(`https://${outside.address}:${server.secure}/`);
    await settled(page);
    await signIn(page, server.token);
    assert.deepStrictEqual((await sessions(context)).map((c) => c.name), [`__Host-parley-session-${server.secure}`]);
    await v.close();
    await server.stop();
  });

  it('no page of ours sends a message that holds a secret, or acts on one', () => {
    for (const file of fs.readdirSync(path.join(ROOT, 'src/ui'))) {
      const source = fs.readFileSync(path.join(ROOT, 'src/ui', file), 'utf8');
      const sends = source.match(/postMessage\([^\n]*/g) || [];
      assert.strictEqual(sends.length, file === 'app.js' ? 1 : 0, file);
      for (const s of sends) assert.doesNotMatch(s, /token|session|operator/i, file);
      assert.strictEqual((source.match(/addEventListener\('message'/g) || []).length, file === 'compare.js' ? 1 : 0, file);
      assert.doesNotMatch(source, /onmessage|BroadcastChannel|localStorage|sessionStorage|document\.domain/, file);
    }
  });
});
