// A real browser on the pages of four live parties: Debian's Chromium, driven by playwright-core.
'use strict';
const assert = require('node:assert');
const fs = require('fs');
const path = require('path');
const { World } = require('../world/world');
const { ROOT } = require('../world/party');

const CHROMIUM = '/usr/bin/chromium';
const SHOTS = path.join(ROOT, 'build/screenshots');
const SIZES = { desktop: { width: 1280, height: 800 }, phone: { width: 360, height: 740 } };
// Quiet and offline: nothing but the parties is asked for anything.
const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

const absent = fs.existsSync(CHROMIUM) ? false : 'no chromium (scripts/setup test installs it)';

const makeWorld = (options = {}) => World.make({ dir: path.join(ROOT, `build/browser-${process.pid}`), grantAll: true, blob: true, compare: 'secure', ...options });

const launch = () => require('playwright-core').chromium.launch({ executablePath: CHROMIUM, args: FLAGS });

// What the browser complains about. A refused request is a message of the browser's own, so those that a step expects are named: a status.
class Watch {
  constructor(page) {
    this.complaints = [];
    this.expected = [];
    page.on('console', (m) => {
      if (!['error', 'warning'].includes(m.type())) return;
      const status = /Failed to load resource: the server responded with a status of (\d+)/.exec(m.text());
      if (status && this.expected.includes(Number(status[1]))) return;
      this.complaints.push(`${m.type()}: ${m.text()} (${m.location().url})`);
    });
    page.on('pageerror', (e) => this.complaints.push(`exception: ${e.stack || e}`));
    page.on('requestfailed', (r) => {
      if (!/ERR_ABORTED/.test(r.failure().errorText)) this.complaints.push(`request failed: ${r.url()} ${r.failure().errorText}`);
    });
  }

  allow(...statuses) { this.expected.push(...statuses); }
  check(where) { assert.deepStrictEqual(this.complaints, [], where); }
}

// A party's page (or another path) in a window of its own.
async function open(browser, url, size, options = {}) {
  const context = await browser.newContext({ viewport: SIZES[size] || size, ignoreHTTPSErrors: true, acceptDownloads: true, colorScheme: 'light', reducedMotion: 'reduce', ...options });
  context.setDefaultTimeout(30000);
  const page = await context.newPage();
  const watch = new Watch(page);
  page.on('dialog', (d) => { watch.complaints.push(`dialog: ${d.message()}`); d.dismiss(); });
  await page.goto(url);
  return { context, page, watch, close: () => context.close() };
}

// The page has said what it is: its state is known.
const settled = (page) => page.waitForFunction(() => !/Checking/.test(document.getElementById('state').textContent));
const openSection = (page, id) => page.evaluate((x) => { const s = document.getElementById(x); s.open = true; s.scrollIntoView(); }, id);

async function signIn(page, token) {
  await page.click('#who');
  await page.fill('#token', token);
  await page.click('#sign-in button.primary');
  await page.waitForFunction(() => /Sign out/.test(document.getElementById('who-text').textContent));
}

async function shot(page, name) {
  fs.mkdirSync(SHOTS, { recursive: true });
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: path.join(SHOTS, `${name}-${colorScheme}.png`) });
  }
  await page.emulateMedia({ colorScheme: 'light' });
}

// axe-core's serious and critical findings, in both colour schemes.
async function accessible(page, where) {
  const source = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    await page.evaluate(source);
    const found = await page.evaluate(async () => (await window.axe.run(document, { resultTypes: ['violations'], iframes: false })).violations
      .filter((v) => ['serious', 'critical'].includes(v.impact)).map((v) => `${v.id}: ${v.nodes.slice(0, 4).map((n) => `${n.target.join(' ')} ${n.failureSummary}`).join(' || ')}`));
    assert.deepStrictEqual(found, [], `${where}, ${colorScheme}`);
  }
  await page.emulateMedia({ colorScheme: 'light' });
}

// Nothing sticks out at the side.
async function fits(page, where) {
  const over = await page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) return [];
    return [...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > width + 1 && !e.closest('.scroll')).map((e) => `${e.tagName}.${e.className}#${e.id}`).slice(0, 5);
  });
  assert.deepStrictEqual(over, [], `${where}: wider than the window`);
}

module.exports = { absent, makeWorld, launch, open, settled, openSection, signIn, shot, accessible, fits, SIZES, SHOTS, ROOT };
