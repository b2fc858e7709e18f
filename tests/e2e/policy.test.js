// The generated policy is what runs: a party's real settings are exactly what its policy lets start, another setting is another
// HOST_DATA and gets no key, and the built image runs as a container confined as the policy says.
'use strict';
const assert = require('node:assert');
const { execFileSync, spawn, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, test } = require('node:test');
const { World, PARTIES } = require('../world/world');
const { PARLEY, ROOT } = require('../world/party');
const { Contained, whyNoContainers } = require('./lib-container');
const policies = require('../world/policies');

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'parley-policy-'));
const root = () => execFileSync(policies.CTL, ['policy', 'layer', policies.LAYER], { encoding: 'utf8' }).trim();
let world;

before(async () => { world = await World.make({ dir: path.join(dir, 'world'), grantAll: true }); });
after(async () => {
  await world.stop();
  fs.rmSync(dir, { recursive: true, force: true });
});

// The host's request to start the container with this environment.
const request = (env) => ({
  point: 'create_container', containerID: 'c', layers: [root()], argList: ['/parley'], envList: Object.entries(env).map(([k, v]) => `${k}=${v}`),
  workingDir: '/', sandboxDir: '/s', umask: '0022', user: { id: '0', name: '' }, groups: [{ id: '0', name: '' }], seccompProfileSHA256: '',
  capabilities: { bounding: ['CAP_CHOWN'] },
  mounts: [{ type: 'bind', source: '/s/tmp/atlas/resolvconf/1', destination: '/etc/resolv.conf', options: ['rbind', 'rshared', 'rw'] }],
});

function simulate(name, requests) {
  const [policy, file] = ['policy.rego', 'request.json'].map((f) => path.join(dir, f));
  fs.writeFileSync(policy, world.policies[name].text);
  fs.writeFileSync(file, JSON.stringify(requests));
  const r = spawnSync(policies.CTL, ['policy', 'simulate', policy, '--request', file], { encoding: 'utf8' });
  return { status: r.status, out: r.stdout + r.stderr };
}

test('a party is allowed to start with the settings it runs with, and nothing is dropped', () => {
  for (const name of PARTIES) {
    const r = simulate(name, request(world.parties[name].settings));
    assert.equal(r.status, 0, r.out);
    assert.match(r.out, /^allow create_container$/m);
    assert.doesNotMatch(r.out, /drops/);
  }
});

test('a changed, missing or further setting: denied, denied, dropped', () => {
  const { settings } = world.parties.contoso;
  const changed = simulate('contoso', request({ ...settings, SKR_KEY_NAME: 'fabrikam-secret-key' }));
  assert.equal(changed.status, 1);
  assert.match(changed.out, /^deny {2}create_container: env_rules/m);
  const missing = { ...settings };
  delete missing.OPERATOR_AUTH;
  assert.match(simulate('contoso', request(missing)).out, /^deny {2}create_container: env_rules/m);
  const more = simulate('contoso', request({ ...settings, DEBUG_ROUTES: 'on' }));
  assert.equal(more.status, 0);
  assert.match(more.out, /^ +drops DEBUG_ROUTES=on$/m);
});

test('the settings of policy/parties are settings that the program takes', async () => {
  for (const name of PARTIES) {
    const env = Object.fromEntries(JSON.parse(fs.readFileSync(path.join(ROOT, `build/policy/${name}.env.json`))).map((e) => [e.name, e.value]));
    const child = spawn(PARLEY, [], { env: { ...env, DATA_DIR: path.join(dir, `data-${name}`), HTTP_PORT: '0', HTTPS_PORT: '0', LISTEN: 'loopback', AUTO_INIT: 'off' } });
    let log = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (d) => { log += d; });
    const ended = new Promise((resolve) => { child.on('exit', resolve); });
    await Promise.race([ended, new Promise((resolve) => { setTimeout(resolve, 700); })]);
    assert.equal(child.exitCode, null, `${name}: ${log}`);
    child.kill();
    await ended;
  }
});

