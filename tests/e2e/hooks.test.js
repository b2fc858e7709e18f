// A hook that fails ends its test file at once and says so; what was started does not keep it. What is waited for is named.
'use strict';
const assert = require('node:assert');
const { spawn, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, it } = require('node:test');
const azurite = require('../world/azurite');
const { Party, ROOT, sleep } = require('../world/party');

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'parley-hooks-'));
after(() => fs.rmSync(dir, { recursive: true, force: true }));

function run(text) {
  const file = path.join(dir, 'case.test.js');
  fs.writeFileSync(file, `'use strict';\nconst { describe, it, before, beforeEach } = require('node:test');\n${text}`);
  const env = { ...process.env };
  delete env.NODE_TEST_CONTEXT;
  return spawnSync(process.execPath, ['--test-reporter=tap', '--require', path.join(ROOT, 'tests/world/hooks.js'), file], { encoding: 'utf8', timeout: 60000, env });
}
const OPEN = "require('net').createServer().listen(0);"; // keeps a process for ever

for (const [what, text] of Object.entries({
  'before of a suite': `describe('s', () => { before(async () => { ${OPEN} throw new Error('the cause'); }); it('t', () => {}); });`,
  'before of the file': `before(() => { ${OPEN} throw new Error('the cause'); });\nit('t', () => {});`,
  beforeEach: `beforeEach(async () => { ${OPEN} await null; throw new Error('the cause'); });\nit('t', () => {});`,
  'a hook with a callback': `before((t, done) => { ${OPEN} setImmediate(done, new Error('the cause')); });\nit('t', () => {});`,
})) {
  it(`${what} that fails ends the file`, () => {
    const r = run(text);
    assert.strictEqual(r.signal, null, r.stdout + r.stderr);
    assert.strictEqual(r.status, 1, r.stdout + r.stderr);
    assert.match(r.stdout, /not ok - hook before(Each)? failed/);
    assert.match(r.stdout, /the cause/);
  });
}

it('a party that does not start keeps nothing that was started for it', () => {
  const r = run(`const { solo } = require('${path.join(ROOT, 'tests/e2e/lib.js')}');
it('t', async () => { await (await solo({ settings: { MIN_GROUP_SIZE: 'none' } })).start(); });`);
  assert.strictEqual(r.signal, null, r.stdout + r.stderr);
  assert.strictEqual(r.status, 1, r.stdout + r.stderr);
  assert.match(r.stdout, /contoso ended \(2\) before: .*MIN_GROUP_SIZE/s);
});

it('hooks that succeed change nothing', () => {
  const r = run("let n = 0;\nbefore(() => { n++; });\nbefore((t, done) => { n++; done(); });\nbeforeEach(() => { n++; });\nit('t', () => { if (n !== 3) throw new Error(`${n}`); });");
  assert.strictEqual(r.status, 0, r.stdout + r.stderr);
  assert.match(r.stdout, /^# pass 1$/m);
});

it('what is waited for is named, and a party that ends is not waited for', async () => {
  const p = new Party({ name: 'fabrikam', dir, settings: { HTTP_PORT: '1', HTTPS_PORT: '1' }, box: null });
  p.program = '/bin/sleep';
  p.start(); // without a time to sleep it ends at once
  await assert.rejects(p.until('its peer port', () => false, 60000), /fabrikam ended \(1\) before: its peer port/);
  p.wrap = ['/bin/sh', '-c', 'exec sleep 60'];
  p.start();
  await assert.rejects(p.until('its peer port', () => false, 300), /waited 0\.3 s for: its peer port of fabrikam/);
  await p.stop('SIGKILL');
});

// Processes with this variable in their environment, but for this one.
const marked = (variable) => fs.readdirSync('/proc').filter((n) => {
  try { return /^\d+$/.test(n) && Number(n) !== process.pid && fs.readFileSync(`/proc/${n}/environ`, 'latin1').includes(`${variable}\0`); } catch { return false; }
});

it('the demo ends at once with the line of data that cannot be imported, and leaves no process', () => {
  const csv = path.join(dir, 'bad.csv');
  fs.writeFileSync(csv, 'name,salary\nonly-one\n');
  const env = { ...process.env, ONCE: '1', CONTOSO_CSV: csv, PARLEY_HOOKS_TEST: String(process.pid) };
  const r = spawnSync(process.execPath, [path.join(ROOT, 'scripts/demo.js')], { encoding: 'utf8', timeout: 150000, env });
  assert.strictEqual(r.status, 1, r.stdout + r.stderr);
  assert.match(r.stderr, /^demo: contoso: .*data not imported.*CSV line 2/m);
  assert.deepStrictEqual(marked(`PARLEY_HOOKS_TEST=${process.pid}`), []);
});

it('a demo that is ended while it starts leaves neither a process nor its directory', { skip: azurite.available() ? false : 'Azurite is not installed' }, async () => {
  const variable = `PARLEY_HOOKS_ENDED=${process.pid}`;
  const child = spawn(process.execPath, [path.join(ROOT, 'scripts/demo.js')], { stdio: 'ignore', env: { ...process.env, ONCE: '1', PARLEY_HOOKS_ENDED: String(process.pid) } });
  const ended = new Promise((resolve) => { child.on('exit', resolve); });
  // The demo's own process and Azurite: it is on its way.
  for (let i = 0; i < 600 && child.exitCode === null && marked(variable).length < 2; i++) await sleep(50);
  child.kill('SIGTERM');
  assert.strictEqual(await ended, 130);
  assert.deepStrictEqual(marked(variable), []);
  assert.ok(!fs.existsSync(path.join(ROOT, `build/demo-${child.pid}`)));
});

it('an Azurite that does not start is a note in the demo, never its end', () => {
  const preload = path.join(dir, 'no-azurite.js');
  fs.writeFileSync(preload, "const a = require(process.env.AZURITE_JS); a.Azurite.start = () => Promise.reject(new Error('Azurite ended before it was ready: crypto is not defined')); a.available = () => true;");
  // The module's exports are what world.js calls.
  const env = { ...process.env, ONCE: '1', AZURITE_JS: path.join(ROOT, 'tests/world/azurite.js') };
  const r = spawnSync(process.execPath, ['--require', preload, path.join(ROOT, 'scripts/demo.js')], { encoding: 'utf8', timeout: 150000, env });
  assert.strictEqual(r.status, 0, r.stdout + r.stderr);
  assert.match(r.stdout, /^Note: no storage account: Azurite ended before it was ready: crypto is not defined/m);
});
