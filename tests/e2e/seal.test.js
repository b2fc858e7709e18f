// The seal of the shipped program from outside: what the process has given up, that a denied call ends it, that a stop and the whole work do
// not, what it does on kernels without seccomp or Landlock, and that it runs in a container with the usual profile and without.
'use strict';
const assert = require('node:assert');
const { execFileSync, spawnSync } = require('child_process');
const fs = require('fs');
const os = require('os');
const path = require('path');
const { after, describe, test } = require('node:test');
const { routes } = require('../contract/contract');
const { World } = require('../world/world');
const { Contained, whyNoContainers } = require('./lib-container');
const { solo, scratch, newPeer, upload, ROOT, sleep } = require('./lib');

const DEBUG = path.join(ROOT, 'build/debug/parley');
const WITHOUT = path.join(ROOT, 'build/tests/without');
const SECCOMP = '317';
const LANDLOCK = ['444', '445', '446'];
const root = process.getuid() === 0 ? false : 'needs root';
const inject = spawnSync('strace', ['-f', '-o', '/dev/null', '-e', 'inject=getppid:retval=0:syscall=getuid', 'true']).status === 0 ? false : 'strace cannot be used here';

const proc = (pid, file) => fs.readFileSync(`/proc/${pid}/${file}`, 'utf8');
const info = async (party) => (await party.get('/info', { localAddress: newPeer() })).json;
const accessTest = async (party) => (await party.post('/container/access-test', {}, { localAddress: newPeer() })).json.tests.find((t) => t.name.includes('Privilege'));

let abi; // Landlock's here, as the first test finds it

// A party by itself, without the device; f(party) while it runs.
async function alone(options, f) {
  const s = await solo({ box: null, context: null, ...options });
  try {
    await s.start();
    await f(s.party);
  } finally { await s.stop(); }
}

function checkSealed(status, filters) {
  for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) assert.match(status, new RegExp(`^${set}:\\s0+$`, 'm'));
  assert.match(status, /^NoNewPrivs:\s1$/m);
  assert.match(status, /^Seccomp:\s2$/m);
  const counted = /^Seccomp_filters:\s(\d+)$/m.exec(status);
  if (counted) assert.strictEqual(Number(counted[1]), filters);
}

describe('what the sealed process has given up', () => {
  test('capabilities, new privileges, core dumps, large files, many files, further processes: in every thread', { skip: root }, async () => {
    await alone({}, async (party) => {
      const { pid } = party.child;
      const threads = fs.readdirSync(`/proc/${pid}/task`);
      assert.ok(threads.length > 8);
      for (const t of threads) checkSealed(proc(pid, `task/${t}/status`), 1);
      const limits = proc(pid, 'limits');
      const limit = (name) => new RegExp(`^Max ${name} +(\\S+) +(\\S+) `, 'm').exec(limits).slice(1);
      assert.deepStrictEqual(limit('core file size'), ['0', '0']);
      assert.deepStrictEqual(limit('processes'), ['0', '0']);
      assert.deepStrictEqual(limit('file size'), [String(2 ** 36), String(2 ** 36)]);
      const [soft, hard] = limit('open files').map(Number);
      assert.ok(soft === hard && soft >= 256 && soft <= 8192, `${soft} ${hard}`);
      const t = await accessTest(party);
      assert.deepStrictEqual([t.result, t.evidence.cap_eff, t.evidence.execve, t.evidence.setuid_0], ['blocked', 0, 'EPERM', 'EPERM']);
      abi = (await info(party)).confinement.landlock_abi;
      if (abi > 0) assert.strictEqual(t.evidence.self_mem, 'EACCES');
    });
  });

  test('memory: secrets locked and not dumped, relocated data read-only, nothing writable and executable', { skip: root }, async () => {
    const symbols = execFileSync('nm', ['-S', path.join(ROOT, 'build/parley.full')], { encoding: 'utf8' });
    const [relro] = execFileSync('readelf', ['-lW', path.join(ROOT, 'build/parley')], { encoding: 'utf8' }).split('\n').filter((l) => l.includes('GNU_RELRO')).map((l) => l.trim().split(/\s+/));
    await alone({}, async (party) => {
      const areas = proc(party.child.pid, 'smaps').split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m).map((text) => {
        const [, from, to, rights] = /^([0-9a-f]+)-([0-9a-f]+) (\S{4})/.exec(text);
        const kb = (name) => Number(new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(text)[1]);
        return { from: BigInt(`0x${from}`), to: BigInt(`0x${to}`), rights, flags: / *VmFlags: (.*)/.exec(text)[1].split(' '), size: kb('Size'), locked: kb('Locked') };
      });
      const base = areas[0].from; // of the program: it is loaded below its own data
      const under = (from, length) => areas.filter((a) => a.from < base + from + length && a.to > base + from);
      // The TLS key is in the first page of its identity; certificates follow.
      for (const [name, length] of [['secret'], ['tls', 4096n]]) {
        const [, at, size] = new RegExp(`^([0-9a-f]+) ([0-9a-f]+) b ${name}$`, 'm').exec(symbols);
        const found = under(BigInt(`0x${at}`), length || BigInt(`0x${size}`));
        assert.ok(found.length > 0, name);
        for (const a of found) {
          assert.ok(['lo', 'dd', 'wf'].every((f) => a.flags.includes(f)), `${name}: ${a.flags}`);
          assert.strictEqual(a.locked, a.size, name);
        }
      }
      // Only whole pages can be protected: the linker lets the segment end at the end of one.
      for (const a of under(BigInt(relro[2]), BigInt(relro[5]))) assert.strictEqual(a.rights, 'r--p');
      assert.deepStrictEqual(areas.filter((a) => /wx/.test(a.rights)), []);
    });
  });
});

