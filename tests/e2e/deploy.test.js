// scripts/deploy.sh against a stand-in for az and kubectl that knows their grammar: the whole plan without az, both modes from start
// to verification, every kind of step failing, running again, cleaning up. What is generated is parsed and checked.
'use strict';
const assert = require('node:assert');
const crypto = require('node:crypto');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, test } = require('node:test');
const { ROOT } = require('../world/party');

const CLOUD = path.join(ROOT, 'tests/deploy/cloud.js');
const temp = fs.mkdtempSync(path.join(os.tmpdir(), 'parley-deploy-'));
const prefixes = new Set();
after(() => {
  fs.rmSync(temp, { recursive: true, force: true });
  for (const p of prefixes) for (const s of ['', '.dry-run']) fs.rmSync(path.join(ROOT, 'build/deploy', p + s), { recursive: true, force: true });
});
const sha256 = (data) => crypto.createHash('sha256').update(data).digest('hex');

// A world of fake tools, with a state of its own, and a parleyctl whose verify is recorded.
let made = 0;
class Cloud {
  constructor() {
    this.prefix = `t${process.pid.toString(36).slice(-4)}${(made++).toString(36)}`.padEnd(3, 'x').slice(0, 8);
    prefixes.add(this.prefix);
    this.dir = path.join(temp, this.prefix);
    this.bin = path.join(this.dir, 'bin');
    fs.mkdirSync(this.bin, { recursive: true });
    for (const tool of ['az', 'kubectl', 'skopeo', 'helm', 'git', 'curl']) fs.symlinkSync(CLOUD, path.join(this.bin, tool));
    this.verified = path.join(this.dir, 'verified');
    this.ctl = path.join(this.dir, 'parleyctl');
    fs.writeFileSync(this.ctl, `#!/bin/sh\nif [ "$1" = verify ]; then echo "$*" >> '${this.verified}'; else exec build/parleyctl "$@"; fi\n`, { mode: 0o755 });
    this.file = path.join(this.dir, 'cloud.json');
    this.out = path.join(ROOT, 'build/deploy', this.prefix);
  }

  run(command, args = [], env = {}, input = '') {
    const r = spawnSync('sh', ['scripts/deploy.sh', command, '--prefix', this.prefix, ...args], {
      cwd: ROOT, encoding: 'utf8', input,
      env: { PATH: `${this.bin}:${process.env.PATH}`, HOME: this.dir, FAKE_CLOUD: this.file, PARLEYCTL: this.ctl, DEPLOY_WAIT: '0', DEPLOY_TRIES: '4', ...env },
    });
    return { status: r.status, text: r.stdout + r.stderr };
  }

  must(...args) {
    const r = this.run(...args);
    assert.equal(r.status, 0, r.text);
    return r.text;
  }

  get state() { return JSON.parse(fs.readFileSync(this.file, 'utf8')); }
  read(file) { return fs.readFileSync(path.join(this.out, file), 'utf8'); }
}

const PARTIES = ['contoso', 'fabrikam', 'woodgrove'];

// Keys: each with the generated policy, bound to hashes that are the hashes of what was deployed, never anything looser.
function checkKeys(state, hashes) {
  const keys = Object.values(state.vaults).flatMap((v) => Object.entries(v.keys));
  assert.equal(keys.length, 3);
  for (const [name, key] of keys) {
    const owner = name.replace('-secret-key', '');
    const wanted = owner === 'woodgrove' ? ['woodgrove'] : [owner, 'woodgrove'];
    assert.equal(key.size, '3072');
    assert.deepEqual(key.policy.anyOf.map((e) => e.allOf.find((c) => c.claim === 'x-ms-sevsnpvm-hostdata').equals), wanted.map((n) => hashes[n]));
    for (const e of key.policy.anyOf) {
      assert.equal(e.authority, 'https://sharedeus.eus.attest.azure.net');
      const claims = Object.fromEntries(e.allOf.map((c) => [c.claim, c.equals]));
      assert.equal(claims['x-ms-compliance-status'], 'azure-compliant-uvm');
      assert.equal(claims['x-ms-sevsnpvm-is-debuggable'], 'false');
      assert.equal(claims['x-ms-sevsnpvm-vmpl'], '0');
      assert.equal(claims['x-ms-attestation-type'], 'sevsnpvm');
    }
  }
}

