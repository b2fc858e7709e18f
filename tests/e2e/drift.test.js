// parleyctl policy drift: variables that the platform injects, or that a container has, against a policy of an earlier day.
'use strict';
const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, test } = require('node:test');
const { spawnSync } = require('node:child_process');

const ROOT = path.resolve(__dirname, '../..');
const CTL = path.join(ROOT, 'build/parleyctl');
const PLATFORM = path.join(ROOT, 'policy/platform.json');
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'parley-drift-'));
after(() => fs.rmSync(dir, { recursive: true, force: true }));

const [FINE, FAILS, USAGE, FILE] = [0, 1, 2, 3];
let made = 0;
const put = (text) => {
  const file = path.join(dir, String(++made));
  fs.writeFileSync(file, text);
  return file;
};
const rule = (pattern, strategy = 'string', required = false) => ({ pattern, strategy, required });
// A policy with one container besides the platform's own, which is never judged.
const policy = ({ rules, dropping = false, more = '' }) => put(`package policy

import future.keywords.every
import future.keywords.in

api_version := "0.10.0"
framework_version := "0.2.3"
containers := ${JSON.stringify([
    { command: ['/parley'], env_rules: rules, layers: ['00'], id: 'parley' },
    { command: ['/pause'], env_rules: [], layers: ['01'], id: 'pause' },
  ])}
allow_environment_variable_dropping := ${dropping}
${more}`);
const drift = (...args) => spawnSync(CTL, ['policy', 'drift', ...args], { encoding: 'utf8', timeout: 60000 });
const today = ['--platform', PLATFORM, '--list', 'aci-2'];

test('a variable that no rule takes fails where the policy drops none, and is dropped where it does', () => {
  const rules = [rule('SECRET=hunter2')];
  const env = put('SECRET=hunter2\nNEW_ONE=hunter3\n');
  const closed = drift(policy({ rules }), '--env', env);
  assert.strictEqual(closed.status, FAILS, closed.stderr);
  assert.match(closed.stdout, /^container \/parley\n {2}kept {5}SECRET\n {2}FAILS {4}NEW_ONE: no rule takes it and the policy drops none/);
  const open = drift(policy({ rules, dropping: true }), '--env', env);
  assert.strictEqual(open.status, FINE, open.stderr);
  assert.match(open.stdout, /^ {2}dropped {2}NEW_ONE$/m);
  for (const r of [closed, open]) {
    assert.doesNotMatch(r.stdout + r.stderr, /hunter/, 'values are never printed');
    assert.doesNotMatch(r.stdout, /pause/);
  }
});

test('a required rule that no variable meets fails, as does one whose value is another', () => {
  const p = policy({ rules: [rule('A=1', 'string', true), rule('B=[0-9]+', 're2', true)], dropping: true });
  assert.strictEqual(drift(p, '--env', put('A=1\nB=22\n')).status, FINE);
  const r = drift(p, '--env', put('A=2\nB=22\n'));
  assert.strictEqual(r.status, FAILS);
  assert.match(r.stdout, /^ {2}FAILS {4}A: required, and no variable meets its rule$/m);
  assert.strictEqual(drift(p, ...today).status, FINE, 'without a container its own variables are not known');
});

test('what the platform injects today is compared by the dated list, unless the container has it', () => {
  const r = drift(policy({ rules: [rule('IDENTITY_HEADER=.+', 're2')] }), ...today);
  assert.strictEqual(r.status, FAILS);
  assert.match(r.stdout, /^ {2}kept {5}IDENTITY_HEADER \(the platform\)$/m);
  assert.match(r.stdout, /^ {2}FAILS {4}APP_IDENTITY_ENDPOINT: /m);
  const both = drift(policy({ rules: [], dropping: true }), '--env', put('IDENTITY_HEADER=x\0'), ...today);
  assert.strictEqual(both.status, FINE);
  assert.strictEqual(both.stdout.match(/IDENTITY_HEADER/g).length, 1);
  for (const [name, list] of Object.entries(JSON.parse(fs.readFileSync(PLATFORM, 'utf8'))).filter(([, l]) => l.injects)) {
    assert.match(list.date, /^\d{4}-\d\d-\d\d$/, name);
    for (const v of list.injects) assert.match(v, /^[^=]+=/, name);
  }
});

test('our own policies start under today\'s platform, with its identity', () => {
  for (const name of ['contoso', 'woodgrove']) {
    const r = drift(path.join(ROOT, `build/policy/${name}.b64`), ...today);
    assert.strictEqual(r.status, FINE, r.stdout + r.stderr);
    for (const v of ['IDENTITY_ENDPOINT', 'APP_IDENTITY_ENDPOINT', 'IDENTITY_HEADER']) assert.match(r.stdout, new RegExp(`^ {2}kept {5}${v} `, 'm'));
  }
});

test('what cannot be judged is no success', () => {
  const p = policy({ rules: [] });
  const unknown = drift(policy({ rules: [], more: 'other { input.x }' }), ...today);
  assert.strictEqual(unknown.status, FAILS);
  assert.match(unknown.stderr, /not understood/);
  for (const [args, status, says] of [
    [[p], USAGE, /usage/], [[p, '--env'], USAGE, /usage/], [[p, '--platform', PLATFORM], USAGE, /usage/], [[p, '--list', 'x'], USAGE, /usage/],
    [[p, '--env', put(''), ...today], FAILS, /holds no variable/], [[p, '--env', put('no assignment')], FAILS, /NAME=value/], [[p, '--env', put('=x')], FAILS, /NAME=value/],
    [[p, '--platform', PLATFORM, '--list', 'aci-9'], FAILS, /no such list/], [[p, '--platform', put('x'), '--list', 'aci-2'], FAILS, /no JSON/],
    [[p, '--env', path.join(dir, 'missing')], FILE, /missing/], [[p, '--env', put(`A=${'x'.repeat(200000)}`)], FAILS, /too many|too long/],
  ]) {
    const r = drift(...args);
    assert.strictEqual(r.status, status, `${args.slice(1)}: ${r.stdout}${r.stderr}`);
    assert.match(r.stdout + r.stderr, says);
  }
});
