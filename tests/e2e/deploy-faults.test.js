// scripts/deploy.sh when something breaks: every program it runs fails once, call by call; parleyctl makes no, an empty, a short or
// another policy, or leaves those of an earlier run. Each time the exit status is not 0 and nothing is submitted afterwards.
'use strict';
const assert = require('node:assert');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, describe, it } = require('node:test');
const { ROOT } = require('../world/party');

const temp = fs.mkdtempSync(path.join(os.tmpdir(), 'parley-deploy-faults-'));
const prefixes = new Set();
after(() => {
  fs.rmSync(temp, { recursive: true, force: true });
  for (const p of prefixes) fs.rmSync(path.join(ROOT, 'build/deploy', p), { recursive: true, force: true });
});

const script = (file, text) => fs.writeFileSync(file, `#!/bin/sh\n${text}`, { mode: 0o755 });
// Counts the call; the one numbered FAIL_AT fails without a word.
const COUNT = (name) => `read -r n < "$FAULTS/count"
n=$((n + 1))
echo $n > "$FAULTS/count"
echo "${name} $*" >> "$FAULTS/calls"
if [ $n = "\${FAIL_AT:-0}" ]; then echo BROKEN >> "$FAULTS/calls"; exit 1; fi
`;

// What Azure and the cluster answer when all is well. Azure knows no key yet.
const AZURE = {
  az: `case "$*" in
'account show'*|*'identity show'*|*'signed-in-user show'*) echo 11111111-2222-3333-4444-555555555555 ;;
'keyvault key show'*|'keyvault show'*) echo 'ERROR: (KeyNotFound) was not found' >&2; exit 3 ;;
*'public-ip show'*) echo 203.0.113.7 ;;
*'aks show'*|'acr login'*) echo an-answer ;;
esac
`,
  kubectl: 'case "$*" in *podIP*) echo 10.2.0.9 ;; esac\n', skopeo: '', helm: '', git: 'for last; do :; done; mkdir -p "$last"\n',
};

// Every program of this machine that the words of the scripts could mean.
function programs() {
  const files = ['scripts/deploy.sh', ...fs.readdirSync(path.join(ROOT, 'scripts/deploy')).filter((n) => n.endsWith('.sh')).map((n) => `scripts/deploy/${n}`)];
  const words = new Set(files.flatMap((f) => fs.readFileSync(path.join(ROOT, f), 'utf8').match(/\b[a-z][a-z0-9]+\b/g)));
  return [...words].map((w) => `/usr/bin/${w}`).filter((p) => fs.existsSync(p) && !fs.statSync(p).isDirectory());
}

let made = 0;
class Bench {
  constructor() {
    this.prefix = `f${process.pid.toString(36).slice(-4)}${(made++).toString(36)}`.slice(0, 8);
    prefixes.add(this.prefix);
    this.dir = path.join(temp, this.prefix);
    this.bin = path.join(this.dir, 'bin');
    this.out = path.join(ROOT, 'build/deploy', this.prefix);
    fs.mkdirSync(this.bin, { recursive: true });
    for (const p of programs()) script(path.join(this.bin, path.basename(p)), `${COUNT(path.basename(p))}exec ${p} "$@"\n`);
    for (const [name, text] of Object.entries(AZURE)) script(path.join(this.bin, name), COUNT(name) + text);
    // Asked again and again until it succeeds; no call of it decides anything.
    script(path.join(this.bin, 'curl'), '');
    script(path.join(this.bin, 'parleyctl'), `${COUNT('parleyctl')}[ "$1" != verify ] || exit 0\nexec build/parleyctl "$@"\n`);
    // One party, so that there are few calls.
    fs.writeFileSync(path.join(this.dir, 'alone.json'), JSON.stringify({
      name: 'alone', command: ['/parley'], env: { SKR_KEY_NAME: 'alone-secret-key', SKR_AKV_ENDPOINT: '${ALONE_AKV}', AZURE_CLIENT_ID: '${ALONE_CLIENT_ID}', OPERATOR_AUTH: 'sha256:${ALONE_OPERATOR_SHA256}' },
      key: { name: 'alone-secret-key', authority: 'https://${MAA}', release_to: ['alone'] },
    }));
    fs.writeFileSync(path.join(this.dir, 'parties'), `alone ${path.join(this.dir, 'alone.json')}\n`);
  }