function checkRoles(state) {
  const release = state.roles.filter((r) => r.role === 'Key Vault Crypto Service Release User');
  assert.equal(new Set(release.map((r) => JSON.stringify(r))).size, 5);
  for (const r of release) assert.match(r.scope, /\/vaults\/[^/]+\/keys\/[a-z]+-secret-key$/);
  for (const r of state.roles.filter((x) => x.role === 'AcrPull')) assert.match(r.scope, /Microsoft\.ContainerRegistry\/registries\/[a-z0-9]+$/);
  const snooper = state.identities && Object.entries(state.identities).find(([n]) => n.endsWith('-snooper'));
  if (snooper) assert.deepEqual([...new Set(state.roles.filter((r) => r.who === snooper[1].principalId).map((r) => r.role))], ['AcrPull']);
}

const noSecrets = (c, text) => {
  for (const p of PARTIES) assert.ok(!text.includes(c.read(`${p}.token`)), `the token of ${p} is somewhere it must not be`);
  assert.ok(!text.includes('registry-secret-token'));
};

function checkTemplate(c, name, hashes) {
  const r = c.state.groups[`aci-${c.prefix}-${name}`];
  const { properties: p } = r;
  assert.equal(r.type, 'Microsoft.ContainerInstance/containerGroups');
  assert.equal(r.apiVersion, '2023-05-01');
  assert.equal(p.sku, name === 'snooper' ? 'Standard' : 'Confidential');
  assert.equal(p.osType, 'Linux');
  assert.equal(p.containers.length, 1);
  const { image, command, environmentVariables: env } = p.containers[0].properties;
  assert.match(image, /^parley[a-z0-9]+\.azurecr\.io\/parley@sha256:[0-9a-f]{64}$/);
  assert.ok(image.endsWith(/^image +(\S+)$/m.exec(fs.readFileSync(path.join(ROOT, 'build/image/digests'), 'utf8'))[1]));
  assert.deepEqual(command, ['/parley']);
  assert.ok(env.length > 5 && env.every((e) => typeof e.name === 'string' && typeof e.value === 'string'));
  assert.deepEqual(Object.keys(r.identity.userAssignedIdentities).length, 1);
  if (name === 'snooper') return assert.ok(!p.confidentialComputeProperties);
  const policy = Buffer.from(p.confidentialComputeProperties.ccePolicy, 'base64').toString('latin1');
  assert.equal(sha256(policy), hashes[name]);
  // The analyst's hash holds the providers', so theirs cannot hold it: its form is measured, and the template has the value.
  const given = env.filter((e) => e.name === 'PARTNER_WOODGROVE_HOST_DATA').map((e) => e.value);
  assert.deepEqual(given, name === 'woodgrove' ? [] : [hashes.woodgrove]);
  const rule = (e) => (e.value === hashes.woodgrove ? `${e.name}=[0-9a-f]{64}","required":true,"strategy":"re2"` : `${e.name}=${e.value}","required":true,"strategy":"string"`);
  for (const e of env) assert.ok(policy.includes(`"pattern":"${rule(e)}`), e.name);
  return undefined;
}

test('a dry run needs no az, prints a whole plan, and every call of it is one that az, kubectl, helm and skopeo know', () => {
  for (const mode of [[], ['--aks']]) {
    const c = new Cloud();
    fs.rmSync(path.join(c.bin, 'az'));
    const texts = ['build', 'deploy', 'status', 'cleanup'].map((command) => c.must(command, [...mode, '--dry-run'], { PATH: `/usr/bin:/bin:${path.dirname(process.execPath)}` }));
    const text = texts.join('');
    assert.ok(!fs.existsSync(c.file), 'nothing is called');
    const calls = text.split('\n').filter((l) => l.startsWith('         $ ')).map((l) => l.slice(11)).filter((l) => /^(az|kubectl|helm|skopeo|git|curl) /.test(l));
    assert.ok(calls.length > 40);
    // The shell takes the words apart again.
    for (const call of new Set(calls)) {
      const r = spawnSync('sh', ['-c', `exec node '${CLOUD}' --check ${call}`], { encoding: 'utf8' });
      assert.equal(r.status, 0, `${call}\n${r.stderr}`);
    }
    for (const part of ['az keyvault key create', '--policy', 'Key Vault Crypto Service Release User', 'az identity create', 'skopeo copy', ' verify https://', '/compare']) assert.ok(text.includes(part), part);
    assert.equal(text.includes('kubectl apply'), mode.length > 0);
    assert.ok(fs.existsSync(path.join(ROOT, 'build/deploy', `${c.prefix}.dry-run`, mode.length ? 'contoso.yaml' : 'contoso.template.json')));
  }
});