test('a stopped party goes on, as one does whose container was paused', async () => {
  await alone({}, async (party) => {
    const state = () => /^State:\s(\S)/m.exec(proc(party.child.pid, 'status'))[1];
    for (let i = 0; i < 3; i++) {
      party.child.kill('SIGSTOP');
      while (state() !== 'T') await sleep(5);
      party.child.kill('SIGCONT');
      await party.listening();
    }
  });
});

describe('a denied call', { skip: inject }, () => {
  // The first accept4 becomes getppid, which is not allowed: only a sealed worker accepts.
  const wrap = ['strace', '-D', '-f', '-o', '/dev/null', '-e', 'trace=accept4', '-e', 'inject=accept4:error=EAGAIN:syscall=getppid'];
  async function trip(program) {
    const s = await solo({ box: null, context: null, wrap });
    try {
      if (program) s.party.program = program;
      s.party.start();
      await s.party.until('sealed', () => /system calls confined/.test(s.party.log));
      await assert.rejects(s.party.get('/health', { timeout: 10000 }));
      return { end: await s.party.ended, log: s.party.log };
    } finally { await s.stop(); }
  }

  test('ends the shipped program at once, without a word', async () => {
    const { end, log } = await trip();
    assert.deepStrictEqual(end, { code: null, signal: 'SIGSYS' });
    assert.doesNotMatch(log, /is not allowed/);
  });

  test('is named by the debug build before it dies the same way', async () => {
    const { end, log } = await trip(DEBUG);
    assert.deepStrictEqual(end, { code: null, signal: 'SIGSYS' });
    assert.match(log, /^sealed: system call 110 \(getppid\) is not allowed with( 0x[0-9a-f]+){6}$/m);
  });
});

describe('what is missing', () => {
  test('without seccomp it does not start, and says why', async () => {
    const s = await solo({ box: null, context: null, wrap: [WITHOUT, SECCOMP, '--'] });
    try {
      assert.deepStrictEqual(await s.party.start().ended, { code: 1, signal: null });
      assert.match(s.party.log, /error \S+ seal: no seccomp: .*does not run unsealed/);
    } finally { await s.stop(); }
  });

  test('without Landlock it starts and says so, in the log and in /info; the rest of the seal holds', async () => {
    await alone({ wrap: [WITHOUT, ...LANDLOCK, '--'] }, async (party) => {
      assert.match(party.log, /warn \S+ seal: this kernel has no Landlock/);
      const { confinement } = await info(party);
      assert.strictEqual(confinement.landlock_abi, 0);
      assert.ok(confinement.system_calls_allowed <= 40);
      const t = await accessTest(party);
      assert.strictEqual(t.evidence.execve, 'EPERM');
      if (!root) assert.deepStrictEqual([t.evidence.self_mem, t.result], ['success', 'not_enforced']);
    });
  });
});

