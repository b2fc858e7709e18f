// main.js as a process: one line when ready, an end by signal or by its standard input, clear words for wrong options.
'use strict';
const assert = require('node:assert');
const { spawn } = require('child_process');
const path = require('path');
const test = require('node:test');
const { DEFAULT_DIR } = require('./main');
const pkis = require('./pki');

test.before(() => pkis.open(DEFAULT_DIR));

function run(...args) {
  const child = spawn(process.execPath, [path.join(__dirname, 'main.js'), ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  const out = { stdout: '', stderr: '' };
  for (const k of Object.keys(out)) child[k].on('data', (d) => { out[k] += d; });
  const ended = new Promise((r) => child.on('close', (code, signal) => r({ code, signal, ...out })));
  const ready = new Promise((resolve, reject) => {
    child.stdout.on('data', () => { if (out.stdout.includes('\n')) resolve(JSON.parse(out.stdout)); });
    ended.then((e) => reject(new Error(`ended early: ${e.stderr}`)));
  });
  ready.catch(() => {});
  return { child, ready, ended };
}

for (const [name, end] of Object.entries({ SIGTERM: (c) => c.kill('SIGTERM'), SIGINT: (c) => c.kill('SIGINT'), 'closed standard input': (c) => c.stdin.end() })) {
  test(`ready in good time, ends by ${name}`, async () => {
    const begun = Date.now();
    const p = run('--with-stdin', '--vault', 'wingtip', '--hsm', 'big');
    const a = await p.ready;
    assert.ok(Date.now() - begun < 5000);
    assert.deepStrictEqual([a.ready, Object.keys(a.vaults), Object.keys(a.hsms)], [true, ['wingtip'], ['big']]);
    for (const k of ['imds', 'login', 'maa', 'azcache', 'kds', 'control']) assert.match(a[k], /^https?:\/\/[a-z0-9.]+:\d+$/);
    end(p.child);
    const { code, stdout } = await p.ended;
    assert.deepStrictEqual([code, stdout.trim().split('\n').length], [0, 1]);
  });
}

test('ports can be fixed', async () => {
  const p = run('--with-stdin', '--port-base', '38470');
  const a = await p.ready;
  assert.deepStrictEqual([a.control, a.imds], ['http://127.0.0.1:38470', 'http://127.0.0.1:38471']);
  p.child.stdin.end();
  await p.ended;
});

test('a wrong option is said and ends with 2', async () => {
  const { code, stderr } = await run('--nonsense').ended;
  assert.deepStrictEqual([code, stderr], [2, 'standin: unknown option --nonsense\n']);
});