  // options: command, mode: further arguments, at: the call that fails, ctl: text of another parleyctl.
  run({ command = 'deploy', mode = [], at = 0, ctl }) {
    fs.writeFileSync(path.join(this.dir, 'count'), '0\n');
    fs.writeFileSync(path.join(this.dir, 'calls'), '');
    let parleyctl = path.join(this.bin, 'parleyctl');
    if (ctl !== undefined) {
      parleyctl = path.join(this.dir, 'parleyctl-other');
      script(parleyctl, `[ "$1" != verify ] || exit 0\n${ctl}`);
    }
    const r = spawnSync('/bin/sh', ['scripts/deploy.sh', command, '--prefix', this.prefix, '--parties', path.join(this.dir, 'parties'), ...mode], {
      cwd: ROOT, encoding: 'utf8', env: { PATH: this.bin, FAULTS: this.dir, FAIL_AT: String(at), PARLEYCTL: parleyctl, HOME: this.dir, DEPLOY_WAIT: '0', DEPLOY_TRIES: '2' },
    });
    const calls = fs.readFileSync(path.join(this.dir, 'calls'), 'utf8').trim().split('\n');
    return { status: r.status, text: r.stdout + r.stderr, calls };
  }
}

// What changes something that others see.
const SUBMITS = /^(az (deployment group|keyvault key) create|kubectl apply|helm upgrade|skopeo copy)/;
const MODES = { 'container instances': [], 'virtual nodes': ['--aks'] };

describe('whatever program fails, at whichever call, the run ends there', () => {
  // A call that was broken in one mode need not be in the other.
  const seen = { build: new Set(), deploy: new Set() };
  for (const [name, mode] of Object.entries(MODES)) {
    for (const command of ['build', 'deploy']) {
      it(`${name}: ${command}`, () => {
        const b = new Bench();
        if (command === 'deploy') assert.strictEqual(b.run({ command: 'build', mode }).status, 0);
        const well = b.run({ command, mode });
        assert.strictEqual(well.status, 0, well.text);
        assert.ok(well.calls.length > 25, well.calls.join('\n'));
        assert.ok(well.calls.some((c) => SUBMITS.test(c)));
        const plain = well.calls.map((c) => c.replaceAll(b.prefix, 'P').replace(/-[0-9a-f]{6}-/g, '-S-'));
        const which = plain.map((c, i) => i + 1).filter((at) => !seen[command].has(plain[at - 1]));
        for (const c of plain) seen[command].add(c);
        for (const at of which) {
          // Everything that exists already would be found there: begin as the first run did.
          if (command === 'build') fs.rmSync(b.out, { recursive: true, force: true });
          const r = b.run({ command, mode, at });
          const broken = r.calls.indexOf('BROKEN');
          if (broken < 0) continue; // fewer calls than in the first run, which made the tokens
          const what = `call ${at}, ${r.calls[broken - 1]}\n${r.text}`;
          assert.notStrictEqual(r.status, 0, `went on after ${what}`);
          assert.deepStrictEqual(r.calls.slice(broken).filter((c) => SUBMITS.test(c)), [], `submitted after ${what}`);
        }
      });
    }
  }
});

