// What the kernel sees of a party during the whole main job: no program started after it, no file opened for writing but in its data
// directory (and the SNP device), connections to the configured services only.
'use strict';
const assert = require('node:assert');
const { spawnSync } = require('child_process');
const fs = require('fs');
const path = require('path');
const test = require('node:test');
const { World } = require('../world/world');
const { scratch, newPeer, upload, ROOT, PARLEY } = require('./lib');

const usable = spawnSync('strace', ['-f', '-o', '/dev/null', 'true']).status === 0;
const CALLS = ['execve', 'execveat', 'fork', 'vfork', 'clone', 'clone3', 'open', 'openat', 'openat2', 'creat', 'rename', 'renameat', 'renameat2', 'unlink', 'unlinkat',
  'mkdir', 'mkdirat', 'rmdir', 'link', 'linkat', 'symlink', 'symlinkat', 'truncate', 'ftruncate', 'chmod', 'fchmod', 'fchmodat', 'chown', 'fchown', 'fchownat', 'mknod', 'mknodat', 'mount',
  'ptrace', 'process_vm_readv', 'memfd_create', 'socket', 'connect', 'bind', 'sendto', 'sendmsg', 'setxattr', 'utimensat', 'io_uring_setup', 'bpf', 'kill', 'tgkill'];

// Lines "PID CALL(ARGS) = RESULT", calls that were interrupted by others put together again. -> [{pid, name, args, result}]
function parse(text) {
  const open = new Map();
  const out = [];
  for (const line of text.split('\n')) {
    const m = /^(\d+) +(.*)$/.exec(line);
    if (!m) continue;
    let [, pid, rest] = m;
    const cut = / <unfinished \.\.\.>$/.exec(rest);
    if (cut) {
      open.set(pid, rest.slice(0, cut.index));
      continue;
    }
    const resumed = /^<\.\.\. (\w+) resumed>(.*)$/.exec(rest);
    if (resumed) rest = (open.get(pid) || `${resumed[1]}(`) + resumed[2];
    const call = /^(\w+)\((.*)\)\s+= (-?\d+|\?)/.exec(rest);
    if (call) out.push({ pid, name: call[1], args: call[2], result: Number(call[3]), line: `${pid} ${rest}` });
  }
  return out;
}

// Only what the shipped program did: from its execve on, with all its threads.
function ofParley(calls) {
  const start = calls.findIndex((c) => c.name === 'execve' && c.args.startsWith(`"${PARLEY}"`) && c.result === 0);
  assert.ok(start >= 0, 'parley was started under strace');
  const pids = new Set([calls[start].pid]);
  const after = calls.slice(start + 1);
  // A thread's first calls may be noted before the call that made it has returned.
  for (const c of after) if (/^clone/.test(c.name) && pids.has(c.pid) && c.result > 0) pids.add(String(c.result));
  return after.filter((c) => pids.has(c.pid));
}

// The path of an open with its directory: openat(AT_FDCWD</cwd>, "name", ...), openat(7</dir>, "name", ...).
function pathOf({ args }) {
  const m = /^(?:(?:AT_FDCWD|\d+)<([^>]*)>, )?"((?:[^"\\]|\\.)*)"/.exec(args);
  assert.ok(m, args);
  assert.ok(m[1] || m[2].startsWith('/'), args);
  return path.resolve(m[1] || '/', m[2]);
}