test('container instances: from nothing to verified parties; again changes nothing; cleanup asks first', () => {
  const c = new Cloud();
  const built = c.must('build');
  assert.ok(c.state.calls.some((l) => l.startsWith('az acr create') && l.includes('--admin-enabled false')));
  assert.match(c.state.pushed[0], /^docker:\/\/parley/);
  for (const v of Object.values(c.state.vaults)) assert.deepEqual([v.sku, v.rbac, v.protection], ['premium', true, true]);
  const deployed = c.must('deploy');
  const hashes = Object.fromEntries(PARTIES.map((p) => [p, c.read(`policy/${p}.hostdata`).trim()]));
  checkKeys(c.state, hashes);
  checkRoles(c.state);
  for (const p of [...PARTIES, 'snooper']) checkTemplate(c, p, hashes);
  noSecrets(c, built + deployed + JSON.stringify(c.state));
  for (const p of PARTIES) assert.equal(fs.statSync(path.join(c.out, `${p}.token`)).mode & 0o77, 0);
  const verified = fs.readFileSync(c.verified, 'utf8').trim().split('\n');
  assert.deepEqual(verified, PARTIES.map((p) => `verify https://${c.prefix}-${/-(\w{6})-1$/.exec(Object.keys(c.state.vaults)[0])[1]}-${p}.eastus.azurecontainer.io:8443 --host-data ${hashes[p]}`));

  const again = c.must('build') + c.must('deploy');
  assert.match(again, /has this policy already/);
  for (const v of Object.values(c.state.vaults)) for (const k of Object.values(v.keys)) assert.equal(k.versions, 1);
  c.must('status');

  const asked = c.run('cleanup', [], {}, 'no\n');
  assert.notEqual(asked.status, 0);
  assert.match(asked.text, /kv-/);
  assert.ok(c.state.group && Object.keys(c.state.vaults).length === 3);
  c.must('cleanup', [], {}, 'yes\n');
  assert.equal(c.state.group, null);
  assert.equal(Object.keys(c.state.deleted).length, 3, 'purge protection keeps them');
  assert.ok(!fs.existsSync(c.out));
  // Deleted vaults keep their names: the next build recovers them.
  c.must('build');
  assert.equal(Object.keys(c.state.vaults).length, 3);
});

test('another setting makes a new version of the key with the new policy, in place of loosening the old', () => {
  const c = new Cloud();
  c.must('build', ['--no-purge-protection']);
  c.must('deploy');
  c.must('deploy', ['--no-fragment', '--key-size', '4096']);
  for (const v of Object.values(c.state.vaults)) for (const k of Object.values(v.keys)) assert.deepEqual([k.versions, k.size], [2, '4096']);
  c.must('cleanup', ['--yes']);
  assert.deepEqual(c.state.deleted, {}, 'purged');
});

test('a role that has not spread yet is waited for; a refusal that stays ends the run', () => {
  const patient = new Cloud();
  patient.must('build');
  const s = patient.state;
  fs.writeFileSync(patient.file, JSON.stringify({ ...s, forbid: 2 }));
  assert.match(patient.must('deploy'), /not yet permitted, trying again/);
  fs.writeFileSync(patient.file, JSON.stringify({ ...s, forbid: 99 }));
  const r = patient.run('deploy');
  assert.notEqual(r.status, 0);
  assert.match(r.text, /Forbidden/);
  assert.ok(Object.values(patient.state.vaults).every((v) => Object.keys(v.keys).length === 0), 'no key at all rather than a looser one');
  assert.deepEqual(patient.state.groups, {});
});

const STEPS = {
  build: ['az group create', 'az acr create', 'az acr login', 'skopeo login', 'skopeo copy', 'az identity create', 'az identity show', 'az keyvault create', 'az role assignment create',
    'az ad signed-in-user show'],
  deploy: ['az identity show', 'az keyvault key create', 'az role assignment create', 'az deployment group create', 'curl'],
};
test('whatever step fails, the run ends there with an error, and the next run completes', () => {
  const c = new Cloud();
  for (const command of ['build', 'deploy']) {
    for (const step of STEPS[command]) {
      const r = c.run(command, [], { FAKE_FAIL: step });
      assert.notEqual(r.status, 0, `${command} went on after a failed ${step}`);
      assert.ok(!r.text.includes('side by side'));
    }
    c.must(command);
  }
  checkKeys(c.state, Object.fromEntries(PARTIES.map((p) => [p, c.read(`policy/${p}.hostdata`).trim()])));
});