describe('a policy that is none is never submitted', () => {
  const b = new Bench();
  const real = 'build/parleyctl "$@" || exit 1; for p in build/deploy/*/policy; do case $p in */"$PREFIX"/*) out=$p ;; esac; done\n';
  const broken = {
    'parleyctl fails': 'exit 1\n',
    'parleyctl fails after it wrote everything': 'build/parleyctl "$@"; exit 1\n',
    'parleyctl is killed': 'kill -9 $$\n',
    'parleyctl makes nothing and says that all is well': 'exit 0\n',
    'the base64 is empty': `${real}: > $out/alone.b64\n`,
    'the base64 is missing': `${real}rm $out/alone.b64\n`,
    'the base64 is short': `${real}head -c 400 $out/alone.b64 > $out/x; mv $out/x $out/alone.b64\n`,
    'the base64 lacks its last character': `${real}size=$(wc -c < $out/alone.b64); head -c $((size - 1)) $out/alone.b64 > $out/x; mv $out/x $out/alone.b64\n`,
    'the base64 is another policy\'s': `${real}echo cGFja2FnZSBwb2xpY3k= > $out/alone.b64\n`,
    'the text is empty': `${real}: > $out/alone.rego\n`,
    'the text is another': `${real}echo >> $out/alone.rego\n`,
    'the hash is empty': `${real}: > $out/alone.hostdata\n`,
    'the hash is short': `${real}echo abc > $out/alone.hostdata\n`,
    'the hash is another, of the same text in all files but one': `${real}printf '%064d\\n' 1 > $out/alone.hostdata\n`,
    'no hash is printed': `${real.replace('"$@"', '"$@" > /dev/null')}exit 0\n`,
    'the settings are missing': `${real}rm $out/alone.env.json\n`,
    'the settings are short': `${real}printf '[{"name":' > $out/alone.env.json\n`,
    'the command is empty': `${real}: > $out/alone.command.json\n`,
    'the release policy is empty': `${real}: > $out/alone.release.json\n`,
    'the release policy names another hash': `${real}echo '{"anyOf":[]}' > $out/alone.release.json\n`,
    'the key has no name': `${real}: > $out/alone.key\n`,
  };
  for (const [name, mode] of Object.entries(MODES)) {
    it(`${name}: the first run, and after a run that went well`, () => {
      assert.strictEqual(b.run({ command: 'build', mode }).status, 0);
      const kept = path.join(b.dir, 'kept');
      fs.rmSync(kept, { recursive: true, force: true });
      fs.cpSync(b.out, kept, { recursive: true });
      for (const [what, text] of Object.entries(broken)) {
        fs.rmSync(b.out, { recursive: true });
        fs.cpSync(kept, b.out, { recursive: true });
        const r = b.run({ mode, ctl: `PREFIX=${b.prefix} PATH=/usr/bin:/bin\n${text}` });
        assert.notStrictEqual(r.status, 0, `${what}\n${r.text}`);
        assert.deepStrictEqual(r.calls.filter((c) => SUBMITS.test(c)), [], `${what}\n${r.text}`);
        // What an earlier run left is no longer there to be taken.
        const left = fs.readdirSync(b.out).filter((n) => /^alone.*(template\.json|yaml)$/.test(n));
        for (const n of left) assert.strictEqual(fs.statSync(path.join(b.out, n)).size, 0, `${what}: ${n}`);
        if (what !== Object.keys(broken)[0]) continue;
        // From now on there is a run that went well before.
        const well = b.run({ mode });
        assert.strictEqual(well.status, 0, `${what}: the run after it\n${well.text}`);
        fs.rmSync(kept, { recursive: true });
        fs.cpSync(b.out, kept, { recursive: true });
      }
    });
  }
});

it('what cannot be seen is not taken for absent: no second version of a key because the vault did not answer', () => {
  const b = new Bench();
  assert.strictEqual(b.run({ command: 'build' }).status, 0);
  script(path.join(b.bin, 'az'), COUNT('az') + AZURE.az.replace("'ERROR: (KeyNotFound) was not found'", "'ERROR: connection timed out'"));
  const r = b.run({});
  assert.notStrictEqual(r.status, 0, r.text);
  assert.ok(!r.calls.some((c) => SUBMITS.test(c)), r.text);
});

it('an answer that is empty, or more than a word, is no answer', () => {
  for (const answer of ['', 'two words', '"quoted"', 'a;b', '$(x)']) {
    const b = new Bench();
    assert.strictEqual(b.run({ command: 'build' }).status, 0);
    script(path.join(b.bin, 'az'), `${COUNT('az')}case "$*" in *'--query clientId'*) echo '${answer}'; exit 0 ;; esac\n${AZURE.az}`);
    const r = b.run({});
    assert.notStrictEqual(r.status, 0, r.text);
    assert.ok(!r.calls.some((c) => SUBMITS.test(c)), r.text);
  }
});