function check(name, calls, dataDir, servicePorts) {
  const about = (list) => `${name}:\n${list.map((c) => c.line).join('\n')}`;
  const named = (...names) => calls.filter((c) => names.includes(c.name));
  const none = (list) => assert.deepStrictEqual(list.map((c) => c.line), [], name);
  const inside = (file) => file === dataDir || file.startsWith(`${dataDir}/`);

  none(named('execve', 'execveat', 'fork', 'vfork', 'ptrace', 'process_vm_readv', 'memfd_create', 'mount', 'bpf', 'io_uring_setup', 'kill', 'creat', 'openat2'));
  const threads = named('clone', 'clone3');
  assert.ok(threads.length >= 3 && threads.every((c) => /CLONE_THREAD/.test(c.args)), about(threads));

  const opens = named('open', 'openat');
  const writing = opens.filter((c) => /O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND|O_TMPFILE/.test(c.args));
  assert.ok(writing.some((c) => inside(pathOf(c))), 'the data directory was written');
  none(writing.filter((c) => !inside(pathOf(c)) && !['/dev/sev-guest', '/dev/sev'].includes(pathOf(c))));
  none(opens.filter((c) => /^\/(etc\/(passwd|shadow)|root|home|proc\/\d)/.test(pathOf(c))));

  const changes = calls.filter((c) => /^(rename|unlink|mkdir|rmdir|link|symlink|truncate|chmod|chown|mknod|fchmodat|fchownat|setxattr|utimensat)/.test(c.name));
  none(changes.filter((c) => !inside(pathOf(c))));
  none(changes.filter((c) => /link|symlink|mknod|chmod|chown/.test(c.name) && !/^unlink/.test(c.name)));

  none(named('socket').filter((c) => !/^AF_INET6?, SOCK_STREAM/.test(c.args)));
  const targets = named('connect').map((c) => ({ c, port: Number((/sin6?_port=htons\((\d+)\)/.exec(c.args) || [])[1]), local: /127\.0\.0\.1|"::1"/.test(c.args) }));
  assert.ok(targets.length > 0);
  none(targets.filter((x) => !x.local || !servicePorts.has(x.port)).map((x) => x.c));
}

test('strace of Contoso and Woodgrove during the main job', { skip: usable ? false : 'strace cannot be used here' }, async (t) => {
  const world = await World.make({ dir: scratch('strace') });
  t.after(() => world.clearData());
  const names = ['contoso', 'woodgrove'];
  const file = (name) => path.join(world.options.dir, `${name}.strace`);
  for (const name of names) {
    world.parties[name] = world.makeParty(name, { wrap: ['strace', '-D', '-f', '-y', '-s', '300', '-e', `trace=${CALLS.map((c) => `?${c}`).join(',')}`, '-o', file(name)] });
    world[name] = world.parties[name];
  }
  await world.start(['contoso', 'fabrikam', 'woodgrove']);
  const { contoso, woodgrove } = world;

  // Everything a party does: release, attest, import, list, encrypt, decrypt, deny, analyse both ways.
  const ok = async (p) => { const r = await p; assert.strictEqual(r.status, 200, r.text); return r; };
  await ok(contoso.post('/skr/release', undefined, { localAddress: newPeer() }));
  await ok(contoso.post('/skr/release-other', undefined, { localAddress: newPeer() }));
  await ok(contoso.post('/attest/raw', {}, { localAddress: newPeer() }));
  await ok(contoso.get('/info', { localAddress: newPeer() }));
  await ok(contoso.get('/'));
  const e = await ok(contoso.post('/encrypt', { plaintext: 'x' }, { localAddress: newPeer() }));
  await ok(contoso.post('/decrypt', { ciphertext: e.json.ciphertext }, { localAddress: newPeer() }));
  await ok(upload(contoso, fs.readFileSync(path.join(ROOT, 'tests/data/fabrikam.csv'))));
  await ok(contoso.post('/company/populate', undefined, { localAddress: newPeer() }));
  await ok(contoso.get('/company/list'));
  const whole = await ok(woodgrove.post('/partner/analyze', {}, { localAddress: newPeer() }));
  assert.strictEqual(whole.json.total_count, 240);
  const stream = await woodgrove.events('/partner/analyze-stream');
  assert.strictEqual(stream.events[stream.events.length - 1].type, 'complete');

  const { addresses } = world.services;
  const ports = [addresses.maa, ...Object.values(addresses.vaults), ...Object.values(world.provisioned.parties).map((p) => p.imds), world.woodgrove.settings.PARTNER_CONTOSO_URL, world.woodgrove.settings.PARTNER_FABRIKAM_URL].map((u) => Number(new URL(u).port));
  for (const end of await world.stop()) assert.strictEqual(end.code, 0);
  for (const name of names) {
    // The tracer writes its last lines after its tracee has ended.
    let text = '';
    for (let i = 0; i < 50 && !/\+\+\+ exited with 0 \+\+\+\n$/.test(text); i++) {
      text = fs.readFileSync(file(name), 'utf8');
      await new Promise((r) => { setTimeout(r, 100); });
    }
    check(name, ofParley(parse(text)), world.parties[name].settings.DATA_DIR, new Set(ports));
  }
});
