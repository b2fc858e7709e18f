// docs/page.png: the page of the analysing party with the result of a real analysis, taken from four live parties.
'use strict';
const fs = require('fs');
const path = require('path');

const ROOT = path.join(__dirname, '..');
const TARGET = path.join(ROOT, 'docs/page.png');
const MAX = 300 * 1024;

async function take(world, browser) {
  const { settled, signIn, openSection } = require('../tests/browser/browser');
  const context = await browser.newContext({ viewport: { width: 1280, height: 1180 }, deviceScaleFactor: 1.2, ignoreHTTPSErrors: true, colorScheme: 'light', reducedMotion: 'reduce' });
  const page = await context.newPage();
  await page.goto(`${world.woodgrove.secure}/`);
  await settled(page);
  await signIn(page, world.token);
  await openSection(page, 'analysis');
  await page.click('#do-analysis');
  await page.waitForSelector('#results', { timeout: 120000 });
  await page.evaluate(() => document.getElementById('results').scrollIntoView());
  await page.mouse.move(0, 0);
  await page.waitForTimeout(300);
  return page.screenshot();
}

async function main() {
  const { absent, makeWorld, launch } = require('../tests/browser/browser');
  if (absent) throw new Error(absent);
  const world = await makeWorld({ dir: path.join(ROOT, `build/screenshot-${process.pid}`) });
  let browser;
  try {
    await world.start();
    browser = await launch();
    const png = await take(world, browser);
    if (png.length > MAX) throw new Error(`the picture has ${png.length} bytes, more than ${MAX}`);
    fs.mkdirSync(path.dirname(TARGET), { recursive: true });
    fs.writeFileSync(TARGET, png);
    process.stdout.write(`${path.relative(ROOT, TARGET)}: ${png.length} bytes\n`);
  } finally {
    if (browser) await browser.close();
    await world.stop();
    world.clearData();
  }
}

main().catch((e) => { process.stderr.write(`screenshot: ${e.stack}\n`); process.exitCode = 1; });