test('no program can be started in it, none of its files mounted over, no output read', () => {
  const { settings } = world.parties.contoso;
  const exec = simulate('contoso', [request(settings), { point: 'exec_in_container', containerID: 'c', argList: ['/parley'], envList: [] }]);
  assert.match(exec.out, /^deny {2}exec_in_container: exec_processes$/m);
  const over = request(settings);
  over.mounts.push({ type: 'bind', source: '/s/tmp/atlas/emptydir/x', destination: '/parley', options: ['rbind', 'rshared', 'rw'] });
  assert.match(simulate('contoso', over).out, /^deny {2}create_container: mounts$/m);
  assert.match(simulate('contoso', request(settings)).out, /no input, no output/);
});

test('the vaults hold the generated release policies', () => {
  for (const name of PARTIES) {
    assert.deepEqual(world.provisioned.parties[name].policy, world.policies[name].release);
    const hashes = world.policies[name].release.anyOf.map((e) => e.allOf.find((c) => c.claim === 'x-ms-sevsnpvm-hostdata').equals);
    assert.deepEqual(hashes, (name === 'woodgrove' ? ['woodgrove'] : [name, 'woodgrove']).map((n) => world.hostData[n]));
  }
});

test('the same program with another setting has another HOST_DATA and gets no key', async () => {
  const weaker = policies.generate(path.join(dir, 'weaker'), { woodgrove: { ...world.settings.woodgrove, MIN_GROUP_SIZE: '1' } },
    world.services.addresses.maa, { woodgrove: ['woodgrove'] }).woodgrove;
  assert.notEqual(weaker.hostData, world.hostData.woodgrove);
  const party = world.makeParty('woodgrove', { settings: { MIN_GROUP_SIZE: '1', AUTO_INIT: 'off' }, context: { policyText: weaker.text }, box: { 'host-data': weaker.hostData } });
  party.start();
  try {
    await party.listening();
    const r = await party.post('/skr/release');
    assert.notEqual(r.status, 200);
    assert.match(r.text, /does not meet key release policy/);
  } finally { await party.stop(); }
});

// --- The image, run as a container: no capabilities, read-only root, no new privileges, user 0, nothing but what is mounted ---

test('the image runs as a container under runc: attested, with its key, and confined', async (t) => {
  const why = whyNoContainers(dir);
  if (why) { t.skip(why); return; }
  const plain = world.contoso;
  fs.mkdirSync(plain.settings.DATA_DIR, { recursive: true });
  const party = new Contained(plain, dir, { mounts: [[plain.settings.DATA_DIR, true], [plain.settings.UVM_SECURITY_CONTEXT_DIR, false],
    [plain.settings.EXTRA_TRUST_ANCHOR, false], [plain.settings.CSV_PATH, false]] });
  party.start();
  try {
    await party.listening();
    await party.ready();
    const raw = await party.post('/attest/raw', { runtime_data: 'aG9zdA==' });
    assert.equal(raw.status, 200, raw.text);
    assert.equal(Buffer.from(raw.json.report_hex, 'hex').subarray(0xc0, 0xe0).toString('hex'), world.hostData.contoso);
    const status = fs.readFileSync(`/proc/${party.pid()}/status`, 'utf8');
    for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) assert.match(status, new RegExp(`^${set}:\\s0+$`, 'm'));
    assert.match(status, /^NoNewPrivs:\s1$/m);
    assert.match(status, /^Uid:\s0\s0\s0\s0$/m);
    const { mountinfo } = { mountinfo: fs.readFileSync(`/proc/${party.pid()}/mountinfo`, 'utf8') };
    assert.match(mountinfo.split('\n').find((l) => l.split(' ')[4] === '/'), /^\S+ \S+ \S+ \S+ \/ ro[, ]/);
    await party.hasRecords(); // one import at a time: the one of the start first
    const populated = await party.post('/company/populate', {});
    assert.equal(populated.status, 200, populated.text);
  } finally { await party.stop(); }
});