// Every route on the party it is for, and on one without hardware; a name that no server knows takes musl's resolver along.
async function everything(world) {
  await world.start();
  const { contoso, fabrikam, snooper } = world;
  if (world.azurite) for (const party of [contoso, fabrikam]) await party.until('its records shared', () => /shared blob holds our records/.test(party.log));
  const ask = async (party, route) => {
    const body = typeof route.send === 'function' ? await route.send(world, party) : route.send;
    return party.request(route.method, route.ask || route.path, { body: body ?? (route.method === 'POST' ? {} : undefined), localAddress: newPeer() });
  };
  for (const route of routes) {
    const party = world.parties[route.on || 'contoso'];
    if (route.stream) {
      const { events } = await party.events(route.path);
      assert.strictEqual(events[events.length - 1].type, 'complete');
    } else {
      const r = await ask(party, route);
      // Without Azurite there is nothing to list or load.
      assert.ok(r.status === route.ok || (!world.azurite && r.status < 600), `${route.path}: ${r.status} ${r.text}`);
      await ask(snooper, { ...route, send: typeof route.send === 'function' ? {} : route.send });
    }
  }
  assert.strictEqual((await upload(contoso, fs.readFileSync(path.join(ROOT, 'tests/data/fabrikam.csv')))).status, 200);
  assert.deepStrictEqual(await fabrikam.stop(), { code: 0, signal: null });
  fabrikam.settings.SKR_MAA_ENDPOINT = 'attest.parley.invalid';
  fabrikam.settings.AUTO_INIT = 'off';
  fabrikam.start();
  await fabrikam.listening();
  assert.ok((await fabrikam.post('/attest/maa', { runtime_data: 'AAAA' }, { localAddress: newPeer() })).status >= 500);
}

test('the whole work, with the program that would name it, makes no denied call', async (t) => {
  const world = await World.make({ dir: scratch('seal'), blob: 'auto', grantAll: true, settings: { all: { DEBUG_ROUTES: 'on' } } });
  let ends;
  t.after(async () => {
    if (!ends) await world.stop();
    world.clearData();
  });
  for (const party of Object.values(world.parties)) party.program = DEBUG;
  try {
    await everything(world);
    ends = await world.stop();
  } finally {
    assert.deepStrictEqual(Object.values(world.parties).flatMap((party) => party.log.match(/^sealed: .*$/gm) || []), []);
  }
  for (const end of ends) assert.deepStrictEqual(end, { code: 0, signal: null });
});

// Docker's and containerd's default profile: what is not on the list is refused with EPERM, clone3 with ENOSYS.
function defaultProfile() {
  const names = fs.readFileSync(path.join(ROOT, 'tests/data/container-seccomp.txt'), 'utf8').replace(/^#.*$/gm, '').split(/\s+/).filter(Boolean);
  const allow = (name, index, value, op) => ({ names: [name], action: 'SCMP_ACT_ALLOW', args: [{ index, value, op, ...(op === 'SCMP_CMP_MASKED_EQ' ? { valueTwo: 0 } : {}) }] });
  return {
    defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 1, architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
    syscalls: [
      { names, action: 'SCMP_ACT_ALLOW' },
      allow('socket', 0, 40, 'SCMP_CMP_NE'), // any family but vsock
      allow('clone', 0, 0x7e020000, 'SCMP_CMP_MASKED_EQ'), // no new namespace
      { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: 38 },
      ...[0, 8, 0x20000, 0x20008, 0xffffffff].map((v) => allow('personality', 0, v, 'SCMP_CMP_EQ')),
    ],
  };
}
const DEFAULT_CAPABILITIES = ['CHOWN', 'DAC_OVERRIDE', 'FSETID', 'FOWNER', 'MKNOD', 'NET_RAW', 'SETGID', 'SETUID', 'SETFCAP', 'SETPCAP', 'NET_BIND_SERVICE', 'SYS_CHROOT', 'KILL', 'AUDIT_WRITE'].map((c) => `CAP_${c}`);

describe('in a container', () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'parley-seal-'));
  const why = whyNoContainers(dir) || false;
  after(() => fs.rmSync(dir, { recursive: true, force: true }));

  for (const [name, seccomp, filters] of [['with the usual profile', defaultProfile(), 2], ['without a profile', undefined, 1]]) {
    test(`${name} and the usual capabilities it answers and seals itself`, { skip: why }, async () => {
      const s = await solo({ box: null, context: null, settings: { DATA_DIR: '/data', EXTRA_TRUST_ANCHOR: null, CSV_PATH: null } });
      const party = new Contained(s.party, dir, { capabilities: DEFAULT_CAPABILITIES, noNewPrivileges: false, readonly: false, seccomp });
      try {
        party.start();
        await party.listening();
        checkSealed(proc(party.pid(), 'status'), filters);
        assert.strictEqual((await info(party)).confinement.landlock_abi, abi); // the profile allows Landlock's calls
        const t = await accessTest(party);
        assert.deepStrictEqual([t.evidence.cap_eff, t.evidence.execve, t.evidence.setuid_0], [0, 'EPERM', filters === 1 ? 'EPERM' : 'not tried']);
      } finally {
        await party.stop();
        await s.stop();
      }
    });
  }
});