test('virtual nodes: pods with the policy as annotation, addresses in the analyst\'s policy, TCP passed through', () => {
  const c = new Cloud();
  c.must('build', ['--aks']);
  const text = c.must('deploy', ['--aks']);
  const hashes = Object.fromEntries(PARTIES.map((p) => [p, c.read(`policy/${p}.hostdata`).trim()]));
  checkKeys(c.state, hashes);
  checkRoles(c.state);
  for (const p of PARTIES) {
    const yaml = c.state.yaml[`${p}.yaml`];
    const b64 = /ccepolicy: "([^"]+)"/.exec(yaml)[1];
    assert.equal(sha256(Buffer.from(b64, 'base64')), hashes[p]);
    assert.match(yaml, /nodeSelector: \{ virtualization: virtualnode2 \}/);
    assert.match(yaml, /image: parley[a-z0-9]+\.azurecr\.io\/parley@sha256:[0-9a-f]{64}$/m);
    JSON.parse(/env: (\[.*\])$/m.exec(yaml)[1]);
    assert.ok(Buffer.from(b64, 'base64').includes('sandbox:///tmp/atlas/emptydir/.+'));
  }
  const woodgrove = c.read('policy/woodgrove.rego');
  assert.match(woodgrove, /PARTNER_CONTOSO_URL=https:\/\/203\.0\.113\.7:8451"/);
  assert.match(woodgrove, new RegExp(`PARTNER_FABRIKAM_HOST_DATA=${hashes.fabrikam}"`));
  assert.ok(!/ccepolicy/.test(c.state.yaml['snooper.yaml']));
  assert.match(c.state.yaml['balancer.yaml'], /stream \{\n {6}server \{ listen 8441; proxy_pass 10\.2\.0\.24:8443; \}\n {6}server \{ listen 8451; proxy_pass 10\.2\.0\.24:8444; \}/);
  assert.ok(!/ssl|http \{/.test(c.state.yaml['balancer.yaml']));
  noSecrets(c, text + JSON.stringify(c.state));
  assert.match(fs.readFileSync(c.verified, 'utf8'), new RegExp(`verify https://203\\.0\\.113\\.7:8441 --host-data ${hashes.contoso}`));
  assert.ok(c.state.calls.findIndex((l) => l.includes('pod/parley-woodgrove')) > c.state.calls.findIndex((l) => l.startsWith('az keyvault key create')));
});

test('wrong use is refused before anything is called', () => {
  const c = new Cloud();
  for (const [args, part] of [[['build', '--prefix', 'UPPER'], 'prefix'], [['build', '--prefix', 'toolongprefix'], 'prefix'], [['build'], 'prefix'], [['fly', '--prefix', 'abc'], 'usage'],
    [['build', '--prefix', 'abc', '--location', 'moon', '--dry-run'], 'no shared attestation service'], [['build', '--prefix', 'abc', '--key-size', '1024'], 'key-size'],
    [['build', '--prefix', 'abc', '--what'], 'unknown option'], [['deploy', '--prefix', c.prefix, '--parties', '/none'], 'parties']]) {
    const r = spawnSync('sh', ['scripts/deploy.sh', ...args], { cwd: ROOT, encoding: 'utf8', env: { PATH: `${c.bin}:${process.env.PATH}`, FAKE_CLOUD: c.file, PARLEYCTL: c.ctl } });
    assert.notEqual(r.status, 0);
    assert.ok((r.stdout + r.stderr).includes(part), r.stdout + r.stderr);
    assert.ok(!fs.existsSync(c.file));
  }
  prefixes.add('abc');
});

test('the single-party steps of single.md work as they are written', () => {
  const c = new Cloud();
  const text = fs.readFileSync(path.join(ROOT, 'scripts/deploy/single.md'), 'utf8');
  const steps = [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map((m) => m[1]);
  assert.ok(steps.length >= 4);
  c.must('build', ['--dry-run']);
  const env = { PATH: `${c.bin}:${process.env.PATH}`, HOME: c.dir, FAKE_CLOUD: c.file, OUT: path.join(c.dir, 'single') };
  const r = spawnSync('sh', ['-eu', '-c', `alias parleyctl='${c.ctl}'\nmake() { :; }\n${steps.join('\n').replaceAll('build/parleyctl', c.ctl)}`], { cwd: ROOT, encoding: 'utf8', env });
  assert.equal(r.status, 0, r.stdout + r.stderr);
  const hash = fs.readFileSync(path.join(env.OUT, 'single.hostdata'), 'utf8').trim();
  const key = Object.values(c.state.vaults)[0].keys['single-secret-key'];
  assert.equal(key.policy.anyOf.length, 1);
  assert.ok(JSON.stringify(key.policy).includes(hash));
  assert.equal(sha256(Buffer.from(Object.values(c.state.groups)[0].properties.confidentialComputeProperties.ccePolicy, 'base64')), hash);
  assert.match(fs.readFileSync(c.verified, 'utf8'), new RegExp(hash));
});
