// The access test shows evidence: what it says follows the policy, the report, the user it runs as and what listens.
'use strict';
const assert = require('node:assert');
const { describe, it } = require('node:test');
const { spawnSync } = require('child_process');
const fs = require('fs');
const pkis = require('../standin/pki');
const { solo } = require('./lib');

const container = (name, { stdio = false, exec = '[]' } = {}) => `{"allow_elevated":false,"allow_stdio_access": ${stdio},\n "command":["/${name}"], "exec_processes" : ${exec}, "name":"${name}","no_new_privileges":true}`;
const policy = (...containers) => `package policy\n\ncontainers := [\n${containers.join(',\n')}\n]\n`;

// Runs one party with this policy text; hash: what the report says (default: the hash of the text).
async function run(text, { hash = pkis.hostData(text), ...options } = {}) {
  const s = await solo({ context: { policyText: text }, box: { 'host-data': hash }, ...options });
  try {
    await s.start();
    const r = await s.party.post('/container/access-test', {});
    assert.strictEqual(r.status, 200, r.text);
    const by = (word) => r.json.tests.find((t) => t.name.includes(word));
    return { json: r.json, ssh: by('SSH'), exec: by('Exec'), stdio: by('Shell'), root: by('Privilege') };
  } finally {
    await s.stop();
  }
}

describe('the access test', () => {
  it('a measured policy that denies exec and stdio is evidence', async () => {
    const text = policy(container('parley'), container('pause'));
    const t = await run(text);
    assert.deepStrictEqual([t.exec.result, t.stdio.result, t.json.tee], ['blocked', 'blocked', true]);
    assert.deepStrictEqual(t.json.policy, { supplied: true, sha256: pkis.hostData(text), host_data: pkis.hostData(text), matches_host_data: true, stdio_denied: true, exec_denied: true });
    assert.match(t.json.policy_reference, /hardware report/);
  });

  it('one container that allows it is enough to say so', async () => {
    const t = await run(policy(container('parley'), container('pause', { stdio: true, exec: '[{"command":["/bin/sh"]}]' })));
    assert.deepStrictEqual([t.exec.result, t.stdio.result], ['unexpected', 'not_enforced']);
    assert.deepStrictEqual([t.json.policy.stdio_denied, t.json.policy.exec_denied, t.json.policy.matches_host_data], [false, false, true]);
  });

  it('a text that is not the measured policy proves nothing', async () => {
    const t = await run(policy(container('parley')), { hash: 'ab'.repeat(32) });
    assert.deepStrictEqual([t.stdio.result, t.json.policy.matches_host_data, t.json.policy.host_data], ['not_enforced', false, 'ab'.repeat(32)]);
    assert.notStrictEqual(t.exec.result, 'blocked');
    assert.match(t.stdio.detail, /not the measured one/);
  });

  it('without hardware nothing is enforced, and it says so', async () => {
    const t = await run(policy(container('parley')), { box: null });
    assert.deepStrictEqual([t.json.tee, t.stdio.result, t.json.policy.matches_host_data, 'host_data' in t.json.policy], [false, 'not_enforced', false, false]);
    assert.match(t.stdio.detail, /no SEV-SNP hardware/);
    assert.match(t.json.summary, /not in a TEE$/);
  });

  it('what listens is listed, and port 22 is tried', async () => {
    const t = await run(policy(container('parley')));
    const ssh = t.ssh.evidence.listening_ports.includes(22);
    assert.ok(ssh || t.ssh.evidence.listening_ports.length > 0);
    assert.strictEqual(t.ssh.result, ssh || t.ssh.evidence.connect === 'success' ? 'unexpected' : 'blocked');
  });

  const setpriv = spawnSync('setpriv', ['--version']).status === 0 && process.getuid() === 0;
  it('an unprivileged user without capabilities cannot become root', { skip: setpriv ? false : 'needs root and setpriv' }, async () => {
    const wrap = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=-all', '--ambient-caps=-all', '--bounding-set=-all', '--no-new-privs'];
    const data = fs.mkdtempSync('/tmp/parley-access-');
    try {
      fs.chmodSync(data, 0o777);
      const t = await run(policy(container('parley')), { box: null, wrap, open: true, settings: { DATA_DIR: data, EXTRA_TRUST_ANCHOR: null } });
      assert.deepStrictEqual([t.root.result, t.root.evidence.uid, t.root.evidence.cap_eff, t.root.evidence.no_new_privs], ['blocked', 65534, 0, 1]);
      assert.deepStrictEqual([t.root.evidence.setuid_0, t.root.evidence.execve], ['EPERM', 'EPERM']);
      assert.ok(['EACCES', 'ENOENT', 'EPERM'].includes(t.root.evidence.dev_mem));
    } finally {
      fs.rmSync(data, { recursive: true, force: true });
    }
  });
});
